package ecs_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// The tests of this file, too, are cited by docs/compatibility.md: what servers
// answer in more than one way.

// pagesByHand follows a search by Client.Query.
func pagesByHand(t *testing.T, c *ecs.Client, in ecs.QueryInput) (matches []ecs.Match, pages int) {
	t.Helper()
	for {
		out, err := c.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		matches = append(matches, out.Matches...)
		pages++
		if in.Marker = out.NextMarker; in.Marker == "" || pages > 100 {
			return matches, pages
		}
	}
}

// TestToleratesEndOfPages: no marker, an empty one, "NO MORE PAGES" and "null".
func TestToleratesEndOfPages(t *testing.T) {
	for _, end := range []ecstest.EndMarker{ecstest.EndAbsent, ecstest.EndNoMorePages, ecstest.EndNull, ecstest.EndEmpty} {
		for _, full := range []bool{false, true} {
			srv := startServer(t, func(s *ecstest.Server) { s.EndMarker, s.MarkFullPage, s.PageSize = end, full, 3 })
			fill(t, srv, 6)
			c := newClient(t, srv.URL)
			matches, pages := pagesByHand(t, c, ecs.QueryInput{Bucket: "b", Expression: "Size>=0"})
			keys, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>=0"))
			want := 2
			if full {
				want = 3
			}
			if len(matches) != 6 || pages != want || len(keys) != 6 || err != nil {
				t.Errorf("end %v, full page marked %v: %d matches on %d pages, %q, %v", end, full, len(matches), pages, keys, err)
			}
		}
	}
}

// TestToleratesKeyNameCase: result rows spell user keys in lower case or as the
// bucket's creator did.
func TestToleratesKeyNameCase(t *testing.T) {
	for _, spelled := range []ecstest.KeyCase{ecstest.LowerKeys, ecstest.KeysAsWritten} {
		srv := startServer(t, func(s *ecstest.Server) { s.KeyCase = spelled })
		if err := srv.CreateBucket("b", "Size", "x-amz-meta-Color;String"); err != nil {
			t.Fatal(err)
		}
		if err := srv.PutObject("b", "k", nil, ecstest.PutOptions{Metadata: map[string]string{"cOLOR": "red"}}); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, srv.URL)
		matches, _ := pagesByHand(t, c, ecs.QueryInput{Bucket: "b", Expression: "x-amz-meta-color=='red'"})
		for _, name := range []string{"x-amz-meta-color", "X-Amz-Meta-Color"} {
			if color, _ := matches[0].User.Get(name); color != "red" {
				t.Errorf("%+v", matches)
			}
			for o, err := range c.Bucket("b").Search(t.Context(), "color==red and size==0") {
				if color, _ := o.Metadata.Get(name); err != nil || color != "red" {
					t.Errorf("%+v, %v", o, err)
				}
			}
		}
	}
}

// TestToleratesKeyOrderAndDatatypeCase: lists of keys come in any order, with
// datatypes in any case.
func TestToleratesKeyOrderAndDatatypeCase(t *testing.T) {
	for seed := range int64(6) {
		srv := startServer(t, func(s *ecstest.Server) { s.Seed, s.CapitalDatatypes = seed+1, seed%2 == 0 })
		c := newClient(t, srv.URL)
		if err := c.CreateBucket(t.Context(), "b", search.Key{Name: "x-amz-meta-n", Type: search.Integer}, search.Key{Name: "Size"}, search.Key{Name: "CreateTime"},
			search.Key{Name: "x-amz-meta-a"}, search.Key{Name: "x-amz-meta-d", Type: search.Decimal}, search.Key{Name: "x-amz-meta-t", Type: search.Datetime}); err != nil {
			t.Fatal(err)
		}
		s, err := c.SearchKeys(t.Context(), "b")
		const want = "CreateTime datetime, Size integer, x-amz-meta-a string, x-amz-meta-d decimal, x-amz-meta-n integer, x-amz-meta-t datetime"
		if err != nil || names(s.Indexed) != want || !slices.IsSortedFunc(s.Attributes, func(a, b search.Key) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("seed %d: %+v, %v", seed, s, err)
		}
	}
}

