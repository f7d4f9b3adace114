package cache

import (
	"context"
	"io"
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

const (
	// listingBytes is what a listing takes beside its rows, while it grows
	// with the goroutine that fetches it.
	listingBytes = 1 << 10
	growingBytes = 16 << 10
	// reserveStep is by how much a growing listing reserves memory ahead.
	reserveStep = 64 << 10
)

// listing is one search.Listing being taken or taken. It is shared by the
// handles on it, and by memory once it is complete and no one holds it.
type listing struct {
	cache  *Cache
	l      search.Listing
	id     string
	taken  time.Time
	ctx    context.Context // of the fetch; ended when the listing is dropped
	cancel context.CancelFunc

	refs int // handles; guarded by registry.mu

	// demand is the number of rows up to which readers want it fetched.
	demand atomic.Int64
	paused atomic.Bool   // the fetch waits for demand
	wake   chan struct{} // of capacity 1: demand was raised

	mu       sync.RWMutex // guards all below
	rows     rows         // added to by the fetch alone
	complete bool
	err      error     // why there will be no more rows than these; nil while growing, or complete
	expires  time.Time // the end of the lifetime, or when it broke or was forgotten
	reserved int64     // bytes that memory counts as open on its behalf
	dropped  bool      // reserved was given back
	wanted   int       // the lowest row that someone waits for
	changed  chan struct{}
}

// newListing returns a listing that is not being fetched yet.
func newListing(ctx context.Context, c *Cache, l search.Listing, id string) *listing {
	now := c.opt.Now()
	s := &listing{cache: c, l: l, id: id, taken: now, expires: now.Add(c.opt.TTL), refs: 1,
		wake: make(chan struct{}, 1), wanted: math.MaxInt}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.demand.Store(int64(c.opt.PageRows))
	s.reserved = s.sizeLocked() + growingBytes
	c.mem.reserve(s.reserved)
	return s
}

func (s *listing) sizeLocked() int64 {
	return s.rows.size() + listingBytes + int64(len(s.id)+len(s.l.Bucket)+len(s.l.Prefix))
}

// fetch drives the store until the listing ends or is dropped. It runs on a
// goroutine of its own.
func (s *listing) fetch() {
	err := io.ErrUnexpectedEOF // unless the loop below gets to its end
	defer func() {
		if p := recover(); p != nil {
			err = s.cache.panicked("list", s.l.Bucket, s.l.Prefix, p)
		}
		s.cache.listings.finish(s, err)
		s.cancel()
	}()
	for e, entryErr := range s.entries() {
		if entryErr != nil {
			err = entryErr
			return
		}
		n, ok := s.append(&e)
		if !ok || !s.awaitDemand(n) {
			err = errDropped(s)
			return
		}
	}
	// A store that stops without an error when its context ends must not make
	// a short listing look complete.
	err = s.ctx.Err()
}

func (s *listing) entries() iter.Seq2[search.Entry, error] {
	if s.l.IsLevel() {
		return s.cache.store.List(s.ctx, s.l.Bucket, search.ListOptions{Prefix: s.l.Prefix})
	}
	if s.l.Menu.Name != "" {
		return s.menu()
	}
	return func(yield func(search.Entry, error) bool) {
		for o, err := range s.cache.store.Query(s.ctx, s.l) {
			if !yield(search.Entry{Object: o}, err) {
				return
			}
		}
	}
}

// menu yields the items of a menu as rows.
func (s *listing) menu() iter.Seq2[search.Entry, error] {
	return func(yield func(search.Entry, error) bool) {
		for i, err := range search.Values(s.ctx, s.cache, s.l) {
			var e search.Entry
			if err == nil {
				e = i.Entry()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// append adds one row and returns how many there are; false when the listing
// was dropped.
func (s *listing) append(e *search.Entry) (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return 0, false
	}
	s.rows.add(e)
	if need := s.sizeLocked() + growingBytes - s.reserved; need > 0 {
		need = (need + reserveStep - 1) / reserveStep * reserveStep
		s.cache.mem.reserve(need)
		s.reserved += need
	}
	if s.rows.n > s.wanted {
		s.wakeReadersLocked()
	}
	return s.rows.n, true
}

// awaitDemand waits until more than n rows are wanted; false when the listing
// is dropped first.
func (s *listing) awaitDemand(n int) bool {
	for int64(n) >= s.demand.Load() {
		s.paused.Store(true)
		select {
		case <-s.wake:
		case <-s.ctx.Done():
			return false
		}
		s.paused.Store(false)
	}
	return true
}

// raiseDemand asks for the page of row i and the one after it: the next page
// is under way while this one is read, and whoever stops early leaves the rest unfetched.
func (s *listing) raiseDemand(i int) {
	page := int64(s.cache.opt.PageRows)
	want := (min(int64(i), math.MaxInt64-3*page)/page + 2) * page
	for {
		have := s.demand.Load()
		if have >= want {
			return
		}
		if s.demand.CompareAndSwap(have, want) {
			select {
			case s.wake <- struct{}{}:
			default:
			}
			return
		}
	}
}

func (s *listing) wakeReadersLocked() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	s.wanted = math.MaxInt
}

// row is Snapshot.Row.
func (s *listing) row(ctx context.Context, i int) (search.Entry, error) {
	if i < 0 {
		return search.Entry{}, &search.Error{Op: "list", Bucket: s.l.Bucket, Key: s.l.Prefix, Kind: search.KindInvalid, Reason: "negative row"}
	}
	s.mu.RLock()
	if i < s.rows.n {
		e, growing := s.rows.entry(i), !s.complete
		s.mu.RUnlock()
		if growing {
			s.raiseDemand(i)
		}
		return e, nil
	}
	s.mu.RUnlock()
	s.raiseDemand(i)
	for {
		s.mu.Lock()
		switch {
		case i < s.rows.n:
			e := s.rows.entry(i)
			s.mu.Unlock()
			return e, nil
		case s.complete:
			s.mu.Unlock()
			return search.Entry{}, io.EOF
		case s.err != nil:
			err := s.err
			s.mu.Unlock()
			return search.Entry{}, err
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.wanted = min(s.wanted, i)
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return search.Entry{}, ctx.Err()
		}
	}
}

func (s *listing) find(key string) (search.Entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rows.find(key)
}

func (s *listing) index(key string) (int, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rows.index.find(&s.rows, key)
}

func (s *listing) fresh(now time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return now.Before(s.expires)
}

// expireLocked ends the lifetime, unless it has ended before.
func (s *listing) expireLocked(now time.Time) {
	if now.Before(s.expires) {
		s.expires = now
	}
}

// errDropped is what a reader gets who still waits when the last handle is closed.
func errDropped(s *listing) error {
	return &search.Error{Op: "list", Bucket: s.l.Bucket, Key: s.l.Prefix, Kind: search.KindCanceled, Reason: "the listing was closed"}
}

// handle is one caller's search.Snapshot.
type handle struct {
	*listing
	closed atomic.Bool
}

var _ search.Snapshot = (*handle)(nil)

func (h *handle) Row(ctx context.Context, i int) (search.Entry, error) { return h.row(ctx, i) }

func (h *handle) Find(key string) (search.Entry, bool) { return h.find(key) }

func (h *handle) Index(key string) (int, bool) { return h.index(key) }

func (h *handle) Len() (rows int, complete bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.rows.n, h.complete
}

func (h *handle) Taken() time.Time { return h.taken }

func (h *handle) Expires() time.Time {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.expires
}

func (h *handle) Close() {
	if !h.closed.Swap(true) {
		h.cache.listings.release(h.listing)
	}
}
