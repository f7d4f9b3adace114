package ecs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// where parses one component against the schema that c sees.
func where(t *testing.T, c *store, bucket, component string) search.Expr {
	t.Helper()
	s, err := c.Schema(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	p, err := search.ParseComponent(component, s)
	if err != nil || p.Kind != search.ComponentPredicate {
		t.Fatalf("%s: %v, %+v", component, err, p)
	}
	return search.Bind(p.Where, time.Now())
}

// keysOf returns the keys of a query in order, and its error.
func keysOf(ctx context.Context, c *store, l search.Listing) (keys []string, err error) {
	for o, e := range c.Query(ctx, l) {
		if e != nil {
			err = e
			continue
		}
		keys = append(keys, o.Key)
	}
	slices.Sort(keys)
	return keys, err
}

// fill makes bucket b with n objects "000" ... of one byte each.
func fill(t *testing.T, srv *ecstest.Server, n int) {
	t.Helper()
	if err := srv.CreateBucket("b", "Size", "x-amz-meta-color;string"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		err := srv.PutObject("b", fmt.Sprintf("%03d", i), []byte("x"), ecstest.PutOptions{Metadata: map[string]string{"color": "red"}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestQueryRequests counts: a query of N results takes ceil(N/page) requests,
// one more where the server marks a full last page, and no HEAD. The schema is
// asked for once.
func TestQueryRequests(t *testing.T) {
	tests := []struct {
		objects, page int
		mark          bool
		want          int
	}{
		{0, 10, false, 1}, {1, 10, false, 1}, {10, 10, false, 1}, {10, 10, true, 2}, {11, 10, false, 2}, {95, 10, false, 10}, {25, 1000, false, 1},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d by %d, mark %v", tt.objects, tt.page, tt.mark), func(t *testing.T) {
			srv := startServer(t, func(s *ecstest.Server) { s.PageSize, s.MarkFullPage = tt.page, tt.mark })
			fill(t, srv, tt.objects)
			c := newStore(t, srv.URL)
			l := search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")}
			for range 2 {
				keys, err := keysOf(t.Context(), c, l)
				if err != nil || len(keys) != tt.objects {
					t.Fatalf("%d objects, %v", len(keys), err)
				}
			}
			want := map[string]int{"SearchKeys": 1, "Query": 2 * tt.want}
			if got := srv.Counts(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("requests %v, want %v", got, want)
			}
			for _, counter := range c.Stats() {
				wantCounter := map[string]int64{"requests_query": int64(2 * tt.want), "requests_search_keys": 1, "read_ahead_limit": 32}[counter.Name]
				if counter.Name != "bytes_received" && counter.Value != wantCounter {
					t.Errorf("%s = %d, want %d", counter.Name, counter.Value, wantCounter)
				}
			}
			for _, r := range srv.Requests() {
				if _, sent := r.Query["encoding-type"]; sent {
					t.Error("a query asked for encoding-type")
				}
			}
		})
	}
}

// TestQueryParameters is what a query asks for, to the letter.
func TestQueryParameters(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 1 })
	fill(t, srv, 2)
	c := newStore(t, srv.URL, func(c *ecs.Config) { c.PageSize = 1 })
	l := search.Listing{Bucket: "b", Prefix: "00", Where: where(t, c, "b", "color,eq,red")}
	if keys, err := keysOf(t.Context(), c, l); err != nil || len(keys) != 2 {
		t.Fatalf("%q, %v", keys, err)
	}
	for i, r := range srv.Requests()[1:] {
		marker := r.Query.Get("marker")
		if r.Query.Del("marker"); (marker == "") != (i == 0) {
			t.Errorf("request %d: marker %q", i, marker)
		}
		const want = "attributes=LastModified%2CEtag%2CContentType&max-keys=1&prefix=00&query=x-amz-meta-color%3D%3D%27red%27"
		if got := r.Query.Encode(); got != want {
			t.Errorf("asked for %s\nwant      %s", got, want)
		}
	}
}

// TestQueryFirst asks for a query before anyone asked for the schema.
func TestQueryFirst(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 3)
	expr := where(t, newStore(t, srv.URL), "b", "color,eq,red")
	srv.ResetRequests()
	keys, err := keysOf(t.Context(), newStore(t, srv.URL), search.Listing{Bucket: "b", Where: expr})
	if err != nil || len(keys) != 3 || srv.Count("SearchKeys") != 1 || srv.Count("Query") != 1 {
		t.Errorf("%q, %v, requests %v", keys, err, srv.Counts())
	}
}

