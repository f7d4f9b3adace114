package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Explain says what d means at now: which engine answers, what is sent, what is checked here and
// why, whom the query leaves out, who sorts, and what it costs. It is pure: nothing is sent.
func Explain(s Schema, d Dir, now time.Time, lifetime time.Duration) string {
	var b strings.Builder
	table(&b, func(w *tabwriter.Writer) {
		explain(func(label, format string, args ...any) {
			fmt.Fprintf(w, "%s\t%s\n", label, fmt.Sprintf(format, args...))
		}, s, d, now, lifetime)
	})
	return b.String()
}

// rowFunc writes one row of an explanation.
type rowFunc func(label, format string, args ...any)

func explain(row rowFunc, s Schema, d Dir, now time.Time, lifetime time.Duration) {
	if d.Bucket == "" {
		row("engine", "list of buckets")
		return
	}
	row("bucket", "%s", printable(d.Bucket))
	if d.IsPlain() {
		row("engine", "listing: folders and objects, one level")
		row("prefix", "%s", prefixText(d.Prefix))
		row("cost", "one request for every 1000 entries")
		return
	}
	l := d.Listing(now, lifetime)
	p, err := NewPlan(s, l)
	row("engine", "%s", engineText(s, p, err))
	if d.Where != nil {
		row("query", "%s", visible(d.Where.String()))
	}
	if !bound(d.Where) {
		row("now", "%s, from which ages count", floorTime(now, lifetime).Format(time.RFC3339))
	}
	if err != nil {
		e, _ := errors.AsType[*Error](err)
		row("cannot", "%s", visible(e.Why()))
		if e.Hint != "" {
			row("try", "%s", e.Hint)
		}
		return
	}
	p.explain(row)
	d.explainView(row)
	row("cost", "%s", p.costText())
}

// engineText says who finds the results; err is that of the plan.
func engineText(s Schema, p Plan, err error) string {
	switch {
	case p.None && err == nil:
		return "none: no name meets the conditions on it"
	case err == nil && p.Engine == EngineSearch:
		return "metadata search"
	case err == nil && p.Check == nil:
		return "listing: every object below the folder, in whatever folder"
	case s.Engine == EngineSearch && s.Enabled:
		return "metadata search"
	case s.Enabled:
		return "scan: lists every object and checks it here, as --engine scan says"
	case s.Engine == EngineSearch:
		return "none: the bucket has no metadata search, and --engine ecs does without a scan"
	}
	return "scan: lists every object and checks it here, as the bucket has no metadata search"
}

// explain writes what is sent and what is done here.
func (p *Plan) explain(row rowFunc) {
	l := p.Listing
	switch {
	case p.None:
		row("sent", "nothing")
	case p.Engine == EngineSearch:
		row("sent", "%s", visible(p.Wire))
	case p.Prefix == "":
		row("sent", "no query: all names of the bucket are listed")
	default:
		row("sent", "no query: all names that begin with %s are listed", printable(p.Prefix))
	}
	row("prefix", "%s", prefixText(l.Prefix))
	if len(p.Attributes) > 0 {
		row("returned", "the indexed keys, and %s", strings.Join(p.Attributes, ", "))
	}
	for _, n := range p.Notes {
		row("note", "%s", visible(n))
	}
	switch {
	case p.None:
		return
	case l.Order.IsZero() && p.Engine == EngineScan:
		row("order", "by name, as the store lists them")
	case l.Order.IsZero():
		row("order", "as the store returns them")
	case p.SortBy != "":
		row("order", "%s, sorted by the store (sorted=%s); equal ones by name", orderText(l.Order), p.SortBy)
	default:
		row("order", "%s, sorted here, as %s; equal ones by name", orderText(l.Order), p.sortedHere)
	}
	if k := l.Order.Key; !l.Order.IsZero() && k.optional() && !slices.Contains(required(l.Where), k) {
		row("note", "objects without %s come last", printable(k.Short()))
	}
	switch {
	case l.Limit > 0 && l.Order.IsZero():
		row("limit", "the first %d, as the store returns them", l.Limit)
	case l.Limit > 0:
		row("limit", "the first %d in this order", l.Limit)
	}
	if l.Versions {
		row("versions", "every version of each object, by its own metadata")
	}
}

// orderText says an order in words.
func orderText(o Order) string {
	words := [...]string{"ascending", "descending"}
	switch o.Key.Type {
	case Integer, Decimal:
		words = [...]string{"the least first", "the greatest first"}
	case Datetime:
		words = [...]string{"the oldest first", "the newest first"}
	}
	word := words[0]
	if o.Descending {
		word = words[1]
	}
	return "by " + printable(o.Key.Short()) + ", " + word
}

// explainView says how the results are shown.
func (d Dir) explainView(row rowFunc) {
	switch {
	case !d.Tree:
		row("view", "flat: each result by its whole key below the folder; @tree shows folders")
	case d.Below != "":
		row("view", "tree: the results in their folders; this one is %s", printable(d.Below))
	default:
		row("view", "tree: the results in their folders")
	}
}

// prefixText shows a key prefix.
func prefixText(p string) string {
	if p == "" {
		return "none: the whole bucket"
	}
	return printable(p) + "  (names are relative to it)"
}

// costText says in words what is read.
func (p *Plan) costText() string {
	var reads string
	versions := "object"
	if p.Listing.Versions {
		versions = "version"
	}
	where := "in the bucket"
	if p.Prefix != "" {
		where = "below " + printable(p.Prefix)
	}
	scan := fmt.Sprintf("lists every %s %s: one request for every 1000, up to --max-pages", versions, where)
	switch p.Cost {
	case CostNone:
		return p.Cost.String()
	case CostSearch:
		reads = "one request for every 1000 results"
	case CostSearchChecked:
		reads = "one request for every 1000 objects that match what is sent; those that fail the check are dropped here"
	case CostSearchSorted:
		reads = "one request for every 1000 objects that match what is sent, all before the first result is shown"
	case CostList:
		reads = "one request for every 1000 results"
	case CostScan:
		reads = scan
	case CostScanSorted:
		reads = scan + "; all before the first result is shown"
	case CostScanHeads:
		reads = scan + fmt.Sprintf("; and one more for each %s that its row in the listing does not decide", versions)
		if !p.Listing.Order.IsZero() {
			reads += "; all before the first result is shown"
		}
	}
	if p.Listing.Limit > 0 && p.sortedHere == "" {
		reads += fmt.Sprintf("; it ends when the first %d are found", p.Listing.Limit)
	}
	return p.Cost.String() + ": " + reads
}
