package fs

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
)

func TestEncodeFlat(t *testing.T) {
	tests := []struct{ rule, key, want string }{
		{"plain", "scan 1.dcm", "scan 1.dcm"},
		{"plain", "Müller=ß, 日本 (copy).txt", "Müller=ß, 日本 (copy).txt"},
		{"plain", "a'b\"c\\d*e?f[g]h{i}j;k&l|m#n$o`p~q", "a'b\"c\\d*e?f[g]h{i}j;k&l|m#n$o`p~q"},
		{"plain", "not found.txt", "not found.txt"},
		{"plain", "(1) and (2).jpg", "(1) and (2).jpg"},

		{"slash", "a/b", "a%2Fb"},
		{"slash", "/", "%2F"},
		{"slash", "a//b/", "a%2F%2Fb%2F"},
		{"the prefix itself", "", "%~"},

		{"NUL", "a\x00b", "a%00b"},
		{"C0", "a\nb\tc\x1b[31m", "a%0Ab%09c%1B[31m"},
		{"DEL", "a\x7f", "a%7F"},
		{"C1", "a\u0085b\u009b", "a%C2%85b%C2%9B"},
		{"not C1", "a\u00a0b", "a\u00a0b"},
		{"bidi", "\u061c\u200e\u200f", "%D8%9C%E2%80%8E%E2%80%8F"},
		{"bidi", "a\u202agpj.exe\u202e", "a%E2%80%AAgpj.exe%E2%80%AE"},
		{"bidi", "\u2066\u2069", "%E2%81%A6%E2%81%A9"},
		{"not bidi", "\u200d\u2028\u202f\u2065\u206a", "\u200d\u2028\u202f\u2065\u206a"},

		{"percent", "100%", "100%"},
		{"percent", "100% sure", "100% sure"},
		{"percent", "%41", "%2541"},
		{"percent", "%4g", "%4g"},
		{"percent", "%%41", "%%2541"},
		{"percent", "%25", "%2525"},
		{"percent before what becomes %XX", "%\n%2\n", "%%0A%2%0A"},
		{"percent before what becomes %XX", "%2/F", "%2%2FF"},
		{"tilde", "a%~", "a%25~"},
		{"tilde", "%~h0123456789abcdef.txt", "%25~h0123456789abcdef.txt"},
		{"tilde", "%~INCOMPLETE", "%25~INCOMPLETE"},
		{"tilde", "%%~", "%%25~"},
		{"tilde", "a~b~", "a~b~"},

		{"dot", ".", "%2E"},
		{"dot", "..", "%2E%2E"},
		{"dot", "...", "..."},
		{"dot", ".git", ".git"},
		{"dot", "../etc/./passwd/..", "%2E%2E%2Fetc%2F%2E%2Fpasswd%2F%2E%2E"},
		{"dot", "a./.b", "a.%2F.b"},

		{"option", "-rf", "%2Drf"},
		{"option", "--checkpoint-action=exec=sh x", "%2D-checkpoint-action=exec=sh x"},
		{"option", "a/-b", "a%2F-b"},

		{"angle", "size>100", "size%3E100"},
		{"angle", "<<a>>", "%3C%3Ca%3E%3E"},
		{"equals", "a=b", "a=b"},
		{"equals", "year=2024/month=01", "year=2024%2Fmonth=01"},
		{"equals", "a==b", "a%3D=b"},
		{"equals", "a===b", "a%3D%3D=b"},
		{"equals", "a==", "a%3D="},
		{"not equal", "a!=b", "a%21=b"},
		{"not equal", "a!==b", "a%21%3D=b"},
		{"not equal", "hello!", "hello!"},

		{"directive", "@tree", "%40tree"},
		{"directive", "@sort,size", "%40sort,size"},
		{"directive", "@manifest.jsonl", "%40manifest.jsonl"},
		{"no directive", "@alice", "@alice"},
		{"no directive", "@trees", "@trees"},
		{"no directive", "a@tree", "a@tree"},

		{"comma", "size,gt,100", "size%2Cgt,100"},
		{"comma", "color,exists", "color%2Cexists"},
		{"comma", "color,eq,", "color%2Ceq,"},
		{"comma", "meta.x-y_z,in,a,b", "meta.x-y_z%2Cin,a,b"},
		{"commas", "meta.a,eq,exists", "meta.a%2Ceq%2Cexists"},
		{"commas", "a,in,in,b,in", "a%2Cin%2Cin,b,in"},
		{"comma", "logs/size,gt,1", "logs%2Fsize%2Cgt,1"},
		{"comma", "a\nb,eq,1", "a%0Ab%2Ceq,1"},
		{"comma", "-a,eq,1", "%2Da%2Ceq,1"},
		{"comma", "%41,eq,1", "%2541%2Ceq,1"},
		{"no comma form", "color,gto,1", "color,gto,1"},
		{"no comma form", "Smith, J,in,x", "Smith, J,in,x"},
		{"no comma form", "a b,eq,1", "a b,eq,1"},
		{"no comma form", "é,eq,1", "é,eq,1"},
		{"no comma form", "100%,eq,1", "100%,eq,1"},
		{"no comma form", ",eq,1", ",eq,1"},
		{"no comma form", "a,b,eq,1", "a,b,eq,1"},
		{"no comma form", "a,eq/b", "a,eq%2Fb"},

		{"not UTF-8", "\xff\xfe\x80", "\xff\xfe\x80"},
		{"not UTF-8", "a\xe2\x80/b", "a\xe2\x80%2Fb"},
		{"a real U+FFFD", "\ufffd", "\ufffd"},
	}
	for _, tt := range tests {
		got := EncodeFlat(tt.key)
		if got != tt.want {
			t.Errorf("%s: EncodeFlat(%q) = %q, want %q", tt.rule, tt.key, got, tt.want)
		}
		if d := DecodeFlat(got); d.Text != tt.key || d.Reserved || d.Hash != "" || d.Object != (tt.key == "") {
			t.Errorf("%s: DecodeFlat(%q) = %+v, want Text %q", tt.rule, got, d, tt.key)
		}
		if !CanonicalFlat(got) {
			t.Errorf("%s: %q is not canonical", tt.rule, got)
		}
	}
}

