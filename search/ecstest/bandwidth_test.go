package ecstest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// pipes is a network without the kernel's: its clock is that of synctest.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs f with a server and its client on virtual time.
func inBubble(t *testing.T, f func(t *testing.T, s *Server, c *client), knobs ...func(*Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		s := NewUnstartedServer()
		s.Listener = p
		for _, k := range knobs {
			k(s)
		}
		s.Start()
		defer s.Close()
		c := s.testClient(t)
		c.http.Transport = &http.Transport{DisableCompression: true, DialContext: p.dial}
		defer c.http.CloseIdleConnections()
		ok(t, s.CreateBucket("b", "Size"))
		ok(t, s.PutObject("b", "text", []byte(letters), PutOptions{}))
		ok(t, s.PutObject("b", "10k", make([]byte, 10_000), PutOptions{}))
		f(t, s, c)
	})
}

// took tells whether f took d, or up to a hundredth less.
func took(t *testing.T, name string, d time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if elapsed := time.Since(start); elapsed > d || elapsed < d-d/100-throttleSlack {
		t.Errorf("%s took %v, want %v", name, elapsed, d)
	}
}

func TestFaultDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, c *client) {
		ok(t, s.SetRules(Rule{Operations: []string{"GetObject"}, Delay: 3 * time.Second}, Rule{Delay: time.Second, Key: "text"}))
		took(t, "two rules and Latency", 4100*time.Millisecond, func() { c.get("/b/text").must(t, 200) })
		took(t, "one rule", 3100*time.Millisecond, func() { c.get("/b/10k").must(t, 200) })
		took(t, "Latency", 100*time.Millisecond, func() { c.get("/b").must(t, 200) })

		ok(t, s.SetRules(Rule{Delay: 24 * time.Hour}))
		took(t, "a client's end", time.Minute, func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/b/text", nil)
			ok(t, err)
			ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
			if _, err := c.http.Do(r); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			waitInBubble(func() bool { return !s.Requests()[3].End.IsZero() })
		})
		defer closeAfter(s, time.Minute)()
		took(t, "the server's end", time.Minute, func() {
			c.get("/b/text").must(t, 200)
		})
	}, func(s *Server) { s.Latency = 100 * time.Millisecond })
}

// closeAfter closes s in a while. The function that it returns waits for the
// end, which comes soon after.
func closeAfter(s *Server, d time.Duration) (wait func()) {
	var closing sync.WaitGroup
	closing.Add(1)
	time.AfterFunc(d, func() {
		defer closing.Done()
		s.Close()
	})
	return closing.Wait
}

// waitInBubble waits until all is quiet, and then must see condition.
func waitInBubble(condition func() bool) {
	synctest.Wait()
	if !condition() {
		panic("the condition is not met when all is quiet")
	}
}

func TestFaultDrip(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, c *client) {
		ok(t, s.SetRules(Rule{Drip: &Drip{Bytes: 5, Every: time.Second}}))
		took(t, "26 bytes, 5 a second", 5*time.Second, func() {
			if got := c.get("/b/text").must(t, 200); got.body != letters {
				t.Errorf("got %q", got.body)
			}
		})
		// Each piece arrives by itself.
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/b/text", nil)
		ok(t, err)
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
		resp, err := c.http.Do(r)
		ok(t, err)
		defer resp.Body.Close()
		start := time.Now()
		for i := range 6 {
			piece := make([]byte, 10)
			n, err := resp.Body.Read(piece)
			if at := time.Since(start); string(piece[:n]) != letters[5*i:min(5*i+5, 26)] || at != time.Duration(i)*time.Second {
				t.Errorf("piece %d: %q, %v after %v", i, piece[:n], err, at)
			}
		}
		// The server's end lets the rest go at once.
		ok(t, s.SetRules(Rule{Drip: &Drip{Bytes: 1, Every: time.Hour}}))
		defer closeAfter(s, time.Minute)()
		took(t, "the server's end", time.Minute, func() {
			if got := c.get("/b/text").must(t, 200); got.body != letters {
				t.Errorf("got %q", got.body)
			}
		})
	})
}

