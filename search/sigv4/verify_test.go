package sigv4_test

import (
	"bufio"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// code is the S3 code of err, "" for nil.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *sigv4.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is a %T", err, err)
	}
	return e.Code
}

// received is r as a server reads it from the wire.
func received(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire strings.Builder
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const awkward = "http://127.0.0.1:9020/bucket/a%2Fb/./c//%E1%88%B4%20x~*$?query=x-amz-meta-a%3D%3D'x%20y'%20and%20Size%3E%3D3+1;&b=2&b=1&searchmetadata&&a%zz=%7E*"

func TestRoundTripHeader(t *testing.T) {
	for _, service := range []string{"s3", "execute-api"} {
		u, err := url.Parse(strings.ReplaceAll(awkward, "%zz", "%25zz"))
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: "PUT", URL: u, Header: http.Header{
			"X-Emc-Namespace": {"ns"}, "X-Amz-Meta-A": {" two   blanks ", "again"}, "User-Agent": {"x"},
		}}
		signer := s3Signer()
		signer.AccessKeyID, signer.SessionToken, signer.Service = "123/4@ecstestdrive.emc.com", "token", service
		if err := signer.Sign(r, sigv4.UnsignedPayload, s3Time); err != nil {
			t.Fatal(err)
		}
		v := s3Verifier()
		v.Secret = func(id string) (string, bool) { return s3Key.SecretAccessKey, id == signer.AccessKeyID }
		got, err := v.Verify(received(t, r))
		if service != "s3" { // its payload hash is not in a header
			if code(t, err) != sigv4.CodeSignatureDoesNotMatch {
				t.Errorf("%s: %v", service, err)
			}
			if err := signer.Sign(r, "", s3Time); err != nil {
				t.Fatal(err)
			}
			got, err = v.Verify(received(t, r))
		}
		if err != nil {
			var e *sigv4.Error
			errors.As(err, &e)
			t.Fatalf("%v\n%s", err, e.CanonicalRequest)
		}
		want := sigv4.Verified{
			AccessKeyID: "123/4@ecstestdrive.emc.com", Region: "us-east-1", Service: service, Time: s3Time,
			SignedHeaders: []string{"host", "x-amz-content-sha256", "x-amz-date", "x-amz-meta-a", "x-amz-security-token", "x-emc-namespace"},
			PayloadHash:   sigv4.UnsignedPayload,
		}
		if service != "s3" {
			want.SignedHeaders = append(want.SignedHeaders[:1:1], want.SignedHeaders[2:]...)
			want.PayloadHash, want.PayloadAssumed = sigv4.EmptyPayloadHash, true
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(sigv4.Verified{})); diff != "" {
			t.Errorf("Verified (-want +got):\n%s", diff)
		}
	}
}

func TestRoundTripQuery(t *testing.T) {
	for _, service := range []string{"s3", "execute-api"} {
		r := newRequest(t, "GET", "http://127.0.0.1:9020/bucket/k%20ey?b=x+y;z&a", "Range", "bytes=0-9", "X-Emc-Namespace", "ns")
		before := r.Clone(t.Context())
		signer := s3Signer()
		signer.AccessKeyID, signer.SessionToken, signer.Service = "123@ecstestdrive.emc.com", "to/ken", service
		signed, err := signer.Presign(r, time.Minute, s3Time)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, r, cmpopts.IgnoreUnexported(http.Request{})); diff != "" {
			t.Errorf("Presign changed the request:\n%s", diff)
		}
		v := s3Verifier()
		v.Secret = func(id string) (string, bool) { return s3Key.SecretAccessKey, id == signer.AccessKeyID }
		got, err := v.Verify(received(t, newRequest(t, "GET", signed, "Range", "bytes=0-9", "X-Emc-Namespace", "ns")))
		if err != nil {
			t.Fatal(err)
		}
		want := sigv4.Verified{
			AccessKeyID: signer.AccessKeyID, Region: "us-east-1", Service: service, Time: s3Time, Presigned: true,
			SignedHeaders: []string{"host", "range", "x-emc-namespace"},
			PayloadHash:   sigv4.UnsignedPayload, PayloadAssumed: true,
		}
		if service != "s3" {
			want.PayloadHash = sigv4.EmptyPayloadHash
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(sigv4.Verified{})); diff != "" {
			t.Errorf("Verified (-want +got):\n%s", diff)
		}
	}
}

