package search

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Arrange puts the results in the listing's order and cuts them to its limit. pages yields the
// rows that the plan found and Keep kept, in the order the store gave them, a page at a
// time; it may break with an error, which is yielded as the last.
//
//   - Without order, rows pass as they come until the limit is reached; pages is not read on.
//   - With SortBy, rows pass as they come but for a run of equal value, which is put
//     in order when the next value has come; with Order.LooseTies they are not held back. With a
//     limit, of a run no more rows are kept than will be yielded. The first page with rows is held back until all of it
//     is seen to be in order: if it is not, the results are sorted here as if SortBy were not set. A row
//     out of order later is an error, as what precedes it is gone.
//   - Otherwise all of pages is read before the first result is yielded; with a limit N no more than
//     some 2N rows are kept.
//
// Results that were not yielded when pages breaks, as their order is not known, are dropped.
func (p *Plan) Arrange(pages iter.Seq2[[]Object, error]) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		switch {
		case p.Listing.Order.IsZero():
			first(pages, p.Listing.Limit, yield)
		case p.SortBy == "":
			sorted := newSorter(p.Listing.Order, p.Listing.Limit)
			for rows, err := range pages {
				if err != nil {
					yield(Object{}, err)
					return
				}
				sorted.addAll(rows)
			}
			sorted.drain(yield)
		default:
			p.inOrder(pages, yield)
		}
	}
}

// first yields the first limit rows, or all when limit is 0.
func first(pages iter.Seq2[[]Object, error], limit int, yield func(Object, error) bool) {
	n := 0
	for rows, err := range pages {
		if err != nil {
			yield(Object{}, err)
			return
		}
		for i := range rows {
			n++
			if !yield(rows[i], nil) || n == limit {
				return
			}
		}
	}
}

// inOrder yields the rows of a store that sorts.
func (p *Plan) inOrder(pages iter.Seq2[[]Object, error], yield func(Object, error) bool) {
	l := p.Listing
	run := newSorter(l.Order, l.Limit) // rows of one value; or, once the store has failed to sort, all
	sorts, begun := true, false
	var last item // the last row, when begun
	left := l.Limit
	flush := func() (more bool) {
		run.drain(func(o Object, err error) bool {
			more = yield(o, err)
			left--
			more = more && left != 0
			return more
		})
		run = newSorter(l.Order, left)
		return more
	}
	for rows, err := range pages {
		switch {
		case err != nil:
			yield(Object{}, err)
			return
		case !begun && !isInOrder(l.Order, rows):
			sorts = false
		}
		if !sorts {
			begun = true
			run.addAll(rows)
			continue
		}
		for i := range rows {
			row := itemOf(l.Order, rows[i])
			c := 0
			if begun {
				c = l.Order.compareValues(&last, &row)
			}
			switch {
			case c > 0:
				yield(Object{}, &Error{Op: "query", Bucket: l.Bucket, Key: l.Prefix, Kind: KindIO,
					Reason: "the store's rows are out of the order that it was asked for", Hint: "ask without @sort, or in the opposite order, which is sorted here"})
				return
			case (c < 0 || l.Order.LooseTies) && run.len() > 0 && !flush():
				return
			}
			run.add(row)
			last, begun = row, true
		}
		if l.Order.LooseTies && run.len() > 0 && !flush() {
			return
		}
	}
	flush()
}

// isInOrder reports whether the values of rows are in order.
func isInOrder(o Order, rows []Object) bool {
	for i := 1; i < len(rows); i++ {
		a, b := itemOf(o, rows[i-1]), itemOf(o, rows[i])
		if o.compareValues(&a, &b) > 0 {
			return false
		}
	}
	return true
}

// item is an object with its value of the key of an order.
type item struct {
	object Object
	value  Value
	has    bool // a value of the key's datatype
	seq    int  // how many came before it
}

func itemOf(o Order, object Object) item {
	v := object.operand(o.Key)
	return item{object: object, value: v.value, has: v.state == present}
}

// compareValues orders two items by value alone; those without one are last.
func (o Order) compareValues(a, b *item) int {
	switch {
	case a.has != b.has:
		return compareBool(b.has, a.has)
	case !a.has:
		return 0
	case o.Descending:
		return compareValues(b.value, a.value)
	}
	return compareValues(a.value, b.value)
}

// compare is the whole order. Versions of the same millisecond stay as they came.
func (o Order) compare(a, b *item) int {
	if c := o.compareValues(a, b); c != 0 {
		return c
	}
	if o.LooseTies {
		return cmp.Compare(a.seq, b.seq)
	}
	return cmp.Or(
		strings.Compare(a.object.Key, b.object.Key),
		b.object.ModTime.Compare(a.object.ModTime),
		cmp.Compare(a.seq, b.seq),
	)
}

// sorter collects rows and returns them in order; with a limit, the first so many.
type sorter struct {
	order Order
	limit int // 0: all
	items []item
	seq   int
	// full is true when items begins with limit ordered ones: then no row
	// after the last of them counts.
	full bool
}

func newSorter(o Order, limit int) *sorter { return &sorter{order: o, limit: limit} }

func (s *sorter) len() int { return len(s.items) }

func (s *sorter) addAll(rows []Object) {
	for i := range rows {
		s.add(itemOf(s.order, rows[i]))
	}
}

// slack is how many rows beyond the limit a sorter takes at least before it sorts, so
// that of a small limit not every row costs a sort.
const slack = 64

func (s *sorter) add(x item) {
	x.seq = s.seq
	s.seq++
	if s.full && s.order.compare(&x, &s.items[s.limit-1]) > 0 {
		return
	}
	s.items = append(s.items, x)
	if s.limit > 0 && len(s.items)-s.limit >= max(s.limit, slack) {
		s.cut()
	}
}

// cut sorts the items and drops those beyond the limit.
func (s *sorter) cut() {
	slices.SortFunc(s.items, func(a, b item) int { return s.order.compare(&a, &b) })
	if s.limit > 0 && len(s.items) >= s.limit {
		clear(s.items[s.limit:])
		s.items, s.full = s.items[:s.limit], true
	}
}

// drain yields the items in order. The sorter is spent then.
func (s *sorter) drain(yield func(Object, error) bool) {
	s.cut()
	for i := range s.items {
		if !yield(s.items[i].object, nil) {
			return
		}
	}
}
