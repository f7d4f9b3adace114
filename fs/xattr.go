package fs

import (
	"bytes"
	"context"
	"strings"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"

	"github.com/ecsfs/ecsfs/search"
)

// The extended attributes of files, with Options.Xattr. What the node itself knows costs nothing; for the
// version and the user metadata the store is asked once, by HEAD, and keeps the answer.
const (
	xattrKey     = "user.s3.key"
	xattrETag    = "user.s3.etag"
	xattrVersion = "user.s3.version"
	xattrMeta    = "user.meta." // and the name that follows "x-amz-meta-"

	maxXattrName = 255 // XATTR_NAME_MAX of Linux, in bytes
)

var (
	_ gofuse.NodeGetxattrer  = (*fileNode)(nil)
	_ gofuse.NodeListxattrer = (*fileNode)(nil)
)

// Getxattr copies the value of attr into dest. It returns the value's length, with ERANGE where dest is too
// small, as it is when the caller asks for the length alone.
func (n *fileNode) Getxattr(ctx context.Context, attr string, dest []byte) (uint32, syscall.Errno) {
	value, ok := "", false
	meta, isMeta := strings.CutPrefix(attr, xattrMeta)
	switch {
	case attr == xattrKey:
		value, ok = n.ref.Key, true
	case attr == xattrETag:
		value, ok = n.ref.ETag, n.ref.ETag != ""
	case attr == xattrVersion, isMeta:
		o, err := n.fs.Store.Stat(ctx, n.ref)
		if err != nil {
			return 0, n.fail("getxattr", err)
		}
		if isMeta {
			value, ok = o.Metadata.Get(search.MetaPrefix + meta)
		} else {
			value, ok = o.VersionID, o.VersionID != ""
		}
	}
	if !ok { // ls asks for names of other kinds
		return 0, syscall.ENODATA
	}
	return fillXattr(dest, []byte(value))
}

// Listxattr copies the names into dest, each with a NUL behind it, and returns as Getxattr does.
func (n *fileNode) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	o, err := n.fs.Store.Stat(ctx, n.ref)
	if err != nil {
		return 0, n.fail("listxattr", err)
	}
	var list bytes.Buffer
	add := func(name string) {
		list.WriteString(name)
		list.WriteByte(0)
	}
	add(xattrKey)
	if n.ref.ETag != "" {
		add(xattrETag)
	}
	if o.VersionID != "" {
		add(xattrVersion)
	}
	for key := range o.Metadata.All() {
		name, user := strings.CutPrefix(key, search.MetaPrefix)
		// Others cannot be named to the kernel. @meta,NAME has them.
		if user && name != "" && len(xattrMeta)+len(name) <= maxXattrName && !strings.Contains(name, "\x00") {
			add(xattrMeta + name)
		}
	}
	return fillXattr(dest, list.Bytes())
}

func fillXattr(dest, data []byte) (uint32, syscall.Errno) {
	if len(dest) < len(data) {
		return uint32(len(data)), syscall.ERANGE
	}
	return uint32(copy(dest, data)), 0
}
