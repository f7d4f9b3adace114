package fs

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

// trapKeys are keys that broke other mounts or prototypes of this one.
var trapKeys = []string{
	"", "/", "//", ".", "..", "../../etc/passwd", "a/./b/../c", "folder/",
	"size,gt,100", "size>100", "size > 100", "size==1", "size!=1", "a==b", "===", "!==", "<>", "color,exists", "color,eq", "color,eq,",
	"meta.color,eq,red", "meta.a,eq,exists", "size,in,in,in,in,1", "meta.a,b,exists", "sys.size,gt,1", "x-amz-meta-color,in,a,b", "colo%72,eq,red", "%63olor,eq,red", "col\nor,eq,red",
	"not size>1", "not (size>1)", "not(size==1)", "(size>1)", "(size>1 or color==red) and not owner==bob",
	"not found.txt", "not", "not ", "not(", "(", "()", "((", "(copy).txt", "(1) and (2).jpg", "NOT here", "color = red", "color=red",
	"size in 5", "size", "'quoted'", "\"q\" == 'r'", "color ==red", "color\t==red",
	"@tree", "@sort,size", "@explain,size,gt,1", "@manifest.jsonl", "@alice", "@", "@,", "@TREE", "@Tree,x", "%40tree",
	"%", "%%", "%~", "a%~", "%~h0123456789abcdef", "%~INCOMPLETE", "%~empty", "%25~", "%%~", "%2", "%2\n", "%\x00", "%41", "%zz", "100%",
	"-rf", "--checkpoint=1", "--checkpoint-action=exec=sh evil.sh", "-", "--",
	"a\nb", "\x00", "\x1b]0;x\x07", "\x7f", "\u0085", "\u009b31m", "\u202egpj.exe", "\u2066a\u2069", "\u061c", "\u200e",
	"\xff", "\xc3", "\xe2\x80", "\xe2\x80\xae\xff", "\xed\xa0\x80", "\xf0\x9f\x98", "日本語", "e\u0301", "\u00e9", "\ufffd",
	strings.Repeat("k", 255), strings.Repeat("k", 256), strings.Repeat("k", 1024), strings.Repeat("\xff", 256), strings.Repeat("é", 128), strings.Repeat("/", 1024),
	strings.Repeat("%", 254) + "41", strings.Repeat("k", 199) + "%~" + strings.Repeat("k", 60), strings.Repeat("\u202e", 300),
	strings.Repeat("k", 197) + ",eq" + strings.Repeat(",", 60), "size,gt," + strings.Repeat("1", 300) + ".txt", strings.Repeat("k", 254), strings.Repeat("k", 253),
	".git", "CACHEDIR.TAG", "key with  blanks ", " ", "a\\b", "a:b",
}

// fataler is what tests, fuzz tests and properties have in common.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// checkNames checks every promise that the names of one key make.
func checkNames(t fataler, key string) {
	t.Helper()
	name := EncodeFlat(key)
	checkName(t, key, name, DecodeFlat(name), key, key == "", CanonicalFlat(name))
	for seg := range strings.SplitSeq(key, "/") {
		name := EncodeSegment(seg)
		checkName(t, key, name, DecodeSegment(name), seg, false, CanonicalSegment(name))
		name = EncodeTwin(seg)
		checkName(t, key, name, DecodeSegment(name), seg, true, CanonicalSegment(name))
	}
}

// checkVersionNames checks every promise that the names of the version id of key make.
func checkVersionNames(t fataler, key, id string) {
	t.Helper()
	check := func(view naming, text string) {
		t.Helper()
		name := view.object(text, id, false)
		d, canonical := view.decode(name)
		if !d.Versioned || d.Hash == "" && d.Version != id || d.Whole && d.Text != text {
			t.Fatalf("version %q of %q: name %q decodes as %+v", id, key, name, d)
		}
		checkName(t, key, name, d, text, false, canonical)
	}
	check(naming{flat: true, versions: true}, key)
	for seg := range strings.SplitSeq(key, "/") {
		check(naming{versions: true}, seg)
	}
}

// checkName checks the promises of one name, which decodes as d, of this text of key.
func checkName(t fataler, key, name string, d DecodedName, text string, object, canonical bool) {
	t.Helper()
	switch {
	case name == "", name == ".", name == "..", len(name) > 255, strings.ContainsAny(name, "/\x00<>"), name[0] == '-',
		strings.Contains(name, "=="), strings.Contains(name, "!="):
		t.Fatalf("%q: bad name %q", key, name)
	case d.Reserved, d.Object != object, !canonical:
		t.Fatalf("%q: name %q decodes as %+v, canonical %v", key, name, d, canonical)
	case d.Hash == "" && d.Text != text:
		t.Fatalf("%q: name %q decodes as %q", key, name, d.Text)
	case d.Hash != "" && !d.Whole && (len(text) < 64 || !strings.HasPrefix(text, d.Text) || d.Text == ""):
		t.Fatalf("%q: name %q decodes as the beginning %q", key, name, d.Text)
	}
	for i, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Fatalf("%q: name %q has %U at %d", key, name, r, i)
		}
	}
	if utf8.ValidString(key) && !utf8.ValidString(name) {
		t.Fatalf("%q: name %q is not UTF-8", key, name)
	}
	checkLiteral(t, name, d)
}

