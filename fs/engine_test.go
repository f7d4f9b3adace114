package fs_test

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/ecsfs/ecsfs/search"
)

// scanStore answers every query by listing and a HEAD for each object.
type scanStore struct{ search.Store }

func (s scanStore) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	if !l.Versions && l.Order.IsZero() && l.Where != nil {
		return func(yield func(search.Object, error) bool) {
			n := 0
			for o, err := range s.Store.Query(ctx, l) {
				if n++; !yield(o, err) || n == l.Limit {
					return
				}
			}
		}
	}
	return func(yield func(search.Object, error) bool) {
		var found []search.Object
		for e, err := range s.List(ctx, l.Bucket, search.ListOptions{Prefix: l.Prefix, Recursive: true, Versions: l.Versions}) {
			if err != nil {
				yield(search.Object{}, err)
				return
			}
			o, err := s.Stat(ctx, search.Ref{Bucket: l.Bucket, Key: e.Key, VersionID: e.VersionID})
			if err != nil {
				yield(search.Object{}, err)
				return
			}
			o.VersionID = e.VersionID
			if search.Evaluate(l.Where, &o) == search.True {
				found = append(found, o)
			}
		}
		if l.Order.Key.Name == "Size" {
			slices.SortStableFunc(found, func(a, b search.Object) int {
				c := cmp.Compare(a.Size, b.Size)
				if l.Order.Descending {
					c = -c
				}
				return cmp.Or(c, cmp.Compare(a.Key, b.Key))
			})
		}
		for i, o := range found {
			if l.Limit > 0 && i == l.Limit || !yield(o, nil) {
				return
			}
		}
	}
}
