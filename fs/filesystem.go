package fs

import (
	"context"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// filesystem is what all nodes of one mount share. It does not change after
// the mount; its parts are safe for concurrent use.
type filesystem struct {
	Options // with the defaults filled in

	started time.Time // the time of every directory that has none of its own
	errors  *ErrorLog
	errnos  errnoMapper
	live    nodeTable
	long    longNames
	indexes treeIndexes
	held    heldTree
	looked  heldSnapshots
	missed  missedNames
	changed recent[objectID, time.Time] // objects that were found to be others than listed, and when
	count   operationCounters
	ahead   *readAhead

	renderings atomic.Uint64 // virtual files made so far: the generation of the next one
}

// operationCounters count what the kernel asked for.
type operationCounters struct {
	lookups, opendirs, opens, reads, readBytes, stale, panics atomic.Int64
}

func newFilesystem(o Options) *filesystem {
	o = o.withDefaults()
	f := &filesystem{
		Options: o,
		started: o.Now(),
		errors:  NewErrorLog(o.Now),
		live:    newNodeTable(o.MaxInodes),
	}
	f.ahead = &readAhead{fs: f, credit: firstCredit}
	f.errnos = errnoMapper{log: o.Logger, errors: f.errors}
	return f
}

// fail turns err into the errno for the kernel, and records it. path is below
// the mountpoint.
func (f *filesystem) fail(op, path string, err error) syscall.Errno {
	return f.errnos.errno(failure{Op: op, Path: path, Err: err})
}

// until returns what is left until t, never below 0.
func (f *filesystem) until(t time.Time) time.Duration {
	return max(0, t.Sub(f.Now()))
}

// briefly is how long the kernel may keep what was asked for one object or
// folder alone. The store beneath may keep the same answer for as
// long as a listing, so the two ages add up: this one is kept short.
func (f *filesystem) briefly() time.Duration {
	return min(f.TTL, f.NegativeTTL)
}

// counters returns the figures of the mount itself.
func (f *filesystem) counters() []search.Counter {
	return append(f.ahead.counters(),
		[]search.Counter{
			{Name: "mount_inodes", Value: int64(f.live.len())},
			{Name: "mount_index_bytes", Value: int64(f.indexes.size())},
			{Name: "mount_lookups", Value: f.count.lookups.Load()},
			{Name: "mount_opendirs", Value: f.count.opendirs.Load()},
			{Name: "mount_opens", Value: f.count.opens.Load()},
			{Name: "mount_reads", Value: f.count.reads.Load()},
			{Name: "mount_read_bytes", Value: f.count.readBytes.Load()},
			{Name: "mount_stale", Value: f.count.stale.Load()},
			{Name: "mount_panics", Value: f.count.panics.Load()},
		}...)
}

// recovered logs a panic of a handler and makes one EIO of it: a bug costs an
// operation, not the mount.
func (f *filesystem) recovered(reason any) fuse.Status {
	stack := make([]byte, 64<<10)
	stack = stack[:runtime.Stack(stack, false)]
	f.count.panics.Add(1)
	f.Logger.Error("panic: this is a bug in ecsfs, please report it", "reason", reason, "stack", string(stack))
	f.errors.Add("panic", "", "a bug in ecsfs made one operation fail", "the log has the details; please report it")
	return fuse.EIO
}

// node is what the nodes of all kinds have in common.
type node struct {
	gofuse.Inode
	fs *filesystem
}

var (
	_ gofuse.NodeStatfser    = (*node)(nil)
	_ gofuse.NodeOnForgetter = (*node)(nil)
)

// Statfs answers from here alone: df must not wait for the network, and a
// bucket has no size that could be known.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize = blockSize
	out.Frsize = blockSize
	out.NameLen = maxNameLen
	return 0
}

// OnForget is called when neither the kernel nor a child refers to the node.
func (n *node) OnForget() { n.fs.live.forget(n.StableAttr()) }

// path returns the path of the child name below the mountpoint, as typed; of
// the node itself when name is empty.
func (n *node) path(name string) string {
	p := n.Path(n.Root())
	switch {
	case name == "":
		return p
	case p == "":
		return name
	}
	return p + "/" + name
}

const (
	dirMode  = 0o555
	fileMode = 0o444
	// blockSize is st_blksize, what cp and cat take as the size of their
	// buffers: the largest READ that the kernel sends without being tuned.
	blockSize = 128 << 10
)

// dirAttributes fills in the attributes of a directory.
func (f *filesystem) dirAttributes(mtime time.Time, out *fuse.Attr) {
	out.Mode = syscall.S_IFDIR | dirMode
	// Never 2: find and others would take 2 for "no directory in it".
	out.Nlink = 1
	out.Owner = fuse.Owner{Uid: f.UID, Gid: f.GID}
	out.SetTimes(&mtime, &mtime, &mtime)
}

// fileAttributes fills in the attributes of a file of size bytes.
func (f *filesystem) fileAttributes(size uint64, mtime time.Time, out *fuse.Attr) {
	out.Mode = syscall.S_IFREG | fileMode
	out.Nlink = 1
	out.Size = size
	out.Blocks = (size + 511) / 512
	out.Blksize = blockSize
	out.Owner = fuse.Owner{Uid: f.UID, Gid: f.GID}
	out.SetTimes(&mtime, &mtime, &mtime)
}
