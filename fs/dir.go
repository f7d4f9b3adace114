package fs

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// dirNode is a bucket, a folder or a query directory: one path as typed. Two
// paths that mean the same are two nodes that share one kept listing.
type dirNode struct {
	node
	dir   search.Dir
	mtime time.Time
	// doubted: the next GETATTR is answered ESTALE, upon which the kernel walks the path again and looks
	// each name up.
	doubted atomic.Bool

	mu sync.Mutex
	// Guarded by mu: what the kernel's own copy of this directory holds. INVARIANT: while
	// fillers > 0, all open handles that may add to the copy read the snapshot copied.
	copied  snapshotID
	fillers int
	// Guarded by mu: the error of the last listing, when that broke after rows were handed out.
	broken syscall.Errno
	// Guarded by mu: the open handles, the newest last. Their snapshots are closed with mu
	// held, so that a lookup never looks into a closed one.
	handles []*dirHandle
	// Guarded by mu: the texts of the last snapshot looked up, by ManifestFormat.
	manifests [2]*manifestText
}

var (
	_ gofuse.NodeGetattrer      = (*dirNode)(nil)
	_ gofuse.NodeLookuper       = (*dirNode)(nil)
	_ gofuse.NodeOpendirHandler = (*dirNode)(nil)
)

// snapshotID tells snapshots of one directory apart. The zero value is none.
type snapshotID struct {
	listing string
	taken   time.Time
}

// maxCopiedEntries is up to which size the kernel may keep its own copy of a
// directory: above it, the copy is evicted before it is read again, and costs memory for nothing.
const maxCopiedEntries = 100_000

// directory returns the node of d, reached by component below parent, and
// fills in out.
func (f *filesystem) directory(ctx context.Context, parent *gofuse.Inode, component string, d search.Dir, mtime time.Time, valid time.Duration, out *fuse.EntryOut) *gofuse.Inode {
	inode := f.live.inode(ctx, parent, dirAttr(parent.StableAttr(), component), func() gofuse.InodeEmbedder {
		return &dirNode{node: node{fs: f}, dir: d, mtime: mtime}
	})
	inode.Operations().(*dirNode).doubted.Store(false)
	f.dirAttributes(mtime, &out.Attr)
	out.SetEntryTimeout(valid)
	out.SetAttrTimeout(valid)
	return inode
}

// Getattr needs no request. A directory's time is fixed: a listing has no time
// of change, and tar takes a changed one for a file that changed as it was read.
func (n *dirNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if n.doubted.Swap(false) {
		return syscall.ESTALE
	}
	n.fs.dirAttributes(n.mtime, &out.Attr)
	out.SetTimeout(n.fs.TTL)
	return 0
}

// listing returns the listing that an opendir or a lookup now is about.
func (n *dirNode) listing() search.Listing { return n.dir.Listing(n.fs.Now(), n.fs.TTL) }

// flat reports whether results stand directly in the directory, by their whole
// key relative to its prefix.
func (n *dirNode) flat() bool { return n.dir.IsFlat() }

// isTree reports whether n shows results in their folders.
func (n *dirNode) isTree() bool { return n.dir.Tree && !n.dir.IsPlain() }

// base returns what the names in n are relative to: every key that has one begins with it.
func (n *dirNode) base() string { return n.dir.Prefix + n.dir.Below }

func (n *dirNode) naming() naming { return namingOf(n.dir) }

// entryOrder makes the entries of a directory from the rows of a snapshot, each name once. The order
// depends on the rows alone, so that an offset means the same entry whenever it is sought.
type entryOrder interface {
	// entry returns the next entry; io.EOF at the end, ctx's error when that ends first,
	// else the error that broke the listing, after all that came of it.
	entry(ctx context.Context, s search.Snapshot) (dirEntry, error)
	// waits reports whether entry would wait for the store.
	waits(s search.Snapshot) bool
	// position tells where the entry handed out last ends: greater than after the one before, 0 in the beginning.
	position() uint64
	// seek moves a new entryOrder to that position. At the end or the break of the listing it
	// stays there, with the error that entry gives there.
	seek(ctx context.Context, s search.Snapshot, position uint64) error
}

// seekByReading is entryOrder.seek where only the entries tell what has been handed out, and position is their number.
func seekByReading(ctx context.Context, s search.Snapshot, o entryOrder, position uint64) error {
	for range position {
		if _, err := o.entry(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// entries returns the entries of a snapshot of l, the directory's listing, from the first on.
func (n *dirNode) entries(l search.Listing) entryOrder {
	switch {
	case n.isTree():
		return &treeOrder{dir: n.dir, listing: l, fs: n.fs}
	case n.flat():
		return &flatOrder{prefix: n.dir.Prefix, naming: n.naming()}
	}
	return &folderOrder{prefix: n.dir.Prefix}
}

// OpendirHandle waits for the first row, so that a listing that fails from the
// start fails here, where every program looks.
func (n *dirNode) OpendirHandle(ctx context.Context, _ uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	n.fs.count.opendirs.Add(1)
	l := n.listing()
	snapshot, err := n.open(ctx, l)
	if err != nil {
		return nil, 0, n.fs.fail("opendir", n.path(""), err)
	}
	h := &dirHandle{node: n, listing: l, snapshot: snapshot, entries: n.entries(l)}
	n.mu.Lock()
	n.handles = append(n.handles, h)
	n.mu.Unlock()
	n.fs.ahead.opendir(n)
	h.filling = n.mayCopy(l, snapshot)
	if h.filling {
		return h, fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE, 0
	}
	return h, 0, 0
}

// open returns the snapshot of l with its first row there, or its end.
func (n *dirNode) open(ctx context.Context, l search.Listing) (search.Snapshot, error) {
	snapshot, err := n.fs.Store.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	if _, err := snapshot.Row(ctx, 0); err != nil && err != io.EOF {
		snapshot.Close()
		return nil, err
	}
	n.mu.Lock()
	n.broken = 0
	n.mu.Unlock()
	return snapshot, nil
}

// mayCopy decides whether the kernel may keep a copy of what a handle of this
// snapshot reads, and read from the copy it has. It may when the copy is of
// this very snapshot, or when nobody fills it: then it is emptied first. Two
// handles of different snapshots must never fill one copy.
//
// go-fuse sets FOPEN_KEEP_CACHE whenever FOPEN_CACHE_DIR is set, so emptying
// cannot be left to the kernel.
func (n *dirNode) mayCopy(l search.Listing, snapshot search.Snapshot) bool {
	if rows, _ := snapshot.Len(); rows > maxCopiedEntries || n.fs.until(snapshot.Expires()) == 0 {
		return false
	}
	id := snapshotID{listing: l.ID(), taken: snapshot.Taken()}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.copied == id:
	case n.fillers > 0:
		return false
	default:
		if n.copied != (snapshotID{}) {
			// The call only writes to the kernel, which answers without asking back.
			if errno := n.NotifyContent(0, 0); errno != 0 && errno != syscall.ENOENT {
				return false
			}
		}
		n.copied = id
	}
	n.fillers++
	return true
}

// closed ends what OpendirHandle began.
func (n *dirNode) closed(h *dirHandle) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.filling {
		n.fillers--
	}
	n.handles = slices.DeleteFunc(n.handles, func(other *dirHandle) bool { return other == h })
	h.snapshot.Close()
}

func (n *dirNode) setBroken(errno syscall.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken = errno
}

func (n *dirNode) brokenBy() syscall.Errno {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.broken
}
