package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// truth is what every object of a bucket is like: what the fixture says and
// what the store decided.
type truth struct {
	schema  search.Schema
	objects []search.Object // ordered by key
	Options
}

// learn asks for every object of b and holds the answer against the fixture.
// b must index Size.
func learn(t TB, s search.Store, b Bucket, o Options) truth {
	t.Helper()
	schema, err := s.Schema(t.Context(), b.Name)
	if err != nil {
		t.Fatalf("Schema(%s): %v", b.Name, err)
	}
	everything := search.Conjunction{condition(t, schema, "Size", search.OpGe, "0")}
	for _, name := range []string{"Owner", "CreateTime"} {
		everything = append(everything, condition(t, schema, name, search.OpExists, ""))
	}
	system := make(map[string]search.Object)
	for _, o := range mustCollect(t, s.Query(t.Context(), search.Listing{Bucket: b.Name, Where: search.Normalize(everything)})) {
		if _, twice := system[o.Key]; twice {
			t.Fatalf("%q was yielded twice", o.Key)
		}
		system[o.Key] = o
	}
	tr := truth{schema: schema, Options: o}
	for _, obj := range b.Objects {
		o, ok := system[obj.Key]
		switch {
		case !ok:
			t.Fatalf("a query for everything lacks %q", obj.Key)
		case o.Size != int64(len(obj.Data)) || o.ModTime.IsZero() || o.Partial != search.FromQuery:
			t.Fatalf("a query for everything says of %q, of %d bytes: %+v", obj.Key, len(obj.Data), o)
		}
		meta := make(map[string]string)
		for _, name := range []string{"Owner", "CreateTime"} {
			meta[name], _ = o.Metadata.Get(name)
		}
		for name, value := range obj.Metadata {
			meta[search.MetaPrefix+name] = value
		}
		o.Metadata = search.NewMetadata(meta)
		if obj.ContentType != "" {
			o.ContentType = obj.ContentType
		}
		tr.objects = append(tr.objects, o)
	}
	if len(system) != len(b.Objects) {
		t.Fatalf("a query for everything yields %d objects, there are %d", len(system), len(b.Objects))
	}
	slices.SortFunc(tr.objects, func(a, b search.Object) int { return strings.Compare(a.Key, b.Key) })
	return tr
}

// condition returns "name op text".
func condition(t TB, s search.Schema, name string, op search.Op, text string) search.Expr {
	t.Helper()
	key, ok := s.Resolve(name)
	if !ok {
		t.Fatalf("key %s is not known in %s", name, s.Bucket)
	}
	c, err := search.NewCond(key, op, text)
	if err != nil {
		t.Fatalf("%s %v %s: %v", name, op, text, err)
	}
	return c
}

// check runs one query and holds every object of the answer against the
// predicate, evaluated on every object there is. It reports whether the store
// could answer; when it could not, that it says so.
func (tr truth) check(t TB, s search.Store, prefix string, where search.Expr) bool {
	t.Helper()
	l := search.Listing{Bucket: tr.schema.Bucket, Prefix: prefix, Where: where}
	got, err := collect(t, s.Query(t.Context(), l))
	if _, planErr := search.NewPlan(tr.schema, l); planErr != nil {
		wantKind(t, "a query that cannot be planned: "+where.String(), err, search.KindOf(planErr))
		return false
	}
	if err != nil {
		t.Fatalf("Query(%+q, %s): %v", prefix, where, err)
	}
	want := make([]search.Object, 0, len(tr.objects))
	for _, o := range tr.objects {
		if strings.HasPrefix(o.Key, prefix) && search.Evaluate(where, &o) == search.True {
			want = append(want, o)
		}
	}
	slices.SortFunc(got, func(a, b search.Object) int { return strings.Compare(a.Key, b.Key) })
	if d := diff(tr.view(want, where), tr.view(got, where)); d != "" {
		plan, _ := search.NewPlan(tr.schema, l)
		t.Fatalf("Query(%+q, %s), sent as %s (-want +got):\n%s", prefix, where, plan.Wire, d)
	}
	return true
}

// seen is what a query must tell of an object.
type seen struct {
	Key, ETag string
	Size      int64
	ModTime   time.Time
	Named     map[string]string // the values of the keys that the query names
}

func (tr truth) view(objects []search.Object, where search.Expr) []seen {
	out := make([]seen, len(objects))
	whole := tr.WholeSeconds && !slices.ContainsFunc(conditions(where), func(c search.Cond) bool { return c.Key.Name == "LastModified" })
	for i, o := range objects {
		if whole {
			o.ModTime = o.ModTime.Truncate(time.Second)
		}
		out[i] = seen{o.Key, o.ETag, o.Size, o.ModTime.UTC(), make(map[string]string)}
		for _, c := range conditions(where) {
			// A value that is not of the key's datatype is in no index, and need not be told.
			if search.Evaluate(search.Cond{Key: c.Key, Op: search.OpExists}, &o) == search.True {
				out[i].Named[c.Key.Name], _ = o.Value(c.Key)
			}
		}
	}
	return out
}

