package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Plan is how a query is answered: what is sent, and what is checked here.
type Plan struct {
	Listing Listing
	// Wire is the expression of the query parameter, always parenthesised where
	// "and" meets "or".
	Wire string
	// Prefix is sent as the prefix parameter; empty: none.
	Prefix string
	// Attributes are the names to ask for beside the indexed keys, so that rows
	// carry size, time, etag, content type and every key that Check needs.
	Attributes []string
	// Check is evaluated on every returned row; nil when Wire is exact.
	Check Expr
	// Notes say in words what is checked here and why, and whom the predicate
	// leaves out.
	Notes []string

	tree wire // Wire
}

// NewPlan plans l, whose Where must be bound, for a bucket with schema s. It is pure.
// KindUnsupported when nothing that the index can compare bounds the search.
func NewPlan(s Schema, l Listing) (Plan, error) {
	refuse := func(kind Kind, reason, hint string) (Plan, error) {
		return Plan{}, &Error{Op: "query", Bucket: l.Bucket, Key: l.Prefix, Kind: kind, Reason: reason, Hint: hint}
	}
	where := Normalize(l.Where)
	switch {
	case where == nil:
		return refuse(KindInvalid, "there is no condition to search by", "")
	case !bound(where):
		return refuse(KindInvalid, "the query has an age that is not bound to a time", "")
	case !s.Enabled:
		return refuse(KindUnsupported, "bucket has no metadata search", "it is set when a bucket is created; list its folders instead")
	}
	if k, ok := s.unreturnable(where); ok {
		return refuse(KindUnsupported, fmt.Sprintf("%s is not indexed, and this store cannot return it", k.Short()), s.advice())
	}
	l.Where = where
	p := Plan{Listing: l, Prefix: sendablePrefix(l.Prefix)}
	parts, ok := where.(Conjunction)
	if !ok {
		parts = Conjunction{where}
	}
	w, check, reasons := s.choose(parts, l.Prefix)
	if w.empty() {
		return refuse(KindUnsupported, unbounded(reasons), s.advice())
	}
	p.tree, p.Wire = w, w.expression()
	p.Check = Normalize(check)
	p.Attributes = s.attributes(p.Check)
	p.Notes = notes(reasons, where)
	return p, nil
}

// Keys returns the keys that the listing's Where names: sure are those that are
// indexed and that every result has, so that a row without one is not whole;
// others are the rest, which a row may lack rightly.
//
// Rows that are not whole come from ECS before 3.7, which leaves metadata out
// of the answers to a query with a prefix (STORAGE-30513 in the tests of
// EMCECS/ecs-object-client-java), and from servers that ignore Attributes.
func (p *Plan) Keys() (sure, others []Key) {
	needed := required(p.Listing.Where)
	conditions(p.Listing.Where, func(c Cond) {
		list := &others
		if c.Key.Indexed && slices.Contains(needed, c.Key) {
			list = &sure
		}
		if !slices.Contains(*list, c.Key) {
			*list = append(*list, c.Key)
		}
	})
	return sure, others
}

// Unmixed returns p for a server that takes no expression with both "and" and
// "or", as ECS 2.2 is said to (README of EMCECS/spark-ecs-connector): what is sent
// is weaker, and Check is the whole of Where. It reports whether the plan is another.
func (p Plan) Unmixed() (Plan, bool) {
	if !p.tree.mixed() {
		return p, false
	}
	p.tree = p.tree.unmix()
	p.Wire = p.tree.expression()
	p.Check = p.Listing.Where
	return p, true
}

// choose lowers each part and takes those that fit the limits of an
// expression, the shortest first.
func (s Schema) choose(parts Conjunction, prefix string) (w wire, check Conjunction, reasons []reason) {
	sent := make([]lowered, len(parts))
	order := make([]int, len(parts))
	for i, x := range parts {
		sent[i], order[i] = s.lower(x, prefix), i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(sent[a].wire.clauses(), sent[b].wire.clauses())
	})
	clauses, size := 0, 0
	fits := func(w wire) bool {
		n, bytes := w.clauses(), len(w.String())+len(" and ")
		if clauses+n > maxClauses || size+bytes > maxWireLen {
			return false
		}
		clauses, size = clauses+n, size+bytes
		return true
	}
	for _, i := range order {
		l := &sent[i]
		if l.wire.empty() || fits(l.wire) {
			continue
		}
		l.why = append(l.why, reason{cond: parts[i], text: fmt.Sprintf("the expression would exceed %d comparisons or %d bytes", maxClauses, maxWireLen)})
		if l.wire = l.wire.weaken(); !l.wire.empty() && !fits(l.wire) {
			l.wire = wire{}
		}
	}
	wires := make([]wire, len(parts))
	for i, l := range sent {
		wires[i] = l.wire
		reasons = append(reasons, l.why...)
		if len(l.why) > 0 {
			check = append(check, parts[i])
		}
	}
	return conjunction(wires), check, reasons
}

// unreturnable finds a key of e whose value the store neither compares nor returns.
func (s Schema) unreturnable(e Expr) (k Key, found bool) {
	conditions(e, func(c Cond) {
		if !found && !s.returns(c.Key) {
			k, found = c.Key, true
		}
	})
	return k, found
}

// unbounded says why no part of a query bounds the search.
func unbounded(reasons []reason) string {
	for _, r := range reasons {
		if r.unbounded {
			return fmt.Sprintf("nothing that the store compares bounds this search: %s is checked here, as %s", r.cond, r.text)
		}
	}
	return "the query is too long for the store, and no part of it bounds the search"
}

// advice names indexed keys that can bound a search.
func (s Schema) advice() string {
	var names []string
	for _, k := range knownKeys(s) {
		if k.Indexed && len(names) < 5 {
			names = append(names, k.Short())
		}
	}
	if len(names) == 0 {
		return "no key is indexed in this bucket"
	}
	return "add a condition on an indexed key: " + strings.Join(names, ", ")
}

// attributes returns what to ask for: size, time, etag and content type, and the keys of
// check, without those that the index returns anyway or the store cannot return.
func (s Schema) attributes(check Expr) []string {
	var out []string
	add := func(name string) {
		k := Key{Name: name}
		if !k.User() {
			k.Indexed, _ = s.names(name)
		}
		if !k.Indexed && s.returns(k) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range []string{keySize, keyLastModified, keyEtag, keyContentType} {
		add(name)
	}
	var more []string
	conditions(check, func(c Cond) {
		if !c.Key.Indexed && c.Key.Name != keyBase && c.Key.Name != keyObjectName {
			more = append(more, c.Key.Name)
		}
	})
	slices.Sort(more)
	for _, name := range more {
		add(name)
	}
	return out
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
			out = append(out, fmt.Sprintf("objects without %s are left out: they match neither a condition on it nor its opposite", k.Short()))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
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