func TestEncodeSegment(t *testing.T) {
	tests := []struct{ seg, name, twin string }{
		{"a", "a", "a%~"},
		{"", "%2F", "%2F%~"},
		{"..", "%2E%2E", "%2E%2E%~"},
		{"-", "%2D", "%2D%~"},
		{"a%~", "a%25~", "a%25~%~"},
		{"100%", "100%", "100%%~"},
		{"%2F", "%252F", "%252F%~"},
		{"size,exists", "size%2Cexists", "size%2Cexists%~"},
		{"@help", "%40help", "%40help%~"},
	}
	for _, tt := range tests {
		name, twin := EncodeSegment(tt.seg), EncodeTwin(tt.seg)
		if name != tt.name || twin != tt.twin {
			t.Errorf("segment %q: names %q and %q, want %q and %q", tt.seg, name, twin, tt.name, tt.twin)
		}
		if diff := cmp.Diff(DecodedName{Text: tt.seg}, DecodeSegment(name)); diff != "" {
			t.Errorf("DecodeSegment(%q) (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(DecodedName{Text: tt.seg, Object: true}, DecodeSegment(twin)); diff != "" {
			t.Errorf("DecodeSegment(%q) (-want +got):\n%s", twin, diff)
		}
		if !CanonicalSegment(name) || !CanonicalSegment(twin) {
			t.Errorf("%q or %q is not canonical", name, twin)
		}
	}
}

func TestEntryName(t *testing.T) {
	object := func(key string, size int64) search.Entry {
		return search.Entry{Object: search.Object{Key: key, Size: size}}
	}
	folder := func(key string) search.Entry {
		return search.Entry{Folder: true, Object: search.Object{Key: key}}
	}
	tests := []struct {
		why    string
		prefix string
		row    search.Entry
		twin   bool
		want   string // empty: not listed
	}{
		{"object", "p/", object("p/a", 1), false, "a"},
		{"folder", "p/", folder("p/a/"), false, "a"},
		{"twin object", "p/", object("p/a", 1), true, "a%~"},
		{"twin folder", "p/", folder("p/a/"), true, "a"},
		{"marker", "p/", object("p/", 0), false, ""},
		{"marker with content", "p/", object("p/", 5), false, "%2F"},
		{"marker with content, beside a folder of no name", "p/", object("p/", 5), true, "%2F%~"},
		{"folder of no name", "p/", folder("p//"), true, "%2F"},
		{"folder of no name at the top", "", folder("/"), false, "%2F"},
		{"zero-byte object", "p/", object("p/a", 0), false, "a"},
		{"folder named ..", "", folder("../"), false, "%2E%2E"},
		{"not below the prefix", "p/", object("q", 1), false, ""},
		{"folder without a slash", "p/", folder("p/a"), false, ""},
	}
	for _, tt := range tests {
		name, ok := EntryName(tt.prefix, tt.row, tt.twin)
		if ok != (tt.want != "") || ok && name != tt.want {
			t.Errorf("%s: EntryName = %q, %v, want %q", tt.why, name, ok, tt.want)
		}
	}
}

func TestDecodeForeignNames(t *testing.T) {
	head := strings.Repeat("k", 195)
	const hash = "0123456789abcdef"
	reserved := DecodedName{Reserved: true}
	tests := []struct {
		name string
		want DecodedName
	}{
		{"%41%62", DecodedName{Text: "Ab"}},
		{"%e2%82%ac", DecodedName{Text: "€"}},
		{"%4", DecodedName{Text: "%4"}},
		{"%", DecodedName{Text: "%"}},
		{"a%~", DecodedName{Text: "a", Object: true}},
		{"%~", DecodedName{Object: true}},
		{NameIncomplete, reserved},
		{"%~empty", reserved},
		{"%~more", reserved},
		{"scan%~v17.dcm", DecodedName{Text: "scan.dcm", Version: "17", Versioned: true}},
		{"a%~%~", reserved},
		{"a%~b%~", reserved},
		{head + "%~h" + hash, DecodedName{Text: head, Hash: hash}},
		{head + "%~h" + hash + ".gz", DecodedName{Text: head, Hash: hash}},
		{head + "%~h" + hash + "%~", DecodedName{Text: head, Hash: hash, Object: true}},
		{head + "%~h" + hash + ".gz%~", DecodedName{Text: head, Hash: hash, Object: true}},
		{head + "%~h" + hash + ".", reserved},
		{head + "%~h" + hash + "x", reserved},
		{head + "%~h" + hash + ".a b", reserved},
		{head + "%~h" + hash + ".12345678901234567", reserved},
		{head + "%~h" + hash[1:], reserved},
		{head + "%~h" + strings.ToUpper(hash), reserved},
		{head + "%~h", reserved},
		{"k%~h" + hash, reserved},
		{head + "123456%~h" + hash, reserved},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, DecodeFlat(tt.name)); diff != "" {
			t.Errorf("DecodeFlat(%q) (-want +got):\n%s", tt.name, diff)
		}
		if tt.want.Hash == "" && CanonicalSegment(tt.name) != (tt.name == "%" || tt.name == "%4" || tt.name == "a%~") {
			t.Errorf("CanonicalSegment(%q) is wrong", tt.name)
		}
	}
	for _, name := range []string{"%41", "%2f", "a%2C", "a%~", "%2F%~", "-", "@help", "size,gt,1", "a<b", "a/b", ".", NameIncomplete} {
		if CanonicalFlat(name) {
			t.Errorf("CanonicalFlat(%q) = true", name)
		}
	}
	for _, name := range []string{"a%2Fb", "%~", "a%~h%~", "%2F%2F"} {
		if CanonicalSegment(name) {
			t.Errorf("CanonicalSegment(%q) = true", name)
		}
	}
}

