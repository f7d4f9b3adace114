package fs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// openedSnapshot is a snapshot of rows, of which so many are there.
type openedSnapshot struct {
	search.Snapshot
	rows   []search.Entry
	number map[string]int
	there  func() int
	taken  func() time.Time
	open   *atomic.Int64 // handles
}

func (s *openedSnapshot) Row(_ context.Context, i int) (search.Entry, error) {
	if i >= s.there() {
		return search.Entry{}, io.EOF
	}
	return s.rows[i], nil
}
func (s *openedSnapshot) Index(key string) (int, bool) {
	i, ok := s.number[key]
	return i, ok && i < s.there()
}
func (s *openedSnapshot) Len() (int, bool)   { return s.there(), s.there() == len(s.rows) }
func (s *openedSnapshot) Taken() time.Time   { return s.taken() }
func (s *openedSnapshot) Expires() time.Time { return time.Unix(1<<40, 0) }
func (s *openedSnapshot) Close()             { s.open.Add(-1) }

// aheadStore has one listing, and notes what is fetched ahead.
type aheadStore struct {
	Store
	snapshot *openedSnapshot

	mu      sync.Mutex
	fetched map[string]int64 // guarded by mu
	refuse  bool             // guarded by mu
}

func (s *aheadStore) Peek(search.Listing) search.Snapshot {
	s.snapshot.open.Add(1)
	return s.snapshot
}

func (s *aheadStore) Prefetch(_ context.Context, ref search.Ref, n int64) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return 0, false
	}
	if s.fetched[ref.Key] >= n {
		return 0, true
	}
	s.fetched[ref.Key] = n
	return n, true
}

// opener opens the files of one directory.
type opener struct {
	t     testing.TB
	fs    *filesystem
	store *aheadStore
	dir   *dirNode
	opens int
	late  int // opens of files that were not fetched
	seen  map[string]bool
}

// newOpener returns one of a directory with these rows.
func newOpener(t testing.TB, rows []search.Entry) *opener {
	s := &aheadStore{snapshot: &openedSnapshot{rows: rows, number: map[string]int{}, open: new(atomic.Int64)}, fetched: map[string]int64{}}
	s.snapshot.there = func() int { return len(rows) }
	s.snapshot.taken = func() time.Time { return time.Unix(1, 0) }
	for i, r := range rows {
		s.snapshot.number[r.Key] = i
	}
	o := &opener{t: t, store: s, seen: map[string]bool{}, fs: newFilesystem(Options{Store: s})}
	o.dir = &dirNode{node: node{fs: o.fs}, dir: search.Dir{Bucket: "b", Limit: len(rows)}}
	o.fs.ahead.opendir(o.dir)
	t.Cleanup(func() {
		o.fs.ahead.close()
		if n := s.snapshot.open.Load(); n != 0 {
			t.Errorf("%d snapshots are left open", n)
		}
	})
	return o
}

// open opens, reads and closes a file, and waits until what follows is asked for.
func (o *opener) open(row int, read int64) {
	o.t.Helper()
	e := o.store.snapshot.rows[row]
	ref, _ := (&roll{dir: o.dir.dir}).ref(&e)
	o.store.mu.Lock()
	if _, ok := o.store.fetched[ref.Key]; !ok && !o.seen[ref.Key] {
		o.late++
	}
	o.store.mu.Unlock()
	o.opens++
	o.seen[ref.Key] = true
	o.fs.ahead.closed(o.fs.ahead.opened(&fileNode{node: node{fs: o.fs}, ref: ref}), read, ref.Size)
	o.settle()
}

// settle waits until nothing is under way.
func (o *opener) settle() {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		a := o.fs.ahead
		a.mu.Lock()
		busy := slices.ContainsFunc(a.streams, func(s *stream) bool { return s.pumping }) ||
			slices.ContainsFunc(a.trails, func(t *trail) bool { return t.making })
		a.mu.Unlock()
		if !busy {
			return
		}
		if time.Now().After(end) {
			o.t.Fatal("reading ahead does not come to rest")
		}
	}
}

// someRows returns n files of 64 KiB, each hundredth of them a .rare, each fourth a .txt, in the order of their keys.
func someRows(n int) []search.Entry {
	rows := make([]search.Entry, n)
	for i := range rows {
		suffix := []string{"txt", "Jpg", "go", "md"}[rand.New(rand.NewPCG(uint64(i), 0)).IntN(4)]
		if i%97 == 0 {
			suffix = "rare"
		}
		rows[i].Key = fmt.Sprintf("%c%05d.%s", "abAB"[i%4], i, suffix)
		rows[i].ETag, rows[i].Size = fmt.Sprint(i), 64<<10
	}
	return rows
}

func sortedBy(rows []search.Entry, less func(a, b search.Entry) int) []int {
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return less(rows[a], rows[b]) })
	return order
}

