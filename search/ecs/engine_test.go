package ecs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestScanWithoutSearchKeys scans a bucket that the caller may list, but whose search keys the store does not tell.
// A refusal of another kind is no answer about the bucket.
func TestScanWithoutSearchKeys(t *testing.T) {
	srv := startServer(t)
	if err := srv.CreateBucket("b", "Size"); err != nil {
		t.Fatal(err)
	}
	if err := srv.PutObject("b", "k", []byte("12"), ecstest.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		mode  ecs.EngineMode
		code  string
		scans bool
	}{
		{ecs.EngineScan, "AccessDenied", true},
		{ecs.EngineScan, "SignatureDoesNotMatch", false},
		{ecs.EngineScan, "ExpiredToken", false},
		{ecs.EngineAuto, "AccessDenied", false},
		{ecs.EngineECS, "AccessDenied", false},
	} {
		if err := srv.SetRules(ecstest.Rule{Operations: []string{"SearchKeys"}, Status: 403, Code: tt.code}); err != nil {
			t.Fatal(err)
		}
		s := newStore(t, srv.URL, func(c *ecs.Config) { c.Engine = tt.mode })
		schema, err := s.Schema(t.Context(), "b")
		if !tt.scans {
			if search.KindOf(err) != search.KindPermission {
				t.Errorf("mode %s, %s: %+v, %v; want KindPermission", tt.mode, tt.code, schema, err)
			}
			continue
		}
		if err != nil || schema.Bucket != "b" || schema.Enabled || schema.Engine != search.EngineScan {
			t.Fatalf("mode %s, %s: %+v, %v; want a scan", tt.mode, tt.code, schema, err)
		}
		c, err := search.ParseComponent("size,gt,1", schema)
		if err != nil || c.Where == nil {
			t.Fatal(c, err)
		}
		var keys []string
		for e, err := range s.Query(t.Context(), search.Listing{Bucket: "b", Where: search.Bind(c.Where, time.Now())}) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, e.Key)
		}
		if !slices.Equal(keys, []string{"k"}) {
			t.Errorf("found %q", keys)
		}
	}
}

// TestScanWithoutSearch queries a plain S3 bucket, at what it may cost.
func TestScanWithoutSearch(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 10 })
	if err := srv.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	put := func(key string, size int, color string) {
		t.Helper()
		at := time.Date(2026, 5, 1, 0, 0, size, 0, time.UTC)
		err := srv.PutObject("b", key, make([]byte, size), ecstest.PutOptions{Metadata: map[string]string{"color": color}, LastModified: at})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 25 {
		put(fmt.Sprintf("logs/%02d.txt", i), i, []string{"red", "blue"}[i%2])
	}
	put("img/a.png", 30, "red")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path, want string
		asked      string // requests
		kind       search.Kind
	}{
		{"size,gt,23", "[img/a.png logs/24.txt]", "ListObjects 3", 0},
		{"name,prefix,img%2F", "[img/a.png]", "ListObjects 1", 0},
		{"base,suffix,.png", "[img/a.png]", "ListObjects 3", 0},
		{"mtime,ge,2026-05-01T00:00:24Z", "[img/a.png logs/24.txt]", "ListObjects 3", 0},
		{"storageclass,eq,STANDARD/size,gt,29", "[img/a.png]", "ListObjects 3", 0},
		{"@sort,-size/@limit,2", "[img/a.png logs/24.txt]", "ListObjects 3", 0},
		{"size,gt,2/@sort,-mtime/@limit,3", "[img/a.png logs/24.txt logs/23.txt]", "ListObjects 3", 0},
		{"@limit,2", "[img/a.png logs/00.txt]", "ListObjects 1", 0},
		{"size,lt,2/@limit,1", "[logs/00.txt]", "ListObjects 1", 0},
		{"size,ge,10/@limit,2", "[img/a.png logs/10.txt]", "ListObjects 2", 0},
		{"size,gt,29/@versions", "[img/a.png]", "GetBucketVersioning 1 ListObjectVersions 3", 0},
		{"owner,exists", "[]", "", search.KindUnsupported},
		{"meta.color,eq,red", "[]", "", search.KindUnsupported},
	}
	run := func(s *store, path string) (got []string, err error) {
		l := listingOf(t, s, path)
		srv.ResetRequests()
		got = []string{}
		for o, e := range s.Query(t.Context(), l) {
			if err = e; err == nil {
				got = append(got, o.Key)
			}
		}
		return got, err
	}
	asked := func() string {
		var out []string
		for name, n := range srv.Counts() {
			out = append(out, fmt.Sprint(name, " ", n))
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	s := newStore(t, srv.URL)
	for _, tt := range tests {
		got, err := run(s, tt.path)
		if search.KindOf(err) != tt.kind || (err != nil) != (tt.kind != 0) || fmt.Sprint(got) != tt.want || tt.kind == 0 && asked() != tt.asked {
			t.Errorf("%s: %q by %s, %v, want %s by %s", tt.path, got, asked(), err, tt.want, tt.asked)
		}
	}
	// What a listing does not carry costs one HEAD an object that the rest does not decide.
	s = newStore(t, srv.URL, func(c *ecs.Config) { c.ScanMetadata = true })
	got, err := run(s, "meta.color,eq,red/size,gt,21")
	if check(err); fmt.Sprint(got) != "[img/a.png logs/22.txt logs/24.txt]" || asked() != "HeadObject 4 ListObjects 3" {
		t.Errorf("%q by %s", got, asked())
	}
	// With versions, each is matched by its own metadata.
	check(srv.SetVersioning("b", true))
	put("img/a.png", 31, "blue")
	got, err = run(s, "img/meta.color,eq,red/@versions")
	if check(err); fmt.Sprint(got) != "[img/a.png]" || asked() != "HeadObject 2 ListObjectVersions 1" {
		t.Errorf("%q by %s", got, asked())
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
