package search

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// memory is a bucket in memory: what is true of each version of its objects, ordered by key, the
// newest version first. Its listings and HEADs leave out what those of a store leave out.
type memory struct {
	objects []Object

	mu      sync.Mutex
	lists   []ListOptions
	stats   int
	running int
	most    int
	yielded int // entries

	onStat func(ref Ref) (Object, error, bool) // may answer in place of the store
	broken int                                 // a listing breaks behind so many entries; 0: never
}

var errBroken = &Error{Op: "list", Kind: KindIO, Reason: "broken"}

func (m *memory) List(ctx context.Context, bucket string, o ListOptions) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		m.mu.Lock()
		m.lists = append(m.lists, o)
		m.mu.Unlock()
		last, n := "", 0
		for i, x := range m.objects {
			if i > 0 && !o.Versions && x.Key == last {
				continue
			}
			last = x.Key
			if !strings.HasPrefix(x.Key, o.Prefix) {
				continue
			}
			if ctx.Err() != nil {
				yield(Entry{}, ctx.Err())
				return
			}
			if n++; m.broken > 0 && n > m.broken {
				yield(Entry{}, errBroken)
				return
			}
			row := Object{Key: x.Key, Size: x.Size, ModTime: x.ModTime, ETag: x.ETag, Partial: FromList,
				Metadata: NewMetadata(map[string]string{"StorageClass": "STANDARD"})}
			if o.Versions {
				row.VersionID = x.VersionID
			}
			m.mu.Lock()
			m.yielded++
			m.mu.Unlock()
			if !yield(Entry{Object: row}, nil) || n == o.Limit {
				return
			}
		}
	}
}

func (m *memory) Stat(ctx context.Context, ref Ref) (Object, error) {
	m.mu.Lock()
	m.stats++
	m.running++
	m.most = max(m.most, m.running)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.running--
		m.mu.Unlock()
	}()
	if m.onStat != nil {
		if o, err, ok := m.onStat(ref); ok {
			return o, err
		}
	}
	for _, x := range m.objects {
		if x.Key == ref.Key && (ref.VersionID == "" || x.VersionID == ref.VersionID) {
			return headOf(x), nil
		}
	}
	return Object{}, &Error{Op: "stat", Key: ref.Key, Kind: KindNotExist}
}

// headOf is what a HEAD tells of x.
func headOf(x Object) Object {
	users := map[string]string{}
	for k, v := range x.Metadata.All() {
		if strings.HasPrefix(k, MetaPrefix) {
			users[k] = v
		}
	}
	x.Metadata, x.Partial, x.ModTime = NewMetadata(users), FromHead, x.ModTime.Truncate(time.Second)
	return x
}

// scanOf plans path below a bucket and scans m.
func scanOf(t *testing.T, s Schema, m *memory, path string) iter.Seq2[Object, error] {
	t.Helper()
	p, err := NewPlan(s, listingOf(t, s, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return Scan(t.Context(), m, p)
}

func colors(n int) *memory {
	m := &memory{}
	for i := range n {
		m.objects = append(m.objects, Object{Key: "k" + strconv.Itoa(100000+i), Size: int64(i), ModTime: testNow, ETag: strconv.Itoa(i),
			Metadata: NewMetadata(map[string]string{"x-amz-meta-color": []string{"red", "blue"}[i%2]})})
	}
	return m
}

var headSchema = Schema{Bucket: "b", Engine: EngineScan, ScanMetadata: true}

// TestScanRequests counts what a scan asks for.
func TestScanRequests(t *testing.T) {
	for _, tc := range []struct {
		path           string
		results, stats int
		list           ListOptions
	}{
		{"size,lt,10", 10, 0, ListOptions{Recursive: true}},
		{"meta.color,eq,red", 500, 1000, ListOptions{Recursive: true}},
		{"size,lt,10/meta.color,eq,red", 5, 10, ListOptions{Recursive: true}},
		{"(size<10 or meta.color==red)", 505, 990, ListOptions{Recursive: true}},
		{"size,lt,10/@sort,meta.color", 10, 10, ListOptions{Recursive: true}},
		{"name,eq,k100007/meta.color,eq,blue", 1, 1, ListOptions{Recursive: true, Prefix: "k100007"}},
		{"name,eq,a/name,eq,b", 0, 0, ListOptions{}},
		{"@limit,3", 3, 0, ListOptions{Recursive: true, Limit: 3, Lazy: true}},
		{"@limit,3/@versions", 3, 0, ListOptions{Recursive: true, Versions: true, Limit: 3, Lazy: true}},
		{"@sort,-size/@limit,3", 3, 0, ListOptions{Recursive: true}},
		{"size,lt,10/@limit,3", 3, 0, ListOptions{Recursive: true, Lazy: true}},
		{"storageclass,eq,STANDARD/size,ge,998", 2, 0, ListOptions{Recursive: true}},
	} {
		m := colors(1000)
		keys, err := keysOfRows(scanOf(t, headSchema, m, tc.path))
		if err != nil || len(keys) != tc.results || m.stats != tc.stats || m.most > maxHeads {
			t.Errorf("%s: %d results, %d HEADs, %d at once, %v; want %d results and %d HEADs", tc.path, len(keys), m.stats, m.most, err, tc.results, tc.stats)
		}
		var lists []ListOptions
		if tc.list.Recursive {
			lists = append(lists, tc.list)
		}
		if diff := gocmp.Diff(lists, m.lists); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
	}
}

// TestScanStops: breaking off and a limit stop the requests, and leave nothing running.
func TestScanStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, path := range []string{"meta.color,eq,red/@limit,3", "meta.color,eq,red"} {
		m := colors(5000)
		n := 0
		for _, err := range scanOf(t, headSchema, m, path) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 3 {
				break
			}
		}
		if n != 3 || m.stats > maxAhead+maxHeads || m.running != 0 || m.yielded > maxAhead+maxHeads {
			t.Errorf("%s: %d results for %d HEADs of %d rows, %d still running", path, n, m.stats, m.yielded, m.running)
		}
	}
	m := colors(5000)
	ctx, cancel := context.WithCancel(t.Context())
	m.onStat = func(Ref) (Object, error, bool) {
		cancel()
		<-ctx.Done()
		return Object{}, ctx.Err(), true
	}
	p, err := NewPlan(headSchema, listingOf(t, headSchema, "meta.color,eq,red"))
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := keysOfRows(Scan(ctx, m, p)); KindOf(err) != KindCanceled || len(keys) != 0 || m.running != 0 {
		t.Errorf("a scan that is interrupted: %d results, %v", len(keys), err)
	}
}