// TestOpenersAreUnderstood: for each way to open files, how many have to be waited for, and how many are fetched in vain.
func TestOpenersAreUnderstood(t *testing.T) {
	const n = 2000
	rows := someRows(n)
	listed := sortedBy(rows, func(search.Entry, search.Entry) int { return 0 })
	only := func(order []int, keep func(i int) bool) []int {
		return slices.DeleteFunc(slices.Clone(order), func(i int) bool { return !keep(i) })
	}
	reversed := func(order []int) []int {
		order = slices.Clone(order)
		slices.Reverse(order)
		return order
	}
	// interleaved has so many readers take parts of order in turn, so many files at a time.
	interleaved := func(order []int, readers, files int) (mixed []int) {
		parts := slices.Collect(slices.Chunk(order, files))
		active := parts[:readers:readers]
		parts = parts[readers:]
		for len(active) > 0 {
			for i := 0; i < len(active); i++ {
				mixed = append(mixed, active[i][0])
				if active[i] = active[i][1:]; len(active[i]) > 0 {
					continue
				}
				if len(parts) > 0 {
					active[i], parts = parts[0], parts[1:]
				} else {
					active = slices.Delete(active, i, i+1)
					i--
				}
			}
		}
		return mixed
	}
	r := rand.New(rand.NewPCG(3, 4))
	jittered := slices.Clone(listed)
	for i := 0; i+8 <= n; i += 8 {
		r.Shuffle(8, func(a, b int) { jittered[i+a], jittered[i+b] = jittered[i+b], jittered[i+a] })
	}
	var jumps []int // short runs
	for range 300 {
		from, length := r.IntN(n-30), 2+r.IntN(20)
		for i := range length {
			jumps = append(jumps, from+i)
		}
	}
	byInode := sortedBy(rows, func(a, b search.Entry) int {
		x, y := fileAttr("b", &a.Object).Ino, fileAttr("b", &b.Object).Ino
		if x < y {
			return -1
		}
		return 1
	})
	byName := sortedBy(rows, func(a, b search.Entry) int { return compareNames(a.Key, b.Key) })
	collated := sortedBy(rows, func(a, b search.Entry) int { return compareCollated(a.Key, b.Key) })
	for _, c := range []struct {
		name         string
		opens        []int
		late, wasted int // at most: late of a thousand opens, wasted of a thousand that were read from the store
	}{
		{"as listed", listed, 2, 0},
		{"the last first", reversed(listed), 2, 0},
		{"by inode", byInode, 6, 0},
		{"by inode, the last first", reversed(byInode), 6, 0},
		{"by name", byName, 6, 0},
		{"by collated name", collated, 6, 10},
		{"every seventh", only(listed, func(i int) bool { return i%7 == 0 }), 20, 30},
		{"*.txt", only(listed, func(i int) bool { return strings.HasSuffix(rows[i].Key, ".txt") }), 30, 30},
		{"*.rare", only(listed, func(i int) bool { return strings.HasSuffix(rows[i].Key, ".rare") }), 250, 0},
		{"threads", jittered, 50, 5},
		{"xargs -P4", interleaved(listed, 4, 1), 10, 0},
		{"xargs -P4 -n20", interleaved(listed, 4, 20), 80, 0},
		{"xargs -P4 -n200", interleaved(listed, 4, 200), 60, 40},
		{"xargs -P4 -n500", interleaved(listed, 4, 500), 40, 40},
		{"two greps", interleaved(append(slices.Clone(listed), listed...), 2, n), 10, 0},
		{"a grep and a grep by name", interleaved(append(slices.Clone(listed), byName...), 2, n), 20, 10},
		{"some, in order", only(listed, func(i int) bool { return r.IntN(2) == 0 }), 1000, 120},
		{"most, in order", only(listed, func(i int) bool { return r.IntN(10) > 0 }), 150, 150},
		{"at random", r.Perm(n), 1000, 60},
		{"short runs", jumps, 500, 250},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOpener(t, rows)
			for _, row := range c.opens {
				o.open(row, 64<<10)
			}
			a := &o.fs.ahead.count
			o.fs.ahead.close()
			files, used, wasted := int(a.files.Load()), int(a.used.Load()), int(a.wasted.Load())
			t.Logf("%d opens: %d late, %d fetched, %d used, %d wasted; %d streams", o.opens, o.late, files, used, wasted, a.started.Load())
			if o.late*1000 > c.late*o.opens || wasted*1000 > c.wasted*(files+o.late) {
				t.Errorf("%d late, %d wasted", o.late, wasted)
			}
			if files != len(o.store.fetched) || used+wasted != files {
				t.Errorf("%d were fetched, and %d counted", len(o.store.fetched), files)
			}
		})
	}
}

func BenchmarkOpened(b *testing.B) {
	rows := someRows(100_000)
	for _, every := range []int{1, 7, 50} {
		b.Run(fmt.Sprintf("every %d", every), func(b *testing.B) {
			o := newOpener(b, rows)
			i := 0
			for b.Loop() {
				e := &rows[i%len(rows)]
				i += every
				ref, _ := (&roll{dir: o.dir.dir}).ref(e)
				o.fs.ahead.opened(&fileNode{node: node{fs: o.fs}, ref: ref})
			}
		})
	}
}

