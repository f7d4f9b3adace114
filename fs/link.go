package fs

import (
	"context"
	"encoding/binary"
	"strings"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// linkNode is a symlink of a menu. It does not change once made.
type linkNode struct {
	node
	target string
	mtime  time.Time
}

var (
	_ gofuse.NodeGetattrer  = (*linkNode)(nil)
	_ gofuse.NodeReadlinker = (*linkNode)(nil)
)

// target returns where the link of item leads, from the directory of the menu: out of it, out of "@by" and of all
// components typed since the folder, and down again.
func (n *menuNode) target(schema search.Schema, item search.MenuItem) string {
	return strings.Repeat("../", len(n.typed)+2) + strings.Join(item.Path(schema, n.key, n.typed), "/")
}

// link returns the node of the link of item, named name below n.
func (n *menuNode) link(ctx context.Context, schema search.Schema, name string, item search.MenuItem, valid time.Duration, out *fuse.EntryOut) *gofuse.Inode {
	target := n.target(schema, item)
	inode := n.fs.live.inode(ctx, &n.Inode, linkAttr(n.StableAttr(), name, target), func() gofuse.InodeEmbedder {
		return &linkNode{node: node{fs: n.fs}, target: target, mtime: n.mtime}
	})
	n.fs.linkAttributes(target, n.mtime, &out.Attr)
	out.SetEntryTimeout(valid)
	out.SetAttrTimeout(valid)
	return inode
}

// linkAttr returns the identity of the link name in parent to target: "%~more" has another one from time to time.
func linkAttr(parent gofuse.StableAttr, name, target string) gofuse.StableAttr {
	b := make([]byte, 0, 256)
	b = append(b, 'l')
	b = binary.BigEndian.AppendUint64(b, parent.Ino)
	b = binary.BigEndian.AppendUint64(b, parent.Gen)
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	b = append(b, target...)
	return hashedAttr(syscall.S_IFLNK, b)
}

// linkAttributes fills in the attributes of a symlink.
func (f *filesystem) linkAttributes(target string, mtime time.Time, out *fuse.Attr) {
	out.Mode = syscall.S_IFLNK | 0o777
	out.Nlink = 1
	out.Size = uint64(len(target))
	out.Owner = fuse.Owner{Uid: f.UID, Gid: f.GID}
	out.SetTimes(&mtime, &mtime, &mtime)
}

// Getattr needs no request.
func (n *linkNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fs.linkAttributes(n.target, n.mtime, &out.Attr)
	out.SetTimeout(n.fs.TTL)
	return 0
}

// Readlink needs no request.
func (n *linkNode) Readlink(context.Context) ([]byte, syscall.Errno) { return []byte(n.target), 0 }
