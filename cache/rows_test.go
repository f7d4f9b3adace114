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
	key := rapid.StringOfN(rapid.RuneFrom([]rune("ab/\x00é\xff")), 0, 6, -1).Draw(t, "key")
	if rapid.IntRange(0, 4).Draw(t, "folder") == 0 {
		return search.Entry{Folder: true, Object: search.Object{Key: key + "/"}}
	}
	o := search.Object{
		Key:         key,
		Size:        rapid.Int64Min(0).Draw(t, "size"),
		ETag:        rapid.StringN(0, 5, -1).Draw(t, "etag"),
		VersionID:   rapid.SampledFrom([]string{"", "v1"}).Draw(t, "version"),
		ContentType: rapid.SampledFrom([]string{"", "text/plain", "image/png"}).Draw(t, "type"),
		Partial:     rapid.SampledFrom([]search.PartialKind{search.FromQuery, search.FromHead, search.FromList}).Draw(t, "partial"),
	}
	if rapid.Bool().Draw(t, "has time") {
		o.ModTime = time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")).UTC()
	}
	if rapid.Bool().Draw(t, "has metadata") {
		o.Metadata = search.NewMetadata(rapid.MapOfN(rapid.StringN(1, 3, -1), rapid.String(), 1, 3).Draw(t, "metadata"))
	}
	return search.Entry{Object: o}
}

// Rows come back as they were put, by number and by key.
func TestRowsAgainstASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRows()
		var all []search.Entry
		first := map[string]search.Entry{}
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			e := drawEntry(t)
			r.add(&e, r.grownSlots())
			all = append(all, e)
			if f, ok := first[e.Key]; !ok || f.Folder && !e.Folder {
				first[e.Key] = e
			}
			if 4*r.n > 3*len(r.slots) {
				t.Fatalf("%d rows in %d slots", r.n, len(r.slots))
			}
		}
		for i, want := range all {
			if diff := cmp.Diff(want, r.at(i).entry(), exactly...); diff != "" {
				t.Fatalf("row %d: %s", i, diff)
			}
		}
		for key, want := range first {
			got, ok := r.find(key)
			if !ok {
				t.Fatalf("%q is not found", key)
			}
			if diff := cmp.Diff(want, got.entry(), exactly...); diff != "" {
				t.Fatalf("find %q: %s", key, diff)
			}
		}
		if _, ok := r.find("no such key"); ok {
			t.Fatal("found what was not put")
		}
	})
}

func TestRowsOverManyChunks(t *testing.T) {
	r := newRows()
	for i := range 5000 {
		e := search.Entry{Object: search.Object{Key: fmt.Sprint(i), Size: int64(i)}}
		r.add(&e, r.grownSlots())
	}
	for i := range 5000 {
		if row, ok := r.find(fmt.Sprint(i)); !ok || row.size != int64(i) || r.at(i).size != int64(i) {
			t.Fatalf("row %d: %+v", i, row)
		}
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
		r := newRows()
		before := heap()
		page := strings.Repeat("page", 1<<20)
		entry := e(page)
		r.add(&entry, r.grownSlots())
		page, entry = "", search.Entry{}
		if after := heap(); after > before+1<<20 {
			t.Errorf("%+v keeps %d bytes alive", r.at(0).entry(), after-before)
		}
		runtime.KeepAlive(&r)
	}
}

// What rows say they take is what they take.
func TestRowsWeighThemselves(t *testing.T) {
	for name, entry := range rowKinds {
		before := heap()
		r := newRows()
		for i := range 100_000 {
			e := entry(i)
			r.add(&e, r.grownSlots())
		}
		real := heap() - before
		if said := r.size(); said < real*9/10 || said > real*12/10 {
			t.Errorf("%s: rows say %d bytes, the heap grew by %d", name, said, real)
		}
		runtime.KeepAlive(&r)
	}
}

// Rows of one storage class share what says so.
func TestRowsShareMetadata(t *testing.T) {
	plain, classed := newRows(), newRows()
	for i := range 1000 {
		e := plainRow(i)
		e.ContentType = ""
		plain.add(&e, plain.grownSlots())
		e = rowKinds["listed"](i)
		classed.add(&e, classed.grownSlots())
	}
	if more := classed.size() - plain.size(); more <= 0 || more > 200 {
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
