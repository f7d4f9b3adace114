package search

import (
	"strings"
	"time"
)

// ComponentKind says how one component of a path is read.
type ComponentKind uint8

// The kinds of component, in the order they are tried.
const (
	ComponentLiteral   ComponentKind = iota // a folder, an object, or nothing known
	ComponentDirective                      // @word[,arg...]
	ComponentPredicate                      // comma or infix form
)

// Component is one parsed component of a path.
type Component struct {
	Kind ComponentKind
	Raw  string // as typed

	Literal   string    // ComponentLiteral: %XX decoded
	Directive Directive // ComponentDirective
	Where     Expr      // ComponentPredicate: in normal form, not bound

	// Doubt, of a literal, says why a name that looks like a query was not read
	// as one, with the nearest known key; empty when it does not look like one.
	Doubt string
}

// Directive is "@word,arg,...": Word without the "@", arguments decoded.
// Rest is everything after the first comma, undecoded ("@explain,REST", "@meta,NAME").
type Directive struct {
	Word string
	Args []string
	Rest string
}

// Dir is what a path below the mountpoint means: the objects of Bucket below
// Prefix that satisfy Where. The zero Dir is the root, which lists buckets.
type Dir struct {
	Bucket string
	Prefix string // "" or ends in "/"
	Where  Expr   // nil: a plain folder; else in normal form, not bound
}

// ParseComponent reads one path component against the bucket's schema. It is
// pure. An error is KindInvalid and wraps a *SyntaxError; a name that is no
// query is a literal, never an error.
func ParseComponent(name string, s Schema) (Component, error) {
	if d, ok := parseDirective(name); ok {
		return Component{Kind: ComponentDirective, Raw: name, Directive: d}, nil
	}
	where, isQuery, err := parsePredicate(name, s)
	if isQuery && err == nil {
		where = Normalize(where)
		if err = checkBounds(where); err != nil {
			err.Input = name
		}
	}
	switch {
	case err != nil:
		return Component{}, &Error{Op: "parse", Bucket: s.Bucket, Key: name, Kind: KindInvalid, Err: err}
	case isQuery:
		return Component{Kind: ComponentPredicate, Raw: name, Where: where}, nil
	}
	return Component{Kind: ComponentLiteral, Raw: name, Literal: percentDecode(name), Doubt: doubt(name, s)}, nil
}

func parseDirective(name string) (Directive, bool) {
	rest, ok := strings.CutPrefix(name, "@")
	if !ok {
		return Directive{}, false
	}
	word, rest, args := strings.Cut(rest, ",")
	if !IsDirective(word) {
		return Directive{}, false
	}
	d := Directive{Word: word, Rest: rest}
	if args {
		for arg := range strings.SplitSeq(rest, ",") {
			d.Args = append(d.Args, percentDecode(arg))
		}
	}
	return d, true
}

// parsePredicate reads name as typed, not in normal form. isQuery is false
// when it is a literal.
func parsePredicate(name string, s Schema) (e Expr, isQuery bool, err *SyntaxError) {
	if f, ok := splitComma(name); ok {
		o, ok := operatorOf(f.op)
		if !ok {
			return nil, false, nil
		}
		key, known := s.Resolve(percentDecode(f.key))
		if !known {
			return nil, false, nil
		}
		e, err = parseComma(name, f, key, o)
		return e, true, err
	}
	if !looksInfix(name) {
		return nil, false, nil
	}
	e, err = parseInfix(name, s)
	return e, true, err
}

// SyntaxError says where a component went wrong.
type SyntaxError struct {
	Input   string
	Pos     int    // byte offset in Input
	Token   string // what stands there; empty at the end
	Msg     string // what is wrong, in words
	Nearest string // the nearest valid thing; empty when there is none
}

func (e *SyntaxError) Error() string { return e.Msg }

// Narrow returns d with one more predicate.
func (d Dir) Narrow(where Expr) Dir {
	d.Where = Normalize(Conjunction{d.Where, where})
	return d
}

// Listing returns the listing that d stands for at now. Ages are taken from now floored to
// lifetime (to the second when lifetime is below one), so that equal paths opened within it share one.
func (d Dir) Listing(now time.Time, lifetime time.Duration) Listing {
	return Listing{Bucket: d.Bucket, Prefix: d.Prefix, Where: Bind(d.Where, floorTime(now, lifetime))}
}

// floorTime floors now to whole lifetimes since 1970, in whole seconds.
func floorTime(now time.Time, lifetime time.Duration) time.Time {
	step := max(int64(lifetime/time.Second), 1)
	sec := now.Unix()
	return time.Unix(sec-((sec%step)+step)%step, 0).UTC()
}
