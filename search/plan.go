package search

import (
	"fmt"
	"slices"
	"strings"
)

// Plan is how the results of a listing are had: what is asked of the store, and what is done here.
type Plan struct {
	// Listing is what was planned, its Where in normal form.
	Listing Listing
	// Engine has the rows: EngineSearch sends Wire, EngineScan lists every object (with
	// Listing.Versions, every version) below Prefix. All objects are listed, not searched, in a bucket with metadata
	// search too, where a listing carries the key they are ordered by.
	Engine Engine
	// None is true when no object can be among the results: nothing is to be asked.
	None bool

	// Wire is the expression of the query parameter, always parenthesised where
	// "and" meets "or". Empty with EngineScan, as are Attributes and SortBy.
	Wire string
	// Prefix is sent as the prefix parameter, of the search or of the listing; empty: none. Of a
	// listing it may be longer than that of Listing, where the conditions on ObjectName imply more.
	Prefix string
	// Attributes are the names to ask for beside the indexed keys, so that rows
	// carry size, time, etag, content type and every key that Check and the order need.
	Attributes []string
	// SortBy is sent as the sorted parameter, a native name in Wire; empty: none. The rows then come in
	// Listing.Order but for those of equal value, and Prefix is empty, as with a prefix
	// the order is undefined. Arrange sees to the rest.
	SortBy string
	// MaxKeys is how many rows the first page should be asked for, so that a small Limit costs a
	// small page; 0: as many as a page can have. Later pages should be larger (eight times each),
	// as rows may be dropped here.
	MaxKeys int

	// Check is evaluated on every returned row; nil when what is sent is exact.
	Check Expr
	// Heads is true when EngineScan must ask for the metadata of rows that the listing does not decide.
	Heads bool

	// Cost is the class of the most that this can cost.
	Cost Cost
	// Notes say in words what is checked here and why, and whom the predicate
	// leaves out.
	Notes []string

	tree wire // Wire
	// name is the key of object names where it is indexed, else the zero Key.
	name Key
	// sortedHere says why the order is not asked of the store; empty when it is, or there is none.
	sortedHere string
}

// Cost says what a plan reads, in classes from the cheapest to the dearest.
type Cost uint8

// The classes of cost.
const (
	// CostNone: nothing is asked.
	CostNone Cost = iota
	// CostSearch: the pages of a search that hold the results, and no others.
	CostSearch
	// CostSearchChecked: the pages of a search that is true of more objects than the results.
	CostSearchChecked
	// CostSearchSorted: all pages of a search before the first result, whatever the limit.
	CostSearchSorted
	// CostList: the pages of a listing that hold the results.
	CostList
	// CostScan: the pages of a listing of every object, most of which may be no results.
	CostScan
	// CostScanSorted: all pages of a listing of every object before the first result.
	CostScanSorted
	// CostScanHeads: those, and one more request for every object that they do not decide.
	CostScanHeads
)

// String returns the class in a few words.
func (c Cost) String() string {
	return [...]string{"nothing to ask", "exact search", "search, checked here", "search, sorted here",
		"listing", "listing, filtered here", "listing, sorted here", "listing, and one HEAD an object"}[c]
}

// NewPlan plans l, whose Where must be bound, for a bucket with schema s. It is pure.
// KindUnsupported when the bucket's engine cannot answer it: nothing that the index can compare
// bounds the search, or the engine cannot tell a key's value. One level (IsLevel) and menus are KindInvalid.
func NewPlan(s Schema, l Listing) (Plan, error) {
	l.Where = Normalize(l.Where)
	p := Plan{Listing: l}
	switch {
	case l.IsLevel():
		return Plan{}, p.refuse(KindInvalid, "there is no condition to search by", "")
	case l.Menu.Name != "":
		return Plan{}, p.refuse(KindInvalid, "a menu is not one query", "")
	case !bound(l.Where):
		return Plan{}, p.refuse(KindInvalid, "the query has an age that is not bound to a time", "")
	}
	if nothing, ok := l.Where.(Disjunction); ok && len(nothing) == 0 {
		p.None = true
		return p, nil
	}
	var err error
	switch {
	case l.Where == nil:
		err = s.planAll(&p)
	case s.Engine == EngineScan:
		err = s.planScan(&p)
	default:
		err = s.planSearch(&p, l.Where)
	}
	if err != nil {
		return Plan{}, err
	}
	return p, nil
}

// refuse is the error of a listing that is not planned.
func (p *Plan) refuse(kind Kind, reason, hint string) error {
	return &Error{Op: "query", Bucket: p.Listing.Bucket, Key: p.Listing.Prefix, Kind: kind, Reason: reason, Hint: hint}
}

// planAll plans all objects below the prefix.
func (s Schema) planAll(p *Plan) error {
	k := p.Listing.Order.Key
	if p.Listing.Order.IsZero() || k.listed() {
		return s.planScan(p)
	}
	if s.Engine == EngineSearch && s.Enabled && s.returns(k) {
		if every, ok := s.everywhere(k); ok {
			return s.planSearch(p, Cond{Key: every, Op: OpExists})
		}
	}
	return s.planScan(p)
}

