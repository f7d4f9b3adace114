package ecstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// received is what a client gets of an answer: whole, or up to err.
type received struct {
	resp *http.Response // nil: none
	body string
	err  error
}

// try sends a request over a connection of its own, so that the client does
// not repeat it.
func (c *client) try(ctx context.Context, method, target, body string, headers ...string) received {
	c.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, c.url+target, strings.NewReader(body))
	ok(c.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	ok(c.t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return received{err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return received{resp, string(data), err}
}

// faulty is a server with one rule, and 10 objects that numbered makes and one
// "text" of 26 letters.
func faulty(t *testing.T, rule Rule) (*Server, *client) {
	t.Helper()
	s, c := startServer(t)
	numbered(t, s, "b", 10)
	ok(t, s.PutObject("b", "text", []byte(letters), PutOptions{}))
	ok(t, s.SetRules(rule))
	return s, c
}

const letters = "abcdefghijklmnopqrstuvwxyz"

func TestFaultStatus(t *testing.T) {
	t.Run("with its code", func(t *testing.T) {
		_, c := faulty(t, Rule{Status: 503, Code: "SlowDown", Message: "Please reduce <your> rate.", RetryAfter: 7})
		got := c.get("/b/text").must(t, 503)
		e := got.xml(t)
		if e.XMLName.Local != "Error" || e.text("Code") != "SlowDown" || e.text("Message") != "Please reduce <your> rate." ||
			e.text("RequestId") == "<none>" || got.header.Get("Retry-After") != "7" || got.header.Get("x-amz-request-id") == "" {
			t.Errorf("got %+v", got)
		}
		if got := c.do("HEAD", "/b/text", "").must(t, 503); got.body != "" {
			t.Errorf("HEAD: %q", got.body)
		}
	})
	t.Run("usual codes", func(t *testing.T) {
		s, c := faulty(t, Rule{Status: 500})
		for status, code := range map[int]string{500: "InternalError", 403: "AccessDenied", 503: "SlowDown", 599: "InternalError", 404: "NoSuchKey"} {
			ok(t, s.SetRules(Rule{Status: status}))
			if got := c.get("/b/text").must(t, status); got.xml(t).text("Code") != code || got.header.Get("Retry-After") != "" {
				t.Errorf("%d: %s", status, got.body)
			}
		}
	})
	t.Run("200 with an error", func(t *testing.T) {
		_, c := faulty(t, Rule{Operations: []string{"Query"}, Status: 200, Code: "InternalError"})
		if e := c.query("b", "Size>=0"); e.XMLName.Local != "Error" || e.text("Code") != "InternalError" {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("carried out or not", func(t *testing.T) {
		s, c := faulty(t, Rule{Method: "PUT", Status: 500})
		c.do("PUT", "/b/lost", "x").must(t, 500)
		c.get("/b/lost").must(t, 404)
		ok(t, s.SetRules(Rule{Method: "PUT", Status: 500, Execute: true}))
		c.do("PUT", "/b/lost", "x").must(t, 500)
		c.get("/b/lost").must(t, 200)
	})
	t.Run("whatever the signature", func(t *testing.T) {
		_, c := faulty(t, Rule{Status: 503})
		c.signer.Credentials.SecretAccessKey = "wrong"
		c.get("/b/text").must(t, 503)
	})
}

func TestFaultCut(t *testing.T) {
	for _, tc := range []struct {
		name   string
		rule   Rule
		method string
		target string
		body   string // what arrives
		none   bool   // not even a header does
		err    error
	}{
		{"close", Rule{Cut: CutClose}, "GET", "/b/text", "", true, io.EOF},
		{"reset", Rule{Cut: CutReset}, "GET", "/b/text", "", true, syscall.ECONNRESET},
		{"close with a body unread", Rule{Cut: CutClose, Execute: true}, "PUT", "/b/new", "", true, io.EOF},
		{"close after the header", Rule{Cut: CutClose, CutAfter: new(int64(0))}, "GET", "/b/text", "", false, io.ErrUnexpectedEOF},
		{"close in the body", Rule{Cut: CutClose, CutAfter: new(int64(5))}, "GET", "/b/text", "abcde", false, io.ErrUnexpectedEOF},
		{"close before the last byte", Rule{Cut: CutClose, CutAfter: new(int64(25))}, "GET", "/b/text", letters[:25], false, io.ErrUnexpectedEOF},
		{"close in chunks", Rule{Cut: CutClose, CutAfter: new(int64(5)), Chunked: true}, "GET", "/b/text", "abcde", false, io.ErrUnexpectedEOF},
		{"close beyond the end", Rule{Cut: CutClose, CutAfter: new(int64(26))}, "GET", "/b/text", letters, false, nil},
		{"close without a body", Rule{Cut: CutClose, CutAfter: new(int64(0))}, "HEAD", "/b/text", "", false, nil},
		{"reset in the body", Rule{Cut: CutReset, CutAfter: new(int64(5))}, "GET", "/b/text", "abcde", false, syscall.ECONNRESET},
		{"reset in chunks", Rule{Cut: CutReset, CutAfter: new(int64(5)), Chunked: true}, "GET", "/b/text", "abcde", false, syscall.ECONNRESET},
		{"close in a failure", Rule{Status: 500, Cut: CutClose, CutAfter: new(int64(5))}, "GET", "/b/text", "<?xml", false, io.ErrUnexpectedEOF},
		{"reset in a document", Rule{Cut: CutReset, CutAfter: new(int64(5))}, "GET", "/b", "<?xml", false, syscall.ECONNRESET},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := faulty(t, tc.rule)
			body := ""
			if tc.method == "PUT" {
				body = "content"
			}
			got := c.try(t.Context(), tc.method, tc.target, body)
			if got.body != tc.body || !errors.Is(got.err, tc.err) || (got.resp == nil) != tc.none {
				t.Errorf("got %q, %v, response %v", got.body, got.err, got.resp)
			}
			if !tc.none && !tc.rule.Chunked && tc.rule.Status == 0 && tc.target == "/b/text" && got.resp.ContentLength != 26 {
				t.Errorf("length %d, want 26", got.resp.ContentLength)
			}
			if n := s.Rules()[0].Hits; n != 1 {
				t.Errorf("%d hits, want 1", n)
			}
		})
	}
}

// A reset reaches the client of a TLS connection without a farewell.
func TestFaultResetTLS(t *testing.T) {
	s := NewUnstartedServer()
	s.StartTLS()
	defer s.Close()
	numbered(t, s, "b", 3)
	ok(t, s.SetRules(Rule{Cut: CutReset}))
	c := s.testClient(t)
	c.trust(s)
	defer c.http.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/b/k001", nil)
	ok(t, err)
	if resp, err := c.http.Do(r); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, %v", resp, err)
		if err == nil {
			resp.Body.Close()
		}
	}
}

func TestFaultStall(t *testing.T) {
	t.Run("until the client goes", func(t *testing.T) {
		for _, method := range []string{"GET", "PUT"} {
			s, c := faulty(t, Rule{Cut: CutStall})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan received)
			go func() { done <- c.try(ctx, method, "/b/text", "abc") }()
			waitFor(t, func() bool { return s.Rules()[0].Hits == 1 })
			cancel()
			if got := <-done; !errors.Is(got.err, context.Canceled) {
				t.Errorf("%s: %v", method, got.err)
			}
			waitFor(t, func() bool { return !s.Requests()[0].End.IsZero() })
		}
	})
	t.Run("until the server is closed", func(t *testing.T) {
		for sent, rule := range map[int64]Rule{0: {Cut: CutStall}, 5: {Cut: CutStall, CutAfter: new(int64(5))}} {
			s, c := faulty(t, rule)
			done := make(chan received)
			go func() { done <- c.try(t.Context(), "GET", "/b/text", "") }()
			waitFor(t, func() bool { return s.Rules()[0].Hits == 1 && s.Requests()[0].Sent == sent })
			s.Close()
			if got := <-done; got.err == nil || errors.Is(got.err, context.Canceled) || int64(len(got.body)) != sent {
				t.Errorf("after %d bytes: %+v", sent, got)
			}
		}
	})
	t.Run("with the body's first bytes", func(t *testing.T) {
		_, c := faulty(t, Rule{Cut: CutStall, CutAfter: new(int64(5))})
		r, err := http.NewRequestWithContext(t.Context(), "GET", c.url+"/b/text", nil)
		ok(t, err)
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
		resp, err := c.http.Do(r)
		ok(t, err)
		defer resp.Body.Close()
		first := make([]byte, 5)
		if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "abcde" {
			t.Errorf("%q, %v", first, err)
		}
	})
}

func TestFaultLength(t *testing.T) {
	for _, tc := range []struct {
		off    int64
		stated int64
		body   string
		err    error
	}{
		{10, 36, letters, io.ErrUnexpectedEOF},
		{-3, 23, letters[:23], nil},
		{-26, 0, "", nil},
		{-100, 0, "", nil},
	} {
		_, c := faulty(t, Rule{LengthOff: tc.off})
		got := c.try(t.Context(), "GET", "/b/text", "")
		if got.body != tc.body || !errors.Is(got.err, tc.err) || got.resp.ContentLength != tc.stated {
			t.Errorf("%+d: %q, %v, length %d", tc.off, got.body, got.err, got.resp.ContentLength)
		}
		if got := c.try(t.Context(), "HEAD", "/b/text", ""); got.err != nil || got.resp.ContentLength != tc.stated {
			t.Errorf("%+d: HEAD: %+v", tc.off, got)
		}
	}
	// Less than the body is a complete answer: the connection goes on.
	s, c := faulty(t, Rule{LengthOff: -3, Times: 1})
	for i, want := range []string{letters[:23], letters} {
		if got := c.get("/b/text").must(t, 200); got.body != want {
			t.Errorf("%d: %q", i, got.body)
		}
	}
	if n := s.Count("GetObject"); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestFaultChunked(t *testing.T) {
	_, c := faulty(t, Rule{Chunked: true})
	for _, target := range []string{"/b/text", "/b", "/b/none"} {
		if got := c.try(t.Context(), "GET", target, ""); got.err != nil || got.resp.ContentLength != -1 ||
			len(got.resp.TransferEncoding) != 1 || got.body == "" {
			t.Errorf("%s: %+v", target, got)
		}
	}
}

func TestFaultFlip(t *testing.T) {
	s, c := faulty(t, Rule{Flip: []int64{0, 25, 3, 26, 1 << 60}})
	want := []byte(letters)
	for _, i := range []int{0, 25, 3} {
		want[i] ^= 0xFF
	}
	if got := c.get("/b/text").must(t, 200); got.body != string(want) {
		t.Errorf("got %q", got.body)
	}
	ok(t, s.SetRules())
	if got := c.get("/b/text").must(t, 200); got.body != letters {
		t.Errorf("the object itself is changed: %q", got.body)
	}
}

func TestFaultETag(t *testing.T) {
	_, c := faulty(t, Rule{ETag: "0<1"})
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		if got := c.do(method, "/b/text", "").must(t, 200).header.Get("ETag"); got != `"0<1"` {
			t.Errorf("%s: %s", method, got)
		}
	}
	for _, target := range []string{"/b", "/b?list-type=2"} {
		for _, etag := range c.get(target).must(t, 200).xml(t).texts("Contents/ETag") {
			if etag != `"0<1"` {
				t.Errorf("%s: %s", target, etag)
			}
		}
	}
	rows := c.query("b", "Size>=0", "attributes", "Etag,Size").all("ObjectMatches/object")
	for _, row := range rows {
		if m := metadata(row, "SYSMD"); m["etag"] != "0<1" || m["size"] == "0<1" {
			t.Errorf("row: %v", m)
		}
	}
	if len(rows) != 11 {
		t.Errorf("%d rows", len(rows))
	}
	if got := c.do("PUT", "/b/copy", "", "x-amz-copy-source", "b/text").must(t, 200).xml(t).text("ETag"); got != `"0<1"` {
		t.Errorf("copy: %s", got)
	}
}

func TestFaultXML(t *testing.T) {
	for _, fault := range []XMLFault{XMLUnfinished, XMLBadChar, XMLBadNesting} {
		s, c := faulty(t, Rule{XML: fault})
		ok(t, s.PutObject("b", "doc", []byte("<a><b></b></a>"), PutOptions{ContentType: "application/xml"}))
		for _, target := range []string{"/b", "/?searchmetadata", queryTarget("b", "Size>=0"), queryTarget("b", "Size>999"),
			"/b/none", "/b?location"} {
			got := c.try(t.Context(), "GET", target, "")
			if got.err != nil || got.resp.ContentLength != int64(len(got.body)) || !strings.HasPrefix(got.body, "<?xml") {
				t.Errorf("%s: %s: %v %s", fault, target, got.err, got.body)
			}
			var n node
			if err := wellFormed(got.body, &n); err == nil {
				t.Errorf("%s: %s is well-formed: %s", fault, target, got.body)
			}
		}
		if got := c.get("/b/doc").must(t, 200); got.body != "<a><b></b></a>" {
			t.Errorf("%s: an object's content is %s", fault, got.body)
		}
		if got := c.do("HEAD", "/b/text", "").must(t, 200); got.header.Get("Content-Length") != "26" {
			t.Errorf("%s: HEAD: %v", fault, got.header)
		}
	}
}

// wellFormed reads a document to its end.
func wellFormed(document string, into any) error {
	d := xml.NewDecoder(strings.NewReader(document))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more after the root")
	}
	return nil
}

