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
// the item, the list and the map), links and map slots; of a block, also its own record.
const itemOverhead = 480

// item is one kept value.
type item struct {
	key     key
	value   any
	weight  int64     // bytes, with itemOverhead
	expires time.Time // zero: never
	class   class
	used    uint64 // memory.uses when it was last used
	reader  uint64 // of a block: the file that read it last; 0: none yet
	shared  bool   // of a block: more than one did

	prev, next *item // the chain of the group
}

// class says how a value is evicted.
type class uint8

const (
	classAnswer class = iota // listings, schemas, attributes: what a path is found by
	classBlock               // blocks
	classPassed              // blocks that their one reader has left behind
	classes
)

// memory is the one accountant of the cache's bytes. Five sums are kept:
//
//	kept   values that nobody needs at the moment; may be evicted
//	open   listings that a snapshot holds, growing or complete
//	flying buffers of blocks being fetched
//	lent   buffers of blocks that are not kept any more, and that a reader or the disk still has
//	free   buffers to be used again
//
// Invariant, after every method, with room = max(budget-open, budget/reserved):
//
//	kept+free <= max(0, room-flying-lent)
//
// so that the sum stays within the budget as long as open+flying+lent leaves it any room,
// and never exceeds budget+open+flying+lent.
//
// The reserved part keeps schemas and attributes alive beside a listing that
// alone fills the budget: without it each lookup would cost a request.
type memory struct {
	budget    int64
	blockSize int64 // of the buffers that are used again
	now       func() time.Time
	// left is called with mu held when a block that was kept leaves; nil: nobody wants to know.
	left func(*block)

	mu        sync.Mutex // guards all below
	lists     [classes]*simplelru.LRU[key, *item]
	weights   [classes]int64  // of each list; their sum is kept
	groups    map[group]*item // the head of each chain
	buffers   [][]byte        // blockSize long each: free
	uses      uint64          // of kept values: the clock of item.used
	kept      int64
	open      int64
	flying    int64
	lent      int64
	evictions int64
}

// reserved is the part of the budget, 1/reserved, that open listings leave to
// everything else.
const reserved = 8

// sheltered is the part of the budget, 1/sheltered, that answers keep against blocks.
const sheltered = 4

func newMemory(budget, blockSize int64, now func() time.Time) *memory {
	m := &memory{budget: max(budget, 0), blockSize: blockSize, now: now, groups: make(map[group]*item)}
	for i := range m.lists {
		lru, err := simplelru.NewLRU[key, *item](math.MaxInt, nil)
		if err != nil {
			panic(err) // a positive size is the one thing it asks for
		}
		m.lists[i] = lru
	}
	return m
}

func (m *memory) roomLocked() int64 { return max(m.budget-m.open, m.budget/reserved) }

// limitLocked is what kept values and free buffers may take.
func (m *memory) limitLocked() int64 { return max(0, m.roomLocked()-m.flying-m.lent) }

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

func (m *memory) peekLocked(k key) *item {
	if k.kind != kindBlock {
		it, _ := m.lists[classAnswer].Peek(k)
		return it
	}
	if it, ok := m.lists[classBlock].Peek(k); ok {
		return it
	}
	it, _ := m.lists[classPassed].Peek(k)
	return it
}

func (m *memory) getLocked(k key) *item {
	it := m.peekLocked(k)
	switch {
	case it == nil:
		return nil
	case m.expiredLocked(it):
		m.removeLocked(it)
		return nil
	}
	m.useLocked(it)
	return it
}

// useLocked makes it the most recent one of its list. A block that was passed is wanted again.
func (m *memory) useLocked(it *item) {
	m.uses++
	it.used = m.uses
	if it.class == classPassed {
		m.moveLocked(it, classBlock)
	}
	m.lists[it.class].Get(it.key)
}

func (m *memory) moveLocked(it *item, to class) {
	m.lists[it.class].Remove(it.key)
	m.weights[it.class] -= it.weight
	it.class = to
	m.lists[to].Add(it.key, it)
	m.weights[to] += it.weight
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

func (m *memory) putLocked(k key, v any, bytes int64, expires time.Time) (kept bool) {
	if old := m.peekLocked(k); old != nil {
		m.removeLocked(old)
	}
	it := &item{key: k, value: v, weight: bytes + itemOverhead, expires: expires}
	if k.kind == kindBlock {
		it.class = classBlock
	}
	if it.weight > m.limitLocked() || m.expiredLocked(it) {
		return false
	}
	m.uses++
	it.used = m.uses
	m.lists[it.class].Add(k, it)
	m.weights[it.class] += it.weight
	m.kept += it.weight
	if g, ok := k.group(); ok {
		if it.next = m.groups[g]; it.next != nil {
			it.next.prev = it
		}
		m.groups[g] = it
	}
	m.trimLocked()
	return true
}

// reserve adds n bytes, which may be negative, to the open listings.
func (m *memory) reserve(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open += n
	m.trimLocked()
}

// drop no longer keeps what k has.
func (m *memory) drop(k key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if it := m.peekLocked(k); it != nil {
		m.removeLocked(it)
	}
}

// dropAll no longer keeps what match, which must not call m, is true of.
func (m *memory) dropAll(match func(key) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lists {
		for _, it := range l.Values() {
			if match(it.key) {
				m.removeLocked(it)
			}
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
			if m.peekLocked(it.key) == it {
				m.removeLocked(it)
			}
			m.mu.Unlock()
		}
	}
}

// trimLocked restores the invariant. What expired and has come to the old end
// goes first and is no eviction.
func (m *memory) trimLocked() {
	m.evictLocked()
	m.freeLocked()
}

// evictLocked evicts until the kept values are within their limit.
func (m *memory) evictLocked() {
	for {
		_, it, ok := m.lists[classAnswer].GetOldest()
		if !ok || !m.expiredLocked(it) {
			break
		}
		m.removeLocked(it)
	}
	for m.kept > m.limitLocked() {
		it := m.oldestLocked()
		if it == nil {
			return
		}
		m.removeLocked(it)
		m.evictions++
	}
}

// oldestLocked returns what is to be evicted next: blocks that were passed, then by
// least recent use, but for the answers' shelter while there are blocks.
func (m *memory) oldestLocked() *item {
	if _, it, ok := m.lists[classPassed].GetOldest(); ok {
		return it
	}
	_, block, hasBlock := m.lists[classBlock].GetOldest()
	_, answer, hasAnswer := m.lists[classAnswer].GetOldest()
	switch {
	case !hasAnswer && !hasBlock:
		return nil
	case !hasBlock, hasAnswer && m.weights[classAnswer] > m.budget/sheltered && answer.used < block.used:
		return answer
	}
	return block
}

func (m *memory) removeLocked(it *item) {
	m.lists[it.class].Remove(it.key)
	m.weights[it.class] -= it.weight
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
	if b, ok := it.value.(*block); ok {
		if m.left != nil {
			m.left(b)
		}
		m.dropRefLocked(b)
	}
}

func (m *memory) expiredLocked(it *item) bool {
	return !it.expires.IsZero() && !m.now().Before(it.expires)
}

// usage is memory's sums at one time.
type usage struct{ kept, open, flying, lent, free, evictions, items int64 }

func (m *memory) usage() usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := usage{kept: m.kept, open: m.open, flying: m.flying, lent: m.lent, free: m.freeBytesLocked(), evictions: m.evictions}
	for _, l := range m.lists {
		u.items += int64(l.Len())
	}
	return u
}
