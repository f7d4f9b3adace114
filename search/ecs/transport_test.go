package ecs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// everyOperation calls each operation once and returns the errors.
func everyOperation(ctx context.Context, c *store) map[string]error {
	errs := make(map[string]error)
	_, errs["list buckets"] = c.Buckets(ctx)
	_, errs["search keys of"] = c.Schema(ctx, "b")
	for _, err := range c.List(ctx, "b", search.ListOptions{}) {
		errs["list"] = err
	}
	_, errs["stat"] = c.Stat(ctx, search.Ref{Bucket: "b", Key: "k"})
	_, errs["read"] = c.ReadRange(ctx, search.Ref{Bucket: "b", Key: "k"}, make([]byte, 1), 0)
	return errs
}

// TestDeadEndpoint: each way of being dead is an error within the deadline.
func TestDeadEndpoint(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	hang := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(hang) })
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	hangup := newRawServer(t, "")
	tlsAlert := newRawServer(t, "\x15\x03\x01\x00\x02\x02\x16")

	tests := []struct {
		name, endpoint string
		kind           search.Kind
		want           string
		change         func(*ecs.Config)
	}{
		{"refused", "http://" + closed.Addr().String(), search.KindIO, "refuses connections (is the endpoint right", nil},
		{"silent", silent.URL, search.KindTimeout, "for 300ms", func(c *ecs.Config) { c.Timeout = 300 * time.Millisecond }},
		{"unknown name", "http://no-such-host.invalid", search.KindIO, "the name no-such-host.invalid is not known (is the endpoint right", func(c *ecs.Config) {
			c.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "no-such-host.invalid", IsNotFound: true}}
			}}
		}},
		{"http, not https", strings.Replace(plain.URL, "http:", "https:", 1), search.KindIO, "speaks http, not https", nil},
		{"https, not http", "http://" + tlsAlert, search.KindIO, "speaks https, not http", nil},
		{"hangs up", "http://" + hangup, search.KindIO, "without an answer (is the endpoint right", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newStore(t, tt.endpoint, func(c *ecs.Config) {
				if tt.change != nil {
					tt.change(c)
				}
			})
			for op, err := range everyOperation(t.Context(), c) {
				wantError(t, err, tt.kind, tt.want, op)
			}
			began := time.Now()
			_, err := c.Buckets(t.Context())
			if d := time.Since(began); err == nil || d > 20*time.Second {
				t.Errorf("%v after %v", err, d)
			}
		})
	}
}

// TestBrokenOffAnswer: an answer that ends early says so in words.
func TestBrokenOffAnswer(t *testing.T) {
	address := newRawServer(t, "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 1000\r\n\r\n<ListAllMyBucketsResult>")
	_, err := newStore(t, "http://"+address, func(*ecs.Config) {}).Buckets(t.Context())
	wantError(t, err, search.KindIO, "list buckets: "+address+" broke off its answer (4 attempts)")
}

// newRawServer answers every connection with text and closes it.
func newRawServer(t *testing.T, text string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, text)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// TestCancel: a caller who gives up is let go at once, whatever the server does.
func TestCancel(t *testing.T) {
	arrived := make(chan struct{}, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	c := newStore(t, srv.URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := c.ReadRange(ctx, bodyRef, make([]byte, 5), 0)
	wantError(t, err, search.KindCanceled, "read b/k")
	ctx, cancelDeadline := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelDeadline()
	_, err = c.Stat(ctx, bodyRef)
	wantError(t, err, search.KindTimeout, "stat b/k")
}

// TestProgress: slow is not dead. A body that drips lives on far beyond the
// deadline; one that stops ends within it.
func TestProgress(t *testing.T) {
	const timeout = 1500 * time.Millisecond
	var stop atomic.Bool
	srv, _ := objectServer(t, func(_ int, w http.ResponseWriter, r *http.Request, first, last int) bool {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
		w.Header().Set("Content-Length", fmt.Sprint(last-first+1))
		w.WriteHeader(http.StatusPartialContent)
		tick := time.NewTicker(timeout / 8)
		defer tick.Stop()
		for i := first; i <= last; i++ {
			io.WriteString(w, body[i:i+1])
			w.(http.Flusher).Flush()
			if stop.Load() && i == first+2 {
				<-r.Context().Done()
				return true
			}
			<-tick.C
		}
		return true
	})
	c := newStore(t, srv.URL, func(c *ecs.Config) { c.Timeout = timeout })
	p := make([]byte, 24)
	began := time.Now()
	n, err := c.ReadRange(t.Context(), bodyRef, p, 0)
	if err != nil || string(p[:n]) != body[:24] || time.Since(began) < 2*timeout {
		t.Errorf("%q after %v: %v", p[:n], time.Since(began), err)
	}
	stop.Store(true)
	n, err = c.ReadRange(t.Context(), bodyRef, p, 0)
	wantError(t, err, search.KindTimeout, "nothing from", "--timeout")
	if n != 3 {
		t.Errorf("%d bytes before it stopped", n)
	}
}

// TestMaxRequests: no more requests at once than configured; waiting for one
// obeys the context, and ends when nothing moves.
func TestMaxRequests(t *testing.T) {
	var now, most atomic.Int64
	release := make(chan struct{})
	full := make(chan struct{}, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		full <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.Header().Set("Last-Modified", "Mon, 23 Nov 2026 08:00:00 GMT")
		w.Header().Set("Content-Length", "1")
	}))
	t.Cleanup(srv.Close)
	c := newStore(t, srv.URL, func(c *ecs.Config) { c.MaxRequests = 3 })
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			if _, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k"}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 3 {
		<-full
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Stat(ctx, search.Ref{Bucket: "b", Key: "k"})
	wantError(t, err, search.KindTimeout, "stat b/k")
	close(release)
	group.Wait()
	if most.Load() != 3 {
		t.Errorf("%d requests at once, want 3", most.Load())
	}
}

