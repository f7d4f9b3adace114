package cache

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// registry knows the listings that are in use. Complete ones that are not
// lie in memory, from where Open and Peek take them back.
type registry struct {
	mu sync.Mutex // guards all below and each listing's refs
	// open holds, by ID, the listing that a new handle may share. One that has
	// expired, broken or been forgotten is not in it, whoever still holds it.
	open    map[string]*listing
	growing map[*listing]struct{} // whose fetch has not ended
	held    int64                 // listings with handles
	// left is the growing listing whose last handle was closed less than leftTime ago, or nil. It has no
	// reference, and stays in open if it was: the next handle goes on with it.
	left  *listing
	timer *time.Timer // which ends that
}

// leftTime is how long a listing that still grows waits for another handle. Programs open a directory, look what
// it is, close it, and open it to list it: grep -r does.
const leftTime = time.Second

func listingKey(k kind, l search.Listing, id string) key {
	return key{kind: k, bucket: l.Bucket, object: id}
}

// Open implements search.Snapshotter. With a TTL of 0 nobody shares a listing.
func (c *Cache) Open(ctx context.Context, l search.Listing) (search.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id := l.ID()
	r := &c.listings
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := c.sharedLocked(l, id); s != nil {
		c.count.hits[kindListing].Add(1)
		return &handle{listing: s}, nil
	}
	if err, ok := c.mem.get(listingKey(kindBroken, l, id)); ok {
		c.count.hits[kindBroken].Add(1)
		return nil, err.(error)
	}
	s := newListing(ctx, c, l, id)
	if err := c.spawn(s.ctx, s.cancel, s.fetch); err != nil {
		s.cancel()
		c.mem.reserve(-s.reserved)
		return nil, err
	}
	c.count.misses[kindListing].Add(1)
	r.growing[s] = struct{}{}
	r.held++
	r.open[id] = s
	return &handle{listing: s}, nil
}

// Peek implements search.Snapshotter. A listing that is still growing counts
// as kept: Find looks among its rows so far.
func (c *Cache) Peek(l search.Listing) search.Snapshot {
	id := l.ID()
	c.listings.mu.Lock()
	defer c.listings.mu.Unlock()
	if s := c.sharedLocked(l, id); s != nil {
		return &handle{listing: s}
	}
	return nil
}

// sharedLocked returns the fresh listing of id with one more reference, or nil.
func (c *Cache) sharedLocked(l search.Listing, id string) *listing {
	r := &c.listings
	if s := r.open[id]; s != nil {
		if s.fresh(c.opt.Now()) {
			if s.refs++; s == r.left {
				r.left = nil
				r.held++
			}
			return s
		}
		delete(r.open, id)
	}
	v, ok := c.mem.take(listingKey(kindListing, l, id))
	if !ok {
		return nil
	}
	s := v.(*listing)
	s.refs = 1
	r.held++
	r.open[id] = s
	return s
}

// release gives back one reference. The last one keeps a complete, fresh
// listing in memory, a growing one for a little, and drops any other.
func (r *registry) release(s *listing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releaseLocked(s)
}

// releaseLocked is release with r.mu held.
func (r *registry) releaseLocked(s *listing) {
	if s.refs--; s.refs > 0 {
		return
	}
	r.held--
	if r.leaveLocked(s) {
		return
	}
	r.endLocked(s)
}

// leaveLocked makes s the listing that waits for another handle, in place of the one that did, if another
// handle could share it.
func (r *registry) leaveLocked(s *listing) bool {
	s.mu.RLock()
	ended := s.complete || s.err != nil
	s.mu.RUnlock()
	if ended || r.open[s.id] != s || !s.fresh(s.cache.opt.Now()) {
		return false
	}
	r.endLeftLocked()
	r.left = s
	r.timer = time.AfterFunc(leftTime, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.left == s {
			r.endLeftLocked()
		}
	})
	return true
}

// endLeftLocked ends the wait of the listing that waits, if there is one.
func (r *registry) endLeftLocked() {
	if s := r.left; s != nil {
		r.left = nil
		r.timer.Stop()
		r.endLocked(s)
	}
}

