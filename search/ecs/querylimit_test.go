package ecs_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// listingOf reads a path of components below bucket b.
func listingOf(t *testing.T, s search.Store, path string) search.Listing {
	t.Helper()
	schema, err := s.Schema(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	d := search.Dir{Bucket: "b"}
	for name := range strings.SplitSeq(path, "/") {
		c, err := search.ParseComponent(name, schema)
		if err != nil {
			t.Fatal(err)
		}
		next, ok := d.Enter(c)
		if !ok {
			t.Fatalf("%s leads nowhere in %s", name, path)
		}
		d = next
	}
	return d.Results(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), time.Minute)
}

// numbered makes bucket b with n objects "0000" ..., whose metadata n is their number, and color one of two.
func numbered(t *testing.T, srv *ecstest.Server, n int, index ...string) {
	t.Helper()
	if err := srv.CreateBucket("b", index...); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		err := srv.PutObject("b", fmt.Sprintf("%04d", i), make([]byte, i%7), ecstest.PutOptions{
			Metadata: map[string]string{"n": fmt.Sprint(i), "color": []string{"red", "blue"}[i%2], "note": fmt.Sprint(i % 100)}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLimitedQueryRequests counts the requests of limited and ordered queries, and what these ask for.
func TestLimitedQueryRequests(t *testing.T) {
	srv := startServer(t)
	numbered(t, srv, 2500, "Size", "x-amz-meta-n;integer", "x-amz-meta-color;string")
	tests := []struct {
		path  string
		loose bool
		rows  int
		// asked is max-keys, and what is sorted by, of each request.
		asked string
	}{
		{"n,ge,0", false, 2500, "- - -"},
		{"n,ge,0/@limit,1", false, 1, "1"},
		{"n,ge,0/@limit,999", false, 999, "999"},
		{"n,ge,0/@limit,1000", false, 1000, "-"},
		{"n,ge,0/@limit,2000", false, 2000, "- -"},
		{"n,ge,0/@limit,2001", false, 2001, "- - -"},
		{"n,lt,5/@limit,10", false, 5, "10"},
		// Some 1 of 100 that are found are kept: 1, 8 and 64 rows are most likely too few.
		{"n,ge,0/meta.note,eq,no/@limit,1", false, 0, "1 8 64 512 - -"},
		// The next value of a menu.
		{"n,gt,7/@sort,n/@limit,1", true, 1, "1n"},
		{"n,gt,7/color,gt,blue/@sort,color/@limit,1", true, 1, "1color"},
		// One row more shows whether the last has its equals.
		{"n,gt,7/@sort,n/@limit,10", false, 10, "11n"},
		{"n,gt,7/@sort,n", false, 2492, "-n -n -n"},
		{"n,gt,7/color,exists/@sort,color/@limit,3", false, 3, "4color 32color 256color -color"},
		// All of it is needed.
		{"n,gt,7/@sort,-n/@limit,10", false, 10, "- - -"},
		{"n,gt,7/@sort,size/@limit,10", false, 10, "- - -"},
		{"n>7 or size>2/@sort,n/@limit,10", false, 10, "- - -"},
		// A listing has it.
		{"@limit,1", false, 1, "1"},
		{"@sort,-size/@limit,1", false, 1, "- - -"},
	}
	for _, tt := range tests {
		s := newStore(t, srv.URL)
		l := listingOf(t, s, tt.path)
		l.Order.LooseTies = tt.loose
		srv.ResetRequests()
		rows := 0
		for _, err := range s.Query(t.Context(), l) {
			if err != nil {
				t.Fatalf("%s: %v", tt.path, err)
			}
			rows++
		}
		var asked []string
		for _, r := range srv.Requests() {
			size := r.Query.Get("max-keys")
			if size == "" {
				size = "-"
			}
			asked = append(asked, size+strings.TrimPrefix(r.Query.Get("sorted"), "x-amz-meta-"))
		}
		if got := strings.Join(asked, " "); got != tt.asked || rows != tt.rows {
			t.Errorf("%s: %d rows by requests %s, want %d by %s", tt.path, rows, got, tt.rows, tt.asked)
		}
	}
	// Breaking off asks for no more than one page ahead.
	s := newStore(t, srv.URL, func(c *ecs.Config) { c.PageSize = 10 })
	for _, path := range []string{"n,ge,0", "n,ge,0/@sort,n"} {
		l := listingOf(t, s, path)
		srv.ResetRequests()
		for range s.Query(t.Context(), l) {
			break
		}
		if n := srv.Count("Query"); n < 1 || n > 2 {
			t.Errorf("%s, broken off at the first row: %d pages", path, n)
		}
	}
}

// searchRows answers pages of a search: rows "key size" of the page after each marker, "key -" one
// without a size and without any metadata, and "> marker" for what follows.
func searchRows(rows ...string) string {
	var b strings.Builder
	next := ""
	for _, row := range rows {
		key, size, _ := strings.Cut(row, " ")
		if key == ">" {
			next = "<NextMarker>" + size + "</NextMarker>"
			continue
		}
		entries := ""
		if size != "-" {
			for _, e := range [][2]string{{"size", size}, {"mtime", "1777593600000"}, {"createtime", "1777593600000"}, {"etag", "e"}} {
				entries += "<entry><key>" + e[0] + "</key><value>" + e[1] + "</value></entry>"
			}
		}
		fmt.Fprintf(&b, "<object><objectName>%s</objectName><queryMds><type>SYSMD</type><mdMap>%s</mdMap></queryMds></object>", key, entries)
	}
	return "<BucketQueryResult>" + next + "<ObjectMatches>" + b.String() + "</ObjectMatches></BucketQueryResult>"
}

// TestQueryOnOddServers is how servers fail in the middle, or do not sort.
func TestQueryOnOddServers(t *testing.T) {
	const version = "<ListDataNode><DataNodes>127.0.0.1</DataNodes><VersionInfo>3.8.0.0.1</VersionInfo></ListDataNode>"
	tests := []struct {
		name, path string
		answers    map[string]string // by prefix, "sorted" and marker
		want       string
		failure    string // of the error; empty: none is due
	}{
		{"sorts", "size,ge,0/@sort,size", map[string]string{
			" Size ":  searchRows("b 1", "a 1", "c 2", "> m"),
			" Size m": searchRows("0 2", "d 3")}, "[a b 0 c d]", ""},
		{"does not sort", "size,ge,0/@sort,size", map[string]string{
			" Size ":  searchRows("c 2", "b 1", "> m"),
			" Size m": searchRows("d 3", "a 1")}, "[a b c d]", ""},
		{"does not sort, and few are wanted", "size,ge,0/@sort,size/@limit,2", map[string]string{
			" Size ":  searchRows("c 2", "b 1", "d 3", "> m"),
			" Size m": searchRows("0 0", "a 1")}, "[0 a]", ""},
		{"sorts no more", "size,ge,0/@sort,size", map[string]string{
			" Size ":  searchRows("a 1", "b 2", "c 3", "> m"),
			" Size m": searchRows("d 1")}, "[a b]", "out of the order"},
		{"tells that its rows are not whole too late", "p/created,ge,2000/@limit,3", map[string]string{
			"p/  ":  searchRows("p/a 1", "p/b 1", "> m"),
			"p/  m": searchRows("p/c -"),
			"  ":    searchRows("p/b 1", "q 1", "p/a 1", "> n"),
			"  n":   searchRows("p/c 1", "p/d 1", "p/e 1")}, "[p/a p/b p/c]", ""},
		{"sorts once there is no prefix", "p/created,ge,2000/@sort,created/@limit,2", map[string]string{
			"p/  ":          searchRows("p/c -"),
			" CreateTime ":  searchRows("p/b 1", "q 1", "p/a 1", "> n"),
			" CreateTime n": searchRows("p/c 1")}, "[p/a p/b]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				switch {
				case q.Has("searchmetadata"):
					io.WriteString(w, `<MetadataSearchList><IndexableKeys><Key><Name>Size</Name></Key><Key><Name>CreateTime</Name></Key></IndexableKeys></MetadataSearchList>`)
					return
				case q.Has("endpoint"):
					io.WriteString(w, version)
					return
				}
				what := strings.Join([]string{q.Get("prefix"), q.Get("sorted"), q.Get("marker")}, " ")
				answer, ok := tt.answers[what]
				if !ok {
					t.Errorf("asked for %q: %s", what, r.URL.RawQuery)
				}
				io.WriteString(w, answer)
			})
			s := newStore(t, url)
			got := []string{}
			var failed error
			for o, err := range s.Query(t.Context(), listingOf(t, s, tt.path)) {
				if failed = err; err == nil {
					got = append(got, o.Key)
				}
			}
			if fmt.Sprint(got) != tt.want {
				t.Errorf("%q, want %s", got, tt.want)
			}
			if tt.failure == "" && failed != nil || tt.failure != "" && (failed == nil || !strings.Contains(failed.Error(), tt.failure)) {
				t.Errorf("error %v, want one with %q", failed, tt.failure)
			}
		})
	}
}
