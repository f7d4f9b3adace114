package fs

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// fileNode is one version of one object: an overwritten object is another node
// with another inode number, so that no page of the kernel's cache and no
// attribute of it can ever be wrong. But for mode and changed it does not change once made.
type fileNode struct {
	node
	ref   search.Ref // pinned to the ETag, and to a version where it was named with one
	mtime time.Time  // whole seconds: a HEAD carries no more, and both must agree
	mode  openMode
	// changed is set while the store is known to have another version by now: what is kept of this one could
	// otherwise be opened once more, and not be read to its end.
	changed atomic.Bool
}

var (
	_ gofuse.NodeGetattrer = (*fileNode)(nil)
	_ gofuse.NodeOpener    = (*fileNode)(nil)
)

// file returns the node of o, an object of bucket or with a VersionID that version of it, and fills in
// out. valid is how long the kernel may believe that the name means this object.
func (f *filesystem) file(ctx context.Context, parent *gofuse.Inode, bucket string, o *search.Object, valid time.Duration, out *fuse.EntryOut) *gofuse.Inode {
	return f.fileOf(ctx, parent, fileAttr(bucket, o), bucket, o, valid, out)
}

// fileOf is file for an object whose identity is known.
func (f *filesystem) fileOf(ctx context.Context, parent *gofuse.Inode, id gofuse.StableAttr, bucket string, o *search.Object, valid time.Duration, out *fuse.EntryOut) *gofuse.Inode {
	inode := f.live.inode(ctx, parent, id, func() gofuse.InodeEmbedder {
		return &fileNode{
			node:  node{fs: f},
			ref:   search.Ref{Bucket: bucket, Key: o.Key, VersionID: o.VersionID, ETag: o.ETag, Size: o.Size},
			mtime: wholeSeconds(o.ModTime),
		}
	})
	if n, ok := inode.Operations().(*fileNode); ok {
		n.changed.Store(false) // it is this one, or again: a wrong listing is found out once more
	}
	f.fileAttributes(uint64(o.Size), wholeSeconds(o.ModTime), &out.Attr)
	out.SetEntryTimeout(valid)
	out.SetAttrTimeout(valid)
	return inode
}

func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0)
	}
	return time.Unix(t.Unix(), 0)
}

// Getattr needs no request: what the node stands for never changes.
func (n *fileNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fs.fileAttributes(uint64(n.ref.Size), n.mtime, &out.Attr)
	out.SetTimeout(n.fs.TTL)
	return 0
}

// Open makes sure of the first bytes, so that an object which changed since it
// was listed is noticed here: on ESTALE from OPEN the kernel walks the path again, asking
// anew for each name, and opens what it finds then. The bytes are kept, and the READ that
// follows does not ask for them again.
func (n *fileNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	n.fs.count.opens.Add(1)
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	if n.changed.Load() {
		n.fs.Logger.Debug("refreshed at open", "bucket", n.ref.Bucket, "key", n.ref.Key, "cause", "it was found to be changed")
		return nil, 0, syscall.ESTALE
	}
	// There is nothing to write back at close.
	answer := uint32(fuse.FOPEN_NOFLUSH)
	h := &fileHandle{node: n}
	if n.ref.ETag == "" {
		return h, answer, 0
	}
	h.stream = n.fs.ahead.opened(n)
	file, err := n.fs.Store.OpenFile(ctx, n.ref)
	if err != nil {
		return nil, 0, n.fail("open", err)
	}
	h.file = file
	n.mode.opened(n.fs.Now(), file)
	// The inode is of one ETag: pages of it that the kernel still has are right.
	return h, answer | fuse.FOPEN_KEEP_CACHE, 0
}

// readFull reads len(p) bytes, which must lie within the object. Fewer are an error.
func (n *fileNode) readFull(ctx context.Context, p []byte, off int64) (int, error) {
	count, err := n.fs.Store.ReadRange(ctx, n.ref, p, off)
	if count == len(p) {
		return count, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = n.short(count, len(p), off)
	}
	return count, err
}

// fail turns err into an errno. An object that changed is forgotten.
func (n *fileNode) fail(op string, err error) syscall.Errno {
	if search.KindOf(err) != search.KindChanged {
		return n.fs.fail(op, n.path(""), err)
	}
	f := n.fs
	f.count.stale.Add(1)
	n.changed.Store(true)
	id, now := objectID{n.ref.Bucket, n.ref.Key, n.ref.VersionID}, f.Now()
	before, known := f.changed.get(id)
	f.changed.add(id, now)
	f.Store.Forget(id.bucket, id.key)
	if op == "open" && !(known && now.Sub(before) < repairTime) {
		// The kernel opens the object anew, and nobody sees this. If it changes
		// again meanwhile, that is told.
		f.Logger.Debug("refreshed at open", "bucket", id.bucket, "key", id.key, "cause", err)
		return syscall.ESTALE
	}
	return f.fail(op, n.path(""), err)
}

// repairTime is for how long after an OPEN was answered ESTALE another may be
// the kernel's second attempt.
const repairTime = time.Second

// errorNode is the last entry of a listing that broke: a file that cannot be
// opened.
type errorNode struct {
	node
	errno syscall.Errno
}

var (
	_ gofuse.NodeGetattrer = (*errorNode)(nil)
	_ gofuse.NodeOpener    = (*errorNode)(nil)
)

// Getattr succeeds: the entry must be seen by those who stat what they list.
func (n *errorNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fs.fileAttributes(errorNodeSize, n.fs.started, &out.Attr)
	return 0
}

// errorNodeSize is not 0, since GNU tar archives an empty file without opening it.
const errorNodeSize = 1

// Open gives the error that broke the listing.
func (n *errorNode) Open(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	return nil, 0, n.errno
}

// incomplete returns the entry that says that parent's listing broke with
// errno. It is valid for no time: the next listing may be whole.
func (f *filesystem) incomplete(ctx context.Context, parent *gofuse.Inode, errno syscall.Errno, out *fuse.EntryOut) *gofuse.Inode {
	attr := virtualAttr(parent.StableAttr(), NameIncomplete)
	attr.Gen = uint64(errno)
	f.fileAttributes(errorNodeSize, f.started, &out.Attr)
	out.SetEntryTimeout(0)
	out.SetAttrTimeout(f.TTL)
	return f.live.inode(ctx, parent, attr, func() gofuse.InodeEmbedder {
		return &errorNode{node: node{fs: f}, errno: errno}
	})
}
