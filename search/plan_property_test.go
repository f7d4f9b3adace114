package search

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestPlannedResults: for any schema, query, order and limit, what a server gives for the plan, kept
// and arranged here, is what Evaluate and a plain sort of every object give. The server's order is undefined where
// that of a store is, it may not sort at all, and it may not know prefix or take no "and" with "or".
func TestPlannedResults(t *testing.T) {
	planned, ordered := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t)
		d := Dir{Bucket: "b", Prefix: rapid.SampledFrom([]string{"", "logs/", "é/"}).Draw(t, "prefix"), Limit: rapid.IntRange(0, 4).Draw(t, "limit")}
		d = genNarrowed(t, s, d)
		for _, name := range rapid.SampledFrom([][]string{{}, {"size"}, {"mtime"}, {"name"}, {"base"}, {"meta.color"}, {"meta.price"}, {"owner"}, {"meta.shape"}}).Draw(t, "order") {
			d.Order.Key, _ = s.Resolve(name)
			d.Order.Descending = rapid.IntRange(0, 2).Draw(t, "descending") == 0
		}
		l := d.Results(testNow, time.Minute)
		p, err := NewPlan(s, l)
		if err != nil || p.None || p.Engine != EngineSearch {
			return // those are of other tests
		}
		planned++
		if rapid.Bool().Draw(t, "no prefix") {
			p = p.Unprefixed()
		}
		if rapid.Bool().Draw(t, "unmixed") {
			p, _ = p.Unmixed()
		}
		if p.tree.clauses() > maxClauses || len(p.Wire) > maxWireLen || p.SortBy != "" && (p.Prefix != "" || p.tree.joins(true) || !slices.Contains(p.tree.keys(), p.SortBy)) {
			t.Fatalf("%s is sent as %s, with prefix %q and sorted by %q", l.ID(), p.Wire, p.Prefix, p.SortBy)
		}
		returned := func(name string) bool {
			return slices.Contains(p.Attributes, name) || slices.ContainsFunc(s.Indexed, func(k Key) bool { return k.Name == name })
		}
		var all, answer []Object
		for i := range rapid.IntRange(0, 12).Draw(t, "objects") {
			row := genRow(t)
			row["ObjectName"] += strconv.Itoa(i) // a key is one object
			full := row.object(func(string) bool { return true })
			if strings.HasPrefix(full.Key, l.Prefix) && Evaluate(l.Where, &full) == True {
				all = append(all, full)
			}
			selected, err := storeMatch(p.Wire, s, row)
			if err != nil {
				t.Fatalf("%s is sent as %s: %v", l.ID(), p.Wire, err)
			}
			if selected && strings.HasPrefix(full.Key, p.Prefix) {
				answer = append(answer, row.object(returned))
			}
		}
		answer = rapid.Permutation(answer).Draw(t, "the server's order")
		page := max(len(answer), 1)
		if p.SortBy != "" {
			ordered++
			if rapid.IntRange(0, 3).Draw(t, "it sorts") > 0 {
				slices.SortStableFunc(answer, func(a, b Object) int {
					x, y := itemOf(l.Order, a), itemOf(l.Order, b)
					return l.Order.compareValues(&x, &y)
				})
				page = rapid.IntRange(1, 5).Draw(t, "page")
			}
		}
		pages := func(yield func([]Object, error) bool) {
			for rows := range slices.Chunk(answer, page) {
				rows = slices.DeleteFunc(slices.Clone(rows), func(o Object) bool { return !p.Keep(&o) })
				if !yield(rows, nil) {
					return
				}
			}
		}
		got, err := keysOfRows(p.Arrange(pages))
		if err != nil {
			t.Fatal(err)
		}
		if l.Order.IsZero() {
			checkAny(t, all, got, l.Limit)
			return
		}
		slices.SortStableFunc(all, func(a, b Object) int { return plainOrder(l.Order, a, b) })
		want := []string{}
		for _, o := range all {
			if l.Limit == 0 || len(want) < l.Limit {
				want = append(want, o.Key)
			}
		}
		if diff := gocmp.Diff(want, append([]string{}, got...)); diff != "" {
			t.Fatalf("%s is sent as %s sorted by %q: %s", l.ID(), p.Wire, p.SortBy, diff)
		}
	})
	if planned == 0 || ordered == 0 && !testing.Short() { // few of the plans are sorted
		t.Errorf("%d planned, %d of them sorted by the server: the test does not test", planned, ordered)
	}
}

// checkAny: without order, any so many of the results are right.
func checkAny(t *rapid.T, all []Object, got []string, limit int) {
	n := len(all)
	if limit > 0 {
		n = min(n, limit)
	}
	slices.Sort(got)
	for _, key := range got {
		if !slices.ContainsFunc(all, func(o Object) bool { return o.Key == key }) {
			t.Fatalf("%q is no result", key)
		}
	}
	if len(got) != n || len(slices.Compact(got)) != n {
		t.Fatalf("%d results, want %d: %q", len(got), n, got)
	}
}

// genNarrowed draws up to two predicates and narrows d by them.
func genNarrowed(t *rapid.T, s Schema, d Dir) Dir {
	for range rapid.IntRange(0, 2).Draw(t, "components") {
		text := genAtom(t, s, false).text
		if rapid.Bool().Draw(t, "infix") {
			text = genTree(t, s, 2).text
		}
		c, err := ParseComponent(text, s)
		if err != nil || c.Kind != ComponentPredicate {
			t.Fatalf("%q: kind %d, %v", text, c.Kind, err)
		}
		d = d.Narrow(c.Where)
	}
	return d
}