// TestToleratesNamespaces: the same documents in S3's namespace, in another,
// with a prefix, and in none.
func TestToleratesNamespaces(t *testing.T) {
	const s3 = "http://s3.amazonaws.com/doc/2006-03-01/"
	for _, form := range []struct{ prefix, declare string }{
		{"", ""}, {"", ` xmlns="` + s3 + `"`}, {"", ` xmlns:ns2="` + s3 + `"`}, {"ns2:", ` xmlns:ns2="` + s3 + `"`}, {"x:", ` xmlns:x="urn:other"`},
	} {
		write := func(doc string) string {
			doc = strings.NewReplacer("</", "</"+form.prefix, "<", "<"+form.prefix).Replace(doc)
			end := strings.IndexByte(doc, '>')
			return doc[:end] + form.declare + doc[end:]
		}
		url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			switch {
			case r.URL.Path == "/denied":
				w.WriteHeader(403)
				fmt.Fprint(w, write("<Error><Code>AccessDenied</Code><Message>no</Message></Error>"))
			case q.Has("searchmetadata"):
				fmt.Fprint(w, write("<MetadataSearchList><IndexableKeys><Key><Name>Size</Name><Datatype>integer</Datatype></Key></IndexableKeys></MetadataSearchList>"))
			case q.Has("query"):
				fmt.Fprint(w, write("<BucketQueryResult>"+matches("a")+"</BucketQueryResult>"))
			case q.Has("endpoint"):
				fmt.Fprint(w, write("<ListDataNode><DataNodes>10.0.0.1</DataNodes></ListDataNode>"))
			case q.Has("ping"):
				fmt.Fprint(w, write("<PingList><PingItem><Name>LOAD_FACTOR</Name><Value>2</Value></PingItem></PingList>"))
			}
		})
		c := newClient(t, url)
		if s, err := c.SearchKeys(t.Context(), "b"); err != nil || names(s.Indexed) != "Size integer" {
			t.Errorf("%s: %+v, %v", write("<a></a>"), s, err)
		}
		if keys, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>=0")); err != nil || fmt.Sprint(keys) != "[a]" {
			t.Errorf("%s: %q, %v", write("<a></a>"), keys, err)
		}
		if nodes, err := c.DataNodes(t.Context()); err != nil || len(nodes.Endpoints) != 1 {
			t.Errorf("%s: %+v, %v", write("<a></a>"), nodes, err)
		}
		if health, err := c.Ping(t.Context(), ""); err != nil || health.LoadFactor != 2 {
			t.Errorf("%s: %+v, %v", write("<a></a>"), health, err)
		}
		_, err := c.SearchKeys(t.Context(), "denied")
		wantError(t, err, search.KindPermission, "AccessDenied: no")
	}
}

// TestToleratesMetadataBlocks: none, one or two blocks of attributes, in either
// order, with or without a type.
func TestToleratesMetadataBlocks(t *testing.T) {
	block := func(kind string, pairs ...string) string {
		var b strings.Builder
		for i := 0; i < len(pairs); i += 2 {
			fmt.Fprintf(&b, "<entry><key>%s</key><value>%s</value></entry>", pairs[i], pairs[i+1])
		}
		return "<queryMds>" + kind + "<mdMap>" + b.String() + "</mdMap></queryMds>"
	}
	const sys, user = "<type>SYSMD</type>", "<type>USERMD</type>"
	system := []string{"size", "1", "mtime", "1449081778025", "etag", "e"}
	meta := []string{"x-amz-meta-color", "red"}
	forms := []string{
		block(sys, system...) + block(user, meta...),
		block(user, meta...) + block(sys, system...),
		block("", append(slices.Clone(meta), system...)...),
		block(sys, system[:2]...) + block(sys, system[2:]...) + block(user, meta...),
		block(user, append(slices.Clone(system), meta...)...),
		"<queryMds/><queryMds><mdMap/></queryMds><new/>" + block(sys, system...) + block(user, meta...),
		"", // then all is asked for
	}
	heads := 0
	url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case q.Has("searchmetadata"):
			fmt.Fprint(w, "<MetadataSearchList><IndexableKeys><Key><Name>x-amz-meta-color</Name><Datatype>string</Datatype></Key></IndexableKeys></MetadataSearchList>")
		case r.Method == "HEAD":
			heads++
			w.Header().Set("Content-Length", "1")
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Last-Modified", "Wed, 02 Dec 2015 18:42:58 GMT")
			w.Header().Set("x-amz-meta-color", "red")
		default:
			fmt.Fprint(w, "<BucketQueryResult><ObjectMatches>")
			for i, form := range forms {
				fmt.Fprintf(w, "<object>%s<objectName>%d</objectName></object>", form, i)
			}
			fmt.Fprint(w, "</ObjectMatches></BucketQueryResult>")
		}
	})
	c := newClient(t, url)
	n := 0
	for o, err := range c.Bucket("b").Search(t.Context(), "color==red") {
		color, _ := o.Metadata.Get("x-amz-meta-color")
		if err != nil || o.Size != 1 || o.ETag != "e" || o.LastModified.Unix() != 1449081778 || color != "red" {
			t.Errorf("%+v, %v", o, err)
		}
		n++
	}
	if n != len(forms) || heads != 1 {
		t.Errorf("%d objects, %d HEADs", n, heads)
	}
	matches, _ := pagesByHand(t, c, ecs.QueryInput{Bucket: "b", Expression: "x-amz-meta-color=='red'"})
	for _, m := range matches[:len(forms)-1] {
		if m.System.Len() != 3 || m.User.Len() != 1 {
			t.Errorf("%+v", m)
		}
	}
	if last := matches[len(forms)-1]; last.System.Len()+last.User.Len() != 0 {
		t.Errorf("%+v", last)
	}
}

