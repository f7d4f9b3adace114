package fs_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

func (w *world) putMany(n int) {
	for i := range n {
		w.put(fmt.Sprintf("dir/o-%06d", i), "x", "color", "red", "n", fmt.Sprint(i))
	}
}

// manifestTools are programs that read $F, a manifest, and must end well. JSON lines of $N objects are
// in the file expect, as cat gave them.
var manifestTools = []string{
	`cat "$F" | cmp - expect`,
	`cmp "$F" expect`,
	`cp "$F" copy && cmp copy expect`,
	`cp -p "$F" copy2 && cmp copy2 expect`,
	`test $(wc -l <"$F") = $N`,
	`test $(wc -c <"$F") = $(wc -c <expect)`,
	`wc "$F" >a; wc expect >b; test "$(awk '{print $1,$2,$3}' a)" = "$(awk '{print $1,$2,$3}' b)"`,
	`test $(grep -c color "$F") = $N`,
	`head -n 3 "$F" | cmp - <(head -n 3 expect)`,
	`head -c 100 "$F" | cmp - <(head -c 100 expect)`,
	`head -n -1 "$F" | cmp - <(head -n -1 expect)`,
	`tail -n 3 "$F" | cmp - <(tail -n 3 expect)`,
	`tail -c 100 "$F" | cmp - <(tail -c 100 expect)`,
	`tail -n +2 "$F" | cmp - <(tail -n +2 expect)`,
	`tail -c +100 "$F" | cmp - <(tail -c +100 expect)`,
	`sed -n '$p' "$F" | cmp - <(tail -n 1 expect)`,
	`awk 'END { exit NR != '$N' }' "$F"`,
	`sort -r "$F" | cmp - <(sort -r expect)`,
	`dd if="$F" bs=100 status=none | cmp - expect`,
	`dd if="$F" bs=1 skip=100 count=50 status=none | cmp - <(head -c 150 expect | tail -c 50)`,
	`rm -f part*; split -l 2 -a 5 "$F" part && cat part* | cmp - expect; rm -f part*`,
	`tee <"$F" >teed && cmp teed expect`,
	`n=0; while read -r line; do n=$((n+1)); done <"$F"; test $n = $N`,
	`mapfile -t lines <"$F"; test ${#lines[@]} = $N`,
	`less "$F" | cmp - expect`,
	`python3 -c 'import sys, json
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == int(sys.argv[2]) and rows[0]["metadata"]["x-amz-meta-color"] == "red", rows[0]' "$F" $N`,
	`python3 -c 'import sys
f, want = open(sys.argv[1], "rb"), open("expect", "rb").read()
assert f.read(10) == want[:10]
f.seek(100); assert f.read(50) == want[100:150]
f.seek(5); assert f.read() == want[5:]
assert f.seek(0, 2) == len(want)
f.seek(-10, 2); assert f.read() == want[-10:]' "$F"`,
}

// manifestSizedTools go by the size of the file, which is there once the listing is complete.
var manifestSizedTools = []string{
	`test $(stat -c %s "$F") = $(wc -c <expect)`,
	`tar cf m.tar -C "$(dirname "$F")" "$(basename "$F")" && tar xOf m.tar | cmp - expect`,
	`rm -f synced; rsync -a "$F" synced && cmp synced expect`,
	`rm -f synced; rsync -a --checksum --inplace "$F" synced && cmp synced expect`,
	`for flag in ACCESS_READ ACCESS_COPY; do python3 -c 'import sys, mmap
f = open(sys.argv[1], "rb")
assert mmap.mmap(f.fileno(), 0, access=getattr(mmap, sys.argv[2]))[:] == open("expect", "rb").read()' "$F" $flag || exit 1; done`,
	`python3 -c 'import sys, mmap
f = open(sys.argv[1], "rb")
assert mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)[:] == open("expect", "rb").read()' "$F"`,
	`cmp -s "$F" expect`,
	`split -n 3 "$F" nth && cat nth* | cmp - expect; rm -f nth*`,
}

func (w *world) bash(script string) {
	w.t.Helper()
	if out, err := w.tryShell("bash", "set -e; "+script); err != nil {
		w.t.Errorf("%s\n%s%v", script, out, err)
	}
}

func TestManifestForEveryTool(t *testing.T) {
	for _, n := range []int{3, 2100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t, setup{ttl: 2 * time.Second})
			w.putMany(n)
			script := func(script string) {
				w.bash(fmt.Sprintf(`N=%d; F="$B/color,eq,red/@manifest.jsonl"; %s`, n, script))
			}
			script(`cat "$F" >expect; test $(wc -l <expect) = $N`)
			for _, tool := range manifestTools {
				w.clock.advance(3 * time.Second)
				script(tool) // of a listing that is just begun
				script(tool)
			}
			for _, tool := range manifestSizedTools {
				if n < 2000 {
					w.clock.advance(3 * time.Second)
				}
				script(tool)
			}
		})
	}
}

