package cache

import (
	"context"
	"errors"
	"io"
	"iter"
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
		want := []RunningListing{{Listing: query("b", "x"), Began: s.Taken(), Rows: 50, Pages: 5, Waiting: true}}
		same := cmp.Comparer(func(a, b search.Listing) bool { return a.ID() == b.ID() })
		if diff := cmp.Diff(want, c.Running(), same); diff != "" {
			t.Error(diff)
		}
		if n, complete := s.Len(); n != 50 || complete {
			t.Errorf("Len is %d, %v", n, complete)
		}
		s.Close()
		time.Sleep(leftTime)
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

// Who opens a listing again that still grows goes on with it: grep -r opens a
// directory twice. One such listing waits, for a second, and uses nothing meanwhile.
func TestGrowingListingIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 100)
		c := newCache(t, st, minute)
		s := mustOpen(t, c, query("b", "x"))
		if _, err := s.Row(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		s.Close()
		time.Sleep(leftTime - 1)
		s = mustOpen(t, c, query("b", "x"))
		time.Sleep(2 * leftTime) // it is in use
		if n := len(drain(t, s)); n != 100 {
			t.Errorf("%d rows, want 100", n)
		}
		st.wantRequests(t, "query", 10)
		s.Close()

		mustOpen(t, c, query("b", "y")).Close()
		mustOpen(t, c, query("b", "z")).Close() // takes the place of y
		synctest.Wait()
		if got := c.Running(); len(got) != 1 {
			t.Errorf("running after the last Close: %+v", got)
		}
		c.Forget("b", "k000000") // whoever waits for it is not given it
		mustOpen(t, c, query("b", "z")).Close()
		time.Sleep(leftTime)
		synctest.Wait()
		if got := c.Running(); len(got) != 0 {
			t.Errorf("running in the end: %+v", got)
		}
		if open := stat(t, c, "cache_open_bytes"); open != 0 {
			t.Errorf("%d bytes open", open)
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
		time.Sleep(time.Nanosecond)
		s2 := mustOpen(t, c, l)
		if got := len(drain(t, s2)); got != 25 {
			t.Errorf("%d rows", got)
		}
		s.Close()
		s2.Close()
	})
}

// A store that ends its iterator without an error when its context ends must
// not make a complete listing of it.
func TestListingOfAStoreThatStopsSilently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 25)
		c := New(silent{st}, minute)
		s := mustOpen(t, c, query("b", "x"))
		if _, err := s.Row(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the fetch waits for demand
		st.on = func(ctx context.Context, _, _, _ string) error { <-ctx.Done(); return ctx.Err() }
		go c.Close()
		if _, err := s.Row(t.Context(), 24); search.KindOf(err) != search.KindCanceled {
			t.Errorf("row that was not fetched: %v", err)
		}
		if n, complete := s.Len(); complete {
			t.Errorf("%d rows are complete", n)
		}
		s.Close()
	})
}

type silent struct{ search.Store }

func (s silent) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		for o, err := range s.Store.Query(ctx, l) {
			if err != nil || !yield(o, nil) {
				return
			}
		}
	}
}

// A store that panics must not hang the readers.
func TestListingOfAStoreThatPanics(t *testing.T) {
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
		synctest.Wait()
		st.wantRequests(t, "query", 2)
		s.Close()
	})
}

// A row is there for its reader as soon as its page is, whoever waits for more.
func TestRowsArriveWithTheirPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 30)
		pages := make(chan struct{})
		st.on = func(context.Context, string, string, string) error { <-pages; return nil }
		c := newCache(t, st, minute)
		s := mustOpen(t, c, query("b", "x"))
		defer s.Close()
		got := make(chan int, 2)
		for _, i := range []int{9, 29} {
			go func() {
				if _, err := s.Row(t.Context(), i); err != nil {
					t.Error(err)
				}
				got <- i
			}()
			synctest.Wait()
		}
		pages <- struct{}{}
		synctest.Wait()
		if len(got) != 1 {
			t.Errorf("%d readers have their row after the first page, want 1", len(got))
		}
		close(pages)
		synctest.Wait()
		if len(got) != 2 {
			t.Errorf("%d readers have their row, want 2", len(got))
		}
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
