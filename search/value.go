package search

import (
	"fmt"
	"strconv"
	"time"
)

// Value is what a condition compares with, of the datatype of the condition's
// key. Values are comparable with ==, and immutable.
type Value struct {
	typ  Datatype
	text string // String: the bytes; Decimal: canonical, as decimalText writes it

	// n is an Integer; of a Datetime the first millisecond since 1970 UTC.
	n int64
	// end of a Datetime is the first millisecond after it: times are half-open
	// intervals, at least one millisecond long. 0 while not bound.
	end int64
	// unit says that a Datetime depends on the time of asking: n then counts
	// these units back from it.
	unit ageUnit
}

// ageUnit is the unit of a time relative to the time of asking.
type ageUnit uint8

const (
	unitNone   ageUnit = iota // not relative
	unitMinute                // weeks, days and hours too: all are of fixed length in UTC
	unitMonth                 // calendar months; years too
	unitDay                   // the whole UTC day: 0 today, 1 yesterday
)

// String returns the canonical text of v, not encoded.
func (v Value) String() string {
	switch {
	case v.typ == Integer:
		return strconv.FormatInt(v.n, 10)
	case v.typ != Datetime:
		return v.text
	case v.unit != unitNone:
		return v.ageText()
	}
	return timeText(v.n)
}

// parseValue reads the typed text of a value for a condition on k. The error
// is a *SyntaxError without a position.
func parseValue(k Key, op Op, text string) (Value, error) {
	switch k.Type {
	case Integer:
		n, why := parseInteger(text)
		if why != nil {
			return Value{}, why.on(k)
		}
		return Value{typ: Integer, n: n}, nil
	case Decimal:
		d, why := parseDecimal(text)
		if why != nil {
			return Value{}, why.on(k)
		}
		return Value{typ: Decimal, text: d}, nil
	case Datetime:
		v, why := parseTime(text)
		if why != nil {
			return Value{}, why.on(k)
		}
		return v, nil
	}
	if op == OpGlob {
		if err := checkGlob(text); err != nil {
			return Value{}, &SyntaxError{Token: text, Msg: err.Error()}
		}
	}
	return Value{typ: String, text: text}, nil
}

// checkType refuses an operator that does not work on the key's datatype.
func checkType(k Key, op Op) error {
	for i := range operators {
		if o := &operators[i]; o.op == op && !o.types[k.Type] {
			return o.refuse(k)
		} else if o.op == op {
			return nil
		}
	}
	return nil
}

// refuse says that o does not work on k.
func (o *operator) refuse(k Key) *SyntaxError {
	e := &SyntaxError{
		Token: o.word,
		Msg:   fmt.Sprintf("%s works on %s, and %s is %s", o.word, o.only, k.Short(), k.Type.article()),
	}
	if near := nearestOperator(o.word, k); near != "" {
		e.Nearest = near
		e.Msg += "; did you mean " + near + "?"
	} else {
		e.Msg += ", which is compared by eq ne gt ge lt le in"
	}
	return e
}

// article returns "an integer", "a time".
func (d Datatype) article() string {
	return [...]string{"a string", "an integer", "a decimal", "a time"}[d]
}

// badValue says why a text is no value of a datatype.
type badValue struct {
	text    string
	why     string // follows "'text' "
	try     string // a value that would do; empty: none
	nearest string // what was probably meant; empty: not known
}

// on makes b the error of a condition on k.
func (b *badValue) on(k Key) *SyntaxError {
	msg := fmt.Sprintf("%s is %s: %s %s", k.Short(), k.Type.article(), quoteToken(b.text), b.why)
	if b.text == "" {
		msg = fmt.Sprintf("%s is %s: a value is missing", k.Short(), k.Type.article())
	}
	if b.try != "" {
		msg += " (try " + b.try + ")"
	}
	return &SyntaxError{Token: b.text, Msg: msg, Nearest: b.nearest}
}

// compareValues orders two bound values of one datatype.
func compareValues(a, b Value) int {
	switch a.typ {
	case Integer, Datetime:
		switch {
		case a.n < b.n:
			return -1
		case a.n > b.n:
			return 1
		}
		return 0
	case Decimal:
		return compareDecimals(a.text, b.text)
	}
	return compareUTF16(a.text, b.text)
}

// bind returns v with its unit resolved at now.
func (v Value) bind(now time.Time) Value {
	if v.unit == unitNone {
		return v
	}
	now = now.UTC()
	var start, end time.Time
	switch v.unit {
	case unitMinute:
		start = now.Add(-time.Duration(v.n) * time.Minute)
	case unitMonth:
		start = monthsBefore(now, v.n)
	case unitDay:
		start = time.Date(now.Year(), now.Month(), now.Day()-int(v.n), 0, 0, 0, 0, time.UTC)
		end = start.AddDate(0, 0, 1)
	}
	out := Value{typ: Datetime, n: start.UnixMilli()}
	out.end = out.n + 1
	if !end.IsZero() {
		out.end = end.UnixMilli()
	}
	return out
}

// ageText writes a relative time in its largest fitting unit.
func (v Value) ageText() string {
	if v.unit == unitDay {
		return [...]string{"today", "yesterday"}[v.n]
	}
	if v.n == 0 {
		return "now"
	}
	for _, u := range ageUnits {
		if u.unit == v.unit && v.n%u.count == 0 {
			return strconv.FormatInt(v.n/u.count, 10) + u.suffix
		}
	}
	return "" // not reached: each kind has a unit of count 1
}