// A large manifest whose listing is not complete has no size, and can be read and sought in all the same: also a
// line at a time, as shells do.
func TestManifestWithoutSize(t *testing.T) {
	w := newWorld(t, setup{})
	w.putMany(4500)
	started, release := w.holdFrom("Query", 4)
	w.want(`cd $B/color,eq,red; stat -c %s @manifest.csv; n=0; while read -r line && test $n -lt 100; do n=$((n+1)); done <@manifest.csv; echo $n; head -n 2000 @manifest.csv | wc -l`,
		"0\n100\n2000\n")
	release()
	<-started
	w.want(`cd $B/color,eq,red; cat @manifest.csv | wc -c >$OLDPWD/size; stat -c %s @manifest.csv | cmp - $OLDPWD/size`, "")
}

// Tools for tables read the CSV: the same rows as the directory has names.
func TestManifestCSVForEveryTool(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("plain", "bytes", "color", "red", "n", "1")
	w.put("dir/with, comma", "more bytes", "color", "red", "n", "2")
	w.put(`quote "d"`, "", "color", "red")
	w.put("nul\x00 and\nline and bad\xff", "1", "color", "red")
	w.bash(`ls -N $B/color,eq,red | LC_ALL=C sort >names; wc -l <names | grep -x 4`)
	for _, script := range []string{
		`awk -F, 'NR > 1 { n += $1 } END { exit n != 16 }' "$F"`,
		`test $(wc -l <"$F") = 5`,
		`python3 -c 'import csv, json, os, sys, base64
rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
more = [json.loads(r["more"] or "{}") for r in rows]
def exact(r, m, column): return base64.b64decode(m[column + "_base64"]) if column + "_base64" in m else r[column].encode()
assert sorted(exact(r, m, "path") for r, m in zip(rows, more)) == sorted(os.listdir(os.path.dirname(sys.argv[1]).encode())), rows
assert b"nul\0 and\nline and bad\xff" in [exact(r, m, "key") for r, m in zip(rows, more)]
assert sorted((r["size"], r["x-amz-meta-n"]) for r in rows) == [("0", ""), ("1", ""), ("10", "2"), ("5", "1")]' "$F"`,
		`if command -v sqlite3 >/dev/null; then
	sqlite3 :memory: ".import --csv '$F' m" "select count(*), sum(size), max([x-amz-meta-n]) from m" | grep -x '4|16|2'
	sqlite3 :memory: ".import --csv '$F' m" "select path from m where more = '' order by path" | grep -x 'dir%2Fwith, comma'
fi`,
		`if command -v duckdb >/dev/null; then
	duckdb -csv -noheader -c "select count(*), sum(size), count(\"x-amz-meta-n\") from '$F'" | grep -x '4,16,2'
fi`,
		`if command -v gawk >/dev/null && gawk --csv 'BEGIN { exit }' 2>/dev/null; then
	gawk --csv 'NR > 1 { print $7 }' "$F" | grep -x 'dir/with, comma'
fi`,
	} {
		w.bash(`F="$B/color,eq,red/@manifest.csv"; ` + script)
	}
}

// The paths of a manifest lead to its objects, in every view, and those are all.
func TestManifestPathsLeadThere(t *testing.T) {
	w := newWorld(t, setup{})
	for _, key := range []string{"a", "a-1", "a-1/x", "a/b", "a/b/c", "b//c", "-d/e", "f,eq,g", "marked/", "marked/x", "m2/", strings.Repeat("long", 100) + ".txt", "dir/" + strings.Repeat("long", 100)} {
		data := "x"
		if strings.HasSuffix(key, "/") {
			data = ""
		}
		w.put(key, data, "color", "red")
	}
	w.put("m2/", "content", "color", "red")
	for _, dir := range []string{".", "a", "@tree", "color,eq,red", "color,eq,red/@tree", "color,eq,red/@tree/a", "color,eq,red/@sort,-size", "@sort,name/@limit,4",
		"a/size,gt,0/@tree", "@versions", "@versions/@tree", "dir", "b", "m2"} {
		out := w.python(`
import base64, json, os
top = os.environ["B"] + "/` + dir + `/"
paths = []
for line in open(top + "@manifest.jsonl"):
    row = json.loads(line)
    path = row["path"]
    if path.endswith("/"):
        assert row["size"] == 0 and os.path.isdir(top + path), row
        continue
    assert os.path.getsize(top + path) == row["size"], row
    paths.append(path)
found = [os.path.relpath(os.path.join(d, f), top) for d, _, files in os.walk(top) for f in files]
assert len(paths) > 0 and sorted(paths) == sorted(found), (paths, found)
order = [n for n in os.listdir(top) if os.path.isfile(top + n)]
assert order == [p for p in paths if "/" not in p], (order, paths)
`)
		if out != "" {
			t.Errorf("%s: %s", dir, out)
		}
	}
}

