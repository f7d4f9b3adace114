package sigv4_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

type embedding struct{ sigv4.Credentials }

func TestCredentialsNeverShow(t *testing.T) {
	c := sigv4.Credentials{AccessKeyID: "KEYID", SecretAccessKey: "the/secret+key", SessionToken: "the/session+token"}
	signer := &sigv4.Signer{Credentials: c, Region: "r", Service: "s3"}
	r := newRequest(t, "GET", "http://h/")
	now := time.Now()
	if err := signer.Sign(r, "", now); err != nil {
		t.Fatal(err)
	}
	verifier := &sigv4.Verifier{Secret: func(string) (string, bool) { return c.SecretAccessKey, true }}
	verified, err := verifier.Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	key := sigv4.SigningKey(c.SecretAccessKey, now, "r", "s3")
	forbidden := []string{c.SecretAccessKey, c.SessionToken, fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), fmt.Sprint(key), fmt.Sprint(key[:])}
	for _, s := range []string{c.SecretAccessKey, c.SessionToken} {
		forbidden = append(forbidden, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprint([]byte(s)))
	}
	check := func(how, out string) {
		t.Helper()
		for _, f := range forbidden {
			if strings.Contains(out, f) {
				t.Errorf("%s shows %q: %s", how, f, out)
			}
		}
	}
	values := map[string]any{
		"value": c, "pointer": &c, "slice": []sigv4.Credentials{c}, "map": map[string]sigv4.Credentials{"k": c},
		"field": struct{ C sigv4.Credentials }{c}, "embedded": embedding{c}, "signer": signer, "verified": verified,
	}
	for name, v := range values {
		// Not %p and %w: fmt prints the fields of a value with a verb that
		// does not exist for it and asks no method; go vet finds those.
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t", "%20v", "%-.3s"} {
			check(name+" "+verb, fmt.Sprintf(verb, v))
		}
		check(name+" Print", fmt.Sprint(v)+fmt.Sprintln(v))
		check(name+" Errorf", fmt.Errorf("x: %v", v).Error())
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("m", "v", v, slog.Group("g", "v", v))
			check(name+" slog", b.String())
		}
		if out, err := json.Marshal(v); err == nil {
			check(name+" json", string(out))
		}
		if out, err := xml.Marshal(v); err == nil {
			check(name+" xml", string(out))
		}
	}
	if got := fmt.Sprintf("%s %v", c, signer); strings.Count(got, "KEYID") != 2 {
		t.Errorf("the key ID is missing: %q", got)
	}
}

func TestSignRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sigv4.Signer, *http.Request)
	}{
		{"key id", func(s *sigv4.Signer, _ *http.Request) { s.AccessKeyID = "" }},
		{"secret", func(s *sigv4.Signer, _ *http.Request) { s.SecretAccessKey = "" }},
		{"region", func(s *sigv4.Signer, _ *http.Request) { s.Region = "" }},
		{"service", func(s *sigv4.Signer, _ *http.Request) { s.Service = "" }},
		{"host", func(_ *sigv4.Signer, r *http.Request) { r.Host, r.URL.Host = "", "" }},
		{"URL", func(_ *sigv4.Signer, r *http.Request) { r.Host, r.URL = "", nil }},
		{"opaque", func(_ *sigv4.Signer, r *http.Request) { r.URL.Opaque = "//h/p" }},
		{"presigned", func(_ *sigv4.Signer, r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=0" }},
		{"body", func(_ *sigv4.Signer, r *http.Request) { r.Body = http.MaxBytesReader(nil, http.NoBody, 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := s3Signer(), newRequest(t, "GET", "http://h/")
			c.change(s, r)
			if err := s.Sign(r, "", s3Time); err == nil {
				t.Error("Sign: no error")
			}
			if len(r.Header) != 0 {
				t.Errorf("headers were set: %v", r.Header)
			}
			if _, err := s.Presign(r, time.Minute, s3Time); err == nil && c.name != "body" {
				t.Error("Presign: no error")
			}
		})
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Millisecond, sigv4.MaxExpiry + 1} {
		if _, err := s3Signer().Presign(newRequest(t, "GET", "http://h/"), d, s3Time); err == nil {
			t.Errorf("Presign for %v: no error", d)
		}
	}
}

// Signing again replaces what the first signature set, a token of other
// credentials among it.
func TestSignAgain(t *testing.T) {
	r := newRequest(t, "GET", "http://h/")
	s := s3Signer()
	s.SessionToken, s.UnsignedPayload = "token", true
	if err := s.Sign(r, "", s3Time.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("X-Amz-Security-Token") != "token" || r.Header.Get("X-Amz-Content-Sha256") != sigv4.UnsignedPayload {
		t.Errorf("headers %v", r.Header)
	}
	if err := s3Signer().Sign(r, "", s3Time); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(r.Header)); !slices.Equal(got, []string{"Authorization", "X-Amz-Content-Sha256", "X-Amz-Date"}) {
		t.Errorf("headers %v", got)
	}
	if _, err := s3Verifier().Verify(r); err != nil {
		t.Error(err)
	}
}

// A proxy that adds or changes what proxies do must not break a signature.
func TestUnsignedHeaders(t *testing.T) {
	r := newRequest(t, "GET", "http://h/", "User-Agent", "a", "Accept-Encoding", "gzip", "X-Forwarded-For", "1.2.3.4", "Proxy-Authorization", "x", "Accept", "y")
	r.Header["x-lower"] = []string{"1"}
	r.Header["X-Lower"] = []string{"2"}
	if err := s3Signer().Sign(r, "", s3Time); err != nil {
		t.Fatal(err)
	}
	if want := "SignedHeaders=accept;host;x-amz-content-sha256;x-amz-date;x-lower,"; !strings.Contains(r.Header.Get("Authorization"), want) {
		t.Errorf("%s lacks %s", r.Header.Get("Authorization"), want)
	}
	if _, err := s3Verifier().Verify(received(t, r)); err != nil {
		t.Error(err)
	}
}

func TestConcurrentUse(t *testing.T) {
	s, v := s3Signer(), s3Verifier()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 300 { // more days than the cache has room for
				at := s3Time.AddDate(0, 0, i%100)
				r := newRequest(t, "GET", "http://h/k?x=1", "Range", fmt.Sprint(i))
				if err := s.Sign(r, "", at); err != nil {
					t.Error(err)
				}
				if _, err := v.Verify(r); err != nil && at.Equal(s3Time) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, query, path string }{
		{"", "", ""},
		{"azAZ09-._~", "azAZ09-._~", "azAZ09-._~"},
		{"a b+c/d%20*", "a%20b%2Bc%2Fd%2520%2A", "a%20b%2Bc/d%2520%2A"},
		{"ሴ\x00\xff", "%E1%88%B4%00%FF", "%E1%88%B4%00%FF"},
	} {
		if got := sigv4.Escape(c.in); got != c.query {
			t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.query)
		}
		if got := sigv4.EscapePath(c.in); got != c.path {
			t.Errorf("EscapePath(%q) = %q, want %q", c.in, got, c.path)
		}
		if back, err := url.PathUnescape(sigv4.Escape(c.in)); err != nil || back != c.in {
			t.Errorf("Escape(%q) decodes to %q, %v", c.in, back, err)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"searchmetadata":       "searchmetadata=",
		"a=":                   "a=",
		"b&a&&":                "a=&b=",
		"a=b=c":                "a=b%3Dc",
		"a=x+y":                "a=x%2By",
		"a=x%20y":              "a=x%20y",
		"a=1;b=2&c":            "a=1%3Bb%3D2&c=",
		"k=2&k=1&k":            "k=&k=1&k=2",
		"a=a/b&a=a-b":          "a=a%2Fb&a=a-b", // sorted as encoded
		"a-=1&a=2":             "a=2&a-=1",      // names before values
		"%7Ea=%7e&%41=%e1%zz%": "A=%E1%25zz%25&~a=~",
		"A=1&a=1&B=1":          "A=1&B=1&a=1",
	} {
		got := sigv4.CanonicalQuery(in)
		if got != want {
			t.Errorf("CanonicalQuery(%q) = %q, want %q", in, got, want)
		}
		if again := sigv4.CanonicalQuery(got); again != got {
			t.Errorf("CanonicalQuery(%q) = %q: not stable", got, again)
		}
	}
}

func TestCanonicalPath(t *testing.T) {
	s3 := sigv4.PathRules{DisableDoubleEncode: true, DisableNormalize: true}
	for _, c := range []struct {
		rules    sigv4.PathRules
		in, want string
	}{
		{s3, "", "/"},
		{s3, "/a/../b/./c//", "/a/../b/./c//"},
		{s3, "/a%2Fb%2f%20%7E$(", "/a%2Fb%2F%20~%24%28"},
		{sigv4.PathRules{}, "/a%20b//./c/../", "/a%2520b/"},
		{sigv4.PathRules{}, "/..", "/"},
		{sigv4.PathRules{DisableNormalize: true}, "/a//%41", "/a//%2541"},
	} {
		r := newRequest(t, "GET", "http://h"+c.in)
		got := strings.Split(sigv4.CanonicalRequest(r, nil, "", c.rules), "\n")[1]
		if got != c.want {
			t.Errorf("%+v: path %q is %q, want %q", c.rules, c.in, got, c.want)
		}
	}
}
