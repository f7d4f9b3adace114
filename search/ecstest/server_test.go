package ecstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSignatures(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.Credentials = map[string]string{"123@ecstestdrive.emc.com": "another secret"} })
	ok(t, s.CreateBucket("b", "Size"))
	request := func(method, target string, body io.Reader) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, body)
		ok(t, err)
		return r
	}
	code := func(a answer) string {
		if a.status == http.StatusOK {
			return ""
		}
		return a.xml(t).text("Code")
	}

	t.Run("unsigned", func(t *testing.T) {
		if got := c.send(request("GET", "/b", nil)); got.status != 403 || code(got) != "AccessDenied" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("another pair, whose id has an @", func(t *testing.T) {
		d := s.testClient(t)
		d.signer.Credentials = sigv4.Credentials{AccessKeyID: "123@ecstestdrive.emc.com", SecretAccessKey: "another secret"}
		d.do("PUT", "/b/k", "x").must(t, 200)
		d.http.CloseIdleConnections()
	})
	t.Run("unknown id", func(t *testing.T) {
		d := s.testClient(t)
		d.signer.Credentials.AccessKeyID = "nobody"
		if got := d.get("/b"); got.status != 403 || code(got) != "InvalidAccessKeyId" {
			t.Errorf("%d %s", got.status, got.body)
		}
		d.http.CloseIdleConnections()
	})
	t.Run("wrong secret tells what was expected", func(t *testing.T) {
		d := s.testClient(t)
		d.signer.Credentials.SecretAccessKey = "wrong"
		got := d.get(queryTarget("b", "Size>1"))
		e := got.xml(t)
		if got.status != 403 || e.text("Code") != "SignatureDoesNotMatch" ||
			!strings.HasPrefix(e.text("StringToSign"), "AWS4-HMAC-SHA256\n") ||
			!strings.HasPrefix(e.text("CanonicalRequest"), "GET\n/b\nquery=Size%3E1\n") {
			t.Errorf("%d %s", got.status, got.body)
		}
		if strings.Contains(got.body, DefaultSecretAccessKey) {
			t.Error("the answer has the secret")
		}
		d.http.CloseIdleConnections()
	})
	t.Run("clock off by an hour", func(t *testing.T) {
		r := request("GET", "/b", nil)
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now().Add(-time.Hour)))
		if got := c.send(r); got.status != 403 || code(got) != "RequestTimeTooSkewed" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("presigned", func(t *testing.T) {
		for expires, want := range map[time.Duration]string{time.Hour: "", time.Second: "AccessDenied"} {
			r := request("GET", queryTarget("b", "Size>=0 and Size<100", "max-keys", "5"), nil)
			url, err := c.signer.Presign(r, expires, time.Now().Add(-time.Minute))
			ok(t, err)
			r, err = http.NewRequestWithContext(t.Context(), "GET", url, nil)
			ok(t, err)
			if got := c.send(r); code(got) != want {
				t.Errorf("expires in %v: %d %s", expires, got.status, got.body)
			}
		}
	})
	t.Run("presigned, with headers in the query as the SDKs for Go and JavaScript have them", func(t *testing.T) {
		presigned := func(method, target string, headers ...string) answer {
			url, err := c.signer.Presign(request(method, target, nil), time.Hour, time.Now())
			ok(t, err)
			r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
			ok(t, err)
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			return c.send(r)
		}
		presigned("PUT", "/b/from?X-Amz-Acl=private&x-amz-meta-Color=red&x-amz-meta-n=1", "x-amz-meta-n", "2").must(t, 403) // a header that is not signed
		presigned("PUT", "/b/from?X-Amz-Acl=private&x-amz-meta-Color=red").must(t, 200)
		presigned("PUT", "/b/to?x-amz-copy-source=b%2Ffrom&x-amz-metadata-directive=COPY").must(t, 200)
		if got := presigned("GET", "/b/to?X-Amz-Checksum-Mode=ENABLED").must(t, 200).header.Get("x-amz-meta-color"); got != "red" {
			t.Errorf("the copy's color is %q", got)
		}
		if got := presigned("GET", "/b/to?colour=red").must(t, 400); code(got) != "InvalidArgument" {
			t.Errorf("%s", got.body)
		}
		last := s.Requests()[len(s.Requests())-2]
		if last.Operation != "GetObject" || last.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" || last.Query.Has("X-Amz-Checksum-Mode") {
			t.Errorf("recorded %+v", last)
		}
	})
	t.Run("a body that is not the one signed", func(t *testing.T) {
		r := request("PUT", "/b/k", strings.NewReader("hello"))
		ok(t, c.signer.Sign(r, sigv4.EmptyPayloadHash, time.Now()))
		if got := c.send(r); got.status != 400 || code(got) != "XAmzContentSHA256Mismatch" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("aws-chunked with a trailer", func(t *testing.T) {
		body := "3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
		r := request("PUT", "/b/chunked", strings.NewReader(body))
		r.Header.Set("Content-Encoding", "aws-chunked")
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		ok(t, c.signer.Sign(r, sigv4.StreamingUnsignedTrailer, time.Now()))
		if got := c.send(r); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := c.get("/b/chunked").must(t, 200); got.body != "hello" || got.header.Get("Content-Encoding") != "" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a body without a length", func(t *testing.T) {
		r := request("PUT", "/b/k", iotest.OneByteReader(strings.NewReader("hello")))
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
		if got := c.send(r); got.status != 411 || code(got) != "MissingContentLength" {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}

func TestRecording(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.RecordLimit = 3 })
	numbered(t, s, "b", 10)
	for range 4 {
		c.get("/b/k006", "Range", "bytes=1-2").must(t, 206)
	}
	c.query("b", "Size>3", "attributes", "Etag")
	c.get("/b?colour").must(t, 400)
	c.do("PATCH", "/b", "").must(t, 405)
	all := s.Requests()
	if len(all) != 3 {
		t.Fatalf("%d requests kept, want 3", len(all))
	}
	if q := all[0]; q.Operation != "Query" || q.Bucket != "b" || q.Query.Get("query") != "Size>3" || q.Query.Get("attributes") != "Etag" ||
		q.Status != 200 || q.Sent == 0 || q.Method != "GET" || !strings.HasPrefix(q.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		t.Errorf("query: %+v", q)
	}
	if q := all[1]; q.Operation != "ListObjects" || q.Status != 400 {
		t.Errorf("list: %+v", q)
	}
	if q := all[2]; q.Operation != "Unknown" || q.Status != 405 {
		t.Errorf("patch: %+v", q)
	}
	for operation, want := range map[string]int{"GetObject": 4, "Query": 1, "HeadObject": 0} {
		if n := s.Count(operation); n != want || s.Counts()[operation] != want {
			t.Errorf("%s: counted %d, want %d", operation, n, want)
		}
	}
	s.ResetRequests()
	if len(s.Requests()) != 0 || s.Count("Query") != 0 {
		t.Error("ResetRequests leaves some")
	}
	c.get("/b/k006", "Range", "bytes=1-2").must(t, 206)
	if q := s.Requests()[0]; q.Range != "bytes=1-2" || q.Key != "k006" || q.Sent != 2 {
		t.Errorf("get: %+v", q)
	}
}

func TestIntercept(t *testing.T) {
	s, c := startServer(t, func(s *Server) {
		s.Intercept = func(w http.ResponseWriter, _ *http.Request, req Request) bool {
			if req.Operation == "GetObject" && req.Key == "k001" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		}
	})
	numbered(t, s, "b", 3)
	c.get("/b/k001").must(t, 503)
	c.get("/b/k002").must(t, 200)

	// A true answer, spoiled.
	s.SetIntercept(func(w http.ResponseWriter, r *http.Request, _ Request) bool {
		rec := httptest.NewRecorder()
		s.Answer(rec, r)
		_, _ = io.WriteString(w, strings.ReplaceAll(rec.Body.String(), "objectName", "objectNames"))
		return true
	})
	if got := c.get(queryTarget("b", "Size>=0")).must(t, 200); strings.Count(got.body, "<objectNames>") != 3 {
		t.Errorf("got %s", got.body)
	}
	if n := s.Count("Query"); n != 1 {
		t.Errorf("%d queries counted, want 1", n)
	}

	// A connection cut in the middle.
	s.SetIntercept(func(w http.ResponseWriter, _ *http.Request, _ Request) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return true
	})
	r, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL+"/b/k", http.NoBody) // not retried
	ok(t, err)
	ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
	if resp, err := c.http.Do(r); err == nil {
		resp.Body.Close()
		t.Errorf("got %s, want a broken connection", resp.Status)
	}
	s.SetIntercept(nil)
	c.get("/b/k001").must(t, 200)
}

func TestVirtualHost(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.VirtualHost = "ecs.test" })
	numbered(t, s, "b.c", 3)
	c.host = "b.c.ecs.test:9020"
	if got := names(c.get("/?query=Size==1").must(t, 200).xml(t)); !slices.Equal(got, []string{"k001"}) {
		t.Errorf("got %q", got)
	}
	c.get("/k002").must(t, 200)
	if keys := c.get("/").must(t, 200).xml(t).texts("Contents/Key"); len(keys) != 3 {
		t.Errorf("got %q", keys)
	}
	for _, host := range []string{"ecs.test", "", "notecs.test"} {
		c.host = host
		c.get("/b.c/k002").must(t, 200)
	}
}

