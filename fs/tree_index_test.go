package fs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

// countingSnapshot counts the rows that are looked at.
type countingSnapshot struct {
	fixedSnapshot
	taken time.Time
	reads int
}

func (s *countingSnapshot) Row(ctx context.Context, i int) (search.Entry, error) {
	s.reads++
	return s.fixedSnapshot.Row(ctx, i)
}

func (s *countingSnapshot) Index(string) (int, bool) { return 0, false }
func (s *countingSnapshot) Taken() time.Time         { return s.taken }

// walk returns the entries of d and of the folders below it by path, each directory in its order.
func walk(t fataler, f *filesystem, d search.Dir, s search.Snapshot) (paths []string, objects map[string]string) {
	t.Helper()
	objects = map[string]string{}
	var visit func(d search.Dir, path string)
	visit = func(d search.Dir, path string) {
		r := &treeOrder{dir: d, listing: d.Listing(time.Unix(0, 0), 0), fs: f}
		for {
			e, err := r.entry(context.Background(), s)
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			name := path + "/" + e.name
			paths = append(paths, name)
			if e.isFile {
				objects[name] = e.object.Key + "\x00" + e.object.VersionID
				continue
			}
			seg, _ := naming{}.decode(e.name)
			below, _ := d.Folder(seg.Text)
			if below.Prefix+below.Below != e.key {
				t.Fatalf("%s is the folder %q, want %q", name, below.Prefix+below.Below, e.key)
			}
			visit(below, name)
		}
	}
	visit(d, "")
	return paths, objects
}

// Whatever rows a tree has, in whatever order, a walk has each of them under one name, in folders that stand
// where their first row stands.
func TestPropertyTree(t *testing.T) {
	segment := rapid.StringOfN(rapid.RuneFrom([]rune("a-./!%~0\U0001f600\uff21")), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		d := search.Dir{Bucket: "b", Prefix: "p/", Tree: true, Limit: 1 << 20}
		d.Versions = rapid.Bool().Draw(t, "versions")
		if rapid.Bool().Draw(t, "sorted") {
			d.Order = search.Order{Key: search.Key{Name: "Size"}}
		}
		s := &countingSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}}
		keys := rapid.SliceOfDistinct(segment, rapid.ID).Draw(t, "keys")
		want := map[string]bool{}
		for _, key := range keys {
			o := search.Object{Key: "p/" + key, Size: int64(rapid.IntRange(0, 1).Draw(t, "size"))}
			ids := []string{""}
			if d.Versions && rapid.Bool().Draw(t, "versioned") {
				ids = []string{"2", "1", "null"}
			}
			for _, o.VersionID = range ids {
				s.rows = append(s.rows, search.Entry{Object: o})
				if marker := o.Size == 0 && (key == "" || strings.HasSuffix(key, "/")); !marker {
					want[o.Key+"\x00"+o.VersionID] = true
				}
			}
		}
		s.rows = rapid.Permutation(s.rows).Draw(t, "rows")
		paths, objects := walk(t, newFilesystem(Options{}), d, s)
		if slices.Sort(paths); len(slices.Compact(paths)) != len(paths) {
			t.Fatalf("a path comes twice: %q", paths)
		}
		got := map[string]bool{}
		for path, object := range objects {
			if got[object] {
				t.Fatalf("%q has two paths, one is %q", object, path)
			}
			got[object] = true
		}
		if len(got) != len(want) {
			t.Fatalf("a walk has %d objects, want %d: %q of %v", len(got), len(want), objects, want)
		}

		// A lookup of each name in its folder finds the same, without a listing of the folder.
		n := &dirNode{node: node{fs: newFilesystem(Options{})}}
		for path, object := range objects {
			n.dir = d
			names := strings.Split(path[1:], "/")
			for _, name := range names[:len(names)-1] {
				seg, _ := n.naming().decode(name)
				n.dir, _ = n.dir.Folder(seg.Text)
			}
			target, err := n.resolve(t.Context(), names[len(names)-1], false)
			if err != nil {
				t.Fatalf("%q: %v", path, err)
			}
			f, known := n.findListed(n.listing(), s, target, true)
			if !known || f == nil || f.folder || f.object.Key+"\x00"+f.object.VersionID != object {
				t.Fatalf("%q is %+v, want %q", path, f, object)
			}
		}
	})
}

