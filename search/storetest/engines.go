package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

const (
	// listingsPerSet listings are compared on each random data set.
	listingsPerSet = 10
	// enoughEngines listings answered by both engines, of those of 100 sets, for the run to count.
	enoughEngines = 400
)

// OpenEngines loads a fixture into one store and returns two Stores of it: one whose queries are
// answered by metadata search, and one that scans, with Schema.ScanMetadata.
type OpenEngines func(t TB, f Fixture) (index, scan search.Store)

// Engines holds both engines against search.Evaluate on every version of every object, with random
// predicates, orders, limits and versions on random data: ten listings on each of 100 data sets. The
// objects are read by HEAD first. Where an engine cannot answer, it must say so as search.NewPlan does.
func Engines(t *testing.T, open OpenEngines) { EnginesWith(t, open, Options{}) }

// EnginesWith is Engines for a store with limits.
func EnginesWith(t *testing.T, open OpenEngines, o Options) {
	var both, refused, found atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		f := versionedFixture(rt, o)
		index, scan := open(rt, f)
		h := learnHistory(rt, index, f.Buckets[0], o)
		scanned, err := scan.Schema(rt.Context(), h.schema.Bucket)
		if err != nil || scanned.Engine != search.EngineScan || !scanned.ScanMetadata {
			rt.Fatalf("the scanning store's schema is %+v, %v", scanned, err)
		}
		for range listingsPerSet {
			l := h.listing(rt)
			answers := 0
			for _, s := range []struct {
				store  search.Store
				schema search.Schema
			}{{index, h.schema}, {scan, scanned}} {
				got, err := collect(rt, s.store.Query(rt.Context(), l))
				if _, planErr := search.NewPlan(s.schema, l); planErr != nil {
					wantKind(rt, "a listing that cannot be planned: "+l.ID(), err, search.KindOf(planErr))
					refused.Add(1)
					continue
				}
				if err != nil {
					rt.Fatalf("%s: %v", h.describe(s.schema, l), err)
				}
				h.check(rt, s.schema, l, got)
				found.Add(int64(len(got)))
				answers++
			}
			if answers == 2 {
				both.Add(1)
			}
		}
	})
	t.Logf("%d listings answered by both engines, %d answers refused, %d objects", both.Load(), refused.Load(), found.Load())
	if !testing.Short() && !t.Failed() && both.Load() < enoughEngines {
		t.Errorf("only %d listings were answered by both engines", both.Load())
	}
}

// versionedFixture draws a bucket that may keep versions now and then.
func versionedFixture(rt *rapid.T, o Options) Fixture {
	f := randomFixture(rt)
	b := &f.Buckets[0]
	if kept := rapid.IntRange(0, 2).Draw(rt, "versions"); kept > 0 {
		var changes []Object
		times := make(map[string]bool)
		keep := kept == 2
		for _, obj := range b.Objects {
			for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(rt, "puts") {
				if rapid.IntRange(0, 9).Draw(rt, "switch") == 0 {
					keep = !keep
				}
				obj.Kept = keep
				obj.Data = slices.Clone(append(obj.Data, 'x'))
				obj.Metadata = maps.Clone(obj.Metadata)
				obj.Metadata["n"] = rapid.SampledFrom(randomIntegers).Draw(rt, "n")
				// No two versions of a key have one time: it tells which is which, and the newer.
				for times[obj.Key+obj.LastModified.String()] {
					obj.LastModified = obj.LastModified.Add(-time.Second)
				}
				times[obj.Key+obj.LastModified.String()] = true
				obj.Deleted = rapid.IntRange(0, 7).Draw(rt, "delete") == 0
				changes = append(changes, obj)
			}
		}
		b.Objects = rapid.Permutation(changes).Draw(rt, "changes")
	}
	if o.WholeSeconds {
		for i := range b.Objects {
			b.Objects[i].LastModified = b.Objects[i].LastModified.Truncate(time.Second)
		}
	}
	return f
}

// history is every version of every object of a bucket.
type history struct {
	truth
	current []bool // of the truth's objects: by whether they are current
}

// version is one that is to be there.
type version struct {
	Object
	current, null bool
}

// versionsOf plays the changes of a bucket, as S3 documents them: while versions are kept, each put and
// delete makes one; else it takes the place of the null version.
func versionsOf(changes []Object) []version {
	var all []version
	for _, c := range changes {
		all = slices.DeleteFunc(all, func(v version) bool { return v.Key == c.Key && v.null && !c.Kept })
		for i := range all {
			all[i].current = all[i].current && all[i].Key != c.Key
		}
		if !c.Deleted {
			all = append(all, version{Object: c, current: true, null: !c.Kept})
		}
	}
	return all
}

// learnHistory asks for the ids, owners and times that the store gave to the versions of b, which must
// index Size, and reads each version by HEAD.
func learnHistory(t TB, s search.Store, b Bucket, o Options) history {
	t.Helper()
	schema, err := s.Schema(t.Context(), b.Name)
	if err != nil {
		t.Fatalf("Schema(%s): %v", b.Name, err)
	}
	h := history{truth: truth{schema: schema, Options: o}}
	everything := search.Conjunction{condition(t, schema, "Size", search.OpGe, "0"),
		condition(t, schema, "Owner", search.OpExists, ""), condition(t, schema, "CreateTime", search.OpExists, "")}
	name := func(key string, at time.Time) string { return key + "\x00" + at.UTC().Format(time.RFC3339Nano) }
	rows := make(map[string]search.Object)
	l := search.Listing{Bucket: b.Name, Where: search.Normalize(everything), Versions: true}
	for _, o := range mustCollect(t, s.Query(t.Context(), l)) {
		if _, twice := rows[name(o.Key, o.ModTime)]; twice {
			t.Fatalf("version %q of %q was yielded twice", o.VersionID, o.Key)
		}
		rows[name(o.Key, o.ModTime)] = o
	}
	want := versionsOf(b.Objects)
	if len(rows) != len(want) {
		t.Fatalf("a query for everything yields %d versions, there are %d", len(rows), len(want))
	}
	for _, v := range want {
		row, ok := rows[name(v.Key, v.LastModified)]
		if !ok {
			t.Fatalf("a query for everything lacks the version of %q of %v", v.Key, v.LastModified)
		}
		// What a HEAD of the version says is what was put, so that this is the truth.
		head, err := s.Stat(t.Context(), search.Ref{Bucket: b.Name, Key: v.Key, VersionID: row.VersionID, ETag: row.ETag})
		if err != nil {
			t.Fatalf("version %q of %q: %v", row.VersionID, v.Key, err)
		}
		meta := make(map[string]string)
		for name, value := range v.Metadata {
			meta[search.MetaPrefix+name] = value
		}
		if d := diff(search.NewMetadata(meta), head.Metadata); d != "" || head.Size != int64(len(v.Data)) || head.ContentType != v.ContentType {
			t.Fatalf("version %q of %q, of %d bytes, is %+v (-want +got):\n%s", row.VersionID, v.Key, len(v.Data), head, d)
		}
		for _, name := range []string{"Owner", "CreateTime"} {
			meta[name], _ = row.Metadata.Get(name)
		}
		h.objects = append(h.objects, search.Object{Key: v.Key, Size: head.Size, ModTime: v.LastModified.UTC(), ETag: head.ETag,
			VersionID: row.VersionID, ContentType: head.ContentType, Metadata: search.NewMetadata(meta)})
		h.current = append(h.current, v.current)
	}
	return h
}

// listing draws one.
func (h *history) listing(rt *rapid.T) search.Listing {
	l := search.Listing{
		Bucket:   h.schema.Bucket,
		Prefix:   rapid.SampledFrom(prefixes(h.objects)).Draw(rt, "prefix"),
		Versions: rapid.Bool().Draw(rt, "versions"),
		Limit:    rapid.SampledFrom([]int{0, 0, 1, 2, 3, 10, 1000}).Draw(rt, "limit"),
	}
	if rapid.IntRange(0, 7).Draw(rt, "predicate") > 0 {
		l.Where = search.Normalize(search.Bind(randomExpr(rt, h.truth, 3), time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)))
	}
	if rapid.IntRange(0, 3).Draw(rt, "order") > 0 {
		name := rapid.SampledFrom(append([]string{"Etag"}, conditionKeys...)).Draw(rt, "by")
		if keys := keysOf(l.Where); len(keys) > 0 && rapid.Bool().Draw(rt, "by a key of the predicate") {
			name = rapid.SampledFrom(keys).Draw(rt, "which")
		}
		key, ok := h.schema.Resolve(name)
		if !ok {
			rt.Fatalf("%s is not known", name)
		}
		l.Order = search.Order{Key: key, Descending: rapid.Bool().Draw(rt, "descending"), LooseTies: rapid.IntRange(0, 3).Draw(rt, "loose") == 0}
	}
	l.Recursive = l.IsLevel()
	return l
}