// endLocked keeps or drops s, which has no reference.
func (r *registry) endLocked(s *listing) {
	if r.open[s.id] == s {
		delete(r.open, s.id)
	}
	s.mu.Lock()
	keep := s.complete // memory does not keep what has expired
	if !keep {
		s.dropped = true
		if !s.complete && s.err == nil {
			s.err = errDropped(s)
			s.wakeReadersLocked()
		}
	}
	bytes, expires := s.reserved, s.expires
	s.mu.Unlock()
	if keep {
		s.cache.mem.putOpen(listingKey(kindListing, s.l, s.id), s, bytes, expires)
		return
	}
	s.cache.mem.reserve(-bytes)
	s.cancel()
}

// finish ends the growth of s: complete when err is nil, else broken. The
// error of a broken listing is kept, unless the listing was only dropped.
func (r *registry) finish(s *listing, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.growing, s)
	abandoned := s.ctx.Err() != nil
	c := s.cache
	now := c.opt.Now()
	if err != nil {
		if r.open[s.id] == s {
			delete(r.open, s.id)
		}
		if !abandoned && c.opt.NegativeTTL > 0 {
			c.mem.put(listingKey(kindBroken, s.l, s.id), err, 512+int64(len(s.id)+len(err.Error())), now.Add(c.opt.NegativeTTL))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wakeReadersLocked()
	switch {
	case err == nil:
		s.complete = true
	case s.err == nil:
		s.err = err
		s.expireLocked(now)
	}
	if !s.dropped {
		s.rows.end()
		size := s.sizeLocked()
		c.mem.reserve(size - s.reserved)
		s.reserved = size
	}
}

// Forget implements search.Snapshotter. Handles that are open keep their rows;
// flights under way answer those who wait, and are not kept.
func (c *Cache) Forget(bucket, object string) {
	c.count.forgotten.Add(1)
	ofObject := func(k key) bool { return k.bucket == bucket && k.object == object }
	c.stats.forget(ofObject)
	c.blocks.forget(ofObject)
	c.mem.forget(group{bucket: bucket, object: object}, func(key, any) bool { return true })

	// With r.mu held no listing moves between memory and the registry meanwhile.
	r := &c.listings
	r.mu.Lock()
	defer r.mu.Unlock()
	has := func(s *listing) bool {
		if s.l.Bucket != bucket || !strings.HasPrefix(object, s.l.Prefix) {
			return false
		}
		_, ok := s.find(object)
		return ok
	}
	now := c.opt.Now()
	for id, s := range r.open {
		if has(s) {
			s.mu.Lock()
			s.expireLocked(now)
			s.mu.Unlock()
			delete(r.open, id)
		}
	}
	c.mem.forget(group{listings: true, bucket: bucket}, func(_ key, v any) bool { return has(v.(*listing)) })
}

// Drop implements search.Snapshotter. The error of a listing that broke is dropped as well.
func (c *Cache) Drop(l search.Listing) {
	below := func(k key) bool {
		return k.kind == kindStat && k.bucket == l.Bucket && strings.HasPrefix(k.object, l.Prefix)
	}
	c.stats.forget(below)
	c.mem.dropAll(below)

	id := l.ID()
	r := &c.listings
	r.mu.Lock()
	defer r.mu.Unlock()
	c.mem.drop(listingKey(kindBroken, l, id))
	s := c.sharedLocked(l, id)
	if s == nil {
		return
	}
	delete(r.open, id)
	s.mu.Lock()
	s.expireLocked(c.opt.Now())
	s.mu.Unlock()
	r.releaseLocked(s)
}

// RunningListing describes a listing that is being fetched.
type RunningListing struct {
	Listing search.Listing
	Began   time.Time
	Rows    int // so far
	Pages   int // so far, as far as rows tell: Rows / Options.PageRows, rounded up
	// Waiting is true when what its readers want is there, so that
	// nothing is fetched until they read on.
	Waiting bool
}

// Running returns the listings that are being fetched, oldest first.
func (c *Cache) Running() []RunningListing {
	c.listings.mu.Lock()
	defer c.listings.mu.Unlock()
	running := make([]RunningListing, 0, len(c.listings.growing))
	for s := range c.listings.growing {
		s.mu.RLock()
		n := s.rows.n
		s.mu.RUnlock()
		running = append(running, RunningListing{Listing: s.l, Began: s.taken, Rows: n,
			Pages: (n + c.opt.PageRows - 1) / c.opt.PageRows, Waiting: s.paused.Load()})
	}
	slices.SortFunc(running, func(a, b RunningListing) int { return a.Began.Compare(b.Began) })
	return running
}
