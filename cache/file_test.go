package cache

import (
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

const mib = 1 << 20

// span is one ranged read.
type span struct {
	off, n int64
	ahead  bool // not promoted when it was begun
}

// wire is a store whose objects are endless sequences, behind a link with a round trip; it records what is read.
type wire struct {
	search.Store
	trip time.Duration
	rate float64 // bytes a second of one request; 0: endless

	mu      sync.Mutex
	reads   []span
	now     int // under way
	most    int // so many at the same time
	stopped int // cancelled
}

func (w *wire) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	_, ahead := search.ReadAhead(ctx)
	w.mu.Lock()
	w.reads = append(w.reads, span{off, int64(len(p)), ahead})
	w.now++
	w.most = max(w.most, w.now)
	w.mu.Unlock()
	took := w.trip
	if w.rate > 0 {
		took += time.Duration(float64(len(p)) / w.rate * 1e9)
	}
	timer := time.NewTimer(took)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now--
	if err != nil {
		w.stopped++
		return 0, err
	}
	n := min(int64(len(p)), ref.Size-off)
	pattern(p[:n], off)
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// pattern fills p with bytes that tell their offset: its number in each 8 of them.
func pattern(p []byte, off int64) {
	var word [8]byte
	for len(p) > 0 {
		binary.LittleEndian.PutUint64(word[:], uint64(off>>3)*0x9e3779b97f4a7c15)
		n := copy(p, word[off&7:])
		p, off = p[n:], off+int64(n)
	}
}

func (w *wire) seen() []span {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.reads)
}

// busy returns how many requests are under way, and how many were cancelled.
func (w *wire) busy() (now, stopped int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now, w.stopped
}

func (w *wire) bytes() (n int64) {
	for _, r := range w.seen() {
		n += r.n
	}
	return n
}

func bigRef(size int64) search.Ref { return search.Ref{Bucket: "b", Key: "big", ETag: "e", Size: size} }

func mustOpenFile(t testing.TB, c *Cache, ref search.Ref) search.File {
	t.Helper()
	f, err := c.OpenFile(t.Context(), ref)
	if err != nil {
		t.Fatal("OpenFile:", err)
	}
	return f
}

// holds reports whether v has these bytes.
func holds(v search.View, want []byte) bool {
	return v.Len() == len(want) && string(v.Bytes) == string(want[:len(v.Bytes)]) && string(v.Next) == string(want[len(v.Bytes):])
}

// mustRead reads n bytes of a wire's object at off, in reads of so many bytes.
func mustRead(t testing.TB, f search.File, off, n, each int64) {
	t.Helper()
	p, want := make([]byte, each), make([]byte, each)
	for end := off + n; off < end; off += each {
		v, err := f.View(t.Context(), p, off)
		if err != nil {
			t.Fatalf("View at %d: %v", off, err)
		}
		pattern(want[:v.Len()], off)
		if v.Len() == 0 || !holds(v, want[:v.Len()]) {
			t.Fatalf("wrong bytes at %d", off)
		}
		v.Release()
	}
}

// bubble runs f with a cache over w, in a synctest bubble, and checks what is left behind.
func bubble(t *testing.T, w *wire, o Options, f func(t *testing.T, c *Cache)) {
	synctest.Test(t, func(t *testing.T) {
		c := New(w, o)
		defer c.Close()
		f(t, c)
		synctest.Wait()
		c.mem.check(t)
		if u := c.mem.usage(); u.lent != 0 || u.flying != 0 && c.blocks.len() == 0 {
			t.Errorf("left over: %+v", u)
		}
		a := c.ahead.usage()
		if a.outstanding < 0 || a.used+a.wasted > a.asked {
			t.Errorf("read ahead: %+v", a)
		}
	})
}

func TestSequentialReaderHasAWindow(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		const size = 256 * mib
		began := time.Now()
		f := mustOpenFile(t, c, bigRef(size))
		mustRead(t, f, 0, size, 128<<10)
		f.Close()
		if took := time.Since(began); took > 20*w.trip+256*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if n := len(w.seen()); n != 256 {
			t.Errorf("%d requests for 256 blocks", n)
		}
		if w.most < leastWindow {
			t.Errorf("never more than %d at the same time", w.most)
		}
		if a := c.ahead.usage(); a.used != a.asked || a.asked != 255*mib || a.outstanding != 0 {
			t.Errorf("%+v", a)
		}
	})
}

