package fs

import (
	"context"
	"io"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// askFolder asks the store for the object and the folder of this text, at the
// same time. The folder wins.
func (n *dirNode) askFolder(ctx context.Context, text string, objectOnly bool) (finding, error) {
	key := n.dir.Prefix + text
	if objectOnly {
		o, err := n.askObject(ctx, key)
		return finding{object: o, valid: n.fs.briefly()}, err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		object search.Object
		err    error
	}
	head := make(chan answer, 1)
	go func() {
		o, err := n.askObject(ctx, key)
		head <- answer{o, err}
	}()
	isFolder, listErr := n.hasKeys(ctx, key+"/")
	if isFolder {
		return finding{folder: true, object: search.Object{Key: key + "/"}, valid: n.fs.TTL}, nil
	}
	a := <-head
	switch {
	case a.err == nil && (listErr == nil || search.KindOf(listErr) == search.KindPermission):
		// Who may read objects but not list them can still use their names.
		return finding{object: a.object, valid: n.fs.briefly()}, nil
	case listErr != nil:
		return finding{}, listErr
	default:
		return finding{}, a.err
	}
}

// askObject asks for one object that has a name in a folder view.
func (n *dirNode) askObject(ctx context.Context, key string) (search.Object, error) {
	if key == "" {
		return search.Object{}, n.notExist("")
	}
	o, err := n.fs.Store.Stat(ctx, search.Ref{Bucket: n.dir.Bucket, Key: key})
	if err == nil && !n.listed(&o) {
		return search.Object{}, n.notExist("")
	}
	return o, err
}

// hasKeys reports whether any key starts with prefix.
func (n *dirNode) hasKeys(ctx context.Context, prefix string) (bool, error) {
	for _, err := range n.fs.Store.List(ctx, n.dir.Bucket, search.ListOptions{Prefix: prefix, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// askQuery asks for the object of this text and checks that it is a result.
// Where its own attributes cannot tell, the listing does.
func (n *dirNode) askQuery(ctx context.Context, text string) (finding, error) {
	key := n.dir.Prefix + text
	if key == "" {
		return finding{}, n.notExist("")
	}
	o, err := n.fs.Store.Stat(ctx, search.Ref{Bucket: n.dir.Bucket, Key: key})
	if err != nil {
		return finding{}, err
	}
	l := n.listing()
	switch search.Evaluate(l.Where, &o) {
	case search.True:
		return finding{object: o, valid: n.fs.briefly()}, nil
	case search.False:
		return finding{}, n.notExist(text)
	}

	snapshot, err := n.fs.Store.Open(ctx, l)
	if err != nil {
		return finding{}, err
	}
	defer snapshot.Close()
	if err := waitFor(ctx, snapshot, key); err != nil {
		if err == io.EOF {
			err = n.notExist(text)
		}
		return finding{}, err
	}
	// The row tells that the object is a result. What it is now, the object
	// itself tells: an index may lag behind.
	return finding{object: o, valid: min(n.fs.briefly(), n.fs.until(snapshot.Expires()))}, nil
}

// waitFor returns nil once the listing has the object, io.EOF when it ends
// without it.
func waitFor(ctx context.Context, s search.Snapshot, key string) error {
	for {
		rows, _ := s.Len()
		if _, ok := s.Find(key); ok {
			return nil
		}
		// Rows may have come since: only the row after those that Find has seen is waited for.
		if _, err := s.Row(ctx, rows); err != nil {
			return err
		}
	}
}

// longText returns the text that a shortened name stands for: as remembered
// from a listing, else by listing what begins as the name does.
func (n *dirNode) longText(ctx context.Context, name string, d DecodedName, ask bool) (string, error) {
	if text, ok := n.fs.long.text(name); ok {
		return text, nil
	}
	if !ask {
		return "", n.notExist(name)
	}
	encode := EncodeSegment
	if n.flat() {
		encode = EncodeFlat
	} else if d.Object {
		encode = EncodeTwin
	}
	o := search.ListOptions{Prefix: n.dir.Prefix + d.Text, Recursive: n.flat()}
	for e, err := range n.fs.Store.List(ctx, n.dir.Bucket, o) {
		if err != nil {
			return "", err
		}
		text := e.Key[len(n.dir.Prefix):]
		if e.Folder {
			text = strings.TrimSuffix(text, "/")
		}
		if encode(text) == name {
			n.fs.long.add(name, text)
			return text, nil
		}
	}
	return "", n.notExist(name)
}
