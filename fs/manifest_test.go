package fs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

var manifestSchema = search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{
	{Name: "CreateTime", Type: search.Datetime, Indexed: true},
	{Name: "Size", Type: search.Integer, Indexed: true},
	{Name: "x-amz-meta-color", Indexed: true},
}}

func manifestDir(t testing.TB, prefix string, components ...string) search.Dir {
	t.Helper()
	d := search.Dir{Bucket: "b", Prefix: prefix}
	for _, name := range components {
		c, err := search.ParseComponent(name, manifestSchema)
		if err != nil {
			t.Fatal(err)
		}
		var ok bool
		if d, ok = d.Enter(c); !ok {
			t.Fatalf("%s is no directory", name)
		}
	}
	return d
}

// objects yields some, and then err unless it is nil.
func objects(err error, some ...search.Object) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		for _, o := range some {
			if !yield(o, nil) {
				return
			}
		}
		if err != nil {
			yield(search.Object{}, err)
		}
	}
}

func manifestOf(t testing.TB, format ManifestFormat, d search.Dir, some ...search.Object) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteManifest(&b, format, d, manifestSchema, objects(nil, some...)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestManifest(t *testing.T) {
	rows := []search.Object{
		{Key: "p/dir/a,\"b\".txt", Size: 5, ModTime: time.Date(2026, 11, 23, 9, 0, 0, 123e6, time.FixedZone("", 3600)), ETag: "abc",
			VersionID: "17", ContentType: "text/plain",
			Metadata: search.NewMetadata(map[string]string{"CreateTime": "1795417200000", "x-amz-meta-color": "red", "x-amz-meta-n": "a\nb"})},
		{Key: "p/\x01\xff", Metadata: search.NewMetadata(map[string]string{"x-amz-meta-color": ""})},
		{Key: "p/c", Metadata: search.NewMetadata(map[string]string{"x-amz-meta-color": "\xe9"})},
	}
	d := manifestDir(t, "p/", "size,gt,0")
	want := `size,modified,created,etag,version,path,key,content_type,x-amz-meta-color,more
5,2026-11-23T08:00:00.123Z,2026-11-23T07:00:00Z,abc,17,"dir%2Fa,""b"".txt","p/dir/a,""b"".txt",text/plain,red,"{""metadata"":{""x-amz-meta-n"":""a\nb""}}"
0,,,,,%01` + "\ufffd,p/\ufffd\ufffd" + `,,"","{""key_base64"":""cC8B/w=="",""path_base64"":""JTAx/w==""}"
0,,,,,c,p/c,,` + "\ufffd" + `,"{""metadata_base64"":[{""name"":""eC1hbXotbWV0YS1jb2xvcg=="",""value"":""6Q==""}]}"
`
	if diff := cmp.Diff(want, manifestOf(t, ManifestCSV, d, rows...)); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	want = `{"path":"dir%2Fa,\"b\".txt","key":"p/dir/a,\"b\".txt","uri":"s3://b/p/dir/a,\"b\".txt","etag":"abc","version":"17","size":5,` +
		`"modified":"2026-11-23T08:00:00.123Z","created":"2026-11-23T07:00:00Z","content_type":"text/plain","metadata":{"CreateTime":"1795417200000",` +
		`"x-amz-meta-color":"red","x-amz-meta-n":"a\nb"}}
{"path":"%01\ufffd","path_base64":"JTAx/w==","key":"p/\u0001\ufffd","key_base64":"cC8B/w==","uri":"s3://b/p/\u0001\ufffd","etag":"",` +
		`"version":"","size":0,"modified":null,"created":null,"content_type":"","metadata":{"x-amz-meta-color":""}}
{"path":"c","key":"p/c","uri":"s3://b/p/c","etag":"","version":"","size":0,"modified":null,"created":null,"content_type":"","metadata":{},` +
		`"metadata_base64":[{"name":"eC1hbXotbWV0YS1jb2xvcg==","value":"6Q=="}]}
`
	if diff := cmp.Diff(want, manifestOf(t, ManifestJSONL, d, rows...)); diff != "" {
		t.Errorf("JSON lines (-want +got):\n%s", diff)
	}
}

// A manifest without rows is its header.
func TestManifestOfNothing(t *testing.T) {
	if got := manifestOf(t, ManifestJSONL, manifestDir(t, "")); got != "" {
		t.Errorf("%q", got)
	}
	if got := manifestOf(t, ManifestCSV, manifestDir(t, "")); got != "size,modified,created,etag,version,path,key,content_type,more\n" {
		t.Errorf("%q", got)
	}
}

// A listing that breaks is an error, after what came before it.
func TestManifestOfBrokenListing(t *testing.T) {
	broken := errors.New("broken")
	for _, d := range []search.Dir{manifestDir(t, ""), manifestDir(t, "", "size,gt,0"), manifestDir(t, "", "size,gt,0", "@tree")} {
		var b strings.Builder
		err := WriteManifest(&b, ManifestJSONL, d, manifestSchema, objects(broken, search.Object{Key: "a"}, search.Object{Key: "a/b"}))
		if !errors.Is(err, broken) || strings.Count(b.String(), "\n") != 2 {
			t.Errorf("%v after %q", err, b.String())
		}
	}
}

// In views with folders paths are those of the mount, in the order of the listing.
func TestManifestPaths(t *testing.T) {
	paths := func(d search.Dir, keys ...string) string {
		var some []search.Object
		for _, key := range keys {
			o := search.Object{Key: key, Size: 1}
			if strings.HasSuffix(key, "/") {
				o.Size = 0
			}
			some = append(some, o)
		}
		var list []string
		for line := range strings.Lines(manifestOf(t, ManifestJSONL, d, some...)) {
			var row manifestLine
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			list = append(list, row.Path)
		}
		return strings.Join(list, " ")
	}
	tree := manifestDir(t, "p/", "size,gt,0", "@tree")
	below, _ := tree.Folder("d")
	for _, c := range []struct {
		dir  search.Dir
		keys string
		want string
	}{
		{manifestDir(t, "p/"), "p/ p/a p/a!b p/a-1 p/a-1/x p/a/ p/a/b p/b p/b0 p/c", "./ a!b a-1%~ a-1/x a%~ a/ a/b b b0 c"},
		{manifestDir(t, "p/"), "p//x p/-a/ p/d/@tree", "%2F/x %2Da/ d/%40tree"},
		{tree, "p/b p/a/b p/a p/d/x", "a%~ a/b b d/x"},
		{below, "p/b p/a/b p/a p/d/x/y p/d/x", "x%~ x/y"},
		{manifestDir(t, "p/", "size,gt,0", "@tree", "@sort,size"), "p/b p/a/b p/a p/d/x", "b a/b a%~ d/x"},
		{manifestDir(t, "p/", "size,gt,0"), "p/b p/a/b p/a", "b a%2Fb a"},
		{manifestDir(t, "p/", "@limit,5"), "p/a p/a/b", "a a%2Fb"},
	} {
		if got := paths(c.dir, strings.Fields(c.keys)...); got != c.want {
			t.Errorf("paths of %s\n%s, want\n%s", c.keys, got, c.want)
		}
	}
}

// Whatever keys and metadata are, the readers of both formats get them back byte for byte, a record is a
// line, and a terminal is left alone.
func TestPropertyManifest(t *testing.T) {
	text := hostileText()
	rapid.Check(t, func(t *rapid.T) {
		o := search.Object{Key: text.Draw(t, "key"), Size: rapid.Int64Min(0).Draw(t, "size"), ETag: text.Draw(t, "etag"),
			ContentType: text.Draw(t, "type"), Metadata: search.NewMetadata(rapid.MapOfN(rapid.OneOf(text,
				rapid.Just("x-amz-meta-color")), text, 0, 4).Draw(t, "metadata"))}
		m := newManifest(ManifestCSV, search.Dir{Bucket: "b"}, search.Schema{})
		m.columns = []string{"x-amz-meta-color"}
		row := manifestRow{path: EncodeFlat(o.Key), object: o}
		line := string(m.appendRow(nil, &row))
		checkLine(t, line)
		records, err := csv.NewReader(strings.NewReader(string(m.header()) + line)).ReadAll()
		if err != nil || len(records) != 2 {
			t.Fatalf("%v: %d records in %q", err, len(records), line)
		}
		field := map[string]string{}
		for i, name := range records[0] {
			field[name] = records[1][i]
		}
		var more manifestMore
		if field[lastColumn] != "" {
			if err := json.Unmarshal([]byte(field[lastColumn]), &more); err != nil {
				t.Fatal(err)
			}
		}
		exact := func(shown, inBase64 string) string {
			if inBase64 != "" {
				return unbase64(t, inBase64)
			}
			return shown
		}
		if key, path := exact(field["key"], more.KeyBase64), exact(field["path"], more.PathBase64); key != o.Key || path != row.path {
			t.Fatalf("key %q path %q, want %q %q", key, path, o.Key, row.path)
		}
		got := map[string]string{}
		if _, ok := o.Metadata.Get("x-amz-meta-color"); ok {
			got["x-amz-meta-color"] = field["x-amz-meta-color"]
		}
		for name, value := range more.Metadata {
			got[name] = value
		}
		for _, a := range more.MetadataBase64 {
			got[unbase64(t, a.Name)] = unbase64(t, a.Value)
		}
		for _, name := range []string{"Etag", "ContentType"} { // where they are not exact in their columns
			if _, ok := o.Metadata.Get(name); !ok {
				delete(got, name)
			}
		}
		want := map[string]string{}
		for name, value := range o.Metadata.All() {
			want[name] = value
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("metadata (-want +got):\n%s", diff)
		}

		m.format = ManifestJSONL
		line = string(m.appendRow(nil, &row))
		checkLine(t, line)
		var read manifestLine
		if err := json.Unmarshal([]byte(line), &read); err != nil {
			t.Fatal(err)
		}
		if path := exact(read.Path, read.PathBase64); path != row.path {
			t.Fatalf("path %q, want %q", path, row.path)
		}
		checkMeta(t, &read.ObjectJSON, &o)
	})
}

// checkLine wants one line that acts on no terminal.
func checkLine(t *rapid.T, line string) {
	text, ended := strings.CutSuffix(line, "\n")
	if !ended {
		t.Fatalf("no line: %q", line)
	}
	for _, r := range text {
		if r < ' ' || r == 0x7f || r > 0x7f && hidden(r) {
			t.Fatalf("%U in %q", r, text)
		}
	}
}

// The columns are known before the first row: what the listing may return.
func TestManifestColumns(t *testing.T) {
	scanned := manifestSchema
	scanned.Engine, scanned.ScanMetadata = search.EngineScan, true
	hostile := manifestSchema
	hostile.Indexed = append([]search.Key{{Name: "Path", Indexed: true}, {Name: "MORE", Indexed: true}, {Name: "X-Amz-Meta-COLOR", Indexed: true}}, hostile.Indexed...)
	for _, c := range []struct {
		schema search.Schema
		dir    search.Dir
		want   string
	}{
		{manifestSchema, manifestDir(t, ""), ""},
		{manifestSchema, manifestDir(t, "", "@tree"), ""},
		{manifestSchema, manifestDir(t, "", "@sort,-size"), ""},
		{manifestSchema, manifestDir(t, "", "size,gt,1"), "x-amz-meta-color"},
		{manifestSchema, manifestDir(t, "", "size,gt,1", "meta.n,eq,1", "@sort,owner"), "x-amz-meta-color Owner x-amz-meta-n"},
		{manifestSchema, manifestDir(t, "", "color,eq,red", "@tree"), "x-amz-meta-color"},
		{scanned, manifestDir(t, "", "meta.n,eq,1"), "x-amz-meta-n"},
		{hostile, manifestDir(t, "", "size,gt,1"), "x-amz-meta-color"},
	} {
		if got := strings.Join(newManifest(ManifestCSV, c.dir, c.schema).columns, " "); got != c.want {
			t.Errorf("%+v has columns %q, want %q", c.dir, got, c.want)
		}
	}
}

func BenchmarkManifest(b *testing.B) {
	o := search.Object{Key: "dir/o-071688", Size: 5, ModTime: time.Now(), ETag: "9dd4e461268c8034f5c8564e155c67a6", ContentType: "application/octet-stream",
		Metadata: search.NewMetadata(map[string]string{"CreateTime": "1795446830071", "x-amz-meta-color": "red", "x-amz-meta-n": "71688"})}
	row := manifestRow{path: "dir%2Fo-071688", object: o}
	for format, name := range []string{"jsonl", "csv"} {
		b.Run(name, func(b *testing.B) {
			m := newManifest(ManifestFormat(format), search.Dir{Bucket: "b"}, manifestSchema)
			m.columns = []string{"x-amz-meta-color", "x-amz-meta-n"}
			var line []byte
			for b.Loop() {
				line = m.appendRow(line[:0], &row)
			}
		})
	}
}
