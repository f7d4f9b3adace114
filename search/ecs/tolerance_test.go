package ecs_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// The tests of this file are cited by docs/compatibility.md: each is one thing
// that servers disagree on.

// TestToleratesKeysThatAreCaseSensitive: before ECS 3.3 an expression must
// spell a key as the bucket's creator did.
func TestToleratesKeysThatAreCaseSensitive(t *testing.T) {
	for _, g := range ecstest.Generations() {
		t.Run(string(g), func(t *testing.T) {
			srv := startServer(t, func(s *ecstest.Server) { s.Generation = g })
			if err := srv.CreateBucket("b", "Size", "x-amz-meta-Color;string", "X-AMZ-META-N;integer"); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				err := srv.PutObject("b", fmt.Sprint(i), nil, ecstest.PutOptions{Metadata: map[string]string{"COLOR": "x-amz-meta-n", "n": fmt.Sprint(i)}})
				if err != nil {
					t.Fatal(err)
				}
			}
			c := newStore(t, srv.URL)
			s, err := c.Schema(t.Context(), "b")
			if err != nil || names(s.Indexed) != "Size integer, x-amz-meta-color string, x-amz-meta-n integer" {
				t.Fatalf("%+v, %v", s, err)
			}
			for text, want := range map[string]string{"color,eq,x-amz-meta-n/n,ge,2": "[2 3]", "(color==x-amz-meta-n or n==1) and size==0": "[0 1 2 3]"} {
				l := search.Listing{Bucket: "b", Where: search.Conjunction{}}
				var all search.Conjunction
				for part := range strings.SplitSeq(text, "/") {
					all = append(all, where(t, c, "b", part))
				}
				l.Where = search.Normalize(all)
				keys, err := keysOf(t.Context(), c, l)
				if err != nil || fmt.Sprint(keys) != want {
					t.Errorf("%s: %v, %v, want %s", text, keys, err, want)
				}
				for o, err := range c.Query(t.Context(), l) {
					if color, _ := o.Metadata.Get("x-amz-meta-color"); err != nil || color != "x-amz-meta-n" {
						t.Errorf("%+v, %v", o, err)
					}
				}
			}
		})
	}
}

// TestToleratesOneConnective: ECS 2.2 takes no expression with both "and" and
// "or". What it cannot be asked is checked here.
func TestToleratesOneConnective(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.Generation = ecstest.ECS22 })
	fill(t, srv, 4)
	if err := srv.PutObject("b", "blue", []byte("four"), ecstest.PutOptions{Metadata: map[string]string{"color": "blue"}}); err != nil {
		t.Fatal(err)
	}
	c := newStore(t, srv.URL)
	for text, want := range map[string]struct{ keys, sent string }{
		"(color==blue or color==red) and size>1":              {"[blue]", "Size>1 and x-amz-meta-color>='blue' and x-amz-meta-color<='red'"},
		"(color==blue and size>1) or (size<1)":                {"[blue]", ""},
		"color!=red and size>0":                               {"[blue]", "Size>0"},
		"(color==blue or size>9) and (size==4 or color==red)": {"[blue]", ""},
	} {
		l := search.Listing{Bucket: "b", Where: where(t, c, "b", text)}
		srv.ResetRequests()
		keys, err := keysOf(t.Context(), c, l)
		if err != nil || fmt.Sprint(keys) != want.keys {
			t.Errorf("%s: %v, %v", text, keys, err)
		}
		sent := srv.Requests()
		if len(sent) != 2 || want.sent != "" && sent[1].Query.Get("query") != want.sent {
			t.Errorf("%s: %d requests, the last %q", text, len(sent), sent[len(sent)-1].Query.Get("query"))
		}
	}
}

