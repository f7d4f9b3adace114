package ecs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// TestQueryRowsWithoutMetadata is ECS before 3.7, which leaves metadata out of
// the rows of a query with a prefix: a row that was found by a key that it does
// not show is no row to leave out unasked.
func TestQueryRowsWithoutMetadata(t *testing.T) {
	var heads atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead:
			heads.Add(1)
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Length", "1")
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
			w.Header().Set("x-amz-meta-color", map[string]string{"/b/p/1": "red", "/b/p/2": "reef"}[r.URL.Path])
		case r.URL.Query().Has("searchmetadata"):
			io.WriteString(w, `<MetadataSearchList><MetadataSearchEnabled>true</MetadataSearchEnabled><IndexableKeys>`+
				`<Key><Name>x-amz-meta-color</Name><Datatype>string</Datatype></Key></IndexableKeys></MetadataSearchList>`)
		default:
			io.WriteString(w, `<BucketQueryResult><ObjectMatches>`)
			for i, more := range []string{"", "", `<entry><key>x-amz-meta-color</key><value>red</value></entry>`} {
				fmt.Fprintf(w, `<object><objectName>p/%d</objectName><queryMds><mdMap><entry><key>size</key><value>1</value></entry>`+
					`<entry><key>mtime</key><value>1136214245000</value></entry><entry><key>etag</key><value>e</value></entry>%s</mdMap></queryMds></object>`, i+1, more)
			}
			io.WriteString(w, `</ObjectMatches></BucketQueryResult>`)
		}
	}))
	defer srv.Close()
	c := newStore(t, srv.URL)
	keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Prefix: "p/", Where: where(t, c, "b", "color,glob,r*d")})
	if err != nil || fmt.Sprint(keys) != "[p/1 p/3]" || heads.Load() != 2 {
		t.Errorf("keys %q after %d HEADs, %v; want p/1 and p/3 after 2", keys, heads.Load(), err)
	}
}

// TestQueryFillsRows: what a row lacks comes by one HEAD each, a few at a
// time, and an object that is gone or matches no more by then is left out.
func TestQueryFillsRows(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.NoSearchAttributes = true; s.PageSize = 20 })
	fill(t, srv, 50)
	c := newStore(t, srv.URL)
	var heads, most, now atomic.Int64
	srv.SetIntercept(func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "HeadObject" {
			return false
		}
		heads.Add(1)
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		switch req.Key {
		case "003":
			w.WriteHeader(http.StatusNotFound)
			return true
		case "004":
			w.Header().Set("ETag", `"other"`)
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Last-Modified", "Mon, 02 Jan 2026 15:04:05 GMT")
			w.Header().Set("x-amz-meta-color", "blue")
			return true
		}
		return false
	})
	n := 0
	for o, err := range c.Query(t.Context(), search.Listing{Bucket: "b", Where: where(t, c, "b", "color,eq,red")}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if o.Key == "003" || o.Key == "004" {
			t.Errorf("%s was yielded", o.Key)
		}
		if o.Size != 1 || o.ETag == "" || o.ModTime.IsZero() || o.Partial != search.FromQuery {
			t.Errorf("not complete: %+v", o)
		}
	}
	if n != 48 || heads.Load() != 50 || most.Load() > 8 {
		t.Errorf("%d rows, %d HEADs, %d at once; want 48, 50, at most 8", n, heads.Load(), most.Load())
	}
}

// TestQueryOfUnreturnedKeys: a server that ignores attributes returns no owner and no time of creation, which a HEAD
// does not tell either. That is an error, not an object without them.
func TestQueryOfUnreturnedKeys(t *testing.T) {
	for _, ignores := range []bool{false, true} {
		srv := startServer(t, func(s *ecstest.Server) { s.NoSearchAttributes = ignores })
		fill(t, srv, 3)
		c := newStore(t, srv.URL)
		schema, err := c.Schema(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		created, _ := schema.Resolve("created")
		for _, l := range []search.Listing{
			{Where: search.Normalize(search.Conjunction{where(t, c, "b", "size,ge,0"), where(t, c, "b", "owner,exists")})},
			{Where: where(t, c, "b", "size,ge,0"), Order: search.Order{Key: created}},
			{Order: search.Order{Key: created}, Limit: 3},
		} {
			l.Bucket = "b"
			keys, err := keysOf(t.Context(), c, l)
			switch {
			case !ignores && (err != nil || len(keys) != 3):
				t.Errorf("%+v: %q, %v; want 3", l, keys, err)
			case ignores && (search.KindOf(err) != search.KindUnsupported || len(keys) > 0):
				t.Errorf("%+v of a server that ignores attributes: %q, %v; want an error", l, keys, err)
			}
		}
	}
}
