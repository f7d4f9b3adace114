package fs

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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

func TestMetaJSON(t *testing.T) {
	o := search.Object{
		Key: "dir/a & b <1>.txt", Size: 5, ModTime: time.Date(2026, 11, 23, 9, 0, 0, 123e6, time.FixedZone("", 3600)),
		ETag: "abc", VersionID: "17", ContentType: "text/plain",
		Metadata: search.NewMetadata(map[string]string{"x-amz-meta-color": "red", "Owner": "bob", "x-amz-meta-bell": "a\a\u202e\u009b"}),
	}
	want := `{
  "key": "dir/a & b <1>.txt",
  "uri": "s3://b/dir/a & b <1>.txt",
  "etag": "abc",
  "version": "17",
  "size": 5,
  "modified": "2026-11-23T08:00:00.123Z",
  "content_type": "text/plain",
  "metadata": {
    "Owner": "bob",
    "x-amz-meta-bell": "a\u0007\u202e\u009b",
    "x-amz-meta-color": "red"
  }
}
`
	if diff := cmp.Diff(want, string(metaJSON("b", &o))); diff != "" {
		t.Errorf("metaJSON (-want +got):\n%s", diff)
	}

	o = search.Object{
		Key:      "a\xff\x7f",
		Metadata: search.NewMetadata(map[string]string{"x-amz-meta-ok": "1", "x-amz-meta-bad": "\xe9", "Sys\xff": "v"}),
	}
	want = `{
  "key": "a\ufffd\u007f",
  "key_base64": "Yf9/",
  "uri": "s3://b/a\ufffd\u007f",
  "etag": "",
  "version": "",
  "size": 0,
  "modified": null,
  "content_type": "",
  "metadata": {
    "x-amz-meta-ok": "1"
  },
  "metadata_base64": [
    {
      "name": "U3lz/w==",
      "value": "dg=="
    },
    {
      "name": "eC1hbXotbWV0YS1iYWQ=",
      "value": "6Q=="
    }
  ]
}
`
	if diff := cmp.Diff(want, string(metaJSON("b", &o))); diff != "" {
		t.Errorf("metaJSON of what is not UTF-8 (-want +got):\n%s", diff)
	}
}

// Whatever a key and its metadata are, a program that reads the JSON gets them
// back byte for byte, and a terminal that shows it is left alone.
func TestPropertyMetaJSON(t *testing.T) {
	text := hostileText()
	rapid.Check(t, func(t *rapid.T) {
		o := search.Object{Key: text.Draw(t, "key"), Size: rapid.Int64Min(0).Draw(t, "size"),
			Metadata: search.NewMetadata(rapid.MapOfN(text, text, 0, 4).Draw(t, "metadata"))}
		out := metaJSON("b", &o)
		for _, r := range string(out) {
			if r != '\n' && (r < ' ' || r == 0x7f || r > 0x7f && hidden(r)) {
				t.Fatalf("%U in %q", r, out)
			}
		}
		var m objectMeta
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		checkMeta(t, &m, &o)
	})
}

// hostileText draws bytes and characters that formats and terminals have trouble with.
func hostileText() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.OneOf(
		rapid.Byte().AsAny(), rapid.Rune().AsAny(), rapid.SampledFrom([]rune{'"', '\\', '<', ',', ' ', 0x7f, 0x85, 0x202e, 0x2028, utf8.RuneError}).AsAny(),
	), 0, 12), func(parts []any) string {
		var b strings.Builder
		for _, p := range parts {
			switch p := p.(type) {
			case byte:
				b.WriteByte(p)
			case rune:
				b.WriteRune(p)
			}
		}
		return b.String()
	})
}

// checkMeta wants m to be what o is, byte for byte.
func checkMeta(t *rapid.T, m *objectMeta, o *search.Object) {
	key := m.Key
	if m.KeyBase64 != "" {
		key = unbase64(t, m.KeyBase64)
	}
	if key != o.Key || m.Size != o.Size {
		t.Fatalf("key %q size %d, want %q %d", key, m.Size, o.Key, o.Size)
	}
	for _, a := range m.MetadataBase64 {
		m.Metadata[unbase64(t, a.Name)] = unbase64(t, a.Value)
	}
	want := map[string]string{}
	for name, value := range o.Metadata.All() {
		want[name] = value
	}
	if diff := cmp.Diff(want, m.Metadata); diff != "" {
		t.Fatalf("metadata (-want +got):\n%s", diff)
	}
}

func unbase64(t *rapid.T, s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRootHelp(t *testing.T) {
	got := rootHelp()
	for _, want := range []string{"buckets", "@stats", "@errors", search.Help(search.Schema{})} {
		if !strings.Contains(got, want) {
			t.Errorf("the root's help lacks %q:\n%s", want, got)
		}
	}
}
