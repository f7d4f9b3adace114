package ecs_test

import (
	"crypto/md5"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// The words of random data and of random predicates on it: few, so that they meet.
var (
	drawnKeys    = []string{"a", "a/1", "a/2", "a/b/3", "A/1", "b", "b c/+", "b c/%41", "é/\u0301", "'\"", "zz/"}
	drawnStrings = []string{"", "a", "A", "ab", "it's", `"q"`, `'"`, "é", "ｚ", "😀", "a,b", "%41", "a and b", "x-amz-meta-color", "=="}
	drawnNumbers = []string{"0", "-1", "1", "7", "007", "9223372036854775807", "1.5", "1.50", "-0.25", "junk"}
	drawnTimes   = []string{"2026-05-01T00:00:00Z", "2026-05-01T00:00:01Z", "1999-12-31T23:59:59Z", "2026", "junk"}
	drawnWords   = map[string][]string{"color": drawnStrings, "n": drawnNumbers, "ratio": drawnNumbers, "when": drawnTimes, "note": drawnStrings}
)

// drawnVersion is a version of an object as the test put it.
type drawnVersion struct {
	search.Object
	current, null bool
}

// drawBucket puts random objects into a bucket, some of them again and again
// under versions, and returns every version that is left.
func drawBucket(rt *rapid.T, srv *ecstest.Server) []*drawnVersion {
	index := []string{"Size", "x-amz-meta-Color;string", "x-amz-meta-n;integer", "x-amz-meta-ratio;decimal", "x-amz-meta-when;datetime"}
	for _, name := range []string{"ObjectName", "LastModified"} {
		if rapid.Bool().Draw(rt, "index "+name) {
			index = append(index, name)
		}
	}
	if err := srv.CreateBucket("b", index...); err != nil {
		rt.Fatal(err)
	}
	var all []*drawnVersion
	enabled := false
	remove := func(key string, which func(*drawnVersion) bool) {
		all = slices.DeleteFunc(all, func(v *drawnVersion) bool { return v.Key == key && which(v) })
	}
	for range rapid.IntRange(0, 30).Draw(rt, "changes") {
		key := rapid.SampledFrom(drawnKeys).Draw(rt, "key")
		step := rapid.IntRange(0, 15).Draw(rt, "step")
		if step == 0 {
			enabled = !enabled
			if err := srv.SetVersioning("b", enabled); err != nil {
				rt.Fatal(err)
			}
			continue
		}
		if !enabled {
			remove(key, func(v *drawnVersion) bool { return v.null })
		}
		for _, v := range all {
			v.current = v.current && v.Key != key
		}
		if step == 1 {
			if err := srv.DeleteObject("b", key); err != nil {
				rt.Fatal(err)
			}
			continue
		}
		data := make([]byte, rapid.IntRange(0, 3).Draw(rt, "size"))
		meta := make(map[string]string)
		for _, name := range []string{"color", "n", "ratio", "when", "note"} {
			if rapid.IntRange(0, 3).Draw(rt, "has "+name) > 0 {
				meta[name] = rapid.SampledFrom(drawnWords[name]).Draw(rt, name)
			}
		}
		at := time.Date(2026, 5, 1, 0, 0, rapid.IntRange(0, 2).Draw(rt, "second"), rapid.SampledFrom([]int{0, 1, 999}).Draw(rt, "ms")*1e6, time.UTC)
		if err := srv.PutObject("b", key, data, ecstest.PutOptions{Metadata: maps.Clone(meta), ContentType: "text/plain", LastModified: at}); err != nil {
			rt.Fatal(err)
		}
		user := make(map[string]string)
		for name, value := range meta {
			user[search.MetaPrefix+name] = value
		}
		all = append(all, &drawnVersion{current: true, null: !enabled, Object: search.Object{Key: key, Size: int64(len(data)), ModTime: at,
			ETag: fmt.Sprintf("%x", md5.Sum(data)), ContentType: "text/plain", Metadata: search.NewMetadata(user)}})
	}
	return all
}

// drawPredicate draws a condition of at most depth levels.
func drawPredicate(rt *rapid.T, depth int) search.Predicate {
	kind := rapid.IntRange(0, 8).Draw(rt, "kind")
	if depth == 0 {
		kind = max(kind, 4)
	}
	parts := func(least, most int) (list []search.Predicate) {
		for range rapid.IntRange(least, most).Draw(rt, "parts") {
			list = append(list, drawPredicate(rt, depth-1))
		}
		return list
	}
	switch kind {
	case 0:
		return search.And(parts(0, 3)...)
	case 1:
		return search.Or(parts(0, 3)...)
	case 2:
		return search.Not(drawPredicate(rt, depth-1))
	case 3:
		return search.And(append(parts(1, 2), search.Ge("Size", 0))...)
	}
	key := rapid.SampledFrom([]string{"Size", "LastModified", "ObjectName", "base", "ContentType", "color", "n", "ratio", "when", "meta.note"}).Draw(rt, "on")
	if rapid.IntRange(0, 9).Draw(rt, "unary") == 0 {
		return []func(string) search.Predicate{search.Exists, search.Missing}[rapid.IntRange(0, 1).Draw(rt, "which")](key)
	}
	words := drawnStrings
	number := []func(string, string) search.Predicate{search.Eq[string], search.Ne[string], search.Gt[string], search.Ge[string], search.Lt[string], search.Le[string]}
	ops := append(slices.Clone(number), search.HasPrefix, search.HasSuffix, search.Contains, search.Glob)
	switch key {
	case "Size", "n":
		words, ops = []string{"-1", "0", "1", "2", "7", "9223372036854775807"}, number
	case "ratio":
		words, ops = []string{"0", "1.5", "-0.25", "7", "100"}, number
	case "when", "LastModified":
		words, ops = []string{"2026-05-01T00:00:00Z", "2026-05-01T00:00:01Z", "2026-05", "1999"}, number
	case "ObjectName", "base":
		words = drawnKeys
	}
	if wide := rapid.IntRange(0, 20).Draw(rt, "wide"); wide == 0 { // more clauses than are sent
		var list []search.Predicate
		for i := range 70 {
			list = append(list, search.Eq("color", fmt.Sprintf("c%d", i)), search.Eq(key, rapid.SampledFrom(words).Draw(rt, "value")))
		}
		return search.Or(list[:min(len(list), 100)]...)
	}
	return ops[rapid.IntRange(0, len(ops)-1).Draw(rt, "op")](key, rapid.SampledFrom(words).Draw(rt, "value"))
}

// isNothing reports whether no object satisfies e, whatever it has.
func isNothing(e search.Expr) bool {
	or, ok := e.(search.Disjunction)
	return ok && len(or) == 0
}

// drawServer draws a server, and what a client's user may set.
func drawServer(rt *rapid.T) (func(*ecstest.Server), func(*ecs.Config)) {
	flag := func(name string) bool { return rapid.Bool().Draw(rt, name) }
	knobs := func(s *ecstest.Server) {
		s.Generation = rapid.SampledFrom(ecstest.Generations()).Draw(rt, "generation")
		s.EndMarker = rapid.SampledFrom([]ecstest.EndMarker{ecstest.EndOfGeneration, ecstest.EndAbsent, ecstest.EndNoMorePages, ecstest.EndNull, ecstest.EndEmpty}).Draw(rt, "end")
		s.PageSize, s.Seed = rapid.SampledFrom([]int{1, 2, 7, 1000}).Draw(rt, "page"), rapid.Int64Range(1, 100).Draw(rt, "seed")
		s.MarkFullPage, s.ZeroMaxKeys, s.OmitNoMatches = flag("full page"), flag("zero max-keys"), flag("omit no matches")
		s.CapitalDatatypes, s.NoSearchAttributes = flag("capital datatypes"), flag("no attributes")
	}
	return knobs, func(c *ecs.Config) { c.PageSize = rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "max-keys") }
}