// Who has read a directory to its end has the next one fetched from the first open on, whatever the order was; not
// who then opens only the first file of each.
func TestHabit(t *testing.T) {
	for _, c := range []struct {
		name  string
		order func(o *opener) []int
	}{
		{"as listed", func(*opener) []int { return []int{0, 1, 2, 3, 4, 5, 6, 7} }},
		{"downwards", func(*opener) []int { return []int{7, 6, 5, 4, 3, 2, 1, 0} }},
		{"by inode", func(o *opener) []int {
			return sortedBy(o.store.snapshot.rows, func(a, b search.Entry) int {
				return cmp.Compare(fileAttr("b", &a.Object).Ino, fileAttr("b", &b.Object).Ino)
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOpener(t, someRows(8))
			o.fs.Now = func() time.Time { return time.Unix(1, 0) }
			taken := time.Unix(1, 0)
			o.store.snapshot.taken = func() time.Time { return taken }
			next := func() { // the same rows are another directory when they are taken later
				taken = taken.Add(time.Second)
				clear(o.store.fetched)
				clear(o.seen)
			}
			for _, row := range c.order(o) {
				o.open(row, 64<<10)
			}
			for range 3 {
				next()
				o.late = 0
				for i, row := range c.order(o) {
					if o.open(row, 64<<10); i == 0 && len(o.store.fetched) < 4 {
						t.Errorf("after the first open %d are fetched", len(o.store.fetched))
					}
				}
				if o.late != 1 {
					t.Errorf("%d files were waited for, want 1", o.late)
				}
			}
			fetched := 0
			for range 5 {
				next()
				o.open(c.order(o)[0], 64<<10)
				fetched += len(o.store.fetched)
			}
			if fetched > 7 {
				t.Errorf("for the first files of 5 directories, %d others are fetched", fetched)
			}
		})
	}
}

// Orders may come when all opens before have become a stream.
func TestOrdersComeLate(t *testing.T) {
	o := newOpener(t, someRows(8))
	snapshot := o.store.Peek(search.Listing{})
	a, r := o.fs.ahead, o.fs.newRoll(o.dir.dir, o.dir.listing(), snapshot)
	tr := a.trailLocked(r)
	a.makeOrders(tr, r)
	if a.fs.count.panics.Load() != 0 || len(tr.orders) == 0 {
		t.Errorf("%d panics, %d orders", a.fs.count.panics.Load(), len(tr.orders))
	}
}

// A stream without an open for a while ends, and has no listing open any more; and at most maxStreams live.
func TestStreamsEnd(t *testing.T) {
	rows := someRows(20_000)
	o := newOpener(t, rows)
	now := time.Unix(1, 0)
	o.fs.Now = func() time.Time { return now }
	for i := range 2 * maxStreams {
		for j := range 3 {
			o.open(1000*i+j, 64<<10)
		}
	}
	if n := o.store.snapshot.open.Load(); n != maxStreams {
		t.Errorf("%d snapshots are open, want one for each of %d streams", n, maxStreams)
	}
	now = now.Add(streamIdle - time.Second)
	o.open(1000*(2*maxStreams-1)+3, 64<<10)
	o.fs.ahead.stopIdle()
	if n := o.store.snapshot.open.Load(); n != maxStreams {
		t.Errorf("before their time, %d streams are left", n)
	}
	now = now.Add(time.Second)
	o.fs.ahead.stopIdle()
	if n := o.store.snapshot.open.Load(); n != 1 {
		t.Errorf("%d streams are left, want the one in use", n)
	}
}

// What the store refuses is asked for again once a file was opened or closed.
func TestRefusedIsAskedForAgain(t *testing.T) {
	o := newOpener(t, someRows(100))
	o.store.refuse = true
	for i := range 10 {
		o.open(i, 64<<10)
	}
	if n := len(o.store.fetched); n != 0 {
		t.Fatalf("%d are fetched", n)
	}
	o.store.refuse = false
	for i := 10; i < 100; i++ {
		o.open(i, 64<<10)
	}
	if o.late > 11 {
		t.Errorf("%d files were waited for", o.late)
	}
	if n := o.fs.ahead.count.wasted.Load(); n != 0 {
		t.Errorf("%d are counted as wasted", n)
	}
}

// Of large files as much is fetched as was read of those before, and the first MiB when they are read to their end.
func TestAsMuchIsFetchedAsWasRead(t *testing.T) {
	rows := someRows(100)
	for i := range rows {
		rows[i].Size = 10 << 20
	}
	for _, c := range []struct{ read, want int64 }{{1, littleRead}, {300 << 10, 300 << 10}, {5 << 20, wholeFile}, {10 << 20, wholeFile}} {
		o := newOpener(t, rows)
		for i := range 50 {
			o.open(i, c.read)
		}
		if got := o.store.fetched[rows[49].Key]; got != c.want {
			t.Errorf("of who reads %d bytes of each, %d are fetched, want %d", c.read, got, c.want)
		}
	}
}
