package sigv4_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// pairs splits text into name=value lines, decoded nowhere.
func pairs(text string) [][2]string {
	var out [][2]string
	for line := range strings.SplitSeq(text, "\n") {
		name, value, _ := strings.Cut(line, "=")
		out = append(out, [2]string{name, value})
	}
	return out
}

// headerName makes any text the name of a header that both signers sign.
func headerName(s string) string {
	s = strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' {
			return c
		}
		return 'x'
	}, s)
	return http.CanonicalHeaderKey("X-Amz-Meta-" + s)
}

// headerValue makes any text a value that reaches a server as it is.
func headerValue(s string) string {
	return strings.Trim(strings.Map(func(c rune) rune {
		if c != ' ' && (unicode.IsSpace(c) || unicode.IsControl(c)) || c == utf8.RuneError {
			return -1
		}
		return c
	}, s), " ")
}

// FuzzSignLikeSDK signs what the SDK's own signer signs, in both forms, and
// compares the signatures; and verifies the SDK's.
func FuzzSignLikeSDK(f *testing.F) {
	f.Add("GET", "/b/k", "a=1\nb=2", "k=v", "", int64(0))
	f.Add("PUT", "/b//k ~*$%2F/../ü;", "query=x-amz-meta-a=='x y' and Size>3\nsearchmetadata=\n+=;&\na=a/b\na=a-b", "k=  two   blanks \nk=again\nK2=ü", "token/+=", int64(86399))
	f.Add("DELETE", "//", "=\n=1\n%41=%zz", "", "t", int64(1e9))
	f.Fuzz(func(t *testing.T, method, path, query, headers, token string, seconds int64) {
		if len(path) > 1<<10 || len(query) > 1<<10 || len(headers) > 1<<10 {
			return
		}
		token = headerValue(token)
		at := time.Unix(seconds&0xffffffff, 0)
		u := &url.URL{Scheme: "http", Host: "127.0.0.1:9020", Path: "/" + path, RawPath: sigv4.EscapePath("/" + path)}
		var raw []string
		for _, p := range pairs(query) {
			raw = append(raw, sigv4.Escape(p[0])+"="+sigv4.Escape(p[1]))
		}
		if query != "" {
			u.RawQuery = strings.Join(raw, "&")
		}
		if strings.Contains(u.RawQuery, "X-Amz-") {
			return // not a request to sign
		}
		r := &http.Request{Method: headerName(method), URL: u, Header: http.Header{}}
		for _, p := range pairs(headers) {
			r.Header.Add(headerName(p[0]), headerValue(p[1]))
		}
		r.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload)

		credentials := aws.Credentials{AccessKeyID: "123/4@ecstestdrive.emc.com", SecretAccessKey: s3Key.SecretAccessKey, SessionToken: token}
		sdk := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		signer := s3Signer()
		signer.AccessKeyID, signer.SessionToken = credentials.AccessKeyID, token
		verifier := s3Verifier()
		verifier.Secret = func(id string) (string, bool) { return s3Key.SecretAccessKey, id == credentials.AccessKeyID }
		verifier.Now = func() time.Time { return at }

		theirs, ours := r.Clone(t.Context()), r.Clone(t.Context())
		if err := sdk.SignHTTP(t.Context(), credentials, theirs, sigv4.UnsignedPayload, "s3", "us-east-1", at); err != nil {
			t.Fatal(err)
		}
		if err := signer.Sign(ours, sigv4.UnsignedPayload, at); err != nil {
			t.Fatal(err)
		}
		if want, got := theirs.Header.Get("Authorization"), ours.Header.Get("Authorization"); want != got {
			t.Errorf("%s %q %v\nSDK  %s\nours %s", r.Method, u, r.Header, want, got)
		}
		if _, err := verifier.Verify(theirs); err != nil {
			t.Errorf("%s %q %v: %v", r.Method, u, r.Header, err)
		}

		r.Header.Del("X-Amz-Content-Sha256")
		theirs = r.Clone(t.Context())
		theirs.URL.RawQuery = strings.Trim(theirs.URL.RawQuery+"&X-Amz-Expires=60", "&")
		want, _, err := sdk.PresignHTTP(t.Context(), credentials, theirs, sigv4.UnsignedPayload, "s3", "us-east-1", at,
			func(o *v4.SignerOptions) { o.DisableHeaderHoisting = true })
		if err != nil {
			t.Fatal(err)
		}
		got, err := signer.Presign(r, time.Minute, at)
		if err != nil {
			t.Fatal(err)
		}
		signature := func(s string) string { return s[strings.LastIndex(s, "=")+1:] }
		if signature(want) != signature(got) {
			t.Errorf("presigned %s %q %v\nSDK  %s\nours %s", r.Method, u, r.Header, want, got)
		}
		if theirs.URL, err = url.Parse(want); err != nil {
			t.Fatal(err)
		}
		if _, err := verifier.Verify(theirs); err != nil {
			t.Errorf("presigned %s: %v", want, err)
		}
	})
}

// FuzzVerify: no bytes that net/http reads as a request panic, hang or are
// accepted unsigned, and errors keep their type.
func FuzzVerify(f *testing.F) {
	seed := func(r *http.Request) {
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	seed(signedWith(f, sigv4.UnsignedPayload, "hello"))
	seed(signedWith(f, sigv4.EmptyPayloadHash, ""))
	seed(signedWith(f, sigv4.StreamingUnsignedTrailer, "5\r\nhello\r\n0\r\na:b\r\n\r\n", "X-Amz-Trailer", "a", "X-Amz-Decoded-Content-Length", "5"))
	seed(signedWith(f, sigv4.StreamingPayload, "0;chunk-signature=00\r\n\r\n"))
	seed(streamed(f, sigv4.StreamingPayloadTrailer, signedTrailer))
	presigned, err := s3Signer().Presign(newRequest(f, "GET", "http://h/k?a+b;c"), time.Minute, s3Time)
	if err != nil {
		f.Fatal(err)
	}
	seed(newRequest(f, "GET", presigned))
	f.Add([]byte("GET /%zz?%=%&X-Amz-Signature=;&X-Amz-Date=%%% HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-SHA256 Credential=//////aws4_request,,=,SignedHeaders=;;\r\n\r\n"))

	v := s3Verifier()
	v.JavaEncoding = true
	v.MaxSkew = 1 << 62
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		verified, err := v.Verify(r)
		if err != nil {
			var e *sigv4.Error
			if !errors.As(err, &e) || e.Code == "" || e.Status() < 400 {
				t.Fatalf("error %v", err)
			}
			// The chunk reader is worth fuzzing without a signature too.
			r.Header.Del("Authorization")
			r.URL.RawQuery = ""
			payload := cmp.Or(r.Header.Get("X-Amz-Content-Sha256"), sigv4.UnsignedPayload)
			if err := s3Signer().Sign(r, payload, s3Time); err != nil {
				return
			}
			if verified, err = v.Verify(r); err != nil {
				return
			}
		}
		if verified.AccessKeyID != s3Key.AccessKeyID {
			t.Fatalf("accepted: %+v", verified)
		}
		body, err := verified.Body(r)
		if err != nil {
			return
		}
		if n, err := io.Copy(io.Discard, body); n > int64(len(wire)) {
			t.Fatalf("%d bytes of %d, %v", n, len(wire), err)
		}
		body.Close()
	})
}
