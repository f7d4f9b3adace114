package ecs_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// searchesOf returns how often each expression was sent.
func searchesOf(srv *ecstest.Server) map[string]int {
	sent := make(map[string]int)
	for _, r := range srv.Requests() {
		if r.Operation == "Query" {
			sent[r.Query.Get("query")]++
		}
	}
	return sent
}

// TestSplitFindsAll splits searches for random values: what is found is what is found in one piece, each once, at no
// more than two requests more a part.
func TestSplitFindsAll(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 10 })
	most := 0
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		bucket := fmt.Sprintf("b%d", round)
		if err := srv.CreateBucket(bucket, "Size", "x-amz-meta-n;integer", "x-amz-meta-when;datetime"); err != nil {
			rt.Fatal(err)
		}
		kind := rapid.SampledFrom([]string{"even", "equal", "few", "squares", "powers", "ends", "any"}).Draw(rt, "values")
		objects := rapid.IntRange(0, 400).Draw(rt, "objects")
		var want []string
		for i := range objects {
			n := map[string]int64{"even": int64(i), "equal": 7, "few": int64(i % 3), "squares": int64(i) * int64(i), "powers": 1 << (i % 62),
				"ends": []int64{math.MinInt64, math.MaxInt64, 0}[i%3], "any": 0}[kind]
			if kind == "any" {
				n = rapid.Int64().Draw(rt, "n")
			}
			key := fmt.Sprintf("%03d", i)
			err := srv.PutObject(bucket, key, make([]byte, i%50), ecstest.PutOptions{Metadata: map[string]string{
				"n": strconv.FormatInt(n, 10), "when": time.Unix(n%1e9, 0).UTC().Format(time.RFC3339)}})
			if err != nil {
				rt.Fatal(err)
			}
			want = append(want, key)
		}
		ways, pages := rapid.IntRange(2, 5).Draw(rt, "ways"), rapid.IntRange(1, 4).Draw(rt, "pages")
		s := newStore(t, srv.URL)
		s.client.SetSplit(ways, pages, 0)
		for _, text := range []string{"n,exists", "when,ge,1900", "size,ge,0"} {
			schema, err := s.Schema(t.Context(), bucket)
			if err != nil {
				rt.Fatal(err)
			}
			c, err := search.ParseComponent(text, schema)
			if err != nil {
				rt.Fatal(err)
			}
			srv.ResetRequests()
			var got []string
			for o, err := range s.Query(t.Context(), search.Listing{Bucket: bucket, Where: search.Bind(c.Where, time.Now())}) {
				if err != nil {
					rt.Fatal(err)
				}
				got = append(got, o.Key)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Errorf("%s of %s: %d of %d found", text, kind, len(got), len(want))
			}
			sent := searchesOf(srv)
			cuts := len(sent) - 1
			most = max(most, cuts)
			needed := (objects+9)/10 + 1
			if n := srv.Count("Query"); n > needed+2*cuts || cuts*pages > n {
				rt.Errorf("%s of %s: %d requests for %d objects, in %d parts", text, kind, n, objects, cuts+1)
			}
		}
	})
	if most < 3 {
		t.Errorf("at most %d parts: this tests too little", most+1)
	}
}

