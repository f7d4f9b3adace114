package fs

import (
	"context"
	"io"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// menuHandle is one opendir of a menu: a position in its snapshot. go-fuse calls it from one goroutine at a
// time. The offset of an entry is its number, from 1: ".", "..", a link a row, and after a break %~INCOMPLETE.
type menuHandle struct {
	menu     *menuNode
	schema   search.Schema
	snapshot search.Snapshot // replaced with menu.mu held

	pos  uint64          // entries handed out
	last search.MenuItem // the one handed out last
	name string          // of last

	broke  syscall.Errno // what broke the menu
	marked bool          // %~INCOMPLETE was handed out
	begun  bool          // the call before returned an entry: see dirHandle
}

var (
	_ gofuse.FileReaddirenter = (*menuHandle)(nil)
	_ gofuse.FileSeekdirer    = (*menuHandle)(nil)
	_ gofuse.FileLookuper     = (*menuHandle)(nil)
	_ gofuse.FileReleasedirer = (*menuHandle)(nil)
)

// Readdirent returns the next entry, or nil to end the answer to one READDIR, which it does as
// dirHandle does.
func (h *menuHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	begun, n := h.begun, h.menu
	h.begun = false
	if e := dotEntry(&n.node, h.pos); e != nil {
		return h.hand(e), 0
	}
	i := int(h.pos) - dots
	if rows, complete := h.snapshot.Len(); begun && i >= rows && !complete {
		return nil, 0
	}
	row, err := h.snapshot.Row(ctx, i)
	switch {
	case err == nil:
		h.last = search.MenuItemOf(row)
		h.name = EncodeMenuItem(h.last)
		ino := linkAttr(n.StableAttr(), h.name, n.target(h.schema, h.last)).Ino
		return h.hand(&fuse.DirEntry{Name: h.name, Mode: syscall.S_IFLNK, Ino: ino}), 0
	case err == io.EOF, begun && ctx.Err() != nil:
		return nil, 0
	case ctx.Err() != nil:
		return nil, syscall.EINTR
	}
	if h.broke == 0 {
		h.broke = n.fs.fail("readdir", n.path(""), err)
		n.broken.Store(int32(h.broke))
	}
	if !h.marked {
		h.marked = true
		h.name = NameIncomplete
		return h.hand(&fuse.DirEntry{Name: h.name, Mode: syscall.S_IFREG, Ino: virtualAttr(n.StableAttr(), h.name).Ino}), 0
	}
	if begun {
		return nil, 0
	}
	return nil, h.broke
}

// hand hands e out.
func (h *menuHandle) hand(e *fuse.DirEntry) *fuse.DirEntry {
	h.begun = true
	h.pos++
	e.Off = h.pos
	return e
}

// Seekdir moves to the entry after off: 0 is the beginning, where a menu whose time is over is begun anew.
func (h *menuHandle) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	n := h.menu
	if off == 0 && n.fs.until(h.snapshot.Expires()) == 0 {
		snapshot, err := n.open(ctx)
		if err != nil {
			return n.fs.fail("opendir", n.path(""), err)
		}
		n.mu.Lock()
		h.snapshot.Close()
		h.snapshot = snapshot
		n.mu.Unlock()
		h.broke = 0
	}
	rows, _ := h.snapshot.Len()
	h.pos, h.begun = off, false
	h.marked = h.broke != 0 && off > uint64(rows)+dots
	return 0
}

// Lookup gives READDIRPLUS the attributes of the entry handed out last.
func (h *menuHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	n := h.menu
	switch {
	case name == NameIncomplete:
		return n.fs.incomplete(ctx, &n.Inode, h.broke, out), 0
	case name != h.name, n.fs.live.full():
		return nil, syscall.ENOENT // see dirHandle.Lookup
	}
	return n.link(ctx, h.schema, name, h.last, n.fs.until(h.snapshot.Expires()), out), 0
}

// Releasedir closes the snapshot: while others read it, it stays.
func (h *menuHandle) Releasedir(context.Context, uint32) {
	h.menu.mu.Lock()
	defer h.menu.mu.Unlock()
	delete(h.menu.handles, h)
	h.snapshot.Close()
}

// dotEntry returns the entry at pos when that is "." or ".." of n, else nil.
func dotEntry(n *node, pos uint64) *fuse.DirEntry {
	e := &fuse.DirEntry{Name: ".", Mode: syscall.S_IFDIR, Ino: n.StableAttr().Ino}
	switch pos {
	case 0:
		return e
	case dots - 1:
		e.Name = ".."
		if _, parent := n.Parent(); parent != nil {
			e.Ino = parent.StableAttr().Ino
		}
		return e
	}
	return nil
}

// namesHandle is one opendir of a directory of directories that is known whole.
type namesHandle struct {
	of     *node
	lookup func(context.Context, string, *fuse.EntryOut) (*gofuse.Inode, syscall.Errno)
	names  []string
	pos    uint64 // entries handed out: ".", "..", the names
}

var (
	_ gofuse.FileReaddirenter = (*namesHandle)(nil)
	_ gofuse.FileSeekdirer    = (*namesHandle)(nil)
	_ gofuse.FileLookuper     = (*namesHandle)(nil)
)

func (h *namesHandle) Readdirent(context.Context) (*fuse.DirEntry, syscall.Errno) {
	e := dotEntry(h.of, h.pos)
	if e == nil {
		i := h.pos - dots
		if i >= uint64(len(h.names)) {
			return nil, 0
		}
		e = &fuse.DirEntry{Name: h.names[i], Mode: syscall.S_IFDIR, Ino: dirAttr(h.of.StableAttr(), h.names[i]).Ino}
	}
	h.pos++
	e.Off = h.pos
	return e, 0
}

func (h *namesHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	h.pos = off
	return 0
}

// Lookup gives READDIRPLUS the attributes of the name handed out last.
func (h *namesHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	if h.of.fs.live.full() {
		return nil, syscall.ENOENT
	}
	return h.lookup(ctx, name, out)
}
