package cache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/ecsfs/ecsfs/search"
)

// fetch is one block on its way from the disk or the store, on behalf of everyone who wants it.
type fetch struct {
	*block
	ref    search.Ref
	done   chan struct{} // closed when data is whole or err is set
	err    error
	cancel context.CancelFunc
	// promote says that somebody waits for what was begun ahead of its readers; nil when one did from the beginning.
	promote func()

	arrived atomic.Int64  // bytes of data that are there, from its start
	lowest  atomic.Int64  // what of arrived somebody waits for at least
	bellMu  sync.Mutex    // guards bell, and lowest against being set by two
	bell    chan struct{} // closed when arrived reaches lowest; nil: nobody waits for a part

	wanted int  // how many want it: readers that wait, and those who had it fetched ahead. Guarded by fetches.mu
	landed bool // guarded by fetches.mu
}

// purpose is why a block is fetched that nobody asked for yet.
type purpose uint8

const (
	forWindow   purpose = iota // of a file that is being read
	forPrefetch                // of a file that is expected to be opened
	// Of a file that is read here and there, where to have all of it is cheaper: its readers may come to any part, so
	// that used and wasted mean nothing. It is bounded by what a rental allows, not by ahead.
	forWhole
)

// errNoRoom: a block was not admitted.
var errNoRoom = errors.New("no room in memory")

// fetches holds at most one current fetch for each block. Safe for concurrent use.
type fetches struct {
	cache *Cache

	mu      sync.Mutex // guards current and what fetch says
	current map[key]*fetch
}