// conditions returns the conditions of e.
func conditions(e search.Expr) []search.Cond {
	var out []search.Cond
	switch e := e.(type) {
	case search.Conjunction:
		for _, x := range e {
			out = append(out, conditions(x)...)
		}
	case search.Disjunction:
		for _, x := range e {
			out = append(out, conditions(x)...)
		}
	case search.Negation:
		out = conditions(e.X)
	case search.Cond:
		out = []search.Cond{e}
	}
	return out
}

// fixedQueries are paths below the indexed bucket: components joined by "/".
var fixedQueries = []string{
	"size,ge,0", "size,gt,100", "size,gt,1k", "size,in,0..10,400..900", "size>100", "size,lt,0",
	"n,ge,0", "n,eq,-5", "n,ne,3", "n,in,1,2,3", "n,exists", "not n>3",
	"ratio,ge,2.5", "ratio,eq,2.50", "ratio,lt,1",
	"color,eq,red", "color,ne,red", "color,in,red,blue", "color,prefix,gr", "color,exists", "color,lt,red", "color,suffix,e/size,ge,0",
	"title,eq,it's", `title,eq,say "hi"`, `title,eq,both ' and "/size,ge,0`, "title,eq,", "title,eq,größe", "title,eq,comma%2Cslash%2F",
	"title,eq,x+y&z=1;2", "title,eq,100%25", "title,prefix,a", "title,contains,a/size,gt,10", "title,glob,*😀*/n,exists",
	"when,newer,2026-05-20", "when,in,2026-05..2026-06", "when,eq,2026-05-03",
	"mtime,ge,2026-06-01", "mtime,lt,2026-06-01", "mtime,eq,2026-05", "created,gt,2000",
	"name,prefix,logs%2F", "name,ge,img", "base,suffix,.png/size,ge,0", "owner,exists",
	"contenttype,eq,image%2Fpng/size,gt,100", "meta.note,exists/size,ge,0", "meta.note,missing/color,exists",
	"color,eq,odd", "n,ge,1000",
	"(size>1000 or color==red) and not n==7", "(color==red or color==blue) and (n>=3 or ratio<2) and size<2000",
	"color,eq,red/size,gt,100/n,lt,30",
}

// parse reads a path of query components.
func parse(t TB, s search.Schema, path string) search.Expr {
	t.Helper()
	d := search.Dir{Bucket: s.Bucket}
	for name := range strings.SplitSeq(path, "/") {
		c, err := search.ParseComponent(name, s)
		if err != nil || c.Kind != search.ComponentPredicate {
			t.Fatalf("%q is no query: %v, %+v", name, err, c)
		}
		d = d.Narrow(c.Where)
	}
	return d.Listing(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), time.Minute).Where
}

func (u suite) testQuery(t *testing.T, s search.Store) {
	tr := learn(t, s, u.bucketOf(indexedBucket), u.Options)
	for _, path := range fixedQueries {
		where := parse(t, tr.schema, path)
		for _, prefix := range []string{"", "logs/", "logs/2026/", "a b+c/", "awkward/", "awkward//", "none/", "l"} {
			if !tr.check(t, s, prefix, where) {
				t.Errorf("%s cannot be planned", path)
			}
		}
	}
	empty := search.Listing{Bucket: emptyBucket, Where: parse(t, tr.schema, "size,ge,0")}
	if got := mustCollect(t, s.Query(t.Context(), empty)); len(got) > 0 {
		t.Errorf("%d objects in an empty bucket", len(got))
	}
	// Breaking off is no error, and leaves the store usable.
	for range s.Query(t.Context(), search.Listing{Bucket: indexedBucket, Where: parse(t, tr.schema, "size,ge,0")}) {
		break
	}
	tr.check(t, s, "", parse(t, tr.schema, "color,eq,red"))
}

func (u suite) testQueryRefuses(t *testing.T, s search.Store) {
	schema, err := s.Schema(t.Context(), indexedBucket)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		l    search.Listing
		kind search.Kind
	}{
		{"no condition", search.Listing{Bucket: indexedBucket}, search.KindInvalid},
		{"no metadata search", search.Listing{Bucket: plainBucket, Where: parse(t, schema, "created,gt,2000")}, search.KindUnsupported},
		{"unindexed alone", search.Listing{Bucket: indexedBucket, Where: parse(t, schema, "meta.note,exists")}, search.KindUnsupported},
		{"no bucket", search.Listing{Bucket: missingBucket, Where: parse(t, schema, "size,ge,0")}, search.KindNotExist},
	}
	for _, tt := range tests {
		got, err := collect(t, s.Query(t.Context(), tt.l))
		wantKind(t, tt.name, err, tt.kind)
		if len(got) > 0 {
			t.Errorf("%s: %d objects before the error", tt.name, len(got))
		}
	}
}