// TestScanBreaks: a failure is the last thing yielded, behind the results before it.
func TestScanBreaks(t *testing.T) {
	defer goleak.VerifyNone(t)
	m := colors(1000)
	m.broken = 500
	keys, err := keysOfRows(scanOf(t, headSchema, m, "meta.color,eq,red"))
	if !errors.Is(err, errBroken) || len(keys) != 250 {
		t.Errorf("a listing that breaks: %d results, %v", len(keys), err)
	}
	m = colors(1000)
	m.onStat = func(ref Ref) (Object, error, bool) {
		return Object{}, &Error{Op: "stat", Kind: KindPermission}, ref.Key == "k100100"
	}
	keys, err = keysOfRows(scanOf(t, headSchema, m, "meta.color,eq,red"))
	if KindOf(err) != KindPermission || len(keys) != 50 {
		t.Errorf("a HEAD that is refused: %d results, %v", len(keys), err)
	}
	if keys, err = keysOfRows(scanOf(t, headSchema, m, "meta.color,eq,red/@sort,size")); KindOf(err) != KindPermission || len(keys) != 0 {
		t.Errorf("a HEAD that is refused, of a scan to be sorted: %d results, %v", len(keys), err)
	}
}

// TestScanOfChanging: an object that is gone is no result; of one that was overwritten the new
// state alone counts.
func TestScanOfChanging(t *testing.T) {
	m := colors(6)
	m.onStat = func(ref Ref) (Object, error, bool) {
		o := Object{Key: ref.Key, ETag: "new", ModTime: testNow.Add(time.Hour), Partial: FromHead}
		switch ref.Key {
		case "k100000":
			return Object{}, &Error{Kind: KindNotExist}, true
		case "k100002": // was red and of size 2
			o.Metadata = NewMetadata(map[string]string{"x-amz-meta-color": "red"})
			o.Size = 100
			return o, nil, true
		case "k100003": // was blue
			o.Metadata = NewMetadata(map[string]string{"x-amz-meta-color": "red"})
			o.Size = 3
			return o, nil, true
		case "k100004": // has no color any more
			return o, nil, true
		}
		return Object{}, nil, false
	}
	var got []string
	for o, err := range scanOf(t, headSchema, m, "size,lt,50/meta.color,eq,red") {
		if err != nil {
			t.Fatal(err)
		}
		class, _ := o.Metadata.Get("StorageClass")
		got = append(got, o.Key, o.ETag, o.ModTime.UTC().Format("15:04"), class)
		if o.Partial != FromHead {
			t.Errorf("%s is of kind %d", o.Key, o.Partial)
		}
	}
	if diff := gocmp.Diff([]string{"k100003", "new", "09:00", "STANDARD"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestScanOfVersions: each version is asked for by its id, and stands by its own metadata.
func TestScanOfVersions(t *testing.T) {
	m := &memory{}
	for _, v := range []struct{ key, version, color string }{{"a", "3", "red"}, {"a", "2", "blue"}, {"a", "1", "red"}, {"b", "null", "red"}} {
		m.objects = append(m.objects, Object{Key: v.key, VersionID: v.version, ModTime: testNow, Metadata: NewMetadata(map[string]string{"x-amz-meta-color": v.color})})
	}
	keys, err := keysOfRows(scanOf(t, headSchema, m, "meta.color,eq,red/@versions"))
	if diff := gocmp.Diff([]string{"a3", "a1", "bnull"}, keys); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestScanIsTheDefinition: for any predicate, order, limit and objects, a scan yields what
// Evaluate and a plain sort of every object yield.
func TestScanIsTheDefinition(t *testing.T) {
	scanned, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t)
		s.Engine, s.ScanMetadata = EngineScan, rapid.Bool().Draw(t, "metadata")
		s.Enabled = rapid.Bool().Draw(t, "has an index")
		if !s.Enabled {
			s.Indexed = nil
		}
		d := Dir{Bucket: "b", Prefix: rapid.SampledFrom([]string{"", "logs/", "é/"}).Draw(t, "prefix"),
			Versions: rapid.Bool().Draw(t, "versions"), Limit: rapid.IntRange(0, 4).Draw(t, "limit")}
		d = genNarrowed(t, s, d)
		if name := rapid.SampledFrom([]string{"", "size", "mtime", "base", "name", "meta.color", "meta.count", "owner"}).Draw(t, "order"); name != "" {
			d.Order.Key, _ = s.Resolve(name)
			d.Order.Descending = rapid.Bool().Draw(t, "descending")
		}
		m := &memory{}
		for i := range rapid.IntRange(0, 12).Draw(t, "objects") {
			row := genRow(t)
			o := row.object(func(string) bool { return true })
			o.ModTime = o.ModTime.Truncate(time.Second) // as a HEAD rounds them
			o.VersionID, o.ETag = strconv.Itoa(i), strconv.Itoa(i)
			m.objects = append(m.objects, o)
		}
		slices.SortStableFunc(m.objects, func(a, b Object) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), b.ModTime.Compare(a.ModTime))
		})
		l := d.Results(testNow, time.Minute)
		p, err := NewPlan(s, l)
		if err != nil {
			if KindOf(err) != KindUnsupported || !strings.Contains(err.Error(), "(") {
				t.Fatal(err)
			}
			if known := func(k Key) bool { return s.scanned(k) }; !slices.ContainsFunc(append(keysOf(l.Where), l.Order.Key), func(k Key) bool { return k.Name != "" && !known(k) }) {
				t.Fatalf("%s is refused: %v", l.ID(), err)
			}
			refused++
			return
		}
		scanned++
		var want []Object
		for i, o := range m.objects {
			old := i > 0 && m.objects[i-1].Key == o.Key
			if strings.HasPrefix(o.Key, l.Prefix) && (l.Versions || !old) && Evaluate(l.Where, &o) == True {
				want = append(want, o)
			}
		}
		if !l.Order.IsZero() {
			slices.SortStableFunc(want, func(a, b Object) int { return plainOrder(l.Order, a, b) })
		}
		if l.Limit > 0 {
			want = want[:min(l.Limit, len(want))]
		}
		var got []Object
		for o, err := range Scan(context.Background(), m, p) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o)
		}
		view := func(objects []Object) (out []string) {
			for _, o := range objects {
				out = append(out, o.Key+" "+o.ETag+" "+o.ModTime.String())
			}
			return out
		}
		if diff := gocmp.Diff(view(want), view(got)); diff != "" {
			t.Fatalf("%s: %s", l.ID(), diff)
		}
		for i, o := range got {
			for _, k := range append(keysOf(l.Where), l.Order.Key) {
				a, told := o.Value(k)
				if b, has := want[i].Value(k); (told || o.Partial == FromHead) && k.Name != "" && k.Name != "ContentType" && (a != b || told != has) {
					t.Fatalf("%s: %s of %s is %q, want %q", l.ID(), k.Name, o.Key, a, b)
				}
			}
		}
	})
	if scanned == 0 || refused == 0 {
		t.Errorf("%d scanned and %d refused: the test does not test", scanned, refused)
	}
}

// TestCompleted: a HEAD completes a row, whose milliseconds and storage class stay.
func TestCompleted(t *testing.T) {
	row := Object{Key: "k", ETag: "x", Size: 1, ModTime: testNow.Add(5 * time.Millisecond), Partial: FromList,
		Metadata: NewMetadata(map[string]string{"StorageClass": "GLACIER"})}
	head := Object{Key: "k", ETag: "x", Size: 1, ModTime: testNow, Partial: FromHead, VersionID: "v",
		Metadata: NewMetadata(map[string]string{"x-amz-meta-a": "b"})}
	o := completed(row, head)
	want := map[string]string{"x-amz-meta-a": "b", "StorageClass": "GLACIER"}
	if diff := gocmp.Diff(want, maps.Collect(o.Metadata.All())); diff != "" || !o.ModTime.Equal(row.ModTime) || o.VersionID != "v" {
		t.Errorf("%+v %s", o, diff)
	}
}
