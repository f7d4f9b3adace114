package cache

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

func smallRef(i int, size int64) search.Ref {
	return search.Ref{Bucket: "b", Key: fmt.Sprint("small", i), ETag: "e", Size: size}
}

// Files that were fetched before they were opened cost no request at their opening, and count as used.
func TestPrefetchIsUsed(t *testing.T) {
	w := &wire{trip: time.Second}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		for i := range 32 {
			if asked, ok := c.Prefetch(ctx, smallRef(i, 64<<10), mib); asked != 64<<10 || !ok {
				t.Fatalf("asked %d, %v", asked, ok)
			}
			if asked, ok := c.Prefetch(ctx, smallRef(i, 64<<10), mib); asked != 0 || !ok {
				t.Fatalf("again: asked %d, %v", asked, ok)
			}
		}
		synctest.Wait() // until each is under way: one that is waited for before that is none ahead
		for i := range 32 {
			f := mustOpenFile(t, c, smallRef(i, 64<<10))
			mustRead(t, f, 0, 64<<10, 64<<10)
			f.Close()
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v", took)
		}
		reads := w.seen()
		if len(reads) != 32 {
			t.Errorf("%d requests", len(reads))
		}
		for _, r := range reads {
			if !r.ahead {
				t.Errorf("not marked as ahead: %+v", r)
			}
		}
		if a := c.ahead.usage(); a.asked != 32*64<<10 || a.used != a.asked || a.wasted != 0 || a.outstanding != 0 {
			t.Errorf("%+v", a)
		}
	})
}

// What nobody waits for ends with its context; what somebody waits for, and what has come, does not.
func TestPrefetchEndsWithItsContext(t *testing.T) {
	w := &wire{trip: time.Second}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		ctx, cancel := context.WithCancel(t.Context())
		c.Prefetch(ctx, smallRef(0, 100), mib)
		time.Sleep(2 * time.Second)
		for i := 1; i < 10; i++ {
			c.Prefetch(ctx, smallRef(i, 100), mib)
		}
		opened := make(chan search.File)
		go func() { opened <- mustOpenFile(t, c, smallRef(5, 100)) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if now, stopped := w.busy(); now != 1 || stopped != 8 {
			t.Errorf("%d requests go on, %d were stopped", now, stopped)
		}
		(<-opened).Close()
		mustOpenFile(t, c, smallRef(0, 100)).Close() // no request
		if a := c.ahead.usage(); len(w.seen()) != 10 || a.outstanding != 0 || a.asked != 200 || a.wasted != 0 {
			t.Errorf("%d requests, %+v", len(w.seen()), a)
		}
	})
}

// A reader who joins makes the request one that is waited for.
func TestPrefetchIsPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		ref := st.put("b", "k", sequence(16))
		promoted := false
		st.on = func(ctx context.Context, _, _, _ string) error {
			ch, ahead := search.ReadAhead(ctx)
			if !ahead {
				t.Error("not begun as ahead")
			}
			<-ch
			_, ahead = search.ReadAhead(ctx)
			promoted = !ahead
			return nil
		}
		c := newCache(t, st, Options{})
		if asked, ok := c.Prefetch(t.Context(), ref, 16); asked != 16 || !ok {
			t.Fatal(asked, ok)
		}
		synctest.Wait()
		mustOpenFile(t, c, ref).Close() // waits until it is
		if !promoted {
			t.Error("not promoted")
		}
		c.Close()
	})
}

