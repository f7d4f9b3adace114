package fs

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// fileHandle is one open of a file.
type fileHandle struct {
	node   *fileNode
	file   search.File  // nil: an object without an ETag, which nothing can be kept of
	stream *stream      // the one that the open fitted; may be nil
	end    atomic.Int64 // the end of the bytes that were read, as far as the highest
}

var (
	_ gofuse.FileReader          = (*fileHandle)(nil)
	_ gofuse.FileReleaser        = (*fileHandle)(nil)
	_ gofuse.FilePassthroughFder = (*fileHandle)(nil)
)

// Read returns exactly the bytes that Getattr promised, or an error.
func (h *fileHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n := h.node
	n.fs.count.reads.Add(1)
	rest := n.ref.Size - off
	if off < 0 || rest <= 0 || len(dest) == 0 {
		return fuse.ReadResultData(nil), 0
	}
	dest = dest[:min(int64(len(dest)), rest)]
	view, err := h.view(ctx, dest, off)
	if err != nil {
		return nil, n.fail("read", err)
	}
	n.fs.count.readBytes.Add(int64(len(dest)))
	for end := off + int64(len(dest)); ; {
		before := h.end.Load()
		if before >= end || h.end.CompareAndSwap(before, end) {
			break
		}
	}
	return lent{view}, 0
}

// view returns the len(p) bytes at off, which must lie within the object. Fewer are an error.
func (h *fileHandle) view(ctx context.Context, p []byte, off int64) (search.View, error) {
	if h.file == nil {
		if _, err := h.node.readFull(ctx, p, off); err != nil {
			return search.View{}, err
		}
		return search.NewView(p, nil, nil), nil
	}
	view, err := h.file.View(ctx, p, off)
	if got := view.Len(); err == nil && got != len(p) {
		view.Release()
		err = h.node.short(got, len(p), off)
	}
	return view, err
}

// Release is called once no READ is under way.
func (h *fileHandle) Release(context.Context) syscall.Errno {
	n := h.node
	if h.file != nil {
		n.mode.closed(n.fs.Now(), h.file)
	}
	n.fs.ahead.closed(h.stream, h.end.Load(), n.ref.Size)
	return 0
}

// PassthroughFd is asked by go-fuse, right after Open, for a descriptor that the kernel reads by itself from then on.
func (h *fileHandle) PassthroughFd() (fd int, ok bool) {
	if h.file == nil {
		return 0, false
	}
	return h.node.mode.passthrough()
}

// short is the error of a read that gave fewer bytes than there are.
func (n *fileNode) short(got, want int, off int64) error {
	return &search.Error{Op: "read", Bucket: n.ref.Bucket, Key: n.ref.Key, Kind: search.KindIO,
		Reason: fmt.Sprintf("the store gave %d of %d bytes at offset %d", got, want, off)}
}

// lent is a READ's answer in memory of the store's, which has it back once it is written to the kernel. It is of at
// least one byte: go-fuse v2.12.1 does not call Done of an answer of none.
//
// Slices is what makes go-fuse write the bytes from where they are and call Done after that. Without it, and with
// splicing off, it calls Done before it writes what Bytes returned.
type lent struct{ view search.View }

var _ fuse.ReadResult = lent{}

func (l lent) Bytes([]byte) ([]byte, fuse.Status) {
	return slices.Concat(l.view.Bytes, l.view.Next), fuse.OK
}

func (l lent) Slices() ([][]byte, fuse.Status) {
	if len(l.view.Next) == 0 {
		return [][]byte{l.view.Bytes}, fuse.OK
	}
	return [][]byte{l.view.Bytes, l.view.Next}, fuse.OK
}

func (l lent) Size() int { return l.view.Len() }

func (l lent) Done() { l.view.Release() }
