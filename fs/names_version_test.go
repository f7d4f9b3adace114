package fs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEncodeVersion(t *testing.T) {
	rep := strings.Repeat
	tests := []struct{ key, id, want string }{
		{"scan.dcm", "17", "scan%~v17.dcm"},
		{"scan.dcm", "", "scan.dcm"},
		{"scan.dcm", "null", "scan%~vnull.dcm"},
		{"scan", "17", "scan%~v17"},
		{"a/scan.tar.gz", "17", "a%2Fscan.tar%~v17.gz"},
		{"", "17", "%~v17"},
		{".bashrc", "17", "%~v17.bashrc"},
		{"a.b c", "17", "a.b c%~v17"},
		{"a.b/c", "17", "a.b%2Fc%~v17"},
		{"..", "17", "%2E%2E%~v17"},
		{"-rf", "17", "%2Drf%~v17"},
		{"a%", "17", "a%%~v17"},
		{"a%~v17.x", "18", "a%25~v17%~v18.x"},
		{"@tree", "17", "%40tree%~v17"},
		{"@manifest.csv", "17", "%40manifest%~v17.csv"},
		{"size,exists", "17", "size%2Cexists%~v17"},
		{"size,exists.x", "17", "size,exists%~v17.x"},
		{"a", "3/L4kqtJ.lcpXro~D=,-_<>!=é", "a%~v3%2FL4kqtJ%2ElcpXro%7ED%3D%2C-_%3C%3E%21%3D%C3%A9"},
		{rep("k", 240) + ".dcm", "1234567", rep("k", 240) + "%~v1234567.dcm"},
	}
	for _, tt := range tests {
		got := EncodeFlatVersion(tt.key, tt.id)
		if got != tt.want {
			t.Errorf("EncodeFlatVersion(%q, %q) = %q, want %q", tt.key, tt.id, got, tt.want)
		}
		want := DecodedName{Text: tt.key, Version: tt.id, Versioned: tt.id != ""}
		if diff := cmp.Diff(want, DecodeFlat(got)); diff != "" {
			t.Errorf("DecodeFlat(%q) (-want +got):\n%s", got, diff)
		}
		if _, ok := (naming{flat: true, versions: true}).decode(got); !ok {
			t.Errorf("%q is no name of a directory with versions", got)
		}
		if _, ok := (naming{flat: true}).decode(got); ok != (tt.id == "") {
			t.Errorf("%q: a name of a directory without versions: %v", got, ok)
		}
		_, inFolder := naming{versions: true}.decode(got)
		if isSegment := !strings.Contains(tt.key, "/") && tt.key != ""; inFolder != isSegment {
			t.Errorf("%q: a name of a folder with versions: %v", got, inFolder)
		}
	}
	if got := EncodeSegmentVersion("", "17"); got != "%2F%~v17" {
		t.Errorf("a version of a folder's marker is named %q", got)
	}
	if d, ok := (naming{versions: true}).decode("%2F%~v17"); !ok || d.Text != "" || d.Version != "17" {
		t.Errorf("%%2F%%~v17 decodes as %+v, %v", d, ok)
	}
}

