package cache

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

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
		o.PageRows, o.MemoryBudget = 1000, 100<<10
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

func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 15)
		st.put("b", "dir/x", "x")
		c := newCache(t, st, minute)
		dir, other := search.Listing{Bucket: "b", Prefix: "dir/", Recursive: true}, query("b", "other")
		c.Drop(dir) // of what was never taken it does nothing
		stat := func(key string) error {
			_, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: key})
			return err
		}
		for range 2 {
			for _, key := range []string{"k000001", "dir/x", "dir/new"} {
				if err := stat(key); (err != nil) != (key == "dir/new") {
					t.Fatal(err)
				}
			}
		}
		st.wantRequests(t, "stat", 3)

		held := mustOpen(t, c, dir)
		drain(t, held)
		defer held.Close()
		s := mustOpen(t, c, other)
		drain(t, s)
		s.Close()
		if p := c.Peek(dir); p == nil {
			t.Fatal("there is nothing to drop")
		} else {
			p.Close()
		}
		c.Drop(dir)
		c.Drop(dir)
		if p := c.Peek(dir); p != nil {
			t.Error("what was dropped is kept")
		}
		if p := c.Peek(other); p == nil {
			t.Error("another listing was dropped")
		} else {
			p.Close()
		}
		if _, ok := held.Find("dir/x"); !ok {
			t.Error("Drop touched the rows of an open handle")
		}

		st.put("b", "dir/new", "n")
		for key, requests := range map[string]int{"k000001": 0, "dir/x": 1, "dir/new": 1} {
			before := st.count("stat")
			if err := stat(key); err != nil || st.count("stat") != before+requests {
				t.Errorf("Stat of %s after Drop: %v, %d requests, want %d", key, err, st.count("stat")-before, requests)
			}
		}

		// Kept, complete, and nobody holds it.
		c.Drop(other)
		if p := c.Peek(other); p != nil {
			t.Error("what nobody holds was not dropped")
		}
	})
}
