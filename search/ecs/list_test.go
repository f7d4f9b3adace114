package ecs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// listed returns a listing's entries and its error.
func listed(t *testing.T, c *store, o search.ListOptions) (keys []string, err error) {
	t.Helper()
	for e, failed := range c.List(t.Context(), "b", o) {
		if failed != nil {
			err = failed
			continue
		}
		keys = append(keys, e.Key)
	}
	return keys, err
}

func contents(keys ...string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>", key)
	}
	return b.String()
}

func listPage(inside string) string { return "<ListBucketResult>" + inside + "</ListBucketResult>" }

const (
	more    = "<IsTruncated>true</IsTruncated>"
	encoded = "<EncodingType>url</EncodingType>"
)

// TestListAnswers is how servers differ in plain listings.
func TestListAnswers(t *testing.T) {
	tests := []struct {
		name    string
		options search.ListOptions
		answers map[string]string // by marker
		keys    string
		kind    search.Kind
		want    string // of the error; empty: none is due
	}{
		{"no NextMarker, last key", search.ListOptions{}, map[string]string{"": listPage(more + contents("a", "b")), "b": listPage(contents("c"))}, "[a b c]", 0, ""},
		{"no NextMarker, last prefix", search.ListOptions{},
			map[string]string{"": listPage(more + contents("a") + "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"), "b/": listPage(contents("c"))}, "[a b/ c]", 0, ""},
		{"opaque NextMarker", search.ListOptions{}, map[string]string{"": listPage(more + "<NextMarker>x[cache:v2]</NextMarker>" + contents("a")), "x[cache:v2]": listPage(contents("b"))}, "[a b]", 0, ""},
		{"prefix on two pages", search.ListOptions{}, map[string]string{
			"":    listPage(more + "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><NextMarker>p/1</NextMarker>"),
			"p/1": listPage("<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>" + contents("q"))}, "[p/ q]", 0, ""},
		{"delimiter ignored", search.ListOptions{}, map[string]string{"": listPage(contents("a/1", "a/2", "b", "c/d/e"))}, "[a/ b c/]", 0, ""},
		{"out of order", search.ListOptions{}, map[string]string{"": listPage(contents("c", "a", "b"))}, "[a b c]", 0, ""},
		{"object and folder of one name", search.ListOptions{Prefix: "a"}, map[string]string{"": listPage(contents("a") + "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>")}, "[a a/]", 0, ""},
		{"blank as plus, seen by %2B", search.ListOptions{}, map[string]string{"": listPage(encoded + contents("a+b", "c%2Bd"))}, "[a b c+d]", 0, ""},
		{"plus as plus, seen by %20", search.ListOptions{}, map[string]string{"": listPage(encoded + contents("a+b", "c%20d"))}, "[a+b c d]", 0, ""},
		{"not encoded", search.ListOptions{}, map[string]string{"": listPage(contents("a+b%20c"))}, "[a+b%20c]", 0, ""},
		{"encoded bytes and marker", search.ListOptions{},
			map[string]string{"": listPage(more + contents("%01%ff") + "<NextMarker>%01%ff</NextMarker>" + encoded), "\x01\xff": listPage(encoded + contents("%C3%BC"))}, "[\x01\xff ü]", 0, ""},
		{"loop", search.ListOptions{}, map[string]string{"": listPage(more + contents("a")), "a": listPage(more + contents("a"))}, "[a]", search.KindIO, "marker of this page"},
		{"endless", search.ListOptions{}, map[string]string{"": listPage(more + contents("a")), "a": listPage(more + contents("b")), "b": listPage(more + contents("a"))},
			"[a b]", search.KindTooLarge, "--max-pages"},
		{"truncated, nothing there", search.ListOptions{}, map[string]string{"": listPage(more)}, "[]", search.KindIO, "more follows"},
		{"beside the prefix", search.ListOptions{Prefix: "p/"}, map[string]string{"": listPage(contents("q"))}, "[]", search.KindIO, "prefix asked for"},
		{"prefix that is none", search.ListOptions{Prefix: "p/"}, map[string]string{"": listPage("<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>")}, "[]", search.KindIO, "no folder"},
		{"negative size", search.ListOptions{}, map[string]string{"": strings.Replace(listPage(contents("a")), "<Size>1", "<Size>-1", 1)}, "[]", search.KindIO, `size "-1"`},
		{"bad escape", search.ListOptions{}, map[string]string{"": listPage(encoded + contents("a%zz"))}, "[]", search.KindIO, "hexadecimal"},
		{"no bucket", search.ListOptions{}, map[string]string{"": "<Error><Code>NoSuchBucket</Code></Error>"}, "[]", search.KindNotExist, "NoSuchBucket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("encoding-type") != "url" || r.URL.Query().Get("prefix") != tt.options.Prefix {
					t.Errorf("asked for %s", r.URL.RawQuery)
				}
				answer, ok := tt.answers[r.URL.Query().Get("marker")]
				if !ok {
					t.Errorf("asked for the page after %q", r.URL.Query().Get("marker"))
				}
				io.WriteString(w, answer)
			}))
			t.Cleanup(srv.Close)
			keys, err := listed(t, newStore(t, srv.URL, func(c *ecs.Config) { c.MaxPages = 4 }), tt.options)
			if fmt.Sprint(keys) != tt.keys {
				t.Errorf("keys %q, want %s", keys, tt.keys)
			}
			if tt.want != "" {
				wantError(t, err, tt.kind, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestListPlus: where a page does not tell what "+" is, the server is asked
// once, and the answer kept.
func TestListPlus(t *testing.T) {
	for _, tt := range []struct {
		name    string
		encode  func(string) string
		objects []string
	}{
		{"form", url.QueryEscape, []string{"x y"}},
		{"path", func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "%2F", "/") }, []string{"x+y"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var probes atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				prefix := r.URL.Query().Get("prefix")
				if prefix != "" {
					probes.Add(1)
				}
				var keys []string
				for _, key := range tt.objects {
					if strings.HasPrefix(key, prefix) {
						keys = append(keys, tt.encode(key))
					}
				}
				io.WriteString(w, listPage(encoded+contents(keys...)))
			}))
			t.Cleanup(srv.Close)
			c := newStore(t, srv.URL)
			for range 3 {
				keys, err := listed(t, c, search.ListOptions{})
				if err != nil || !slices.Equal(keys, tt.objects) {
					t.Errorf("%q, %v, want %q", keys, err, tt.objects)
				}
			}
			if probes.Load() != 1 {
				t.Errorf("asked %d times what + means", probes.Load())
			}
		})
	}
}

