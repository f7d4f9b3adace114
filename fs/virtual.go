package fs

import (
	"context"
	"encoding/binary"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// virtualNode is one rendering of a virtual file, made when its name was
// looked up: its size is exact, and whoever opens it reads all of it although the next
// rendering may differ.
type virtualNode struct {
	node
	text     []byte
	rendered time.Time
}

var (
	_ gofuse.NodeGetattrer = (*virtualNode)(nil)
	_ gofuse.NodeOpener    = (*virtualNode)(nil)
	_ gofuse.NodeReader    = (*virtualNode)(nil)
)

// virtual returns a new node with this text.
//
// Every rendering is an inode of its own to the kernel, by its generation, so
// that pages of an earlier one are never read. All have one number, as cp refuses a file whose
// number changes between its stat and its open ("replaced while being copied").
// The entry is valid for no time: each use of the name renders again.
func (f *filesystem) virtual(ctx context.Context, parent *gofuse.Inode, name string, text []byte, out *fuse.EntryOut) *gofuse.Inode {
	n := &virtualNode{node: node{fs: f}, text: text, rendered: f.Now()}
	return f.rendering(ctx, parent, name, n, n, out)
}

// rendering is virtual for a node that is, or embeds, n.
func (f *filesystem) rendering(ctx context.Context, parent *gofuse.Inode, name string, n *virtualNode, embedder gofuse.InodeEmbedder, out *fuse.EntryOut) *gofuse.Inode {
	attr := virtualAttr(parent.StableAttr(), name)
	attr.Gen = f.renderings.Add(1)
	inode := f.live.inode(ctx, parent, attr, func() gofuse.InodeEmbedder { return embedder })
	f.fileAttributes(uint64(len(n.text)), n.rendered, &out.Attr)
	out.SetEntryTimeout(0)
	out.SetAttrTimeout(f.TTL)
	return inode
}

// virtualAttr returns the number of the virtual file name in parent.
func virtualAttr(parent gofuse.StableAttr, name string) gofuse.StableAttr {
	b := make([]byte, 0, 64)
	b = append(b, 'v')
	b = binary.BigEndian.AppendUint64(b, parent.Ino)
	b = binary.BigEndian.AppendUint64(b, parent.Gen)
	b = append(b, name...)
	return hashedAttr(syscall.S_IFREG, b)
}

func (n *virtualNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fs.fileAttributes(uint64(len(n.text)), n.rendered, &out.Attr)
	out.SetTimeout(n.fs.TTL)
	return 0
}

// Open lets the kernel keep pages, which mmap needs; they go with the inode.
func (n *virtualNode) Open(_ context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	return nil, fuse.FOPEN_NOFLUSH, 0
}

func (n *virtualNode) Read(_ context.Context, _ gofuse.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if off < 0 || off >= int64(len(n.text)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(n.text[off:min(off+int64(len(dest)), int64(len(n.text)))]), 0
}
