package ecs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// maxErrorBody bounds what is read of an answer that is an error, or short by
// its nature, in bytes.
const maxErrorBody = 1 << 20

// errNoProgress is the cause of a context that ended because the store sent
// nothing for Config.Timeout.
var errNoProgress = errors.New("no answer from the store")

// call is one operation under way: it holds one of the client's slots and ends
// when the store makes no progress. Its HTTP attempts come one after another.
type call struct {
	client *Client
	kind   requestKind
	slot   *waiter
	ctx    context.Context // ends with the caller's, at end, or without progress
	cancel context.CancelCauseFunc
	timer  *time.Timer
	last   atomic.Int64 // when the store last sent or took something, or the call began; as Client.progress

	// node is the endpoint that is asked, where it is not the client's.
	node *url.URL
	// asked is how many bytes a read asks for, in its attempt under way.
	asked int64

	attempts atomic.Int32 // HTTP requests sent

	// Facts of the last attempt, for error texts. Written by the HTTP client
	// before its answer is read, on the goroutine of the operation.
	keyID    string
	skew     time.Duration // the server's clock less ours
	hasSkew  bool
	location string // of a redirect
}

type callKey struct{}

// begin waits for a slot and returns the call. The caller must end it.
// The error is ctx's, or errNoProgress.
func (c *Client) begin(ctx context.Context, kind requestKind) (*call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slot, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	cl := &call{client: c, kind: kind, slot: slot}
	ctx, cl.cancel = context.WithCancelCause(ctx)
	cl.ctx = context.WithValue(ctx, callKey{}, cl)
	cl.last.Store(c.elapsed())
	cl.timer = time.AfterFunc(math.MaxInt64, cl.expire)
	cl.timer.Reset(c.cfg.Timeout) // not before expire can see the timer
	return cl, nil
}

func (cl *call) end() {
	cl.timer.Stop()
	cl.cancel(nil)
	cl.client.limit.release(cl.slot)
}

// expire ends the call if nothing moved for Config.Timeout, and else looks again when that may be so: what moves need not
// touch the timer each time.
func (cl *call) expire() {
	c := cl.client
	if cl.ctx.Err() != nil {
		return
	}
	if left := c.cfg.Timeout - time.Duration(c.elapsed()-cl.last.Load()); left > 0 {
		cl.timer.Reset(left)
		return
	}
	_, epoch := c.limit.sharing()
	c.limit.overloaded(epoch)
	cl.cancel(errNoProgress)
}

// progressed notes that the store sent something.
func (cl *call) progressed() {
	now := cl.client.elapsed()
	cl.last.Store(now)
	cl.client.progress.Store(now)
}

// elapsed is the time since started, in nanoseconds.
func (c *Client) elapsed() int64 { return int64(time.Since(c.started)) }

// acquire waits for a slot. While others hold them all it waits as long as the store makes progress on any of them. One that
// reads ahead waits behind all that do not, until it is promoted.
func (c *Client) acquire(ctx context.Context) (*waiter, error) {
	promoted, ahead := search.ReadAhead(ctx)
	w := c.limit.enter(ahead)
	if w.ready == nil {
		return w, nil
	}
	since := c.elapsed()
	timer := time.NewTimer(c.cfg.Timeout)
	defer timer.Stop()
	if !ahead {
		promoted = nil
	}
	for {
		select {
		case <-w.ready:
			return w, nil
		case <-promoted:
			c.limit.promote(w)
			promoted = nil
		case <-ctx.Done():
			c.limit.leave(w)
			return nil, ctx.Err()
		case <-timer.C:
			since = max(since, c.progress.Load())
			left := c.cfg.Timeout - time.Duration(c.elapsed()-since)
			if left <= 0 {
				c.limit.leave(w)
				return nil, fmt.Errorf("%w, while %d other requests wait for it too", errNoProgress, c.cfg.MaxRequests)
			}
			timer.Reset(left)
		}
	}
}

// countingClient is the SDK's HTTP client: it counts, notes progress and
// bounds error bodies.
type countingClient struct{ client *Client }

// Do sends one attempt.
func (h *countingClient) Do(req *http.Request) (*http.Response, error) {
	cl, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("request outside of a call") // every SDK operation starts with begin
	}
	h.client.requests[cl.kind].Add(1)
	if cl.attempts.Add(1) > 1 {
		h.client.retries.Add(1)
	}
	cl.keyID = keyIDOf(req.Header)
	if log := h.client.cfg.Logger; log.Enabled(req.Context(), slog.LevelDebug) {
		log.Debug("request", "method", req.Method, "url", req.URL.Redacted(), "attempt", cl.attempts.Load())
	}

	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &sentBody{req.Body, cl}
	}
	_, epoch := h.client.limit.sharing()
	if cl.slot.ahead {
		h.client.aheadRequests.Add(1)
	}
	began := time.Now()
	// Without http.Client, which follows redirects: that would sign for, and show the key id to, a host that nobody configured.
	resp, err := h.client.cfg.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable, resp.StatusCode == http.StatusTooManyRequests:
		h.client.throttled.Add(1)
		if cl.node == nil { // another node's load is no matter of this one
			h.client.limit.overloaded(epoch)
		}
	case resp.StatusCode < 300 && cl.slot.ahead && cl.kind == kindGet:
		h.client.limit.answered(now, epoch, cl.asked, now.Sub(began))
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		cl.skew, cl.hasSkew = date.Sub(now), true
	}
	cl.location = resp.Header.Get("Location")
	body := &countedBody{ReadCloser: resp.Body, call: cl, limit: -1}
	if resp.StatusCode < 300 {
		cl.progressed()
	}
	if resp.StatusCode >= 300 || !kindAnswers[cl.kind] {
		body.limit = maxErrorBody
	}
	resp.Body = body
	return resp, nil
}

// kindAnswers are the kinds whose answers are long. The decoders of all others
// are the SDK's, which have no bounds of their own.
var kindAnswers = [numKinds]bool{kindListBuckets: true, kindSearchKeys: true, kindList: true, kindQuery: true, kindGet: true}

// sentBody counts what is sent, and takes it for progress: a long upload over
// a slow line is not dead.
type sentBody struct {
	io.ReadCloser
	call *call
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.call.client.bytesSent.Add(int64(n))
		b.call.progressed()
	}
	return n, err
}

// countedBody counts and, when limit is not negative, ends after limit bytes.
type countedBody struct {
	io.ReadCloser
	call  *call
	limit int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	if b.limit >= 0 {
		if b.limit == 0 {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.limit)]
	}
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		if b.limit > 0 {
			b.limit -= int64(n)
		}
		b.call.client.bytesReceived.Add(int64(n))
		b.call.progressed()
	}
	return n, err
}
