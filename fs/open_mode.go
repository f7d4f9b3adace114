package fs

import (
	"sync"
	"time"
)

// openMode is how the kernel has an inode open: through its page cache, filled by READs, or directly from the local
// file behind it (passthrough). It refuses, with EIO, the one beside the other. So the first open decides for
// all that overlap with it.
type openMode struct {
	mu     sync.Mutex
	opens  int       // guarded by mu: opens and OPENs under way
	direct bool      // guarded by mu: the mode of those; of the last ones where there are none
	ended  time.Time // guarded by mu: when the last was closed; zero: there was none
}

// modeGrace is for how long after the last close a file stays as it was read: go-fuse counts the opens of a backing
// file too, and counts one off just after it has called Release. For that time the page cache has what was read.
const modeGrace = time.Second

// opened counts one more open, and decides by backed, which is called if need be, how it is made. What it
// counts is counted off by closed.
func (m *openMode) opened(now time.Time, backed func() bool) (direct bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opens == 0 && (m.direct || m.ended.IsZero() || now.Sub(m.ended) >= modeGrace) {
		m.direct = backed()
	}
	m.opens++
	return m.direct
}

func (m *openMode) closed(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opens--
	m.ended = now
}