func TestShortenedVersions(t *testing.T) {
	rep := strings.Repeat
	const hash = "%~V????????????????"
	tests := []struct {
		why, key, id, want string // each "?" stands for a hex digit
		text               string // what the name tells of the key
	}{
		{"a long key", rep("k", 1020) + ".dcm", "17", rep("k", 200) + hash + ".dcm", rep("k", 200)},
		{"a name that fits but for the version", rep("k", 248) + ".dcm", "17", rep("k", 200) + hash + ".dcm", rep("k", 200)},
		{"a long ID", "scan.dcm", rep("v", 1024), "scan" + hash + ".dcm", "scan.dcm"},
		{"a long ID that is encoded", "d/scan", rep("/", 100), "d%2Fscan" + hash, "d/scan"},
		{"cut in the extension", rep("k", 197) + ".dcm", rep("v", 100), rep("k", 197) + hash + ".dcm", rep("k", 197)},
		{"not inside %XX", "ab" + rep("/", 100), "17", "ab" + rep("%2F", 66) + hash, "ab" + rep("/", 66)},
		{"191 bytes", rep("k", 191) + ".dcm", rep("v", 100), rep("k", 191) + hash + ".dcm", rep("k", 191) + ".dcm"},
	}
	seen := map[string]string{}
	for _, tt := range tests {
		name := EncodeFlatVersion(tt.key, tt.id)
		head, tail, _ := strings.Cut(name, shortVersionMark)
		if len(name) > maxNameLen || len(tail) < hashLen || head+shortVersionMark+rep("?", hashLen)+tail[hashLen:] != tt.want {
			t.Errorf("%s: name %q, want %q", tt.why, name, tt.want)
			continue
		}
		d, ok := naming{flat: true, versions: true}.decode(name)
		want := DecodedName{Text: tt.text, Hash: tail[:hashLen], Versioned: true, Whole: tt.text == tt.key}
		if diff := cmp.Diff(want, d); diff != "" || !ok {
			t.Errorf("%s: DecodeFlat(%q), %v (-want +got):\n%s", tt.why, name, ok, diff)
		}
		if other, dup := seen[name]; dup {
			t.Errorf("%q and %q have one name", other, tt.key)
		}
		seen[name] = tt.key
		if EncodeFlatVersion(tt.key, tt.id+"1") == name {
			t.Errorf("%s: two versions have one name", tt.why)
		}
	}
	// The hash is of key, NUL and ID, so that other programs can compute it:
	// { printf 'k%.0s' $(seq 256); printf '\0v1'; } | sha256sum
	if name := EncodeFlatVersion(rep("k", 256), "v1"); !strings.HasSuffix(name, "%~V9a1acb400dd68e5a") {
		t.Errorf("the version v1 of 256 k is named %q", name)
	}
}

func TestDecodeForeignVersions(t *testing.T) {
	const hash = "0123456789abcdef"
	for _, name := range []string{
		"a%~v", "a%~v.x", "a%~v17.", "a%~v1.2.3", "a%~v1%2e2", "a%~v%41", "a%~v1~", "a%~v17%~", "a%~v1,eq", "a%~v1 2", "%~v", "a%~v1%", "a%~v%2", "a%~v17.a b",
		"a%~V", "a%~V" + hash[1:], "a%~V" + strings.ToUpper(hash), "a%~V" + hash + "0", "a%~V" + hash + "%~", "a%~V" + hash + ".", strings.Repeat("k", 201) + "%~V" + hash,
	} {
		if d := DecodeFlat(name); !d.Reserved {
			t.Errorf("DecodeFlat(%q) = %+v", name, d)
		}
	}
	for _, name := range []string{"%41%~v17", "a/b%~v17", "a%2fb%~v17", "-a%~v17", "size>1%~v17", "a%~h" + hash + "%~v17"} {
		if d, ok := (naming{flat: true, versions: true}).decode(name); ok {
			t.Errorf("%q is taken for a name: %+v", name, d)
		}
	}
}

// Whatever keys and IDs there are, the name of a version is one, decodes to both, and is no query.
func TestPropertyVersionNames(t *testing.T) {
	key := rapid.OneOf(rapid.SampledFrom(trapKeys), rapid.String(), rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom(trapKeys).Draw(t, "begin") + rapid.SampledFrom([]string{".x", ".tar.gz", "%~v17", ".dcm%~v1.x", ",eq", ",exists.x", "%", "%~V0123456789abcdef"}).Draw(t, "end")
	}))
	id := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9._~/+=-]{1,64}`), rapid.StringN(1, 8, 300), rapid.SampledFrom([]string{"null", "h0123456789abcdef", "1.dcm", ",eq,1", "%41", "%~"}))
	type version struct{ key, id string }
	draw := rapid.Custom(func(t *rapid.T) version {
		return version{key.Draw(t, "key"), strings.ReplaceAll(id.Draw(t, "id"), "\x00", "0")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		checkVersionNames(t, a.key, a.id)
		if a != b && EncodeFlatVersion(a.key, a.id) == EncodeFlatVersion(b.key, b.id) {
			t.Fatalf("%q and %q have one name", a, b)
		}
		if name := EncodeFlatVersion(a.key, a.id); name == EncodeFlat(b.key) || name == EncodeTwin(b.key) {
			t.Fatalf("version %q of %q and object %q have one name %q", a.id, a.key, b.key, name)
		}
	})
}
