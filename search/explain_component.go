package search

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// ExplainComponent says how name is read below d, or why it fails: position,
// nearest valid key or value, and where it leaves objects out.
func ExplainComponent(s Schema, d Dir, name string, now time.Time, lifetime time.Duration) string {
	c, err := ParseComponent(name, s)
	if err != nil {
		return explainSyntax(name, err)
	}
	var b strings.Builder
	switch c.Kind {
	case ComponentDirective:
		explainDirective(&b, s, d, c, now, lifetime)
	case ComponentLiteral:
		what := "the name of a folder or object"
		if d.IsFlat() {
			what = "the name of a result"
		}
		fmt.Fprintf(&b, "%s is %s, no query.\n", printable(name), what)
		if why := doubt(name, s); why != nil {
			b.WriteString(explainSyntax(name, why))
		}
	case ComponentPredicate:
		fmt.Fprintf(&b, "%s is a query:\n", printable(name))
		written, _, _ := parsePredicate(name, s)
		explainTree(&b, s, written, 1)
		b.WriteString("Below it:\n")
		b.WriteString(indent(Explain(s, d.Narrow(c.Where), now, lifetime)))
	}
	return b.String()
}

// explainDirective says what a directive is, and of one that leads to results, what is below it.
func explainDirective(b *strings.Builder, s Schema, d Dir, c Component, now time.Time, lifetime time.Duration) {
	var rows []*directive
	for i := range directives {
		if row := &directives[i]; row.word == c.Directive.Word && (row.word != "explain" || (row.args != "") == (c.Directive.Rest != "")) {
			rows = append(rows, row)
		}
	}
	fmt.Fprintf(b, "%s is a %s:\n", printable(c.Raw), rows[0].kind)
	for _, row := range rows {
		fmt.Fprintf(b, "  @%s%s  %s\n", row.word, row.args, row.help)
	}
	below := ""
	if dir, ok := d.Modify(c.Directive); ok {
		below = Explain(s, dir, now, lifetime)
	} else if rows[0].kind == kindMenu {
		below = ExplainMenus(s, d)
	}
	if below != "" {
		b.WriteString("Below it:\n")
		b.WriteString(indent(below))
	}
}

// explainTree prints the conditions of e as they were read, one a line.
func explainTree(b *strings.Builder, s Schema, e Expr, level int) {
	pad := strings.Repeat("  ", level)
	list := func(word string, parts []Expr) {
		fmt.Fprintf(b, "%s%s:\n", pad, word)
		for _, x := range parts {
			explainTree(b, s, x, level+1)
		}
	}
	switch e := e.(type) {
	case Conjunction:
		list("all of", e)
	case Disjunction:
		list("any of", e)
	case Negation:
		list("the opposite of", []Expr{e.X})
	case Cond:
		fmt.Fprintf(b, "%s%s  [%s, %s, %s]\n", pad, e.words(), printable(e.Key.Name), e.Key.Type, s.told(e.Key))
	}
}

// words says a condition in words.
func (c Cond) words() string {
	key := printable(c.Key.Short())
	v := c.Value
	switch {
	case c.Op == OpExists:
		return key + " is there"
	case c.Op == OpMissing:
		return key + " is not there"
	case v.typ == String:
		return fmt.Sprintf("%s %s %s", key, c.verb(), quoteToken(v.text))
	case v.typ != Datetime || v.unit != unitNone:
		return fmt.Sprintf("%s %s %s", key, c.verb(), v)
	}
	start, end := timeText(v.n), "the end of 9999"
	if v.end < maxTime {
		end = timeText(v.end)
	}
	switch c.Op {
	case OpEq:
		return fmt.Sprintf("%s is from %s until before %s", key, start, end)
	case OpNe:
		return fmt.Sprintf("%s is before %s, or from %s on", key, start, end)
	case OpGt:
		return fmt.Sprintf("%s is from %s on", key, end)
	case OpGe:
		return fmt.Sprintf("%s is from %s on", key, start)
	case OpLt:
		return fmt.Sprintf("%s is before %s", key, start)
	}
	return fmt.Sprintf("%s is before %s", key, end)
}

// verb is how the operator is said between a key and a value.
func (c Cond) verb() string {
	if symbol := c.Op.symbol(); symbol != "" {
		return symbol
	}
	return map[Op]string{
		OpPrefix: "starts with", OpSuffix: "ends with", OpContains: "has in it", OpGlob: "matches the pattern",
	}[c.Op]
}

// explainSyntax points at the place where name fails.
func explainSyntax(name string, err error) string {
	e, ok := errors.AsType[*SyntaxError](err)
	if !ok {
		return err.Error() + "\n"
	}
	// The line is cut so that the place is on it, and is shown with every
	// character in one column.
	pos := min(max(e.Pos, 0), len(name))
	from := max(0, pos-maxShown/2)
	for from > 0 && from < len(name) && !utf8.RuneStart(name[from]) {
		from--
	}
	before, rest := printable(name[from:pos]), printable(name[pos:])
	msg := fmt.Sprintf("%s%s\n%s^\n%s\n", before, rest, strings.Repeat(" ", utf8.RuneCountInString(before)), e.Msg)
	if e.Nearest != "" && !strings.Contains(e.Msg, e.Nearest) {
		msg += fmt.Sprintf("nearest: %s\n", printable(e.Nearest))
	}
	return msg
}
