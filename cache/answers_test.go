package cache

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

func TestSchemaAndBucketsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		st.fill("b", 1)
		c := newCache(t, st, minute)
		ask := func() {
			t.Helper()
			if s, err := c.Schema(t.Context(), "b"); err != nil || !s.Enabled {
				t.Errorf("Schema: %+v, %v", s, err)
			}
			bs, err := c.Buckets(t.Context())
			if err != nil || len(bs) != 1 || bs[0].Name != "b" {
				t.Fatalf("Buckets: %+v, %v", bs, err)
			}
			bs[0].Name = "overwritten" // the slice is the caller's own
		}
		ask()
		time.Sleep(5*time.Minute - 1)
		ask()
		st.wantRequests(t, "schema", 1)
		st.wantRequests(t, "buckets", 1)
		time.Sleep(time.Nanosecond)
		ask()
		st.wantRequests(t, "schema", 2)
		st.wantRequests(t, "buckets", 2)
	})
}

func TestNegativeAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		c := newCache(t, st, minute)
		missing := func() {
			t.Helper()
			if _, err := c.Schema(t.Context(), "none"); search.KindOf(err) != search.KindNotExist {
				t.Errorf("Schema: %v", err)
			}
			if _, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "none"}); search.KindOf(err) != search.KindNotExist {
				t.Errorf("Stat: %v", err)
			}
		}
		missing()
		time.Sleep(5*time.Second - 1)
		missing()
		st.wantRequests(t, "schema", 1)
		st.wantRequests(t, "stat", 1)
		time.Sleep(time.Nanosecond)
		missing()
		st.wantRequests(t, "schema", 2)
		st.wantRequests(t, "stat", 2)
	})
}

func TestOtherErrorsAreNotKept(t *testing.T) {
	st := newStore(10)
	st.fill("b", 1)
	denied := &search.Error{Op: "stat", Kind: search.KindPermission}
	st.on = func(context.Context, string, string, string) error { return denied }
	c := newCache(t, st, minute)
	for range 2 {
		if _, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k000000"}); err != denied {
			t.Errorf("Stat: %v", err)
		}
		if _, err := c.Schema(t.Context(), "b"); err != denied {
			t.Errorf("Schema: %v", err)
		}
	}
	st.wantRequests(t, "stat", 2)
	st.wantRequests(t, "schema", 2)
}

// The lifetime counts from when the request was begun.
func TestStatLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		ref := st.put("b", "k", "v")
		st.on = func(context.Context, string, string, string) error { time.Sleep(10 * time.Second); return nil }
		c := newCache(t, st, minute)
		for range 2 {
			if o, err := c.Stat(t.Context(), ref); err != nil || o.Size != 1 || o.Partial != search.FromHead {
				t.Errorf("Stat: %+v, %v", o, err)
			}
		}
		st.wantRequests(t, "stat", 1)
		time.Sleep(50 * time.Second)
		if _, err := c.Stat(t.Context(), ref); err != nil {
			t.Error(err)
		}
		st.wantRequests(t, "stat", 2)
	})
}

func TestStatOfAnotherETag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		c := newCache(t, st, minute)
		anyETag := search.Ref{Bucket: "b", Key: "k"}
		if _, err := c.Stat(t.Context(), anyETag); search.KindOf(err) != search.KindNotExist {
			t.Fatal(err)
		}
		// A listing has seen what was written meanwhile: "does not exist" is
		// known to be old.
		v1 := st.put("b", "k", "one")
		if o, err := c.Stat(t.Context(), v1); err != nil || o.ETag != v1.ETag {
			t.Fatalf("Stat of the new object: %+v, %v", o, err)
		}
		v2 := st.put("b", "k", "two")
		if o, err := c.Stat(t.Context(), v2); err != nil || o.ETag != v2.ETag {
			t.Fatalf("Stat of the newer object: %+v, %v", o, err)
		}
		st.wantRequests(t, "stat", 3)
		if o, err := c.Stat(t.Context(), anyETag); err != nil || o.ETag != v2.ETag {
			t.Errorf("Stat of any ETag: %+v, %v", o, err)
		}
		st.wantRequests(t, "stat", 3)
		// The old one is changed, by the store's word.
		if _, err := c.Stat(t.Context(), v1); search.KindOf(err) != search.KindChanged {
			t.Errorf("Stat of the old object: %v", err)
		}
		st.wantRequests(t, "stat", 4)
	})
}

// A flight that began before the object was overwritten cannot tell those who
// know the new ETag that it changed.
func TestStatJoinsAFlightOfOlderKnowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		v1 := st.put("b", "k", "one")
		release := make(chan struct{})
		st.on = func(context.Context, string, string, string) error { <-release; return nil }
		c := newCache(t, st, minute)
		old := make(chan error)
		go func() { _, err := c.Stat(t.Context(), v1); old <- err }()
		synctest.Wait()
		v2 := st.put("b", "k", "two")
		fresh := make(chan error)
		go func() { _, err := c.Stat(t.Context(), v2); fresh <- err }()
		synctest.Wait()
		st.wantRequests(t, "stat", 1)
		close(release)
		if err := <-old; err != nil {
			t.Error("old:", err)
		}
		if err := <-fresh; err != nil {
			t.Error("new:", err)
		}
		st.wantRequests(t, "stat", 2)
	})
}

func TestFlightIsSharedAndOutlivesItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		ref := st.put("b", "k", "v")
		release := make(chan struct{})
		st.on = func(ctx context.Context, _, _, _ string) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		c := newCache(t, st, minute)
		ctx, cancel := context.WithCancel(t.Context())
		first, others := make(chan error), make(chan error)
		go func() { _, err := c.Stat(ctx, ref); first <- err }()
		synctest.Wait()
		for range 5 {
			go func() { _, err := c.Stat(t.Context(), ref); others <- err }()
		}
		synctest.Wait()
		cancel()
		if err := <-first; err != context.Canceled {
			t.Errorf("first: %v", err)
		}
		close(release)
		for range 5 {
			if err := <-others; err != nil {
				t.Error(err)
			}
		}
		st.wantRequests(t, "stat", 1)
		if got := stat(t, c, "cache_stat_shared"); got != 5 {
			t.Errorf("%d shared, want 5", got)
		}
	})
}

// A flight may land between a caller's look into memory and its begin.
func TestBeginLooksAgain(t *testing.T) {
	c := newCache(t, newStore(10), minute)
	f, joined, err := c.stats.begin(t.Context(), key{kind: kindStat}, trip[search.Object]{
		kept: func() (search.Object, error, bool) { return search.Object{Key: "kept"}, nil, true },
		fetch: func(context.Context) (search.Object, error) {
			t.Error("fetched what is kept")
			return search.Object{}, nil
		},
		land: func(search.Object, error, bool) {},
	})
	if joined || err != nil {
		t.Fatal(joined, err)
	}
	if o, err := c.stats.wait(t.Context(), f); err != nil || o.Key != "kept" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestFlightIsCancelledWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		ref := st.put("b", "k", "0123456789")
		var cancelled atomic.Int64
		st.on = func(ctx context.Context, op, _, _ string) error {
			if st.count(op) > 1 {
				return nil
			}
			<-ctx.Done()
			cancelled.Add(1)
			return ctx.Err()
		}
		c := newCache(t, st, minute)
		for _, call := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := c.Stat(ctx, ref); return err },
			func(ctx context.Context) error { _, err := c.Schema(ctx, "b"); return err },
			func(ctx context.Context) error { _, err := c.Buckets(ctx); return err },
			func(ctx context.Context) error { _, err := c.ReadRange(ctx, ref, make([]byte, 4), 0); return err },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := call(ctx); err != context.DeadlineExceeded {
				t.Errorf("the caller's context ended: %v", err)
			}
			// Whoever comes now does not join the cancelled flight.
			if err := call(t.Context()); err != nil {
				t.Error("after it:", err)
			}
			cancel()
		}
		synctest.Wait()
		if n := cancelled.Load(); n != 4 {
			t.Errorf("%d requests were cancelled, want 4", n)
		}
		if n := stat(t, c, "cache_flying_bytes"); n != 0 {
			t.Errorf("%d bytes in flight", n)
		}
	})
}

func TestPanicInAFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		ref := st.put("b", "k", "v")
		release := make(chan struct{})
		st.on = func(_ context.Context, op, _, _ string) error {
			<-release
			panic("boom")
		}
		c := newCache(t, st, minute)
		errs := make(chan error)
		for range 3 {
			go func() { _, err := c.Stat(t.Context(), ref); errs <- err }()
			go func() { _, err := c.ReadRange(t.Context(), ref, make([]byte, 1), 0); errs <- err }()
		}
		synctest.Wait()
		close(release)
		for range 6 {
			if err := <-errs; err == nil || search.KindOf(err) != search.KindIO {
				t.Errorf("got %v", err)
			}
		}
		st.wantRequests(t, "stat", 1)
		st.wantRequests(t, "read", 1)
		if n := stat(t, c, "cache_flying_bytes"); n != 0 {
			t.Errorf("%d bytes in flight", n)
		}
	})
}

func TestForgetDuringAStat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(10)
		v1 := st.put("b", "k", "one")
		release := make(chan struct{})
		st.on = func(context.Context, string, string, string) error { <-release; return nil }
		c := newCache(t, st, minute)
		got := make(chan search.Object)
		go func() { o, _ := c.Stat(t.Context(), v1); got <- o }()
		synctest.Wait()
		v2 := st.put("b", "k", "two")
		c.Forget("b", "k")
		close(release)
		if o := <-got; o.ETag != v1.ETag {
			t.Errorf("who asked before Forget got %+v", o)
		}
		if o, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k"}); err != nil || o.ETag != v2.ETag {
			t.Errorf("after Forget: %+v, %v", o, err)
		}
	})
}

func TestZeroLifetimesAskAlways(t *testing.T) {
	st := newStore(10)
	ref := st.put("b", "k", "v")
	c := newCache(t, st, Options{})
	for range 2 {
		_, err1 := c.Stat(t.Context(), ref)
		_, err2 := c.Schema(t.Context(), "b")
		_, err3 := c.Buckets(t.Context())
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Error(err)
		}
	}
	for _, op := range []string{"stat", "schema", "buckets"} {
		st.wantRequests(t, op, 2)
	}
}
