package search

import "strings"

// Components returns the path components that e stands for, one for each
// part of a top-level Conjunction: comma form for a single condition, else infix.
// Each is without "/" and NUL, and is never "." or "..". Parsed again against the same schema and
// narrowed by one another, those of a normal form give that normal form.
//
// A Disjunction over prefix, suffix, contains, glob, exists or missing can be built by
// a program but not be typed: its print is unique, but does not parse.
func Components(e Expr) []string {
	switch e := e.(type) {
	case nil:
		return nil
	case Conjunction:
		var out []string
		for _, x := range e {
			out = append(out, Components(x)...)
		}
		return out
	case Cond:
		return []string{e.comma()}
	}
	return []string{infixText(e)}
}

func (e Conjunction) String() string { return strings.Join(Components(e), "/") }
func (e Disjunction) String() string { return infixText(e) }
func (e Negation) String() string    { return infixText(e) }
func (e Cond) String() string        { return e.comma() }

// comma prints c as one component of the comma form.
func (c Cond) comma() string {
	op, value := c.printed()
	s := keyText(c.Key) + "," + op.String()
	if op == OpExists || op == OpMissing {
		return s
	}
	return s + "," + percentEncode(value, ",")
}

// printed returns the operator and the text of the value. The time after all
// others has no spelling of its own.
func (c Cond) printed() (Op, string) {
	if c.Key.Type == Datetime && c.Value.unit == unitNone && c.Value.n == maxTime {
		switch c.Op {
		case OpGe:
			return OpGt, "9999"
		case OpLt:
			return OpLe, "9999"
		}
	}
	return c.Op, c.Value.String()
}

// infixText prints e in the infix form, groups in parentheses.
func infixText(e Expr) string {
	switch e := e.(type) {
	case Conjunction:
		return group(e, " and ")
	case Disjunction:
		return group(e, " or ")
	case Negation:
		if c, ok := e.X.(Cond); ok {
			return "not (" + c.infix() + ")"
		}
		return "not " + infixText(e.X)
	case Cond:
		return e.infix()
	}
	return "()"
}

func group(list []Expr, joint string) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = infixText(x)
	}
	return "(" + strings.Join(parts, joint) + ")"
}

// infix prints c as a term of the infix form.
func (c Cond) infix() string {
	op, value := c.printed()
	key := keyText(c.Key)
	if op == OpExists || op == OpMissing {
		return key + " " + op.String()
	}
	if c.Key.Type == String {
		value = "'" + strings.ReplaceAll(percentEncode(value, ""), "'", "''") + "'"
	}
	if symbol := op.symbol(); symbol != "" {
		return key + symbol + value
	}
	return key + " " + op.String() + " " + value
}

// keyText prints the name of k with every byte that a key cannot have as it
// is encoded.
func keyText(k Key) string {
	return percentEncode(k.Short(), "!#$&'*+^`|~")
}
