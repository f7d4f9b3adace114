package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// planSearch plans a search for what where says; where is Listing.Where, or when that is nil, a
// condition that every object satisfies.
func (s Schema) planSearch(p *Plan, where Expr) error {
	l := p.Listing
	if err := s.CheckEngine("query"); err != nil {
		return err
	}
	if k, ok := s.unreturnable(where, l.Order); ok {
		return p.refuse(KindUnsupported, fmt.Sprintf("%s is not indexed, and this store cannot return it", k.Short()), s.scanAdvice(k))
	}
	parts, ok := where.(Conjunction)
	if !ok {
		parts = Conjunction{where}
	}
	w, check, reasons := s.choose(parts, l.Prefix)
	if w.empty() {
		return p.refuse(KindUnsupported, unbounded(reasons), s.advice(keysOf(l.Where)))
	}
	p.Engine, p.Prefix = EngineSearch, sendablePrefix(l.Prefix)
	if name, _ := s.Resolve(keyObjectName); name.Indexed {
		p.name = name
	}
	p.setWire(w)
	p.Check = Normalize(check)
	p.Attributes = s.attributes(p.Check, l.Order)
	p.Notes = notes(reasons, l.Where)
	p.Cost = CostSearch
	if p.Check != nil {
		p.Cost = CostSearchChecked
	}
	p.order()
	return nil
}

// order decides whether the store puts the rows in order.
func (p *Plan) order() {
	l := p.Listing
	k := l.Order.Key
	switch {
	case l.Order.IsZero():
	case l.Order.Descending:
		p.sortedHere = "the store sorts in ascending order only"
	case p.tree.joins(true):
		p.sortedHere = "the store's order is not defined where the expression has an or"
	case !k.Indexed || !slices.Contains(p.tree.keys(), k.Name):
		p.sortedHere = "the store sorts by a key of the expression only"
	case p.Prefix == "":
		p.SortBy = k.Name
	default:
		w, ok := p.named()
		if !ok {
			p.sortedHere = "the store's order is not defined below a prefix"
			break
		}
		p.setWire(w)
		p.SortBy, p.Prefix = k.Name, ""
	}
	if p.sortedHere != "" {
		p.Cost = CostSearchSorted
		return
	}
	p.MaxKeys = l.Limit
	if p.SortBy != "" && l.Limit > 0 && !l.Order.LooseTies {
		p.MaxKeys++ // shows whether the last has others of its value
	}
}

// orderAgain decides it anew of a plan that sends something else than it did, and whose order may have become
// defined by that. One that the store sorts already stays so.
func (p *Plan) orderAgain() {
	if p.sortedHere == "" {
		return
	}
	p.sortedHere, p.Cost = "", CostSearchChecked
	p.order()
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

// unreturnable finds a key of e or o whose value the store neither compares nor returns.
func (s Schema) unreturnable(e Expr, o Order) (k Key, found bool) {
	conditions(e, func(c Cond) {
		if !found && !s.returns(c.Key) {
			k, found = c.Key, true
		}
	})
	if !found && !o.IsZero() && !s.returns(o.Key) {
		return o.Key, true
	}
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

// advice names indexed keys that can bound a search for keys, and what a scan would do.
func (s Schema) advice(keys []Key) string {
	var names []string
	for _, k := range knownKeys(s) {
		if k.Indexed && len(names) < 5 {
			names = append(names, k.Short())
		}
	}
	advice := "no key is indexed in this bucket"
	if len(names) > 0 {
		advice = "add a condition on an indexed key: " + strings.Join(names, ", ")
	}
	if scan := s.scanAdvice(keys...); scan != "" {
		advice += "; " + scan
	}
	return advice
}

// scanAdvice says which options make a scan answer what is asked of keys; empty when none do.
func (s Schema) scanAdvice(keys ...Key) string {
	told := func(k Key) bool { return k.listed() || k.headed() }
	switch {
	case slices.ContainsFunc(keys, func(k Key) bool { return !told(k) }):
		return ""
	case slices.ContainsFunc(keys, func(k Key) bool { return !k.listed() }) && !s.ScanMetadata:
		return "--engine scan --scan-metadata lists every object, and asks each for its metadata, instead"
	}
	return "--engine scan lists every object instead"
}

// attributes returns what to ask for: size, time, etag and content type, and the keys of
// check and of the order, without those that the index returns anyway or the store cannot return.
func (s Schema) attributes(check Expr, o Order) []string {
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
	need := func(k Key) {
		if !k.Indexed && k.Name != keyBase && k.Name != keyObjectName && k.Name != "" {
			more = append(more, k.Name)
		}
	}
	conditions(check, func(c Cond) { need(c.Key) })
	need(o.Key)
	slices.Sort(more)
	for _, name := range more {
		add(name)
	}
	return out
}