// The kernel sends reads in parallel, and they come in any order.
func TestSequentialReaderOutOfOrder(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(64*mib))
		defer f.Close()
		for off := int64(0); off < 64*mib; off += 512 << 10 {
			var wg sync.WaitGroup
			for _, at := range []int64{384, 128, 0, 256} {
				wg.Go(func() { mustRead(t, f, off+at<<10, 128<<10, 128<<10) })
			}
			wg.Wait()
		}
		if n := len(w.seen()); n != 64 {
			t.Errorf("%d requests for 64 blocks", n)
		}
		if n := c.count.ranges.Load(); n != 0 {
			t.Errorf("%d reads were taken for jumps", n)
		}
	})
}

func TestShortReadOfABigObjectIsOneRequest(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(1<<30))
		mustRead(t, f, 0, 128<<10, 128<<10)
		f.Close()
		if r := w.seen(); len(r) != 1 || r[0] != (span{0, mib, false}) {
			t.Errorf("%v", r)
		}
	})
}

func TestSeekAwayCancelsTheWindow(t *testing.T) {
	w := &wire{trip: time.Second}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(1<<30))
		defer f.Close()
		mustRead(t, f, 0, 3*mib, mib)
		synctest.Wait()
		if now, _ := w.busy(); now == 0 {
			t.Fatal("nothing is ahead")
		}
		for i := range int64(maxStreams) {
			mustRead(t, f, (100+100*i)*mib, 4096, 4096)
		}
		synctest.Wait()
		if now, _ := w.busy(); now != 0 {
			t.Errorf("%d requests go on", now)
		}
		if a := c.ahead.usage(); a.outstanding != 0 {
			t.Errorf("%+v", a)
		}
	})
}

func TestCloseCancelsTheWindow(t *testing.T) {
	w := &wire{trip: time.Second}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f, other := mustOpenFile(t, c, bigRef(1<<30)), mustOpenFile(t, c, bigRef(1<<30))
		mustRead(t, f, 0, 3*mib, mib)
		synctest.Wait()
		ahead, _ := w.busy()
		if ahead == 0 {
			t.Fatal("nothing is ahead")
		}
		// One block of it is wanted by another reader.
		var wg sync.WaitGroup
		wg.Go(func() { mustRead(t, other, 7*mib, 4096, 4096) })
		synctest.Wait()
		f.Close()
		synctest.Wait()
		if now, _ := w.busy(); now != 1 {
			t.Errorf("%d of %d requests go on, want the one that is waited for", now, ahead)
		}
		wg.Wait()
		other.Close()
	})
}

func TestRandomReaderGetsJustWhatItAsksFor(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(10<<30))
		defer f.Close()
		opened, began := w.bytes(), time.Now()
		at := int64(12345)
		for range 1000 {
			at = (at*6364136223846793005 + 1442695040888963407) & (1<<63 - 1)
			mustRead(t, f, at%(10<<30)&^4095, 4096, 4096)
		}
		if n := w.bytes() - opened; n > 2*4096*1000 {
			t.Errorf("%d bytes for 1000 reads of 4096", n)
		}
		if took := time.Since(began); took > 1000*w.trip*105/100 {
			t.Errorf("took %v", took)
		}
	})
}

// A strided reader leaves out most of what it passes.
func TestStridedReader(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(1<<30))
		defer f.Close()
		for i := range int64(1000) {
			mustRead(t, f, i*100<<10, 4096, 4096)
		}
		if n := w.bytes(); n > 2*4096*1000 {
			t.Errorf("%d bytes for 1000 reads of 4096", n)
		}
	})
}

func TestBackwardReader(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		const size = 64 * mib
		f := mustOpenFile(t, c, bigRef(size))
		defer f.Close()
		began := time.Now()
		for off := int64(size - 16<<10); off >= 0; off -= 16 << 10 {
			mustRead(t, f, off, 16<<10, 16<<10)
		}
		if n := len(w.seen()); n > 64+8 {
			t.Errorf("%d requests for 64 blocks", n)
		}
		if took := time.Since(began); took > 25*w.trip {
			t.Errorf("took %v", took)
		}
	})
}

func TestReaderReturnsToSequential(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(10<<30))
		defer f.Close()
		for i := range int64(20) {
			mustRead(t, f, (i*7919%9000)*mib, 4096, 4096)
		}
		before, began := len(w.seen()), time.Now()
		mustRead(t, f, 9500*mib, 64*mib, 128<<10)
		if n := len(w.seen()) - before; n > 64+64+8 {
			t.Errorf("%d requests for 64 blocks", n)
		}
		if took := time.Since(began); took > 25*w.trip {
			t.Errorf("took %v", took)
		}
	})
}

// 64 readers of one cold file make one request for each of its blocks.
func TestManyReadersOfOneFile(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				f := mustOpenFile(t, c, bigRef(16*mib+5))
				defer f.Close()
				mustRead(t, f, 0, 16*mib+5, 128<<10)
			})
		}
		wg.Wait()
		if n := len(w.seen()); n != 17 {
			t.Errorf("%d requests for 17 blocks", n)
		}
	})
}

