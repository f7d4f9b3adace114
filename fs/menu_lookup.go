package fs

import (
	"context"
	"io"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

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
	explain := func() string { return search.ExplainMenu(schema, n.dir, n.key, n.fs.Now(), n.fs.TTL) }
	if text, ok := n.file(name, schema, err, explain); ok {
		return n.fs.virtual(ctx, &n.Inode, name, []byte(text), out), 0
	}
	if err != nil {
		return nil, n.fs.fail("lookup", n.path(name), err)
	}
	item, valid, err := n.find(ctx, name)
	if err != nil {
		return nil, n.missing(name, schema, err)
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
	if s := n.fs.Store.Peek(l); s != nil {
		defer s.Close()
		if row, ok := s.Find(item.Entry().Key); known && ok {
			return search.MenuItemOf(row), n.fs.until(s.Expires()), nil
		}
		// A menu of single values that is not cut off has all that there are.
		if rows, complete := s.Len(); known && complete && rows <= search.MaxMenuItems && n.key.Type == search.String {
			return search.MenuItem{}, 0, n.notExist(name)
		}
	}
	if open, ok := n.beingRead(ctx, name); ok {
		return open, 0, nil
	}
	switch {
	case isNoise(name):
		return search.MenuItem{}, 0, n.notExist(name)
	case !known:
		return n.findListed(ctx, l, name)
	}
	return item, n.fs.briefly(), n.probe(ctx, l, name, item)
}

// beingRead returns the item of this name in a menu that is open, though its time be over: who lists with a
// lifetime of 0 and asks for the attributes of each name as it comes gets them from there.
func (n *menuNode) beingRead(ctx context.Context, name string) (search.MenuItem, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for h := range n.handles {
		rows, _ := h.snapshot.Len()
		if item, err := among(ctx, h.snapshot, rows, name); err == nil {
			return item, true
		}
	}
	return search.MenuItem{}, false
}

// findListed looks through the menu for a name that does not tell its item.
func (n *menuNode) findListed(ctx context.Context, l search.Listing, name string) (search.MenuItem, time.Duration, error) {
	s, err := n.fs.Store.Open(ctx, l)
	if err != nil {
		return search.MenuItem{}, 0, err
	}
	defer s.Close()
	item, err := among(ctx, s, search.MaxMenuItems+1, name)
	if err == io.EOF {
		err = n.notExist(name)
	}
	return item, n.fs.until(s.Expires()), err
}

// among returns the item of this name among the first rows of a menu; io.EOF when there is none.
func among(ctx context.Context, s search.Snapshot, rows int, name string) (search.MenuItem, error) {
	for i := range rows {
		row, err := s.Row(ctx, i)
		if err != nil {
			return search.MenuItem{}, err
		}
		if item := search.MenuItemOf(row); EncodeMenuItem(item) == name {
			return item, nil
		}
	}
	return search.MenuItem{}, io.EOF
}

// probe makes sure that the directory of item has results. It asks for one.
func (n *menuNode) probe(ctx context.Context, l search.Listing, name string, item search.MenuItem) error {
	schema, err := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if err != nil {
		return err
	}
	d := search.Dir{Bucket: l.Bucket, Prefix: l.Prefix, Where: l.Where, Versions: l.Versions, Limit: 1}
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
