package ecs_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/storetest"
)

// TestSchemaEngine is which engine answers the queries of a bucket.
func TestSchemaEngine(t *testing.T) {
	srv := startServer(t)
	for bucket, index := range map[string][]string{"with": {"Size"}, "without": nil} {
		if err := srv.CreateBucket(bucket, index...); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		mode          ecs.EngineMode
		with, without search.Engine
	}{
		{"", search.EngineSearch, search.EngineScan},
		{ecs.EngineAuto, search.EngineSearch, search.EngineScan},
		{ecs.EngineECS, search.EngineSearch, search.EngineSearch},
		{ecs.EngineScan, search.EngineScan, search.EngineScan},
	}
	for _, tt := range tests {
		for _, metadata := range []bool{false, true} {
			s := newStore(t, srv.URL, func(c *ecs.Config) { c.Engine, c.ScanMetadata = tt.mode, metadata })
			for bucket, want := range map[string]search.Engine{"with": tt.with, "without": tt.without} {
				schema, err := s.Schema(t.Context(), bucket)
				if err != nil {
					t.Fatal(err)
				}
				if schema.Engine != want || schema.ScanMetadata != metadata || schema.Enabled != (bucket == "with") {
					t.Errorf("mode %q, metadata %t, bucket %s search keys: %+v, want engine %d", tt.mode, metadata, bucket, schema, want)
				}
			}
			// What the server says is what the client's call returns.
			if raw, err := s.client.SearchKeys(t.Context(), "without"); err != nil || raw.Engine != search.EngineSearch || raw.ScanMetadata {
				t.Errorf("SearchKeys: %+v, %v", raw, err)
			}
		}
	}
}

// TestEngines holds metadata search and the scan against each other and the truth, on random servers.
// More of it: go test ./search/ecs -run '^TestEngines$' -rapid.checks 2000
func TestEngines(t *testing.T) {
	storetest.EnginesWith(t, func(t storetest.TB, f storetest.Fixture) (index, scan search.Store) {
		random := rand.New(rand.NewPCG(uint64(f.Seed), 2))
		one := func(n int) bool { return random.IntN(n) == 0 }
		srv := startServer(t, func(s *ecstest.Server) {
			s.Seed, s.PageSize = f.Seed, f.PageSize
			s.Generation = ecstest.Generations()[random.IntN(len(ecstest.Generations()))]
			s.MarkFullPage, s.OmitNoMatches = one(2), one(2)
		})
		load(t, srv, f)
		t.Logf("generation %s", srv.Generation)
		pageSize := random.IntN(5)
		return newStore(t, srv.URL, func(c *ecs.Config) { c.PageSize = pageSize }),
			newStore(t, srv.URL, func(c *ecs.Config) { c.Engine, c.ScanMetadata, c.PageSize = ecs.EngineScan, true, pageSize })
	}, storetest.Options{WholeSeconds: true})
}
