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
		err := fail(f.restAt-1, ","+f.rest, fmt.Sprintf("%s takes no value: %s,%s", o.word, printable(f.key), o.word))
		err.Nearest = f.key + "," + o.word
		return nil, err
	case o.args == 0:
		return Cond{Key: key, Op: o.op}, nil
	case !f.args:
		return nil, fail(len(name), "", fmt.Sprintf("%s takes a value: %s", o.word, o.sample(f.key, key.Type)))
	case o.args == 1 && strings.IndexByte(f.rest, ',') >= 0:
		return nil, tooMany(name, f, key, o)
	case o.args == 1:
		c, err := NewCond(key, o.op, percentDecode(f.rest))
		if err != nil {
			err := placed(err, name, f.restAt)
			if meant := f.key + ",in," + f.rest; o.op == OpEq && strings.Contains(f.rest, "..") && isRange(meant, f, key) {
				err.Msg, err.Nearest = "a range is asked for with in: "+printable(meant), meant
			}
			return nil, err
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

// isRange reports whether the arguments of f are a list of values and ranges.
func isRange(name string, f commaForm, key Key) bool {
	in, _ := operatorOf("in")
	_, err := parseComma(name, f, key, in)
	return err == nil
}

// tooMany says that an operator of one value has more.
func tooMany(name string, f commaForm, key Key, o *operator) *SyntaxError {
	at := f.restAt + strings.IndexByte(f.rest, ',')
	err := &SyntaxError{Input: name, Pos: at, Token: name[at:],
		Msg: o.word + " takes one value; a comma in it is written %2C, and a list is asked for with in"}
	number := numberMeant(f.rest)
	switch {
	case (key.Type == Integer || key.Type == Decimal) && isNumber(number):
		err.Nearest = f.key + "," + o.word + "," + number
		err.Msg = "a number has no commas: " + printable(err.Nearest)
	case o.op == OpEq && isRange(name, f, key):
		err.Nearest = f.key + ",in," + f.rest
		err.Msg = fmt.Sprintf("eq takes one value; any of several is %s; a comma in a value is written %%2C", printable(err.Nearest))
	}
	return err
}

func isNumber(text string) bool {
	_, _, bad := readNumber(text, "")
	return bad == nil
}

// sample returns a condition to show the operator by, on the key typed, of datatype t.
func (o *operator) sample(typed string, t Datatype) string {
	if strings.HasPrefix(o.try, typed+",") {
		return o.try
	}
	value := [...]string{"text", "100", "1.5", "2024-05"}[t]
	switch {
	case o.op == opIn:
		value = [...]string{"a,b", "1..10", "0.5..1.5", "2024-01..2024-06"}[t]
	case o.op == OpGlob:
		value = "a*"
	case o.only == "times":
		value = "7d"
	}
	return printable(typed) + "," + o.word + "," + value
}

// parseItem reads one value or range of a list.
func parseItem(name string, key Key, arg string, at int) (Expr, *SyntaxError) {
	low, high, isRange := strings.Cut(arg, "..")
	if !isRange {
		c, err := NewCond(key, OpEq, percentDecode(arg))
		if err != nil {
			err := placed(err, name, at)
			if low, high, ok := strings.Cut(arg, "-"); ok && isNumber(low) && isNumber(high) && key.Type != Datetime {
				err.Nearest = low + ".." + high
				err.Msg = "a range is written with two dots: " + printable(err.Nearest)
			}
			return nil, err
		}
		return c, nil
	}
	highAt := at + len(low) + len("..")
	fail := func(pos int, msg, nearest string) (Expr, *SyntaxError) {
		return nil, &SyntaxError{Input: name, Pos: pos, Token: arg, Msg: msg, Nearest: nearest}
	}
	if low == "" && high == "" {
		return fail(at, "a range needs an end: a..b, a.. or ..b; to ask that the key is there: "+key.Short()+",exists", key.Short()+",exists")
	}
	if more := strings.TrimLeft(high, "."); more != high && !strings.Contains(more, "..") {
		return fail(at, "a range is written with two dots: "+printable(low+".."+more), low+".."+more)
	}
	if strings.Contains(high, "..") {
		return fail(highAt, "a range has two ends; dots in a value are written %2E", "")
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
		return fail(at, fmt.Sprintf("the range %s is empty: it goes from the lower to the higher, %s..%s%s", quoteToken(arg), printable(high), printable(low), ageAdvice(a, b)), high+".."+low)
	}
	return parts, nil
}
