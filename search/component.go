package search

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

// ParseComponent reads one path component against the bucket's schema. It is
// pure. An error is KindInvalid and wraps a *SyntaxError; a name that is no
// query is a literal, never an error.
func ParseComponent(name string, s Schema) (Component, error) {
	if d, ok, err := parseDirective(name, s); err != nil {
		return Component{}, &Error{Op: "parse", Bucket: s.Bucket, Key: name, Kind: KindInvalid, Err: err}
	} else if ok {
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
	c := Component{Kind: ComponentLiteral, Raw: name, Literal: percentDecode(name)}
	if why := doubt(name, s); why != nil {
		c.Doubt = why.Msg
	}
	return c, nil
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