func TestBandwidth(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, c *client) {
		took(t, "an answer", 10*time.Second, func() {
			if got := c.get("/b/10k").must(t, 200); len(got.body) != 10_000 {
				t.Errorf("%d bytes", len(got.body))
			}
		})
		took(t, "a request", 5*time.Second, func() { c.do("PUT", "/b/new", strings.Repeat("x", 5000)).must(t, 200) })
		took(t, "two answers", 20*time.Second, func() {
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { c.get("/b/10k").must(t, 200) })
			}
			wg.Wait()
		})
		took(t, "an answer and a request", 10*time.Second, func() {
			var wg sync.WaitGroup
			wg.Go(func() { c.get("/b/10k").must(t, 200) })
			wg.Go(func() { c.do("PUT", "/b/new", strings.Repeat("x", 10_000)).must(t, 200) })
			wg.Wait()
		})
		took(t, "a range", 2*time.Second, func() { c.get("/b/10k", "Range", "bytes=0-1999").must(t, 206) })
		took(t, "no body", 0, func() { c.do("HEAD", "/b/10k", "").must(t, 200) })

		s.SetIntercept(func(w http.ResponseWriter, r *http.Request, _ Request) bool {
			http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(make([]byte, 3000)))
			return true
		})
		took(t, "what an Intercept copies", 3*time.Second, func() { c.get("/b/10k").must(t, 200) })
		path := filepath.Join(t.TempDir(), "f")
		ok(t, os.WriteFile(path, make([]byte, 3000), 0o600))
		s.SetIntercept(func(w http.ResponseWriter, _ *http.Request, _ Request) bool {
			file, err := os.Open(path)
			ok(t, err)
			defer file.Close()
			_, err = io.Copy(w, file) // by ReadFrom where there is one
			ok(t, err)
			return true
		})
		took(t, "a file", 3*time.Second, func() { c.get("/b/10k").must(t, 200) })
		s.SetIntercept(nil)

		// The client's end ends the wait.
		took(t, "a client's end", time.Second, func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/b/10k", nil)
			ok(t, err)
			ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
			resp, err := c.http.Do(r)
			ok(t, err)
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, context.DeadlineExceeded) || n < 900 || n > 1100 {
				t.Errorf("%d bytes, %v", n, err)
			}
			waitInBubble(func() bool { all := s.Requests(); return !all[len(all)-1].End.IsZero() })
		})
		// The server's end lets the rest go at once.
		defer closeAfter(s, time.Second)()
		took(t, "the server's end", time.Second, func() {
			if got := c.get("/b/10k").must(t, 200); len(got.body) != 10_000 {
				t.Errorf("%d bytes", len(got.body))
			}
		})
	}, func(s *Server) { s.Bandwidth = 1000 })
}

// Rates from a byte a second to more than the clock can tell are kept.
func TestBandwidthRates(t *testing.T) {
	for rate, want := range map[int64]time.Duration{1: 10_000 * time.Second, 7: 10_000 * time.Second / 7, 100_000: 100 * time.Millisecond,
		1 << 62: 0} {
		inBubble(t, func(t *testing.T, _ *Server, c *client) {
			took(t, "10,000 bytes", want, func() { c.get("/b/10k").must(t, 200) })
		}, func(s *Server) { s.Bandwidth = rate })
	}
}

// Bandwidth is that of a Server used as a handler, too.
func TestBandwidthOfHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := directServer(t)
		s.Bandwidth = 1000
		ok(t, s.CreateBucket("b"))
		ok(t, s.PutObject("b", "k", make([]byte, 5000), PutOptions{}))
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/b/k", nil)
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
		took(t, "5000 bytes", 5*time.Second, func() { s.ServeHTTP(httptest.NewRecorder(), r) })
	})
}

// Close does not wait for ever for a client that neither reads nor goes.
func TestCloseLeavesTheIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, c *client) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/b/10k", nil)
		ok(t, err)
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
		resp, err := c.http.Do(r)
		ok(t, err)
		defer resp.Body.Close()
		took(t, "Close", closeGrace, s.Close)
		if n, err := io.Copy(io.Discard, resp.Body); err == nil || n == 10_000 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