// TestToleratesMaxKeysZero: MaxKeys 0 in an answer means nothing.
func TestToleratesMaxKeysZero(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.ZeroMaxKeys, s.PageSize = true, 2 })
	fill(t, srv, 5)
	c := newClient(t, srv.URL)
	matches, pages := pagesByHand(t, c, ecs.QueryInput{Bucket: "b", Expression: "Size>=0"})
	if len(matches) != 5 || pages != 3 {
		t.Errorf("%d matches on %d pages", len(matches), pages)
	}
	for _, r := range srv.Requests() {
		if r.Query.Has("max-keys") {
			t.Errorf("max-keys %s was sent", r.Query.Get("max-keys"))
		}
	}
}

// TestToleratesNoTruncatedFlag: the marker alone says whether more follows; a
// page that says so without a marker is an error, not an end.
func TestToleratesNoTruncatedFlag(t *testing.T) {
	c, _ := answering(t, 200, "<BucketQueryResult><IsTruncated>true</IsTruncated>"+matches("a")+"</BucketQueryResult>")
	_, err := c.Query(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "Size>=0"})
	wantError(t, err, search.KindIO, "IsTruncated without NextMarker")
	for _, flag := range []string{"", "<IsTruncated>false</IsTruncated>"} {
		c, _ = answering(t, 200, "<BucketQueryResult><NextMarker>m</NextMarker>"+flag+matches("a")+"</BucketQueryResult>")
		if out, err := c.Query(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "Size>=0"}); err != nil || out.NextMarker != "m" {
			t.Errorf("%s: %+v, %v", flag, out, err)
		}
	}
}

// TestToleratesPathSlash: a bucket is named without a slash behind it, which
// every server takes, and what is sent is what was signed.
func TestToleratesPathSlash(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 1)
	var paths []string
	srv.SetIntercept(func(_ http.ResponseWriter, r *http.Request, _ ecstest.Request) bool {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		paths = append(paths, r.Method+" "+path)
		return false
	})
	c := newClient(t, srv.URL)
	if _, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>=0")); err != nil {
		t.Error(err)
	}
	if err := c.DisableSearch(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	if want := "[GET /b GET /b GET /b DELETE /b]"; fmt.Sprint(paths) != want {
		t.Errorf("%v, want %s", paths, want)
	}
}

