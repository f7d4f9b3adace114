package cache

import (
	"context"
	"time"
)

// wholeAtOnce is how many blocks of an object are under way when all of it is fetched for a reader who jumps.
const wholeAtOnce = 32

// wholeShare is how much of the room in memory an object may take that is fetched whole, in eighths.
const wholeShare = 7

// leastRanges is how many ranges are asked for at least before an object is fetched whole: who reads the end of a
// file, as tail does, or what formats have there, is no reader who jumps about.
const leastRanges = 4

// rental decides for a reader who jumps whether to go on paying for each range, or to fetch the whole object: that is
// begun once the time spent on ranges has reached what the rest would take, and leastRanges were. So it hardly costs more than twice the better
// choice, whatever the reader does next. Guarded by file.mu.
type rental struct {
	under  int                // ranges under way
	since  time.Time          // when the first of them was begun
	asked  int                // ranges
	spent  time.Duration      // with ranges under way
	bought int                // how often the object was fetched whole: some of it may have been evicted since
	cancel context.CancelFunc // of the whole; nil when it is not under way
}

// begun tells that a range is about to be asked for.
func (r *rental) begun(now time.Time) {
	r.asked++
	if r.under++; r.under == 1 {
		r.since = now
	}
}

// ended tells that a range has come.
func (r *rental) ended(now time.Time) {
	if r.under--; r.under == 0 {
		r.spent += now.Sub(r.since)
	}
}

// enough reports whether so much was spent that to fetch what takes cost is the better bet. Each time that it was not worth
// it, since its blocks did not last, it takes twice as much.
func (r *rental) enough(now time.Time, cost time.Duration) bool {
	spent := r.spent
	if r.under > 0 {
		spent += now.Sub(r.since)
	}
	return r.cancel == nil && r.asked >= leastRanges && spent >= cost<<min(r.bought, 20)
}

// request asks the store for p alone.
func (f *file) request(ctx context.Context, p []byte, off int64) (int, error) {
	c := f.cache
	c.count.ranges.Add(1)
	c.count.rangeBytes.Add(int64(len(p)))
	began := c.opt.Now()
	f.mu.Lock()
	f.rental.begun(began)
	f.mu.Unlock()
	n, err := c.readThrough(ctx, f.ref, p, off)
	now := c.opt.Now()
	f.mu.Lock()
	f.rental.ended(now)
	f.mu.Unlock()
	if n < len(p) {
		return n, shortRead(f.ref, err, int64(n), int64(len(p)))
	}
	c.link.note(int64(n), began, now, false)
	f.considerWhole(ctx, now)
	return n, nil
}

// considerWhole begins to fetch all of the object if that is the better bet, and there is room for it.
func (f *file) considerWhole(ctx context.Context, now time.Time) {
	c := f.cache
	cost, known := c.link.cost(f.ref.Size, c.opt.BlockSize, wholeAtOnce)
	if !known || f.ref.Size > c.mem.room()/8*wholeShare {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || !f.rental.enough(now, cost) {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.rental.cancel = cancel
	if c.spawn(ctx, cancel, func() { f.fetchWhole(ctx, cancel) }) != nil {
		cancel() // the cache is closed
	}
}

// fetchWhole fetches what is missing of the object, until ctx ends or that fails. It runs on its own goroutine.
func (f *file) fetchWhole(ctx context.Context, cancel context.CancelFunc) {
	c := f.cache
	c.count.wholes.Add(1)
	var under []*fetch
	// first waits for the oldest one.
	first := func() bool {
		h := under[0]
		select {
		case <-h.done:
			under = under[1:]
			return h.err == nil
		case <-ctx.Done():
			return false
		}
	}
	ok := true
	for i := int64(0); ok && i*c.opt.BlockSize < f.ref.Size; i++ {
		h, asked, begun := c.blocks.beginAhead(ctx, f.ref, i, forWhole)
		ok = begun
		c.count.wholeBytes.Add(asked)
		if h != nil {
			under = append(under, h)
		}
		if ok && len(under) == wholeAtOnce {
			ok = first()
		}
	}
	for ok && len(under) > 0 {
		ok = first()
	}
	for _, h := range under {
		c.blocks.leave(h)
	}
	cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rental = rental{under: f.rental.under, since: c.opt.Now(), bought: f.rental.bought + 1}
}

// room is how many bytes there are for all but open listings.
func (m *memory) room() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.roomLocked()
}
