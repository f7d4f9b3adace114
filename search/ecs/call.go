package ecs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
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
	ctx    context.Context // ends with the caller's, at end, or without progress
	cancel context.CancelCauseFunc
	timer  *time.Timer

	// node is the endpoint that is asked, where it is not the client's.
	node *url.URL

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
	if err := c.acquire(ctx); err != nil {
		return nil, err
	}
	cl := &call{client: c, kind: kind}
	ctx, cl.cancel = context.WithCancelCause(ctx)
	cl.ctx = context.WithValue(ctx, callKey{}, cl)
	cl.timer = time.AfterFunc(c.cfg.Timeout, func() { cl.cancel(errNoProgress) })
	return cl, nil
}

func (cl *call) end() {
	cl.timer.Stop()
	cl.cancel(nil)
	<-cl.client.slots
}

// progressed notes that the store sent something.
func (cl *call) progressed() {
	// A timer that has fired stays fired: its context is over.
	cl.timer.Reset(cl.client.cfg.Timeout)
	cl.client.progress.Store(int64(time.Since(cl.client.started)))
}

// acquire takes a slot. While others hold them all it waits as long as the
// store makes progress on any of them.
func (c *Client) acquire(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	since := time.Now()
	timer := time.NewTimer(c.cfg.Timeout)
	defer timer.Stop()
	for {
		select {
		case c.slots <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			if last := c.started.Add(time.Duration(c.progress.Load())); last.After(since) {
				since = last
			}
			left := c.cfg.Timeout - time.Since(since)
			if left <= 0 {
				return fmt.Errorf("%w, while %d other requests wait for it too", errNoProgress, cap(c.slots))
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
	// Without http.Client, which follows redirects: that would sign for, and show the key id to, a host that nobody configured.
	resp, err := h.client.cfg.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		cl.skew, cl.hasSkew = time.Until(date), true
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
