package search

import "time"

// Expr is a predicate over one object's metadata: Conjunction, Disjunction,
// Negation or Cond.
// Values are immutable and safe for concurrent use. A nil Expr is true of
// every object.
type Expr interface {
	// String prints the expression as path components joined by "/". The print of a
	// normal form, parsed again component by component, gives the same expression.
	String() string
	expr()
}

// Conjunction is true of an object of which all its parts are true.
type Conjunction []Expr

// Disjunction is true of an object of which one of its parts is true; an empty one of none.
type Disjunction []Expr

// Negation turns every condition in X to its complement. It is not the set
// complement: an object without the key satisfies neither a condition on it nor
// the complement.
type Negation struct{ X Expr }

// Cond compares the value of Key with Value; OpExists and OpMissing have none.
type Cond struct {
	Key   Key
	Op    Op
	Value Value
}

func (Conjunction) expr() {}
func (Disjunction) expr() {}
func (Negation) expr()    {}
func (Cond) expr()        {}

// NewCond returns the condition "k op text", text being a value as it is typed
// (not percent-encoded). The error is a *SyntaxError.
func NewCond(k Key, op Op, text string) (Cond, error) {
	if op == OpExists || op == OpMissing {
		return Cond{Key: k, Op: op}, nil
	}
	if err := checkType(k, op); err != nil {
		return Cond{}, err
	}
	v, err := parseValue(k, op, text)
	if err != nil {
		return Cond{}, err
	}
	return Cond{k, op, v}, nil
}

// Bind replaces ages, "now", "today" and "yesterday" by what they mean at now, and
// returns the normal form.
func Bind(e Expr, now time.Time) Expr {
	if e == nil {
		return nil
	}
	return Normalize(bind(e, now))
}

func bind(e Expr, now time.Time) Expr {
	switch e := e.(type) {
	case Conjunction:
		return Conjunction(bindAll(e, now))
	case Disjunction:
		return Disjunction(bindAll(e, now))
	case Negation:
		return Negation{bind(e.X, now)}
	case Cond:
		e.Value = e.Value.bind(now)
		return e
	}
	return e
}

func bindAll(list []Expr, now time.Time) []Expr {
	out := make([]Expr, len(list))
	for i, x := range list {
		out[i] = bind(x, now)
	}
	return out
}

// conditions calls f for every condition of e.
func conditions(e Expr, f func(Cond)) {
	switch e := e.(type) {
	case Conjunction:
		for _, x := range e {
			conditions(x, f)
		}
	case Disjunction:
		for _, x := range e {
			conditions(x, f)
		}
	case Negation:
		conditions(e.X, f)
	case Cond:
		f(e)
	}
}

// bound reports whether e has no value that depends on the time of asking.
func bound(e Expr) bool {
	ok := true
	conditions(e, func(c Cond) { ok = ok && c.Value.unit == unitNone })
	return ok
}