// TestListRequests counts requests and what they ask for.
func TestListRequests(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 25)
	tests := []struct {
		pageSize, limit int
		want            string // max-keys of each request
	}{
		{0, 0, "[[]]"}, {10, 0, "[[10] [10] [10]]"}, {0, 1, "[[1]]"}, {10, 3, "[[3]]"}, {10, 12, "[[10] [10]]"}, {25, 0, "[[25]]"},
	}
	for _, tt := range tests {
		srv.ResetRequests()
		c := newStore(t, srv.URL, func(c *ecs.Config) { c.PageSize = tt.pageSize })
		keys, err := listed(t, c, search.ListOptions{Recursive: true, Limit: tt.limit})
		if want := min(25, max(tt.limit, 25*(1-min(tt.limit, 1)))); err != nil || len(keys) != want {
			t.Errorf("%+v: %d keys, %v", tt, len(keys), err)
		}
		var asked [][]string
		for _, r := range srv.Requests() {
			asked = append(asked, r.Query["max-keys"])
		}
		if fmt.Sprint(asked) != tt.want {
			t.Errorf("page size %d, limit %d: max-keys %v, want %s", tt.pageSize, tt.limit, asked, tt.want)
		}
	}
}

// TestListOddNames lists and reads names of any bytes.
func TestListOddNames(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 2 })
	if err := srv.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	names := []string{"\x00", "a\x01/b", "a\xff", "\xfe/\xff", "a b+c%20d", "\u202e", "\ufffd", "//", "/a", "é", "e\u0301"}
	for _, name := range names {
		if err := srv.PutObject("b", name, []byte(name), ecstest.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	c := newStore(t, srv.URL)
	keys, err := listed(t, c, search.ListOptions{Recursive: true})
	slices.Sort(keys) // the emulator's order is by UTF-16, which these are not all
	if err != nil || !slices.Equal(keys, names) {
		t.Errorf("%q, %v\nwant %q", keys, err, names)
	}
	for _, name := range names {
		o, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: name})
		if err != nil || o.Size != int64(len(name)) {
			t.Errorf("Stat(%+q): %+v, %v", name, o, err)
		}
	}
}

// TestBuckets pages, orders and distrusts.
func TestBuckets(t *testing.T) {
	pages := map[string]string{
		"":  "<Bucket><Name>c</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket><Bucket><Name>a</Name></Bucket>",
		"t": "<Bucket><Name>b</Name></Bucket><Bucket><Name>a</Name></Bucket><Bucket><Name>../x</Name></Bucket><Bucket/>",
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("continuation-token")
		next := ""
		if token == "" {
			next = "<ContinuationToken>t</ContinuationToken>"
		}
		io.WriteString(w, "<ListAllMyBucketsResult><Owner><ID>x</ID></Owner><Buckets>"+pages[token]+"</Buckets>"+next+"</ListAllMyBucketsResult>")
	}))
	t.Cleanup(srv.Close)
	buckets, err := newStore(t, srv.URL).Buckets(t.Context())
	if err != nil || len(buckets) != 3 || buckets[0].Name+buckets[1].Name+buckets[2].Name != "abc" || buckets[2].Created.Year() != 2026 {
		t.Errorf("%v, %v", buckets, err)
	}
}