func TestStartTLS(t *testing.T) {
	s := NewUnstartedServer()
	s.VirtualHost = "ecs.test"
	s.StartTLS()
	defer s.Close()
	numbered(t, s, "b", 3)
	pool := x509.NewCertPool()
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") || !pool.AppendCertsFromPEM(s.Certificate) {
		t.Fatalf("URL %s, certificate %q", s.URL, s.Certificate)
	}
	for _, name := range []string{"", "localhost", "ecs.test", "b.ecs.test"} {
		c := s.testClient(t)
		c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name}}
		c.get("/b/k002").must(t, 200)
		c.http.CloseIdleConnections()
	}
}

func TestCloseWaitsForRequests(t *testing.T) {
	s := NewUnstartedServer()
	entered, leave := make(chan struct{}), make(chan struct{})
	s.Intercept = func(http.ResponseWriter, *http.Request, Request) bool {
		close(entered)
		<-leave
		return false
	}
	s.Start()
	ok(t, s.CreateBucket("b"))
	idle, err := net.Dial("tcp", s.Listener.Addr().String()) // says nothing
	ok(t, err)
	defer idle.Close()

	c := s.testClient(t)
	var got answer
	var wg sync.WaitGroup
	wg.Go(func() { got = c.get("/b") })
	<-entered
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	<-s.closing()
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	close(leave)
	<-closed
	wg.Wait()
	got.must(t, 200)
	s.Close()
	c.http.CloseIdleConnections()
	if resp, err := c.http.Get(s.URL); err == nil {
		resp.Body.Close()
		t.Error("the server still answers")
	}
}

