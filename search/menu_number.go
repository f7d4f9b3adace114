package search

import (
	"math"
	"math/big"
	"strings"
)

// numberCells has half-open ranges. On level 0 they are decades: 1..10, 10..100; of object sizes in
// units, 100..1k, 1k..10k, where 1k is 1024. On each further level they share one more leading
// digit. Integers end in the single value 200..201, decimals in the value itself. Below zero they
// are the mirror image: -10..-1.
type numberCells struct{ key Key }

const (
	// integerLevels suffices to tell any two integers of 64 bits apart.
	integerLevels = 21
	// Decimals have decades of 1e-30 to 1e30, what is beyond being one cell on either end, and
	// 30 leading digits before the value itself.
	decimalLevels = 32
	maxExponent   = 30
	maxDecimal    = 80 // bytes of a decimal that can be a cell of its own
)

func (n numberCells) levels() int {
	if n.key.Type == Integer {
		return integerLevels
	}
	return decimalLevels
}

func (n numberCells) cell(level int, v Value) cell {
	x, _ := new(big.Rat).SetString(v.String())
	if n.key.Type == Integer {
		if x.Sign() >= 0 {
			return n.between(n.integer(level, x))
		}
		// -10..-1 holds -10, as 1..10 holds 1: of -v-1 the range is the mirror image.
		x.Neg(x).Sub(x, big.NewRat(1, 1))
		return n.between(mirrored(n.integer(level, x)))
	}
	if text := ratText(x); x.Sign() == 0 || level == decimalLevels-1 && len(text) <= maxDecimal {
		v := Value{typ: Decimal, text: text}
		return cell{MenuItem{Label: text, Components: []string{Cond{n.key, OpEq, v}.comma()}}, Cond{n.key, OpGt, v}}
	}
	if x.Sign() > 0 {
		return n.between(n.decimal(level, x, false))
	}
	return n.between(mirrored(n.decimal(level, x.Neg(x), true)))
}

// edge is an end of a range; empty: it is open.
type edge string

func mirrored(low, high edge) (edge, edge) { return high.mirror(), low.mirror() }

func (e edge) mirror() edge {
	if e == "" || e == "0" {
		return e
	}
	return "-" + e
}

// between returns the cell of low <= v < high. A decimal zero is no part of it.
func (n numberCells) between(low, high edge) cell {
	c := cell{MenuItem: MenuItem{Label: string(low + ".." + high)}}
	add := func(op Op, e edge) {
		c.Components = append(c.Components, keyText(n.key)+","+op.String()+","+string(e))
	}
	switch {
	case low == "0" && n.key.Type == Decimal:
		add(OpGt, low)
	case low != "":
		add(OpGe, low)
	}
	if high != "" {
		add(OpLt, high)
		c.behind, _ = NewCond(n.key, OpGe, string(high)) // it is a number
	}
	return c
}

// integer returns the range that x, at least 0, lies in; open above where no integer of 64 bits is so large.
func (n numberCells) integer(level int, x *big.Rat) (low, high edge) {
	l, h := n.wholes(level, x)
	if h.rat().Cmp(new(big.Rat).SetInt64(math.MaxInt64)) > 0 {
		return l.edge(), ""
	}
	return l.edge(), h.edge()
}

func (n numberCells) wholes(level int, x *big.Rat) (low, high multiple) {
	one := big.NewRat(1, 1)
	if x.Sign() == 0 {
		return single(x)
	}
	unit := 0 // as a power of 1024
	if n.key.Name == keySize {
		for unit+1 < len(units) && x.Cmp(unitOf(unit+1)) >= 0 {
			unit++
		}
	}
	exponent := digitsOf(new(big.Rat).Quo(x, unitOf(unit))) - 1
	top := multiple{big.NewInt(1), exponent + 1, unit}
	if n.key.Name == keySize && exponent >= 2 && unit+1 < len(units) {
		exponent, top = 2, multiple{big.NewInt(1), 0, unit + 1}
	}
	if level == 0 {
		return multiple{big.NewInt(1), exponent, unit}, top
	}
	step := multiple{big.NewInt(1), exponent - level + 1, unit}
	if step.rat().Cmp(one) < 0 {
		return single(x)
	}
	// Edges are rounded down to whole numbers, as values are when they are typed.
	count := new(big.Rat).Quo(new(big.Rat).Add(x, one), step.rat())
	low = step.times(below(count))
	high = step.times(new(big.Int).Add(low.count, big.NewInt(1)))
	if high.rat().Cmp(top.rat()) > 0 {
		high = top
	}
	return low, high
}