// TestSearchOnRandomServers searches random versions on random servers, and
// holds what is found against search.Evaluate on every version.
func TestSearchOnRandomServers(t *testing.T) {
	answered, found := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		knobs, change := drawServer(rt)
		srv := startServer(rt, knobs)
		versions := drawBucket(rt, srv)
		b := newClient(rt, srv.URL, change).Bucket("b")
		schema, err := b.Keys(rt.Context())
		if err != nil {
			rt.Fatal(err)
		}
		for range 8 {
			p, older := drawPredicate(rt, 3), rapid.Bool().Draw(rt, "older")
			prefix := rapid.SampledFrom([]string{"", "", "a", "a/", "b c/", "é", "none"}).Draw(rt, "prefix")
			options := []ecs.SearchOption{ecs.WithPrefix(prefix)}
			if older {
				options = append(options, ecs.WithOlderVersions())
			}
			where, err := p(schema)
			if err != nil {
				continue // more than an expression may have
			}
			var want, got []string
			for _, v := range versions {
				if (older || v.current) && strings.HasPrefix(v.Key, prefix) && search.Evaluate(where, &v.Object) == search.True {
					want = append(want, fmt.Sprintf("%s %s %d", v.Key, v.ETag, v.Size))
				}
			}
			refused := false
			for o, err := range b.SearchFor(rt.Context(), p, options...) {
				switch kind := search.KindOf(err); {
				case err == nil:
					got = append(got, fmt.Sprintf("%s %s %d", o.Key, o.ETag, o.Size))
				case kind == search.KindUnsupported && where != nil && !isNothing(where):
					refused = true
				default:
					rt.Fatalf("%v, prefix %q, older %t on %s: %v", where, prefix, older, srv.Generation, err)
				}
			}
			if refused {
				if len(got) > 0 {
					rt.Fatalf("%v: %q, and refused", where, got)
				}
				continue
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				rt.Fatalf("%v, prefix %q, older %t on %s:\n got %q\nwant %q", where, prefix, older, srv.Generation, got, want)
			}
			answered++
			found += len(got)
		}
	})
	t.Logf("%d searches found %d objects", answered, found)
	if !testing.Short() && !t.Failed() && (answered < 200 || found < 200) {
		t.Errorf("%d searches found %d objects: too few to tell anything", answered, found)
	}
}
