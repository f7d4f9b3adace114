package search

import (
	"math"
	"strings"
	"unicode/utf8"
)

// lowered is what an expression becomes on the wire: an expression that is true
// of at least the same objects, and why it may be true of more.
type lowered struct {
	wire wire // empty: nothing that the store can compare bounds it
	// why says in words what the wire expression leaves out; empty: it is
	// true of the same objects.
	why []reason
}

// reason says why a condition is checked here.
type reason struct {
	cond      Expr
	text      string
	unbounded bool // nothing was sent for cond
}

// checked is what becomes of a condition that w does not say in full.
func checked(c Cond, w wire, why string) lowered {
	return lowered{w, []reason{{c, why, w.empty()}}}
}

// lower translates a bound normal form. prefix is that of the listing.
func (s Schema) lower(e Expr, prefix string) lowered {
	switch e := e.(type) {
	case Conjunction:
		var out lowered
		var parts []wire
		for _, x := range e {
			l := s.lower(x, prefix)
			parts = append(parts, l.wire)
			out.why = append(out.why, l.why...)
		}
		out.wire = conjunction(parts)
		return out
	case Disjunction:
		var out lowered
		var parts []wire
		bounded := true
		for _, x := range e {
			l := s.lower(x, prefix)
			bounded = bounded && !l.wire.empty()
			parts = append(parts, l.wire)
			out.why = append(out.why, l.why...)
		}
		if bounded && len(parts) > 0 {
			out.wire = disjunction(parts)
		}
		return out
	case Negation:
		c, ok := e.X.(Cond)
		if !ok {
			return lowered{why: []reason{{e, "it is not in normal form", true}}}
		}
		l := s.lowerCond(Cond{Key: c.Key, Op: OpExists}, prefix)
		if len(l.why) == 0 {
			l.why = []reason{{text: "the store has no " + c.Op.String()}}
		}
		l.why[0].cond = e
		return l
	case Cond:
		return s.lowerCond(e, prefix)
	}
	return lowered{}
}

// lowerCond translates one condition.
func (s Schema) lowerCond(c Cond, prefix string) lowered {
	switch {
	case c.Op == OpMissing:
		return checked(c, wire{}, "the index has only objects with the key")
	case c.Key.Name == keyBase:
		const why = "base is the end of the object's name, no key of the store"
		name, _ := s.Resolve(keyObjectName)
		if !name.Indexed {
			return checked(c, wire{}, why)
		}
		return checked(c, prefixRange(name, prefix), why)
	case !c.Key.Indexed:
		return checked(c, wire{}, c.Key.Short()+" is not indexed")
	case !isSelector(c.Key.Name):
		return checked(c, wire{}, "the key's name cannot stand in an expression of the store")
	}
	switch c.Key.Type {
	case String:
		return lowerString(c)
	case Datetime:
		return lowerTime(c)
	}
	if c.Op == OpExists {
		return lowered{wire: every(c.Key)}
	}
	return lowered{wire: comparison(c.Key, c.Op, c.Value)}
}

// comparison is one clause; "ne" is two, as the store has no such operator.
func comparison(k Key, op Op, v Value) wire {
	if op == OpNe {
		return disjunction([]wire{comparison(k, OpLt, v), comparison(k, OpGt, v)})
	}
	return wire{key: k.Name, op: op, value: v}
}

// every is true of all objects that have the key.
func every(k Key) wire {
	w := wire{key: k.Name, op: OpGe, any: true}
	switch k.Type {
	case Integer:
		w.value = Value{typ: Integer, n: math.MinInt64}
		if k.Name == keySize {
			w.value.n = 0
		}
	case Decimal: // has no least value
		zero := Value{typ: Decimal, text: "0"}
		return disjunction([]wire{comparison(k, OpLt, zero), comparison(k, OpGe, zero)})
	case Datetime:
		w.value = instant(minTime)
		if !k.User() {
			w.value = instant(0)
		}
	}
	return w
}

