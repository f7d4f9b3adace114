package ecstest

import (
	"fmt"
	"strings"
)

// maxDepth bounds the nesting of parentheses.
const maxDepth = 100

// op is a comparison of the wire grammar.
type op uint8

const (
	opEQ op = iota
	opGE
	opLE
	opGT
	opLT
)

var opTexts = [...]string{"==", ">=", "<=", ">", "<"} // the longer ones first

// expr is a parsed expression: a *condition or a *junction.
type expr interface{ expr() }

// condition compares one key. Selector is as sent.
type condition struct {
	selector string
	op       op
	argument string
	quoted   bool
	pos      int // byte offset of the selector

	column int   // filled by bind: the key's place in the bucket's index
	value  value // filled by bind: argument as the key's datatype
}

// junction is two or more terms under one connective.
type junction struct {
	or    bool
	terms []expr
}

func (*condition) expr() {}
func (*junction) expr()  {}

// parseExpr reads the expression language of the query parameter:
//
//	query     = ws expr ws
//	expr      = term *( 1*SP ("and" / "or") 1*SP term )   ; "and" binds tighter; any case
//	term      = condition / "(" ws expr ws ")"
//	condition = selector ws oper ws argument
//	oper      = "==" / ">=" / "<=" / ">" / "<"
//	selector  = 1*( ALPHA / DIGIT / "-" / "_" / "." )
//	argument  = "'" *( any but "'" ) "'" / DQUOTE *( any but DQUOTE ) DQUOTE
//	          / 1*( any but SP, parentheses and quotes )    ; not beginning with one of =<>!
//
// There is no escape inside quotes and no other operator.
func parseExpr(text string) (expr, error) {
	p := &exprParser{text: text}
	p.blanks()
	e, err := p.disjunction(0)
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.pos < len(text) {
		return nil, p.errorf("expected \"and\", \"or\" or the end")
	}
	return e, nil
}

type exprParser struct {
	text string
	pos  int
}

func (p *exprParser) errorf(format string, args ...any) error {
	at := "at the end"
	if rest := p.text[p.pos:]; rest != "" {
		at = fmt.Sprintf("at offset %d (%q)", p.pos, rest[:min(len(rest), 20)])
	}
	return fmt.Errorf("invalid query expression %s: %s", at, fmt.Sprintf(format, args...))
}

func (p *exprParser) blanks() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

func (p *exprParser) disjunction(depth int) (expr, error) {
	return p.chain("or", func() (expr, error) {
		return p.chain("and", func() (expr, error) { return p.term(depth) })
	})
}

// chain reads next *( 1*SP word 1*SP next ).
func (p *exprParser) chain(word string, next func() (expr, error)) (expr, error) {
	first, err := next()
	if err != nil {
		return nil, err
	}
	terms := []expr{first}
	for p.connective(word) {
		t, err := next()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	if len(terms) == 1 {
		return first, nil
	}
	return &junction{or: word == "or", terms: terms}, nil
}

// connective consumes 1*SP word 1*SP, or nothing.
func (p *exprParser) connective(word string) bool {
	start := p.pos
	p.blanks()
	end := p.pos + len(word)
	if p.pos > start && end < len(p.text) && p.text[end] == ' ' && strings.EqualFold(p.text[p.pos:end], word) {
		p.pos = end
		p.blanks()
		return true
	}
	p.pos = start
	return false
}

func (p *exprParser) term(depth int) (expr, error) {
	if p.pos == len(p.text) || p.text[p.pos] != '(' {
		return p.condition()
	}
	if depth == maxDepth {
		return nil, p.errorf("more than %d nested parentheses", maxDepth)
	}
	p.pos++
	p.blanks()
	e, err := p.disjunction(depth + 1)
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.pos == len(p.text) || p.text[p.pos] != ')' {
		return nil, p.errorf("expected \")\", \"and\" or \"or\"")
	}
	p.pos++
	return e, nil
}

func (p *exprParser) condition() (expr, error) {
	c := &condition{pos: p.pos}
	c.selector = p.run(isSelectorByte)
	if c.selector == "" {
		return nil, p.errorf("expected a key or \"(\"")
	}
	p.blanks()
	known := false
	for i, t := range opTexts {
		if strings.HasPrefix(p.text[p.pos:], t) {
			c.op, known = op(i), true
			break
		}
	}
	if !known {
		return nil, p.errorf("expected one of == > < >= <=")
	}
	opPos := p.pos
	p.pos += len(opTexts[c.op])
	p.blanks()
	if p.pos < len(p.text) && strings.IndexByte("=<>!", p.text[p.pos]) >= 0 {
		p.pos = opPos
		return nil, p.errorf("unknown operator; there are == > < >= <=")
	}
	if p.pos == len(p.text) {
		return nil, p.errorf("expected an argument")
	}
	if q := p.text[p.pos]; q == '\'' || q == '"' {
		length := strings.IndexByte(p.text[p.pos+1:], q)
		if length < 0 {
			return nil, p.errorf("the quote is not closed")
		}
		c.argument, c.quoted = p.text[p.pos+1:p.pos+1+length], true
		p.pos += length + 2
		return c, nil
	}
	c.argument = p.run(isBareByte)
	if c.argument == "" {
		return nil, p.errorf("expected an argument")
	}
	return c, nil
}

func (p *exprParser) run(in func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.text) && in(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func isSelectorByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

func isBareByte(c byte) bool { return strings.IndexByte(" ()'\"", c) < 0 }
