package ecs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// foundKeys returns the keys of a search in order, and its error.
func foundKeys(objects iter.Seq2[ecs.Object, error]) (keys []string, err error) {
	for o, e := range objects {
		if e != nil {
			err = e
			continue
		}
		keys = append(keys, o.Key)
	}
	slices.Sort(keys)
	return keys, err
}

func TestSearch(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 2 })
	fill(t, srv, 4)
	if err := srv.PutObject("b", "logs/1", []byte("hello"), ecstest.PutOptions{ContentType: "text/plain", Metadata: map[string]string{"color": "blue"}}); err != nil {
		t.Fatal(err)
	}
	b := newClient(t, srv.URL).Bucket("b")
	if keys, err := b.Keys(t.Context()); err != nil || names(keys.Indexed) != "Size integer, x-amz-meta-color string" || b.Name() != "b" {
		t.Errorf("%+v, %v", keys, err)
	}
	for _, tt := range []struct {
		text    string
		options []ecs.SearchOption
		want    string
	}{
		{"size > 0 and color == 'red'", nil, "[000 001 002 003]"},
		{"size,gt,1", nil, "[logs/1]"},
		{"size >= 0", []ecs.SearchOption{ecs.WithPrefix("logs/")}, "[logs/1]"},
		{"size >= 0", []ecs.SearchOption{ecs.WithPrefix("none/")}, "[]"},
		{"size >= 0", []ecs.SearchOption{ecs.WithOlderVersions()}, "[000 001 002 003 logs/1]"},
	} {
		if keys, err := foundKeys(b.Search(t.Context(), tt.text, tt.options...)); err != nil || fmt.Sprint(keys) != tt.want {
			t.Errorf("%s: %q, %v", tt.text, keys, err)
		}
	}
	srv.ResetRequests()
	if keys, err := foundKeys(b.Search(t.Context(), "size>=0", ecs.WithLimit(1))); err != nil || len(keys) != 1 || srv.Count("Query") != 1 {
		t.Errorf("%q, %v, requests %v", keys, err, srv.Counts())
	}
	if keys, err := foundKeys(b.SearchFor(t.Context(), search.And(search.Gt("Size", 0), search.Not(search.Eq("color", "red"))))); err != nil || fmt.Sprint(keys) != "[logs/1]" {
		t.Errorf("%q, %v", keys, err)
	}
	for order, want := range map[string]string{"size": "000 001", "-size": "logs/1 000", "-name": "logs/1 003", "meta.none": "000 001"} {
		var got []string
		for o, err := range b.Search(t.Context(), "size>=0", ecs.WithOrder(order), ecs.WithLimit(2)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Key)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("ordered by %s: %q, want %s", order, got, want)
		}
	}
	if keys, err := foundKeys(b.SearchFor(t.Context(), search.And())); err != nil || len(keys) != 5 { // no condition: everything
		t.Errorf("%q, %v", keys, err)
	}
	_, err := foundKeys(b.Search(t.Context(), "size>=0", ecs.WithOrder("sizes")))
	wantError(t, err, search.KindInvalid, "did you mean @sort,size?")
	_, err = foundKeys(b.Search(t.Context(), "size>=0", ecs.WithLimit(-1)))
	wantError(t, err, search.KindInvalid, "limit")
	for o, err := range b.Search(t.Context(), "color==blue") {
		color, _ := o.Metadata.Get("x-amz-meta-color")
		if err != nil || o.Bucket != "b" || o.Size != 5 || o.ETag != "5d41402abc4b2a76b9719d911017c592" || o.ContentType != "text/plain" ||
			time.Since(o.LastModified) > time.Hour || o.Version != "" || color != "blue" {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

func TestSearchErrors(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 1)
	if err := srv.CreateBucket("plain"); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, srv.URL, func(c *ecs.Config) { c.Engine = ecs.EngineECS })
	for _, tt := range []struct {
		bucket, text string
		kind         search.Kind
		want         string
	}{
		{"b", "colour == 'red'", search.KindInvalid, "did you mean color?"},
		{"b", "size > many", search.KindInvalid, "many"},
		{"b", "", search.KindInvalid, "parse b"},
		{"b", "meta.note == 'x'", search.KindUnsupported, "add a condition on an indexed key"},
		{"plain", "size > 0", search.KindUnsupported, "query plain: the bucket has no metadata search"},
		{"none", "size > 0", search.KindNotExist, "none"},
		{"../b", "size > 0", search.KindNotExist, "no bucket can have this name"},
	} {
		n := 0
		for o, err := range c.Bucket(tt.bucket).Search(t.Context(), tt.text) {
			wantError(t, err, tt.kind, tt.want)
			if n++; o.Key != "" {
				t.Errorf("%+v beside an error", o)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d elements", tt.text, n)
		}
	}
	if srv.Count("Query") != 0 {
		t.Errorf("requests %v", srv.Counts())
	}
	// What follows an error, or breaking off, is nothing.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := foundKeys(c.Bucket("b").Search(ctx, "size>=0"))
	wantError(t, err, search.KindCanceled, "")
}

// awkward are values that quoting, encoding and XML get wrong.
var awkward = []string{"", " ", "it's", `say "hi"`, `both ' and "`, "100%", "%41", "a+b", "a&b=c;d", "<a>&amp;", "größe", "日本語", "😀", "a,b", "a..b",
	"(x)", "' or Size>=0 or 'a'=='", `" or Size>=0`, "and", "a\\b", "{}", "*", "--", "x-amz-meta-color", "%27", "#?/"}

// TestSearchValues stores values that are hard to quote, through this client,
// and finds each by itself and nothing else, in Go and as text.
func TestSearchValues(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 7 })
	c := newClient(t, srv.URL)
	if err := c.CreateBucket(t.Context(), "b", search.Key{Name: "Size"}, search.Key{Name: "x-amz-meta-v"}, search.Key{Name: "x-amz-meta-n", Type: search.Integer}); err != nil {
		t.Fatal(err)
	}
	for i, v := range awkward {
		metadata := map[string]string{"v": v, "n": fmt.Sprint(i)}
		if strings.TrimSpace(v) != v {
			continue // no header carries it
		}
		if _, err := c.PutObject(t.Context(), "b", fmt.Sprintf("%02d %s", i, v), strings.NewReader(v), int64(len(v)), ecs.PutOptions{Metadata: metadata}); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
	}
	b := c.Bucket("b")
	for i, v := range awkward {
		var want []string
		if strings.TrimSpace(v) == v {
			want = []string{fmt.Sprintf("%02d %s", i, v)}
		}
		encoded := strings.ReplaceAll(v, "%", "%25")
		for name, found := range map[string]iter.Seq2[ecs.Object, error]{
			"Eq":     b.SearchFor(t.Context(), search.And(search.Eq("v", v), search.Ge("n", 0))),
			"single": b.Search(t.Context(), "v == '"+strings.ReplaceAll(encoded, "'", "''")+"' and n >= 0"),
			"double": b.Search(t.Context(), `n >= 0 and v == "`+strings.ReplaceAll(encoded, `"`, `""`)+`"`),
		} {
			keys, err := foundKeys(found)
			if err != nil || !slices.Equal(keys, want) {
				t.Errorf("%s %q: %q, %v", name, v, keys, err)
			}
		}
	}
}

