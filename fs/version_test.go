package fs_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// versionWorld has an object from before the bucket had versions, with two newer ones, one that was deleted, and
// one that is new.
func versionWorld(t *testing.T, s setup) *world {
	w := newWorld(t, s)
	put := func(key, data, color string) {
		w.put(key, data, "color", color)
		w.clock.advance(time.Minute)
	}
	put("scan.dcm", "null!", "red")
	check(t, w.ecs.SetVersioning("b", true))
	put("scan.dcm", "second", "red")
	put("scan.dcm", "the third", "blue")
	put("d/scan", "one", "red")
	put("d/scan", "two two", "red")
	put("gone.txt", "gone", "red")
	check(t, w.ecs.DeleteObject("b", "gone.txt"))
	put("scan", "beside", "red")
	put("scan/in", "inside", "red")
	return w
}

var versionID = regexp.MustCompile(`%~v([0-9A-Za-z_-]+)`)

// byContent returns the names of the files below dir by what is in them, and wants no name twice.
func (w *world) byContent(dir string) map[string]string {
	w.t.Helper()
	names := map[string]string{}
	for line := range strings.Lines(w.sh(`cd $B/` + dir + `; find . -type f | while read f; do echo "$(cat "$f")=${f#./}"; done`)) {
		data, name, _ := strings.Cut(strings.TrimSpace(line), "=")
		if other, dup := names[data]; dup {
			w.t.Errorf("%s: %s and %s both read %q", dir, other, name, data)
		}
		names[data] = name
	}
	return names
}

// Every version of each result has one name, which reads its own bytes.
func TestVersions(t *testing.T) {
	w := versionWorld(t, setup{})
	plain := func(name string) string { return versionID.ReplaceAllString(name, "%~vID") }
	for dir, want := range map[string][]string{
		"color,eq,red/@versions":       {"d%2Fscan%~vID", "d%2Fscan%~vID", "gone%~vID.txt", "scan%2Fin%~vID", "scan%~vID", "scan%~vID.dcm", "scan%~vID.dcm"},
		"@versions/color,eq,red/@tree": {"d/scan%~vID", "d/scan%~vID", "gone%~vID.txt", "scan%~vID", "scan%~vID.dcm", "scan%~vID.dcm", "scan/in%~vID"},
		"@versions": {"d%2Fscan%~vID", "d%2Fscan%~vID", "gone%~vID.txt", "scan%2Fin%~vID", "scan%~vID",
			"scan%~vID.dcm", "scan%~vID.dcm", "scan%~vID.dcm"},
		"d/@versions":                    {"scan%~vID", "scan%~vID"},
		"@tree/@versions/size,gt,5":      {"d/scan%~vID", "scan%~vID", "scan%~vID.dcm", "scan%~vID.dcm", "scan/in%~vID"},
		"@sort,-size/@limit,2/@versions": {"d%2Fscan%~vID", "scan%~vID.dcm"},
	} {
		var got []string
		names := w.byContent(dir)
		for _, name := range names {
			got = append(got, plain(name))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s shows %q, want %q", dir, got, want)
		}
		if name, ok := names["null!"]; ok && !strings.HasSuffix(name, "scan%~vnull.dcm") {
			t.Errorf("%s: the version from before is named %q", dir, name)
		}
		w.want(`cd $B/`+dir+`; find . -type f | while read f; do test "$(stat -c %s "$f")" = "$(wc -c <"$f")" || echo "$f"; done`, "")
		w.want(`cd $B/`+dir+`; ls -R | sort | uniq -d | grep v; find . -type f -printf '%i\n' | sort | uniq -d`, "")
	}
	// Elsewhere the current version alone is shown, by its plain name.
	w.want(`ls $B/color,eq,red; cat $B/scan.dcm`, "d%2Fscan\nscan\nscan%2Fin\nthe third")
	name := w.byContent("@versions")["second"]
	for _, dir := range []string{"", "/color,eq,red", "/color,eq,red/@tree", "/color,eq,blue/@versions", "/@versions/color,eq,blue/@tree"} {
		w.shFails(`stat $B` + dir + `/` + name)
	}
	w.want(`stat -c '%s %Y' $B/@versions/`+name+` $B/scan.dcm | sort -u | wc -l`, "2\n")
	w.want(`grep -c '"version": "`+versionID.FindStringSubmatch(name)[1]+`"' $B/@versions/@meta,`+name, "1\n")
}

// The same names are found without a listing: by the HEAD of that version.
func TestVersionLookup(t *testing.T) {
	w := versionWorld(t, setup{})
	for _, dir := range []string{"color,eq,red/@versions", "@versions/@tree/color,eq,red"} {
		names := w.byContent(dir)
		fresh := w.again()
		fresh.sh(`stat $B/` + dir)
		w.requests()
		for _, data := range []string{"second", "null!", "gone"} {
			fresh.want(`cat $B/`+dir+`/`+names[data], data)
			fresh.wantRequests("cat of "+names[data], "GetObject=1 HeadObject=1")
		}
		for _, name := range []string{"scan.dcm", "scan%~v17.dcm", "scan%~vnull", "gone.txt", "scan.dcm%~", "scan%~vnull.dcm%~"} {
			fresh.shFails(`stat $B/` + dir + `/` + name)
		}
		fresh.shFails(`stat $B/` + dir + `/` + w.byContent("color,eq,blue/@versions")["the third"])
		fresh.unmount()
	}
}