// keysOf returns the names of the keys of e's conditions.
func keysOf(e search.Expr) []string {
	var names []string
	for _, c := range conditions(e) {
		names = append(names, c.Key.Name)
	}
	return names
}

func (h *history) describe(s search.Schema, l search.Listing) string {
	plan, _ := search.NewPlan(s, l)
	return fmt.Sprintf("%q, engine %d, sent %q with prefix %q, sorted by %q", l.ID(), plan.Engine, plan.Wire, plan.Prefix, plan.SortBy)
}

// check holds an answer against the evaluation of every version.
func (h *history) check(t TB, s search.Schema, l search.Listing, got []search.Object) {
	t.Helper()
	want := make([]search.Object, 0, len(h.objects))
	for i, o := range h.objects {
		if (l.Versions || h.current[i]) && strings.HasPrefix(o.Key, l.Prefix) && search.Evaluate(l.Where, &o) == search.True {
			want = append(want, o)
		}
	}
	compare := byName
	if !l.Order.IsZero() {
		compare = func(a, b search.Object) int { return compareInOrder(l.Order, &a, &b) }
	}
	slices.SortStableFunc(want, compare)
	fail := func(what string, args ...any) { t.Fatalf("%s: %s", h.describe(s, l), fmt.Sprintf(what, args...)) }
	if l.Limit > 0 && len(want) > l.Limit {
		if l.Order.IsZero() || l.Order.LooseTies {
			want = h.limited(l, want, got, fail)
		} else {
			want = want[:l.Limit]
		}
	}
	if l.Order.IsZero() {
		slices.SortStableFunc(got, byName)
	} else if l.Order.LooseTies {
		if !slices.IsSortedFunc(got, func(a, b search.Object) int { return compareByValue(l.Order, &a, &b) }) {
			fail("not in order: %v", keys(got))
		}
		slices.SortStableFunc(got, compare)
		slices.SortStableFunc(want, compare)
	}
	// A scan asks for no more than it needs to know: what a row does not tell need not be told.
	for i := range min(len(want), len(got)) {
		if got[i].Partial == search.FromList && got[i].Key == want[i].Key {
			want[i].Partial, want[i].ContentType, want[i].Metadata = search.FromList, "", got[i].Metadata
		}
	}
	if d := diff(h.views(l, want), h.views(l, got)); d != "" {
		fail("(-want +got):\n%s", d)
	}
}

// limited returns what of want an answer must be that has any of those that come first: those of it
// that are in want, if there are as many as there must be and none comes before another that is missing.
func (h *history) limited(l search.Listing, want, got []search.Object, fail func(string, ...any)) []search.Object {
	if len(got) != l.Limit {
		fail("%d objects, want %d of %d", len(got), l.Limit, len(want))
	}
	for i := range got {
		if !l.Order.IsZero() && compareByValue(l.Order, &got[i], &want[i]) != 0 {
			fail("object %d is %q; one of the value of %q should be there", i, got[i].Key, want[i].Key)
		}
	}
	return slices.DeleteFunc(slices.Clone(want), func(o search.Object) bool {
		return !slices.ContainsFunc(got, func(g search.Object) bool { return g.Key == o.Key && g.ModTime.Equal(o.ModTime) })
	})
}

func keys(objects []search.Object) []string {
	out := make([]string, len(objects))
	for i := range objects {
		out[i] = objects[i].Key
	}
	return out
}

// versionView is what a listing must tell of a version.
type versionView struct {
	Seen    seen
	Version string
}

func (h *history) views(l search.Listing, objects []search.Object) []versionView {
	named := l.Where
	if !l.Order.IsZero() {
		named = search.Conjunction{search.Cond{Key: l.Order.Key, Op: search.OpExists}}
		if l.Where != nil {
			named = search.Conjunction{l.Where, named}
		}
	}
	out := make([]versionView, len(objects))
	for i, v := range h.view(objects, named) {
		out[i] = versionView{Seen: v}
		if l.Versions {
			out[i].Version = objects[i].VersionID
		}
	}
	return out
}