// TestSearchVersions: a key may occur several times, each version once, and
// what a row lacks is asked of its own version.
func TestSearchVersions(t *testing.T) {
	var heads []string
	var lock sync.Mutex
	row := func(key, version, size string) string {
		return fmt.Sprintf("<object><objectName>%s</objectName><versionId>%s</versionId><queryMds><mdMap>"+
			"<entry><key>size</key><value>%s</value></entry><entry><key>mtime</key><value>1449081778025</value></entry></mdMap></queryMds></object>", key, version, size)
	}
	url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case q.Has("searchmetadata"):
			fmt.Fprint(w, "<MetadataSearchList><IndexableKeys><Key><Name>Size</Name><Datatype>integer</Datatype></Key></IndexableKeys></MetadataSearchList>")
		case q.Has("query"):
			fmt.Fprint(w, "<BucketQueryResult><ObjectMatches>", row("a", "v1", "1"), row("a", "v2", "2"), row("a", "v1", "1"), row("b", "null", "3"), row("c", "0", "4"),
				"</ObjectMatches></BucketQueryResult>")
		case r.Method == "HEAD":
			lock.Lock()
			heads = append(heads, r.URL.Path+" "+q.Get("versionId"))
			lock.Unlock()
			version := q.Get("versionId")
			if version == "" {
				version = "newest"
			}
			w.Header().Set("x-amz-version-id", version)
			w.Header().Set("Last-Modified", time.UnixMilli(1449081778025).UTC().Format(http.TimeFormat))
			w.Header().Set("ETag", `"e-`+version+`"`)
			w.Header().Set("Content-Length", map[string]string{"newest": "9", "v1": "1", "v2": "2", "null": map[string]string{"/x/b": "3", "/x/c": "4"}[r.URL.Path]}[version])
		}
	})
	var got []string
	for o, err := range newClient(t, url).Bucket("x").Search(t.Context(), "size>=0", ecs.WithOlderVersions()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %q %d %s", o.Key, o.Version, o.Size, o.ETag))
	}
	if want := `[a "v1" 1 e-v1 a "v2" 2 e-v2 b "null" 3 e-null c "" 4 e-null]`; fmt.Sprint(got) != want {
		t.Errorf("%v\nwant %s", got, want)
	}
	slices.Sort(heads)
	if want := "[/x/a v1 /x/a v2 /x/b null /x/c  /x/c null]"; fmt.Sprint(heads) != want {
		t.Errorf("HEADs %q", heads)
	}
}

