package fs

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// Lookup finds what name, as typed, means below n: a virtual file, a narrower
// query, a folder or an object.
func (n *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	n.fs.count.lookups.Add(1)
	child, doubt, err := n.lookup(ctx, name, out)
	if err != nil {
		errno := n.fs.errnos.errno(failure{Op: "lookup", Path: n.path(name), Err: err, Doubt: doubt})
		if errno == syscall.ENOENT {
			n.fs.missed.add(n, name)
		}
		return nil, errno
	}
	return child, 0
}

// lookup is Lookup with its error. doubt, of a name that was not found, says
// why it is not read as a query although it looks like one.
func (n *dirNode) lookup(ctx context.Context, name string, out *fuse.EntryOut) (_ *gofuse.Inode, doubt string, _ error) {
	if name == NameIncomplete {
		if errno := n.brokenBy(); errno != 0 {
			return n.fs.incomplete(ctx, &n.Inode, errno, out), "", nil
		}
		return nil, "", n.notExist(name)
	}
	if isNoise(name) {
		child, err := n.literal(ctx, name, false, out)
		return child, "", err
	}

	schema, schemaErr := n.fs.Store.Schema(ctx, n.dir.Bucket)
	if search.KindOf(schemaErr) == search.KindCanceled {
		return nil, "", schemaErr
	}
	c, err := search.ParseComponent(name, schema)
	if c.Kind == search.ComponentDirective && err == nil {
		child, err := n.directive(ctx, name, c.Directive, schema, schemaErr, out)
		return child, "", err
	}
	if schemaErr != nil && (err != nil || c.Kind != search.ComponentLiteral || c.Doubt != "") {
		// What this name means depends on the schema; what any other means does not.
		return nil, "", schemaErr
	}
	if err != nil {
		return nil, "", err
	}
	if c.Kind == search.ComponentPredicate {
		if err := schema.CheckEngine("lookup"); err != nil {
			return nil, "", err
		}
		return n.fs.directory(ctx, &n.Inode, name, n.dir.Narrow(c.Where), n.mtime, n.fs.TTL, out), "", nil
	}
	child, err := n.literal(ctx, name, true, out)
	return child, c.Doubt, err
}

// literal finds the folder or object that name stands for. With ask, the store
// is asked for what the listing at hand cannot tell.
func (n *dirNode) literal(ctx context.Context, name string, ask bool, out *fuse.EntryOut) (*gofuse.Inode, error) {
	t, err := n.resolve(ctx, name, ask)
	if err != nil {
		return nil, err
	}
	found, err := n.find(ctx, t, ask)
	switch {
	case err != nil:
		return nil, err
	case found.folder:
		return n.folder(ctx, name, found.object.Key, found.valid, out), nil
	default:
		return n.file(ctx, &found.object, found.valid, out), nil
	}
}

// target is what a name means below a directory.
type target struct {
	text string // the key relative to the directory's base; of a folder without its "/"
	// version is the ID of the version that is meant, where the directory shows versions; empty: an object without.
	version    string
	objectOnly bool // never the folder of this text
}

// resolve returns what name means here. Every key has exactly one name in a directory: KindNotExist
// says that this is no key's. What is typed "Smith,in,London" and is no query here, as nothing is known by the key Smith, is
// read as that name: with its comma encoded, as it is listed.
func (n *dirNode) resolve(ctx context.Context, name string, ask bool) (target, error) {
	d, canonical := n.naming().decode(name)
	if spelled := spellCommas(name); !canonical && spelled != name {
		name = spelled
		d, canonical = n.naming().decode(name)
	}
	switch {
	case !canonical:
		return target{}, n.notExist(name)
	case d.Hash != "":
		return n.longTarget(ctx, name, d, ask)
	}
	return target{text: d.Text, version: d.Version, objectOnly: d.Versioned || d.Object && !n.flat()}, nil
}

// finding is what a literal name stands for.
type finding struct {
	folder bool          // then object has its prefix as Key alone
	object search.Object // else the object
	valid  time.Duration // how long the kernel may believe it
}

// find returns the object or folder that t is. KindNotExist when there is none.
func (n *dirNode) find(ctx context.Context, t target, ask bool) (finding, error) {
	l := n.listing()
	if snapshot := n.fs.Store.Peek(l); snapshot != nil {
		defer snapshot.Close()
		if f, known := n.findListed(l, snapshot, t, ask); known {
			if f == nil {
				return finding{}, n.notExist(t.text)
			}
			return *f, nil
		}
	}
	if f := n.findBeingRead(t, ask); f != nil {
		return *f, nil
	}
	switch {
	case !ask:
		return finding{}, n.notExist(t.text)
	case n.dir.Limit > 0:
		return n.askListing(ctx, t)
	case n.flat():
		return n.askResult(ctx, t)
	default:
		return n.askFolder(ctx, t)
	}
}