// TestToleratesNamesThatAreNoXML: encoding-type=url where the server knows it,
// and where it does not.
func TestToleratesNamesThatAreNoXML(t *testing.T) {
	for _, g := range ecstest.Generations() {
		srv := startServer(t, func(s *ecstest.Server) { s.Generation = g })
		if err := srv.CreateBucket("b", "Size", "x-amz-meta-v;string"); err != nil {
			t.Fatal(err)
		}
		keys := []string{"100%", "a b+c", "%41", "ü"}
		knows := g != ecstest.ECS22 && g != ecstest.ECS30
		if knows {
			keys = append(keys, "ctl\x01")
		}
		slices.Sort(keys)
		for _, key := range keys {
			if err := srv.PutObject("b", key, nil, ecstest.PutOptions{Metadata: map[string]string{"v": "50% of a+b"}}); err != nil {
				t.Fatal(err)
			}
		}
		c := newClient(t, srv.URL)
		matches, _ := pagesByHand(t, c, ecs.QueryInput{Bucket: "b", Expression: "Size>=0", Encode: true})
		var got []string
		for _, m := range matches {
			got = append(got, m.Name)
			if v, _ := m.User.Get("x-amz-meta-v"); v != "50% of a+b" {
				t.Errorf("%s: %q has %q", g, m.Name, v)
			}
		}
		if slices.Sort(got); !slices.Equal(got, keys) {
			t.Errorf("%s: %q, want %q", g, got, keys)
		}
		always := newClient(t, srv.URL, func(c *ecs.Config) { c.QueryEncoding = ecs.EncodeURL })
		for _, c := range []*ecs.Client{c, always} {
			if found, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>=0 and meta.v=='50%25 of a+b'")); err != nil || !slices.Equal(found, keys) {
				t.Errorf("%s: %q, %v", g, found, err)
			}
		}
		if !knows {
			// Nothing can be done, and nothing is lost silently.
			if err := srv.PutObject("b", "ctl\x01", nil, ecstest.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			_, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>=0"))
			wantError(t, err, search.KindIO, "what XML cannot carry")
		}
	}
}

// TestToleratesUndefinedOrder: with "or" or a prefix the order is whatever the
// server likes; every object comes once.
func TestToleratesUndefinedOrder(t *testing.T) {
	orders := map[string]bool{}
	for seed := range int64(4) {
		srv := startServer(t, func(s *ecstest.Server) { s.Seed, s.PageSize = seed+1, 3 })
		fill(t, srv, 10)
		c := newClient(t, srv.URL)
		for _, text := range []string{"size>5 or color=='red'", "size>=0"} {
			var keys []string
			for o, err := range c.Bucket("b").Search(t.Context(), text, ecs.WithPrefix("00")) {
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, o.Key)
			}
			orders[fmt.Sprint(keys)] = true
			slices.Sort(keys)
			if want := "[000 001 002 003 004 005 006 007 008 009]"; fmt.Sprint(keys) != want {
				t.Errorf("%s: %q", text, keys)
			}
		}
	}
	if len(orders) < 3 {
		t.Errorf("the emulator had only %d orders: this test shows nothing", len(orders))
	}
}

// TestToleratesKeysThatOutliveDelete: a server that answers DELETE with 204 and
// keeps the keys.
func TestToleratesKeysThatOutliveDelete(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.KeepSearchKeys = true })
	fill(t, srv, 2)
	c := newClient(t, srv.URL)
	if err := c.DisableSearch(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if s, err := c.SearchKeys(t.Context(), "b"); err != nil || !s.Enabled {
		t.Errorf("%+v, %v", s, err)
	}
	if keys, err := foundKeys(c.Bucket("b").Search(t.Context(), "size>=0")); err != nil || len(keys) != 2 {
		t.Errorf("%q, %v", keys, err)
	}
}

// TestToleratesSearchNotEnabled: an error, MetadataSearchEnabled false, or an
// error in a namespace.
func TestToleratesSearchNotEnabled(t *testing.T) {
	for _, knob := range []func(*ecstest.Server){
		func(*ecstest.Server) {}, func(s *ecstest.Server) { s.ListWithoutSearch = true }, func(s *ecstest.Server) { s.ErrorNamespace = true },
	} {
		srv := startServer(t, knob)
		if err := srv.CreateBucket("plain"); err != nil {
			t.Fatal(err)
		}
		c := newClient(t, srv.URL)
		if s, err := c.SearchKeys(t.Context(), "plain"); err != nil || s.Enabled || len(s.Indexed) > 0 {
			t.Errorf("%+v, %v", s, err)
		}
		_, err := c.Query(t.Context(), ecs.QueryInput{Bucket: "plain", Expression: "Size>0"})
		wantError(t, err, search.KindUnsupported, "query plain: ")
	}
}