func TestLatency(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.Latency = time.Hour })
	ok(t, s.CreateBucket("b"))
	// A client that gives up ends its wait.
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/b", nil)
	ok(t, err)
	ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
	done := make(chan error)
	go func() {
		resp, err := c.http.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	waitFor(t, func() bool { return s.Count("ListObjects") == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// Close ends the wait of the others: they are answered.
	go func() {
		waitFor(t, func() bool { return s.Count("ListObjects") == 2 })
		s.Close()
	}()
	c.get("/b").must(t, 200)
}

func waitFor(t *testing.T, condition func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("the condition was not met in time")
			return
		}
	}
}

// TestConcurrency lets readers and writers run against each other, for the race
// detector.
func TestConcurrency(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 50)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 20 {
				key := fmt.Sprintf("w%d-%d", worker, i)
				ok(t, s.PutObject("b", key, []byte(key), PutOptions{Metadata: map[string]string{"n": fmt.Sprint(i), "group": "w"}}))
				c.query("b", "x-amz-meta-group=='w' or Size>3", "attributes", "ALL")
				c.get("/b?list-type=2&prefix=w").must(t, 200)
				c.do("PUT", "/b/copy", "", "x-amz-copy-source", "b/"+key).must(t, 200)
				s.SetIntercept(nil)
				s.Requests()
				c.do("DELETE", "/b/"+key, "").must(t, 204)
			}
		})
	}
	wg.Wait()
	if got := names(c.query("b", "x-amz-meta-group=='w'")); !slices.Equal(got, []string{"copy"}) {
		t.Errorf("got %q", got)
	}
}
