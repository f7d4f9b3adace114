package ecs

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ecsfs/ecsfs/search"
)

// maxFillers is how many HEADs complete the rows of one page at once.
const maxFillers = 8

// complete drops rows that were seen before and asks by HEAD for what rows
// lack of size, time, ETag and checked metadata. Objects that are gone by then are dropped.
func (q *querying) complete(ctx context.Context, rows []queryRow) ([]queryRow, error) {
	kept := rows[:0]
	for _, row := range rows {
		id := row.object.Key
		if q.plan.Listing.Versions {
			id += "\x00" + row.object.VersionID // its last NUL is where the version begins
		}
		if q.seen.add(id) {
			kept = append(kept, row)
		}
	}
	gone := make([]bool, len(kept))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxFillers)
	missing := false
	for i := range kept {
		row := &kept[i]
		if !q.lacks(row) || !strings.HasPrefix(row.object.Key, q.target.key) {
			continue
		}
		missing = true
		group.Go(func() error {
			if !q.lacks(row) {
				return nil
			}
			head, err := q.head(ctx, &row.object)
			if search.KindOf(err) == search.KindNotExist && err != nil {
				gone[i] = true
				return nil
			}
			if err != nil {
				return err
			}
			if head.ETag == "" {
				q.noETags.Store(true)
			}
			row.fill(head)
			if !q.plan.Listing.Versions {
				row.object.VersionID = head.VersionID
			}
			// It may have been overwritten since the store found it.
			gone[i] = search.Evaluate(q.plan.Listing.Where, &row.object) == search.False
			return nil
		})
	}
	if err := group.Wait(); err != nil || !missing {
		return kept, err
	}
	n := 0
	for i := range kept {
		if !gone[i] {
			kept[n] = kept[i]
			n++
		}
	}
	return kept[:n], nil
}

// head asks for the attributes of a row. Among older versions it must be the
// row's own; otherwise it is the current one, as the row was when it was found.
func (q *querying) head(ctx context.Context, o *search.Object) (search.Object, error) {
	ref := search.Ref{Bucket: q.target.bucket, Key: o.Key}
	if !q.plan.Listing.Versions {
		return q.store.Stat(ctx, ref)
	}
	ref.VersionID = o.VersionID
	head, err := q.store.Stat(ctx, ref)
	if err == nil && o.VersionID == "" && head.VersionID != "" {
		// The version from before the bucket had any has been succeeded: S3
		// calls it "null".
		ref.VersionID = nullVersion
		head, err = q.store.Stat(ctx, ref)
	}
	return head, err
}

// lacks reports whether row must be completed.
func (q *querying) lacks(row *queryRow) bool {
	return row.noSize || row.noTime || row.noETag && !q.noETags.Load() || q.byType && row.object.ContentType == "" || slices.ContainsFunc(q.sureUser, func(name string) bool {
		_, ok := row.object.Metadata.Get(name)
		return !ok
	})
}

// fill takes over what a HEAD says: all of it, since size, time, ETag and
// metadata must be of one version. A time that is the same second keeps the
// row's milliseconds.
func (row *queryRow) fill(head search.Object) {
	o := &row.object
	if row.noTime || !o.ModTime.Truncate(time.Second).Equal(head.ModTime) {
		o.ModTime = head.ModTime
	}
	o.Size, o.ETag, o.ContentType = head.Size, head.ETag, head.ContentType
	merged := make(map[string]string, o.Metadata.Len()+head.Metadata.Len())
	for name, value := range o.Metadata.All() {
		if !strings.HasPrefix(name, search.MetaPrefix) {
			merged[name] = value
		}
	}
	for name, value := range head.Metadata.All() {
		merged[name] = value
	}
	o.Metadata = search.NewMetadata(merged)
	row.noSize, row.noTime, row.noETag = false, false, false
}