// TestSlotsTimeOut: behind requests that are all stuck, a waiter is told so.
func TestSlotsTimeOut(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(srv.Close)
	c := newStore(t, srv.URL, func(c *ecs.Config) { c.MaxRequests = 1; c.Timeout = 200 * time.Millisecond })
	var group sync.WaitGroup
	began := time.Now()
	for range 4 {
		group.Go(func() {
			_, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k"})
			wantErrorNow(t, err, search.KindTimeout)
		})
	}
	group.Wait()
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}

// wantErrorNow is wantError for goroutines of the test.
func wantErrorNow(t *testing.T, err error, kind search.Kind) {
	if err == nil || search.KindOf(err) != kind {
		t.Errorf("%v, want %v", err, kind)
	}
}

func TestTLS(t *testing.T) {
	srv := ecstest.NewUnstartedServer()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, srv.Certificate, 0o644); err != nil {
		t.Fatal(err)
	}
	open := func(change func(*ecs.Config)) error {
		cfg := ecs.Config{Endpoint: srv.URL, Credentials: demoKeys, RetryDelay: time.Millisecond}
		change(&cfg)
		c, err := ecs.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdleConnections)
		_, err = c.Store().Buckets(t.Context())
		return err
	}
	if err := open(func(c *ecs.Config) { c.CABundle = bundle }); err != nil {
		t.Error(err)
	}
	wantError(t, open(func(*ecs.Config) {}), search.KindIO, "unknown authority", "--ca-bundle")
	wantError(t, open(func(c *ecs.Config) { c.Endpoint = strings.Replace(c.Endpoint, "https:", "http:", 1) }), search.KindIO, "speaks https, not http")
}

// TestTLSOtherName connects to an address that the certificate is not for.
func TestTLSOtherName(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := ecstest.NewUnstartedServer()
	srv.Listener = l
	srv.StartTLS()
	t.Cleanup(srv.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, srv.Certificate, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := ecs.New(t.Context(), ecs.Config{Endpoint: srv.URL, Credentials: demoKeys, CABundle: bundle})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Store().Buckets(t.Context())
	wantError(t, err, search.KindIO, "is for other names", "127.0.0.2")
}

// TestVirtualHost addresses buckets by host name, on an emulator that does so.
func TestVirtualHost(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.VirtualHost = "s3.test"; s.PageSize = 2 })
	for _, bucket := range []string{"b", "Upper_Case"} {
		if err := srv.CreateBucket(bucket, "Size"); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"a", "/slash", "x y/z+%"} {
			if err := srv.PutObject(bucket, key, []byte(key), ecstest.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var hosts sync.Map
	srv.SetIntercept(func(_ http.ResponseWriter, r *http.Request, _ ecstest.Request) bool {
		hosts.Store(r.Host, true)
		return false
	})
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(srv.URL, "http://"))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c := newStore(t, "http://s3.test", func(c *ecs.Config) { c.Addressing = ecs.VirtualHost; c.Transport = transport; c.Namespace = "ns1" })
	for _, bucket := range []string{"b", "Upper_Case"} {
		keys, err := keysOf(t.Context(), c, search.Listing{Bucket: bucket, Where: where(t, c, bucket, "size,ge,0")})
		if err != nil || fmt.Sprint(keys) != "[/slash a x y/z+%]" {
			t.Errorf("%s: %q, %v", bucket, keys, err)
		}
		for _, key := range keys {
			p := make([]byte, len(key))
			if _, err := c.ReadRange(t.Context(), search.Ref{Bucket: bucket, Key: key}, p, 0); err != nil || !bytes.Equal(p, []byte(key)) {
				t.Errorf("%s/%s: %q, %v", bucket, key, p, err)
			}
		}
	}
	if _, err := c.Buckets(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"b.s3.test", "s3.test"} {
		if _, ok := hosts.Load(want); !ok {
			t.Errorf("no request to host %s", want)
		}
	}
	for _, r := range srv.Requests() {
		if r.Header.Get("x-emc-namespace") != "ns1" || !strings.Contains(r.Header.Get("Authorization"), "x-emc-namespace") {
			t.Errorf("%s: the namespace is not sent, or not signed", r.Operation)
		}
	}
}

// TestHugeErrorBody: an error's body is read up to a bound only.
func TestHugeErrorBody(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		block := bytes.Repeat([]byte("x"), 1<<20)
		for range 64 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	c := newStore(t, srv.URL)
	for op, err := range everyOperation(t.Context(), c) {
		wantError(t, err, search.KindPermission, op, "key id ecsfs-demo-key")
	}
	for _, counter := range c.Stats() {
		if counter.Name == "bytes_received" && counter.Value > 10<<20 {
			t.Errorf("%d bytes were read of error bodies", counter.Value)
		}
	}
}
