package search

import (
	"fmt"
	"strconv"
	"time"
)

// Predicate is a condition on objects as a program states it, before it is
// known which keys a bucket has: by And, Or, Not, Eq and their like, or by
// Text. Applied to the schema of a bucket it returns the expression in normal
// form. The error is a *Error of KindInvalid that wraps a *SyntaxError: a key
// that the bucket does not know, a value that is none of the key's datatype, an
// operator that does not work on it.
//
// Key names are taken in any of their spellings: "size", "Size", "color",
// "meta.color", "x-amz-meta-color". A Predicate is immutable and safe for
// concurrent use.
type Predicate func(s Schema) (Expr, error)

// Literal is a value to compare with. Strings are taken for what they say in
// the form that paths have ("100M", "7d" of a key of the fitting datatype),
// and of a string key for their very bytes: nothing has to be quoted.
type Literal interface {
	string | int | int32 | int64 | uint32 | float64 | time.Time
}

// literalText returns v in the form that paths have.
func literalText(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999Z07:00")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// Eq holds for objects whose key has the value; a time, for those within it.
func Eq[V Literal](key string, value V) Predicate { return predicateOn(key, OpEq, value) }

// Ne holds for objects that have the key, with another value.
func Ne[V Literal](key string, value V) Predicate { return predicateOn(key, OpNe, value) }

// Gt holds for objects whose value is greater; a time, after its end.
func Gt[V Literal](key string, value V) Predicate { return predicateOn(key, OpGt, value) }

// Ge holds for objects whose value is greater or equal.
func Ge[V Literal](key string, value V) Predicate { return predicateOn(key, OpGe, value) }

// Lt holds for objects whose value is less.
func Lt[V Literal](key string, value V) Predicate { return predicateOn(key, OpLt, value) }

// Le holds for objects whose value is less or equal.
func Le[V Literal](key string, value V) Predicate { return predicateOn(key, OpLe, value) }

// HasPrefix holds for objects whose value, a string, starts with prefix.
func HasPrefix(key, prefix string) Predicate { return predicateOn(key, OpPrefix, prefix) }

// HasSuffix holds for objects whose value, a string, ends with suffix.
func HasSuffix(key, suffix string) Predicate { return predicateOn(key, OpSuffix, suffix) }

// Contains holds for objects whose value, a string, has part in it.
func Contains(key, part string) Predicate { return predicateOn(key, OpContains, part) }

// Glob holds for objects whose value, a string, matches a shell pattern of * ? and [set].
func Glob(key, pattern string) Predicate { return predicateOn(key, OpGlob, pattern) }

// Exists holds for objects that have the key.
func Exists(key string) Predicate { return predicateOn(key, OpExists, "") }

// Missing holds for objects that do not have the key.
func Missing(key string) Predicate { return predicateOn(key, OpMissing, "") }

// In holds for objects whose key has one of the values; without any, for none.
func In[V Literal](key string, values ...V) Predicate {
	parts := make([]Predicate, len(values))
	for i, v := range values {
		parts[i] = Eq(key, v)
	}
	return Or(parts...)
}

func predicateOn[V Literal](key string, op Op, value V) Predicate {
	text := literalText(value)
	return func(s Schema) (Expr, error) {
		k, known := s.Resolve(key)
		if !known {
			return nil, predicateError(s, unknownKey(s, key))
		}
		c, err := NewCond(k, op, text)
		if err != nil {
			return nil, predicateError(s, err)
		}
		return Normalize(c), nil
	}
}

// And holds for objects for which all of parts hold; without any, for all.
func And(parts ...Predicate) Predicate {
	return joined(parts, func(list []Expr) Expr { return Conjunction(list) })
}

// Or holds for objects for which one of parts holds; without any, for none.
func Or(parts ...Predicate) Predicate {
	return joined(parts, func(list []Expr) Expr { return Disjunction(list) })
}

// Not turns every condition in p to its opposite. It is not the set complement: an
// object without the key satisfies neither.
func Not(p Predicate) Predicate {
	return joined([]Predicate{p}, func(list []Expr) Expr { return Negation{list[0]} })
}

func joined(parts []Predicate, join func([]Expr) Expr) Predicate {
	return func(s Schema) (Expr, error) {
		list := make([]Expr, len(parts))
		for i, p := range parts {
			var err error
			if list[i], err = p(s); err != nil {
				return nil, err
			}
		}
		e := Normalize(join(list))
		if err := checkBounds(e); err != nil {
			return nil, predicateError(s, err)
		}
		return e, nil
	}
}

// Text reads a predicate in either form of a path component: infix,
// "size > 100 and (color == 'red' or color == 'blue')", with or without parentheses
// around the whole, or comma, "size,gt,100". As in a path, "%" begins an encoded
// byte, and the quote that encloses a value is doubled within it; a value from
// elsewhere is better given by Eq and its like, which need no quoting.
func Text(text string) Predicate {
	return func(s Schema) (Expr, error) {
		e, err := parseText(text, s)
		if err == nil {
			e = Normalize(e)
			if err = checkBounds(e); err != nil {
				err.Input = text
			}
		}
		if err != nil {
			return nil, predicateError(s, err)
		}
		return e, nil
	}
}

func parseText(text string, s Schema) (Expr, *SyntaxError) {
	if f, ok := splitComma(text); ok {
		if o, ok := operatorOf(f.op); ok {
			key, known := s.Resolve(percentDecode(f.key))
			if !known {
				return nil, unknownKey(s, percentDecode(f.key))
			}
			return parseComma(text, f, key, o)
		}
	}
	return parseInfix(text, s)
}

func predicateError(s Schema, err error) error {
	return &Error{Op: "parse", Bucket: s.Bucket, Kind: KindInvalid, Err: err}
}