// TestQueryPageAhead holds the rows of the first page back until the second
// page has been asked for: its request leaves as soon as the marker is read.
// A third must not leave before the first page is consumed.
func TestQueryPageAhead(t *testing.T) {
	asked := make(chan string, 10)
	second := make(chan struct{})
	var once sync.Once
	srv := searchServer(t, func(w http.ResponseWriter, r *http.Request) {
		marker := r.URL.Query().Get("marker")
		asked <- marker
		switch marker {
		case "":
			fmt.Fprint(w, "<BucketQueryResult><NextMarker>2</NextMarker>")
			w.(http.Flusher).Flush()
			select {
			case <-second:
			case <-r.Context().Done():
			}
			fmt.Fprint(w, matches("a", "b")+"</BucketQueryResult>")
		case "2":
			once.Do(func() { close(second) })
			fmt.Fprint(w, "<BucketQueryResult><NextMarker>3</NextMarker>"+matches("c")+"</BucketQueryResult>")
		default:
			fmt.Fprint(w, "<BucketQueryResult>"+matches("d")+"</BucketQueryResult>")
		}
	})
	c := newStore(t, srv.URL)
	var got []string
	for o, err := range c.Query(t.Context(), search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 && len(asked) > 2 {
			t.Errorf("%d pages were asked for when the first row came", len(asked))
		}
		got = append(got, o.Key)
	}
	if fmt.Sprint(got) != "[a b c d]" {
		t.Errorf("got %q", got)
	}
}

// TestQueryBreak: leaving the loop ends the request that is under way.
func TestQueryBreak(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	srv := searchServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("marker") == "" {
			fmt.Fprint(w, "<BucketQueryResult><NextMarker>2</NextMarker>"+matches("a", "b")+"</BucketQueryResult>")
			return
		}
		close(asked)
		<-r.Context().Done()
		close(ended)
	})
	c := newStore(t, srv.URL)
	for range c.Query(t.Context(), search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")}) {
		<-asked
		break
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the next page is still being fetched")
	}
}

// searchServer answers searchmetadata with the key Size, and everything else by query.
func searchServer(t *testing.T, query http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("searchmetadata") {
			io.WriteString(w, "<MetadataSearchList><IndexableKeys><Key><Name>Size</Name><Datatype>integer</Datatype></Key></IndexableKeys></MetadataSearchList>")
			return
		}
		query(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// matches is an ObjectMatches of complete rows of one byte.
func matches(keys ...string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, "<object><objectName>%s</objectName><queryMds><mdMap>"+
			"<entry><key>size</key><value>1</value></entry><entry><key>mtime</key><value>1449081778025</value></entry>"+
			"<entry><key>etag</key><value>e</value></entry></mdMap></queryMds></object>", key)
	}
	return "<ObjectMatches>" + b.String() + "</ObjectMatches>"
}

