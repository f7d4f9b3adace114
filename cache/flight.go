package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/ecsfs/ecsfs/search"
)

// flight is one fetch on behalf of everyone who waits for it. The flights of blocks are of type fetch.
type flight[V any] struct {
	key    key
	done   chan struct{} // closed when val and err are set
	val    V
	err    error
	cancel context.CancelFunc

	waiters int // guarded by flights.mu
}

// trip is what a flight does.
type trip[V any] struct {
	// kept is asked, with flights.mu held, before a flight is begun: an
	// earlier one may have landed since the caller looked.
	kept func() (V, error, bool)
	// fetch asks the store. Its context is not the caller's.
	fetch func(context.Context) (V, error)
	// land is called exactly once for each flight, with flights.mu held.
	// current is false when nobody must be told the answer any more: the flight
	// was forgotten, or everyone who waited has left.
	land func(val V, err error, current bool)
}

// flights holds at most one current flight for each key. Safe for concurrent use.
type flights[V any] struct {
	cache *Cache

	mu      sync.Mutex // guards current and each flight's waiters
	current map[key]*flight[V]
}

func newFlights[V any](c *Cache) *flights[V] {
	return &flights[V]{cache: c, current: make(map[key]*flight[V])}
}

// begin returns the flight of k, which the caller must wait for or leave:
// the current one (joined is true), or a new one, or one that has landed
// when the answer is kept. It fails when the cache is closed.
func (g *flights[V]) begin(ctx context.Context, k key, t trip[V]) (f *flight[V], joined bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.current[k]; f != nil {
		f.waiters++
		return f, true, nil
	}
	if val, err, ok := t.kept(); ok {
		f := &flight[V]{key: k, done: make(chan struct{}), val: val, err: err, cancel: func() {}, waiters: 1}
		close(f.done)
		return f, false, nil
	}
	flightCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f = &flight[V]{key: k, done: make(chan struct{}), cancel: cancel, waiters: 1}
	if err := g.cache.spawn(flightCtx, cancel, func() { g.fly(flightCtx, f, t) }); err != nil {
		cancel()
		t.land(f.val, err, false)
		return nil, false, err
	}
	g.current[k] = f
	return f, false, nil
}

// fly runs on the flight's own goroutine.
func (g *flights[V]) fly(ctx context.Context, f *flight[V], t trip[V]) {
	f.err = fmt.Errorf("fetching of %s/%s ended without an answer", f.key.bucket, f.key.object)
	// Deferred, so that neither a panic nor runtime.Goexit in a store leaves
	// the others waiting for ever.
	defer func() {
		if p := recover(); p != nil {
			f.err = g.cache.panicked("fetch", f.key.bucket, f.key.object, p)
		}
		g.mu.Lock()
		isCurrent := g.current[f.key] == f
		t.land(f.val, f.err, isCurrent)
		if isCurrent {
			delete(g.current, f.key)
		}
		g.mu.Unlock()
		close(f.done)
		f.cancel()
	}()
	f.val, f.err = t.fetch(ctx)
}

// wait returns f's answer, or ctx's error as soon as ctx ends.
func (g *flights[V]) wait(ctx context.Context, f *flight[V]) (V, error) {
	select {
	case <-f.done:
		return f.val, f.err
	default:
	}
	select {
	case <-f.done:
		return f.val, f.err
	case <-ctx.Done():
		g.leave(f)
		var zero V
		return zero, ctx.Err()
	}
}

// leave gives up waiting. The last one to leave cancels the flight.
func (g *flights[V]) leave(f *flight[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.cancel()
	if g.current[f.key] == f {
		delete(g.current, f.key) // so that no one joins a cancelled flight
	}
}

// forget makes the answers of matching flights unfit to be kept or joined:
// those who wait get them still.
func (g *flights[V]) forget(match func(key) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k := range g.current {
		if match(k) {
			delete(g.current, k)
		}
	}
}

func (g *flights[V]) len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.current)
}

// panicked logs a panic with its stack and returns the error for those who waited.
func (c *Cache) panicked(op, bucket, object string, p any) error {
	c.opt.Logger.Error("panic", "op", op, "bucket", bucket, "key", object, "panic", p, "stack", string(debug.Stack()))
	return &search.Error{Op: op, Bucket: bucket, Key: object, Kind: search.KindIO,
		Reason: "internal error (the log has the details)", Err: fmt.Errorf("panic: %v", p)}
}
