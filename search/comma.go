package search

import (
	"fmt"
	"strings"
)

// commaForm is a component split as key,op,arg...: raw texts and the offset
// of the third.
type commaForm struct {
	key, op string
	rest    string // after the second comma, undecoded
	args    bool   // there is a second comma
	opAt    int    // where op begins
	restAt  int
}

// splitComma splits name; ok is false when no key and comma begin it.
func splitComma(name string) (f commaForm, ok bool) {
	n := keyLen(name)
	if n == 0 || n == len(name) || name[n] != ',' {
		return commaForm{}, false
	}
	f.key, f.opAt = name[:n], n+1
	f.op, f.rest, f.args = strings.Cut(name[n+1:], ",")
	f.restAt = f.opAt + len(f.op) + 1
	return f, true
}

// parseComma reads the arguments of a known key and operator.
func parseComma(name string, f commaForm, key Key, o *operator) (Expr, *SyntaxError) {
	fail := func(pos int, token, msg string) *SyntaxError {
		return &SyntaxError{Input: name, Pos: pos, Token: token, Msg: msg}
	}
	if !o.types[key.Type] {
		err := o.refuse(key)
		err.Input, err.Pos = name, f.opAt
		return nil, err
	}
	switch {
	case o.args == 0 && f.args:
		return nil, fail(f.restAt-1, ","+f.rest, fmt.Sprintf("%s takes no value: %s,%s", o.word, printable(f.key), o.word))
	case o.args == 0:
		return Cond{Key: key, Op: o.op}, nil
	case !f.args:
		return nil, fail(len(name), "", fmt.Sprintf("%s takes a value: %s", o.word, o.try))
	case o.args == 1 && strings.IndexByte(f.rest, ',') >= 0:
		at := f.restAt + strings.IndexByte(f.rest, ',')
		return nil, fail(at, name[at:], o.word+" takes one value; a comma in it is written %2C, and a list is asked for with in")
	case o.args == 1:
		c, err := NewCond(key, o.op, percentDecode(f.rest))
		if err != nil {
			return nil, placed(err, name, f.restAt)
		}
		return c, nil
	}
	var parts Disjunction
	at := f.restAt
	for arg := range strings.SplitSeq(f.rest, ",") {
		if len(parts) == maxConditions {
			return nil, fail(at, arg, fmt.Sprintf("more than %d values", maxConditions))
		}
		x, err := parseItem(name, key, arg, at)
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
		at += len(arg) + 1
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return parts, nil
}

// parseItem reads one value or range of a list.
func parseItem(name string, key Key, arg string, at int) (Expr, *SyntaxError) {
	low, high, isRange := strings.Cut(arg, "..")
	if !isRange {
		c, err := NewCond(key, OpEq, percentDecode(arg))
		if err != nil {
			return nil, placed(err, name, at)
		}
		return c, nil
	}
	highAt := at + len(low) + len("..")
	fail := func(pos int, msg string) (Expr, *SyntaxError) {
		return nil, &SyntaxError{Input: name, Pos: pos, Token: arg, Msg: msg}
	}
	if low == "" && high == "" {
		return fail(at, "a range needs an end: a..b, a.. or ..b; to ask that the key is there: "+key.Short()+",exists")
	}
	if strings.Contains(high, "..") {
		return fail(highAt, "a range has two ends; dots in a value are written %2E")
	}
	var parts Conjunction
	for _, end := range []struct {
		op   Op
		text string
		at   int
	}{{OpGe, low, at}, {OpLe, high, highAt}} {
		if end.text == "" {
			continue
		}
		c, err := NewCond(key, end.op, percentDecode(end.text))
		if err != nil {
			return nil, placed(err, name, end.at)
		}
		parts = append(parts, c)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	if a, b := parts[0].(Cond).Value, parts[1].(Cond).Value; reversed(a, b) {
		return fail(at, fmt.Sprintf("the range %s is empty: it goes from the lower to the higher, %s..%s%s", quoteToken(arg), printable(high), printable(low), ageAdvice(a, b)))
	}
	return parts, nil
}
