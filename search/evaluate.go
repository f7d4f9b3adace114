package search

import (
	"strconv"
	"strings"
	"time"
)

// Truth is the outcome of a predicate on an object.
type Truth uint8

// The outcomes. Unknown: the object is Partial and lacks what would decide.
const (
	False Truth = iota
	True
	Unknown
)

// String returns "true", "false" or "unknown".
func (t Truth) String() string { return [...]string{"false", "true", "unknown"}[t] }

// Evaluate tells whether o satisfies e, which must be bound (else it panics). A key that the
// object does not have, or whose value is not of the key's datatype, satisfies
// no condition on it but "missing". A nil e is True. Unknown follows Kleene's logic: a part that
// is Unknown decides nothing.
func Evaluate(e Expr, o *Object) Truth {
	return evaluate(e, o, false)
}

// evaluate evaluates e, or its complement.
func evaluate(e Expr, o *Object, complement bool) Truth {
	switch e := e.(type) {
	case nil:
		return truth(!complement)
	case Negation:
		return evaluate(e.X, o, !complement)
	case Conjunction:
		return evaluateAll(e, o, complement, !complement)
	case Disjunction:
		return evaluateAll(e, o, complement, complement)
	case Cond:
		return evaluateCond(e, o, complement)
	}
	return False
}

func evaluateAll(list []Expr, o *Object, complement, conjunction bool) Truth {
	decides, result := True, False
	if conjunction {
		decides, result = False, True
	}
	for _, x := range list {
		switch evaluate(x, o, complement) {
		case decides:
			return decides
		case Unknown:
			result = Unknown
		}
	}
	return result
}

// operand is the value that an object has for a key.
type operand struct {
	state operandState
	value Value
	// slack is how much later than value the true time may be, in
	// milliseconds: the source of the object rounds down.
	slack int64
}

type operandState uint8

const (
	absent  operandState = iota // the object has no such value
	present                     // value is it
	unread                      // the object's source does not tell
)

func evaluateCond(c Cond, o *Object, complement bool) Truth {
	if c.Value.unit != unitNone {
		panic("search: Evaluate of an expression that is not bound")
	}
	v := o.operand(c.Key)
	if v.state == unread {
		return Unknown
	}
	if c.Op == OpExists || c.Op == OpMissing {
		return truth((v.state == present) == ((c.Op == OpExists) != complement))
	}
	if v.state == absent {
		return False
	}
	result := compare(c, v.value)
	if v.slack > 0 {
		late := v.value
		late.n += v.slack
		if compare(c, late) != result || c.Op == OpEq || c.Op == OpNe {
			// An interval can begin and end within the slack.
			result = compareSlack(c, v.value.n, late.n)
		}
	}
	if complement && result != Unknown {
		return truth(result == False)
	}
	return result
}

// compareSlack compares a time that lies from..to, both included.
func compareSlack(c Cond, from, to int64) Truth {
	if c.Op != OpEq && c.Op != OpNe {
		return Unknown
	}
	switch {
	case from >= c.Value.n && to < c.Value.end:
		return truth(c.Op == OpEq)
	case to < c.Value.n || from >= c.Value.end:
		return truth(c.Op == OpNe)
	}
	return Unknown
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// compare tells whether v, of the datatype of c.Key, satisfies c.
func compare(c Cond, v Value) Truth {
	switch c.Op {
	case OpPrefix:
		return truth(strings.HasPrefix(v.text, c.Value.text))
	case OpSuffix:
		return truth(strings.HasSuffix(v.text, c.Value.text))
	case OpContains:
		return truth(strings.Contains(v.text, c.Value.text))
	case OpGlob:
		return truth(matchGlob(c.Value.text, v.text))
	}
	order := 0 // of v to the value; 0: equal, for times within the interval
	if c.Key.Type == Datetime {
		switch {
		case v.n < c.Value.n:
			order = -1
		case v.n >= c.Value.end:
			order = 1
		}
	} else {
		order = compareValues(v, c.Value)
	}
	switch c.Op {
	case OpEq:
		return truth(order == 0)
	case OpNe:
		return truth(order != 0)
	case OpGt:
		return truth(order > 0)
	case OpGe:
		return truth(order >= 0)
	case OpLt:
		return truth(order < 0)
	case OpLe:
		return truth(order <= 0)
	}
	return False
}

// operand reads the value of k, typed.
func (o *Object) operand(k Key) operand {
	switch k.Name {
	case keySize:
		return operand{state: present, value: Value{typ: Integer, n: o.Size}}
	case keyLastModified:
		if o.ModTime.IsZero() {
			return operand{state: o.lacking(k)}
		}
		v := operand{state: present, value: instant(o.ModTime.UnixMilli())}
		if o.Partial != FromQuery && v.value.n%1000 == 0 {
			v.slack = 999
		}
		return v
	}
	text, ok := o.text(k)
	if !ok {
		return operand{state: o.lacking(k)}
	}
	v, ok := storedValue(k, text)
	if !ok {
		return operand{state: absent}
	}
	return operand{state: present, value: v}
}

// lacking is the state of a key without a value: absent, or not told by the
// object's source.
func (o *Object) lacking(k Key) operandState {
	switch {
	case o.Partial == FromQuery, k.Name == keyEtag:
		return absent
	case o.Partial == FromHead && (k.User() || k.Name == keyContentType):
		return absent
	}
	return unread
}

// storedValue reads the stored text of a value; ok is false when it is not of
// the key's datatype, so that the store's index has not got it either.
func storedValue(k Key, text string) (v Value, ok bool) {
	v.typ = k.Type
	switch k.Type {
	case Integer:
		v.n, ok = storedInteger(text)
	case Decimal:
		_, _, _, ok = splitDecimal(text)
		v.text = text
	case Datetime:
		if k.User() {
			v.n, ok = storedTime(text)
		} else {
			v.n, ok = storedSystemTime(text)
		}
		v.end = v.n + 1
	default:
		v.text, ok = text, true
	}
	return v, ok
}

// text returns the value of k as the store gave it.
func (o *Object) text(k Key) (string, bool) {
	s := ""
	switch k.Name {
	case keySize:
		return strconv.FormatInt(o.Size, 10), true
	case keyLastModified:
		if o.ModTime.IsZero() {
			return "", false
		}
		return o.ModTime.UTC().Format("2006-01-02T15:04:05.000Z"), true
	case keyObjectName:
		return o.Key, true
	case keyBase:
		return o.Key[strings.LastIndexByte(o.Key, '/')+1:], true
	case keyEtag:
		s = o.ETag
	case keyContentType:
		s = o.ContentType
	}
	if s != "" {
		return s, true
	}
	return o.Metadata.Get(k.Name)
}

// Value returns the value of k that conditions compare, as text: a system
// time as RFC 3339 in UTC with milliseconds, anything else as stored. ok is
// false when the object has none, or its source does not carry it.
func (o *Object) Value(k Key) (text string, ok bool) {
	text, ok = o.text(k)
	if ok && k.Type == Datetime && !k.User() {
		if ms, valid := storedSystemTime(text); valid {
			text = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	return text, ok
}
