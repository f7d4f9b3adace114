package search

import (
	"fmt"
	"strings"
)

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
		return nil, p.unexpected("the end")
	}
	return e, nil
}

// fail makes an error at the position.
func (p *infixParser) fail(msg string) *SyntaxError {
	return &SyntaxError{Input: p.in, Pos: p.pos, Token: p.token(), Msg: msg}
}

// unexpected says that what stands at the position, behind a condition, joins nothing.
func (p *infixParser) unexpected(end string) *SyntaxError {
	token := p.token()
	err := p.fail(fmt.Sprintf("expected \"and\", \"or\" or %s, found %s", end, quoteToken(token)))
	blank := isBlank(p.in[p.pos-1])
	read := strings.TrimRight(p.in[:p.pos], " \t")
	before := read[len(read)-1]
	_, isUnit := sizeUnits[token]
	switch {
	case token == ")":
		err.Msg = "this \")\" closes nothing"
	case token == "&":
		err.Nearest, err.Msg = "and", "& is no operator: write and"
	case token == "|":
		err.Nearest, err.Msg = "or", "| is no operator: write or"
	case hasPrefixFold(token, "not"), before == ')':
	case before == '\'', before == '"':
		err.Msg += fmt.Sprintf("; a quote in a quoted value is doubled, %c%c", before, before)
	case isUnit && isDigits(string(before)):
		err.Msg += "; a number and its unit stand together"
	case blank:
		err.Msg += "; a value with blanks needs quotes"
	}
	if strings.HasPrefix(p.in[p.pos:], "&&") || strings.HasPrefix(p.in[p.pos:], "||") {
		err.Token = p.in[p.pos : p.pos+2]
	}
	return err
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
		return nil, p.unexpected("\")\"")
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
	symbolStart := p.pos - len(symbol)
	if symbol == "" {
		return nil, p.noSymbol(name, start)
	}
	key, known := p.schema.Resolve(name)
	if !known {
		return nil, p.noKey(name, symbol, start)
	}
	p.blanks()
	at := p.pos
	raw, ok := p.value()
	if !ok {
		return nil, p.noValue(at, symbol, raw, symbolStart)
	}
	o, _ := infixOf(symbol)
	c, err := NewCond(key, o.op, percentDecode(raw))
	if err != nil {
		err := placed(err, p.in, at)
		if err.Nearest == "" && strings.ContainsAny(raw, ",&|<>=") {
			err.Msg += "; conditions are joined by the word and"
		}
		return nil, err
	}
	return c, nil
}

// noKey says that name, before symbol, is no key.
func (p *infixParser) noKey(name, symbol string, start int) *SyntaxError {
	err := unknownKey(p.schema, name)
	err.Input, err.Pos = p.in, start
	other := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}[symbol]
	value, ok := p.value()
	if _, known := p.schema.Resolve(value); ok && known && isNumber(name) {
		err.Nearest = value + other + name
		err.Msg = "the key comes first: " + printable(err.Nearest)
	} else if err.Nearest == "" {
		err.Msg += fmt.Sprintf("; in the name of a file %s is written %%%X%s", symbol, symbol[0], symbol[1:])
	}
	return err
}

// noSymbol says why no comparison could be read behind the key name, which begins at start.
func (p *infixParser) noSymbol(name string, start int) *SyntaxError {
	for _, word := range []string{"and", "or", "not"} {
		if strings.EqualFold(name, word) {
			p.pos = start
			return p.fail(fmt.Sprintf("expected a condition, found %s", quoteToken(name)))
		}
	}
	err := p.fail(fmt.Sprintf("expected == != > >= < or <= after %s", quoteToken(name)))
	rest := p.in[p.pos:]
	symbol := rest[:len(rest)-len(strings.TrimLeft(rest, "=!~<>"))]
	switch {
	case rest == "":
	case symbol == "=":
		err.Nearest = "=="
		err.Msg = "a single = is no operator: equal is =="
	case otherSymbols[symbol] != "":
		err.Nearest = otherSymbols[symbol]
		err.Msg = fmt.Sprintf("%s is no operator: write %s", symbol, err.Nearest)
	case symbol != "":
		err.Msg += ", found " + quoteToken(symbol)
	case rest[0] == ',' || IsOperator(p.token()):
		err.Msg += fmt.Sprintf(", found %s; the form with commas is a directory of its own: %s,exists", quoteToken(p.token()), printable(name))
	default:
		err.Msg += ", found " + quoteToken(p.token())
	}
	return err
}

// noValue says why no value could be read at at, behind the symbol that begins at symbolStart.
func (p *infixParser) noValue(at int, symbol, raw string, symbolStart int) *SyntaxError {
	p.pos = at
	run := p.in[symbolStart:]
	run = run[:len(run)-len(strings.TrimLeft(run, "=<>!"))]
	near := symbol
	if run == "<>" {
		near = "!="
	}
	switch {
	case p.end():
		return p.fail("a value is missing after " + symbol)
	case raw == "" && (p.in[at] == '\'' || p.in[at] == '"'):
		return p.fail(fmt.Sprintf("the quote %c is not closed", p.in[at]))
	case run == "<>", len(run) > len(symbol) && (raw[0] == '=' || raw[0] == symbol[0]):
		return &SyntaxError{Input: p.in, Pos: symbolStart, Token: run, Nearest: near,
			Msg: fmt.Sprintf("%s is no operator: write %s; a value that begins with %c needs quotes", run, near, run[len(symbol)])}
	}
	return p.fail(fmt.Sprintf("expected a value after %s, found %s; a value that begins so needs quotes", symbol, quoteToken(p.token())))
}

// placed gives err, a *SyntaxError of a value, its place.
func placed(err error, input string, pos int) *SyntaxError {
	e := *err.(*SyntaxError)
	e.Input, e.Pos = input, pos
	return &e
}
