package cache

import (
	"sync/atomic"
	"time"
)

// block is the bytes of one block, from the beginning of its fetch until nobody has them any more.
//
// Each who has it holds a reference: the fetch until it lands, then memory while it keeps the block,
// each reader that waits for it or was lent a view of it, and the disk while it writes it. With the last one its buffer goes
// back to memory, to be written to again: so a reference released twice panics, before bytes of
// another object can be taken for this one's. One that is never released is left to the garbage
// collector, and counts as lent for ever.
type block struct {
	key  key
	data []byte // written by the fetch alone
	mem  *memory
	refs atomic.Int32
	// giveBack is release: made once, so that lending a view allocates nothing.
	giveBack func()

	early *early // nil unless the fetch was begun before anybody asked; see ahead
}

func (b *block) retain() { b.refs.Add(1) }

// release gives one reference back.
func (b *block) release() {
	switch n := b.refs.Add(-1); {
	case n < 0:
		panic("cache: block released twice")
	case n == 0:
		b.mem.mu.Lock()
		b.mem.reclaimLocked(b)
		b.mem.mu.Unlock()
	}
}

// admit makes room for a block about to be fetched, or returns nil when there is
// none. The caller holds a reference until it lands the block.
func (m *memory) admit(k key, bytes int64) *block {
	b := &block{key: k, mem: m}
	b.giveBack = b.release
	b.refs.Store(1)
	m.mu.Lock()
	if m.flying+m.lent+bytes > m.roomLocked() {
		m.mu.Unlock()
		return nil
	}
	m.flying += bytes
	m.evictLocked()
	if m.flying+m.lent > m.roomLocked() { // what was evicted is lent
		m.flying -= bytes
		m.mu.Unlock()
		return nil
	}
	if n := len(m.buffers) - 1; n >= 0 && bytes == m.blockSize {
		b.data, m.buffers[n] = m.buffers[n], nil
		m.buffers = m.buffers[:n]
	}
	m.freeLocked()
	m.mu.Unlock()
	if b.data == nil {
		b.data = make([]byte, bytes)
	}
	return b
}

// land ends the fetch of b and takes its reference: b is kept when keep is true and there is room.
func (m *memory) land(b *block, keep bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := int64(len(b.data))
	m.flying -= n
	if keep && m.putLocked(b.key, b, n, time.Time{}) {
		return
	}
	if m.left != nil {
		m.left(b)
	}
	m.dropRefLocked(b)
	m.trimLocked()
}

// block returns the kept block of k with a reference for the caller, who is reader or 0, and makes it the most recent one.
func (m *memory) block(k key, reader uint64) *block {
	m.mu.Lock()
	defer m.mu.Unlock()
	it := m.getLocked(k)
	if it == nil {
		return nil
	}
	if it.shared = it.shared || it.reader != 0 && it.reader != reader; reader != 0 {
		it.reader = reader
	}
	b := it.value.(*block)
	b.retain()
	return b
}

// has reports whether k is kept.
func (m *memory) has(k key) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peekLocked(k) != nil
}

// pass tells that reader will not come back to the block: it is evicted before all others, unless
// another reader has read it as well.
func (m *memory) pass(k key, reader uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if it := m.peekLocked(k); it != nil && it.class == classBlock && !it.shared && (it.reader == 0 || it.reader == reader) {
		m.moveLocked(it, classPassed)
	}
}

// dropRefLocked takes memory's own reference, or the fetch's, from b, which counts as lent from now on until the last one is gone.
func (m *memory) dropRefLocked(b *block) {
	m.lent += int64(len(b.data))
	switch n := b.refs.Add(-1); {
	case n < 0:
		panic("cache: block released twice")
	case n == 0:
		m.reclaimLocked(b)
	}
}

// reclaimLocked takes the buffer of b, which nobody has.
func (m *memory) reclaimLocked(b *block) {
	m.lent -= int64(len(b.data))
	if int64(len(b.data)) == m.blockSize && m.freeBytesLocked()+m.blockSize <= m.budget/freeShare {
		m.buffers = append(m.buffers, b.data)
	}
	b.data = nil
}

// freeShare is the part of the budget, 1/freeShare, that buffers nobody uses may take at most.
const freeShare = 16

func (m *memory) freeBytesLocked() int64 { return int64(len(m.buffers)) * m.blockSize }

// freeLocked leaves buffers to the garbage collector until the free ones are within what kept values leave.
func (m *memory) freeLocked() {
	for n := len(m.buffers) - 1; n >= 0 && m.kept+m.freeBytesLocked() > m.limitLocked(); n-- {
		m.buffers[n] = nil
		m.buffers = m.buffers[:n]
	}
}
