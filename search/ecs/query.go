package ecs

import (
	"context"
	"iter"
	"math"
	"slices"
	"sync/atomic"

	"github.com/ecsfs/ecsfs/search"
)

// Query runs a listing of search.Listing's by the engine of its bucket: a metadata query
// (GET /BUCKET?query=…), or a listing of every object. See search.Querier.
//
// The plan is made from the schema last seen by Schema; only when there is
// none, or it is older than ten minutes, is it asked for first. The next page
// is requested as soon as the marker of it has been read, unless a limit makes it one that may not be needed.
func (s *Store) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		q, err := s.newQuerying(ctx, l)
		if err != nil {
			yield(search.Object{}, err)
			return
		}
		for {
			err := q.run(ctx, yield)
			if err == nil {
				return
			}
			if !q.adapt(err) {
				if k := search.KindOf(err); k == search.KindInvalid || k == search.KindUnsupported {
					s.forgetSchema(l.Bucket)
				}
				yield(search.Object{}, err)
				return
			}
		}
	}
}

// newQuerying plans l, or says why it cannot be answered; the latter sends nothing
// but, perhaps, the question for the schema.
func (s *Store) newQuerying(ctx context.Context, l search.Listing) (*querying, error) {
	t := target{op: opQuery, bucket: l.Bucket, key: l.Prefix}
	if err := checkBucket(t); err != nil {
		return nil, err
	}
	keys, err := s.schemaFor(ctx, l.Bucket)
	if err != nil {
		return nil, err
	}
	plan, err := search.NewPlan(keys.schema, l)
	if err != nil {
		return nil, err
	}
	q := &querying{store: s, keys: keys, target: t, plan: plan}
	q.encoded.Store(s.client.cfg.QueryEncoding == EncodeURL)
	q.wait.Store(math.MaxInt64)
	if plan.Engine == search.EngineSearch && !plan.None {
		err = q.choosePrefix(ctx)
	}
	return q, err
}

// run yields the results that were not yielded yet. It returns nil at the end, or when the
// caller broke off.
func (q *querying) run(ctx context.Context, yield func(search.Object, error) bool) error {
	if q.plan.None {
		return nil
	}
	if q.yielded == 0 { // else what was yielded must not come again
		q.seen = newSeenKeys()
	}
	results := search.Scan(ctx, q.store, q.plan)
	if q.plan.Engine == search.EngineSearch {
		results = q.plan.Arrange(q.rows(ctx))
	}
	for o, err := range results {
		if err != nil {
			return err
		}
		q.yielded++
		if !yield(o, nil) || q.yielded == q.plan.Listing.Limit {
			return nil
		}
	}
	return nil
}

// rows yields what the store finds and is a result, page by page in the store's order.
func (q *querying) rows(ctx context.Context) iter.Seq2[[]search.Object, error] {
	return func(yield func([]search.Object, error) bool) {
		for page, err := range q.pages(ctx) {
			rows := page.rows
			if err == nil {
				err = q.checkAsked(page)
			}
			if err == nil {
				rows, err = q.complete(ctx, rows)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			objects := make([]search.Object, 0, len(rows))
			for i := range rows {
				if o := &rows[i].object; page.plan.Keep(o) {
					objects = append(objects, *o)
				}
			}
			if !yield(objects, nil) {
				return
			}
		}
	}
}

// checkAsked makes sure that the rows have what every object has and only the row tells: taken for one
// without it, an object would be left out, or come in another place.
func (q *querying) checkAsked(page foundPage) error {
	asked := slices.DeleteFunc(page.plan.Asked(), func(k search.Key) bool { return toldByHead(k) || k.Name == "LastModified" })
	for _, k := range asked {
		for i := range page.rows {
			o := &page.rows[i].object
			if _, ok := o.Metadata.Get(k.Name); !ok {
				return &search.Error{Op: opQuery, Bucket: q.target.bucket, Key: o.Key, Kind: search.KindUnsupported,
					Reason: "the store does not return " + k.Short() + ", although it was asked for it"}
			}
		}
	}
	return nil
}

// querying is one query under way.
type querying struct {
	store  *Store
	target target
	keys   listedKeys
	plan   search.Plan

	yielded int       // results
	seen    *seenKeys // rows of this run and, where some of these were yielded, of those before

	// sureUser and sureSystem are keys that every result has, so that a row
	// without one is not whole. The latter are those that a HEAD does not tell.
	sureUser, sureSystem []string
	byType               bool // the query names ContentType
	// unmixed is set once the plan does without one of "and" and "or".
	unmixed bool
	// encoded asks for percent-encoded answers. It is set, for the rest of the
	// query, by the first page that XML could not carry.
	encoded atomic.Bool
	// whole is set once the query must not be split.
	whole bool
	// wait is the least time that an answer of a page took to begin, in nanoseconds.
	wait atomic.Int64
	// noETags is set once a HEAD brought no ETag: this store has none.
	noETags atomic.Bool
}
