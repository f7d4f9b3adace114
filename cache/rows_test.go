package cache

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var exactly = []cmp.Option{cmp.AllowUnexported(search.Metadata{}), cmpopts.EquateComparable(time.Time{})}

func drawEntry(t *rapid.T) search.Entry {
	key := rapid.SampledFrom([]string{"", "a/", "shared/beginning/"}).Draw(t, "folder of the key") +
		rapid.StringOfN(rapid.RuneFrom([]rune("ab/\x00é\xff")), 0, 6, -1).Draw(t, "key")
	if rapid.IntRange(0, 4).Draw(t, "folder") == 0 {
		return search.Entry{Folder: true, Object: search.Object{Key: key + "/"}}
	}
	o := search.Object{
		Key:         key,
		Size:        rapid.Int64Min(0).Draw(t, "size"),
		ETag:        drawETag().Draw(t, "etag"),
		VersionID:   rapid.SampledFrom([]string{"", "v1", strings.Repeat("v", 300)}).Draw(t, "version"),
		ContentType: rapid.SampledFrom([]string{"", "text/plain", "image/png"}).Draw(t, "type"),
		Partial:     rapid.SampledFrom([]search.PartialKind{search.FromQuery, search.FromHead, search.FromList}).Draw(t, "partial"),
	}
	if rapid.Bool().Draw(t, "has time") {
		nsec := rapid.OneOf(rapid.Int64Range(0, 999_999_999), rapid.SampledFrom([]int64{0, 1e6, 999e6})).Draw(t, "nsec")
		o.ModTime = time.Unix(rapid.OneOf(rapid.Int64Range(-1<<40, 1<<40), rapid.Int64()).Draw(t, "sec"), nsec).UTC()
	}
	if rapid.Bool().Draw(t, "has metadata") {
		few := rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 1, 1, -1)
		o.Metadata = search.NewMetadata(rapid.MapOfN(rapid.OneOf(few, rapid.StringN(1, 3, -1)), rapid.OneOf(few, rapid.String()), 1, 3).Draw(t, "metadata"))
	}
	return search.Entry{Object: o}
}

// drawETag draws what is an MD5 sum, with or without a number of parts, and what only looks like one.
func drawETag() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(0, 5, -1),
		rapid.StringMatching(`[0-9a-f]{32}(-[0-9]{1,20})?`),
		rapid.StringMatching(`[0-9a-fA-F]{31,33}`),
		rapid.SampledFrom([]string{strings.Repeat("0", 32) + "-", strings.Repeat("f", 32) + "-0", strings.Repeat("f", 32) + "-01",
			strings.Repeat("1", 32) + "-18446744073709551615", strings.Repeat("1", 32) + "-18446744073709551616", strings.Repeat("2", 32) + "-1x"}))
}

// Rows come back as they were put, by number and by key.
func TestRowsAgainstASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r rows
		var all []search.Entry
		first := map[string]search.Entry{}
		n := rapid.IntRange(0, 120).Draw(t, "n")
		for range n {
			e := drawEntry(t)
			if len(all) > 0 && rapid.Bool().Draw(t, "as before") {
				e.ContentType, e.Metadata = all[len(all)-1].ContentType, all[len(all)-1].Metadata
			}
			r.add(&e)
			all = append(all, e)
			if f, ok := first[e.Key]; !ok || f.Folder && !e.Folder {
				first[e.Key] = e
			}
		}
		if rapid.Bool().Draw(t, "ended") {
			r.end()
		}
		for i, want := range all {
			if diff := cmp.Diff(want, r.entry(i), exactly...); diff != "" {
				t.Fatalf("row %d: %s", i, diff)
			}
		}
		for key, want := range first {
			got, ok := r.find(key)
			if !ok {
				t.Fatalf("%q is not found", key)
			}
			if diff := cmp.Diff(want, got, exactly...); diff != "" {
				t.Fatalf("find %q: %s", key, diff)
			}
		}
		if _, ok := r.find("no such key"); ok {
			t.Fatal("found what was not put")
		}
	})
}

// More rows than a table of the index has room for, each third key twice, once as a folder.
func TestRowsOverManyChunksAndTables(t *testing.T) {
	const n = 600_000
	entry := func(i int) search.Entry {
		if i%3 == 2 {
			return search.Entry{Folder: true, Object: search.Object{Key: fmt.Sprintf("key-%d", (i-2)/2)}}
		}
		return search.Entry{Object: search.Object{Key: fmt.Sprintf("key-%d", i), Size: int64(i)}}
	}
	var r rows
	first := make(map[string]int, n)
	for i := range n {
		e := entry(i)
		r.add(&e)
		if at, ok := first[e.Key]; !ok || at%3 == 2 && !e.Folder {
			first[e.Key] = i
		}
	}
	r.end()
	for i := range n {
		want := entry(i)
		if got := r.entry(i); got.Key != want.Key || got.Size != want.Size || got.Folder != want.Folder {
			t.Fatalf("row %d is %+v, want %+v", i, got, want)
		}
		if at, ok := r.index.find(&r, want.Key); !ok || at != first[want.Key] {
			t.Fatalf("%q is found in row %d, %v, want row %d", want.Key, at, ok, first[want.Key])
		}
	}
	if _, ok := r.find("key-x"); ok {
		t.Error("found what was not put")
	}
	for _, table := range r.index.tables {
		used := 0
		for _, s := range table.slots {
			if s != 0 {
				used++
			}
		}
		if 4*used > 3*len(table.slots) {
			t.Errorf("%d of %d slots are in use", used, len(table.slots))
		}
	}
}