// TestToleratesKeysByGeneration: which keys and attributes there are, is asked
// and not assumed.
func TestToleratesKeysByGeneration(t *testing.T) {
	sorted := func(all []string) string { return fmt.Sprint(slices.Sorted(slices.Values(all))) }
	for _, g := range ecstest.Generations() {
		srv := startServer(t, func(s *ecstest.Server) { s.Generation = g })
		s, err := newClient(t, srv.URL).SystemKeys(t.Context())
		var indexable, optional []string
		for _, k := range s.Indexed {
			indexable = append(indexable, k.Name)
		}
		for _, k := range s.Attributes {
			optional = append(optional, k.Name)
		}
		if traits := g.Traits(); err != nil || fmt.Sprint(indexable) != sorted(traits.Indexable) || fmt.Sprint(optional) != sorted(traits.Optional) {
			t.Errorf("%s: %v, %v, %v", g, indexable, optional, err)
		}
	}
}

// everyCall makes every call of the service and returns its errors.
func everyCall(t *testing.T, c *ecs.Client) map[string]error {
	errs := make(map[string]error)
	_, errs["search keys"] = c.SystemKeys(t.Context())
	_, errs["search keys of"] = c.SearchKeys(t.Context(), "b")
	_, errs["query"] = c.Query(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "Size>0"})
	errs["create bucket"] = c.CreateBucket(t.Context(), "b", search.Key{Name: "Size"})
	_, errs["list data nodes"] = c.DataNodes(t.Context())
	_, errs["ping"] = c.Ping(t.Context(), "")
	_, errs["put"] = c.PutObject(t.Context(), "b", "k", strings.NewReader("x"), 1, ecs.PutOptions{})
	return errs
}

// TestToleratesErrorsUnderSuccess: an <Error> with status 200 is an error.
func TestToleratesErrorsUnderSuccess(t *testing.T) {
	c, _ := answering(t, 200, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
	for op, err := range everyCall(t, c) {
		wantError(t, err, search.KindPermission, op, "AccessDenied: no")
	}
}

// TestErrorsAreShort: neither an error's text nor the log repeats a long answer,
// and neither turns the direction of a terminal.
func TestErrorsAreShort(t *testing.T) {
	var log strings.Builder
	url := newHandler(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		fmt.Fprint(w, "<Error><Code>Odd</Code><Message>a\u202eb"+strings.Repeat("ü", 1<<19)+"</Message></Error>")
	})
	c := newClient(t, url, func(c *ecs.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	calls := 0
	for op, err := range everyCall(t, c) {
		for ; err != nil; err = errors.Unwrap(err) {
			if text := err.Error(); len(text) > 1<<20 && op != "put" || strings.Contains(text, "\u202e") && strings.HasPrefix(text, op) {
				t.Errorf("%s: %d bytes, %.100q", op, len(text), text)
			}
		}
		calls++
	}
	if log.Len() > 10_000*calls || strings.Contains(log.String(), "\u202e") || strings.Contains(log.String(), `\u202e`) || !strings.Contains(log.String(), "Odd") {
		t.Errorf("%d bytes of log", log.Len())
	}
	if _, err := first(answering(t, 200, "")).PutObject(t.Context(), "b", "k", strings.NewReader("x"), 1, ecs.PutOptions{}); err != nil {
		wantError(t, err, search.KindIO, "put b/k: unreadable answer: no ETag of what was stored")
	} else {
		t.Error("an object without an ETag")
	}
}

// TestToleratesErrorsWithoutBody: the status alone decides then.
func TestToleratesErrorsWithoutBody(t *testing.T) {
	for status, kind := range map[int]search.Kind{400: search.KindInvalid, 401: search.KindPermission, 403: search.KindPermission, 404: search.KindIO,
		405: search.KindUnsupported, 412: search.KindChanged, 500: search.KindIO, 501: search.KindUnsupported, 503: search.KindIO} {
		c, _ := answering(t, status, "")
		_, err := c.Query(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "Size>0"})
		wantError(t, err, kind, fmt.Sprintf("query b: status %d", status))
		for op, err := range everyCall(t, c) {
			if err == nil && op != "search keys of" && op != "search keys" {
				t.Errorf("%d: no error of %s", status, op)
			}
		}
	}
}
