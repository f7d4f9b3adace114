package cache

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// sequence is n bytes that tell their offset.
func sequence(n int) string {
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%07d,", b.Len())
	}
	return b.String()[:n]
}

func TestReadRangeIsAReaderAt(t *testing.T) {
	st := newStore(10)
	for _, size := range []int{0, 1, 15, 16, 17, 32, 100, 200} {
		text := sequence(size)
		ref := st.put("b", fmt.Sprint(size), text)
		c := newCache(t, st, minute)
		for range 2 { // cold, warm
			for off := 0; off <= size+2; off++ {
				for _, n := range []int{0, 1, 3, 15, 16, 17, 40, 300} {
					p := make([]byte, n)
					got, err := c.ReadRange(t.Context(), ref, p, int64(off))
					p2 := make([]byte, n)
					want, wantErr := strings.NewReader(text).ReadAt(p2, int64(off))
					if n == 0 {
						wantErr = nil
					}
					if got != want || err != wantErr || string(p[:got]) != string(p2[:want]) {
						t.Fatalf("size %d: ReadRange of %d at %d is %d %q, %v, want %d %q, %v",
							size, n, off, got, p[:got], err, want, p2[:want], wantErr)
					}
				}
			}
		}
		if _, err := c.ReadRange(t.Context(), ref, make([]byte, 1), -1); search.KindOf(err) != search.KindInvalid {
			t.Errorf("negative offset: %v", err)
		}
	}
	want := 0
	for _, size := range []int{0, 1, 15, 16, 17, 32, 100, 200} {
		want += (size + 15) / 16
	}
	st.wantRequests(t, "read", want) // each block once
}

func TestColdBlockIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		text := sequence(160)
		ref := st.put("b", "k", text)
		release := make(chan struct{})
		st.on = func(context.Context, string, string, string) error { <-release; return nil }
		c := newCache(t, st, minute)
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				p := make([]byte, 40)
				off := i % 8
				if n, err := c.ReadRange(t.Context(), ref, p, int64(off)); err != nil || string(p[:n]) != text[off:off+40] {
					t.Errorf("%d at %d: %q, %v", n, off, p[:n], err)
				}
			})
		}
		synctest.Wait()
		st.wantRequests(t, "read", 3) // blocks 0 to 2, at the same time
		close(release)
		wg.Wait()
		st.wantRequests(t, "read", 3)
		if n := stat(t, c, "cache_block_misses"); n != 3 {
			t.Errorf("%d misses", n)
		}
	})
}

// However long the read, only so many of its blocks are on the way.
func TestBlocksAheadAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		text := sequence(1600)
		ref := st.put("b", "k", text)
		var inFlight atomic.Int64
		var full atomic.Bool
		st.on = func(context.Context, string, string, string) error {
			switch n := inFlight.Add(1); {
			case n > maxBlocksAtOnce:
				t.Errorf("%d requests at once", n)
			case n == maxBlocksAtOnce:
				full.Store(true)
			}
			time.Sleep(time.Second)
			inFlight.Add(-1)
			return nil
		}
		c := newCache(t, st, minute)
		p := make([]byte, 1600)
		if n, err := c.ReadRange(t.Context(), ref, p, 0); err != nil || string(p[:n]) != text {
			t.Errorf("%q, %v", p[:n], err)
		}
		st.wantRequests(t, "read", 100)
		if !full.Load() {
			t.Errorf("never %d requests at once", maxBlocksAtOnce)
		}
	})
}

func TestReadWithoutAnETagIsNotKept(t *testing.T) {
	st := newStore(10)
	ref := st.put("b", "k", "0123456789")
	ref.ETag, ref.Size = "", 0
	c := newCache(t, st, minute)
	for range 2 {
		p := make([]byte, 4)
		if n, err := c.ReadRange(t.Context(), ref, p, 8); n != 2 || err != io.EOF || string(p[:2]) != "89" {
			t.Errorf("%d %q, %v", n, p, err)
		}
	}
	st.wantRequests(t, "read", 2)
	if items := stat(t, c, "cache_items"); items != 0 {
		t.Errorf("%d items", items)
	}
}

func TestChangedObjectIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		v1 := st.put("b", "k", sequence(64))
		c := newCache(t, st, minute)
		s := mustOpen(t, c, query("b", "x"))
		drain(t, s)
		s.Close()
		p := make([]byte, 16)
		if _, err := c.ReadRange(t.Context(), v1, p, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Stat(t.Context(), v1); err != nil {
			t.Fatal(err)
		}
		v2 := st.put("b", "k", "new "+sequence(60))
		// What is kept of v1 is of v1.
		if n, err := c.ReadRange(t.Context(), v1, p, 0); err != nil || string(p[:n]) != sequence(16) {
			t.Errorf("kept block: %q, %v", p[:n], err)
		}
		if _, err := c.ReadRange(t.Context(), v1, p, 16); search.KindOf(err) != search.KindChanged {
			t.Errorf("block of the old ETag: %v", err)
		}
		if c.Peek(query("b", "x")) != nil {
			t.Error("the listing with the old ETag is kept")
		}
		if o, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k"}); err != nil || o.ETag != v2.ETag {
			t.Errorf("Stat: %+v, %v", o, err)
		}
		if _, err := c.ReadRange(t.Context(), v1, p, 0); search.KindOf(err) != search.KindChanged {
			t.Errorf("the old block is still kept: %v", err)
		}
		if n, err := c.ReadRange(t.Context(), v2, p, 0); err != nil || string(p[:n]) != "new "+sequence(12) {
			t.Errorf("new block: %q, %v", p[:n], err)
		}
	})
}

func TestForgetDuringARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		ref := st.put("b", "k", sequence(16))
		release := make(chan struct{})
		st.on = func(context.Context, string, string, string) error { <-release; return nil }
		c := newCache(t, st, minute)
		got := make(chan string)
		go func() {
			p := make([]byte, 16)
			n, err := c.ReadRange(t.Context(), ref, p, 0)
			if err != nil {
				t.Error(err)
			}
			got <- string(p[:n])
		}()
		synctest.Wait()
		c.Forget("b", "k")
		close(release)
		if got := <-got; got != sequence(16) {
			t.Errorf("who waited got %q", got)
		}
		if u := c.mem.usage(); u != (usage{free: 16}) {
			t.Errorf("kept: %+v", u)
		}
	})
}

// lying returns fewer bytes than there are.
type lying struct {
	search.Store
	err error
}

func (l lying) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	n, _ := l.Store.ReadRange(ctx, ref, p, off)
	return n / 2, l.err
}

func TestShortDataIsAnError(t *testing.T) {
	st := newStore(10)
	ref := st.put("b", "k", sequence(64))
	for _, lie := range []error{nil, io.EOF} {
		for _, budget := range []int64{0, -1} { // through blocks, past them
			o := minute
			o.MemoryBudget = budget
			c := newCache(t, lying{st, lie}, o)
			for range 2 {
				if _, err := c.ReadRange(t.Context(), ref, make([]byte, 16), 0); err == nil || err == io.EOF || search.KindOf(err) != search.KindIO {
					t.Errorf("store says %v, budget %d: %v", lie, budget, err)
				}
			}
		}
	}
	// A ref that says more than there is.
	ref.Size = 100
	c := newCache(t, st, minute)
	if _, err := c.ReadRange(t.Context(), ref, make([]byte, 100), 0); search.KindOf(err) != search.KindIO || err == io.EOF {
		t.Errorf("ref longer than the object: %v", err)
	}
}

// Blocks for which there is no room go past the cache, whole and right.
func TestReadWithoutRoom(t *testing.T) {
	st := newStore(10)
	text := sequence(100)
	ref := st.put("b", "k", text)
	o := minute
	o.MemoryBudget = -1
	c := newCache(t, st, o)
	for range 2 {
		p := make([]byte, 90)
		if n, err := c.ReadRange(t.Context(), ref, p, 5); err != nil || string(p[:n]) != text[5:95] {
			t.Errorf("%q, %v", p[:n], err)
		}
	}
	st.wantRequests(t, "read", 2)
	if n := stat(t, c, "cache_block_bypassed"); n != 2 {
		t.Errorf("%d bypassed", n)
	}
}
