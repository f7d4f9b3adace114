package fs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// hostileKeys are keys that break naive names.
func hostileKeys() []string {
	return []string{
		"plain.txt", "with blank", "línea/ñ", "new\nline", "tab\there", "-rf", "--checkpoint-action=exec=touch pwned", "--checkpoint=1",
		"size,gt,100", "size>100", "color==red", "a=b", "year=2024/month=01/x", "@explain", "@errors", "@nothing", "@meta,x", "%41", "100%", "%~", "a%~", "a%~INCOMPLETE",
		"..", ".", "d/../e", "d/./f", "not (x)", "(x)", "back\\slash", "\"quoted\"", "it's", "$HOME", "*?[x]", "\x7fdel", "esc\x1b[31m", "bidi\u202eevil",
		"caf\u00e9", "cafe\u0301", strings.Repeat("x", 255), strings.Repeat("y", 256) + ".txt", strings.Repeat("é", 300), strings.Repeat("z/", 200) + "end.log", strings.Repeat("%", 400) + "q",
		"seg//empty", "/leading", "trail//", "marker/", "full-marker/", "full-marker/inside", "twin", "twin/inner", "twin-sibling", "twin.txt",
	}
}

// Every key has exactly one name in each view, and that name reads its bytes.
func TestPromise8EveryKeyHasOneName(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 7 }})
	total := 0
	for _, key := range hostileKeys() {
		data := "bytes of " + key
		if key == "marker/" {
			data = ""
		} else {
			total++
		}
		w.put(key, data)
	}
	// Bytes by name, in every directory below; nothing is looked up that was not listed.
	const program = `
import os, sys
os.chdir(os.environ["B"] + "/@DIR@")
seen = {}
for top, dirs, files in os.walk(b"."):
    assert len(set(dirs + files)) == len(dirs) + len(files), (top, dirs, files)
    for f in files:
        name = os.path.join(top, f)
        data = open(name, "rb").read()
        assert os.stat(name).st_size == len(data), name
        assert data not in seen, (name, seen[data])
        assert not f.startswith(b"-"), f
        seen[data] = name
print(len(seen))
for data in sorted(seen): sys.stdout.buffer.write(data + b"\0")
`
	for dir, want := range map[string]int{".": total, "size,ge,0": total + 1} {
		out := w.python(strings.ReplaceAll(program, "@DIR@", dir))
		var count int
		fmt.Sscan(out, &count)
		if count != want {
			t.Errorf("%s shows %d objects, want %d", dir, count, want)
		}
		for _, key := range hostileKeys() {
			if key != "marker/" && !strings.Contains(out, "bytes of "+key+"\x00") {
				t.Errorf("%s does not show %q", dir, key)
			}
		}
	}
}

// The same names work before anything was listed.
func TestNamesWithoutListing(t *testing.T) {
	for _, view := range []string{"/.", "/size,ge,0"} {
		w := newWorld(t, setup{})
		for _, key := range hostileKeys() {
			w.put(key, "bytes of "+key)
		}
		names := strings.Split(strings.TrimSuffix(w.sh(`cd $B`+view+` && find . -type f -print0`), "\x00"), "\x00")
		if len(names) < 40 {
			t.Fatalf("%s shows %d names", view, len(names))
		}
		// Another mount knows none of them yet.
		fresh := newWorld(t, setup{})
		for _, key := range hostileKeys() {
			fresh.put(key, "bytes of "+key)
		}
		for _, name := range names {
			quoted := "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
			if a, b := w.sh(`cd $B`+view+`; cat `+quoted), fresh.sh(`cd $B`+view+`; cat `+quoted); a != b || a == "" {
				t.Errorf("%s/%s reads %q without a listing and %q with one", view, name, b, a)
			}
		}
		if n := fresh.ecs.Count("Query"); n != 0 {
			t.Errorf("%s: %d searches to find objects by name", view, n)
		}
	}
}

// A name that is both object and folder is the folder; the object is NAME%~.
func TestTwins(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 2 }})
	w.put("a", "object a")
	w.put("a-1", "between")
	w.put("a.txt", "between")
	w.put("a/in", "inner")
	w.put("b", "no folder")
	w.want(`ls -p $B; cat $B/a/in $B/a%~ $B/b%~`, "a/\na%~\na-1\na.txt\nb\ninnerobject ano folder")

	fresh := newWorld(t, setup{})
	fresh.put("a", "object a")
	fresh.put("a/in", "inner")
	fresh.put("b", "no folder")
	fresh.want(`cat $B/a/in $B/a%~ $B/b%~ $B/b; stat -c %F $B/a`, "innerobject ano folderno folderdirectory\n")
	fresh.want(`ls -p $B/size,gt,1; cat $B/size,gt,1/a`, "a\na%2Fin\nb\nobject a")
}

// A zero-byte marker is only its folder; one with content is also a file in it.
func TestMarkers(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("empty/", "")
	w.put("full/", "content")
	w.put("full//deep", "x")
	w.want(`cd $B; ls -pA . empty full; cat full/%2F%~`, ".:\nempty/\nfull/\n\nempty:\n\nfull:\n%2F/\n%2F%~\ncontent")
}

// An unknown spelling of a name is no second name for it.
func TestNamesAreCanonical(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("A-b", "x", "color", "red")
	for _, name := range []string{"%41-b", "A%2Db", "A%2db", "color,eq,red/A%2Db", "color,eq,red/A-b%~", "%~INCOMPLETE", "%~h0123456789abcdef"} {
		if out := w.shFails(`cat $B/` + name); !strings.Contains(out, "No such file") {
			t.Errorf("cat %s said %q", name, out)
		}
	}
}
