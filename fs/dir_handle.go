package fs

import (
	"context"
	"io"
	"sync/atomic"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// dirHandle is one opendir: a position in one snapshot. go-fuse calls it from
// one goroutine at a time.
//
// The offset after an entry is 1 for ".", 2 for "..", for an entry of the rows 2 more than entryOrder.position
// then tells, and after a break one more for %~INCOMPLETE.
type dirHandle struct {
	node     *dirNode
	listing  search.Listing
	snapshot search.Snapshot // of listing; both are replaced with node.mu held
	filling  bool            // counts among node.fillers

	lastRead atomic.Int64 // when a READDIR was begun last, in Unix nanoseconds

	entries entryOrder
	pos     uint64            // the offset after the entry handed out last
	last    dirEntry          // that entry
	lastID  gofuse.StableAttr // of last
	out     fuse.DirEntry     // as go-fuse was given it

	broke  syscall.Errno // what broke the listing
	marked bool          // %~INCOMPLETE was handed out

	// Whether the call before returned an entry. go-fuse answers one READDIR by
	// calling until there is no entry or no room left for it, so an entry is followed either by a call for the
	// same READDIR or, where it found no room, by one for the next, which begins with it.
	begun bool
}

var (
	_ gofuse.FileReaddirenter = (*dirHandle)(nil)
	_ gofuse.FileSeekdirer    = (*dirHandle)(nil)
	_ gofuse.FileLookuper     = (*dirHandle)(nil)
	_ gofuse.FileReleasedirer = (*dirHandle)(nil)
)

// Readdirent returns the next entry, or nil to end the answer to one READDIR.
//
// An answer that has entries ends where the next one would have to be waited
// for, so that readers see rows as they come; and it never ends with an error: go-fuse would
// keep that for the next READDIR, which may not have been interrupted.
func (h *dirHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	begun := h.begun
	h.begun = false
	if !begun {
		h.lastRead.Store(h.node.fs.Now().UnixNano())
	}
	switch h.pos {
	case 0:
		return h.hand(dirEntry{name: "."}, h.node.StableAttr(), 1), 0
	case dots - 1:
		return h.hand(dirEntry{name: ".."}, h.parent(), dots), 0
	}
	if begun && h.entries.waits(h.snapshot) {
		return nil, 0
	}
	e, err := h.entries.entry(ctx, h.snapshot)
	switch {
	case err == nil:
		if !h.node.dir.Versions {
			e.object.VersionID = "" // see dirNode.shown
		}
		if mayBeShortened(e.name) {
			h.node.fs.long.add(e.name, e.text(h.node))
		}
		return h.hand(e, h.identity(&e), dots+h.entries.position()), 0
	case err == io.EOF, begun && ctx.Err() != nil:
		return nil, 0
	case ctx.Err() != nil:
		return nil, syscall.EINTR
	}
	if h.broke == 0 {
		h.broke = h.node.fs.fail("readdir", h.node.path(""), err)
		h.node.setBroken(h.broke)
	}
	if !h.marked {
		h.marked = true
		return h.hand(dirEntry{name: NameIncomplete, isFile: true}, virtualAttr(h.node.StableAttr(), NameIncomplete), h.pos+1), 0
	}
	if begun {
		return nil, 0
	}
	return nil, h.broke
}

// dots is how many entries stand before those of the rows: "." and "..".
const dots = 2

// hand hands e out, behind which is the offset off.
func (h *dirHandle) hand(e dirEntry, id gofuse.StableAttr, off uint64) *fuse.DirEntry {
	h.begun = true
	h.pos, h.last, h.lastID = off, e, id
	h.out = fuse.DirEntry{Name: e.name, Mode: e.mode(), Ino: id.Ino, Off: off}
	return &h.out
}

func (h *dirHandle) identity(e *dirEntry) gofuse.StableAttr {
	if !e.isFile {
		return dirAttr(h.node.StableAttr(), e.name)
	}
	return fileAttr(h.node.dir.Bucket, &e.object)
}

func (h *dirHandle) parent() gofuse.StableAttr {
	if _, parent := h.node.Parent(); parent != nil {
		return parent.StableAttr()
	}
	return h.node.StableAttr()
}

// Seekdir moves to the entry after off: 0 is the beginning. A listing whose
// time is over is begun anew there; not while the kernel copies this one.
func (h *dirHandle) Seekdir(ctx context.Context, off uint64) syscall.Errno {
	if off == 0 && !h.filling && h.node.fs.until(h.snapshot.Expires()) == 0 {
		l := h.node.listing()
		snapshot, err := h.node.open(ctx, l)
		if err != nil {
			return h.node.fs.fail("opendir", h.node.path(""), err)
		}
		h.node.mu.Lock()
		h.snapshot.Close()
		h.listing, h.snapshot = l, snapshot
		h.node.mu.Unlock()
		h.broke = 0
	}
	entries, pos, marked := h.node.entries(h.listing), min(off, dots), false
	if off > dots {
		err := entries.seek(ctx, h.snapshot, off-dots)
		if err != nil && ctx.Err() != nil {
			return syscall.EINTR // go-fuse takes the position to be what it was
		}
		pos, marked = dots+entries.position(), err != nil && err != io.EOF
	}
	h.entries, h.pos, h.marked, h.begun = entries, pos, marked, false
	return 0
}

// Lookup gives READDIRPLUS the attributes of the entry handed out last, from
// its row. ENOENT makes the kernel list it by name alone and look it up if it is used.
func (h *dirHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	n, e := h.node, &h.last
	switch {
	case name == NameIncomplete:
		return n.fs.incomplete(ctx, &n.Inode, h.broke, out), 0
	case name != e.name, n.fs.live.full():
		// go-fuse repeats names before the last where a READDIR was interrupted.
		return nil, syscall.ENOENT
	}
	valid := n.fs.until(h.snapshot.Expires())
	if !e.isFile {
		return n.folder(ctx, name, e.key, valid, out), 0
	}
	return n.fs.fileOf(ctx, &n.Inode, h.lastID, n.dir.Bucket, &e.object, valid, out), 0
}

// Releasedir closes the snapshot: while others read it, it stays.
func (h *dirHandle) Releasedir(context.Context, uint32) { h.node.closed(h) }
