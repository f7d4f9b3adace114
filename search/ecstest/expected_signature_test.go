package ecstest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// A wrong signature is answered by what should have been signed, to the byte,
// in the header and presigned, and by nothing that helps to sign.
func TestExpectedCanonicalRequest(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 9, 10, 0, time.UTC)
	s, _ := startServer(t, func(s *Server) { s.Now = func() time.Time { return at } })
	ok(t, s.CreateBucket("b", "Size"))
	host := strings.TrimPrefix(s.URL, "http://")
	const scope = "20261123/us-east-1/s3/aws4_request"
	const target = "/b/?query=Size%3E1%20and%20Size%3C5&max-keys=7&sorted=Size"
	signerOf := func(secret string) *sigv4.Signer {
		c := s.testClient(t)
		c.signer.Credentials.SecretAccessKey, c.signer.Credentials.SessionToken = secret, "the/session+token"
		return c.signer
	}
	request := func(target string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+target, nil)
		ok(t, err)
		return r
	}
	for name, tc := range map[string]struct {
		sign      func(r *http.Request, secret string) (*http.Request, string) // the request, signed, and its signature
		canonical string
	}{
		"header": {func(r *http.Request, secret string) (*http.Request, string) {
			ok(t, signerOf(secret).Sign(r, sigv4.UnsignedPayload, at))
			_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			return r, signature
		}, "GET\n/b/\nmax-keys=7&query=Size%3E1%20and%20Size%3C5&sorted=Size\n" +
			"host:" + host + "\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:20261123T080910Z\nx-amz-security-token:REDACTED\n\n" +
			"host;x-amz-content-sha256;x-amz-date;x-amz-security-token\nUNSIGNED-PAYLOAD"},
		"presigned": {func(r *http.Request, secret string) (*http.Request, string) {
			signed, err := signerOf(secret).Presign(r, time.Hour, at)
			ok(t, err)
			r = request(strings.TrimPrefix(signed, s.URL))
			return r, r.URL.Query().Get("X-Amz-Signature")
		}, "GET\n/b/\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + sigv4.Escape(DefaultAccessKeyID+"/"+scope) +
			"&X-Amz-Date=20261123T080910Z&X-Amz-Expires=3600&X-Amz-Security-Token=REDACTED&X-Amz-SignedHeaders=host" +
			"&max-keys=7&query=Size%3E1%20and%20Size%3C5&sorted=Size\n" +
			"host:" + host + "\n\nhost\nUNSIGNED-PAYLOAD"},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.testClient(t)
			defer c.http.CloseIdleConnections()
			good, right := tc.sign(request(target), DefaultSecretAccessKey)
			c.send(good).must(t, 200)
			bad, wrong := tc.sign(request(target), "not-the-secret")
			got := c.send(bad).must(t, 403)
			e := got.xml(t)
			if e.text("Code") != "SignatureDoesNotMatch" || e.text("Resource") != "/b/" {
				t.Errorf("got %s", got.body)
			}
			if diff := cmp.Diff(tc.canonical, e.text("CanonicalRequest")); diff != "" {
				t.Errorf("the canonical request:\n%s", diff)
			}
			// The string to sign holds a hash of the request with the token in it.
			unmasked := strings.NewReplacer("x-amz-security-token:REDACTED", "x-amz-security-token:the/session+token",
				"X-Amz-Security-Token=REDACTED", "X-Amz-Security-Token="+sigv4.Escape("the/session+token")).Replace(tc.canonical)
			sum := sha256.Sum256([]byte(unmasked))
			want := "AWS4-HMAC-SHA256\n20261123T080910Z\n" + scope + "\n" + hex.EncodeToString(sum[:])
			if diff := cmp.Diff(want, e.text("StringToSign")); diff != "" {
				t.Errorf("the string to sign:\n%s", diff)
			}
			key := sigv4.SigningKey(DefaultSecretAccessKey, at, "us-east-1", "s3")
			for what, secret := range map[string]string{"the secret": DefaultSecretAccessKey, "the right signature": right,
				"the signature sent": wrong, "the token": "the/session+token", "the escaped token": sigv4.Escape("the/session+token"),
				"the signing key": hex.EncodeToString(key[:]), "the name of the signature": "X-Amz-Signature"} {
				if secret == "" || strings.Contains(got.body, secret) {
					t.Errorf("the answer has %s", what)
				}
			}
		})
	}
}

// So it is with version 2, which has no canonical request.
func TestExpectedStringToSignV2(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 9, 10, 0, time.UTC)
	s, c := startServer(t, func(s *Server) { s.Now = func() time.Time { return at } })
	ok(t, s.CreateBucket("b", "Size"))
	date := at.Format(http.TimeFormat)
	expires := "1795424950"
	const target = "/b/?query=Size%3E1%20and%20Size%3C5&max-keys=7"
	for name, tc := range map[string]struct{ text, masked string }{
		"header": {"GET\n\n\n" + date + "\nx-amz-security-token:the/session+token\n/b/?query=Size>1 and Size<5",
			"GET\n\n\n" + date + "\nx-amz-security-token:REDACTED\n/b/?query=Size>1 and Size<5"},
		"presigned": {"GET\n\n\n" + expires + "\n/b/?query=Size>1 and Size<5", "GET\n\n\n" + expires + "\n/b/?query=Size>1 and Size<5"},
	} {
		t.Run(name, func(t *testing.T) {
			send := func(secret string) (got answer, signature string) {
				signature = signV2(secret, tc.text)
				url := s.URL + target
				if name == "presigned" {
					url += "&AWSAccessKeyId=" + DefaultAccessKeyID + "&Expires=" + expires + "&Signature=" + sigv4.Escape(signature)
				}
				r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
				ok(t, err)
				if name == "header" {
					r.Header.Set("Date", date)
					r.Header.Set("X-Amz-Security-Token", "the/session+token")
					r.Header.Set("Authorization", "AWS "+DefaultAccessKeyID+":"+signature)
				}
				return c.send(r), signature
			}
			good, right := send(DefaultSecretAccessKey)
			good.must(t, 200)
			got, wrong := send("not-the-secret")
			e := got.must(t, 403).xml(t)
			if diff := cmp.Diff(tc.masked, e.text("StringToSign")); diff != "" || e.text("Code") != "SignatureDoesNotMatch" {
				t.Errorf("%s\n%s", diff, got.body)
			}
			for what, secret := range map[string]string{"the secret": DefaultSecretAccessKey, "the right signature": right,
				"the signature sent": wrong, "the token": "the/session+token"} {
				if strings.Contains(got.body, secret) {
					t.Errorf("the answer has %s", what)
				}
			}
		})
	}
}