func TestObject(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 0)
	if err := srv.PutObject("b", "k", []byte("hello"), ecstest.PutOptions{ContentType: "text/plain", Metadata: map[string]string{"color": "red", "note": "x"}}); err != nil {
		t.Fatal(err)
	}
	b := newClient(t, srv.URL).Bucket("b")
	o, err := b.Object("k").Stat(t.Context())
	note, _ := o.Metadata.Get("x-amz-meta-note")
	if err != nil || o.Key != "k" || o.Size != 5 || o.ETag == "" || o.ContentType != "text/plain" || note != "x" || o.LastModified.IsZero() {
		t.Errorf("%+v, %v", o, err)
	}
	_, err = b.Object("none").Stat(t.Context())
	wantError(t, err, search.KindNotExist, "stat b/none")
	_, err = b.Object("none").Open(t.Context())
	wantError(t, err, search.KindNotExist, "stat b/none")
	_, err = ecs.Object{Bucket: "b", Key: "k", ETag: "x"}.Open(t.Context())
	wantError(t, err, search.KindInvalid, "an object that no bucket gave (use Bucket.Object)")

	srv.ResetRequests()
	if f, err := b.Object("k").Open(t.Context()); err != nil || f.Size() != 5 || f.Object().ContentType != "text/plain" || f.Close() != nil {
		t.Error(err)
	}
	if f, err := o.Open(t.Context()); err != nil || f.Size() != 5 || f.Close() != nil {
		t.Error(err)
	}
	if srv.Count("HeadObject") != 1 || srv.Count("GetObject") != 0 {
		t.Errorf("requests %v", srv.Counts())
	}
	url := newHandler(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "5") })
	_, err = newClient(t, url).Bucket("b").Object("k").Open(t.Context())
	wantError(t, err, search.KindUnsupported, "open b/k: the store gives no ETag")
}