// Bytes and requests ahead are bounded, and reading makes room again.
func TestPrefetchIsBounded(t *testing.T) {
	w := &wire{trip: time.Second}
	bubble(t, w, Options{MemoryBudget: 64 * mib}, func(t *testing.T, c *Cache) {
		n := 0
		for ; ; n++ {
			if _, ok := c.Prefetch(t.Context(), smallRef(n, mib), mib); !ok {
				break
			}
		}
		if n != 24 { // three quarters of half of the budget
			t.Errorf("%d MiB ahead", n)
		}
		time.Sleep(2 * time.Second)
		if _, ok := c.Prefetch(t.Context(), smallRef(n, mib), mib); ok {
			t.Error("what has landed unread does not count")
		}
		f := mustOpenFile(t, c, smallRef(0, mib))
		f.Close()
		if _, ok := c.Prefetch(t.Context(), smallRef(n, mib), mib); !ok {
			t.Error("reading made no room")
		}
		// What nobody came for is not waited for for ever.
		time.Sleep(aheadAge)
		if _, ok := c.Prefetch(t.Context(), smallRef(n+1, mib), mib); !ok {
			t.Error("old ones leave no room")
		}
		for i := 0; ; i++ {
			if _, ok := c.Prefetch(t.Context(), smallRef(1000+i, 1), mib); !ok {
				if i != aheadRequests-1 {
					t.Errorf("%d small requests at the same time", i)
				}
				break
			}
		}
	})
}

// What leaves memory unread is wasted, and turns reading ahead down; what is read turns it up again.
func TestWasteTurnsReadingAheadDown(t *testing.T) {
	w := &wire{trip: time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 32 * mib}, func(t *testing.T, c *Cache) {
		at := 0
		round := func(read bool) {
			ctx, cancel := context.WithCancel(t.Context())
			for {
				if _, ok := c.Prefetch(ctx, smallRef(at, 512<<10), mib); !ok {
					break
				}
				at++
				time.Sleep(time.Second)
				if read {
					f := mustOpenFile(t, c, smallRef(at-1, 512<<10))
					mustRead(t, f, 0, 512<<10, 128<<10)
					f.Close()
				}
				if at%100 == 0 {
					break
				}
			}
			cancel()
			synctest.Wait()
		}
		for range 20 {
			round(false)
		}
		u := c.ahead.usage()
		if u.limit != c.ahead.floor || u.used != 0 || u.wasted == 0 || u.outstanding != 0 {
			t.Errorf("after waste: %+v", u)
		}
		if kept := u.asked - u.wasted; kept < 0 || kept > 32*mib {
			t.Errorf("%d bytes are neither used nor wasted", kept)
		}
		round(true)
		if u := c.ahead.usage(); u.limit != c.ahead.max {
			t.Errorf("after use: %+v", u)
		}
	})
}

// Whoever begins to read forward again and again, and never goes on, has little more fetched in vain than the first credit and a
// part of what is read.
func TestWindowsWasteWhatWasEarned(t *testing.T) {
	w := &wire{trip: time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 256 * mib}, func(t *testing.T, c *Cache) {
		read := int64(0)
		for i := range 100 {
			ref := bigRef(64 * mib)
			ref.Key = strings.Repeat("k", i+1)
			f := mustOpenFile(t, c, ref)
			mustRead(t, f, 0, 3*mib, mib/4)
			read += 3 * mib
			synctest.Wait()
			f.Close()
		}
		u := c.ahead.usage()
		if wasted := u.asked - u.used; wasted > firstCredit+read/earnedShare || wasted == 0 {
			t.Errorf("%d bytes were fetched in vain, %d read", wasted, read)
		}
		f := mustOpenFile(t, c, bigRef(64*mib))
		defer f.Close()
		mustRead(t, f, 0, 64*mib, mib/4)
		if c.ahead.credit < 16*mib {
			t.Errorf("after 64 MiB in one go %d bytes may be ahead", c.ahead.credit)
		}
	})
}

func TestNoRoomNoReadAhead(t *testing.T) {
	w := &wire{trip: time.Millisecond}
	bubble(t, w, Options{MemoryBudget: -1}, func(t *testing.T, c *Cache) {
		if asked, ok := c.Prefetch(t.Context(), smallRef(0, 10), mib); asked != 0 || ok {
			t.Error(asked, ok)
		}
		f := mustOpenFile(t, c, smallRef(0, 3*mib))
		defer f.Close()
		mustRead(t, f, 0, 3*mib, 128<<10)
	})
}