// begin returns block i of ref for reader (0: none in particular), who is about to read n bytes of it,
// with a reference for the caller. f is nil when the block is kept; else it must be waited for or left, which
// gives the reference back. It fails with errNoRoom, or when the cache is closed.
func (g *fetches) begin(ctx context.Context, ref search.Ref, i int64, reader uint64, n int64) (b *block, f *fetch, err error) {
	c, k := g.cache, g.cache.blockKey(ref, i)
	if b := c.mem.block(k, reader); b != nil {
		c.count.hits[kindBlock].Add(1)
		c.ahead.read(b, n)
		return b, nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.current[k]; f != nil {
		f.wanted++
		f.retain()
		c.count.shared[kindBlock].Add(1)
		c.ahead.read(f.block, n)
		if f.promote != nil {
			f.promote()
		}
		return f.block, f, nil
	}
	// It may have landed since.
	if b := c.mem.block(k, reader); b != nil {
		c.count.hits[kindBlock].Add(1)
		c.ahead.read(b, n)
		return b, nil, nil
	}
	b = c.mem.admit(k, c.blockLength(ref, i))
	if b == nil {
		return nil, nil, errNoRoom
	}
	b.retain()
	f = &fetch{block: b, ref: ref}
	if err := g.startLocked(context.WithoutCancel(ctx), f); err != nil {
		b.release()
		return nil, nil, err
	}
	return b, f, nil
}

// beginAhead has block i of ref fetched ahead of its readers. f is nil when it is kept; else the caller holds it until it
// lands, or leaves it. asked is what the store is asked for. ok is false when as much is ahead as may be, or there is no room.
func (g *fetches) beginAhead(ctx context.Context, ref search.Ref, i int64, why purpose) (f *fetch, asked int64, ok bool) {
	c, k := g.cache, g.cache.blockKey(ref, i)
	length := c.blockLength(ref, i)
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.current[k]; f != nil {
		f.wanted++
		return f, 0, true
	}
	if c.mem.has(k) {
		return nil, 0, true
	}
	if why != forWhole && !c.ahead.admit(length, why) {
		return nil, 0, false
	}
	b := c.mem.admit(k, length)
	switch {
	case b == nil && why != forWhole:
		c.ahead.refused(length, why)
		return nil, 0, false
	case b == nil:
		return nil, 0, false
	case why != forWhole:
		c.ahead.began(b, why)
	}
	f = &fetch{block: b, ref: ref}
	ctx, f.promote = search.WithReadAhead(context.WithoutCancel(ctx))
	if err := g.startLocked(ctx, f); err != nil {
		return nil, 0, false
	}
	return f, length, true
}

// startLocked starts the goroutine of f, of which ctx is the context.
func (g *fetches) startLocked(ctx context.Context, f *fetch) error {
	f.done, f.wanted = make(chan struct{}), 1
	f.lowest.Store(math.MaxInt64)
	ctx, f.cancel = context.WithCancel(ctx)
	if err := g.cache.spawn(ctx, f.cancel, func() { g.fly(ctx, f) }); err != nil {
		f.cancel()
		g.cache.ahead.landed(f.block, 0)
		g.cache.mem.land(f.block, false)
		return err
	}
	g.current[f.key] = f
	return nil
}

// fly runs on the fetch's own goroutine.
func (g *fetches) fly(ctx context.Context, f *fetch) {
	f.err = fmt.Errorf("fetching of %s/%s ended without an answer", f.key.bucket, f.key.object)
	var came int64
	// Deferred, so that neither a panic nor runtime.Goexit in a store leaves
	// the others waiting for ever.
	defer func() {
		if p := recover(); p != nil {
			f.err = g.cache.panicked("fetch", f.key.bucket, f.key.object, p)
		}
		g.cache.ahead.landed(f.block, came)
		g.mu.Lock()
		// Not current: it was forgotten, or everyone who wanted it has left.
		isCurrent := g.current[f.key] == f
		f.landed = true
		g.cache.mem.land(f.block, f.err == nil && isCurrent)
		if isCurrent {
			delete(g.current, f.key)
		}
		g.mu.Unlock()
		close(f.done)
		f.cancel()
	}()
	came, f.err = g.cache.fill(ctx, f)
}

// fill reads all of f's block: from the disk, or from the store, and then the disk gets it. came is how much the store gave.
func (c *Cache) fill(ctx context.Context, f *fetch) (came int64, err error) {
	if c.disk != nil && c.disk.read(f.key, f.data) {
		return 0, nil
	}
	c.count.misses[kindBlock].Add(1)
	began := c.opt.Now()
	n, err := c.readAs(ctx, f.ref, f.data, f.key.block*c.opt.BlockSize, func(n int) {
		if f.arrived.Swap(int64(n)) == 0 && f.promote == nil {
			c.link.noteTrip(c.opt.Now().Sub(began))
		}
		if int64(n) >= f.lowest.Load() {
			f.ring()
		}
	})
	if n < len(f.data) {
		return int64(n), shortRead(f.ref, err, int64(n), int64(len(f.data)))
	}
	c.link.note(int64(n), began, c.opt.Now(), f.promote != nil)
	if c.disk != nil {
		f.retain()
		c.disk.write(f.key, f.data, f.giveBack)
	}
	return int64(n), nil
}

// ring wakes those who wait for a part of f.
func (f *fetch) ring() {
	f.bellMu.Lock()
	defer f.bellMu.Unlock()
	if f.bell != nil {
		close(f.bell)
		f.bell = nil
	}
	f.lowest.Store(math.MaxInt64)
}

// listen returns what is closed once the first n bytes may be there, or earlier.
func (f *fetch) listen(n int64) <-chan struct{} {
	f.bellMu.Lock()
	defer f.bellMu.Unlock()
	if f.bell == nil {
		f.bell = make(chan struct{})
	}
	f.lowest.Store(min(f.lowest.Load(), n))
	return f.bell
}

// wait waits until the first n bytes of f are there, or ctx ends. With an error the caller's reference is given back. A caller
// who has got a part still wants the rest.
func (g *fetches) wait(ctx context.Context, f *fetch, n int64) error {
	for {
		select {
		case <-f.done:
			if f.err != nil && f.arrived.Load() < n {
				f.release()
				return f.err
			}
			return nil
		default:
		}
		if f.arrived.Load() >= n {
			return nil
		}
		bell := f.listen(n)
		if f.arrived.Load() >= n {
			return nil // the bell may have been rung before
		}
		select {
		case <-f.done:
		case <-bell:
		case <-ctx.Done():
			g.leave(f)
			f.release()
			return ctx.Err()
		}
	}
}

// leave no longer wants f. The last one to leave cancels it. The caller's reference, if it has one, remains.
func (g *fetches) leave(f *fetch) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.landed {
		return
	}
	if f.wanted--; f.wanted > 0 {
		return
	}
	f.cancel()
	if g.current[f.key] == f {
		delete(g.current, f.key) // so that no one joins a cancelled fetch
	}
}

// forget makes the answers of matching fetches unfit to be kept or joined: those who wait get them still.
func (g *fetches) forget(match func(key) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k := range g.current {
		if match(k) {
			delete(g.current, k)
		}
	}
}

// has reports whether k is under way.
func (g *fetches) has(k key) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current[k] != nil
}

func (g *fetches) len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.current)
}
