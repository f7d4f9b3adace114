package fs

import (
	"context"
	"io"
	"slices"
	"sync"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// manifestNode is the manifest of one snapshot as its lookup found it.
//
// Of a listing that had ended, the size is exact and the kernel may keep pages, so that
// every program reads it like any file, mmap included. Else the size is 0, whatever can be guessed
// would be wrong, and it is read by direct I/O, which ends where the text does and not
// at the size.
type manifestNode struct {
	node
	text  *manifestText
	size  int64 // as looked up
	ended bool  // size is exact; of a broken listing it is one more, and reading that byte gives the error
}

var (
	_ gofuse.NodeGetattrer = (*manifestNode)(nil)
	_ gofuse.NodeOpener    = (*manifestNode)(nil)
)

// manifestAwaited is up to which row a lookup waits for the listing, so that small manifests
// have their size: tar, rsync and mmap go by it. As many as two pages have.
const manifestAwaited = 2000

// manifest returns the node of the manifest of n. Looking it up begins the listing, unless it is kept:
// what fails from the start fails here.
func (n *dirNode) manifest(ctx context.Context, name string, format ManifestFormat, schema search.Schema, out *fuse.EntryOut) (*gofuse.Inode, error) {
	l := n.dir.Results(n.fs.Now(), n.fs.TTL)
	s, err := n.fs.Store.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	m, attr, err := n.newManifest(ctx, name, format, schema, l, s)
	if err != nil {
		s.Close()
		return nil, err
	}
	inode := n.fs.live.inode(ctx, &n.Inode, attr, func() gofuse.InodeEmbedder { return m })
	m = inode.Operations().(*manifestNode)
	n.fs.looked.add(m, s)
	m.attributes(&out.Attr)
	out.SetEntryTimeout(0)
	out.SetAttrTimeout(m.valid())
	return inode, nil
}

// newManifest returns the node for s, a snapshot of l, and its identity.
func (n *dirNode) newManifest(ctx context.Context, name string, format ManifestFormat, schema search.Schema, l search.Listing, s search.Snapshot) (*manifestNode, gofuse.StableAttr, error) {
	attr := virtualAttr(n.StableAttr(), name)
	if _, err := s.Row(ctx, 0); err != nil && err != io.EOF {
		return nil, attr, err
	}
	_, err := s.Row(ctx, manifestAwaited)
	if ctx.Err() != nil {
		return nil, attr, ctx.Err()
	}
	_, complete := s.Len()
	broken := err != nil && err != io.EOF

	m := &manifestNode{node: node{fs: n.fs}, text: n.manifestText(format, schema, l, s)}
	attr.Gen = n.fs.renderings.Add(1)
	if complete || broken {
		if m.size, err = m.text.measure(ctx, s); err != nil {
			return nil, attr, err
		}
		m.ended = true
	}
	switch {
	case broken:
		m.size++
	case complete:
		attr.Gen = m.text.gen // one inode as long as the snapshot is this
	}
	return m, attr, nil
}

// manifestText returns the text of s, a snapshot of l: the one that the last lookup was about, if it was of s.
func (n *dirNode) manifestText(format ManifestFormat, schema search.Schema, l search.Listing, s search.Snapshot) *manifestText {
	id := snapshotID{listing: l.ID(), taken: s.Taken()}
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.manifests[format]; t != nil && t.id == id {
		return t
	}
	n.manifests[format] = n.fs.newManifestText(format, n.dir, schema, l, id)
	return n.manifests[format]
}

func (m *manifestNode) attributes(out *fuse.Attr) {
	size := m.size
	if !m.ended {
		size, _ = m.text.length() // known once somebody read to the end
	}
	m.fs.fileAttributes(uint64(size), m.text.id.taken, out)
}

// valid is how long the attributes are.
func (m *manifestNode) valid() time.Duration {
	if m.ended {
		return m.fs.TTL
	}
	return 0
}

func (m *manifestNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	m.attributes(&out.Attr)
	out.SetTimeout(m.valid())
	return 0
}

// Open goes on with the snapshot that the lookup was about. When that is gone, a node
// with a size is stale, and the kernel looks the name up anew.
func (m *manifestNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	m.fs.count.opens.Add(1)
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	s := m.fs.looked.take(m)
	if s == nil {
		var err error
		if s, err = m.fs.Store.Open(ctx, m.text.listing); err != nil {
			return nil, 0, m.fs.fail("open", m.path(""), err)
		}
	}
	h := &manifestHandle{node: m, text: m.text, snapshot: s}
	if !s.Taken().Equal(m.text.id.taken) {
		if m.ended {
			s.Close()
			return nil, 0, syscall.ESTALE
		}
		h.text = m.text.of(s)
	}
	if _, complete := s.Len(); m.ended && complete {
		return h, fuse.FOPEN_NOFLUSH | fuse.FOPEN_KEEP_CACHE, 0
	}
	return h, fuse.FOPEN_NOFLUSH | fuse.FOPEN_DIRECT_IO, 0
}

// of returns the text of another snapshot of the same listing.
func (t *manifestText) of(s search.Snapshot) *manifestText {
	return &manifestText{manifest: t.manifest, fs: t.fs, dir: t.dir, listing: t.listing,
		id: snapshotID{t.id.listing, s.Taken()}, size: -1}
}

// manifestHandle is one open of a manifest.
type manifestHandle struct {
	node     *manifestNode
	text     *manifestText
	snapshot search.Snapshot

	mu   sync.Mutex
	idle []*manifestCursor // guarded by mu: where reads have ended, the last one last
}

var (
	_ gofuse.FileReader   = (*manifestHandle)(nil)
	_ gofuse.FileReleaser = (*manifestHandle)(nil)
)

// maxCursors is how many places an open file remembers. The kernel sends the READs of one reader
// a few at a time and in any order.
const maxCursors = 4

// Read renders what is asked for. It takes no cursor that another Read uses, as both may wait.
func (h *manifestHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f := h.node.fs
	f.count.reads.Add(1)
	c := h.take(off)
	n := 0
	for n < len(dest) {
		k, err := c.read(ctx, h.snapshot, dest[n:], off+int64(n))
		n += k
		switch {
		case err == nil && h.node.ended: // of an exact size: pages must be filled
			continue
		case err == nil, err == io.EOF, n > 0:
		case ctx.Err() != nil:
			h.put(c)
			return nil, syscall.EINTR
		default:
			return nil, f.fail("read", h.node.path(""), err)
		}
		break
	}
	h.put(c)
	f.count.readBytes.Add(int64(n))
	return fuse.ReadResultData(dest[:n]), 0
}

// take returns a cursor that is not behind offset, the nearest there is.
func (h *manifestHandle) take(offset int64) *manifestCursor {
	mark, marked := h.text.before(offset)
	h.mu.Lock()
	defer h.mu.Unlock()
	best := -1
	for i, c := range h.idle {
		if c.offset <= offset && (!marked || c.end() >= mark.offset) && (best < 0 || c.offset > h.idle[best].offset) {
			best = i
		}
	}
	if best < 0 {
		return h.text.cursor(offset)
	}
	c := h.idle[best]
	h.idle = slices.Delete(h.idle, best, best+1)
	return c
}

func (h *manifestHandle) put(c *manifestCursor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) == maxCursors {
		h.idle = slices.Delete(h.idle, 0, 1)
	}
	h.idle = append(h.idle, c)
}

// Release closes the snapshot: while others read it, it stays.
func (h *manifestHandle) Release(context.Context) syscall.Errno {
	h.snapshot.Close()
	return 0
}