// everywhere returns an indexed key that every object has, if it can the one to order by.
func (s Schema) everywhere(first Key) (Key, bool) {
	for _, k := range append([]Key{first}, knownKeys(s)...) {
		if k.Indexed && !k.optional() {
			return k, true
		}
	}
	return Key{}, false
}

// Keys returns the keys that the listing's Where and Order name: sure are those that are
// indexed and that every result has, so that a row without one is not whole;
// others are the rest, which a row may lack rightly.
//
// Rows that are not whole come from ECS before 3.7, which leaves metadata out
// of the answers to a query with a prefix (STORAGE-30513 in the tests of
// EMCECS/ecs-object-client-java), and from servers that ignore Attributes.
func (p *Plan) Keys() (sure, others []Key) {
	needed := required(p.Listing.Where)
	add := func(k Key) {
		list := &others
		if k.Indexed && (slices.Contains(needed, k) || !k.optional()) {
			list = &sure
		}
		if !slices.Contains(*list, k) {
			*list = append(*list, k)
		}
	}
	conditions(p.Listing.Where, func(c Cond) { add(c.Key) })
	if !p.Listing.Order.IsZero() {
		add(p.Listing.Order.Key)
	}
	return sure, others
}

// Asked returns the keys of Check and the order that every object has and the index does not: each row has
// them because Attributes names them. One without comes from a server that does not return them.
func (p *Plan) Asked() []Key {
	keys := keysOf(p.Check)
	if !p.Listing.Order.IsZero() {
		keys = append(keys, p.Listing.Order.Key)
	}
	return slices.DeleteFunc(keys, func(k Key) bool { return k.Indexed || k.optional() })
}

// Unmixed returns p for a server that takes no expression with both "and" and
// "or", as ECS 2.2 is said to (README of EMCECS/spark-ecs-connector): what is sent
// is weaker, and Check is the whole of Where. It reports whether the plan is another.
func (p Plan) Unmixed() (Plan, bool) {
	if !p.tree.mixed() {
		return p, false
	}
	p.setWire(p.tree.unmix())
	p.Check = p.Listing.Where
	p.Cost = max(p.Cost, CostSearchChecked)
	p.orderAgain()
	return p, true
}

// Unprefixed returns p for a server that does not support, or not well, the prefix parameter: a range
// of ObjectName is sent in its place if that is indexed; otherwise Keep drops what is not below the prefix.
func (p Plan) Unprefixed() Plan {
	if p.Engine != EngineSearch || p.Prefix == "" {
		return p
	}
	if w, ok := p.named(); ok {
		p.setWire(w)
	} else {
		p.Cost = max(p.Cost, CostSearchChecked)
	}
	p.Prefix = ""
	p.orderAgain()
	return p
}

// named returns what is sent with the prefix as a range of ObjectName; ok is false where that is
// not indexed, or what is sent would be too long.
func (p *Plan) named() (wire, bool) {
	if p.name.Name == "" {
		return wire{}, false
	}
	w := conjunction([]wire{p.tree, prefixRange(p.name, p.Listing.Prefix)})
	return w, w.clauses() <= maxClauses && len(w.expression()) <= maxWireLen
}

func (p *Plan) setWire(w wire) {
	p.tree, p.Wire = w, w.expression()
}

// Keep reports whether a returned row belongs to the listing: it lies below
// the prefix and satisfies Check.
func (p *Plan) Keep(o *Object) bool {
	return strings.HasPrefix(o.Key, p.Listing.Prefix) && Evaluate(p.Check, o) == True
}

// notes says what is checked here and why, and which objects are left out
// because they have no such key.
func notes(reasons []reason, where Expr) []string {
	var out []string
	for _, r := range reasons {
		out = append(out, fmt.Sprintf("checked here: %s (%s)", r.cond, r.text))
	}
	for _, k := range required(where) {
		if k.optional() {
			out = append(out, leftOut(k))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// leftOut says that the predicate leaves out the objects without k.
func leftOut(k Key) string {
	return fmt.Sprintf("objects without %s are left out: they match neither a condition on it nor its opposite", k.Short())
}

// required returns the keys without which no object satisfies e, in order.
func required(e Expr) []Key {
	var out []Key
	switch e := e.(type) {
	case Conjunction:
		for _, x := range e {
			for _, k := range required(x) {
				if !slices.Contains(out, k) {
					out = append(out, k)
				}
			}
		}
	case Disjunction:
		for i, x := range e {
			keys := required(x)
			if i == 0 {
				out = keys
				continue
			}
			out = slices.DeleteFunc(slices.Clone(out), func(k Key) bool { return !slices.Contains(keys, k) })
		}
	case Negation:
		return required(e.X)
	case Cond:
		if e.Op != OpMissing {
			return []Key{e.Key}
		}
	}
	return out
}