// edit changes one part of an Authorization header or a query.
func edit(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		if s := r.Header.Get("Authorization"); s != "" {
			r.Header.Set("Authorization", strings.Replace(s, old, new, 1))
		} else {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, new, 1)
		}
	}
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestTamperedHeader(t *testing.T) {
	later := func(d time.Duration) func(*sigv4.Verifier) {
		return func(v *sigv4.Verifier) { v.Now = func() time.Time { return s3Time.Add(d) } }
	}
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		setup  func(*sigv4.Verifier)
		want   string
	}{
		{name: "nothing"},
		{name: "method", change: func(r *http.Request) { r.Method = "DELETE" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "path", change: func(r *http.Request) { r.URL.Path = "/test2.txt" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "query", change: func(r *http.Request) { r.URL.RawQuery += "&c" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "host", change: func(r *http.Request) { r.Host = "other" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "header", change: set("Range", "bytes=0-10"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "payload hash", change: set("X-Amz-Content-Sha256", strings.Repeat("0", 64)), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "payload text", change: set("X-Amz-Content-Sha256", strings.Repeat("A", 64)), want: sigv4.CodeInvalidArgument},
		{name: "time", change: set("X-Amz-Date", "20130524T000001Z"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "no time", change: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, want: sigv4.CodeAccessDenied},
		{name: "bad time", change: set("X-Amz-Date", "yesterday"), want: sigv4.CodeAccessDenied},
		{name: "other day", change: set("X-Amz-Date", "20130525T000000Z"), want: sigv4.CodeHeaderMalformed},
		{name: "added x-amz header", change: set("X-Amz-Acl", "public-read"), want: sigv4.CodeAccessDenied},
		{name: "added other header", change: set("Via", "proxy")},
		{name: "host not signed", change: edit("host;", ""), want: sigv4.CodeAccessDenied},
		{name: "fewer headers", change: edit("range;", ""), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "signature", change: edit("Signature=", "Signature=0"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "no signature", change: edit("Signature=", "S="), want: sigv4.CodeHeaderMalformed},
		{name: "no credential", change: edit("Credential=", "C="), want: sigv4.CodeHeaderMalformed},
		{name: "no headers", change: edit("SignedHeaders=", "S="), want: sigv4.CodeHeaderMalformed},
		{name: "region", change: edit("us-east-1", "us-east-2"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "service", change: edit("/s3/", "/s4/"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "terminator", change: edit("aws4_request", "aws5_request"), want: sigv4.CodeHeaderMalformed},
		{name: "short scope", change: edit("/us-east-1/s3", ""), want: sigv4.CodeHeaderMalformed},
		{name: "key id", change: edit("AKIA", "BKIA"), want: sigv4.CodeInvalidAccessKeyID},
		{name: "algorithm", change: edit("AWS4-HMAC-SHA256", "AWS"), want: sigv4.CodeInvalidArgument},
		{name: "not signed", change: func(r *http.Request) { r.Header.Del("Authorization") }, want: sigv4.CodeAccessDenied},
		{name: "signed twice", change: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=0" }, want: sigv4.CodeInvalidArgument},
		{name: "two headers", change: func(r *http.Request) { r.Header.Add("Authorization", "AWS x:y") }, want: sigv4.CodeInvalidArgument},
		{name: "secret", setup: func(v *sigv4.Verifier) { v.Secret = func(string) (string, bool) { return "other", true } }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "wanted region", setup: func(v *sigv4.Verifier) { v.Region = "eu-west-1" }, want: sigv4.CodeHeaderMalformed},
		{name: "wanted service", setup: func(v *sigv4.Verifier) { v.Service = "iam" }, want: sigv4.CodeHeaderMalformed},
		{name: "15 minutes late", setup: later(15 * time.Minute)},
		{name: "too late", setup: later(15*time.Minute + time.Second), want: sigv4.CodeRequestTimeTooSkewed},
		{name: "15 minutes early", setup: later(-15 * time.Minute)},
		{name: "too early", setup: later(-15*time.Minute - time.Second), want: sigv4.CodeRequestTimeTooSkewed},
		{name: "own skew", setup: func(v *sigv4.Verifier) {
			v.MaxSkew = time.Minute
			v.Now = func() time.Time { return s3Time.Add(2 * time.Minute) }
		}, want: sigv4.CodeRequestTimeTooSkewed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequest(t, "GET", "http://examplebucket.s3.amazonaws.com/test.txt?a=1", "Range", "bytes=0-9")
			if err := s3Signer().Sign(r, "", s3Time); err != nil {
				t.Fatal(err)
			}
			v := s3Verifier()
			if c.change != nil {
				c.change(r)
			}
			if c.setup != nil {
				c.setup(v)
			}
			got, err := v.Verify(r)
			if code(t, err) != c.want {
				t.Errorf("Verify: %v, want %q", err, c.want)
			}
			if err != nil && got.AccessKeyID != "" {
				t.Errorf("an error comes with %+v", got)
			}
		})
	}
}

func TestTamperedQuery(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		after  time.Duration
		want   string
	}{
		{name: "nothing"},
		{name: "method", change: func(r *http.Request) { r.Method = "PUT" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "path", change: func(r *http.Request) { r.URL.Path = "/x" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "query", change: edit("a=1", "a=2"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "added parameter", change: func(r *http.Request) { r.URL.RawQuery += "&b" }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "order", change: func(r *http.Request) {
			r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery, "X-Amz-Algorithm=AWS4-HMAC-SHA256&") + "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
		}},
		{name: "longer", change: edit("Expires=60", "Expires=600"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "too long", change: edit("Expires=60", "Expires=604801"), want: sigv4.CodeQueryParameters},
		{name: "negative", change: edit("Expires=60", "Expires=-1"), want: sigv4.CodeQueryParameters},
		{name: "no number", change: edit("Expires=60", "Expires=1h"), want: sigv4.CodeQueryParameters},
		{name: "no expiry", change: edit("X-Amz-Expires", "X-Amz-Explodes"), want: sigv4.CodeQueryParameters},
		{name: "no signature", change: edit("X-Amz-Signature", "X-Amz-Sig"), want: sigv4.CodeQueryParameters},
		{name: "algorithm", change: edit("HMAC", "ECDSA"), want: sigv4.CodeQueryParameters},
		{name: "credential", change: edit("aws4_request", "aws5_request"), want: sigv4.CodeQueryParameters},
		{name: "time", change: edit("T000000Z", "T00"), want: sigv4.CodeQueryParameters},
		{name: "day", change: edit("Date=20130524", "Date=20130523"), want: sigv4.CodeQueryParameters},
		{name: "key id", change: edit("AKIA", "BKIA"), want: sigv4.CodeInvalidAccessKeyID},
		{name: "signature", change: edit("Signature=", "Signature=0"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "second signature", change: func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=0&" + r.URL.RawQuery }, want: sigv4.CodeSignatureDoesNotMatch},
		{name: "header", change: set("Range", "bytes=1-2"), want: sigv4.CodeSignatureDoesNotMatch},
		{name: "unsigned x-amz header", change: set("X-Amz-Acl", "public-read"), want: sigv4.CodeAccessDenied},
		{name: "at its end", after: time.Minute},
		{name: "expired", after: time.Minute + time.Second, want: sigv4.CodeAccessDenied},
		{name: "within the skew", after: -15 * time.Minute},
		{name: "not yet", after: -16 * time.Minute, want: sigv4.CodeAccessDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			signed, err := s3Signer().Presign(newRequest(t, "GET", "http://b.s3.amazonaws.com/k?a=1", "Range", "bytes=0-9"), time.Minute, s3Time)
			if err != nil {
				t.Fatal(err)
			}
			r := newRequest(t, "GET", signed, "Range", "bytes=0-9")
			if c.change != nil {
				c.change(r)
			}
			v := s3Verifier()
			v.Now = func() time.Time { return s3Time.Add(c.after) }
			if _, err := v.Verify(r); code(t, err) != c.want {
				t.Errorf("Verify: %v, want %q", err, c.want)
			}
		})
	}
}

// authorize signs canonical, as a client with its own ideas about it would.
func authorize(r *http.Request, canonical, signedHeaders string) {
	key := sigv4.SigningKey(s3Key.SecretAccessKey, s3Time, "us-east-1", "s3")
	scope := sigv4.Scope(s3Time, "us-east-1", "s3")
	r.Header.Set("Authorization", sigv4.Algorithm+" Credential="+s3Key.AccessKeyID+"/"+scope+",SignedHeaders="+signedHeaders+
		",Signature="+sigv4.Signature(key, sigv4.StringToSign(canonical, s3Time, scope)))
}

// ECS's Java client signs with the hash of an empty payload, sends no
// x-amz-content-sha256, and encodes as java.net.URLEncoder does.
func TestJavaClient(t *testing.T) {
	newPut := func() *http.Request {
		r := httptest.NewRequest("PUT", "/b/k~($)?query=a%3D%3D'*~'", strings.NewReader("body"))
		r.Host = "ecs.example.com"
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		return r
	}
	slash := newPut() // a key that begins with a slash is sent as /b/%2Fk and signed as /b//k
	slash.URL.Path, slash.URL.RawPath = "/b//k~", "/b/%2Fk~"
	tail := "\nhost:ecs.example.com\nx-amz-date:20130524T000000Z\n\nhost;x-amz-date\n" + sigv4.EmptyPayloadHash
	java, aws := newPut(), newPut()
	authorize(java, "PUT\n/b/k~($)\nquery=a%3D%3D%27*%7E%27"+tail, "host;x-amz-date")
	authorize(slash, "PUT\n/b//k~\nquery=a%3D%3D%27*%7E%27"+tail, "host;x-amz-date")
	spaced := java.Clone(t.Context())
	spaced.Header.Set("Authorization", strings.ReplaceAll(java.Header.Get("Authorization"), ",Signature=", ", Signature= "))
	authorize(aws, "PUT\n/b/k~%28%24%29\nquery=a%3D%3D%27%2A~%27"+tail, "host;x-amz-date")

	tolerant := s3Verifier()
	tolerant.JavaEncoding = true
	for _, c := range []struct {
		name    string
		v       *sigv4.Verifier
		request *http.Request
		want    string
	}{
		{"strict, AWS", s3Verifier(), aws, ""},
		{"strict, Java", s3Verifier(), java, sigv4.CodeSignatureDoesNotMatch},
		{"tolerant, AWS", tolerant, aws, ""},
		{"tolerant, Java", tolerant, java, ""},
		{"tolerant, Java, %2F", tolerant, slash, ""},
		{"tolerant, Java, a blank before the signature", tolerant, spaced, ""},
	} {
		got, err := c.v.Verify(c.request)
		if code(t, err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err == nil && (!got.PayloadAssumed || got.PayloadHash != sigv4.EmptyPayloadHash) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// A request without x-amz-date is signed for its Date.
func TestDateHeader(t *testing.T) {
	r := newRequest(t, "GET", "http://h/", "Date", "Fri, 24 May 2013 00:00:00 GMT")
	authorize(r, "GET\n/\n\ndate:Fri, 24 May 2013 00:00:00 GMT\nhost:h\n\ndate;host\n"+sigv4.EmptyPayloadHash, "date;host")
	if _, err := s3Verifier().Verify(r); err != nil {
		t.Error(err)
	}
}

// A mismatch shows what was computed, but no token, and never the signature.
func TestMismatchShowsCanonicalRequest(t *testing.T) {
	r := newRequest(t, "GET", "http://h/k?X-Amz-Security-Token=qtoken&a=b")
	signer := s3Signer()
	signer.SessionToken = "htoken"
	if err := signer.Sign(r, "", s3Time); err != nil {
		t.Fatal(err)
	}
	signature := r.Header.Get("Authorization")[strings.Index(r.Header.Get("Authorization"), "Signature=")+10:]
	edit("Signature=", "Signature=0")(r)
	_, err := s3Verifier().Verify(r)
	var e *sigv4.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := "GET\n/k\nX-Amz-Security-Token=REDACTED&a=b\nhost:h\nx-amz-content-sha256:" + sigv4.EmptyPayloadHash +
		"\nx-amz-date:20130524T000000Z\nx-amz-security-token:REDACTED\n\nhost;x-amz-content-sha256;x-amz-date;x-amz-security-token\n" + sigv4.EmptyPayloadHash
	if diff := cmp.Diff(want, e.CanonicalRequest); diff != "" {
		t.Errorf("canonical request (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(e.StringToSign, "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n") {
		t.Errorf("string to sign %q", e.StringToSign)
	}
	for _, secret := range []string{"htoken", "qtoken", signature, s3Key.SecretAccessKey} {
		if strings.Contains(e.CanonicalRequest+e.StringToSign+e.Error(), secret) {
			t.Errorf("the error shows %q", secret)
		}
	}
}

func TestStatus(t *testing.T) {
	for c, want := range map[string]int{
		sigv4.CodeSignatureDoesNotMatch: 403, sigv4.CodeAccessDenied: 403, sigv4.CodeInvalidAccessKeyID: 403, sigv4.CodeRequestTimeTooSkewed: 403,
		sigv4.CodeHeaderMalformed: 400, sigv4.CodeContentSHA256Mismatch: 400, sigv4.CodeNotImplemented: 501,
	} {
		if got := (&sigv4.Error{Code: c}).Status(); got != want {
			t.Errorf("%s: %d, want %d", c, got, want)
		}
	}
}