// TestQueryAnswers is what servers do to a query, other than answering it.
func TestQueryAnswers(t *testing.T) {
	page := func(next, rest string) string {
		return "<BucketQueryResult><NextMarker>" + next + "</NextMarker>" + rest + "</BucketQueryResult>"
	}
	tests := []struct {
		name    string
		answers []string // by request; the last one again and again
		status  int
		keys    string
		kind    search.Kind
		want    []string // of the error; nil: none is due
		asked   int
	}{
		{name: "twice on one page", answers: []string{page("", matches("a", "a", "b"))}, keys: "[a b]", asked: 1},
		{name: "twice over pages", answers: []string{page("1", matches("a", "b")), page("", matches("b", "c"))}, keys: "[a b c]", asked: 2},
		{name: "empty pages", answers: []string{page("1", ""), page("2", ""), page("", matches("a"))}, keys: "[a]", asked: 3},
		{name: "marker of this page", answers: []string{page("1", matches("a")), page("1", matches("b"))}, keys: "[a]",
			kind: search.KindIO, want: []string{"marker of this page"}, asked: 2},
		{name: "endless", answers: []string{page("1", matches("a")), page("2", matches("b"))}, keys: "[a b]",
			kind: search.KindTooLarge, want: []string{"more than 5 pages", "--max-pages"}, asked: 5},
		{name: "truncated without marker", answers: []string{"<BucketQueryResult><IsTruncated>true</IsTruncated>" + matches("a") + "</BucketQueryResult>"},
			keys: "[]", kind: search.KindIO, want: []string{"IsTruncated"}, asked: 1},
		{name: "error under 200", answers: []string{"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"}, keys: "[]",
			kind: search.KindPermission, want: []string{"AccessDenied: no", "key id ecsfs-demo-key"}, asked: 1},
		{name: "internal error under 200 once", answers: []string{"<Error><Code>InternalError</Code></Error>", page("", matches("a"))}, keys: "[a]", asked: 2},
		{name: "later page denied", answers: []string{page("1", matches("a")), "<Error><Code>AccessDenied</Code></Error>"}, keys: "[a]",
			kind: search.KindPermission, want: []string{"AccessDenied"}, asked: 2},
		{name: "500 always", status: 500, answers: []string{"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"},
			keys: "[]", kind: search.KindIO, want: []string{"InternalError"}, asked: 4},
		{name: "503", status: 503, answers: []string{"<Error><Code>SlowDown</Code></Error>"}, keys: "[]",
			kind: search.KindIO, want: []string{"SlowDown", "--max-requests"}, asked: 4},
		{name: "not enabled", status: 400, answers: []string{"<Error><Code>Metadata search not enabled</Code></Error>"}, keys: "[]",
			kind: search.KindUnsupported, want: []string{"Metadata search not enabled"}, asked: 1},
		{name: "invalid", status: 400, answers: []string{"<Error><Code>InvalidArgument</Code><Message>bad expression</Message></Error>"}, keys: "[]",
			kind: search.KindInvalid, want: []string{"bad expression"}, asked: 1},
		{name: "clock", status: 403, answers: []string{"<Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message></Error>"}, keys: "[]",
			kind: search.KindPermission, want: []string{"RequestTimeTooSkewed", "1h0m", "ahead of this machine's", "clock"}, asked: 1},
		{name: "wrong secret", status: 403, answers: []string{"<Error><Code>SignatureDoesNotMatch</Code></Error>"}, keys: "[]",
			kind: search.KindPermission, want: []string{"secret access key", "ecsfs-demo-key"}, asked: 1},
		{name: "wrong region", status: 400, answers: []string{"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"}, keys: "[]",
			kind: search.KindPermission, want: []string{"--region eu-west-1"}, asked: 1},
		{name: "redirect", status: 307, answers: []string{"<Error><Code>TemporaryRedirect</Code><Endpoint>other.example.com</Endpoint></Error>"}, keys: "[]",
			kind: search.KindIO, want: []string{"other.example.com", "--region"}, asked: 1},
		{name: "not XML", answers: []string{"<html><body>Welcome</body></html>"}, keys: "[]", kind: search.KindIO, want: []string{"S3 service?"}, asked: 1},
		{name: "not found without XML", status: 404, answers: []string{"404 page not found"}, keys: "[]",
			kind: search.KindIO, want: []string{"status 404", "404 page not found", "S3 service?"}, asked: 1},
		{name: "control characters in a message", status: 418, answers: []string{"<Error><Code>Teapot</Code><Message>a\n\tb\u009b31m</Message></Error>"}, keys: "[]",
			kind: search.KindIO, want: []string{"Teapot: a b 31m"}, asked: 1},
		{name: "broken once", answers: []string{page("", matches("a"))[:60], page("", matches("a"))}, keys: "[a]", asked: 2},
		{name: "broken always", answers: []string{page("", matches("a"))[:60]}, keys: "[]", kind: search.KindIO, want: []string{"4 attempts"}, asked: 4},
		{name: "no size", answers: []string{page("", "<ObjectMatches><object><objectName>gone</objectName></object></ObjectMatches>")}, keys: "[]", asked: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int64
			srv := searchServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "HEAD" {
					w.WriteHeader(404)
					return
				}
				i := int(n.Add(1)) - 1
				if tt.name == "endless" {
					i %= 2
				}
				if tt.name == "clock" {
					w.Header().Set("Date", time.Now().Add(time.Hour+time.Second/2).UTC().Format(http.TimeFormat))
				}
				if tt.status != 0 {
					w.WriteHeader(tt.status)
				}
				io.WriteString(w, tt.answers[min(i, len(tt.answers)-1)])
			})
			c := newStore(t, srv.URL, func(c *ecs.Config) { c.MaxPages = 5 })
			keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")})
			if fmt.Sprint(keys) != tt.keys {
				t.Errorf("keys %q, want %s", keys, tt.keys)
			}
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantError(t, err, tt.kind, append(tt.want, "query b: ")...)
			}
			if got := int(n.Load()); got != tt.asked {
				t.Errorf("%d requests, want %d", got, tt.asked)
			}
		})
	}
}

