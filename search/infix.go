package search

import "fmt"

// Bounds of one component, as typed and in normal form, so that the print of
// what was read can be read again. A component of a mount has at most 255 bytes; a program may
// give more, at a cost in proportion to the length.
const (
	maxDepth      = 64   // groups within one another
	maxConditions = 1024 // conditions
)

// checkBounds refuses a normal form that is beyond the bounds.
func checkBounds(e Expr) *SyntaxError {
	n := 0
	conditions(e, func(Cond) { n++ })
	if n > maxConditions {
		return &SyntaxError{Msg: fmt.Sprintf("more than %d conditions", maxConditions)}
	}
	if depth(e) > maxDepth {
		return &SyntaxError{Msg: fmt.Sprintf("more than %d groups within one another", maxDepth)}
	}
	return nil
}

// depth counts the groups of e within one another.
func depth(e Expr) int {
	deepest := 0
	switch e := e.(type) {
	case Conjunction:
		for _, x := range e {
			deepest = max(deepest, 1+depth(x))
		}
	case Disjunction:
		for _, x := range e {
			deepest = max(deepest, 1+depth(x))
		}
	case Negation:
		return depth(e.X)
	}
	return deepest
}

// infixParser reads the infix form by recursive descent.
type infixParser struct {
	scanner
	schema Schema
	depth  int
	conds  int
}

// parseInfix reads a whole component.
func parseInfix(name string, schema Schema) (Expr, *SyntaxError) {
	p := &infixParser{scanner: scanner{in: name}, schema: schema}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.blanks(); !p.end() {
		return nil, p.fail(fmt.Sprintf("expected \"and\", \"or\" or the end, found %s; a value with blanks needs quotes", quoteToken(p.token())))
	}
	return e, nil
}

// fail makes an error at the position.
func (p *infixParser) fail(msg string) *SyntaxError {
	return &SyntaxError{Input: p.in, Pos: p.pos, Token: p.token(), Msg: msg}
}

func (p *infixParser) or() (Expr, *SyntaxError) {
	return p.list("or", p.and, func(l []Expr) Expr { return Disjunction(l) })
}

func (p *infixParser) and() (Expr, *SyntaxError) {
	return p.list("and", p.not, func(l []Expr) Expr { return Conjunction(l) })
}

// list reads part { word part }.
func (p *infixParser) list(word string, part func() (Expr, *SyntaxError), join func([]Expr) Expr) (Expr, *SyntaxError) {
	var parts []Expr
	for {
		x, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
		if !p.word(word) {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return join(parts), nil
}

func (p *infixParser) not() (Expr, *SyntaxError) {
	if p.word("not") {
		x, err := p.operand()
		if err != nil {
			return nil, err
		}
		return Negation{x}, nil
	}
	return p.operand()
}

// operand reads "(" expr ")" or key symbol value.
func (p *infixParser) operand() (Expr, *SyntaxError) {
	if !p.byte('(') {
		return p.condition()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(fmt.Sprintf("more than %d parentheses within one another", maxDepth))
	}
	x, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.byte(')') {
		if p.end() {
			return nil, p.fail("a \")\" is missing")
		}
		return nil, p.fail(fmt.Sprintf("expected \"and\", \"or\" or \")\", found %s", quoteToken(p.token())))
	}
	p.depth--
	return x, nil
}

func (p *infixParser) condition() (Expr, *SyntaxError) {
	if p.conds++; p.conds > maxConditions {
		return nil, p.fail(fmt.Sprintf("more than %d conditions", maxConditions))
	}
	p.blanks()
	start := p.pos
	n := keyLen(p.in[start:])
	if n == 0 {
		if p.end() {
			return nil, p.fail("the expression ends where a key is expected")
		}
		return nil, p.fail(fmt.Sprintf("expected a key, found %s", quoteToken(p.token())))
	}
	name := percentDecode(p.in[start : start+n])
	p.pos += n
	symbol := p.symbol()
	if symbol == "" {
		return nil, p.noSymbol(name)
	}
	key, known := p.schema.Resolve(name)
	if !known {
		err := unknownKey(p.schema, name)
		err.Input, err.Pos = p.in, start
		return nil, err
	}
	p.blanks()
	at := p.pos
	raw, ok := p.value()
	if !ok {
		return nil, p.noValue(at, symbol, raw)
	}
	o, _ := infixOf(symbol)
	c, err := NewCond(key, o.op, percentDecode(raw))
	if err != nil {
		return nil, placed(err, p.in, at)
	}
	return c, nil
}

// noSymbol says why no comparison could be read behind the key name.
func (p *infixParser) noSymbol(name string) *SyntaxError {
	err := p.fail(fmt.Sprintf("expected == != > >= < or <= after %s", quoteToken(name)))
	rest := p.in[p.pos:]
	switch {
	case rest == "":
	case rest[0] != '=':
		err.Msg += ", found " + quoteToken(p.token())
	case len(rest) > 1 && (rest[1] == '<' || rest[1] == '>'):
		err.Nearest = rest[1:2] + "="
		err.Msg = fmt.Sprintf("=%c is no operator: write %s", rest[1], err.Nearest)
	default:
		err.Nearest = "=="
		err.Msg = "a single = is no operator: equal is =="
	}
	return err
}

// noValue says why no value could be read at at.
func (p *infixParser) noValue(at int, symbol, raw string) *SyntaxError {
	p.pos = at
	switch {
	case p.end():
		return p.fail("a value is missing after " + symbol)
	case raw == "" && (p.in[at] == '\'' || p.in[at] == '"'):
		return p.fail(fmt.Sprintf("the quote %c is not closed", p.in[at]))
	case symbol == "<" && raw != "" && raw[0] == '>':
		err := p.fail("<> is no operator: not equal is !=")
		err.Nearest = "!="
		return err
	}
	return p.fail(fmt.Sprintf("expected a value after %s, found %s; a value that begins so needs quotes", symbol, quoteToken(p.token())))
}

// placed gives err, a *SyntaxError of a value, its place.
func placed(err error, input string, pos int) *SyntaxError {
	e := *err.(*SyntaxError)
	e.Input, e.Pos = input, pos
	return &e
}