// In an ordered listing entries stand as their first rows do; else in the order of keys.
func TestTreeOrder(t *testing.T) {
	s := &countingSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}}
	for _, key := range []string{"c/x", "b", "a/2/y", "c/w", "a/1/z", "a", "a-b"} {
		s.rows = append(s.rows, search.Entry{Object: search.Object{Key: key, Size: 1}})
	}
	d := search.Dir{Bucket: "b", Tree: true, Limit: 9}
	paths, _ := walk(t, newFilesystem(Options{}), d, s)
	if got := strings.Join(paths, " "); got != "/a%~ /a-b /a /a/1 /a/1/z /a/2 /a/2/y /b /c /c/w /c/x" {
		t.Errorf("without an order: %s", got)
	}
	d.Order = search.Order{Key: search.Key{Name: "Size"}}
	paths, _ = walk(t, newFilesystem(Options{}), d, s)
	if got := strings.Join(paths, " "); got != "/c /c/x /c/w /b /a /a/2 /a/2/y /a/1 /a/1/z /a%~ /a-b" {
		t.Errorf("with an order: %s", got)
	}
}

// A walk over F folders and N results looks at O((F+N) log N) rows, however the results lie.
func TestTreeWalkIsFast(t *testing.T) {
	const results = 20_000
	for name, key := range map[string]func(i int) string{
		"one folder":        func(i int) string { return fmt.Sprintf("f%06d", i) },
		"a folder for each": func(i int) string { return fmt.Sprintf("d%06d/f", i) },
		"few large":         func(i int) string { return fmt.Sprintf("d%d/e%d/f%06d", i%3, i%7, i) },
		"deep":              func(i int) string { return strings.Repeat("d/", 300) + fmt.Sprintf("f%06d", i) },
	} {
		for _, ordered := range []bool{false, true} {
			s := &countingSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}}
			for i := range results {
				s.rows = append(s.rows, search.Entry{Object: search.Object{Key: key(i * 7919 % results), Size: 1}})
			}
			d := search.Dir{Bucket: "b", Tree: true, Limit: results}
			if ordered {
				d.Order = search.Order{Key: search.Key{Name: "Size"}}
			}
			paths, objects := walk(t, newFilesystem(Options{}), d, s)
			if len(objects) != results {
				t.Fatalf("%s: %d objects", name, len(objects))
			}
			if most := 20 * len(paths); s.reads > most {
				t.Errorf("%s, ordered %v: a walk of %d entries looked at %d rows, want no more than %d", name, ordered, len(paths), s.reads, most)
			}
		}
	}
}

// Indexes are shared by all who have the same snapshot, and bounded.
func TestTreeIndexesAreBounded(t *testing.T) {
	f := newFilesystem(Options{})
	l := search.Listing{Bucket: "b", Limit: 1}
	s := &countingSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}, taken: time.Unix(1, 0)}
	s.rows = make([]search.Entry, 1000)
	first := f.indexes.get(l, s)
	if f.indexes.get(l, s) != first || s.reads != 1000 {
		t.Errorf("an index was made twice")
	}
	for i := range 5 * maxTreeIndexes {
		f.indexes.get(l, &countingSnapshot{fixedSnapshot: s.fixedSnapshot, taken: time.Unix(int64(i), 5)})
	}
	if n, bytes := len(f.indexes.kept), f.indexes.size(); n != maxTreeIndexes || bytes != 4000*n {
		t.Errorf("%d indexes are kept and take %d bytes", n, bytes)
	}
	if f.indexes.get(l, s) == first {
		t.Errorf("the index that was used longest ago is kept")
	}
	// One that is larger than all may be is kept while it is the last.
	large := treeID{snapshotID{"large", time.Unix(2, 0)}, maxTreeIndexBytes}
	x := f.indexes.use(large, true)
	if f.indexes.use(large, true) != x || len(f.indexes.kept) != 1 || f.indexes.size() != x.bytes {
		t.Errorf("%d indexes are kept and take %d bytes", len(f.indexes.kept), f.indexes.size())
	}
	f.indexes.use(treeID{rows: 1}, false)
	if f.indexes.size() != 4 {
		t.Errorf("the large one is kept beside another")
	}
}

// The first row of a range is the lowest, for every range.
func TestTreeIndexFirst(t *testing.T) {
	for n := range 34 {
		s := &countingSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}}
		for i := range n {
			s.rows = append(s.rows, search.Entry{Object: search.Object{Key: fmt.Sprint(100 + i*13%max(n, 1))}})
		}
		x := &treeIndex{of: treeID{rows: n}}
		x.make(search.Listing{Order: search.Order{Key: search.Key{Name: "Size"}}}, s)
		if !slices.IsSortedFunc(x.byKey, func(a, b uint32) int { return cmp.Compare(s.rows[a].Key, s.rows[b].Key) }) {
			t.Fatalf("%d rows are not in the order of keys", n)
		}
		for from := range n {
			for to := from + 1; to <= n; to++ {
				if got, want := x.first(from, to), slices.Min(x.byKey[from:to]); got != want {
					t.Fatalf("of %d rows, the first of %d to %d is %d, want %d", n, from, to, got, want)
				}
			}
		}
	}
}
