package cache

import (
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// kind says what a key names.
type kind uint8

const (
	kindBuckets kind = iota // the bucket list
	kindSchema              // one bucket's schema
	kindStat                // one object's attributes
	kindBlock               // one block of one object
	kindListing             // one complete listing
	kindBroken              // the error that ended a listing
)

// key names one kept value.
type key struct {
	kind   kind
	bucket string
	object string // object key; the listing's ID for kindListing and kindBroken
	// The rest is set for an object's attributes (version) and blocks only.
	version string
	etag    string
	size    int64 // of the object: it decides where the last block ends
	block   int64 // index of the block
}

// group names the values that Forget looks for together: attributes and
// blocks of one object, or the listings of one bucket (object is empty).
type group struct {
	listings       bool
	bucket, object string
}

func (k key) group() (g group, grouped bool) {
	switch k.kind {
	case kindStat, kindBlock:
		return group{bucket: k.bucket, object: k.object}, true
	case kindListing:
		return group{listings: true, bucket: k.bucket}, true
	}
	return group{}, false
}

// itemOverhead is what an item costs beside its value: the key three times (in
// the item, the list and the map), links and map slots.
const itemOverhead = 480

// item is one kept value.
type item struct {
	key     key
	value   any
	weight  int64     // bytes, with itemOverhead
	expires time.Time // zero: never

	prev, next *item // the chain of the group
}

// memory is the one accountant of the cache's bytes. Three sums are kept:
//
//	kept   values that nobody needs at the moment; may be evicted
//	open   listings that a snapshot holds, growing or complete
//	flying buffers of blocks being fetched
//
// Invariant, after every method, with room = max(budget-open, budget/reserved):
//
//	kept <= max(0, room-flying)
//
// so that kept+open+flying <= budget as long as open+flying leaves it any room,
// and never more than budget+open+flying.
//
// The reserved part keeps schemas and attributes alive beside a listing that
// alone fills the budget: without it each lookup would cost a request.
type memory struct {
	budget int64
	now    func() time.Time

	mu        sync.Mutex // guards all below; nothing is called with it held
	lru       *simplelru.LRU[key, *item]
	groups    map[group]*item // the head of each chain
	kept      int64
	open      int64
	flying    int64
	evictions int64
}

// reserved is the part of the budget, 1/reserved, that open listings leave to
// everything else.
const reserved = 8

func newMemory(budget int64, now func() time.Time) *memory {
	lru, err := simplelru.NewLRU[key, *item](math.MaxInt, nil)
	if err != nil {
		panic(err) // a positive size is the one thing it asks for
	}
	return &memory{budget: max(budget, 0), now: now, lru: lru, groups: make(map[group]*item)}
}

func (m *memory) roomLocked() int64 { return max(m.budget-m.open, m.budget/reserved) }

// get returns the kept value of k and makes it the most recent one.
func (m *memory) get(k key) (any, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it := m.getLocked(k)
	if it == nil {
		return nil, false
	}
	return it.value, true
}

// take is get of a listing that becomes open: its weight without the overhead
// moves from kept to open.
func (m *memory) take(k key) (any, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it := m.getLocked(k)
	if it == nil {
		return nil, false
	}
	m.removeLocked(it)
	m.open += it.weight - itemOverhead
	m.trimLocked()
	return it.value, true
}

func (m *memory) getLocked(k key) *item {
	it, ok := m.lru.Get(k)
	switch {
	case !ok:
		return nil
	case m.expiredLocked(it):
		m.removeLocked(it)
		return nil
	}
	return it
}

// put keeps v, of so many bytes, until expires (zero: for ever), in place of
// what k had. A value for which there is no room, even with everything else
// evicted, or that has expired already, is not kept.
func (m *memory) put(k key, v any, bytes int64, expires time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.putLocked(k, v, bytes, expires)
}

// putOpen keeps a listing that was open until now.
func (m *memory) putOpen(k key, v any, bytes int64, expires time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open -= bytes
	m.putLocked(k, v, bytes, expires)
}

// land ends the flight of a block: v is kept, unless nil.
func (m *memory) land(k key, v []byte, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying -= bytes
	if v != nil {
		m.putLocked(k, v, bytes, time.Time{})
	}
}

func (m *memory) putLocked(k key, v any, bytes int64, expires time.Time) {
	if old, ok := m.lru.Peek(k); ok {
		m.removeLocked(old)
	}
	it := &item{key: k, value: v, weight: bytes + itemOverhead, expires: expires}
	if it.weight > m.roomLocked()-m.flying || m.expiredLocked(it) {
		return
	}
	m.lru.Add(k, it)
	m.kept += it.weight
	if g, ok := k.group(); ok {
		if it.next = m.groups[g]; it.next != nil {
			it.next.prev = it
		}
		m.groups[g] = it
	}
	m.trimLocked()
}

// reserve adds n bytes, which may be negative, to the open listings.
func (m *memory) reserve(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open += n
	m.trimLocked()
}

// admit makes room for a block about to be fetched, or refuses it when there is
// none. An admitted block must land.
func (m *memory) admit(bytes int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.flying+bytes > m.roomLocked() {
		return false
	}
	m.flying += bytes
	m.trimLocked()
	return true
}

// drop no longer keeps what k has.
func (m *memory) drop(k key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if it, ok := m.lru.Peek(k); ok {
		m.removeLocked(it)
	}
}

// dropAll no longer keeps what match, which must not call m, is true of.
func (m *memory) dropAll(match func(key) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range m.lru.Values() {
		if match(it.key) {
			m.removeLocked(it)
		}
	}
}

// forget drops everything of g for which drop, which must not call m, is true.
func (m *memory) forget(g group, drop func(key, any) bool) {
	m.mu.Lock()
	var items []*item
	for it := m.groups[g]; it != nil; it = it.next {
		items = append(items, it)
	}
	m.mu.Unlock()
	// drop may look into a listing, which can wait for its lock.
	for _, it := range items {
		if drop(it.key, it.value) {
			m.mu.Lock()
			if now, ok := m.lru.Peek(it.key); ok && now == it {
				m.removeLocked(it)
			}
			m.mu.Unlock()
		}
	}
}

// trimLocked restores the invariant. What expired and has come to the old end
// goes first and is no eviction.
func (m *memory) trimLocked() {
	limit := max(0, m.roomLocked()-m.flying)
	for {
		_, it, ok := m.lru.GetOldest()
		if !ok {
			return
		}
		expired := m.expiredLocked(it)
		if m.kept <= limit && !expired {
			return
		}
		m.removeLocked(it)
		if !expired {
			m.evictions++
		}
	}
}

func (m *memory) removeLocked(it *item) {
	m.lru.Remove(it.key)
	m.kept -= it.weight
	if it.next != nil {
		it.next.prev = it.prev
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else if g, ok := it.key.group(); ok {
		if it.next != nil {
			m.groups[g] = it.next
		} else {
			delete(m.groups, g)
		}
	}
	it.prev, it.next = nil, nil
}

func (m *memory) expiredLocked(it *item) bool {
	return !it.expires.IsZero() && !m.now().Before(it.expires)
}

// usage is memory's sums at one time.
type usage struct{ kept, open, flying, evictions, items int64 }

func (m *memory) usage() usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return usage{m.kept, m.open, m.flying, m.evictions, int64(m.lru.Len())}
}