func TestFaultClockSkew(t *testing.T) {
	s, c := faulty(t, Rule{ClockSkew: -time.Hour})
	now := time.Now()
	s2, c2 := startServer(t, func(s *Server) { s.Now = func() time.Time { return now } })
	numbered(t, s2, "b", 3)
	for skew, want := range map[time.Duration]int{time.Hour: 403, -time.Hour: 403, 5 * time.Minute: 200, -5 * time.Minute: 200} {
		ok(t, s2.SetRules(Rule{ClockSkew: skew}))
		got := c2.get("/b/k001").must(t, want)
		if date := got.header.Get("Date"); date != now.Add(skew).UTC().Format(http.TimeFormat) {
			t.Errorf("%v: Date is %s", skew, date)
		}
		if want == 403 && got.xml(t).text("Code") != "RequestTimeTooSkewed" {
			t.Errorf("%v: %s", skew, got.body)
		}
	}
	// Signatures of version 2 are checked by the same clock.
	date := time.Now().UTC().Format(http.TimeFormat)
	v2 := func() answer {
		r, err := http.NewRequestWithContext(t.Context(), "GET", c.url+"/b/text", nil)
		ok(t, err)
		r.Header.Set("Date", date)
		r.Header.Set("Authorization", "AWS "+DefaultAccessKeyID+":"+signV2(DefaultSecretAccessKey, "GET\n\n\n"+date+"\n/b/text"))
		return c.send(r)
	}
	if got := v2().must(t, 403); got.xml(t).text("Code") != "RequestTimeTooSkewed" {
		t.Errorf("version 2: %s", got.body)
	}
	ok(t, s.SetRules())
	v2().must(t, 200)
}

// trust makes the client accept the server's certificate.
func (c *client) trust(s *Server) {
	c.t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.Certificate) {
		c.t.Fatal("no certificate")
	}
	c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
}