func TestShortened(t *testing.T) {
	rep := strings.Repeat
	tests := []struct {
		why, key string
		head     string // the part before "%~"
		ext      string
	}{
		{"256 bytes", rep("k", 256), rep("k", 200), ""},
		{"1,024 bytes", rep("k", 1020) + ".dcm", rep("k", 200), ".dcm"},
		{"many slashes", rep("a/", 100), rep("a%2F", 50), ""},
		{"not inside %XX", "a" + rep("/", 100), "a" + rep("%2F", 66), ""},
		{"not inside %XX", "ab" + rep("/", 100), "ab" + rep("%2F", 66), ""},
		{"not inside a character", rep("k", 199) + rep("é", 100), rep("k", 199), ""},
		{"not inside a character of four bytes", rep("k", 197) + rep("😀", 100), rep("k", 197), ""},
		{"not inside an encoded character", rep("k", 192) + rep("\u202e", 100), rep("k", 192), ""},
		{"not UTF-8", rep("\xff", 300), rep("\xff", 200), ""},
		{"a query before the cut", "size,gt," + rep("1", 300), "size%2Cgt," + rep("1", 190), ""},
		{"an operator at the cut", rep("k", 197) + ",eq" + rep("u", 60), rep("k", 197) + ",eq", ""},
		{"extension of 16", rep("k", 256) + ".abcdefghijklmnop", rep("k", 200), ".abcdefghijklmnop"},
		{"extension of 17", rep("k", 256) + ".abcdefghijklmnopq", rep("k", 200), ""},
		{"no extension", rep("k", 256) + ".", rep("k", 200), ""},
		{"extension that needs encoding", rep("k", 256) + ".a/b", rep("k", 200), ""},
		{"extension with a comma", rep("k", 256) + ".a,eq", rep("k", 200), ""},
	}
	seen := map[string]string{}
	for _, tt := range tests {
		name := EncodeFlat(tt.key)
		head, tail, _ := strings.Cut(name, mark)
		if head != tt.head || len(tail) != 1+hashLen+len(tt.ext) || !strings.HasSuffix(tail, tt.ext) {
			t.Errorf("%s: name %q, want %q + hash + %q", tt.why, name, tt.head, tt.ext)
		}
		d := DecodeFlat(name)
		if !strings.HasPrefix(tt.key, d.Text) || d.Hash != tail[1:1+hashLen] || d.Object {
			t.Errorf("%s: DecodeFlat(%q) = %+v", tt.why, name, d)
		}
		if utf8.ValidString(tt.key) && !utf8.ValidString(d.Text) {
			t.Errorf("%s: the beginning %q is not UTF-8, though the key is", tt.why, d.Text)
		}
		if !CanonicalFlat(name) || len(name) > maxNameLen {
			t.Errorf("%s: %q: not canonical or too long", tt.why, name)
		}
		if other, dup := seen[name]; dup {
			t.Errorf("%q and %q have one name", other, tt.key)
		}
		seen[name] = tt.key
		twin := EncodeTwin(tt.key)
		isSegment := !strings.Contains(d.Text, "/")
		if CanonicalSegment(twin) != isSegment || twin != EncodeSegment(tt.key)+mark || len(twin) > maxNameLen {
			t.Errorf("%s: twin %q of %q", tt.why, twin, name)
		}
	}

	// The hash is of the key, so that other programs can compute it:
	// printf 'k%.0s' $(seq 256) | sha256sum
	if name := EncodeFlat(rep("k", 256)); !strings.HasSuffix(name, "%~hce16fe78208a4e93") {
		t.Errorf("EncodeFlat of 256 k = %q", name)
	}
	// A twin is shortened as soon as "%~" does not fit.
	if seg := rep("k", 254); EncodeSegment(seg) != seg || !strings.Contains(EncodeTwin(seg), "%~h") {
		t.Errorf("a folder and an object of 254 bytes: %q, %q", EncodeSegment(seg), EncodeTwin(seg))
	}
	if seg := rep("k", 253); EncodeTwin(seg) != seg+mark {
		t.Errorf("an object of 253 bytes beside a folder: %q", EncodeTwin(seg))
	}
}
