package fs

import (
	"context"
	"io"
	"slices"
	"strings"
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

// file returns the text of the virtual file that name is in a menu; ok is false when it is none.
func (p *menuPlace) file(name string, schema search.Schema, explain func() string) (text string, ok bool) {
	switch name {
	case "@errors":
		return p.fs.errors.Text(), true
	case "@help":
		return search.Help(schema), true
	case "@searchkeys":
		return search.SearchKeysTable(schema), true
	case "@explain":
		return explain(), true
	}
	return "", false
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
	if schema.Engine == search.EngineSearch && !schema.Enabled {
		return nil, &search.Error{Op: "lookup", Bucket: n.dir.Bucket, Kind: search.KindUnsupported,
			Reason: "bucket has no metadata search", Hint: "--engine scan lists every object instead"}
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
	if err != nil {
		return nil, n.fs.fail("lookup", n.path(name), err)
	}
	if text, ok := n.file(name, schema, func() string { return search.ExplainMenus(schema, n.dir) }); ok {
		return n.fs.virtual(ctx, &n.Inode, name, []byte(text), out), 0
	}
	if isNoise(name) || strings.HasPrefix(name, "@") || strings.Contains(name, mark) {
		return nil, syscall.ENOENT
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
		return &menuNode{menuPlace: menuPlace{node: node{fs: n.fs}, dir: n.dir, mtime: n.mtime, typed: n.typed}, key: key}
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
}

var (
	_ gofuse.NodeGetattrer      = (*menuNode)(nil)
	_ gofuse.NodeLookuper       = (*menuNode)(nil)
	_ gofuse.NodeOpendirHandler = (*menuNode)(nil)
)

func (n *menuNode) listing() search.Listing { return n.dir.Values(n.key, n.fs.Now(), n.fs.TTL) }

// Lookup finds the link of this name, in the kept menu or by one search for a result that has the value.
func (n *menuNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	n.fs.count.lookups.Add(1)
	if name == NameIncomplete {
		if errno := syscall.Errno(n.broken.Load()); errno != 0 {
			return n.fs.incomplete(ctx, &n.Inode, errno, out), 0
		}
		return nil, syscall.ENOENT
	}
	schema, err := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if err != nil {
		return nil, n.fs.fail("lookup", n.path(name), err)
	}
	explain := func() string { return search.ExplainMenu(schema, n.dir, n.key, n.fs.Now(), n.fs.TTL) }
	if text, ok := n.file(name, schema, explain); ok {
		return n.fs.virtual(ctx, &n.Inode, name, []byte(text), out), 0
	}
	item, valid, err := n.find(ctx, name)
	if err != nil {
		return nil, n.fs.fail("lookup", n.path(name), err)
	}
	return n.link(ctx, schema, name, item, valid, out), 0
}

// find returns the item of this name, and for how long the kernel may believe it. KindNotExist when there is none.
func (n *menuNode) find(ctx context.Context, name string) (search.MenuItem, time.Duration, error) {
	item, known, ok := DecodeMenuItem(n.key, name)
	if !ok {
		return search.MenuItem{}, 0, n.notExist(name)
	}
	l := n.listing()
	if !known {
		return n.findListed(ctx, l, name)
	}
	if s := n.fs.Store.Peek(l); s != nil {
		defer s.Close()
		if row, ok := s.Find(item.Entry().Key); ok {
			return search.MenuItemOf(row), n.fs.until(s.Expires()), nil
		}
		// A menu of single values that is not cut off has all that there are.
		if rows, complete := s.Len(); complete && rows <= search.MaxMenuItems && n.key.Type == search.String {
			return search.MenuItem{}, 0, n.notExist(name)
		}
	}
	if isNoise(name) {
		return search.MenuItem{}, 0, n.notExist(name)
	}
	return item, n.fs.briefly(), n.probe(ctx, l, name, item)
}

// findListed looks through the menu for a name that does not tell its item.
func (n *menuNode) findListed(ctx context.Context, l search.Listing, name string) (search.MenuItem, time.Duration, error) {
	s, err := n.fs.Store.Open(ctx, l)
	if err != nil {
		return search.MenuItem{}, 0, err
	}
	defer s.Close()
	for i := 0; ; i++ {
		row, err := s.Row(ctx, i)
		if err == io.EOF {
			err = n.notExist(name)
		}
		if err != nil {
			return search.MenuItem{}, 0, err
		}
		if item := search.MenuItemOf(row); EncodeMenuItem(item) == name {
			return item, n.fs.until(s.Expires()), nil
		}
	}
}

// probe makes sure that the directory of item has results. It asks for one.
func (n *menuNode) probe(ctx context.Context, l search.Listing, name string, item search.MenuItem) error {
	schema, err := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if err != nil {
		return err
	}
	d := search.Dir{Bucket: l.Bucket, Prefix: l.Prefix, Where: l.Where, Limit: 1}
	for _, component := range item.Components {
		c, err := search.ParseComponent(component, schema)
		if err != nil {
			return err
		}
		d = d.Narrow(c.Where)
	}
	s, err := n.fs.Store.Open(ctx, d.Listing(n.fs.Now(), n.fs.TTL))
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err = s.Row(ctx, 0); err == io.EOF {
		return n.notExist(name)
	}
	return err
}

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
	return &menuHandle{menu: n, schema: schema, snapshot: snapshot}, 0, 0
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
