package search

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

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
	switch {
	case result == True && l.Limit > 0:
		fmt.Fprintf(&b, "It is in this directory if it is one of the first %d.\n", l.Limit)
	case result == True:
		b.WriteString("It is in this directory.\n")
	case result == False:
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
