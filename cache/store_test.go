package cache_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/storetest"
)

// startServer starts an emulator with the objects of f.
func startServer(t storetest.TB, f storetest.Fixture) *ecstest.Server {
	t.Helper()
	srv := ecstest.NewUnstartedServer()
	srv.Seed, srv.PageSize = f.Seed, f.PageSize
	srv.Start()
	t.Cleanup(srv.Close)
	for _, b := range f.Buckets {
		var index []string
		for _, k := range b.Index {
			index = append(index, fmt.Sprintf("%s;%s", k.Name, k.Type))
		}
		if err := srv.CreateBucket(b.Name, index...); err != nil {
			t.Fatalf("CreateBucket(%s): %v", b.Name, err)
		}
		for _, o := range b.Objects {
			if err := srv.PutObject(b.Name, o.Key, o.Data, ecstest.PutOptions{
				Metadata: o.Metadata, ContentType: o.ContentType, LastModified: o.LastModified}); err != nil {
				t.Fatalf("PutObject(%+q): %v", o.Key, err)
			}
		}
	}
	return srv
}

// newCache returns a cache over a client of srv.
func newCache(t storetest.TB, srv *ecstest.Server, o cache.Options) *cache.Cache {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := ecs.New(t.Context(), ecs.Config{Endpoint: srv.URL, Transport: transport, RetryDelay: time.Millisecond,
		Credentials: ecs.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey}})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	c := cache.New(client.Store(), o)
	t.Cleanup(c.Close)
	return c
}

var lifetimes = cache.Options{TTL: time.Minute, NegativeTTL: 5 * time.Second, SchemaTTL: 5 * time.Minute}

// A cache before a client is a Store like any other: with lifetimes and room,
// with neither, and with blocks that nearly do not fit.
func TestStore(t *testing.T) {
	small := lifetimes
	small.BlockSize, small.MemoryBudget = 1000, 20_000
	for name, o := range map[string]cache.Options{"Default": lifetimes, "Nothing": {MemoryBudget: -1}, "Small": small} {
		t.Run(name, func(t *testing.T) {
			storetest.Fixed(t, func(t storetest.TB, f storetest.Fixture) search.Store {
				return newCache(t, startServer(t, f), o)
			})
		})
	}
}

// What a snapshot holds is what the store lists.
func TestSnapshotOfAStore(t *testing.T) {
	f := storetest.Fixture{PageSize: 7, Buckets: []storetest.Bucket{{Name: "b", Index: []search.Key{{Name: "Size", Type: search.Integer}}}}}
	for i := range 50 {
		f.Buckets[0].Objects = append(f.Buckets[0].Objects,
			storetest.Object{Key: fmt.Sprintf("dir%d/%03d", i%5, i), Data: make([]byte, i), Metadata: map[string]string{"n": fmt.Sprint(i)}})
	}
	c := newCache(t, startServer(t, f), lifetimes)
	schema, err := c.Schema(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	component, err := search.ParseComponent("size,ge,10", schema)
	if err != nil {
		t.Fatal(err)
	}
	listing := search.Listing{Bucket: "b", Prefix: "dir3/", Where: search.Normalize(search.Bind(component.Where, time.Now()))}
	want := map[string]search.Object{}
	for o, err := range c.Query(t.Context(), listing) {
		if err != nil {
			t.Fatal(err)
		}
		want[o.Key] = o
	}
	if len(want) != 8 {
		t.Fatalf("%d objects, want 8", len(want))
	}
	s, err := c.Open(t.Context(), listing)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := 0; ; i++ {
		e, err := s.Row(t.Context(), i)
		if err == io.EOF {
			if i != len(want) {
				t.Errorf("%d rows, want %d", i, len(want))
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		o := want[e.Key]
		if e.Folder || e.ETag != o.ETag || e.Size != o.Size || !e.ModTime.Equal(o.ModTime) || e.ContentType != o.ContentType || e.Metadata.Len() != o.Metadata.Len() {
			t.Errorf("row %d is %+v, want %+v", i, e, o)
		}
		if found, ok := s.Find(e.Key); !ok || found.ETag != e.ETag {
			t.Errorf("%q is not found", e.Key)
		}
	}
}