// TestQueryOddNames: names that XML cannot carry come percent-encoded, once
// the server was seen to have some; a server that does not encode is not misread.
func TestQueryOddNames(t *testing.T) {
	names := []string{"ctl\x01", "esc\x1b[31m", "not\xffutf8", "fffd\ufffd", "plain a+b%20", "\x00"}
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 2 })
	if err := srv.CreateBucket("b", "Size"); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := srv.PutObject("b", name, []byte(name), ecstest.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	for _, encoding := range []ecs.QueryEncoding{ecs.EncodeAuto, ecs.EncodeURL} {
		c := newStore(t, srv.URL, func(c *ecs.Config) { c.QueryEncoding = encoding })
		keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")})
		if err != nil || !slices.Equal(keys, names) {
			t.Errorf("%s: %q, %v", encoding, keys, err)
		}
		for _, key := range keys {
			o, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: key})
			p := make([]byte, len(key))
			_, readErr := c.ReadRange(t.Context(), search.Ref{Bucket: "b", Key: key, ETag: o.ETag, Size: o.Size}, p, 0)
			if err != nil || readErr != nil || string(p) != key {
				t.Errorf("%+q: %v, %v, read %+q", key, err, readErr, p)
			}
		}
	}
	c := newStore(t, srv.URL, func(c *ecs.Config) { c.QueryEncoding = ecs.EncodeNever })
	_, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")})
	wantError(t, err, search.KindIO, "what XML cannot carry")

	// A server without encoding-type: U+FFFD is taken for a name, and so is %41.
	plain := searchServer(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<BucketQueryResult>"+matches("a\ufffd", "%41")+"</BucketQueryResult>")
	})
	c = newStore(t, plain.URL)
	keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Where: where(t, c, "b", "size,ge,0")})
	if err != nil || fmt.Sprintf("%q", keys) != `["%41" "a�"]` {
		t.Errorf("%q, %v", keys, err)
	}
}

// TestSchemaAnswers is what servers say about a bucket without metadata search.
func TestSchemaAnswers(t *testing.T) {
	tests := []struct {
		status int
		answer string
		kind   search.Kind
		want   string // of the error; empty: no metadata search, and no error
	}{
		{400, "<Error><Code>Metadata search not enabled</Code></Error>", 0, ""},
		{400, "<Error><Code>MetadataSearchNotEnabled</Code></Error>", 0, ""},
		{200, "<Error><Code>metadata search not enabled</Code></Error>", 0, ""},
		{501, "<Error><Code>NotImplemented</Code></Error>", 0, ""},
		{501, "", 0, ""},
		{405, "<Error><Code>MethodNotAllowed</Code></Error>", 0, ""},
		{400, "<Error><Code>InvalidArgument</Code></Error>", 0, ""},
		{200, "<ListBucketResult><Name>b</Name></ListBucketResult>", 0, ""},
		{404, "<Error><Code>NoSuchBucket</Code></Error>", search.KindNotExist, "NoSuchBucket"},
		{403, "<Error><Code>AccessDenied</Code></Error>", search.KindPermission, "AccessDenied"},
		{400, "<Error><Code>ExpiredToken</Code></Error>", search.KindPermission, "log in again"},
		{400, "Client sent an HTTP request to an HTTPS server.", search.KindIO, "speaks https"},
		{200, "<html></html>", search.KindIO, "MetadataSearchList"},
		{200, "", search.KindIO, "attempts"},
	}
	for _, tt := range tests {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.answer)
		}))
		c := newStore(t, srv.URL)
		s, err := c.Schema(t.Context(), "b")
		if tt.want == "" {
			if err != nil || s.Enabled || s.Bucket != "b" {
				t.Errorf("%d %s: %+v, %v", tt.status, tt.answer, s, err)
			}
		} else {
			wantError(t, err, tt.kind, tt.want)
		}
		c.client.CloseIdleConnections()
		srv.Close()
	}
}
