package fs

import (
	"context"
	"slices"
	"strings"
	"syscall"

	"github.com/ecsfs/ecsfs/search"
)

// dirEntry is one entry of a directory being read.
type dirEntry struct {
	name   string
	key    string         // of the object, or the prefix of the folder with its "/"
	object *search.Object // a file; nil for a directory
}

// text returns what name encodes in the directory n: a text, or the versionText of a version.
func (e *dirEntry) text(n *dirNode) string {
	text := e.key[len(n.base()):]
	switch {
	case e.object == nil:
		return strings.TrimSuffix(text, "/")
	case n.dir.Versions && e.object.VersionID != "":
		return versionText(text, e.object.VersionID)
	}
	return text
}

func (e *dirEntry) mode() uint32 {
	if e.object != nil {
		return syscall.S_IFREG
	}
	return syscall.S_IFDIR
}

// rowOrder makes the entries of a folder or of the flat view as rows come.
//
// In the flat view each row is an entry. In a folder, object "a" is named "a"
// or, where there is a folder "a/", "a%~"; and "a" and "a/" need not be
// neighbours, as "a-1" and "a.txt" stand between them. So an object waits until a
// row past "a/" tells, while the rows between are handed out.
type rowOrder struct {
	dir  search.Dir
	next int // the row to read
	// held are the objects that wait. INVARIANT: the row read last is before the folder of each, as
	// staysBefore says; so is each of the objects behind it. Of two neighbours the first is a proper prefix of
	// the next, or their order is not the same in bytes and UTF-16: there are about as many as a key has bytes.
	held  []search.Object
	ready []dirEntry // decided; handed out from the front
}

func (r *rowOrder) entry(ctx context.Context, s search.Snapshot) (dirEntry, error) {
	for len(r.ready) == 0 {
		row, err := s.Row(ctx, r.next)
		switch {
		case err == nil:
			r.next++
			r.add(&row)
		case ctx.Err() != nil:
			return dirEntry{}, ctx.Err()
		case len(r.held) > 0:
			r.release(nil)
		default:
			return dirEntry{}, err
		}
	}
	e := r.ready[0]
	r.ready = r.ready[1:]
	if len(r.ready) == 0 {
		r.ready = nil
	}
	return e, nil
}

func (r *rowOrder) waits(s search.Snapshot) bool {
	if len(r.ready) > 0 {
		return false
	}
	rows, complete := s.Len()
	return r.next >= rows && !complete
}

// add takes one row in.
func (r *rowOrder) add(row *search.Entry) {
	if r.dir.IsFlat() {
		if rel, below := strings.CutPrefix(row.Key, r.dir.Prefix); below {
			r.ready = append(r.ready, dirEntry{name: ResultName(r.dir, rel, row.VersionID, false), key: row.Key, object: &row.Object})
		}
		return
	}
	r.release(row)
	if !row.Folder {
		r.held = append(r.held, row.Object)
		return
	}
	if name, ok := EntryName(r.dir.Prefix, *row, false); ok {
		r.ready = append(r.ready, dirEntry{name: name, key: row.Key})
	}
}

// release decides the objects that row is past, the last one first; all of them when row is nil.
func (r *rowOrder) release(row *search.Entry) {
	decided := func(o search.Object) bool {
		if row != nil && staysBefore(row.Key, o.Key) {
			return false
		}
		twin := row != nil && row.Folder && row.Key == o.Key+"/"
		if name, ok := EntryName(r.dir.Prefix, search.Entry{Object: o}, twin); ok {
			r.ready = append(r.ready, dirEntry{name: name, key: o.Key, object: &o})
		}
		return true
	}
	slices.Reverse(r.held)
	r.held = slices.DeleteFunc(r.held, decided)
	slices.Reverse(r.held)
}

// staysBefore reports whether the folder object+"/" may yet come after the row
// key. Pages are in the order of bytes each; from page to page a store may go by
// UTF-16, which puts characters beyond U+FFFF before U+E000 to U+FFFF. So only a
// row that is past the folder in both orders tells.
func staysBefore(key, object string) bool {
	for i := range min(len(key), len(object)) {
		if a, b := key[i], object[i]; a != b {
			return isLast(a) && b >= 0xf0 || isLast(b) && a >= 0xf0
		}
	}
	return len(key) > len(object) && key[len(object)] < '/'
}

// isLast reports whether c is the first byte of the characters that are last in UTF-16, though others are above them.
func isLast(c byte) bool { return c == 0xee || c == 0xef }