// Whoever makes a million rows of two keys, one after the other, makes no table slow.
func TestRowsOfFewKeys(t *testing.T) {
	var r rows
	for i := range 100_000 {
		e := search.Entry{Object: search.Object{Key: fmt.Sprint("key-", i%2), Size: int64(i)}}
		r.add(&e)
	}
	for _, table := range r.index.tables {
		used := 0
		for _, s := range table.slots {
			if s != 0 {
				used++
			}
		}
		if used > 2 {
			t.Fatalf("two keys take %d slots", used)
		}
	}
	if i, ok := r.index.find(&r, "key-1"); !ok || i != 1 {
		t.Errorf("key-1 is in row %d, %v", i, ok)
	}
}

// A row costs what its key adds to that of a neighbour, 16 bytes for an MD5 sum, and few bytes more.
func TestRowsAreSmall(t *testing.T) {
	var r rows
	for i := range 200_000 {
		e := plainRow(i)
		e.Metadata = search.NewMetadata(map[string]string{"x-amz-meta-n": fmt.Sprint(i)})
		r.add(&e)
	}
	r.end()
	if b := float64(r.size()) / 200_000; b > 70 {
		t.Errorf("a row takes %.1f bytes", b)
	}
}

// A row's texts are its own: a page that they were cut from can be freed.
func TestRowsKeepNoPageAlive(t *testing.T) {
	for _, e := range []func(page string) search.Entry{
		func(page string) search.Entry { return search.Entry{Object: search.Object{Key: page[:4]}} },
		func(page string) search.Entry { return search.Entry{Object: search.Object{ETag: page[:4]}} },
		func(page string) search.Entry { return search.Entry{Object: search.Object{VersionID: page[:4]}} },
		func(page string) search.Entry { return search.Entry{Object: search.Object{ContentType: page[:4]}} },
		func(page string) search.Entry {
			return search.Entry{Folder: true, Object: search.Object{Key: page[:4]}}
		},
	} {
		var r rows
		before := heap()
		page := strings.Repeat("page", 1<<20)
		entry := e(page)
		r.add(&entry)
		page, entry = "", search.Entry{}
		if after := heap(); after > before+1<<20 {
			t.Errorf("%+v keeps %d bytes alive", r.entry(0), after-before)
		}
		runtime.KeepAlive(&r)
	}
}

// What rows say they take is what they take.
func TestRowsWeighThemselves(t *testing.T) {
	for name, entry := range rowKinds {
		before := heap()
		var r rows
		for i := range 100_000 {
			e := entry(i)
			r.add(&e)
		}
		r.end()
		real := heap() - before
		if said := r.size(); said < real*9/10 || said > real*12/10 {
			t.Errorf("%s: rows say %d bytes, the heap grew by %d", name, said, real)
		}
		runtime.KeepAlive(&r)
	}
}

// Rows of one storage class share what says so.
func TestRowsShareMetadata(t *testing.T) {
	var plain, classed rows
	for i := range 1000 {
		e := plainRow(i)
		e.ContentType = ""
		plain.add(&e)
		e = rowKinds["listed"](i)
		classed.add(&e)
	}
	if more := classed.size() - plain.size(); more <= 0 || more > 400 {
		t.Errorf("1000 rows of one storage class take %d bytes more than without", more)
	}
}

var rowKinds = map[string]func(i int) search.Entry{
	"plain":  plainRow,
	"tagged": taggedRow,
	"listed": func(i int) search.Entry { // as a plain listing has them
		e := plainRow(i)
		e.ContentType, e.Metadata = "", search.NewMetadata(map[string]string{"StorageClass": "STANDARD"})
		return e
	},
	"folder": func(i int) search.Entry {
		return search.Entry{Folder: true, Object: search.Object{Key: fmt.Sprintf("folder-%d/", i)}}
	},
}

func plainRow(i int) search.Entry {
	return search.Entry{Object: search.Object{Key: fmt.Sprintf("logs/2024/11/23/host-%03d/part-%09d.gz", i%100, i),
		Size: int64(i), ETag: fmt.Sprintf("%032x", i), ModTime: time.UnixMilli(int64(i)), ContentType: "application/gzip"}}
}

func taggedRow(i int) search.Entry {
	e := plainRow(i)
	e.Metadata = search.NewMetadata(map[string]string{"x-amz-meta-color": fmt.Sprint("red", i), "Owner": fmt.Sprint("root", i)})
	return e
}

// heap returns the bytes that live objects take.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
