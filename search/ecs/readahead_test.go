package ecs_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// counter returns one of a client's figures.
func counter(t *testing.T, s *store, name string) int64 {
	t.Helper()
	for _, c := range s.Stats() {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatalf("no counter %s", name)
	return 0
}

// TestReadAheadStandsBack: 64 reads ahead that are stuck keep nobody waiting: not a search, not a HEAD, not a read,
// and not one of themselves from when somebody waits for it.
func TestReadAheadStandsBack(t *testing.T) {
	srv := startServer(t)
	if err := srv.CreateBucket("b", "Size"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k", "stuck"} {
		if err := srv.PutObject("b", key, []byte(body), ecstest.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	srv.SetIntercept(func(_ http.ResponseWriter, r *http.Request, _ ecstest.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/stuck") {
			arrived <- struct{}{}
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		return false
	})
	s := newStore(t, srv.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // less than the client's own
	defer cancel()
	var group sync.WaitGroup
	promotes := make([]func(), 64)
	for i := range promotes {
		var ahead context.Context
		ahead, promotes[i] = search.WithReadAhead(ctx)
		group.Go(func() {
			p := make([]byte, len(body))
			if n, err := s.ReadRange(ahead, search.Ref{Bucket: "b", Key: "stuck"}, p, 0); err != nil || string(p[:n]) != body {
				t.Errorf("%q, %v", p[:n], err)
			}
		})
	}
	share := counter(t, s, "read_ahead_limit")
	for range share {
		<-arrived
	}
	if keys, err := keysOf(ctx, s, search.Listing{Bucket: "b", Where: where(t, s, "b", "size,ge,0")}); err != nil || len(keys) != 2 {
		t.Errorf("%q, %v", keys, err)
	}
	if _, err := s.Stat(ctx, search.Ref{Bucket: "b", Key: "k"}); err != nil {
		t.Error(err)
	}
	if n, err := s.ReadRange(ctx, search.Ref{Bucket: "b", Key: "k"}, make([]byte, 5), 0); err != nil || n != 5 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if len(arrived) != 0 {
		t.Errorf("%d more than %d read ahead", len(arrived), share)
	}
	for _, promote := range promotes {
		promote()
	}
	for range 64 - share {
		select {
		case <-arrived:
		case <-ctx.Done():
			t.Fatal("one that was promoted still waits")
		}
	}
	close(release)
	group.Wait()
	if got := counter(t, s, "requests_read_ahead"); got != share {
		t.Errorf("%d requests read ahead, want %d: the others were promoted before", got, share)
	}
}

// TestThrottled: each answer that the store has too much to do is counted, and lowers what may read ahead.
func TestThrottled(t *testing.T) {
	for _, status := range []int{429, 503} {
		url := newHandler(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		s := newStore(t, url)
		before := counter(t, s, "read_ahead_limit")
		if _, err := s.ReadRange(t.Context(), bodyRef, make([]byte, 5), 0); err == nil {
			t.Error("no error")
		}
		throttled, requests, after := counter(t, s, "throttled"), counter(t, s, "requests_get"), counter(t, s, "read_ahead_limit")
		if throttled != requests || requests != 4 || after != 4 || before != 32 {
			t.Errorf("status %d: %d of %d answers counted, a limit of %d and then of %d", status, throttled, requests, before, after)
		}
	}
}

// TestReadAheadTimesOut: one that reads ahead waits no longer for a store that does nothing than others do.
func TestReadAheadTimesOut(t *testing.T) {
	url := newHandler(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := newStore(t, url, func(c *ecs.Config) { c.MaxRequests = 1; c.Timeout = 200 * time.Millisecond })
	var group sync.WaitGroup
	for range 4 {
		ctx, _ := search.WithReadAhead(t.Context())
		group.Go(func() {
			_, err := s.ReadRange(ctx, bodyRef, make([]byte, 5), 0)
			wantErrorNow(t, err, search.KindTimeout)
		})
	}
	group.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	ctx, _ = search.WithReadAhead(ctx)
	cancel()
	_, err := s.ReadRange(ctx, bodyRef, make([]byte, 5), 0)
	wantError(t, err, search.KindCanceled)
}
