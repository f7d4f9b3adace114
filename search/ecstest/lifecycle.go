package ecstest

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// lifecycle is the running part of a Server.
type lifecycle struct {
	runMu   sync.Mutex            // guards all below
	running []*http.Server        // set by Start
	served  sync.WaitGroup        // the goroutines that serve
	stop    chan struct{}         // closed by Close; made when first asked for
	stopped bool                  // stop is closed
	fresh   map[net.Conn]struct{} // connections that have sent nothing yet
}

// Start listens and serves until Close. It panics when it cannot listen, when
// the server was started before, as net/http/httptest does, when Generation is
// unknown, or when Data cannot be opened.
func (s *Server) Start() { s.start("http", nil) }

// StartTLS is Start with TLS, under a certificate of its own making, which
// Certificate then has: for 127.0.0.1, ::1, localhost and what is below
// VirtualHost.
func (s *Server) StartTLS() {
	cert, pem, err := selfSigned(s.VirtualHost)
	if err != nil {
		panic(fmt.Sprintf("ecstest: no certificate: %v", err))
	}
	s.Certificate = pem
	s.start("https", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
}

func (s *Server) start(scheme string, config *tls.Config) {
	s.runMu.Lock()
	defer s.runMu.Unlock()
	if len(s.running) > 0 || s.stopped {
		panic("ecstest: Server already started")
	}
	s.Generation.traits() // which panics as well
	s.data()
	if s.Listener == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			if l, err = net.Listen("tcp6", "[::1]:0"); err != nil {
				panic(fmt.Sprintf("ecstest: cannot listen: %v", err))
			}
		}
		s.Listener = l
	}
	s.URL = scheme + "://" + s.Listener.Addr().String()
	listener := s.Listener
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	s.fresh = map[net.Conn]struct{}{}
	if s.ControlListener != nil {
		s.ControlURL = "http://" + s.ControlListener.Addr().String()
		s.serveOn(s.ControlListener, s.Control())
	}
	s.serveOn(listener, s)
}

// serveOn serves until Close. The caller holds runMu.
func (s *Server) serveOn(listener net.Listener, h http.Handler) {
	running := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ConnState:         s.connState,
		Protocols:         new(http.Protocols),
	}
	running.Protocols.SetHTTP1(true) // as ECS
	if s.Logf != nil {
		running.ErrorLog = log.New(logWriter{s}, "", 0)
	}
	s.running = append(s.running, running)
	s.served.Go(func() { _ = running.Serve(listener) }) // returns when Close closes the listener
}

// connState keeps account of connections without a request, which Shutdown
// would wait for.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.runMu.Lock()
	defer s.runMu.Unlock()
	if state != http.StateNew {
		delete(s.fresh, c)
		return
	}
	if s.stopped {
		_ = c.Close()
		return
	}
	s.fresh[c] = struct{}{}
}

// closeGrace is how long Close waits for clients that neither read their answer
// nor go.
const closeGrace = 10 * time.Second

// Close stops listening, ends every wait (Latency, Bandwidth, and those of
// rules: a stalled request's connection is closed), and blocks until every
// request under way is answered. After 10 seconds it closes the connections of
// those that are left. Closing twice, or a server that was never started, is no
// error.
func (s *Server) Close() {
	stop := s.closing()
	s.runMu.Lock()
	if s.stopped {
		s.runMu.Unlock()
		return
	}
	s.stopped = true
	close(stop)
	running := s.running
	for c := range s.fresh {
		_ = c.Close()
	}
	s.runMu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	var down sync.WaitGroup
	for _, r := range running {
		down.Go(func() {
			if r.Shutdown(ctx) != nil {
				_ = r.Close()
			}
		})
	}
	down.Wait()
	s.served.Wait()
	if s.store != nil {
		if err := s.store.storage.close(); err != nil {
			s.logf("ecstest: %v", err)
		}
	}
}

// closing is closed when the server is.
func (s *Server) closing() chan struct{} {
	s.runMu.Lock()
	defer s.runMu.Unlock()
	if s.stop == nil {
		s.stop = make(chan struct{})
	}
	return s.stop
}

type logWriter struct{ s *Server }

func (w logWriter) Write(p []byte) (int, error) {
	w.s.logf("%s", strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
