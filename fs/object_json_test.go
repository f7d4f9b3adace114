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

// objectText returns what @meta has of an object of bucket b.
func objectText(o *search.Object) string {
	m := NewObjectJSON("b", o)
	return string(m.Text())
}

func TestObjectJSON(t *testing.T) {
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
  "created": null,
  "content_type": "text/plain",
  "metadata": {
    "Owner": "bob",
    "x-amz-meta-bell": "a\u0007\u202e\u009b",
    "x-amz-meta-color": "red"
  }
}
`
	if diff := cmp.Diff(want, objectText(&o)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
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
  "created": null,
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
	if diff := cmp.Diff(want, objectText(&o)); diff != "" {
		t.Errorf("metaJSON of what is not UTF-8 (-want +got):\n%s", diff)
	}
}

// Whatever a key and its metadata are, a program that reads the JSON gets them
// back byte for byte, and a terminal that shows it is left alone.
func TestPropertyObjectJSON(t *testing.T) {
	text := hostileText()
	rapid.Check(t, func(t *rapid.T) {
		o := search.Object{Key: text.Draw(t, "key"), Size: rapid.Int64Min(0).Draw(t, "size"),
			Metadata: search.NewMetadata(rapid.MapOfN(text, text, 0, 4).Draw(t, "metadata"))}
		out := objectText(&o)
		for _, r := range out {
			if r != '\n' && (r < ' ' || r == 0x7f || r > 0x7f && hidden(r)) {
				t.Fatalf("%U in %q", r, out)
			}
		}
		var m ObjectJSON
		if err := json.Unmarshal([]byte(out), &m); err != nil {
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
func checkMeta(t *rapid.T, m *ObjectJSON, o *search.Object) {
	key, err := m.ExactKey()
	if err != nil || key != o.Key || m.Size != o.Size {
		t.Fatalf("key %q, %v, size %d, want %q %d", key, err, m.Size, o.Key, o.Size)
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
