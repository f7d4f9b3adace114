package fs_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// @meta,NAME takes the names of each view, also those too long for a name with "@meta," before it elsewhere.
func TestMetaInEveryView(t *testing.T) {
	w := newWorld(t, setup{})
	long, longer := strings.Repeat("l", 255), strings.Repeat("m", 300)+".txt"
	for _, key := range []string{"a", "a/b", "d/e", "@tree", "-x", "with, comma", long, longer} {
		w.put(key, "bytes", "color", "red")
	}
	for _, dir := range []string{".", "@tree", "color,eq,red", "color,eq,red/@tree", "color,eq,red/@tree/a", "@sort,name", "@limit,99", "color,eq,red/@versions"} {
		out := w.python(`
import json, os
top = os.environ["B"] + "/` + dir + `"
for name in os.listdir(top):
    if os.path.isfile(top + "/" + name):
        before = os.stat(top + "/@meta," + name).st_size
        meta = json.load(open(top + "/@meta," + name))
        assert meta["metadata"]["x-amz-meta-color"] == "red" and meta["size"] == 5 and before > 0, meta
        print(meta["key"])
`)
		if strings.Count(out, "\n") < 1 || strings.Contains(dir, "color") && !strings.HasSuffix(dir, "/a") && !strings.Contains(dir, "tree") && strings.Count(out, "\n") != 8 {
			t.Errorf("in %s @meta told of\n%s", dir, out)
		}
	}
	w.shFails(`cat $B/color,eq,red/@meta,nosuch`)
	w.shFails(`cat $B/@meta,d`)
	w.want(`cat $B/@meta,a | grep '"key"'; cat $B/@meta,a%~ | grep '"key"'; cmp $B/@meta,a $B/@meta,a%~`, "  \"key\": \"a\",\n  \"key\": \"a\",\n")
}

// What the last run of a directory found is told in each view, and reading it runs nothing.
func TestExplainTellsTheLastRun(t *testing.T) {
	w := newWorld(t, setup{})
	w.putMany(20)
	for dir, run := range map[string]string{
		".":                              "last run: 1 row complete",
		"dir":                            "last run: 20 rows complete",
		"color,eq,red":                   "last run: 20 rows complete",
		"color,eq,red/@tree":             "last run: 20 rows complete",
		"color,eq,red/@tree/dir":         "last run: 20 rows complete",
		"color,eq,red/@sort,-n":          "last run: 20 rows complete",
		"color,eq,red/@sort,-n/@limit,3": "last run: 3 rows complete",
		"@versions":                      "last run: 20 rows complete",
	} {
		w.sh(`stat $B/` + dir)
		w.sh(`cat $M/b/@refresh $B/` + dir + `/@refresh`)
		w.requests()
		if out := w.sh(`cat $B/` + dir + `/@explain`); strings.Contains(out, "last run") {
			t.Errorf("%s: before any run it said\n%s", dir, out)
		}
		w.wantRequests("@explain", "")
		if out := w.sh(`ls $B/` + dir + ` >/dev/null; cat $B/` + dir + `/@explain`); !strings.Contains(out, run) {
			t.Errorf("%s: after ls it did not say %q:\n%s", dir, run, out)
		}
	}
}

// @explain,REST reads as a file whatever REST is.
func TestExplainAnything(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "x")
	w.sh(`stat $B`)
	w.requests()
	for _, rest := range []string{"size,gt,1", "size>1", "size,gt,abc", "(size>1", "@tree", "@sort,nosuch", "@limit,0", "@by", "@explain,x", "a", "no such", "%2F", "%", "\x01\xff", "..", "-",
		",", "@", "not", strings.Repeat("x", 900), "color,glob,[", "meta.x,eq,1", "meta.x,in,1..,..2"} {
		for _, dir := range []string{"b", "b/size,ge,0", "b/size,ge,0/@tree"} {
			w.sh(`test -s "$(printf '%s' "$M/` + dir + `/@explain,` + rest + `")"`)
		}
	}
	w.wantRequests("@explain,...", "SearchKeys=1")
}

