package fs

import (
	"context"
	"math"
	"slices"
	"strings"
	"syscall"

	"github.com/ecsfs/ecsfs/search"
)

// dirEntry is one entry of a directory being read.
type dirEntry struct {
	name   string
	key    string        // of the object, or the prefix of the folder with its "/"
	isFile bool          // else a directory
	object search.Object // of a file
}

// text returns what name encodes in the directory n: a text, or the versionText of a version.
func (e *dirEntry) text(n *dirNode) string {
	text := e.key[len(n.base()):]
	switch {
	case !e.isFile:
		return strings.TrimSuffix(text, "/")
	case n.dir.Versions && e.object.VersionID != "":
		return versionText(text, e.object.VersionID)
	}
	return text
}

func (e *dirEntry) mode() uint32 {
	if e.isFile {
		return syscall.S_IFREG
	}
	return syscall.S_IFDIR
}

// flatOrder makes the entries of the flat view: each row is one, as it comes. The position is the number of rows.
type flatOrder struct {
	prefix string
	naming naming
	next   int // the row to read
	// Of the snapshot, when it was looked at last. Rows only become more.
	rows     int
	complete bool
}

func (r *flatOrder) entry(ctx context.Context, s search.Snapshot) (dirEntry, error) {
	for {
		row, err := s.Row(ctx, r.next)
		if err != nil {
			return dirEntry{}, err
		}
		r.next++
		rel, below := strings.CutPrefix(row.Key, r.prefix)
		if !below {
			continue
		}
		return dirEntry{name: r.naming.object(rel, row.VersionID, false), key: row.Key, isFile: true, object: row.Object}, nil
	}
}

func (r *flatOrder) waits(s search.Snapshot) bool {
	if r.next >= r.rows && !r.complete {
		r.rows, r.complete = s.Len()
	}
	return r.next >= r.rows && !r.complete
}

func (r *flatOrder) position() uint64 { return uint64(r.next) }

func (r *flatOrder) seek(ctx context.Context, s search.Snapshot, position uint64) error {
	last := int(min(position, math.MaxInt)) - 1
	if _, err := s.Row(ctx, last); err != nil {
		if ctx.Err() == nil {
			r.next, _ = s.Len()
		}
		return err
	}
	r.next = last + 1
	return nil
}

// folderOrder makes the entries of a folder as rows come. Object "a" is named "a"
// or, where there is a folder "a/", "a%~"; and "a" and "a/" need not be
// neighbours, as "a-1" and "a.txt" stand between them. So an object waits until a
// row past "a/" tells, while the rows between are handed out. The position is the number of entries.
type folderOrder struct {
	prefix string
	next   int // the row to read
	// held are the objects that wait. INVARIANT: the row read last is before the folder of each, as
	// staysBefore says; so is each of the objects behind it. Of two neighbours the first is a proper prefix of
	// the next, or their order is not the same in bytes and UTF-16: there are about as many as a key has bytes.
	held   []search.Object
	ready  []dirEntry // decided; handed out from the front
	handed uint64
}

func (r *folderOrder) entry(ctx context.Context, s search.Snapshot) (dirEntry, error) {
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
	r.ready = slices.Delete(r.ready, 0, 1)
	r.handed++
	return e, nil
}

func (r *folderOrder) waits(s search.Snapshot) bool {
	if len(r.ready) > 0 {
		return false
	}
	rows, complete := s.Len()
	return r.next >= rows && !complete
}

func (r *folderOrder) position() uint64 { return r.handed }

func (r *folderOrder) seek(ctx context.Context, s search.Snapshot, position uint64) error {
	return seekByReading(ctx, s, r, position)
}

// add takes one row in.
func (r *folderOrder) add(row *search.Entry) {
	r.release(row)
	if !row.Folder {
		r.held = append(r.held, row.Object)
		return
	}
	if name, ok := EntryName(r.prefix, *row, false); ok {
		r.ready = append(r.ready, dirEntry{name: name, key: row.Key})
	}
}

// release decides the objects that row is past, the last one first; all of them when row is nil.
func (r *folderOrder) release(row *search.Entry) {
	decided := func(o search.Object) bool {
		if row != nil && staysBefore(row.Key, o.Key) {
			return false
		}
		twin := row != nil && row.Folder && row.Key == o.Key+"/"
		if name, ok := EntryName(r.prefix, search.Entry{Object: o}, twin); ok {
			r.ready = append(r.ready, dirEntry{name: name, key: o.Key, isFile: true, object: o})
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