// findListed looks in a snapshot of l. known is false when only the store can tell;
// nil with known means that there is none.
func (n *dirNode) findListed(l search.Listing, s search.Snapshot, t target, ask bool) (f *finding, known bool) {
	_, complete := s.Len()
	valid := n.fs.until(s.Expires())
	key := n.base() + t.text
	switch {
	case n.isTree() && !complete:
		// A folder may come with any row.
		if ask && !t.objectOnly {
			return nil, false
		}
	case n.isTree(), n.dir.Versions && complete:
		return n.findIndexed(n.fs.tree(l, s), t, valid), true
	case !n.flat() && !t.objectOnly:
		if _, ok := s.Find(key + "/"); ok {
			return &finding{folder: true, object: search.Object{Key: key + "/"}, valid: valid}, true
		}
	}
	settled := n.flat() || n.isTree() || t.objectOnly || complete || !ask || passed(s, key)
	if row, ok := s.Find(key); ok && !row.Folder && settled && n.means(t, &row.Object) {
		return &finding{object: row.Object, valid: valid}, true
	}
	return nil, complete
}

// findIndexed looks in the tree of a complete listing.
func (n *dirNode) findIndexed(in tree, t target, valid time.Duration) *finding {
	key := n.base() + t.text
	if n.isTree() && !t.objectOnly && in.has(key+"/") {
		return &finding{folder: true, object: search.Object{Key: key + "/"}, valid: valid}
	}
	for p := in.find(key); p < len(in.byKey); p++ {
		row := in.at(p)
		if row.Key != key {
			break
		}
		if n.means(t, &row.Object) {
			return &finding{object: row.Object, valid: valid}
		}
	}
	return nil
}

// means reports whether o, of the key that t means, is t and has a name here: the zero-byte marker of
// a folder is that folder alone.
func (n *dirNode) means(t target, o *search.Object) bool {
	if n.dir.Versions && o.VersionID != t.version {
		return false
	}
	return n.flat() || o.Key != n.base() || o.Size > 0
}

// passed reports whether the listing of a folder, which has the object of this
// key, has come past where the folder of the same name would be.
func passed(s search.Snapshot, key string) bool {
	rows, _ := s.Len()
	if rows == 0 {
		return false
	}
	last, err := s.Row(context.Background(), rows-1) // it is there: this does not wait
	return err == nil && last.Key != key && !staysBefore(last.Key, key)
}

// readingGrace is for how long after a READDIR a directory counts as being read.
const readingGrace = 5 * time.Second

// findBeingRead looks in the listings that are being read at this moment, though
// their time be over: who lists a directory for longer than a listing's lifetime, or with
// a lifetime of 0, and asks for the attributes of each name as it comes, gets them from
// the listing. It tells nothing about what is not in them, nor about what has been found changed.
func (n *dirNode) findBeingRead(t target, ask bool) *finding {
	if _, changed := n.fs.changed.get(objectID{n.dir.Bucket, n.base() + t.text, t.version}); changed {
		return nil
	}
	since := n.fs.Now().Add(-readingGrace).UnixNano()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range slices.Backward(n.handles) {
		if h.lastRead.Load() < since {
			continue
		}
		if f, _ := n.findListed(h.listing, h.snapshot, t, ask); f != nil {
			return f
		}
	}
	return nil
}

// folder returns the node of the folder with this prefix, named name below n.
func (n *dirNode) folder(ctx context.Context, name, prefix string, valid time.Duration, out *fuse.EntryOut) *gofuse.Inode {
	d, _ := n.dir.Folder(strings.TrimSuffix(prefix[len(n.base()):], "/")) // none is found in a flat directory
	return n.fs.directory(ctx, &n.Inode, name, d, n.mtime, valid, out)
}

// file returns the node of an object or version that has a name in n.
func (n *dirNode) file(ctx context.Context, o *search.Object, valid time.Duration, out *fuse.EntryOut) *gofuse.Inode {
	shown := n.shown(o)
	return n.fs.file(ctx, &n.Inode, n.dir.Bucket, &shown, valid, out)
}

// shown returns o as it is shown in n: without its version where that is the current one of its
// key. Rows of a plain listing do not name it though a HEAD does; the ETag alone says which bytes it is.
func (n *dirNode) shown(o *search.Object) search.Object {
	shown := *o
	if !n.dir.Versions {
		shown.VersionID = ""
	}
	return shown
}

func (n *dirNode) notExist(name string) error {
	return &search.Error{Op: "lookup", Bucket: n.dir.Bucket, Key: n.base() + name, Kind: search.KindNotExist}
}

// isNoise reports whether name is one that desktops and tools look for in
// every directory. It is not worth a request each time: such a name exists where a listing has it.
func isNoise(name string) bool {
	switch name {
	case ".git", ".hidden", ".DS_Store", "desktop.ini", "autorun.inf", ".directory":
		return true
	}
	return strings.HasPrefix(name, "._") || strings.HasPrefix(name, ".Trash")
}
