package fs

import (
	"sync"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// openMode is how the kernel has an inode open: through its page cache, filled by READs, or directly from the local
// file behind it (passthrough). It refuses, with EIO, the one beside the other, and one local file beside another. So the
// first open decides for all that overlap with it. O_DIRECT asks of a local file what that one's file system does: offsets
// and lengths that are aligned, else EINVAL.
type openMode struct {
	mu    sync.Mutex
	opens int // guarded by mu
	// backer lends the descriptor fd that the kernel reads; nil: it reads through the mount. It is closed with the last
	// open. Guarded by mu, as is fd.
	backer search.File
	fd     int
	// ended is when the last open through the mount was closed; zero: none was. Guarded by mu.
	ended time.Time
}

// modeGrace is for how long after the last close a file that was read through the mount stays so. go-fuse counts the
// opens of a backing file as well, and counts one off just after it has called Release. Meanwhile the page cache has what was read.
const modeGrace = time.Second

// opened counts an open of file, which closed counts off.
func (m *openMode) opened(now time.Time, file search.File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opens == 0 && (m.ended.IsZero() || now.Sub(m.ended) >= modeGrace) {
		if fd, ok := file.Backing(); ok {
			m.backer, m.fd = file, fd
		}
	}
	m.opens++
}

// closed counts an open of file off and closes the file, unless others that are open need it.
func (m *openMode) closed(now time.Time, file search.File) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opens--; file != m.backer {
		file.Close()
	}
	if m.opens > 0 {
		return
	}
	if m.backer == nil {
		m.ended = now
		return
	}
	m.backer.Close()
	m.backer, m.ended = nil, time.Time{}
}

// passthrough returns the descriptor that the kernel reads by itself.
func (m *openMode) passthrough() (fd int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fd, m.backer != nil
}