// lowerString translates a condition on an indexed string key.
func lowerString(c Cond) lowered {
	v := c.Value.text
	switch c.Op {
	case OpExists:
		return lowered{wire: every(c.Key)}
	case OpPrefix:
		return checked(c, prefixRange(c.Key, v), "a range is sent for the prefix; the order of the store's index is not ours")
	case OpSuffix, OpContains:
		return checked(c, every(c.Key), "the store has no "+c.Op.String())
	case OpGlob:
		prefix, whole := globPrefix(v)
		if whole {
			return lowerString(Cond{c.Key, OpEq, Value{text: prefix}})
		}
		return checked(c, prefixRange(c.Key, prefix), "the store has no glob")
	}
	part := sendable(v)
	if part == v {
		return lowered{wire: comparison(c.Key, c.Op, c.Value)}
	}
	const why = "its value has both kinds of quotes, or bytes that cannot be sent"
	switch c.Op {
	case OpEq:
		return checked(c, prefixRange(c.Key, part), why)
	case OpGt, OpGe:
		return checked(c, atLeast(c.Key, part), why)
	case OpLt, OpLe:
		if next, ok := after(part); ok {
			return checked(c, wire{key: c.Key.Name, op: OpLt, value: Value{text: next}}, why)
		}
	}
	return checked(c, every(c.Key), why)
}

// atLeast is the clause k >= v.
func atLeast(k Key, v string) wire {
	if v == "" {
		return every(k)
	}
	return wire{key: k.Name, op: OpGe, value: Value{text: v}}
}

// prefixRange is true of every string that begins with v.
func prefixRange(k Key, v string) wire {
	v = sendable(v)
	low := atLeast(k, v)
	next, ok := after(v)
	if !ok {
		return low
	}
	return conjunction([]wire{low, {key: k.Name, op: OpLt, value: Value{text: next}}})
}

// sendable returns the longest part from the start of v that can stand
// quoted in an expression: UTF-8, characters that XML can carry, one kind of quotes.
func sendable(v string) string {
	quote := rune(0)
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRuneInString(v[i:])
		if r == utf8.RuneError && n == 1 || !isXML(r) {
			return v[:i]
		}
		if r == '\'' || r == '"' {
			if quote != 0 && quote != r {
				return v[:i]
			}
			quote = r
		}
		i += n
	}
	return v
}

// isXML reports whether r is a Char of XML 1.0.
func isXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}

// after returns a sendable string that is greater than every string that
// begins with v, by UTF-16 code units and by code points alike; ok is false when there is none.
// It raises the last character that has a greater one to take its place:
// U+10FFFF has none, as what follows it by code units precedes it by code
// points, and neither has U+FFFD, behind which XML has no character of the plane.
func after(v string) (next string, ok bool) {
	for v != "" {
		r, n := utf8.DecodeLastRuneInString(v)
		v = v[:len(v)-n]
		for up := r + 1; up <= min(r+3, utf8.MaxRune); up++ {
			if up == 0xd800 {
				up = 0x10000 // the next by code units; greater by code points too
			}
			if r < 0x10000 && up >= 0xfffe && r >= 0xe000 {
				break
			}
			if next = v + string(up); sendable(next) == next {
				return next, true
			}
			if up >= 0x10000 && r < 0x10000 {
				break
			}
		}
	}
	return "", false
}

// lowerTime translates a condition on an indexed time. Instants are whole
// milliseconds; the store is sent whole seconds only.
func lowerTime(c Cond) lowered {
	k, t := c.Key, c.Value.n
	at := func(op Op, ms int64) wire { return wire{key: k.Name, op: op, value: instant(ms)} }
	floor := t - mod(t, 1000)
	last := maxTime - 1000 // the last second that can be written
	exact := true
	var w wire
	switch {
	case c.Op == OpExists:
		w = every(k)
	case c.Op == OpGe && t >= maxTime: // never true
		w, exact = at(OpGt, last), k.User()
	case c.Op == OpGe && t == floor:
		w = at(OpGe, t)
	case c.Op == OpGe: // the clause is true from floor+1 ms on
		w, exact = at(OpGt, floor), k.User() || t == floor+1
	case c.Op == OpLt && t >= maxTime: // always true
		w = every(k)
	case c.Op == OpLt && t == floor:
		w = at(OpLt, t)
	case c.Op == OpLt && t == floor+1:
		w = at(OpLe, floor)
	case c.Op == OpLt && floor == last:
		w, exact = every(k), false
	case c.Op == OpLt:
		w, exact = at(OpLt, floor+1000), k.User()
	default:
		return checked(c, w, "it is not in normal form")
	}
	if exact {
		return lowered{wire: w}
	}
	return checked(c, w, "the store takes whole seconds")
}

// mod returns n modulo m, never negative.
func mod(n, m int64) int64 { return ((n % m) + m) % m }

// sendablePrefix returns the longest part from the start of a key prefix that
// is UTF-8 and so can be a query parameter.
func sendablePrefix(p string) string {
	for i, r := range p {
		if r == utf8.RuneError && !strings.HasPrefix(p[i:], "\uFFFD") {
			return p[:i]
		}
	}
	return p
}
