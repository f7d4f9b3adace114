package ecs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/storetest"
)

// demoKeys is the pair of every emulator here.
var demoKeys = ecs.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey}

// startServer starts an emulator that ends with the test.
func startServer(t storetest.TB, knobs ...func(*ecstest.Server)) *ecstest.Server {
	t.Helper()
	srv := ecstest.NewUnstartedServer()
	for _, knob := range knobs {
		knob(srv)
	}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// store is a Store with the counters of its client.
type store struct {
	*ecs.Store
	client *ecs.Client
}

func (s *store) Stats() []search.Counter { return s.client.Stats() }

func newStore(t storetest.TB, endpoint string, change ...func(*ecs.Config)) *store {
	t.Helper()
	c := newClient(t, endpoint, change...)
	return &store{c.Store(), c}
}

// newClient returns a client whose pauses are short and whose connections end
// with the test.
func newClient(t storetest.TB, endpoint string, change ...func(*ecs.Config)) *ecs.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := ecs.Config{Endpoint: endpoint, Credentials: demoKeys, RetryDelay: time.Millisecond, Timeout: 10 * time.Second, Transport: transport}
	for _, f := range change {
		f(&cfg)
	}
	c, err := ecs.New(t.Context(), cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

// load puts a fixture into an emulator.
func load(t storetest.TB, srv *ecstest.Server, f storetest.Fixture) {
	t.Helper()
	for _, b := range f.Buckets {
		var index []string
		for _, k := range b.Index {
			index = append(index, fmt.Sprintf("%s;%s", k.Name, k.Type))
		}
		if err := srv.CreateBucket(b.Name, index...); err != nil {
			t.Fatalf("CreateBucket(%s): %v", b.Name, err)
		}
		kept := false
		for _, o := range b.Objects {
			if o.Kept != kept {
				kept = o.Kept
				if err := srv.SetVersioning(b.Name, kept); err != nil {
					t.Fatalf("SetVersioning(%s): %v", b.Name, err)
				}
			}
			if o.Deleted {
				if err := srv.DeleteObject(b.Name, o.Key); err != nil {
					t.Fatalf("DeleteObject(%+q): %v", o.Key, err)
				}
				continue
			}
			err := srv.PutObject(b.Name, o.Key, o.Data, ecstest.PutOptions{
				Metadata: o.Metadata, ContentType: o.ContentType, LastModified: o.LastModified})
			if err != nil {
				t.Fatalf("PutObject(%+q): %v", o.Key, err)
			}
		}
	}
}

// TestStore runs the suite at several page sizes, over servers that end their
// pages differently and shuffle what ECS leaves open.
func TestStore(t *testing.T) {
	tests := []struct {
		name     string
		pageSize int
		knobs    func(*ecstest.Server)
		config   func(*ecs.Config)
	}{
		{"1", 1, func(s *ecstest.Server) { s.EndMarker = ecstest.EndNoMorePages; s.Seed = 1 }, nil},
		{"2", 2, func(s *ecstest.Server) { s.EndMarker = ecstest.EndNull; s.Seed = 2; s.MarkFullPage = true }, nil},
		{"7", 7, func(s *ecstest.Server) { s.EndMarker = ecstest.EndEmpty; s.Seed = 3; s.KeyCase = ecstest.KeysAsWritten }, nil},
		{"1000", 1000, func(s *ecstest.Server) { s.Seed = 4 }, func(c *ecs.Config) { c.QueryEncoding = ecs.EncodeURL }},
		{"NoAttributes", 10, func(s *ecstest.Server) { s.NoSearchAttributes = true }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Fixed(t, func(t storetest.TB, f storetest.Fixture) search.Store {
				srv := startServer(t, tt.knobs, func(s *ecstest.Server) { s.PageSize = tt.pageSize })
				load(t, srv, f)
				var change []func(*ecs.Config)
				if tt.config != nil {
					change = append(change, tt.config)
				}
				return newStore(t, srv.URL, change...)
			})
		})
	}
	t.Run("Random", func(t *testing.T) {
		storetest.Random(t, func(t storetest.TB, f storetest.Fixture) search.Store {
			srv := startServer(t, func(s *ecstest.Server) { s.Seed, s.PageSize = f.Seed, f.PageSize })
			load(t, srv, f)
			return newStore(t, srv.URL)
		})
	})
}

// newHandler starts a server of one handler and returns its URL.
func newHandler(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}
