package search

import "time"

// Expr is a predicate over one object's metadata: And, Or, Not or Cond.
// Values are immutable and safe for concurrent use.
type Expr interface {
	// String prints the expression. The print of a normal form, parsed again
	// component by component, gives the same expression.
	String() string
	expr()
}

// Normalize returns the normal form: flattened, without Not, conditions
// canonical, ordered and without duplicates.
func Normalize(e Expr) Expr { panic("not written yet") }

// Bind replaces ages by the instants they mean at now.
func Bind(e Expr, now time.Time) Expr { panic("not written yet") }

// Truth is the outcome of a predicate on an object.
type Truth uint8

// The outcomes. Unknown: the object is Partial and lacks what would decide.
const (
	False Truth = iota
	True
	Unknown
)

// Evaluate tells whether o satisfies e, which must be bound. A key that the
// object does not have, or whose value is not of the key's datatype, satisfies
// no condition on it. A nil e is True.
func Evaluate(e Expr, o *Object) Truth { panic("not written yet") }
