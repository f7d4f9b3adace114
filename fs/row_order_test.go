package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

// fixedSnapshot is a listing of rows that ends with err; io.EOF when complete.
type fixedSnapshot struct {
	rows []search.Entry
	err  error
}

func (s *fixedSnapshot) Row(_ context.Context, i int) (search.Entry, error) {
	if i < len(s.rows) {
		return s.rows[i], nil
	}
	return search.Entry{}, s.err
}
func (s *fixedSnapshot) Find(string) (search.Entry, bool) { return search.Entry{}, false }
func (s *fixedSnapshot) Len() (int, bool)                 { return len(s.rows), s.err == io.EOF }
func (s *fixedSnapshot) Index(string) (int, bool)         { return 0, false }
func (s *fixedSnapshot) Taken() time.Time                 { return time.Time{} }
func (s *fixedSnapshot) Expires() time.Time               { return time.Time{} }
func (s *fixedSnapshot) Close()                           {}

// read returns the entries that r makes of s, and the error at the end.
func read(r *folderOrder, s search.Snapshot) (entries []dirEntry, held int, err error) {
	for {
		e, err := r.entry(context.Background(), s)
		if err != nil {
			return entries, held, err
		}
		entries = append(entries, e)
		held = max(held, len(r.held))
	}
}

// Whatever keys a folder has, each is listed once, under the name that looking
// it up would find, and no two names are equal.
func TestPropertyFolderOrder(t *testing.T) {
	segment := rapid.StringOfN(rapid.RuneFrom([]rune("a-./!0")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(segment, rapid.ID).Draw(t, "keys")
		s := &fixedSnapshot{err: io.EOF}
		for _, key := range keys {
			e := search.Entry{Object: search.Object{Key: "p/" + key, Size: 1}}
			if head, _, ok := strings.Cut(key, "/"); ok {
				e = search.Entry{Folder: true, Object: search.Object{Key: "p/" + head + "/"}}
			}
			if !slices.ContainsFunc(s.rows, func(r search.Entry) bool { return r.Key == e.Key }) {
				s.rows = append(s.rows, e)
			}
		}
		slices.SortFunc(s.rows, func(a, b search.Entry) int { return strings.Compare(a.Key, b.Key) })

		r := &folderOrder{prefix: "p/"}
		entries, held, err := read(r, s)
		if err != io.EOF || len(entries) != len(s.rows) {
			t.Fatalf("%d entries of %d rows, then %v", len(entries), len(s.rows), err)
		}
		if held > 6 {
			t.Fatalf("%d objects wait; a key has at most 6 bytes", held)
		}
		seen := map[string]bool{}
		for _, e := range entries {
			i := slices.IndexFunc(s.rows, func(r search.Entry) bool { return r.Key == e.key })
			if i < 0 || s.rows[i].Folder != (!e.isFile) {
				t.Fatalf("entry %q is of no row", e.name)
			}
			twin := e.isFile && slices.ContainsFunc(s.rows, func(r search.Entry) bool { return r.Key == e.key+"/" })
			if want, _ := EntryName("p/", s.rows[i], twin); e.name != want || seen[e.name] {
				t.Fatalf("key %q is named %q, want %q once", e.key, e.name, want)
			}
			seen[e.name] = true
		}
	})
}

// An object waits for its folder without holding the rows between back.
func TestFolderOrderHoldsOneBack(t *testing.T) {
	s := &fixedSnapshot{err: io.EOF, rows: []search.Entry{{Object: search.Object{Key: "a", Size: 1}}}}
	for i := range 1000 {
		s.rows = append(s.rows, search.Entry{Object: search.Object{Key: fmt.Sprintf("a-%04d", i), Size: 1}})
	}
	r := &folderOrder{}
	first, err := r.entry(t.Context(), s)
	if err != nil || first.name != "a-0000" || r.next != 3 {
		t.Errorf("the first entry is %q (%v) after %d rows, want a-0000 after 3", first.name, err, r.next)
	}
	s.rows = append(s.rows, search.Entry{Folder: true, Object: search.Object{Key: "a/"}})
	entries, held, _ := read(r, s)
	names := []string{entries[999].name, entries[1000].name}
	if !slices.Contains(names, "a") || !slices.Contains(names, "a%~") || held != 2 {
		t.Errorf("the last entries are %q, %d waited at once", names, held)
	}
}

// Where the listing breaks, what waited is handed out before the error.
func TestFolderOrderBroken(t *testing.T) {
	broken := errors.New("broken")
	s := &fixedSnapshot{err: broken, rows: []search.Entry{{Object: search.Object{Key: "a", Size: 1}}, {Object: search.Object{Key: "a-", Size: 1}}}}
	entries, _, err := read(&folderOrder{}, s)
	if err != broken || len(entries) != 2 || entries[0].name != "a-" || entries[1].name != "a" {
		t.Errorf("%v, then %v", entries, err)
	}
}

func TestFindMount(t *testing.T) {
	const table = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:38 / /mnt/a\040b ro,nosuid,nodev,relatime shared:9 - fuse.ecsfs https://ecs\011x ro,user_id=0
41 22 0:39 / /mnt/two ro - ext4 /dev/sdb rw
42 22 0:40 / /mnt/two ro - fuse.sshfs host: rw
broken line
43 22 0:41 / /mnt/bare ro - tmpfs
`
	for _, c := range []struct {
		path string
		want mountEntry
	}{
		{"/", mountEntry{"8:1", "ext4", "/dev/sda1"}},
		{"/mnt/a b", mountEntry{"0:38", "fuse.ecsfs", "https://ecs\tx"}},
		{"/mnt/two", mountEntry{"0:40", "fuse.sshfs", "host:"}},
		{"/mnt/bare", mountEntry{}},
		{"/mnt", mountEntry{}},
	} {
		m, ok := findMount(table, c.path)
		if m != c.want || ok != (c.want != mountEntry{}) {
			t.Errorf("findMount(%q) = %+v, %v; want %+v", c.path, m, ok, c.want)
		}
	}
}

func TestLongNamesAreBounded(t *testing.T) {
	var l longNames
	name := func(i int) (string, string) {
		text := fmt.Sprintf("%s%d", strings.Repeat("x", 300), i)
		return EncodeFlat(text), text
	}
	for i := range 5 * recentMax {
		l.add(name(i))
		if n := len(l.texts.young) + len(l.texts.old); n > 2*recentMax {
			t.Fatalf("%d names are kept", n)
		}
	}
	for i := 4 * recentMax; i < 5*recentMax; i++ {
		n, want := name(i)
		if text, ok := l.text(n); !ok || text != want {
			t.Fatalf("name %d is forgotten", i)
		}
	}
	l.add("short", "text")
	if _, ok := l.text("short"); ok {
		t.Error("a name that is not shortened is kept")
	}
}
