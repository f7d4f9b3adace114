package ecstest

import (
	"slices"
	"strings"
)

// search is one query as the store executes it.
type search struct {
	predicate *predicate
	sorted    int // column of the sort key, or noColumn: an order of the seed's making
	prefix    string
	delimiter string // empty unless sorted is noColumn
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
	page    int    // number of the page that begins after the row
}

// row is one row of a page: an object, or a common prefix.
type row struct {
	object *object
	prefix string // of a common prefix, when object is nil
}

// walkFactor is how many objects may be looked at in a query's order for each
// that collecting would have to read and sort.
const walkFactor = 2

// page makes the page of the rows after q.after. The order is
// total and depends on each row alone, so rows that come or go between two
// pages make no other row appear twice or not at all.
//
// A walk in the query's order ends with the page, but looks at objects that do
// not match; collecting reads every match of the smallest run, and sorts. The
// cost is at most about twice that of the cheaper one.
func (si *searchIndex) page(q *search) pageWriter {
	runs, cost := si.sources(q.predicate.root)
	if names := si.shuffled.withPrefix(q.prefix); q.prefix != "" && names.size() < cost {
		runs, cost = []span{names}, names.size()
	}
	p := pageWriter{search: q, si: si}
	if cost == 0 {
		return p
	}
	walk := si.walkOf(q)
	if !p.walk(walk, walkFactor*cost+q.limit) {
		p.rows = nil
		p.collect(runs, walk)
	}
	return p
}

// walkOf returns the run of the query's order that has every row still to come.
func (si *searchIndex) walkOf(q *search) span {
	if q.sorted == noColumn {
		walk := si.shuffled.withPrefix(q.prefix)
		if q.after != nil {
			walk = walk.intersect(span{ix: walk.ix, from: q.after.pivot(q.seed)})
		}
		return walk
	}
	walk := span{ix: si.columns[q.sorted]}
	// There is no "or" in a sorted query: every condition must hold.
	for _, c := range q.predicate.conditions {
		if c.column == q.sorted {
			walk = walk.intersect(si.spanOf(c))
		}
	}
	if q.after != nil {
		after := q.after.pivot(q.seed)
		after.values = make([]value, len(si.keys))
		after.values[q.sorted] = q.after.value
		walk = walk.intersect(span{ix: walk.ix, from: after})
	}
	return walk
}

// pivot stands just after the cursor's row: an object, or all names that start
// with a common prefix.
func (c *cursor) pivot(seed int64) *object {
	if c.version == "" {
		return &object{key: c.name, edge: +1}
	}
	return &object{key: c.name, tie: tieOf(seed, c.name, c.version), seq: cursorSeqOf(c.version) + 1}
}

// pageWriter makes the rows of one page from objects in the query's order.
type pageWriter struct {
	*search
	si     *searchIndex
	rows   []row
	more   bool // more rows follow
	looked int  // how many objects were looked at
}

// add makes a row of a matching object. group is the common prefix that it is
// rolled up into, whose other objects need not be added. full tells that the
// page has no room for it.
func (p *pageWriter) add(o *object) (group string, full bool) {
	if p.delimiter != "" {
		if i := strings.Index(o.key[len(p.prefix):], p.delimiter); i >= 0 {
			group = o.key[:len(p.prefix)+i+len(p.delimiter)]
		}
	}
	if group != "" && len(p.rows) > 0 && p.rows[len(p.rows)-1].prefix == group {
		return group, false // names with a common prefix are neighbours
	}
	if len(p.rows) == p.limit {
		p.more = true
		return "", true
	}
	if group != "" {
		p.rows = append(p.rows, row{prefix: group})
	} else {
		p.rows = append(p.rows, row{object: o})
	}
	return group, false
}

// walk reads a run in the query's order until the page is full. It gives up,
// and returns false, when it would have to look at more than budget objects.
func (p *pageWriter) walk(run span, budget int) bool {
	for {
		var group string
		for o := range run.each {
			if p.looked == budget {
				return false
			}
			p.looked++
			if !p.satisfies(o) {
				continue
			}
			var full bool
			if group, full = p.add(o); full {
				return true
			}
			if group != "" {
				break
			}
		}
		if group == "" {
			return true
		}
		run = run.intersect(span{ix: run.ix, from: &object{key: group, edge: +1}})
	}
}

// collect reads the matching objects of runs and puts them in the walk's order.
func (p *pageWriter) collect(runs []span, walk span) {
	var found []*object
	for _, r := range runs {
		for o := range r.each {
			p.looked++
			if walk.has(o) && p.satisfies(o) {
				found = append(found, o)
			}
		}
	}
	slices.SortFunc(found, walk.ix.compare)
	for _, o := range slices.Compact(found) { // the runs of an "or" may overlap
		if _, full := p.add(o); full {
			return
		}
	}
}

func (p *pageWriter) satisfies(o *object) bool {
	return strings.HasPrefix(o.key, p.prefix) && p.si.matches(p.predicate.root, o)
}

// merge makes one page of two of the same query over different versions: each
// has the first rows of its own in the query's order.
func (q *search) merge(a, b pageWriter) (rows []row, more bool) {
	more = a.more || b.more
	order := a.si.shuffled
	if q.sorted != noColumn {
		order = a.si.columns[q.sorted]
	}
	rows = append(a.rows, b.rows...)
	slices.SortFunc(rows, func(a, b row) int { return order.compare(a.pivot(), b.pivot()) })
	rows = slices.Compact(rows) // a common prefix of both
	if len(rows) > q.limit {
		return rows[:q.limit], true
	}
	return rows, more
}

// pivot is the row's place in a query's order.
func (r row) pivot() *object {
	if r.object != nil {
		return r.object
	}
	return &object{key: r.prefix, edge: -1}
}
