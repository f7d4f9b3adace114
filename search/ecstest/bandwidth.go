package ecstest

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// throttleSlack is what a throttle lets pass at once after a pause, and how
	// far it may run ahead: shorter waits are not worth a timer.
	throttleSlack = 10 * time.Millisecond
	maxPiece      = 32 << 10
)

// throttle is a token bucket for the bytes of one direction. Its clock is real
// time, which testing/synctest can replace.
type throttle struct {
	mu   sync.Mutex
	free time.Time // when all that was let through has passed; guarded by mu
}

// reserve takes the time that n bytes need and returns how long to wait for it
// to be over.
func (t *throttle) reserve(n int, bytesPerSecond int64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if earliest := now.Add(-throttleSlack); t.free.Before(earliest) {
		t.free = earliest
	}
	t.free = t.free.Add(time.Duration(n) * time.Second / time.Duration(bytesPerSecond))
	return t.free.Sub(now)
}

// pass waits until n bytes have passed. The server's end lets them pass at
// once; the request's end is an error.
func (s *Server) pass(ctx context.Context, t *throttle, n int) error {
	if wait := t.reserve(n, s.Bandwidth); wait > throttleSlack {
		s.pause(ctx, wait)
	}
	return ctx.Err()
}

// piece is how many bytes pass in one step: a twentieth of a second's.
func (s *Server) piece() int { return int(min(max(s.Bandwidth/20, 1), maxPiece)) }

// pause waits. The ends of the server and of ctx cut it short.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.closing():
	}
}

// throttled puts Bandwidth between a request's body, its answer's and the
// network.
func (s *Server) throttled(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if s.Bandwidth <= 0 {
		return w
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &throttledBody{ReadCloser: r.Body, s: s, ctx: r.Context()}
	}
	return &throttledResponse{ResponseWriter: w, s: s, ctx: r.Context()}
}

type throttledBody struct {
	io.ReadCloser
	s   *Server
	ctx context.Context
}

func (b *throttledBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.s.piece())])
	if wait := b.s.pass(b.ctx, &b.s.inward, n); wait != nil && err == nil {
		err = wait
	}
	return n, err
}

// throttledResponse has Write alone, not the ReadFrom of the server's own: no
// body goes around it.
type throttledResponse struct {
	http.ResponseWriter
	s   *Server
	ctx context.Context
}

func (w *throttledResponse) Write(p []byte) (written int, err error) {
	for {
		piece := p[:min(len(p), w.s.piece())]
		p = p[len(piece):]
		if err := w.s.pass(w.ctx, &w.s.outward, len(piece)); err != nil {
			return written, err
		}
		n, err := w.ResponseWriter.Write(piece)
		written += n
		if err != nil || len(p) == 0 {
			return written, err
		}
		_ = http.NewResponseController(w.ResponseWriter).Flush() // the next Write meets what is wrong
	}
}

// Unwrap serves http.ResponseController.
func (w *throttledResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }
