package ecs

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
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
func (s *Store) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return s.query(ctx, l, false)
}

// query is Query; with older, it yields older versions too.
func (s *Store) query(ctx context.Context, l search.Listing, older bool) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		if nothing, ok := l.Where.(search.Disjunction); ok && len(nothing) == 0 {
			return // no object satisfies it
		}
		t := target{op: opQuery, bucket: l.Bucket, key: l.Prefix}
		plan, keys, err := s.plan(ctx, t, l)
		if err != nil {
			yield(search.Object{}, err)
			return
		}
		q := &querying{store: s, keys: keys, target: t, where: plan.Listing.Where, plan: plan, older: older}
		q.encoded.Store(s.client.cfg.QueryEncoding == EncodeURL)
		if err := q.choosePrefix(ctx); err != nil {
			yield(search.Object{}, err)
			return
		}
		seen := newSeenKeys()
		for {
			err := q.run(ctx, seen, yield)
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

// run yields what was not seen yet. It returns nil at the end, or when the
// caller broke off.
func (q *querying) run(ctx context.Context, seen *seenKeys, yield func(search.Object, error) bool) error {
	p := &pager[[]queryRow]{op: opQuery, bucket: q.target.bucket, prefix: q.target.key,
		maxPages: q.store.client.cfg.MaxPages, ahead: true, fetch: q.fetch}
	for rows, err := range p.pages(ctx) {
		if err == nil {
			rows, err = q.complete(ctx, rows, seen)
		}
		if err != nil {
			return err
		}
		for i := range rows {
			if q.plan.Keep(&rows[i].object) && !yield(rows[i].object, nil) {
				return nil
			}
		}
	}
	return nil
}

// plan returns how l is answered, or why it is not; the latter sends nothing
// but, perhaps, the question for the schema.
func (s *Store) plan(ctx context.Context, t target, l search.Listing) (search.Plan, listedKeys, error) {
	if err := checkBucket(t); err != nil {
		return search.Plan{}, listedKeys{}, err
	}
	if l.Where == nil {
		return search.Plan{}, listedKeys{}, t.fail(search.KindInvalid, "a query without a condition", "")
	}
	keys, err := s.schemaFor(ctx, l.Bucket)
	if err != nil {
		return search.Plan{}, listedKeys{}, err
	}
	if !keys.schema.Enabled {
		return search.Plan{}, listedKeys{}, errNoSearch(t)
	}
	plan, err := search.NewPlan(keys.schema, l)
	return plan, keys, err
}

func errNoSearch(t target) error {
	return t.fail(search.KindUnsupported, "the bucket has no metadata search", "it is set up when a bucket is created, with the keys to index")
}

// queryPage is one page of a query.
type queryPage struct {
	rows []queryRow
	next string // marker of the next page; empty: this is the last
	// lossy is true when a name holds U+FFFD, which servers write in place of
	// what XML cannot carry.
	lossy bool
	// plain is true when names that were to be percent-encoded are not.
	plain bool
	// partial is true when a row lacks a system key that every result has and
	// a HEAD does not tell.
	partial bool
}

// queryRow is one <object> of a page.
type queryRow struct {
	object search.Object
	// What a row must have but this one has not; one HEAD brings it.
	noSize, noTime, noETag bool
}

// querying is one query under way.
type querying struct {
	store  *Store
	target target
	keys   listedKeys
	where  search.Expr
	plan   search.Plan
	older  bool // older versions are asked for
	// sureUser and sureSystem are keys that every result has, so that a row
	// without one is not whole. The latter are those that a HEAD does not tell.
	sureUser, sureSystem []string
	byType               bool // the query names ContentType
	// unmixed is set once the plan does without one of "and" and "or".
	unmixed bool
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
		if err = q.faultOf(page, err, true); err != nil {
			return nil, "", err
		}
		if page.plain { // the server does not know encoding-type, and means "%41" by "%41"
			page, err = q.page(ctx, marker, false, nil)
		}
		return page.rows, page.next, err
	}
	page, err := q.page(ctx, marker, false, early)
	if fault := q.faultOf(page, err, false); fault != nil {
		err = fault
	}
	bad, isBad := errors.AsType[*badDocument](err)
	if q.store.client.cfg.QueryEncoding == EncodeNever || !(isBad && bad.notXML || err == nil && page.lossy) {
		return page.rows, page.next, err
	}
	again, errAgain := q.page(ctx, marker, true, nil)
	if fault := q.faultOf(again, errAgain, true); fault != nil {
		errAgain = fault
	}
	switch {
	case errAgain == nil && again.plain:
		// The server does not know encoding-type: U+FFFD may well be the name.
		return page.rows, page.next, err
	case errAgain == nil:
		q.encoded.Store(true)
		return again.rows, again.next, nil
	case errors.Is(errAgain, errEncodedPrefix):
		return nil, "", errAgain
	case err == nil:
		return page.rows, page.next, nil
	}
	return nil, "", err
}

// page makes one request.
func (q *querying) page(ctx context.Context, marker string, encoded bool, early func(string)) (queryPage, error) {
	c := q.store.client
	in := QueryInput{Bucket: q.target.bucket, Expression: q.keys.respell(q.plan.Wire), Attributes: q.plan.Attributes, Prefix: q.plan.Prefix,
		Marker: marker, MaxKeys: c.cfg.PageSize, OlderVersions: q.older, Encode: encoded}
	var page queryPage
	err := c.queryOnce(ctx, q.target, in, func(r io.Reader) (err error) {
		page, err = decodeRows(r, rowForm{encoded, q.older, q.sureSystem}, early)
		return err
	})
	return page, err
}

// rowForm says what the rows of an answer are like.
type rowForm struct {
	encoded  bool     // names and values are percent-encoded
	versions bool     // older versions are among them
	sure     []string // system keys that every row has, if it is whole
}

// decodeRows reads a <BucketQueryResult>, see decodeQuery.
func decodeRows(r io.Reader, form rowForm, early func(next string)) (queryPage, error) {
	var page queryPage
	maps := newRowMaps()
	answer, err := decodeQuery(r, early, func(m *rawMatch) error {
		if form.encoded {
			page.plain = page.plain || isPlain(m.name) || m.decode() != nil
		}
		row, err := m.row(maps)
		if form.versions && strings.TrimSpace(m.versionID) == nullVersion {
			row.object.VersionID = nullVersion // names one among others
		}
		page.partial = page.partial || slices.ContainsFunc(form.sure, maps.lacks)
		page.lossy = page.lossy || strings.Contains(row.object.Key, "\ufffd")
		page.rows = append(page.rows, row)
		return err
	})
	page.next = answer.next
	return page, err
}

// complete drops rows that were seen before and asks by HEAD for what rows
// lack of size, time, ETag and checked metadata. Objects that are gone by then are dropped.
func (q *querying) complete(ctx context.Context, rows []queryRow, seen *seenKeys) ([]queryRow, error) {
	kept := rows[:0]
	for _, row := range rows {
		id := row.object.Key
		if q.older {
			id += "\x00" + row.object.VersionID // its last NUL is where the version begins
		}
		if seen.add(id) {
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
			if !q.older {
				row.object.VersionID = head.VersionID
			}
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

// head asks for the attributes of a row. Among older versions it must be the
// row's own; otherwise it is the current one, as the row was when it was found.
func (q *querying) head(ctx context.Context, o *search.Object) (search.Object, error) {
	ref := search.Ref{Bucket: q.target.bucket, Key: o.Key}
	if !q.older {
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
