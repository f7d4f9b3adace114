package search

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// ExplainMenus says which keys have a menu below d. It is pure.
func ExplainMenus(s Schema, d Dir) string {
	var names []string
	for _, k := range MenuKeys(s) {
		names = append(names, printable(k.Short()))
	}
	var b strings.Builder
	table(&b, func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "bucket\t%s\n", printable(d.Bucket))
		fmt.Fprintf(w, "menus\tone a key: %s\n", strings.Join(names, ", "))
		fmt.Fprintf(w, "cost\tnothing is asked until a menu is read\n")
	})
	return b.String()
}

// ExplainMenu says how the menu of k for the results below d is made at now: by a search an item or
// by one pass, what is sent first, and what it costs. It is pure.
func ExplainMenu(s Schema, d Dir, k Key, now time.Time, lifetime time.Duration) string {
	m := &menu{listing: d.Values(k, now, lifetime)}
	l := m.least(m.starts()[0])
	how := fmt.Sprintf("by the store's order: one search for each value, at most %d, for the least behind the last", MaxMenuItems)
	cost := "one search a line, and one; to find ranges that fit, a few more"
	if !m.sorts(s) {
		l = m.all(Cond{Key: k, Op: OpExists})
		how = fmt.Sprintf("by one pass over all results, of which the least %d values are shown: the store does not sort them here", MaxMenuItems)
		cost = "the pages of all results"
	}
	var b strings.Builder
	table(&b, func(w *tabwriter.Writer) {
		fmt.Fprintf(w, "bucket\t%s\n", printable(d.Bucket))
		fmt.Fprintf(w, "menu\tthe values of %s\n", printable(k.Short()))
		p, err := NewPlan(s, l)
		if err != nil {
			e, _ := errors.AsType[*Error](err)
			fmt.Fprintf(w, "cannot\t%s\n", visible(e.Why()))
			return
		}
		fmt.Fprintf(w, "made\t%s\n", how)
		if p.Wire != "" {
			fmt.Fprintf(w, "sent first\t%s\n", visible(p.Wire))
		}
		fmt.Fprintf(w, "prefix\t%s\n", prefixText(p.Prefix))
		fmt.Fprintf(w, "cost\t%s\n", cost)
	})
	return b.String()
}
