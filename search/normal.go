package search

import (
	"cmp"
	"slices"
	"strings"
)

// Normalize returns the normal form: flattened, without Negation, conditions
// canonical, ordered and without duplicates. It is idempotent, and equal for
// expressions that differ in order, repetition and nesting alone.
//
// Bound times become half-open: only OpGe and OpLt of instants are left, as
// every interval can be said with them. Negation stays on the operators that have no
// complement (prefix, suffix, contains, glob); no path can ask for that.
func Normalize(e Expr) Expr {
	return normalize(e, false)
}

// normalize returns the normal form of e, or of its complement.
func normalize(e Expr, complement bool) Expr {
	switch e := e.(type) {
	case Negation:
		return normalize(e.X, !complement)
	case Conjunction:
		return combine(e, complement, !complement)
	case Disjunction:
		return combine(e, complement, complement)
	case Cond:
		return normalizeCond(e, complement)
	}
	if complement {
		return Disjunction{} // nothing is outside of everything
	}
	return nil
}

// combine normalizes the parts of a list and joins them as a
// conjunction or not.
func combine(list []Expr, complement, conjunction bool) Expr {
	var parts []Expr
	for _, x := range list {
		x = normalize(x, complement)
		and, isAnd := x.(Conjunction)
		or, isOr := x.(Disjunction)
		switch {
		case x == nil && !conjunction, isOr && len(or) == 0 && conjunction:
			return x // true decides a disjunction, false a conjunction
		case x == nil:
		case isAnd && conjunction:
			parts = append(parts, and...)
		case isOr && !conjunction:
			parts = append(parts, or...)
		default:
			parts = append(parts, x)
		}
	}
	slices.SortFunc(parts, compareExpr)
	parts = slices.CompactFunc(parts, func(a, b Expr) bool { return compareExpr(a, b) == 0 })
	switch {
	case len(parts) == 1:
		return parts[0]
	case !conjunction:
		return Disjunction(parts)
	case len(parts) == 0:
		return nil
	}
	return Conjunction(parts)
}

var complements = map[Op]Op{
	OpEq: OpNe, OpNe: OpEq, OpGt: OpLe, OpLe: OpGt, OpGe: OpLt, OpLt: OpGe,
	OpExists: OpMissing, OpMissing: OpExists,
}

func normalizeCond(c Cond, complement bool) Expr {
	if complement {
		op, ok := complements[c.Op]
		if !ok {
			return Negation{c}
		}
		c.Op = op
	}
	if c.Key.Type != Datetime || c.Value.unit != unitNone || c.Op == OpExists || c.Op == OpMissing {
		return c
	}
	from := Cond{c.Key, OpGe, instant(c.Value.n)}
	before := Cond{c.Key, OpLt, instant(c.Value.n)}
	after := Cond{c.Key, OpGe, instant(c.Value.end)}
	until := Cond{c.Key, OpLt, instant(c.Value.end)}
	switch c.Op {
	case OpEq:
		return Conjunction{from, until}
	case OpNe:
		return sorted(Disjunction{before, after})
	case OpGt:
		return after
	case OpGe:
		return from
	case OpLt:
		return before
	case OpLe:
		return until
	}
	return c
}

// instant is the canonical value of a time bound: one millisecond long.
func instant(ms int64) Value {
	return Value{typ: Datetime, n: ms, end: ms + 1}
}

func sorted(o Disjunction) Disjunction {
	slices.SortFunc(o, compareExpr)
	return o
}

// compareExpr is the order of the parts of a normal form. Any total order
// will do; this one puts what the store compares most simply first (single
// comparisons, then groups, then what must be sent as a group), and prints the
// examples of the package's documentation as they are printed there.
func compareExpr(a, b Expr) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case Cond:
		return compareCond(a, b.(Cond))
	case Negation:
		return compareExpr(a.X, b.(Negation).X)
	case Conjunction:
		return slices.CompareFunc(a, b.(Conjunction), compareExpr)
	case Disjunction:
		return slices.CompareFunc(a, b.(Disjunction), compareExpr)
	}
	return 0
}

func rank(e Expr) int {
	switch e := e.(type) {
	case Cond:
		if e.Op == OpNe {
			return 3
		}
		return 0
	case Disjunction:
		return 1
	case Conjunction:
		return 2
	}
	return 4
}

func compareCond(a, b Cond) int {
	return cmp.Or(
		strings.Compare(a.Key.Name, b.Key.Name),
		cmp.Compare(a.Key.Type, b.Key.Type),
		cmp.Compare(a.Op, b.Op),
		// Values descend.
		cmp.Compare(b.Value.unit, a.Value.unit),
		cmp.Compare(b.Value.n, a.Value.n),
		cmp.Compare(b.Value.end, a.Value.end),
		strings.Compare(b.Value.text, a.Value.text),
		compareBool(a.Key.Indexed, b.Key.Indexed),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