// single returns the ends of the range that holds the whole number x alone.
func single(x *big.Rat) (low, high multiple) {
	return multiple{x.Num(), 0, 0}, multiple{new(big.Int).Add(x.Num(), big.NewInt(1)), 0, 0}
}

// decimal returns the range that x, above 0, lies in; with closedAbove, the one that
// x lies in or ends.
func (n numberCells) decimal(level int, x *big.Rat, closedAbove bool) (low, high edge) {
	floor := func(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }
	if closedAbove {
		floor = below
	}
	exponent := -maxExponent - 1
	for exponent < maxExponent && floor(new(big.Rat).Quo(x, multiple{big.NewInt(1), exponent + 1, 0}.rat())).Sign() > 0 {
		exponent++
	}
	bottom, top := multiple{big.NewInt(1), exponent, 0}, multiple{big.NewInt(1), exponent + 1, 0}
	switch {
	case exponent == maxExponent:
		return bottom.edge(), ""
	case exponent < -maxExponent:
		return "0", top.edge()
	case level == 0:
		return bottom.edge(), top.edge()
	}
	step := multiple{big.NewInt(1), exponent - min(level, maxExponent) + 1, 0}
	l := step.times(floor(new(big.Rat).Quo(x, step.rat())))
	h := step.times(new(big.Int).Add(l.count, big.NewInt(1)))
	return l.edge(), h.edge()
}

// units are the suffixes of sizes, of powers of 1024.
var units = [...]string{"", "k", "M", "G", "T", "P"}

func unitOf(power int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(10*power)))
}

// multiple is count * 10^exponent * 1024^unit.
type multiple struct {
	count          *big.Int
	exponent, unit int
}

func (m multiple) times(count *big.Int) multiple {
	m.count = new(big.Int).Mul(m.count, count)
	return m
}

// scaled is m without its unit.
func (m multiple) scaled() *big.Rat {
	r := new(big.Rat).SetInt(m.count)
	if m.exponent >= 0 {
		return r.Mul(r, new(big.Rat).SetInt(pow10(m.exponent)))
	}
	return r.Quo(r, new(big.Rat).SetInt(pow10(-m.exponent)))
}

func (m multiple) rat() *big.Rat { return new(big.Rat).Mul(m.scaled(), unitOf(m.unit)) }

func (m multiple) edge() edge { return edge(ratText(m.scaled()) + units[m.unit]) }

// below returns the greatest whole number below r.
func below(r *big.Rat) *big.Int {
	up := new(big.Int).Add(r.Num(), r.Denom())
	up.Sub(up, big.NewInt(1)).Div(up, r.Denom()) // rounded up
	return up.Sub(up, big.NewInt(1))
}

// digitsOf returns how many digits the whole part of r has.
func digitsOf(r *big.Rat) int { return len(new(big.Int).Div(r.Num(), r.Denom()).String()) }

// ratText prints a number that has finitely many decimals.
func ratText(r *big.Rat) string {
	n, _ := r.FloatPrec()
	text := r.FloatString(n)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// named returns the range or decimal that a label stands for.
func (n numberCells) named(label string) (_ MenuItem, ok bool) {
	low, high, isRange := strings.Cut(label, "..")
	if !isRange {
		text, bad := parseDecimal(label)
		v := Value{typ: Decimal, text: text}
		return MenuItem{Label: label, Components: []string{Cond{n.key, OpEq, v}.comma()}}, bad == nil && text == label && n.key.Type == Decimal
	}
	for _, end := range []string{low, high} {
		if _, err := parseValue(n.key, OpGe, end); err != nil && end != "" {
			return MenuItem{}, false
		}
	}
	return n.between(edge(low), edge(high)).MenuItem, label != ".."
}
