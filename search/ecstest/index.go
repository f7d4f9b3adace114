package ecstest

import (
	"cmp"
	"math"
	"strings"

	"github.com/tidwall/btree"
)

// searchIndex holds a bucket's ordered indexes, kept up to date by every write
// but for what waits. It is guarded by the store's lock.
type searchIndex struct {
	keys    []searchKey // constant
	columns []*index    // one for each of keys, in their order
	// shuffled has every object, in the order of a query whose order ECS does not
	// define.
	shuffled *index

	lag     *lag
	waiting []waiting // changes to come, the oldest first
}

// index is one order of a bucket's objects: those that have a value in a
// column, by value, equals by tie; or all of them, by name or by shuffled name.
// INVARIANT: the index of column i has exactly the objects whose bit i is set.
type index struct {
	column int // or noColumn, byName, byVersion
	typ    datatype
	seed   int64 // of shuffled names
	tree   *btree.BTreeG[*object]
}

const (
	noColumn  = -1 // ordered by shuffled name
	byName    = -2 // ordered by key, one object a key
	byVersion = -3 // ordered by key, then the newest first
)

func newSearchIndex(keys []searchKey, seed int64, l *lag) *searchIndex {
	si := &searchIndex{keys: keys, lag: l, shuffled: newIndex(noColumn, typeString)}
	si.shuffled.seed = seed
	for i, k := range keys {
		si.columns = append(si.columns, newIndex(i, k.typ))
	}
	return si
}

func newIndex(column int, typ datatype) *index {
	ix := &index{column: column, typ: typ}
	ix.tree = btree.NewBTreeGOptions(func(a, b *object) bool { return ix.compare(a, b) < 0 },
		btree.Options{NoLocks: true}) // the store's lock covers it
	return ix
}

// compare is the index's order, of objects and pivots.
func (ix *index) compare(a, b *object) int {
	switch ix.column {
	case byName:
		return compareUTF16(a.key, b.key)
	case byVersion:
		return cmp.Or(compareUTF16(a.key, b.key), cmp.Compare(b.seq, a.seq))
	case noColumn:
		if c := compareShuffled(ix.seed, a, b); c != 0 {
			return c
		}
	default:
		if c := compareValues(ix.typ, a.values[ix.column], b.values[ix.column]); c != 0 {
			return c
		}
		if a.edge != b.edge {
			return cmp.Compare(a.edge, b.edge)
		}
	}
	if c := cmp.Compare(a.tie, b.tie); c != 0 {
		return c
	}
	return cmp.Or(compareUTF16(a.key, b.key), cmp.Compare(a.cursorSeq(), b.cursorSeq()))
}

// compareShuffled is an order of names that depends on seed alone and in which,
// as in any order of texts byte by byte, the names that start with a prefix are
// neighbours: after each prefix, the bytes that may follow have an order of
// their own. A pivot stands before or after all names that start with its key.
func compareShuffled(seed int64, a, b *object) int {
	n := 0
	for n < len(a.key) && n < len(b.key) && a.key[n] == b.key[n] {
		n++
	}
	switch {
	case len(a.key) == n && len(b.key) == n && a.edge*b.edge != 0:
		return cmp.Compare(a.edge, b.edge)
	case len(a.key) == n && a.edge != 0:
		return int(a.edge)
	case len(b.key) == n && b.edge != 0:
		return -int(b.edge)
	case len(a.key) == n && len(b.key) == n:
		return 0
	}
	prefix := shuffle(seed, a.key[:n])
	follower := func(key string) uint64 {
		next := uint64(256) // the end
		if n < len(key) {
			next = uint64(key[n])
		}
		return scatter(prefix ^ next) // one to one: no two are equal
	}
	return cmp.Compare(follower(a.key), follower(b.key))
}

// newestOf is the pivot before every version of a key, of an index byName or
// byVersion.
func newestOf(key string) *object { return &object{key: key, seq: math.MaxUint64} }

