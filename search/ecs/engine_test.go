package ecs_test

import (
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
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