// The object from before its bucket had versions is named as a version, though a HEAD tells none.
func TestVersionNullIsCurrent(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("old", "bytes", "color", "red")
	check(t, w.ecs.SetVersioning("b", true))
	w.put("new", "bytes", "color", "red")
	fresh := w.again()
	fresh.shFails(`stat $B/color,eq,red/@versions/old`)
	fresh.want(`cat $B/color,eq,red/@versions/old%~vnull`, "bytes")
	fresh.unmount()
	w.want(`ls $B/color,eq,red/@versions/ | grep old`, "old%~vnull\n")
}

// In a bucket that never had versions every object keeps its name.
func TestVersionsOfABucketWithout(t *testing.T) {
	w := newWorld(t, setup{})
	for _, key := range hostileKeys() {
		w.put(key, "bytes of "+key, "color", "red")
	}
	w.want(`ls -1 $B/color,eq,red >plain; ls -1 $B/color,eq,red/@versions | cmp - plain`, "")
	w.want(`T=$PWD; cd $B/color,eq,red/@tree; find . | sort >$T/tree; cd ../@versions/@tree; find . | sort | cmp - $T/tree`, "")
	fresh := newWorld(t, setup{})
	fresh.put("a", "x", "color", "red")
	fresh.want(`cat $B/color,eq,red/@versions/a $B/@versions/@tree/a`, "xx")
}

// Versions whose names are too long are shortened, and found again without a listing.
func TestLongVersionNames(t *testing.T) {
	w := newWorld(t, setup{})
	check(t, w.ecs.SetVersioning("b", true))
	keys := []string{strings.Repeat("x", 250) + ".dcm", strings.Repeat("x", 250) + "/deep/" + strings.Repeat("y", 250), strings.Repeat("é", 300), strings.Repeat("z/", 130) + "end.txt"}
	for i, key := range keys {
		w.put(key, fmt.Sprint("old ", i))
		w.put(key, fmt.Sprint("new ", i))
	}
	for _, dir := range []string{"@versions", "size,gt,0/@versions/@tree"} {
		names := w.byContent(dir)
		if len(names) != 2*len(keys) {
			t.Errorf("%s shows %d versions: %q", dir, len(names), names)
		}
		for data, name := range names {
			fresh := w.again()
			fresh.sh(`stat "$B/` + dir + `"`)
			w.requests()
			if got := fresh.sh(`cat "$B/` + dir + `/` + name + `"`); got != data {
				t.Errorf("%s/%s reads %q without a listing, want %q", dir, name, got, data)
			}
			if !strings.Contains(name, "/") { // else there are folders to be found before
				w.wantRequests("cat of a shortened name", "GetObject=1 HeadObject=1 ListObjectVersions=1")
			}
			fresh.unmount()
		}
	}
}

// A version that is deleted after it was listed is gone at its open; another version of the object is not.
func TestVersionDeletedBeforeOpen(t *testing.T) {
	w := versionWorld(t, setup{})
	names := w.byContent("@versions/color,eq,red")
	id := versionID.FindStringSubmatch(names["second"])[1]
	fresh := w.again()
	defer fresh.unmount()
	fresh.sh(`ls -l $B/@versions/color,eq,red`)
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		gone := strings.HasSuffix(req.Operation, "Object") && req.Query.Get("versionId") == id
		if gone {
			rw.WriteHeader(http.StatusNotFound)
		}
		return gone
	})
	if out := fresh.shFails(`cat $B/@versions/color,eq,red/` + names["second"]); !strings.Contains(out, "No such file") {
		t.Errorf("cat of a version that is gone said %q", out)
	}
	fresh.want(`cat $B/@versions/color,eq,red/`+names["null!"], "null!")
	fresh.want(`cat $M/@errors`, "no errors so far\n")
}

// An open version is that version to its last byte, whatever is put in its place.
func TestVersionStaysWhileOpen(t *testing.T) {
	w := newWorld(t, setup{})
	check(t, w.ecs.SetVersioning("b", true))
	const size = 4 << 20
	w.put("a", strings.Repeat("old.", size/4), "color", "red")
	holder := w.converse(`
import glob, os, sys
fd = os.open(glob.glob(os.environ["B"] + "/color,eq,red/@versions/a*")[0], os.O_RDONLY)
print(os.pread(fd, 4, 0), flush=True)
sys.stdin.readline()
print(os.pread(fd, 4, 3 << 20), flush=True)
`)
	holder.expect("b'old.'")
	w.put("a", "new", "color", "red")
	holder.say("go on")
	holder.expect("b'old.'")
}
