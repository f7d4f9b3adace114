package ecstest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestShuffledNames: the order is total, differs between seeds, and keeps the
// names of every prefix together, between the prefix's two pivots.
func TestShuffledNames(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Int64Range(1, 3).Draw(rt, "seed")
		name := rapid.StringOfN(rapid.RuneFrom([]rune("ab/é\x00")), 0, 5, -1)
		keys := rapid.SliceOfNDistinct(name, 2, 20, rapid.ID[string]).Draw(rt, "names")
		compare := func(a, b *object) int { return compareShuffled(seed, a, b) }
		var pivots []*object
		for _, k := range keys {
			pivots = append(pivots, &object{key: k, edge: -1}, &object{key: k}, &object{key: k, edge: +1})
		}
		slices.SortFunc(pivots, compare)
		for i, a := range pivots {
			for j, b := range pivots {
				if got := compare(a, b); got != cmp.Compare(i, j) {
					rt.Fatalf("%q %d and %q %d compare to %d, in places %d and %d", a.key, a.edge, b.key, b.edge, got, i, j)
				}
			}
			inside := 0 // 1 between a's pivots
			for _, b := range pivots {
				if b.key == a.key && b.edge == -1 {
					inside = 1
				}
				if want := strings.HasPrefix(b.key, a.key); want != (inside == 1) {
					rt.Fatalf("%q among the names that start with %q: %v", b.key, a.key, !want)
				}
				if b.key == a.key && b.edge == +1 {
					inside = 0
				}
			}
		}
	})
	order := func(seed int64) string {
		var all []*object
		for i := range 10 {
			all = append(all, &object{key: fmt.Sprintf("k%d", i)})
		}
		slices.SortFunc(all, func(a, b *object) int { return compareShuffled(seed, a, b) })
		var names []string
		for _, o := range all {
			names = append(names, o.key)
		}
		return strings.Join(names, " ")
	}
	if order(1) == order(2) || order(1) == "k0 k1 k2 k3 k4 k5 k6 k7 k8 k9" {
		t.Errorf("seed 1: %s, seed 2: %s", order(1), order(2))
	}
}

// TestPageLooksAtItsOwnRows: what a page reads follows the page, not the
// objects that match or are below a common prefix.
func TestPageLooksAtItsOwnRows(t *testing.T) {
	s, _ := directServer(t)
	numbered(t, s, "b", 0)
	for i := range 5000 {
		ok(t, s.PutObject("b", fmt.Sprintf("dir%02d/%04d", i%50, i), nil, PutOptions{Metadata: map[string]string{"n": fmt.Sprint(i)}}))
	}
	si := s.data().buckets["b"].search
	for _, tc := range []struct {
		expression, prefix, delimiter string
		limit, rows, most             int
	}{
		{"x-amz-meta-n>=0", "", "/", 50, 50, 50},
		{"x-amz-meta-n>=0", "dir07/", "/", 10, 10, 11},
		{"x-amz-meta-n>=0", "dir07/", "", 10, 10, 11},
		{"x-amz-meta-n>=1000 and x-amz-meta-n<1020", "", "", 10, 10, 11},
		{"x-amz-meta-n>=1000 and x-amz-meta-n<1020", "", "/", 1000, 20, 2*20 + 1000 + 20},
		{"x-amz-meta-n<20 or x-amz-meta-n>=4990", "", "", 10, 10, 2*30 + 10 + 30},
	} {
		e, err := parseExpr(tc.expression)
		ok(t, err)
		q := &search{sorted: noColumn, prefix: tc.prefix, delimiter: tc.delimiter, seed: 1, limit: tc.limit}
		var bindErr *apiError
		if q.predicate, bindErr = si.bind(s.Generation.traits(), e); bindErr != nil {
			t.Fatal(bindErr)
		}
		if tc.prefix+tc.delimiter == "" && !q.predicate.hasOr {
			q.sorted = q.predicate.conditions[0].column
		}
		p := si.page(q)
		if len(p.rows) != tc.rows || p.looked > tc.most {
			t.Errorf("%s %s %s: %d rows, %d objects looked at; want %d and at most %d", tc.expression, tc.prefix, tc.delimiter,
				len(p.rows), p.looked, tc.rows, tc.most)
		}
	}
}
