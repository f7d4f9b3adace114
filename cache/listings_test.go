package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/google/go-cmp/cmp"
)

func TestOpenSharesOneListingForItsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		c := newCache(t, st, minute)
		l := query("b", "size>1")

		s := mustOpen(t, c, l)
		if got := len(drain(t, s)); got != 25 {
			t.Fatalf("%d rows, want 25", got)
		}
		st.wantRequests(t, "query", 3)
		s.Close()

		time.Sleep(59 * time.Second)
		s = mustOpen(t, c, l)
		if n, complete := s.Len(); n != 25 || !complete {
			t.Errorf("Len is %d, %v, want 25, true", n, complete)
		}
		drain(t, s)
		st.wantRequests(t, "query", 3)
		if left := time.Until(s.Expires()); left != time.Second {
			t.Errorf("%v left, want 1s", left)
		}
		if p := c.Peek(l); p == nil {
			t.Error("Peek has none, though it is open")
		} else {
			p.Close()
		}

		time.Sleep(time.Second)
		if p := c.Peek(l); p != nil {
			t.Error("Peek returns an expired listing")
		}
		s2 := mustOpen(t, c, l)
		drain(t, s2)
		st.wantRequests(t, "query", 6)
		if e, err := s.Row(t.Context(), 24); err != nil || e.Key != "k000024" {
			t.Errorf("the expired handle's last row is %v, %v", e.Key, err)
		}
		s.Close()
		s2.Close()
		s2.Close() // harmless
		if p := c.Peek(l); p == nil {
			t.Error("closing the old listing dropped the new one")
		} else {
			p.Close()
		}
	})
}

func TestFolderListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		for _, k := range []string{"a/1", "a/b/2", "a/b/3", "c"} {
			st.put("b", k, k)
		}
		c := newCache(t, st, minute)
		s := mustOpen(t, c, search.Listing{Bucket: "b", Prefix: "a/"})
		defer s.Close()
		var keys []string
		for _, e := range drain(t, s) {
			keys = append(keys, e.Key)
		}
		if diff := cmp.Diff([]string{"a/1", "a/b/"}, keys); diff != "" {
			t.Error(diff)
		}
		if e, ok := s.Find("a/b/"); !ok || !e.Folder {
			t.Errorf("Find(a/b/) is %+v, %v", e, ok)
		}
		if _, ok := s.Find("a/b/2"); ok {
			t.Error("Find has a key of another level")
		}
	})
}

// A reader of the first rows has two pages fetched, one who reads on gets the
// page after the one being read.
func TestFetchFollowsDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 100)
		c := newCache(t, st, minute)
		s := mustOpen(t, c, query("b", "x"))
		synctest.Wait()
		st.wantRequests(t, "query", 1)
		for _, step := range []struct{ row, pages int }{{0, 2}, {9, 2}, {10, 3}, {5, 3}, {34, 5}} {
			if _, err := s.Row(t.Context(), step.row); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := st.count("query"); got != step.pages {
				t.Errorf("after row %d: %d pages, want %d", step.row, got, step.pages)
			}
		}
		want := []RunningListing{{Bucket: "b", Where: "x", Began: s.Taken(), Rows: 50, Pages: 5, Waiting: true}}
		if diff := cmp.Diff(want, c.Running()); diff != "" {
			t.Error(diff)
		}
		if n, complete := s.Len(); n != 50 || complete {
			t.Errorf("Len is %d, %v", n, complete)
		}
		s.Close()
		synctest.Wait()
		if got := c.Running(); len(got) != 0 {
			t.Errorf("running after the last Close: %+v", got)
		}
		if open := stat(t, c, "cache_open_bytes"); open != 0 {
			t.Errorf("%d bytes open", open)
		}
		st.wantRequests(t, "query", 5)
		if p := c.Peek(query("b", "x")); p != nil {
			t.Error("an incomplete listing is kept")
		}
	})
}

func TestZeroTTLNeverShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 5)
		o := minute
		o.TTL = 0
		c := newCache(t, st, o)
		s1, s2 := mustOpen(t, c, query("b", "x")), mustOpen(t, c, query("b", "x"))
		drain(t, s1)
		drain(t, s2)
		st.wantRequests(t, "query", 2)
		if c.Peek(query("b", "x")) != nil {
			t.Error("Peek returns a listing of no lifetime")
		}
		if _, ok := s1.Find("k000003"); !ok {
			t.Error("an open snapshot lost its rows")
		}
		s1.Close()
		s2.Close()
		if u := c.mem.usage(); u != (usage{}) {
			t.Errorf("left over: %+v", u)
		}
	})
}

func TestBrokenListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		broken := &search.Error{Op: "query", Bucket: "b", Kind: search.KindTooLarge}
		st.on = func(context.Context, string, string, string) error {
			if st.count("query") == 2 {
				return broken
			}
			return nil
		}
		c := newCache(t, st, minute)
		l := query("b", "x")
		s := mustOpen(t, c, l)
		if _, err := s.Row(t.Context(), 9); err != nil {
			t.Fatal("row before the break:", err)
		}
		for _, i := range []int{10, 11, 1000} {
			if _, err := s.Row(t.Context(), i); err != broken {
				t.Errorf("row %d: %v", i, err)
			}
		}
		if n, complete := s.Len(); n != 10 || complete {
			t.Errorf("Len is %d, %v", n, complete)
		}
		if s.Expires().After(time.Now()) {
			t.Error("a broken listing has not expired")
		}
		if c.Peek(l) != nil {
			t.Error("Peek returns a broken listing")
		}
		time.Sleep(minute.NegativeTTL - 1)
		if _, err := c.Open(t.Context(), l); search.KindOf(err) != search.KindTooLarge {
			t.Errorf("Open within the negative lifetime: %v", err)
		}
		st.wantRequests(t, "query", 2)
		time.Sleep(1)
		s2 := mustOpen(t, c, l)
		if got := len(drain(t, s2)); got != 25 {
			t.Errorf("%d rows", got)
		}
		s.Close()
		s2.Close()
	})
}

// A store that ends its iterator without an error when its context ends must
// not make a complete listing of it; one that panics must not hang the readers.
func TestListingOfAFaultyStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		st.on = func(context.Context, string, string, string) error {
			if st.count("query") == 2 {
				panic("boom")
			}
			return nil
		}
		c := newCache(t, st, minute)
		s := mustOpen(t, c, query("b", "x"))
		if _, err := s.Row(t.Context(), 20); search.KindOf(err) != search.KindIO || err == nil {
			t.Errorf("Row of a store that panicked: %v", err)
		}
		s.Close()
	})
}

func TestRowObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		release := make(chan struct{})
		st.on = func(ctx context.Context, _, _, _ string) error {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		c := newCache(t, st, minute)
		openCtx, cancelOpen := context.WithCancel(t.Context())
		s, err := c.Open(openCtx, query("b", "x"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error)
		rows := make(chan search.Entry)
		go func() { _, err := s.Row(ctx, 3); errs <- err }()
		go func() {
			e, err := s.Row(t.Context(), 3)
			if err != nil {
				t.Error(err)
			}
			rows <- e
		}()
		synctest.Wait()
		cancelOpen() // the listing is not the opener's alone
		cancel()
		if err := <-errs; err != context.Canceled {
			t.Errorf("cancelled Row: %v", err)
		}
		close(release)
		if e := <-rows; e.Key != "k000003" {
			t.Errorf("row 3 is %q", e.Key)
		}
		s.Close()
		st.wantRequests(t, "query", 2)
	})
}

func TestCloseOfTheLastHandleCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		st.on = func(ctx context.Context, _, _, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}
		c := newCache(t, st, minute)
		s1, s2 := mustOpen(t, c, query("b", "x")), mustOpen(t, c, query("b", "x"))
		st2 := make(chan error)
		go func() { _, err := s2.Row(t.Context(), 0); st2 <- err }()
		synctest.Wait()
		st.wantRequests(t, "query", 1)
		s1.Close()
		synctest.Wait()
		if len(c.Running()) != 1 {
			t.Error("cancelled though a handle is open")
		}
		s2.Close()
		if err := <-st2; search.KindOf(err) != search.KindCanceled {
			t.Errorf("Row of a closed snapshot: %v", err)
		}
		synctest.Wait()
		// The cancelled listing is no broken one.
		s3 := mustOpen(t, c, query("b", "x"))
		synctest.Wait()
		st.wantRequests(t, "query", 2)
		s3.Close()
	})
}

func TestCacheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		c := New(st, minute)
		s := mustOpen(t, c, query("b", "x"))
		if _, err := s.Row(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if _, err := s.Row(t.Context(), 0); err != nil {
			t.Error("a row that was there:", err)
		}
		if _, err := s.Row(t.Context(), 24); search.KindOf(err) != search.KindCanceled {
			t.Errorf("a row that was not: %v", err)
		}
		if _, err := c.Open(t.Context(), query("b", "y")); search.KindOf(err) != search.KindCanceled {
			t.Errorf("Open: %v", err)
		}
		if _, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k000001"}); search.KindOf(err) != search.KindCanceled {
			t.Errorf("Stat: %v", err)
		}
		if _, err := c.ReadRange(t.Context(), st.put("b", "k", "0123"), make([]byte, 2), 0); search.KindOf(err) != search.KindCanceled {
			t.Errorf("ReadRange: %v", err)
		}
		s.Close()
		if u := c.mem.usage(); u != (usage{}) {
			t.Errorf("left over: %+v", u)
		}
	})
}

func TestForgetMakesListingsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 15)
		st.put("b", "dir/x", "x")
		c := newCache(t, st, minute)
		has, open := query("b", "kept"), query("b", "open")
		hasNot := search.Listing{Bucket: "b", Prefix: "dir/"}
		other := search.Listing{Bucket: "b2", Where: has.Where}
		st.fill("b2", 15)
		for _, l := range []search.Listing{has, hasNot, other} {
			s := mustOpen(t, c, l)
			drain(t, s)
			s.Close()
		}
		s := mustOpen(t, c, open)
		drain(t, s)
		defer s.Close()

		c.Forget("b", "k000007")
		for _, l := range []search.Listing{has, open} {
			if p := c.Peek(l); p != nil {
				t.Errorf("%q has the forgotten object and is still kept", l.ID())
			}
		}
		for _, l := range []search.Listing{hasNot, other} {
			if p := c.Peek(l); p == nil {
				t.Errorf("%q does not have the forgotten object and is gone", l.ID())
			} else {
				p.Close()
			}
		}
		if _, ok := s.Find("k000007"); !ok {
			t.Error("Forget touched the rows of an open handle")
		}
		if s.Expires().After(time.Now()) {
			t.Error("the open handle has not expired")
		}
	})
}

// A listing larger than the budget is delivered, and not kept.
func TestListingLargerThanTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(1000)
		st.fill("b", 3000)
		o := minute
		o.PageRows, o.MemoryBudget = 1000, 200<<10
		c := newCache(t, st, o)
		if _, err := c.Schema(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		s := mustOpen(t, c, query("b", "x"))
		if got := len(drain(t, s)); got != 3000 {
			t.Errorf("%d rows", got)
		}
		if open := stat(t, c, "cache_open_bytes"); open < o.MemoryBudget {
			t.Errorf("%d bytes open: the test's listing is too small", open)
		}
		// What is small and in use is kept beside it.
		if _, err := c.Schema(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		st.wantRequests(t, "schema", 1)
		s.Close()
		if p := c.Peek(query("b", "x")); p != nil {
			t.Error("kept")
		}
		if open := stat(t, c, "cache_open_bytes"); open != 0 {
			t.Errorf("%d bytes open after Close", open)
		}
	})
}

func TestListingsAreEvictedByUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(100)
		st.fill("b", 100)
		o := minute
		o.PageRows, o.MemoryBudget = 100, 150<<10
		c := newCache(t, st, o)
		first := query("b", "first")
		for i := range 40 {
			s := mustOpen(t, c, first) // used again and again
			drain(t, s)
			s.Close()
			s = mustOpen(t, c, query("b", fmt.Sprint(i)))
			drain(t, s)
			s.Close()
		}
		if p := c.Peek(first); p == nil {
			t.Error("the listing in use was evicted")
		} else {
			p.Close()
		}
		if p := c.Peek(query("b", "0")); p != nil {
			t.Error("the oldest listing was not evicted")
		}
		if stat(t, c, "cache_evictions") == 0 {
			t.Error("no eviction was counted")
		}
		if kept := stat(t, c, "cache_kept_bytes"); kept > o.MemoryBudget {
			t.Errorf("%d bytes kept", kept)
		}
	})
}

func TestOpenOfACancelledContext(t *testing.T) {
	c := newCache(t, newStore(10), minute)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Open(ctx, query("b", "x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRowOutOfRange(t *testing.T) {
	st := newStore(10)
	st.fill("b", 3)
	c := newCache(t, st, minute)
	s := mustOpen(t, c, query("b", "x"))
	defer s.Close()
	if _, err := s.Row(t.Context(), -1); search.KindOf(err) != search.KindInvalid {
		t.Errorf("row -1: %v", err)
	}
	for _, i := range []int{3, 1 << 40, int(^uint(0) >> 1)} {
		if _, err := s.Row(t.Context(), i); err != io.EOF {
			t.Errorf("row %d: %v", i, err)
		}
	}
}
