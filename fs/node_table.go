package fs

import (
	"context"
	"sync"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
)

// nodeTable holds the nodes that the kernel knows, by identity: one object
// reached through many queries is one node, and their number is known.
//
// go-fuse unites nodes of one identity as well, but would have a new one
// made for each entry of each listing only to drop it, and does not tell how many there are.
//
// A kernel that forgets a node while a lookup is on its way to return it
// leaves that node known to go-fuse and unknown here. The next lookup then adds one
// that go-fuse discards in favour of the old, and the old one's end, by
// identity, removes that: the table is short by one for a while and never leaks.
type nodeTable struct {
	max int

	mu     sync.Mutex
	byAttr map[gofuse.StableAttr]gofuse.InodeEmbedder // guarded by mu
}

func newNodeTable(max int) nodeTable {
	return nodeTable{max: max, byAttr: make(map[gofuse.StableAttr]gofuse.InodeEmbedder)}
}

// inode returns the node of this identity, made by create when there is none.
// parent only lends its mount.
func (t *nodeTable) inode(ctx context.Context, parent *gofuse.Inode, attr gofuse.StableAttr, create func() gofuse.InodeEmbedder) *gofuse.Inode {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.byAttr[attr]
	if !ok {
		n = create()
		t.byAttr[attr] = n
		return parent.NewInode(ctx, n, attr)
	}
	return n.EmbeddedInode()
}

func (t *nodeTable) forget(attr gofuse.StableAttr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byAttr, attr)
}

func (t *nodeTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byAttr)
}

// full reports whether listings should add no more nodes.
func (t *nodeTable) full() bool { return t.len() >= t.max }
