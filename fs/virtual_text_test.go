package fs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
)

func TestStatsText(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	counters := []search.Counter{{Name: "requests_query", Value: 12}, {Name: "cache_bytes", Value: 1048576}, {Name: "panics"}}
	got := statsText(counters, nil, now)
	want := `cache_bytes     1048576
panics                0
requests_query       12

no search is running
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statsText (-want +got):\n%s", diff)
	}
	if counters[0].Name != "requests_query" {
		t.Error("statsText reordered the caller's counters")
	}

	c, err := search.ParseComponent("size>1", search.Schema{Enabled: true, Indexed: []search.Key{{Name: "Size", Type: search.Integer, Indexed: true}}})
	if err != nil {
		t.Fatal(err)
	}
	got = statsText(nil, []RunningListing{
		{Listing: search.Listing{Bucket: "b", Prefix: "new\nline/"}, Pages: 1, Rows: 1, Started: now.Add(-1500 * time.Millisecond)},
		{Listing: search.Listing{Bucket: "b", Prefix: "p/", Where: c.Where}, Pages: 31, Rows: 30001, Started: now.Add(-2 * time.Minute)},
		{Listing: search.Listing{Bucket: "b", Versions: true, Order: search.Order{Key: search.Key{Name: "Size"}, Descending: true}, Limit: 5}, Started: now},
		{Listing: search.Listing{Bucket: "b", Menu: search.Key{Name: "x-amz-meta-color", Indexed: true}}, Pages: 1, Rows: 2, Started: now},
	}, now)
	want = `
running:
b/p/ size,gt,1  31 pages, 30001 rows, for 2m0s
"b/new\nline/"  1 page, 1 row, for 1.5s
b/ @versions @sort,-size @limit,5  0 pages, 0 rows, for 0s
b/ @by/color  1 page, 2 rows, for 0s
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statsText (-want +got):\n%s", diff)
	}
}
