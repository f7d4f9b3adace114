package fs

import (
	"context"
	"io"
	"math"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// treeOrder makes the directory entries of one folder of a tree of results. What stands in a
// folder is known when the last row is: the first entry waits for that.
type treeOrder struct {
	dir      search.Dir
	listing  search.Listing
	fs       *filesystem
	tree     tree
	children []uint32 // see tree.children
	end      error    // what follows the last child; nil until the listing has ended
	next     int      // in children
}

func (r *treeOrder) entry(ctx context.Context, s search.Snapshot) (dirEntry, error) {
	if r.end == nil {
		if err := awaitEnd(ctx, s); err != nil && ctx.Err() != nil {
			return dirEntry{}, ctx.Err()
		} else if r.end = err; err == nil {
			r.end = io.EOF
			r.fs.held.hold(r.fs, r.listing, s)
		}
		r.tree = r.fs.tree(r.listing, s)
		r.children = r.tree.children(r.dir.Prefix + r.dir.Below)
	}
	if r.next == len(r.children) {
		return dirEntry{}, r.end
	}
	r.next++
	return r.tree.child(r.dir, int(r.children[r.next-1])), nil
}

func (r *treeOrder) position() uint64 { return uint64(r.next) }

func (r *treeOrder) seek(ctx context.Context, s search.Snapshot, position uint64) error {
	return seekByReading(ctx, s, r, position)
}

func (r *treeOrder) waits(s search.Snapshot) bool {
	_, complete := s.Len()
	return r.end == nil && !complete
}

// awaitEnd returns when the listing is complete, with the error that it broke with, or with ctx's.
func awaitEnd(ctx context.Context, s search.Snapshot) error {
	if _, err := s.Row(ctx, math.MaxInt); err != io.EOF {
		return err
	}
	return nil
}

// child returns the entry of the folder d of the tree for the child at position p.
func (t tree) child(d search.Dir, p int) dirEntry {
	base := d.Prefix + d.Below
	row := t.at(p)
	seg, _, folder := strings.Cut(row.Key[len(base):], "/")
	if folder {
		return dirEntry{name: EncodeSegment(seg), key: base + seg + "/"}
	}
	return dirEntry{name: ResultName(d, seg, row.VersionID, t.hasAfter(p, row.Key+"/")), key: row.Key, isFile: true, object: row.Object}
}
