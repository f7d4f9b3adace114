package search

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"
)

// Explain says what d means at now: engine, expression to be sent, prefix,
// what is checked here and why. It is pure: nothing is sent.
func Explain(s Schema, d Dir, now time.Time, lifetime time.Duration) string {
	var b strings.Builder
	table(&b, func(w *tabwriter.Writer) { explain(w, s, d, now, lifetime) })
	return b.String()
}

func explain(w *tabwriter.Writer, s Schema, d Dir, now time.Time, lifetime time.Duration) {
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", label, fmt.Sprintf(format, args...))
	}
	if d.Bucket == "" {
		row("engine", "list of buckets")
		return
	}
	row("bucket", "%s", printable(d.Bucket))
	if d.Where == nil {
		row("engine", "listing: folders and objects, one level")
		row("prefix", "%s", prefixText(d.Prefix))
		row("cost", "one request for every 1000 entries")
		return
	}
	row("engine", "metadata search")
	l := d.Listing(now, lifetime)
	row("query", "%s", visible(d.Where.String()))
	if !bound(d.Where) {
		row("now", "%s, from which ages count", floorTime(now, lifetime).Format(time.RFC3339))
	}
	p, err := NewPlan(s, l)
	if err != nil {
		e, _ := errors.AsType[*Error](err)
		row("cannot", "%s", visible(e.Why()))
		if e.Hint != "" {
			row("try", "%s", e.Hint)
		}
		return
	}
	row("sent", "%s", visible(p.Wire))
	row("prefix", "%s", prefixText(p.Prefix))
	if len(p.Attributes) > 0 {
		row("returned", "the indexed keys, and %s", strings.Join(p.Attributes, ", "))
	}
	for _, n := range p.Notes {
		row("note", "%s", visible(n))
	}
	row("order", "as the store returns them")
	row("cost", "%s", p.cost())
}

// prefixText shows a key prefix.
func prefixText(p string) string {
	if p == "" {
		return "none: the whole bucket"
	}
	return printable(p) + "  (names are relative to it)"
}

// cost says what a search reads.
func (p *Plan) cost() string {
	if p.Check == nil {
		return "one search for every 1000 results"
	}
	return "one search for every 1000 objects that match what is sent; those that fail the check are dropped here"
}

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
		fmt.Fprintf(&b, "%s is a directive:\n", printable(name))
		for i := range directives {
			if directives[i].word == c.Directive.Word {
				fmt.Fprintf(&b, "  @%s%s  %s\n", directives[i].word, directives[i].args, directives[i].help)
			}
		}
	case ComponentLiteral:
		fmt.Fprintf(&b, "%s is the name of a folder or object, no query.\n", printable(name))
		if why := doubt(name, s); why != nil {
			b.WriteString(explainSyntax(name, why))
		}
	case ComponentPredicate:
		fmt.Fprintf(&b, "%s is a query:\n", printable(name))
		written, _, _ := parsePredicate(name, s)
		explainTree(&b, written, 1)
		b.WriteString("Below it:\n")
		b.WriteString(indent(Explain(s, d.Narrow(c.Where), now, lifetime)))
	}
	return b.String()
}

// explainTree prints the conditions of e as they were read, one a line.
func explainTree(b *strings.Builder, e Expr, level int) {
	pad := strings.Repeat("  ", level)
	list := func(word string, parts []Expr) {
		fmt.Fprintf(b, "%s%s:\n", pad, word)
		for _, x := range parts {
			explainTree(b, x, level+1)
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
		how := "checked here"
		if e.Key.Indexed {
			how = "indexed"
		}
		fmt.Fprintf(b, "%s%s  [%s, %s, %s]\n", pad, e.words(), printable(e.Key.Name), e.Key.Type, how)
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

// ExplainObject says, condition by condition, why o is or is not in d: the
// value read, and true, false, or unknown where the object's source does not
// carry the value.
func ExplainObject(s Schema, d Dir, o *Object, now time.Time, lifetime time.Duration) string {
	l := d.Listing(now, lifetime)
	var b strings.Builder
	fmt.Fprintf(&b, "object %s\n", printable(o.Key))
	below := strings.HasPrefix(o.Key, l.Prefix)
	result := Evaluate(l.Where, o)
	if !below {
		result = False
	}
	table(&b, func(w *tabwriter.Writer) {
		if l.Prefix != "" {
			fmt.Fprintf(w, "  below %s\t\t%t\n", prefixText(l.Prefix), below)
		}
		if l.Where != nil {
			explainTruth(w, l.Where, o, 1)
		}
	})
	switch result {
	case True:
		b.WriteString("It is in this directory.\n")
	case False:
		b.WriteString("It is not in this directory.\n")
	default:
		b.WriteString("What is known of it does not decide whether it is in this directory.\n")
	}
	return b.String()
}

func explainTruth(w *tabwriter.Writer, e Expr, o *Object, level int) {
	pad := strings.Repeat("  ", level)
	list := func(word string, parts []Expr) {
		fmt.Fprintf(w, "%s%s\t\t%s\n", pad, word, Evaluate(e, o))
		for _, x := range parts {
			explainTruth(w, x, o, level+1)
		}
	}
	switch x := e.(type) {
	case Conjunction:
		list("all of", x)
	case Disjunction:
		list("any of", x)
	case Negation:
		list("the opposite of", []Expr{x.X})
	case Cond:
		value := "no value"
		if v, ok := o.Value(x.Key); ok {
			value = "is " + quoteToken(v)
			if o.operand(x.Key).state == absent {
				value += ", which is not " + x.Key.Type.article()
			}
		} else if o.operand(x.Key).state == unread {
			value = "not carried by this answer"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\n", pad, x.words(), value, Evaluate(x, o))
	}
}