// Where the schema cannot be had, what does not depend on it works, above all @errors.
func TestDirectivesWithoutSchema(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes")
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation == "SearchKeys" {
			rw.WriteHeader(http.StatusForbidden)
		}
		return req.Operation == "SearchKeys"
	})
	for _, name := range []string{"@explain", "@help", "@searchkeys", "size,gt,1", "@by"} {
		if out := w.shFails(`cat $B/` + name); !strings.Contains(out, "Permission denied") {
			t.Errorf("%s said %s", name, out)
		}
	}
	w.sh(`grep 'Permission\|denied\|refused' $B/@errors; cat $B/@meta,a $B/@refresh; ls $B; cat $B/a`)
}

// A bucket without metadata search has all of them.
func TestDirectivesWithoutMetadataSearch(t *testing.T) {
	w := newWorld(t, setup{})
	check(t, w.ecs.CreateBucket("plain"))
	for _, key := range []string{"dir/a", "dir/b", "c"} {
		check(t, w.ecs.PutObject("plain", key, []byte("bytes"), ecstest.PutOptions{Metadata: map[string]string{"color": "red"}, LastModified: w.clock.Now()}))
	}
	w.want(`cd $M/plain; wc -l <@manifest.jsonl; wc -l <@manifest.csv; wc -l <size,gt,1/@manifest.jsonl; grep -c red @meta,c; ls size,gt,1/@sort,-name; grep -c size @searchkeys; cat size,gt,1/@tree/dir/@meta,a | grep -c red`,
		"3\n4\n3\n1\nc\ndir%2Fa\ndir%2Fb\n1\n1\n")
	w.sh(`cd $M/plain/size,gt,1; grep 'last run: 3 rows' @explain; cat @help @explain,size,gt,x @errors @refresh; test -z "$(grep 'last run' @explain)"`)
	for _, name := range []string{"@stats", "dir/@stats", "size,gt,1/@stats"} {
		w.shFails(`cat $M/plain/` + name)
	}
}

// Whoever types a query where the buckets are is told where it belongs. Other names that are not there are no error to record.
func TestQueriesAtTheRoot(t *testing.T) {
	w := newWorld(t, setup{})
	names := []string{"size,gt,1", "color,eq,red", "size>1", "(size>1)", "@by", "@tree", "@sort,size", "@sort", "@limit,3", "@versions",
		"@manifest.csv", "@searchkeys", "@explain", "@explain,size,gt,1", "@meta,b", "@refresh", "@SORT,size"}
	for _, name := range append(slices.Clone(names), "nobucket", ".hidden", "a,b") {
		w.sh(`! stat "$M/` + name + `" 2>/dev/null`)
	}
	text := w.sh(`cat $M/@errors`)
	for _, name := range names {
		if want := "lookup " + name + ": does not exist: the directories here are buckets"; !strings.Contains(text, want) {
			t.Errorf("@errors lacks %q", want)
		}
	}
	if got := strings.Count(text, "\n"); got != len(names) {
		t.Errorf("%d lines of @errors, want %d:\n%s", got, len(names), text)
	}
}

// What stands behind a menu's name, and is no link of it, is told where it belongs.
func TestQueriesBehindAMenu(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red", "n", "1")
	names := []string{"@by/@limit,2", "@by/@tree", "@by/@refresh", "@by/@sort", "@by/color/@limit,2", "@by/color/@tree", "@by/color/@manifest.csv",
		"@by/color/@refresh", "@by/color/n,eq,1", "@by/color/n==1", "@by/n/@sort,-n"}
	for _, listed := range []bool{false, true} {
		if listed {
			w.want(`ls $M/b/@by/color`, "red\n")
		}
		for _, name := range append(slices.Clone(names), "@by/nix", "@by/color/blue", "@by/color/.hidden", "@by/n/2") {
			w.sh(`! stat "$M/b/` + name + `" 2>/dev/null`)
		}
	}
	text := w.sh(`cat $M/@errors`)
	for _, name := range names {
		if want := "lookup b/" + name + ": does not exist: a menu has links alone: queries and @ names stand before @by, or behind a link"; !strings.Contains(text, want) {
			t.Errorf("@errors lacks %q", want)
		}
	}
	if got := strings.Count(text, "a menu has links alone"); got != len(names) {
		t.Errorf("%d such lines of @errors, want %d:\n%s", got, len(names), text)
	}
}
