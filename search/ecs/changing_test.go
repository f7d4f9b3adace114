package ecs_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// The tests of this file search what changes while it is searched, or is not there.

// TestSearchNothing: what no object satisfies is no error, and asks nothing.
func TestSearchNothing(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 2)
	b := newClient(t, srv.URL).Bucket("b")
	for _, p := range []search.Predicate{search.In[string]("color"), search.Or(), search.And(search.Ge("size", 0), search.Or())} {
		if keys, err := foundKeys(b.SearchFor(t.Context(), p)); err != nil || len(keys) != 0 || srv.Count("Query") != 0 {
			t.Errorf("%q, %v, requests %v", keys, err, srv.Counts())
		}
	}
}

// TestSearchBucketMadeAnew: a key that the bucket did not have when its keys were
// last listed, but has now, is known at once.
func TestSearchBucketMadeAnew(t *testing.T) {
	for _, before := range [][]string{{"Size", "x-amz-meta-color;string"}, nil} {
		old, anew := startServer(t), startServer(t)
		if err := old.CreateBucket("b", before...); err != nil {
			t.Fatal(err)
		}
		if err := anew.CreateBucket("b", "x-amz-meta-shape;string"); err != nil {
			t.Fatal(err)
		}
		if err := anew.PutObject("b", "k", nil, ecstest.PutOptions{Metadata: map[string]string{"shape": "round"}}); err != nil {
			t.Fatal(err)
		}
		var server atomic.Pointer[ecstest.Server]
		server.Store(old)
		b := newClient(t, newHandler(t, func(w http.ResponseWriter, r *http.Request) { server.Load().ServeHTTP(w, r) })).Bucket("b")
		for range 2 {
			if keys, err := foundKeys(b.Search(t.Context(), "shape == round")); err == nil {
				t.Errorf("%q", keys)
			}
		}
		server.Store(anew)
		if keys, err := foundKeys(b.Search(t.Context(), "shape == round")); err != nil || fmt.Sprint(keys) != "[k]" {
			t.Errorf("%q, %v", keys, err)
		}
		// What the new bucket has is kept, and what it has not is an error.
		for o, err := range b.Search(t.Context(), "colour == red") {
			wantError(t, err, search.KindInvalid, "colour")
			if o.Key != "" {
				t.Errorf("%+v", o)
			}
		}
	}
}

// TestSearchOverwritten: an object that is overwritten between its row and the
// HEAD that completes it is the new version in everything.
func TestSearchOverwritten(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.NoSearchAttributes = true })
	fill(t, srv, 0)
	if err := srv.SetVersioning("b", true); err != nil {
		t.Fatal(err)
	}
	put := func(data string) {
		if err := srv.PutObject("b", "k", []byte(data), ecstest.PutOptions{Metadata: map[string]string{"color": "red"}}); err != nil {
			t.Error(err)
		}
	}
	put("old")
	var once sync.Once
	srv.SetIntercept(func(_ http.ResponseWriter, _ *http.Request, req ecstest.Request) bool {
		if req.Operation == "HeadObject" {
			once.Do(func() { put("newer") })
		}
		return false
	})
	for o, err := range newClient(t, srv.URL).Bucket("b").Search(t.Context(), "color == red") {
		if err != nil {
			t.Fatal(err)
		}
		f, err := o.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if data, err := io.ReadAll(f); err != nil || string(data) != "newer" || o.Size != 5 {
			t.Errorf("%+v: %q, %v", o, data, err)
		}
	}
}
