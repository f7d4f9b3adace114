package search

import (
	"slices"
	"strings"
)

// Bounds of the expression that is sent. The store documents none; these are
// well within what its clients are seen to send.
const (
	maxClauses = 64
	maxWireLen = 4 << 10 // bytes before percent-encoding
)

// wire is a node of the store's expression: a comparison, or a group of
// nodes. The zero wire says nothing.
type wire struct {
	kids []wire
	or   bool // of kids: joined by "or"

	key   string // of a comparison: a selector
	op    Op     // OpEq, OpGt, OpGe, OpLt, OpLe
	value Value
	any   bool // true of every object that has the key
}

func (w wire) empty() bool { return w.key == "" && len(w.kids) == 0 }

// clauses counts the comparisons.
func (w wire) clauses() int {
	if w.key != "" {
		return 1
	}
	n := 0
	for _, k := range w.kids {
		n += k.clauses()
	}
	return n
}

// String prints w, a group in parentheses.
func (w wire) String() string {
	if w.key != "" {
		return w.key + w.op.symbol() + w.argument()
	}
	return "(" + w.join() + ")"
}

func (w wire) join() string {
	parts := make([]string, len(w.kids))
	for i, k := range w.kids {
		parts[i] = k.String()
	}
	if w.or {
		return strings.Join(parts, " or ")
	}
	return strings.Join(parts, " and ")
}

// argument prints the value. Strings go in single quotes, in double quotes
// when they have a single one: ECS documents no escape within quotes.
func (w wire) argument() string {
	switch {
	case w.value.typ != String:
		return w.value.String()
	case strings.Contains(w.value.text, "'"):
		return `"` + w.value.text + `"`
	}
	return "'" + w.value.text + "'"
}

// equal compares two comparisons.
func (w wire) equal(x wire) bool {
	return w.key != "" && w.key == x.key && w.op == x.op && w.value == x.value
}

// conjunction joins nodes, without those that another one implies.
func conjunction(list []wire) wire {
	var out []wire
	for _, w := range list {
		switch {
		case w.empty():
		case w.key == "" && !w.or:
			out = append(out, w.kids...)
		default:
			out = append(out, w)
		}
	}
	kept := out[:0:0]
	for i, w := range out {
		implied := func(x wire) bool { return x.key == w.key && (w.any && !x.any || x.equal(w)) }
		if w.key != "" && (slices.ContainsFunc(kept, w.equal) || w.any && slices.ContainsFunc(out[i+1:], implied) ||
			w.any && slices.ContainsFunc(kept, implied)) {
			continue
		}
		kept = append(kept, w)
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return wire{kids: kept}
}

// disjunction joins nodes of which none is empty.
func disjunction(list []wire) wire {
	var out []wire
	for _, w := range list {
		switch {
		case w.key == "" && w.or:
			out = append(out, w.kids...)
		case w.key != "" && slices.ContainsFunc(out, w.equal):
		default:
			out = append(out, w)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return wire{kids: out, or: true}
}

// expression prints the whole of what is sent: a conjunction of comparisons
// and at most one group stands as it is, which is the form that Dell documents;
// anything deeper in parentheses.
func (w wire) expression() string {
	groups := 0
	for _, k := range w.kids {
		if k.key == "" {
			groups++
		}
	}
	if w.key == "" && !w.or && groups <= 1 {
		return w.join()
	}
	return w.String()
}

// hull returns the comparisons on key that every object must satisfy that
// satisfies w: at most one lower and one upper bound. Either may be empty.
func (w wire) hull(key string) (low, high wire) {
	if w.key != "" {
		if w.key != key {
			return wire{}, wire{}
		}
		low, high = w, w
		switch w.op {
		case OpEq:
			low.op, high.op = OpGe, OpLe
		case OpGt, OpGe:
			high = wire{}
		default:
			low = wire{}
		}
		return low, high
	}
	for i, k := range w.kids {
		l, h := k.hull(key)
		switch {
		case i == 0:
			low, high = l, h
		case w.or:
			low, high = looser(low, l, 1), looser(high, h, -1)
		default:
			low, high = tighter(low, l, 1), tighter(high, h, -1)
		}
	}
	return low, high
}

// looser returns the bound that allows more; none allows all. sign is 1 for
// lower bounds, -1 for upper ones.
func looser(a, b wire, sign int) wire {
	if a.empty() || b.empty() {
		return wire{}
	}
	c := sign * compareValues(a.value, b.value)
	if c > 0 || c == 0 && (b.op == OpGe || b.op == OpLe) {
		return b
	}
	return a
}

// tighter returns the bound that allows less.
func tighter(a, b wire, sign int) wire {
	if a.empty() || b.empty() {
		if a.empty() {
			return b
		}
		return a
	}
	c := sign * compareValues(a.value, b.value)
	if c < 0 || c == 0 && (b.op == OpGt || b.op == OpLt) {
		return b
	}
	return a
}

// keys returns the keys of w's comparisons in order, each once.
func (w wire) keys() []string {
	if w.key != "" {
		return []string{w.key}
	}
	var out []string
	for _, k := range w.kids {
		for _, name := range k.keys() {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// weaken returns a short conjunction that w implies; empty when there is none.
func (w wire) weaken() wire {
	var parts []wire
	for _, key := range w.keys() {
		low, high := w.hull(key)
		parts = append(parts, low, high)
	}
	return conjunction(parts)
}

// mixed reports whether w has both "and" and "or".
func (w wire) mixed() bool { return w.joins(true) && w.joins(false) }

// joins reports whether w has a group of this kind.
func (w wire) joins(or bool) bool {
	return w.key == "" && (len(w.kids) > 1 && w.or == or || slices.ContainsFunc(w.kids, func(k wire) bool { return k.joins(or) }))
}

// unmix returns what w implies and is joined by "and" alone, or by "or" alone.
func (w wire) unmix() wire {
	if w.key != "" {
		return w
	}
	if weaker := w.weaken(); !weaker.empty() {
		return weaker
	}
	if !w.or {
		return w.kids[0].unmix()
	}
	kids := make([]wire, len(w.kids))
	for i, k := range w.kids {
		if kids[i] = k.unmix(); kids[i].key == "" && !kids[i].or {
			kids[i] = kids[i].kids[0]
		}
	}
	return disjunction(kids)
}
