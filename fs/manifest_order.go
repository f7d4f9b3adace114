package fs

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// manifestOrder gives the rows of a listing the paths that they have below a
// directory. What comes out depends on the rows alone.
//
// In a view with folders, object "a" is named "a%~" where something lies below "a/". A plain listing
// is ordered: an object waits, as in rowOrder, until a row past "a/" tells, while the rows
// between go ahead. In a tree of results only all rows tell, which must have ended first; where
// the tree has no order of its own they come in that of their keys, as in its folders.
type manifestOrder struct {
	dir   search.Dir
	index *treeIndex // of a tree of results

	next int // the row of the snapshot to read, or the position in index
	// held are the objects that wait, the last one first to be decided, with the same
	// INVARIANT as in rowOrder.
	held  []search.Object
	ready []manifestRow // decided; handed out from the front
}

// needsAll reports whether nothing is known before all rows are there.
func (r *manifestOrder) needsAll() bool { return !r.dir.IsFlat() && !r.dir.IsPlain() }

// add takes one row in, unless it is not below the directory. twin says, of a tree, whether it has something
// below the object.
func (r *manifestOrder) add(o *search.Object, twin bool) {
	if !strings.HasPrefix(o.Key, r.dir.Prefix+r.dir.Below) {
		return
	}
	if r.dir.IsPlain() {
		r.release(o.Key)
		r.held = append(r.held, *o)
		return
	}
	r.ready = append(r.ready, manifestRow{path: ResultPath(r.dir, o, twin), object: *o})
}

// release decides the objects that the row of this key is past; all of them when it is empty.
func (r *manifestOrder) release(key string) {
	for len(r.held) > 0 {
		o := &r.held[len(r.held)-1]
		if key != "" && staysBefore(key, o.Key) {
			return
		}
		twin := strings.HasPrefix(key, o.Key+"/")
		r.ready = append(r.ready, manifestRow{path: ResultPath(r.dir, o, twin), object: *o})
		r.held = r.held[:len(r.held)-1]
	}
}

// pop hands out the next row that is decided.
func (r *manifestOrder) pop() (row manifestRow, ok bool) {
	if len(r.ready) == 0 {
		return manifestRow{}, false
	}
	row = r.ready[0]
	if r.ready = r.ready[1:]; len(r.ready) == 0 {
		r.ready = nil
	}
	return row, true
}

// row returns the next row of s, which is a snapshot of the directory's results; io.EOF at the end, ctx's
// error when that ends first, else the error that broke the listing, after what still waited.
func (r *manifestOrder) row(ctx context.Context, s search.Snapshot) (manifestRow, error) {
	for {
		if row, ok := r.pop(); ok {
			return row, nil
		}
		o, twin, err := r.read(ctx, s)
		switch {
		case err == nil:
			r.next++
			r.add(&o, twin)
		case ctx.Err() != nil:
			return manifestRow{}, ctx.Err()
		case len(r.held) > 0:
			r.release("")
		default:
			return manifestRow{}, err
		}
	}
}

// read returns the row of s at next, and whether a tree has something below it.
func (r *manifestOrder) read(ctx context.Context, s search.Snapshot) (o search.Object, twin bool, err error) {
	if r.index == nil {
		e, err := s.Row(ctx, r.next)
		return e.Object, false, err
	}
	t := tree{s, r.index}
	var e search.Entry
	switch {
	case !r.dir.Order.IsZero():
		e, err = s.Row(ctx, r.next)
	case r.next < len(t.byKey):
		e = t.at(r.next)
	default:
		e, err = s.Row(ctx, t.of.rows) // how the listing ended
	}
	return e.Object, err == nil && t.has(e.Key+"/"), err
}

// waits reports whether row would wait for the store.
func (r *manifestOrder) waits(s search.Snapshot) bool {
	rows, complete := s.Len()
	return len(r.ready) == 0 && r.next >= rows && !complete
}

// clone returns a copy that goes its own way. There must be nothing ready.
func (r *manifestOrder) clone() manifestOrder {
	c := *r
	c.held = slices.Clone(r.held)
	return c
}

// readAll is add for all rows of a tree of results. It returns the error that they ended with.
func (r *manifestOrder) readAll(rows iter.Seq2[search.Object, error]) (broken error) {
	var objects []search.Object
	folders := make(map[string]bool)
	for o, err := range rows {
		if err != nil {
			broken = err
			break
		}
		objects = append(objects, o)
		for i := range len(o.Key) {
			if o.Key[i] == '/' {
				folders[o.Key[:i+1]] = true
			}
		}
	}
	if r.dir.Order.IsZero() {
		slices.SortStableFunc(objects, func(a, b search.Object) int { return strings.Compare(a.Key, b.Key) })
	}
	for i := range objects {
		r.add(&objects[i], folders[objects[i].Key+"/"])
	}
	return broken
}

// ResultPath returns the path of o, a result of d, below the directory, as a mount shows it. In a view with
// folders, twin says whether there is a result below o.Key+"/" as well; a marker without
// content is its folder, and its path ends in "/".
func ResultPath(d search.Dir, o *search.Object, twin bool) string {
	rel := strings.TrimPrefix(o.Key, d.Prefix+d.Below)
	if d.IsFlat() {
		return ResultName(d, rel, o.VersionID, false)
	}
	var path strings.Builder
	for folder, rest, below := strings.Cut(rel, "/"); below; folder, rest, below = strings.Cut(rest, "/") {
		path.WriteString(EncodeSegment(folder) + "/")
		rel = rest
	}
	if rel != "" || o.Size > 0 {
		path.WriteString(ResultName(d, rel, o.VersionID, twin))
	} else if path.Len() == 0 {
		return "./"
	}
	return path.String()
}
