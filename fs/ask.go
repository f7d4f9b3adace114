package fs

import (
	"context"
	"io"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// askFolder asks the store for the object and the folder that t may be, at the
// same time. The folder wins.
func (n *dirNode) askFolder(ctx context.Context, t target) (finding, error) {
	object := n.askObject
	if n.isTree() {
		object = n.askResult
	}
	if t.objectOnly {
		return object(ctx, t)
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		found finding
		err   error
	}
	head := make(chan answer, 1)
	go func() {
		f, err := object(ctx, t)
		head <- answer{f, err}
	}()
	prefix := n.base() + t.text + "/"
	isFolder, listErr := n.hasKeys(ctx, prefix)
	if isFolder {
		return finding{folder: true, object: search.Object{Key: prefix}, valid: n.fs.TTL}, nil
	}
	a := <-head
	switch {
	case a.err == nil && (listErr == nil || search.KindOf(listErr) == search.KindPermission):
		// Who may read objects but not list them can still use their names.
		return a.found, nil
	case listErr != nil:
		return finding{}, listErr
	default:
		return finding{}, a.err
	}
}

// hasKeys reports whether n has a folder with this prefix: a result of the query below it, of which one is
// asked for; in a plain folder any key.
func (n *dirNode) hasKeys(ctx context.Context, prefix string) (bool, error) {
	if n.isTree() {
		l := n.listing()
		l.Prefix, l.Order, l.Limit = prefix, search.Order{}, 1
		for _, err := range n.fs.Store.Query(ctx, l) {
			return err == nil, err
		}
		return false, nil
	}
	for _, err := range n.fs.Store.List(ctx, n.dir.Bucket, search.ListOptions{Prefix: prefix, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// askObject asks for the object that t is.
func (n *dirNode) askObject(ctx context.Context, t target) (finding, error) {
	key := n.base() + t.text
	if key == "" {
		return finding{}, n.notExist("")
	}
	o, err := n.fs.Store.Stat(ctx, search.Ref{Bucket: n.dir.Bucket, Key: key, VersionID: t.version})
	if err != nil {
		return finding{}, err
	}
	if t.version != "" {
		o.VersionID = t.version // where it is "null", the answer names none
	}
	if !n.means(t, &o) {
		return finding{}, n.notExist(t.text)
	}
	if n.dir.Versions && t.version == "" {
		// That the answer names no version may also mean that it is the one called "null".
		l := search.ListOptions{Prefix: key, Recursive: true, Versions: true, Limit: 1}
		for e, err := range n.fs.Store.List(ctx, n.dir.Bucket, l) {
			if err != nil {
				return finding{}, err
			}
			if e.Key != key || e.VersionID != "" {
				return finding{}, n.notExist(t.text)
			}
		}
	}
	return finding{object: o, valid: n.fs.briefly()}, nil
}

// askResult asks for the object that t is and checks that it is a result.
// Where its own attributes cannot tell, the listing does.
func (n *dirNode) askResult(ctx context.Context, t target) (finding, error) {
	found, err := n.askObject(ctx, t)
	if err != nil {
		return finding{}, err
	}
	switch search.Evaluate(n.listing().Where, &found.object) {
	case search.True:
		return found, nil
	case search.False:
		return finding{}, n.notExist(t.text)
	}
	t.objectOnly = true
	row, err := n.askListing(ctx, t)
	// The row tells that the object is a result. What it is now, the object
	// itself tells: an index may lag behind.
	found.valid = min(found.valid, row.valid)
	return found, err
}

// askListing finds t in the directory's listing, which is read as far as that needs.
func (n *dirNode) askListing(ctx context.Context, t target) (finding, error) {
	l := n.listing()
	snapshot, err := n.fs.Store.Open(ctx, l)
	if err != nil {
		return finding{}, err
	}
	defer snapshot.Close()
	if n.dir.Versions || n.isTree() && !t.objectOnly {
		err = awaitEnd(ctx, snapshot)
	} else {
		err = waitFor(ctx, snapshot, n.base()+t.text)
	}
	if err != nil {
		return finding{}, err
	}
	if f, _ := n.findListed(l, snapshot, t, true); f != nil {
		return *f, nil
	}
	return finding{}, n.notExist(t.text)
}

// waitFor returns when the listing has the object, or is complete.
func waitFor(ctx context.Context, s search.Snapshot, key string) error {
	for {
		rows, _ := s.Len()
		if _, ok := s.Find(key); ok {
			return nil
		}
		// Rows may have come since: only the row after those that Find has seen is waited for.
		if _, err := s.Row(ctx, rows); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// longTarget returns what a shortened name means: as remembered
// from a listing, else by listing what begins as the name does.
func (n *dirNode) longTarget(ctx context.Context, name string, d DecodedName, ask bool) (target, error) {
	t := target{objectOnly: d.Versioned || d.Object && !n.flat()}
	if text, ok := n.fs.long.text(name); ok {
		if t.text = text; d.Versioned {
			t.text, t.version = cutVersionText(text)
		}
		return t, nil
	}
	if !ask {
		return target{}, n.notExist(name)
	}
	naming, base := n.naming(), n.base()
	o := search.ListOptions{Prefix: base + d.Text, Recursive: naming.flat || naming.versions, Versions: naming.versions}
	for e, err := range n.fs.Store.List(ctx, n.dir.Bucket, o) {
		if err != nil {
			return target{}, err
		}
		t.text, t.version = e.Key[len(base):], ""
		if d.Whole && t.text != d.Text {
			break
		}
		if !naming.flat {
			t.text, _, e.Folder = strings.Cut(t.text, "/")
		}
		if d.Versioned && !e.Folder {
			t.version = e.VersionID
		}
		if naming.object(t.text, t.version, d.Object) == name {
			text := t.text
			if t.version != "" {
				text = versionText(text, t.version)
			}
			n.fs.long.add(name, text)
			return t, nil
		}
	}
	return target{}, n.notExist(name)
}
