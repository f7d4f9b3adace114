package ecstest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// search is one query as the store executes it.
type search struct {
	predicate *predicate
	sorted    int // column of the sort key, or noColumn: an order of the seed's making
	prefix    string
	delimiter string
	seed      int64
	after     *cursor // nil: the first page
	limit     int     // rows of the page
}

// cursor is the place of a row in a query's order: enough to go on from there
// whether or not the row still exists.
type cursor struct {
	name    string // the key, or the common prefix
	version string // empty for a common prefix
	value   value  // of the sort key
}

// row is one row of a page: an object, or a common prefix.
type row struct {
	object *object
	prefix string // of a common prefix, when object is nil
}

// page returns the rows after q.after, and whether more follow. The order is
// total and depends on each row alone, so rows that come or go between two
// pages make no other row appear twice or not at all.
func (si *searchIndex) page(objects *index, q *search) (rows []row, more bool) {
	runs, cost := si.sources(q.predicate.root)
	if q.prefix != "" && si.lag.delay <= 0 { // else names are ahead of the indexes
		if names := objects.below(q.prefix); names.size() < cost {
			runs, cost = []span{names}, names.size()
		}
	}
	if q.delimiter != "" {
		return si.rollUp(q, runs)
	}
	walk := si.walkOf(q)
	size := walk.size()
	// A walk in the query's order ends with the page: it reads about size/cost
	// objects for each match. Collecting reads all cost objects, and sorts.
	if cost == 0 || size == 0 {
		return nil, false
	}
	if min(size, size/cost*(q.limit+1)) <= cost {
		for o := range walk.each {
			if !si.satisfies(q, o) {
				continue
			}
			if len(rows) == q.limit {
				return rows, true
			}
			rows = append(rows, row{object: o})
		}
		return rows, false
	}
	return si.collect(q, runs, walk)
}

func (si *searchIndex) satisfies(q *search, o *object) bool {
	return strings.HasPrefix(o.key, q.prefix) && si.matches(q.predicate.root, o)
}

// walkOf returns the run of the query's order that has every row still to come.
func (si *searchIndex) walkOf(q *search) span {
	walk := span{ix: si.shuffled}
	if q.sorted != noColumn {
		walk.ix = si.columns[q.sorted]
		// There is no "or" in a sorted query: every condition must hold.
		for _, c := range q.predicate.conditions {
			if c.column == q.sorted {
				walk = walk.intersect(si.spanOf(c))
			}
		}
	}
	if a := q.after; a != nil {
		after := &object{key: a.name, tie: tieOf(q.seed, a.name, a.version), values: make([]value, len(si.keys)),
			seq: cursorSeqOf(a.version) + 1} // just after that version
		if q.sorted != noColumn {
			after.values[q.sorted] = a.value
		}
		walk = walk.intersect(span{ix: walk.ix, from: after})
	}
	return walk
}

// collect reads the matching objects of runs and puts them in the walk's order.
func (si *searchIndex) collect(q *search, runs []span, walk span) (rows []row, more bool) {
	var found []*object
	for _, r := range runs {
		for o := range r.each {
			if walk.has(o) && si.satisfies(q, o) {
				found = append(found, o)
			}
		}
	}
	slices.SortFunc(found, walk.ix.compare)
	found = slices.Compact(found) // the runs of an "or" may overlap
	more = len(found) > q.limit
	for _, o := range found[:min(len(found), q.limit)] {
		rows = append(rows, row{object: o})
	}
	return rows, more
}

// merge makes one page of two of the same query over different versions: each
// has the first rows of its own in the query's order.
func (q *search) merge(si *searchIndex, a, b []row, more bool) ([]row, bool) {
	if len(b) == 0 {
		return a, more
	}
	order := si.shuffled
	if q.sorted != noColumn {
		order = si.columns[q.sorted]
	}
	compare := func(a, b row) int { return order.compare(q.pivotOf(a), q.pivotOf(b)) }
	rows := append(a, b...)
	slices.SortFunc(rows, compare)
	rows = slices.CompactFunc(rows, func(a, b row) bool { return a == b }) // a common prefix of both
	if len(rows) > q.limit {
		return rows[:q.limit], true
	}
	return rows, more
}

// pivotOf returns a row's place in a query's order.
func (q *search) pivotOf(r row) *object {
	if r.object != nil {
		return r.object
	}
	return &object{key: r.prefix, tie: tieOf(q.seed, r.prefix, "")}
}

// rollUp is a page with a delimiter: matching names that have it after the
// prefix become one row of their common prefix. Objects and common prefixes
// share one shuffled order.
func (si *searchIndex) rollUp(q *search, runs []span) (rows []row, more bool) {
	type place struct {
		tie           uint64
		name, version string
	}
	compare := func(a, b place) int {
		return cmp.Or(cmp.Compare(a.tie, b.tie), compareUTF16(a.name, b.name), cmp.Compare(a.version, b.version))
	}
	placeOf := func(name, version string) place { return place{tieOf(q.seed, name, version), name, version} }
	var after place
	if q.after != nil {
		after = placeOf(q.after.name, q.after.version)
	}
	found := map[place]*object{}
	for _, r := range runs {
		for o := range r.each {
			if !si.satisfies(q, o) {
				continue
			}
			p, target := placeOf(o.key, o.cursorVersion()), o
			if i := strings.Index(o.key[len(q.prefix):], q.delimiter); i >= 0 {
				p, target = placeOf(o.key[:len(q.prefix)+i+len(q.delimiter)], ""), nil
			}
			if q.after == nil || compare(p, after) > 0 {
				found[p] = target
			}
		}
	}
	places := slices.SortedFunc(maps.Keys(found), compare)
	more = len(places) > q.limit
	for _, p := range places[:min(len(places), q.limit)] {
		r := row{object: found[p]}
		if r.object == nil {
			r.prefix = p.name
		}
		rows = append(rows, r)
	}
	return rows, more
}