// checkLiteral checks that no schema makes a query of name: not one with the
// usual keys, and not one that indexes the very key which name would ask for.
func checkLiteral(t fataler, name string, d DecodedName) {
	t.Helper()
	own, _, _ := strings.Cut(name, ",")
	own = search.MetaPrefix + strings.ToLower(decodePercent(own))
	word := strings.ToLower(decodePercent(name[:wordLen(name)]))
	keys := []search.Key{{Name: "LastModified", Type: search.Datetime, Indexed: true}, {Name: "ObjectName", Indexed: true},
		{Name: "Size", Type: search.Integer, Indexed: true}, {Name: search.MetaPrefix + "color", Indexed: true}}
	schemas := []search.Schema{
		{},
		{Bucket: "b", Enabled: true, Indexed: keys, Attributes: []search.Key{{Name: "ContentType"}, {Name: "Etag"}, {Name: "Owner"}}},
		{Bucket: "b", Enabled: true, Indexed: []search.Key{{Name: own, Indexed: true}, {Name: search.MetaPrefix + word, Indexed: true}, {Name: word, Indexed: true}}},
	}
	for _, s := range schemas {
		c, err := search.ParseComponent(name, s)
		if err != nil || c.Kind != search.ComponentLiteral {
			t.Fatalf("name %q reads as kind %d, %v, with schema %+v", name, c.Kind, err, s)
		}
		// What a "%~" adds is not the parser's business; nor is "%2F" for the empty segment.
		if !strings.Contains(name, mark) && c.Literal != d.Text && name != "%2F" {
			t.Fatalf("name %q reads as the literal %q, want %q", name, c.Literal, d.Text)
		}
	}
}

// wordLen returns how many bytes of name, from its start, could be a key.
func wordLen(name string) int {
	i := 0
	for i < len(name) && (isAlnum(name[i]) || strings.IndexByte("-_.%", name[i]) >= 0) {
		i++
	}
	return i
}

func TestTrapNames(t *testing.T) {
	names := map[string]string{}
	for _, key := range trapKeys {
		checkNames(t, key)
		name := EncodeFlat(key)
		if other, dup := names[name]; dup {
			t.Errorf("%q and %q have one name %q", other, key, name)
		}
		names[name] = key
	}
}

// TestPropertyNames draws keys from the pieces that the grammar is made of, which random
// bytes hardly ever hit.
func TestPropertyNames(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"size", "color", "meta.", "sys.", "not", "NOT", "and", "or", "(", ")", " ", "\t", ",", ",eq", ",gt", ",in,", ",exists", "eq", "in",
			"=", "==", "!=", "<", ">", ">=", "!", "@", "@tree", "@sort,", "%", "%~", "~", "%41", "4", "1", "h", "'", "\"", "/", ".", "..", "-", "\n", "\x00", "\u202e", "\u0085",
			"\xff", "\xe2", "é", "😀", "100M", "x", strings.Repeat("k", 120)}),
		rapid.SampledFrom(trapKeys),
		rapid.StringN(0, 3, -1),
	)
	key := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := key.Draw(t, "a"), key.Draw(t, "b")
		checkNames(t, a)
		if a != b && EncodeFlat(a) == EncodeFlat(b) {
			t.Fatalf("%q and %q have one name %q", a, b, EncodeFlat(a))
		}
	})
}

// FuzzName takes a and b as keys, and a as a name that someone typed.
func FuzzName(f *testing.F) {
	for i, key := range trapKeys {
		f.Add(key, trapKeys[(i+1)%len(trapKeys)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		checkNames(t, a)
		if id := strings.ReplaceAll(b, "\x00", ""); id != "" {
			checkVersionNames(t, a, id)
		}
		if a != b && EncodeFlat(a) == EncodeFlat(b) {
			t.Fatalf("%q and %q have one name %q", a, b, EncodeFlat(a))
		}
		// Whatever is typed, the key that it means has a name which means the same key.
		if d := DecodeFlat(a); d.Hash == "" && !d.Reserved {
			if again := DecodeFlat(EncodeFlat(d.Text)); again.Hash == "" && again.Text != d.Text {
				t.Fatalf("typed %q means %q, whose name means %q", a, d.Text, again.Text)
			}
			if CanonicalFlat(a) && EncodeFlat(d.Text) != a {
				t.Fatalf("%q is canonical but the name of %q is %q", a, d.Text, EncodeFlat(d.Text))
			}
		}
	})
}