// TestSplitOnlyWide counts the parts of searches that are split, and of those that are not.
func TestSplitOnlyWide(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 10 })
	numbered(t, srv, 500, "Size", "x-amz-meta-n;integer", "x-amz-meta-color;string")
	tests := []struct {
		path  string
		wait  time.Duration
		split bool
		rows  int
	}{
		{"n,ge,0", 0, true, 500},
		{"n,ge,0/meta.note,lt,5", 0, true, 225}, // checked here
		{"n,ge,0", time.Hour, false, 500},       // the store answers sooner
		{"n,lt,30", 0, false, 30},               // too few
		{"color,eq,red", 0, false, 250},         // no number
		{"n,ge,0/@sort,n", 0, false, 500},
		{"n,ge,0/@sort,-n", 0, false, 500},
		{"n,ge,0/@limit,400", 0, false, 400},
		{"n,ge,0/@versions", 0, false, 500},
		{"n>=0 or size>100", 0, false, 500},
	}
	for _, tt := range tests {
		s := newStore(t, srv.URL)
		s.client.SetSplit(4, 4, tt.wait)
		l := listingOf(t, s, tt.path)
		srv.ResetRequests()
		rows := 0
		for _, err := range s.Query(t.Context(), l) {
			if err != nil {
				t.Fatalf("%s: %v", tt.path, err)
			}
			rows++
		}
		if sent := searchesOf(srv); rows != tt.rows || (len(sent) > 1) != tt.split {
			t.Errorf("%s: %d rows by %v", tt.path, rows, sent)
		}
	}
	// By default nothing is split that is answered at once.
	s := newStore(t, srv.URL)
	l := listingOf(t, s, "n,ge,0")
	srv.ResetRequests()
	for _, err := range s.Query(t.Context(), l) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if sent := searchesOf(srv); len(sent) != 1 {
		t.Errorf("parts %v", sent)
	}
	// Breaking off ends all parts.
	s.client.SetSplit(4, 2, 0)
	rows := 0
	for _, err := range s.Query(t.Context(), l) {
		if err != nil {
			t.Fatal(err)
		}
		if rows++; rows == 200 {
			break
		}
	}
	// An error of one part is that of the search.
	if err := srv.SetRules(ecstest.Rule{Operations: []string{"Query"}, Skip: 15, Status: 403, Code: "AccessDenied"}); err != nil {
		t.Fatal(err)
	}
	_, err := keysOf(t.Context(), s, l)
	wantError(t, err, search.KindPermission, "AccessDenied")
}

// TestSplitWithoutOrder is a store that orders rows by their values until it is asked for a part, or does not take the question for one.
func TestSplitWithoutOrder(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		var parts atomic.Int32
		url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Has("searchmetadata") {
				io.WriteString(w, "<MetadataSearchList><IndexableKeys><Key><Name>Size</Name></Key></IndexableKeys></MetadataSearchList>")
				return
			}
			from, _ := strconv.Atoi(q.Get("marker"))
			if q.Get("sorted") != "" {
				parts.Add(1)
				if refuses {
					w.WriteHeader(http.StatusBadRequest)
					io.WriteString(w, "<Error><Code>InvalidArgument</Code></Error>")
					return
				}
				io.WriteString(w, searchRows("x 9", "y 1000", "z 0", "> 1"))
				return
			}
			rows := []string{}
			for i := from; i < min(from+5, 100); i++ {
				rows = append(rows, fmt.Sprintf("%03d %d", i, i))
			}
			if from+5 < 100 {
				rows = append(rows, fmt.Sprintf("> %d", from+5))
			}
			io.WriteString(w, searchRows(rows...))
		})
		s := newStore(t, url, func(c *ecs.Config) { c.PageSize = 5 })
		s.client.SetSplit(4, 2, 0)
		keys, err := keysOf(t.Context(), s, search.Listing{Bucket: "b", Where: where(t, s, "b", "size,ge,0")})
		if err != nil {
			t.Fatal(err)
		}
		keys = slices.DeleteFunc(keys, func(k string) bool { return strings.Contains("xyz", k) })
		tried := parts.Load()
		if len(keys) != 100 || len(slices.Compact(keys)) != 100 {
			t.Errorf("refuses %t: %d keys", refuses, len(keys))
		}
		// It is not tried again.
		if _, err := keysOf(t.Context(), s, search.Listing{Bucket: "b", Where: where(t, s, "b", "size,ge,1")}); err != nil || tried == 0 || parts.Load() != tried {
			t.Errorf("refuses %t: %v, %d parts, then %d", refuses, err, tried, parts.Load())
		}
	}
}