// fill gives o, which is in no index yet, its values.
func (si *searchIndex) fill(o *object) {
	o.values = make([]value, len(si.keys))
	for i := range si.keys {
		if v, ok := si.keys[i].valueOf(o); ok {
			o.values[i] = v
			o.in |= 1 << i
		}
	}
}

// insert indexes o, which has its values.
func (si *searchIndex) insert(o *object) {
	for i, ix := range si.columns {
		if o.in&(1<<i) != 0 {
			ix.tree.Set(o)
		}
	}
	si.shuffled.tree.Set(o)
}

func (si *searchIndex) erase(o *object) {
	for i, ix := range si.columns {
		if o.in&(1<<i) != 0 {
			ix.tree.Delete(o)
		}
	}
	si.shuffled.tree.Delete(o)
}

// column finds the key that a selector names, in any case.
func (si *searchIndex) column(selector string) (int, bool) {
	for i := range si.keys {
		if strings.EqualFold(si.keys[i].name, selector) {
			return i, true
		}
	}
	return 0, false
}

// span is a run of an index: the objects at or after from and before to. A nil
// bound is open.
type span struct {
	ix       *index
	from, to *object
}

// spanOf returns the run of the index that satisfies c.
func (si *searchIndex) spanOf(c *condition) span {
	s := span{ix: si.columns[c.column]}
	switch c.op {
	case opEQ:
		s.from, s.to = si.pivot(c, -1), si.pivot(c, +1)
	case opGE:
		s.from = si.pivot(c, -1)
	case opGT:
		s.from = si.pivot(c, +1)
	case opLE:
		s.to = si.pivot(c, +1)
	case opLT:
		s.to = si.pivot(c, -1)
	}
	return s
}

func (si *searchIndex) pivot(c *condition, edge int8) *object {
	p := &object{values: make([]value, len(si.keys)), edge: edge}
	p.values[c.column] = c.value
	return p
}

// withPrefix returns the run of shuffled names that start with prefix.
func (ix *index) withPrefix(prefix string) span {
	if prefix == "" {
		return span{ix: ix}
	}
	return span{ix: ix, from: &object{key: prefix, edge: -1}, to: &object{key: prefix, edge: +1}}
}

// intersect narrows s by t, which is of the same index.
func (s span) intersect(t span) span {
	if s.from == nil || t.from != nil && s.ix.compare(t.from, s.from) > 0 {
		s.from = t.from
	}
	if s.to == nil || t.to != nil && s.ix.compare(t.to, s.to) < 0 {
		s.to = t.to
	}
	return s
}

// below returns the run of names that start with prefix, of an index byName or
// byVersion.
func (ix *index) below(prefix string) span {
	s := span{ix: ix, from: newestOf(prefix)}
	if end, ok := prefixEnd(prefix); ok {
		s.to = newestOf(end)
	}
	return s
}

func (s span) has(o *object) bool {
	return (s.from == nil || s.ix.compare(o, s.from) >= 0) && (s.to == nil || s.ix.compare(o, s.to) < 0)
}

// size counts the objects of s, in O(log² n).
func (s span) size() int {
	from, to := 0, s.ix.tree.Len()
	if s.from != nil {
		from = s.ix.position(s.from)
	}
	if s.to != nil {
		to = s.ix.position(s.to)
	}
	return max(0, to-from)
}

// position counts the objects before pivot.
func (ix *index) position(pivot *object) int {
	lo, hi := 0, ix.tree.Len()
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if o, _ := ix.tree.GetAt(mid); ix.compare(o, pivot) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// each yields the objects of s in the index's order until yield returns false.
func (s span) each(yield func(*object) bool) {
	in := func(o *object) bool {
		return (s.to == nil || s.ix.compare(o, s.to) < 0) && yield(o)
	}
	if s.from == nil {
		s.ix.tree.Scan(in)
		return
	}
	s.ix.tree.Ascend(s.from, in)
}