// A manifest and the directory share one search, as do both formats and those who read at once.
func TestManifestSharesTheListing(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	w.putMany(25)
	w.sh(`stat $B/color,eq,red`)
	w.requests()
	w.want(`cd $B/color,eq,red; ls | wc -l; wc -l <@manifest.jsonl; wc -l <@manifest.csv`, "25\n25\n26\n")
	w.wantRequests("ls and two manifests", "Query=3")
	w.sh(`cd $B/color,eq,red; for i in 1 2 3 4; do cat @manifest.csv >$OLDPWD/c$i & done; wait; cd $OLDPWD; for i in 2 3 4; do cmp c1 c$i; done`)
	w.wantRequests("four at once", "")
	w.clock.advance(61 * time.Second)
	w.sh(`cat $B/color,eq,red/@manifest.jsonl; ls $B/color,eq,red`)
	w.wantRequests("a manifest and ls", "Query=3")
	w.sh(`head -n 1 $B/@manifest.jsonl; tail -n 1 $B/@manifest.jsonl`)
	w.wantRequests("a folder's", "ListObjects=3")
}

// It streams: what is there can be read while the rest is awaited, and sought in.
func TestManifestStreams(t *testing.T) {
	w := newWorld(t, setup{})
	w.putMany(4500)
	started, release := w.holdFrom("Query", 4)
	reader := w.converse(`
import os, sys
f = open(os.environ["B"] + "/color,eq,red/@manifest.jsonl", "rb")
lines = [f.readline() for _ in range(2500)]
print(os.fstat(f.fileno()).st_size, flush=True)
f.seek(0)
print(f.readline() == lines[0], flush=True)
rest = f.read()
print(rest.count(b"\n"), os.fstat(f.fileno()).st_size == len(lines[0]) + len(rest), flush=True)
`)
	reader.expect("0")
	reader.expect("True")
	<-started
	release()
	reader.expect("4499 True")
}

// holdFrom keeps the nth request of an operation and those after it waiting until the returned function
// is called; started tells of each.
func (w *world) holdFrom(operation string, nth int) (started chan struct{}, release func()) {
	started, done := make(chan struct{}, 100), make(chan struct{})
	var count atomic.Int64
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation == operation && count.Add(1) >= int64(nth) {
			started <- struct{}{}
			select {
			case <-done:
			case <-r.Context().Done():
			}
		}
		return false
	})
	return started, func() { close(done) }
}

// A listing that breaks gives what came of it, and then the error: never a short file as if it were whole.
func TestManifestOfAListingThatBreaks(t *testing.T) {
	for _, script := range []string{
		`cat "$F"`, `cp "$F" copy`, `tar cf m.tar "$F"`, `rsync "$F" synced`, `tail -n 1 "$F"`, `tail -c 10 "$F"`, `sort "$F"`, `dd if="$F"`,
		`python3 -c 'import sys; open(sys.argv[1]).read()' "$F"`, `sqlite3 :memory: ".import --csv '$F' m" && exit 1 || exit 1`,
	} {
		w := brokenWorld(t)
		out := w.shFails(`F="$B/color,eq,red/@manifest.csv"; ` + script)
		if !strings.Contains(out, "Permission denied") && !strings.Contains(script, "sqlite3") {
			t.Errorf("%s said\n%s", script, out)
		}
		if strings.HasPrefix(script, "cat") && strings.Count(out, ",red,") != 20 {
			t.Errorf("%s said\n%s", script, out)
		}
		if out := w.shFails(`cat $B/color,eq,red/@manifest.csv`); !strings.Contains(out, "Permission denied") {
			t.Errorf("after %s cat said\n%s", script, out)
		}
		w.sh(`grep 'no more' $M/@errors`)
	}
}

// Ctrl-C ends the wait for a page, in the lookup and in a read.
func TestPromise6InterruptEndsAManifest(t *testing.T) {
	for _, page := range []int{1, 4} {
		w := newWorld(t, setup{})
		w.putMany(4500)
		started, release := w.holdFrom("Query", page)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		cmd := w.command(ctx, "cat", w.dir+"/b/color,eq,red/@manifest.jsonl")
		check(t, cmd.Start())
		<-started
		check(t, cmd.Process.Signal(os.Interrupt))
		cmd.Wait()
		if ctx.Err() != nil {
			t.Errorf("page %d: cat went on after Ctrl-C", page)
		}
		release()
	}
}

// What an open manifest shows is one snapshot to its end, though the listing's time be over.
func TestOpenManifestIsOneSnapshot(t *testing.T) {
	for _, ttl := range []time.Duration{time.Minute, -1} {
		w := newWorld(t, setup{ttl: ttl})
		w.putMany(3)
		reader := w.converse(`
import os, sys
f = open(os.environ["B"] + "/color,eq,red/@manifest.jsonl", "rb")
print(os.fstat(f.fileno()).st_size > 0, flush=True)
sys.stdin.readline()
print(f.read().count(b"\n"), flush=True)
`)
		reader.expect("True")
		w.put("new", "x", "color", "red")
		w.clock.advance(61 * time.Second)
		w.want(`wc -l <$B/color,eq,red/@manifest.jsonl`, "4\n")
		reader.say("go on")
		reader.expect("3")
	}
}
