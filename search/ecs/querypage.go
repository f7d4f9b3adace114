package ecs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

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

// pageSize returns how many rows to ask for on page n, counted from 1; 0: the server's own. The pages
// of a limited query begin small, and grow as rows turn out to be dropped here.
func (q *querying) pageSize(n int) int {
	most := q.store.client.cfg.PageSize
	size := q.plan.MaxKeys
	for ; n > 1 && size < maxPageSize; n-- {
		size *= 8
	}
	if size == 0 || size >= cmp.Or(most, maxPageSize) {
		return most
	}
	return size
}

// ahead reports whether the page after the n-th will be needed, whatever is on that.
func (q *querying) ahead(n int) bool {
	if q.plan.MaxKeys == 0 {
		return true
	}
	rows := 0
	for i := 1; i <= n && rows < q.plan.MaxKeys; i++ {
		rows += cmp.Or(q.pageSize(i), maxPageSize)
	}
	return rows < q.plan.MaxKeys
}

// fetch gets one page of plan.
func (q *querying) fetch(ctx context.Context, plan *search.Plan, n int, marker string, early func(string)) ([]queryRow, string, error) {
	if q.encoded.Load() {
		page, err := q.page(ctx, plan, n, marker, true, early)
		if err = q.faultOf(page, err, true); err != nil {
			return nil, "", err
		}
		if page.plain { // the server does not know encoding-type, and means "%41" by "%41"
			page, err = q.page(ctx, plan, n, marker, false, nil)
		}
		return page.rows, page.next, err
	}
	page, err := q.page(ctx, plan, n, marker, false, early)
	if fault := q.faultOf(page, err, false); fault != nil {
		err = fault
	}
	bad, isBad := errors.AsType[*badDocument](err)
	if q.store.client.cfg.QueryEncoding == EncodeNever || !(isBad && bad.notXML || err == nil && page.lossy) {
		return page.rows, page.next, err
	}
	again, errAgain := q.page(ctx, plan, n, marker, true, nil)
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
func (q *querying) page(ctx context.Context, plan *search.Plan, n int, marker string, encoded bool, early func(string)) (queryPage, error) {
	c := q.store.client
	in := QueryInput{Bucket: q.target.bucket, Expression: q.keys.respell(plan.Wire), Attributes: plan.Attributes, Prefix: plan.Prefix,
		Sorted: q.keys.respell(plan.SortBy), Marker: marker, MaxKeys: q.pageSize(n), OlderVersions: q.plan.Listing.Versions, Encode: encoded}
	var page queryPage
	asked := time.Now()
	err := c.queryOnce(ctx, q.target, in, func(r io.Reader) (err error) {
		for wait, least := int64(time.Since(asked)), q.wait.Load(); wait < least && !q.wait.CompareAndSwap(least, wait); {
			least = q.wait.Load()
		}
		page, err = decodeRows(r, rowForm{encoded, q.plan.Listing.Versions, q.sureSystem, in.MaxKeys}, early)
		return err
	})
	return page, err
}

// rowForm says what the rows of an answer are like.
type rowForm struct {
	encoded  bool     // names and values are percent-encoded
	versions bool     // older versions are among them
	sure     []string // system keys that every row has, if it is whole
	most     int      // rows of a page; 0: maxPageSize
}

// decodeRows reads a <BucketQueryResult>, see decodeQuery.
func decodeRows(r io.Reader, form rowForm, early func(next string)) (queryPage, error) {
	var page queryPage
	full := false // as another follows
	answer, err := decodeQuery(r, func(next string) {
		full = true
		if early != nil {
			early(next)
		}
	}, func(m *rawMatch) error {
		if form.encoded {
			page.plain = page.plain || m.isPlain() || m.decode() != nil
		}
		row, err := m.row()
		if form.versions && bytes.Equal(bytes.TrimSpace(m.text(m.versionID)), []byte(nullVersion)) {
			row.object.VersionID = nullVersion // names one among others
		}
		page.partial = page.partial || slices.ContainsFunc(form.sure, m.lacks)
		page.lossy = page.lossy || strings.Contains(row.object.Key, "\ufffd")
		if full && page.rows == nil {
			page.rows = make([]queryRow, 0, cmp.Or(form.most, maxPageSize))
		}
		page.rows = append(page.rows, row)
		return err
	})
	page.next = answer.next
	return page, err
}