// Readers at the same time share what may be ahead.
func TestReadersShareWhatMayBeAhead(t *testing.T) {
	w := &wire{trip: time.Second, rate: 1 << 30}
	bubble(t, w, Options{MemoryBudget: 64 * mib}, func(t *testing.T, c *Cache) {
		var files []search.File
		for range 4 {
			ref := bigRef(1 << 30)
			ref.Key = strings.Repeat("k", len(files)+1)
			files = append(files, mustOpenFile(t, c, ref))
		}
		for i := range int64(100) { // until they have earned all that there is
			for _, f := range files {
				mustRead(t, f, i*mib/4, mib/4, mib/4)
			}
		}
		synctest.Wait()
		for i, f := range files {
			s := f.(*file).streams.list[0]
			if n := s.begun*mib - s.hi; n < 6*mib || n > 9*mib {
				t.Errorf("reader %d has %d bytes ahead of a share of %d", i, n, c.ahead.limit/4)
			}
			f.Close()
		}
	})
}

func TestViewsOfOneBlockAreLent(t *testing.T) {
	st := newStore(10)
	ref := st.put("b", "k", sequence(64))
	c := newCache(t, st, minute)
	f := mustOpenFile(t, c, ref)
	defer f.Close()
	p := make([]byte, 16)
	v, err := f.View(t.Context(), p[:8], 4)
	if err != nil || string(v.Bytes) != sequence(64)[4:12] {
		t.Fatalf("%q, %v", v.Bytes, err)
	}
	if &v.Bytes[0] == &p[0] {
		t.Error("copied without need")
	}
	// It outlives its block.
	c.Forget("b", "k")
	if u := c.mem.usage(); u.lent != 16 || u.kept != 0 {
		t.Errorf("%+v", u)
	}
	for i := range 4 {
		if _, err := c.ReadRange(t.Context(), ref, p, int64(16*i)); err != nil {
			t.Fatal(err)
		}
	}
	if string(v.Bytes) != sequence(64)[4:12] {
		t.Errorf("lent bytes became %q", v.Bytes)
	}
	v.Release()
	// One that crosses from a block to the next is lent in two pieces.
	if v, err := f.View(t.Context(), p, 8); err != nil || !holds(v, []byte(sequence(64)[8:24])) || len(v.Bytes) != 8 {
		t.Errorf("%q %q, %v", v.Bytes, v.Next, err)
	} else {
		v.Release()
	}
	if u := c.mem.usage(); u.lent != 0 {
		t.Errorf("%+v", u)
	}
	defer func() {
		if recover() == nil {
			t.Error("a second release went unnoticed")
		}
	}()
	v.Release()
}

func TestOpenFileFindsOutThatAnObjectChanged(t *testing.T) {
	st := newStore(10)
	old := st.put("b", "k", sequence(64))
	st.put("b", "k", sequence(63))
	c := newCache(t, st, minute)
	if _, err := c.OpenFile(t.Context(), old); search.KindOf(err) != search.KindChanged {
		t.Error(err)
	}
	if _, err := c.OpenFile(t.Context(), search.Ref{Bucket: "b", Key: "k"}); search.KindOf(err) != search.KindInvalid {
		t.Error(err)
	}
	empty := st.put("b", "empty", "")
	before := st.count("read")
	f := mustOpenFile(t, c, empty)
	defer f.Close()
	if _, err := f.View(t.Context(), make([]byte, 1), 0); err != io.EOF {
		t.Error(err)
	}
	st.wantRequests(t, "read", before)
}

// Readers of one object share the kernel's pages: each sees gaps, where another one read. Still a block is
// fetched once, and whole.
func TestReadersInTurn(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{trip: 10 * time.Millisecond}
			c := newCache(t, w, Options{MemoryBudget: 256 * mib})
			ref := bigRef(64 * mib)
			random := rand.New(rand.NewPCG(seed, 0))
			readers := make([]search.File, 2+seed)
			for i := range readers {
				readers[i] = mustOpenFile(t, c, ref)
			}
			const each = 3 * mib / 4
			for off := int64(0); off < ref.Size; off += each {
				mustRead(t, readers[random.IntN(len(readers))], off, each, each)
			}
			synctest.Wait()
			seen := map[int64]bool{}
			for _, s := range w.seen() {
				if s.n != mib || s.off%mib != 0 || seen[s.off] {
					t.Errorf("%d readers: %d bytes were fetched at %d, want each block once", len(readers), s.n, s.off)
				}
				seen[s.off] = true
			}
			for _, f := range readers {
				f.Close()
			}
		})
	}
}
