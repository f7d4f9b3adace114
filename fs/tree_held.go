package fs

import (
	"sync"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// heldTree keeps the listing of the tree that was read last open until its lifetime is over or another
// tree is read: a walk closes each directory before it opens the next, and a listing too large
// to be kept when nobody holds it would be taken anew for each.
type heldTree struct {
	mu       sync.Mutex
	id       snapshotID      // guarded by mu
	snapshot search.Snapshot // guarded by mu; nil: none
	end      *time.Timer     // guarded by mu; closes snapshot
}

// hold keeps l's snapshot s, which is complete.
func (h *heldTree) hold(f *filesystem, l search.Listing, s search.Snapshot) {
	id := snapshotID{listing: l.ID(), taken: s.Taken()}
	valid := f.until(s.Expires())
	h.mu.Lock()
	held := h.snapshot != nil && h.id == id
	h.mu.Unlock()
	if held || valid == 0 {
		return
	}
	own := f.Store.Peek(l)
	if own == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releaseLocked()
	h.id, h.snapshot = snapshotID{listing: id.listing, taken: own.Taken()}, own
	h.end = time.AfterFunc(valid, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.snapshot == own {
			h.releaseLocked()
		}
	})
}

func (h *heldTree) releaseLocked() {
	if h.snapshot != nil {
		h.end.Stop()
		h.snapshot.Close()
		h.snapshot = nil
	}
}
