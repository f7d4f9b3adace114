package ecs_test

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecs"
)

// readTogether makes n reads of which none is answered before all have arrived: each needs a connection of its own. The server
// calls meet for each of them.
type readTogether struct {
	n       int
	mu      sync.Mutex
	arrived int
	all     chan struct{}
}

func newReadTogether(n int) *readTogether { return &readTogether{n: n, all: make(chan struct{})} }

func (r *readTogether) meet() {
	r.mu.Lock()
	if r.arrived++; r.arrived == r.n {
		close(r.all)
	}
	r.mu.Unlock()
	<-r.all
}

func (r *readTogether) run(t *testing.T, s *store) {
	t.Helper()
	var group sync.WaitGroup
	for range r.n {
		group.Go(func() {
			p := make([]byte, 5)
			if n, err := s.ReadRange(t.Context(), bodyRef, p, 0); err != nil || string(p[:n]) != body[:5] {
				t.Errorf("%q, %v", p[:n], err)
			}
		})
	}
	group.Wait()
}

// newStoreOfItsOwn is newStore with the transport that a user gets.
func newStoreOfItsOwn(t *testing.T, cfg ecs.Config) *store {
	t.Helper()
	cfg.Credentials = demoKeys
	c, err := ecs.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return &store{c.Store(), c}
}

// TestHandshakes: of many connections that are opened at once only the first takes a whole handshake.
func TestHandshakes(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			var whole, resumed atomic.Int64
			var together atomic.Pointer[readTogether]
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if r := together.Load(); r != nil {
					r.meet()
				}
				answerRange(w, "e", 0, 4)
			}))
			srv.TLS = &tls.Config{MaxVersion: version, VerifyConnection: func(state tls.ConnectionState) error {
				if state.DidResume {
					resumed.Add(1)
				} else {
					whole.Add(1)
				}
				return nil
			}}
			srv.StartTLS()
			t.Cleanup(srv.Close)
			bundle := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o644); err != nil {
				t.Fatal(err)
			}
			s := newStoreOfItsOwn(t, ecs.Config{Endpoint: srv.URL, CABundle: bundle})
			newReadTogether(1).run(t, s)
			r := newReadTogether(48)
			together.Store(r)
			r.run(t, s)
			together.Store(nil)
			newReadTogether(48).run(t, s) // on the connections that are there
			if whole.Load() != 1 || resumed.Load() < 47 || resumed.Load() > 50 {
				t.Errorf("%d whole handshakes and %d resumed sessions for 48 connections", whole.Load(), resumed.Load())
			}
		})
	}
}

// TestStaleConnections: connections that the server ended while they were idle, or as they were used again,
// cost neither an error nor a pause.
func TestStaleConnections(t *testing.T) {
	for _, how := range []string{"ended", "reset", "ended by the next request", "reset by the next request"} {
		t.Run(how, func(t *testing.T) {
			const n = 16
			var mu sync.Mutex
			open := make(map[string]net.Conn) // by their addresses here
			requests := make(map[string]int)
			var strict atomic.Bool
			var together atomic.Pointer[readTogether]
			end := func(conn net.Conn) {
				if how[:5] == "reset" {
					conn.(*net.TCPConn).SetLinger(0)
				}
				conn.Close()
			}
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				conn := open[r.RemoteAddr]
				requests[r.RemoteAddr]++
				used := requests[r.RemoteAddr] > 1
				mu.Unlock()
				if used && strict.Load() {
					end(conn)
					return
				}
				if r := together.Load(); r != nil {
					r.meet()
				}
				answerRange(w, "e", 0, 4)
			}))
			srv.Config.ConnState = func(conn net.Conn, state http.ConnState) {
				if state == http.StateNew {
					mu.Lock()
					open[conn.RemoteAddr().String()] = conn
					mu.Unlock()
				}
			}
			srv.Start()
			t.Cleanup(srv.Close)
			s := newStoreOfItsOwn(t, ecs.Config{Endpoint: srv.URL, RetryDelay: time.Hour})
			r := newReadTogether(n)
			together.Store(r)
			r.run(t, s)
			together.Store(nil)
			if how == "ended" || how == "reset" {
				mu.Lock()
				for _, conn := range open {
					end(conn)
				}
				mu.Unlock()
			} else {
				strict.Store(true)
			}
			newReadTogether(n).run(t, s)
			if retries, requests := counter(t, s, "retries"), counter(t, s, "requests_get"); retries != 0 || requests != 2*n {
				t.Errorf("%d requests, %d of them retries", requests, retries)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(open) <= n {
				t.Errorf("%d connections: none was replaced", len(open))
			}
		})
	}
}