// opened puts data and opens it.
func opened(t *testing.T, data []byte) (*ecstest.Server, *ecs.File) {
	t.Helper()
	srv := startServer(t)
	if err := srv.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	if err := srv.PutObject("b", "k", data, ecstest.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := newClient(t, srv.URL).Bucket("b").Object("k").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return srv, f
}

// random returns n bytes that are the same each time.
func random(n int) []byte {
	data := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(data)
	return data
}

func TestFile(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		data := random(n)
		_, f := opened(t, data)
		if err := iotest.TestReader(f, data); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestFileReadAhead reads 20 MiB in order: few requests, of bounded size.
func TestFileReadAhead(t *testing.T) {
	data := random(20<<20 + 1)
	srv, f := opened(t, data)
	got, err := io.ReadAll(iotest.HalfReader(f))
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if n, err := io.Copy(&b, f); err != nil || n != int64(len(data)) || !bytes.Equal(b.Bytes(), data) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	// 1/8 1/4 1/2 1 2 4 4 4 4 MiB and the rest, twice
	if n := srv.Count("GetObject"); n != 20 {
		t.Errorf("%d requests", n)
	}
	for _, r := range srv.Requests() {
		if r.Sent > 4<<20 {
			t.Errorf("%d bytes in one request", r.Sent)
		}
	}
}

// TestFileReadsLittle: reading here and there fetches little, and ReadAt what
// it is asked.
func TestFileReadsLittle(t *testing.T) {
	data := random(20 << 20)
	srv, f := opened(t, data)
	p := make([]byte, 10)
	for _, off := range []int64{10 << 20, 5 << 20, 15 << 20} {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(f, p); err != nil || !bytes.Equal(p, data[off:off+10]) {
			t.Error(err)
		}
	}
	if n, err := f.ReadAt(p, 20<<20-5); n != 5 || err != io.EOF || !bytes.Equal(p[:5], data[20<<20-5:]) {
		t.Error(n, err)
	}
	var sent int64
	for _, r := range srv.Requests() {
		if r.Operation == "GetObject" {
			sent += r.Sent
		}
	}
	if n := srv.Count("GetObject"); n != 4 || sent != 3*128<<10+5 {
		t.Errorf("%d requests, %d bytes", n, sent)
	}
	if _, err := f.Seek(-1, io.SeekStart); search.KindOf(err) != search.KindInvalid {
		t.Error(err)
	}
	if _, err := f.Seek(0, 9); search.KindOf(err) != search.KindInvalid {
		t.Error(err)
	}
	if _, err := f.ReadAt(p, -1); search.KindOf(err) != search.KindInvalid {
		t.Error(err)
	}
	if off, err := f.Seek(5, io.SeekEnd); off != 20<<20+5 || err != nil {
		t.Error(off, err)
	}
	if n, err := f.Read(p); n != 0 || err != io.EOF {
		t.Error(n, err)
	}
	if n, err := f.Read(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// TestFileOverwritten: no byte of another version comes, in any way of reading.
func TestFileOverwritten(t *testing.T) {
	data := random(1 << 20)
	srv, f := opened(t, data)
	p := make([]byte, 1000)
	if _, err := io.ReadFull(f, p); err != nil {
		t.Fatal(err)
	}
	if err := srv.PutObject("b", "k", make([]byte, 1<<20), ecstest.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	n, err := f.WriteTo(&b)
	wantError(t, err, search.KindChanged, "read b/k: it was overwritten")
	if n > 1<<20-1000 || !bytes.Equal(b.Bytes(), data[1000:1000+n]) {
		t.Errorf("%d bytes of another version", n)
	}
	_, err = f.ReadAt(p, 0)
	wantError(t, err, search.KindChanged, "")
	_, err = f.Read(p)
	wantError(t, err, search.KindChanged, "")
}

func TestFileClosed(t *testing.T) {
	_, f := opened(t, random(10<<20))
	p := make([]byte, 300<<10)
	if _, err := io.ReadFull(f, p); err != nil { // a block ahead is on its way
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	for name, read := range map[string]func() error{
		"Read":    func() error { _, err := f.Read(p); return err },
		"ReadAt":  func() error { _, err := f.ReadAt(p, 0); return err },
		"WriteTo": func() error { _, err := f.WriteTo(io.Discard); return err },
	} {
		if err := read(); err != fs.ErrClosed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFileContext: the context of Open bounds the File's life.
func TestFileContext(t *testing.T) {
	srv, _ := opened(t, random(1000))
	ctx, cancel := context.WithCancel(t.Context())
	f, err := newClient(t, srv.URL).Bucket("b").Object("k").Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	_, err = f.Read(make([]byte, 1))
	wantError(t, err, search.KindCanceled, "read b/k")
	_, err = f.ReadAt(make([]byte, 1), 0)
	wantError(t, err, search.KindCanceled, "read b/k")
}

func TestFileConcurrent(t *testing.T) {
	data := random(1 << 20)
	_, f := opened(t, data)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			p := make([]byte, 50_000)
			off := int64(i) * 100_000
			if _, err := f.ReadAt(p, off); err != nil || !bytes.Equal(p, data[off:off+50_000]) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	group.Wait()
}
