package fs

import (
	"slices"
	"sync"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// heldSnapshots are those that the lookup of a manifest began and an open may go on with. Nothing
// tells that no open will come, so they are few and not for long. The zero value is empty; it is safe for
// concurrent use.
type heldSnapshots struct {
	mu   sync.Mutex
	held []heldSnapshot // guarded by mu; the oldest first
}

type heldSnapshot struct {
	node     *manifestNode
	snapshot search.Snapshot
	end      *time.Timer // closes snapshot
}

const (
	maxHeld  = 4
	heldTime = 5 * time.Second
)

// add keeps s for node, in place of what was kept for it. It takes s over.
func (h *heldSnapshots) add(node *manifestNode, s search.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.indexLocked(node); i >= 0 {
		h.removeLocked(i).Close()
	}
	if len(h.held) == maxHeld {
		h.removeLocked(0).Close()
	}
	h.held = append(h.held, heldSnapshot{node, s, time.AfterFunc(heldTime, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if i := h.indexLocked(node); i >= 0 && h.held[i].snapshot == s {
			h.removeLocked(i).Close()
		}
	})})
}

// take returns what is kept for node, which is then the caller's, or nil.
func (h *heldSnapshots) take(node *manifestNode) search.Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.indexLocked(node); i >= 0 {
		return h.removeLocked(i)
	}
	return nil
}

func (h *heldSnapshots) indexLocked(node *manifestNode) int {
	return slices.IndexFunc(h.held, func(x heldSnapshot) bool { return x.node == node })
}

func (h *heldSnapshots) removeLocked(i int) search.Snapshot {
	x := h.held[i]
	x.end.Stop()
	h.held = slices.Delete(h.held, i, i+1)
	return x.snapshot
}
