package fs

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// menuPlace is where a menu is: what its links lead out of and back into.
type menuPlace struct {
	node
	dir   search.Dir // whose results the menu is of
	mtime time.Time
	// typed are the components of the path from the first query or directive on, up to "@by": what a
	// link climbs out of, and types again.
	typed []string
}

// Getattr needs no request.
func (p *menuPlace) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	p.fs.dirAttributes(p.mtime, &out.Attr)
	out.SetTimeout(p.fs.TTL)
	return 0
}

func (p *menuPlace) notExist(name string) error {
	return &search.Error{Op: "lookup", Bucket: p.dir.Bucket, Key: name, Kind: search.KindNotExist}
}

// file returns the text of the virtual file that name is in a menu; ok is false when it is none. schemaErr says
// that the schema could not be had, which @errors does without.
func (p *menuPlace) file(name string, schema search.Schema, schemaErr error, explain func() string) (text string, ok bool) {
	switch {
	case name == "@errors":
		return p.fs.errors.Text(), true
	case schemaErr != nil:
		return "", false
	case name == "@help":
		return search.Help(schema), true
	case name == "@searchkeys":
		return search.SearchKeysTable(schema), true
	case name == "@explain":
		return explain(), true
	}
	return "", false
}

// missing returns the errno of a lookup that found no name, and has @errors say where a query or a directive belongs.
func (p *menuPlace) missing(name string, schema search.Schema, err error) syscall.Errno {
	f := failure{Op: "lookup", Path: p.path(name), Err: err}
	if search.KindOf(err) == search.KindNotExist && meantAsQuery(name, schema) {
		f.Doubt = "a menu has links alone: queries and @ names stand before @by, or behind a link"
	}
	return p.fs.errnos.errno(f)
}

// menusNode is "@by": a directory with one menu for each key.
type menusNode struct{ menuPlace }

var (
	_ gofuse.NodeGetattrer      = (*menusNode)(nil)
	_ gofuse.NodeLookuper       = (*menusNode)(nil)
	_ gofuse.NodeOpendirHandler = (*menusNode)(nil)
)

// menus returns the node "@by" below n.
func (n *dirNode) menus(ctx context.Context, name string, schema search.Schema, out *fuse.EntryOut) (*gofuse.Inode, error) {
	if err := search.CheckMenus(schema, n.dir.Order); err != nil {
		return nil, err
	}
	path := strings.Split(n.path(""), "/")[1:] // without the bucket
	isQuery := func(name string) bool {
		c, err := search.ParseComponent(name, schema)
		return err == nil && c.Kind != search.ComponentLiteral
	}
	var typed []string
	if i := slices.IndexFunc(path, isQuery); i >= 0 {
		typed = path[i:]
	}
	inode := n.fs.live.inode(ctx, &n.Inode, dirAttr(n.StableAttr(), name), func() gofuse.InodeEmbedder {
		return &menusNode{menuPlace{node: node{fs: n.fs}, dir: n.dir, mtime: n.mtime, typed: typed}}
	})
	n.fs.dirAttributes(n.mtime, &out.Attr)
	out.SetEntryTimeout(n.fs.TTL)
	out.SetAttrTimeout(n.fs.TTL)
	return inode, nil
}

// Lookup finds the menu of the key that name, in any of its spellings, means.
func (n *menusNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	n.fs.count.lookups.Add(1)
	schema, err := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if text, ok := n.file(name, schema, err, func() string { return search.ExplainMenus(schema, n.dir) }); ok {
		return n.fs.virtual(ctx, &n.Inode, name, []byte(text), out), 0
	}
	if err != nil {
		return nil, n.fs.fail("lookup", n.path(name), err)
	}
	if isNoise(name) || strings.HasPrefix(name, "@") || strings.Contains(name, mark) {
		return nil, n.missing(name, schema, n.notExist(name))
	}
	key, err := search.MenuKey(schema, decodePercent(name))
	if err != nil {
		f := failure{Op: "lookup", Path: n.path(name), Err: err}
		if e, ok := err.(*search.Error); ok && e.Kind == search.KindNotExist {
			f.Doubt = e.Why()
		}
		return nil, n.fs.errnos.errno(f)
	}
	inode := n.fs.live.inode(ctx, &n.Inode, dirAttr(n.StableAttr(), name), func() gofuse.InodeEmbedder {
		return &menuNode{menuPlace: menuPlace{node: node{fs: n.fs}, dir: n.dir, mtime: n.mtime, typed: n.typed}, key: key,
			handles: make(map[*menuHandle]struct{})}
	})
	n.fs.dirAttributes(n.mtime, &out.Attr)
	out.SetEntryTimeout(n.fs.TTL)
	out.SetAttrTimeout(n.fs.TTL)
	return inode, 0
}

// OpendirHandle lists the keys; that asks for nothing beyond the schema.
func (n *menusNode) OpendirHandle(ctx context.Context, _ uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	n.fs.count.opendirs.Add(1)
	schema, err := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if err != nil {
		return nil, 0, n.fs.fail("opendir", n.path(""), err)
	}
	var names []string
	for _, k := range search.MenuKeys(schema) {
		names = append(names, EncodeSegment(k.Short()))
	}
	return &namesHandle{of: &n.node, lookup: n.Lookup, names: names}, 0, 0
}

// menuNode is "@by/KEY": a directory with one link for each value.
type menuNode struct {
	menuPlace
	key search.Key

	broken atomic.Int32 // the errno of the last listing, when that broke after rows were handed out

	mu      sync.Mutex
	handles map[*menuHandle]struct{} // guarded by mu, as are their snapshots: those that are open
}

var (
	_ gofuse.NodeGetattrer      = (*menuNode)(nil)
	_ gofuse.NodeLookuper       = (*menuNode)(nil)
	_ gofuse.NodeOpendirHandler = (*menuNode)(nil)
)

func (n *menuNode) listing() search.Listing { return n.dir.Values(n.key, n.fs.Now(), n.fs.TTL) }

// OpendirHandle waits for the first item, so that a menu that fails from the start fails here.
func (n *menuNode) OpendirHandle(ctx context.Context, _ uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	n.fs.count.opendirs.Add(1)
	schema, err := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if err != nil {
		return nil, 0, n.fs.fail("opendir", n.path(""), err)
	}
	snapshot, err := n.open(ctx)
	if err != nil {
		return nil, 0, n.fs.fail("opendir", n.path(""), err)
	}
	h := &menuHandle{menu: n, schema: schema, snapshot: snapshot}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handles[h] = struct{}{}
	return h, 0, 0
}

// open returns the snapshot of the menu with its first row there, or its end.
func (n *menuNode) open(ctx context.Context) (search.Snapshot, error) {
	snapshot, err := n.fs.Store.Open(ctx, n.listing())
	if err != nil {
		return nil, err
	}
	if _, err := snapshot.Row(ctx, 0); err != nil && err != io.EOF {
		snapshot.Close()
		return nil, err
	}
	n.broken.Store(0)
	return snapshot, nil
}
