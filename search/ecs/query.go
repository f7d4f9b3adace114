package ecs

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ecsfs/ecsfs/search"
)

// maxFillers is how many HEADs complete the rows of one page at once.
const maxFillers = 8

// Query runs a metadata query (GET /bucket?query=…). See search.Querier.
//
// The plan is made from the schema last seen by Schema; only when there is
// none, or it is older than ten minutes, is it asked for first. The next page
// is requested as soon as the marker of it has been read.
func (c *Client) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		t := target{op: opQuery, bucket: l.Bucket, key: l.Prefix}
		plan, err := c.plan(ctx, t, l)
		if err != nil {
			yield(search.Object{}, err)
			return
		}
		q := &querying{client: c, target: t, where: l.Where, plan: plan}
		q.encoded.Store(c.cfg.QueryEncoding == EncodeURL)
		p := &pager[[]queryRow]{op: opQuery, bucket: l.Bucket, prefix: l.Prefix, maxPages: c.cfg.MaxPages, ahead: true, fetch: q.fetch}
		seen := newSeenKeys()
		for rows, err := range p.pages(ctx) {
			if err == nil {
				rows, err = q.complete(ctx, rows, seen)
			}
			if err != nil {
				if k := search.KindOf(err); k == search.KindInvalid || k == search.KindUnsupported {
					c.forgetSchema(l.Bucket)
				}
				yield(search.Object{}, err)
				return
			}
			for i := range rows {
				if plan.Keep(&rows[i].object) && !yield(rows[i].object, nil) {
					return
				}
			}
		}
	}
}

// plan returns how l is answered, or why it is not; the latter sends nothing
// but, perhaps, the question for the schema.
func (c *Client) plan(ctx context.Context, t target, l search.Listing) (search.Plan, error) {
	if err := checkBucket(t); err != nil {
		return search.Plan{}, err
	}
	if l.Where == nil {
		return search.Plan{}, &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindInvalid, Reason: "a query without a condition"}
	}
	schema, err := c.schemaFor(ctx, l.Bucket)
	if err != nil {
		return search.Plan{}, err
	}
	if !schema.Enabled {
		return search.Plan{}, &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindUnsupported,
			Reason: "the bucket has no metadata search", Hint: "it is set up when a bucket is created, with the keys to index"}
	}
	return search.NewPlan(schema, l)
}

// querying is one query under way.
type querying struct {
	client *Client
	target target
	where  search.Expr
	plan   search.Plan
	// encoded asks for percent-encoded answers. It is set, for the rest of the
	// query, by the first page that XML could not carry.
	encoded atomic.Bool
	// noETags is set once a HEAD brought no ETag: this store has none.
	noETags atomic.Bool
}

// fetch gets one page.
func (q *querying) fetch(ctx context.Context, marker string, early func(string)) ([]queryRow, string, error) {
	if q.encoded.Load() {
		page, err := q.page(ctx, marker, true, early)
		return page.rows, page.next, err
	}
	page, err := q.page(ctx, marker, false, early)
	bad, isBad := errors.AsType[*badDocument](err)
	if q.client.cfg.QueryEncoding == EncodeNever || !(isBad && bad.notXML || err == nil && page.lossy) {
		return page.rows, page.next, err
	}
	again, errAgain := q.page(ctx, marker, true, nil)
	switch {
	case errAgain == nil && again.plain:
		// The server does not know encoding-type: U+FFFD may well be the name.
		return page.rows, page.next, err
	case errAgain == nil:
		q.encoded.Store(true)
		return again.rows, again.next, nil
	case err == nil:
		return page.rows, page.next, nil
	}
	return nil, "", err
}

// page makes one request.
func (q *querying) page(ctx context.Context, marker string, encoded bool, early func(string)) (queryPage, error) {
	c := q.client
	cl, err := c.begin(ctx, kindQuery)
	if err != nil {
		return queryPage{}, c.failed(ctx, q.target, nil, err)
	}
	defer cl.end()
	var page queryPage
	err = c.ride(cl, q.target.bucket, q.parameters(marker, encoded), func(r io.Reader) (err error) {
		page, err = decodeQuery(r, encoded, early)
		return err
	})
	return page, c.failed(ctx, q.target, cl, err)
}

func (q *querying) parameters(marker string, encoded bool) []parameter {
	params := []parameter{{"query", q.plan.Wire}}
	add := func(name, value string) {
		if value != "" {
			params = append(params, parameter{name, value})
		}
	}
	add("attributes", strings.Join(q.plan.Attributes, ","))
	add("prefix", q.plan.Prefix)
	add("marker", marker)
	if q.client.cfg.PageSize > 0 {
		add("max-keys", strconv.Itoa(q.client.cfg.PageSize))
	}
	if encoded {
		add("encoding-type", "url")
	}
	return params
}

// complete drops rows that were seen before and asks by HEAD for what rows
// lack of size, time, ETag and checked metadata. Objects that are gone by then are dropped.
func (q *querying) complete(ctx context.Context, rows []queryRow, seen *seenKeys) ([]queryRow, error) {
	kept := rows[:0]
	for _, row := range rows {
		if seen.add(row.object.Key) {
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
			head, err := q.client.Stat(ctx, search.Ref{Bucket: q.target.bucket, Key: row.object.Key})
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
			// It may have been overwritten since the store found it.
			gone[i] = search.Evaluate(q.where, &row.object) == search.False
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

// lacks reports whether row must be completed.
func (q *querying) lacks(row *queryRow) bool {
	return row.noSize || row.noTime || row.noETag && !q.noETags.Load() || q.plan.Lacks(&row.object)
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