// TestToleratesServersWithoutPrefix: before ECS 3.6 prefix has no effect, so
// names are checked here.
func TestToleratesServersWithoutPrefix(t *testing.T) {
	for _, g := range ecstest.Generations() {
		srv := startServer(t, func(s *ecstest.Server) { s.Generation, s.PageSize = g, 2 })
		fill(t, srv, 5)
		for _, key := range []string{"00", "0/1", "001x", "ü01"} {
			if err := srv.PutObject("b", key, nil, ecstest.PutOptions{Metadata: map[string]string{"color": "red"}}); err != nil {
				t.Fatal(err)
			}
		}
		c := newStore(t, srv.URL)
		keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Prefix: "001", Where: where(t, c, "b", "color,eq,red")})
		if err != nil || fmt.Sprint(keys) != "[001 001x]" {
			t.Errorf("%s: %q, %v", g, keys, err)
		}
		if rows := srv.Requests(); rows[1].Query.Get("prefix") != "001" {
			t.Errorf("%s: no prefix was sent", g)
		}
	}
}

// TestToleratesRowsThatLackMetadata: ECS 3.6 leaves metadata out of rows under
// a prefix. One HEAD completes a row, where it can; otherwise the query does
// without the prefix, from the start or once a row shows it.
func TestToleratesRowsThatLackMetadata(t *testing.T) {
	for _, tt := range []struct {
		name, where         string
		heads, nodes, whole bool // whether HEADs, ?endpoint, and queries without prefix are sent
	}{
		{"told by a HEAD", "color,eq,red", true, false, false},
		{"told by no HEAD, on every object", "owner,exists/color,eq,red", false, false, true},
		{"on some objects", "color,eq,red/meta.note,missing", false, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := startServer(t, func(s *ecstest.Server) { s.Generation, s.PageSize = ecstest.ECS36, 10 })
			if err := srv.CreateBucket("b", "Size", "Owner", "x-amz-meta-color;string"); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range 40 {
				meta := map[string]string{"color": "red"}
				if i%2 == 1 {
					meta["note"] = "x"
				}
				key := fmt.Sprintf("p/%02d", i)
				if err := srv.PutObject("b", key, nil, ecstest.PutOptions{Metadata: meta}); err != nil {
					t.Fatal(err)
				}
				if i%2 == 0 || !strings.Contains(tt.where, "note") {
					want = append(want, key)
				}
			}
			c := newStore(t, srv.URL)
			var all search.Conjunction
			for part := range strings.SplitSeq(tt.where, "/") {
				all = append(all, where(t, c, "b", part))
			}
			for range 2 {
				keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Prefix: "p/", Where: search.Normalize(all)})
				if err != nil || !slices.Equal(keys, want) {
					t.Errorf("%q, %v", keys, err)
				}
			}
			whole := slices.ContainsFunc(srv.Requests(), func(r ecstest.Request) bool {
				return r.Operation == "Query" && r.Query.Get("prefix") == ""
			})
			counts := srv.Counts()
			if (counts["HeadObject"] > 0) != tt.heads || whole != tt.whole || (counts["DataNodes"] == 1) != tt.nodes {
				t.Errorf("requests %v, without prefix %v", counts, whole)
			}
		})
	}
}

// TestServerVersionIsAskedOnce: for the first search that depends on it, and
// again only if the answer was a failure that passes. A server that refuses to
// say is taken for old.
func TestServerVersionIsAskedOnce(t *testing.T) {
	for _, tt := range []struct {
		name     string
		statuses []int // of the first answers
		asked    int
		prefixes string // of three searches
	}{
		{"told", nil, 1, "[p/ p/ p/]"},
		{"denied", []int{403, 403, 403}, 1, "[  ]"},
		{"failing at first", []int{500, 500, 500, 500}, 5, "[ p/ p/]"},
	} {
		srv := startServer(t)
		fill(t, srv, 0)
		asked := 0
		srv.SetIntercept(func(w http.ResponseWriter, _ *http.Request, r ecstest.Request) bool {
			if r.Operation != "DataNodes" {
				return false
			}
			asked++
			if asked > len(tt.statuses) {
				return false
			}
			w.WriteHeader(tt.statuses[asked-1])
			return true
		})
		c := newClient(t, srv.URL)
		var prefixes []string
		for range 3 {
			if _, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>0 and not meta.note==x", ecs.WithPrefix("p/"))); err != nil {
				t.Error(err)
			}
			sent := srv.Requests()
			prefixes = append(prefixes, sent[len(sent)-1].Query.Get("prefix"))
		}
		if asked != tt.asked || fmt.Sprint(prefixes) != tt.prefixes {
			t.Errorf("%s: asked %d times, prefixes %q", tt.name, asked, prefixes)
		}
	}
}

