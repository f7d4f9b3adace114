package fs

import (
	"context"
	"slices"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// rootNode is the root of the mount: a directory of buckets.
type rootNode struct {
	node
}

var (
	_ gofuse.NodeGetattrer      = (*rootNode)(nil)
	_ gofuse.NodeLookuper       = (*rootNode)(nil)
	_ gofuse.NodeOpendirHandler = (*rootNode)(nil)
)

// Getattr must not ask the store: mounting itself waits for it.
func (n *rootNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fs.dirAttributes(n.fs.started, &out.Attr)
	out.SetTimeout(n.fs.TTL)
	return 0
}

// Lookup finds a bucket or one of the few files beside them.
func (n *rootNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	n.fs.count.lookups.Add(1)
	if text, ok := n.file(name); ok {
		return n.fs.virtual(ctx, &n.Inode, name, []byte(text), out), 0
	}
	bucket, err := n.bucket(ctx, name)
	if err != nil {
		return nil, n.fs.errnos.errno(failure{Op: "lookup", Path: name, Err: err, Doubt: doubtBucket(name)})
	}
	return n.directory(ctx, name, bucket, out), 0
}

// file returns the content of a file that is found at the root but not listed.
func (n *rootNode) file(name string) (string, bool) {
	switch name {
	case "@help":
		return rootHelp(), true
	case "@errors":
		return n.fs.errors.Text(), true
	case "@stats":
		counters := slices.Concat(n.fs.Stats(), n.fs.counters())
		return statsText(counters, n.fs.Running(), n.fs.Now()), true
	case "CACHEDIR.TAG":
		return cacheDirTag, true
	case ".nomedia", ".trackerignore": // that they exist is what they say
		return "", true
	}
	return "", false
}

// bucket returns the bucket that name stands for. One that the bucket list
// does not name may still exist, as when another account shares it, and the list may be denied:
// then the bucket itself is asked for.
func (n *rootNode) bucket(ctx context.Context, name string) (search.Bucket, error) {
	notExist := &search.Error{Op: "lookup", Bucket: name, Kind: search.KindNotExist}
	d := DecodeSegment(name)
	if !CanonicalSegment(name) || d.Hash != "" || d.Object {
		return search.Bucket{}, notExist
	}
	buckets, err := n.fs.Store.Buckets(ctx)
	if kind := search.KindOf(err); kind == search.KindCanceled || kind == search.KindTimeout {
		return search.Bucket{}, err // a store that does not answer is not waited for twice
	}
	for _, b := range buckets {
		if b.Name == d.Text {
			return b, nil
		}
	}
	if !isBucketName(d.Text) {
		return search.Bucket{}, notExist
	}
	_, err = n.fs.Store.Schema(ctx, d.Text)
	return search.Bucket{Name: d.Text}, err
}

// doubtBucket says where a name belongs that is no bucket but a query or a directive; empty for any other.
func doubtBucket(name string) string {
	if !meantAsQuery(name, search.Schema{}) {
		return ""
	}
	return "the directories here are buckets, and queries and @ names stand behind one: BUCKET/" + EncodeSegment(name)
}

// meantAsQuery reports whether name is, or looks like, a query or a directive.
func meantAsQuery(name string, schema search.Schema) bool {
	c, err := search.ParseComponent(name, schema)
	return err != nil || c.Kind != search.ComponentLiteral || c.Doubt != ""
}

// isBucketName reports whether a bucket could have this name. ECS takes more
// than Amazon S3 does: capitals, "_" and up to 255 characters.
func isBucketName(name string) bool {
	if name == "" || len(name) > maxNameLen || !isAlnum(name[0]) || isNoise(name) {
		return false
	}
	for _, c := range []byte(name) {
		if !isAlnum(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func (n *rootNode) directory(ctx context.Context, name string, b search.Bucket, out *fuse.EntryOut) *gofuse.Inode {
	mtime := b.Created
	if mtime.IsZero() {
		mtime = n.fs.started
	}
	return n.fs.directory(ctx, &n.Inode, name, search.Dir{Bucket: b.Name}, mtime, n.fs.TTL, out)
}

// OpendirHandle asks for nothing yet: df opens the mountpoint, and must not
// wait for the network.
func (n *rootNode) OpendirHandle(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	n.fs.count.opendirs.Add(1)
	return &rootHandle{root: n}, 0, 0
}

// rootHandle is one opendir of the root.
type rootHandle struct {
	root    *rootNode
	asked   bool
	buckets []search.Bucket // once asked
	pos     uint64          // entries handed out: ".", "..", the buckets
}

var (
	_ gofuse.FileReaddirenter = (*rootHandle)(nil)
	_ gofuse.FileSeekdirer    = (*rootHandle)(nil)
	_ gofuse.FileLookuper     = (*rootHandle)(nil)
)

// Readdirent fails before the first entry or not at all: the list of buckets
// comes whole.
func (h *rootHandle) Readdirent(ctx context.Context) (*fuse.DirEntry, syscall.Errno) {
	if !h.asked {
		buckets, err := h.root.fs.Store.Buckets(ctx)
		if err != nil {
			return nil, h.root.fs.fail("readdir", "", err)
		}
		h.buckets, h.asked = buckets, true
	}
	ino := h.root.StableAttr().Ino
	name := ""
	switch i := h.pos; {
	case i == 0:
		name = "."
	case i < dots:
		name = ".."
	case i-dots < uint64(len(h.buckets)):
		name = EncodeSegment(h.buckets[i-dots].Name)
		ino = dirAttr(h.root.StableAttr(), name).Ino
	default:
		return nil, 0
	}
	h.pos++
	return &fuse.DirEntry{Name: name, Mode: syscall.S_IFDIR, Ino: ino, Off: h.pos}, 0
}

func (h *rootHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	h.pos = off
	h.asked = h.asked && off > 0
	return 0
}

// Lookup gives READDIRPLUS the attributes of the bucket handed out last.
func (h *rootHandle) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	if h.pos <= dots || h.pos-dots > uint64(len(h.buckets)) || h.root.fs.live.full() {
		return nil, syscall.ENOENT
	}
	b := h.buckets[h.pos-dots-1]
	if EncodeSegment(b.Name) != name {
		return nil, syscall.ENOENT // a name that go-fuse repeats after an interrupt
	}
	return h.root.directory(ctx, name, b, out), 0
}