// TestToleratesNoEncodedPrefix: before ECS 3.7.1 prefix and encoding-type
// together are an error.
func TestToleratesNoEncodedPrefix(t *testing.T) {
	for _, encoding := range []ecs.QueryEncoding{ecs.EncodeAuto, ecs.EncodeURL} {
		srv := startServer(t, func(s *ecstest.Server) { s.Generation, s.PageSize = ecstest.ECS36, 2 })
		fill(t, srv, 3)
		for _, key := range []string{"p/a", "p/b\x01", "p/c\x1d", "p/d"} {
			if err := srv.PutObject("b", key, nil, ecstest.PutOptions{Metadata: map[string]string{"color": "red"}}); err != nil {
				t.Fatal(err)
			}
		}
		c := newStore(t, srv.URL, func(c *ecs.Config) { c.QueryEncoding = encoding })
		keys, err := keysOf(t.Context(), c, search.Listing{Bucket: "b", Prefix: "p/", Where: where(t, c, "b", "color,eq,red")})
		if err != nil || fmt.Sprintf("%q", keys) != `["p/a" "p/b\x01" "p/c\x1d" "p/d"]` {
			t.Errorf("%s: %q, %v", encoding, keys, err)
		}
	}
}

// TestToleratesOlderVersionsSpelling: three names of one parameter, of which a
// server may honour one. What is sent is what was chosen.
func TestToleratesOlderVersionsSpelling(t *testing.T) {
	for _, spelling := range []string{"include-older-versions", "include_older_version", "include-older-version"} {
		srv := startServer(t, func(s *ecstest.Server) { s.OlderVersionsParam, s.PageSize = spelling, 3 })
		fill(t, srv, 3)
		if err := srv.SetVersioning("b", true); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			if err := srv.PutObject("b", "001", make([]byte, 10+i), ecstest.PutOptions{Metadata: map[string]string{"color": "red"}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, sent := range []string{"", "include-older-versions", "include_older_version", "include-older-version"} {
			c := newClient(t, srv.URL, func(c *ecs.Config) { c.OlderVersionsParameter = sent })
			if sent == "" {
				sent = "include-older-versions"
			}
			srv.ResetRequests()
			versions := map[string]bool{}
			n := 0
			for o, err := range c.Bucket("b").Search(t.Context(), "color=='red'", ecs.WithOlderVersions()) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				versions[o.Key+" "+o.Version] = true
				if f, err := o.Open(t.Context()); err != nil || f.Size() != o.Size {
					t.Errorf("%+v, %v", o, err)
				} else if data, err := io.ReadAll(f); err != nil || int64(len(data)) != o.Size || f.Close() != nil {
					t.Errorf("%+v: %d bytes, %v", o, len(data), err)
				}
			}
			want := 3
			if sent == spelling {
				want = 7
			}
			if n != want || len(versions) != want {
				t.Errorf("%s to %s: %d objects: %v", sent, spelling, n, versions)
			}
			for _, r := range srv.Requests() {
				if r.Operation == "Query" && (r.Query.Get(sent) != "true" || len(r.Query) > 5) {
					t.Errorf("sent %v", r.Query)
				}
			}
			if keys, err := foundKeys(c.Bucket("b").Search(t.Context(), "color=='red'")); err != nil || fmt.Sprint(keys) != "[000 001 002]" {
				t.Errorf("current versions: %q, %v", keys, err)
			}
		}
	}
	_, err := ecs.New(t.Context(), ecs.Config{Endpoint: "http://h", Credentials: demoKeys, OlderVersionsParameter: "versions"})
	wantError(t, err, search.KindInvalid, `no server calls the parameter of older versions "versions"`, "include_older_version")
}
