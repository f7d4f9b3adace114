package fs_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// Promise 4, and what reading costs: the requests of each program, when nothing
// is known, and when the same is done again.
func TestPromise4RequestsOfPrograms(t *testing.T) {
	const page, small = 20, 70
	for _, p := range []struct{ name, script, cold string }{
		{"ls -l", `ls -l $D`, "ListBuckets=1 Query=4 SearchKeys=1"},
		{"ls -f", `ls -f $D`, "ListBuckets=1 Query=4 SearchKeys=1"},
		{"find -size", `find $D -size +0 -newermt 2001-01-01`, "ListBuckets=1 Query=4 SearchKeys=1"},
		{"du", `du -a $D`, "ListBuckets=1 Query=4 SearchKeys=1"},
		{"grep -r of one page", `grep -rl needle $ONE`, "GetObject=15 ListBuckets=1 Query=1 SearchKeys=1"},
		{"grep -r of several pages", `grep -rl needle $D`, "GetObject=70 ListBuckets=1 Query=4 SearchKeys=1"},
		{"head -c1 of all", `head -qc1 $D/* | wc -c`, "GetObject=70 ListBuckets=1 Query=4 SearchKeys=1"},
		{"tail -c1 of all", `tail -qc1 $D/* | wc -c`, "GetObject=70 ListBuckets=1 Query=4 SearchKeys=1"},
	} {
		t.Run(p.name, func(t *testing.T) {
			w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = page }})
			for i := range small {
				w.put(fmt.Sprintf("f%02d", i), strings.Repeat("hay\n", 25+i)+"needle\n", "color", "red", "n", fmt.Sprint(i))
			}
			script := `D=$B/color,eq,red; ONE=$B/n,lt,15; ` + p.script
			first := w.sh(script)
			w.wantRequests(p.name, p.cold)
			w.want(script, first)
			w.wantRequests(p.name+" again", "")
		})
	}
}

// What reading one file costs: each byte that is wanted is fetched once.
func TestRequestsOfOneFile(t *testing.T) {
	const block = 1 << 20
	for _, f := range []struct {
		name, script string
		size         int64
		gets         int
		most         int64 // bytes fetched
	}{
		{"cat of a small file", `cat $F | wc -c`, 5000, 1, 5000},
		{"cat of one block", `cat $F | wc -c`, block, 1, block},
		{"cat of one block and a byte", `cat $F | wc -c`, block + 1, 2, block + 1},
		{"cat of many blocks", `cat $F | wc -c`, 20*block + 17, 21, 20*block + 17},
		{"head -c1 of a small file", `head -c1 $F | wc -c`, 5000, 1, 5000},
		{"head -c1 of a large file", `head -c1 $F | wc -c`, 20 * block, 1, block},
		{"tail -c1 of a small file", `tail -c1 $F | wc -c`, 5000, 1, 5000},
		{"tail -c1 of a large file", `tail -c1 $F | wc -c`, 20 * block, 2, 2 * block},
		{"64 cats at once", `for i in $(seq 64); do cat $F | cksum & done | sort -u | wc -l`, 8 * block, 8, 8 * block},
		{"64 dd at once", `for i in $(seq 64); do dd if=$F bs=100k status=none | cksum & done | sort -u | wc -l`, 8 * block, 8, 8 * block},
	} {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t, setup{})
			check(t, w.ecs.PutGenerated("b", "file", ecstest.Generated{Seed: 1, Size: f.size}, ecstest.PutOptions{}))
			w.sh(`ls -l $B`)
			w.requests()
			script := `F=$B/file; ` + f.script
			first := w.sh(script)
			wantFetchedOnce(w, f.gets, f.most)
			w.requests()
			w.want(script, first)
			w.wantRequests(f.name+" again", "")
		})
	}
}

// What was read once is on disk: another mount, later, fetches nothing of it.
func TestRequestsAfterRemount(t *testing.T) {
	w := newWorld(t, setup{disk: &cache.DiskOptions{Dir: t.TempDir(), Size: 1 << 30}})
	check(t, w.ecs.PutGenerated("b", "large", ecstest.Generated{Seed: 1, Size: 20<<20 + 17}, ecstest.PutOptions{}))
	for i := range 70 {
		w.put(fmt.Sprintf("f%02d", i), strings.Repeat("hay\n", 25+i)+"needle\n", "color", "red")
	}
	const script = `cksum $B/large; grep -rl needle $B/color,eq,red; head -c1 $B/large | cksum`
	first := w.sh(script)
	gets := w.ecs.Count("GetObject")
	for range 2 {
		w.remount()
		w.ecs.ResetRequests()
		w.want(script, first)
		if n := w.ecs.Count("GetObject"); n != 0 {
			t.Errorf("%d GETs after a remount, %d before", n, gets)
		}
	}
	// Another version is another file.
	check(t, w.ecs.PutGenerated("b", "large", ecstest.Generated{Seed: 3, Size: 1 << 20}, ecstest.PutOptions{}))
	w.remount()
	if again := w.sh(script); again == first {
		t.Error("the old bytes are read of an object that was overwritten between two mounts")
	}
}

// Requests overlap: none is answered before so many are in flight at once, and still all is read. 4 may read ahead however slow
// the store is, which one that holds its answers seems to be.
func TestReadsOverlap(t *testing.T) {
	for _, o := range []struct {
		name, script  string
		skip, barrier int
	}{
		{"cat of a large file", `cat $B/large | wc -c`, 12, 4},
		{"dd of a large file in small pieces", `dd if=$B/large bs=10k status=none | wc -c`, 12, 4},
		{"grep -r", `grep -rl needle $B/color,eq,red | wc -l`, 30, 4},
		{"cp -r", `cp -r $B/color,eq,red copy; ls copy | wc -l`, 30, 4},
		{"xargs -P16", `ls $B/color,eq,red | xargs -P16 -I{} cat $B/color,eq,red/{} | wc -l`, 0, 16},
	} {
		t.Run(o.name, func(t *testing.T) {
			w := newWorld(t, setup{})
			check(t, w.ecs.PutGenerated("b", "large", ecstest.Generated{Seed: 1, Size: 64 << 20}, ecstest.PutOptions{}))
			for i := range 200 {
				w.put(fmt.Sprintf("f%03d", i), "needle\n", "color", "red")
			}
			w.sh(`ls -l $B/color,eq,red`)
			check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"GetObject"}, Skip: o.skip, Barrier: o.barrier}))
			want := "200\n"
			if strings.Contains(o.name, "large") {
				want = fmt.Sprintln(64 << 20)
			}
			w.want(o.script, want)
			if n := w.ecs.Peak("GetObject"); n < o.barrier {
				t.Errorf("%d GETs were in flight at once, want at least %d", n, o.barrier)
			}
		})
	}
}

// wantFetchedOnce wants so many GETs, of ranges that do not overlap, and no more bytes.
func wantFetchedOnce(w *world, gets int, most int64) {
	w.t.Helper()
	type span struct{ from, to int64 } // bytes from..to-1
	var spans []span
	for _, r := range w.ecs.Requests() {
		if r.Operation != "GetObject" {
			w.t.Errorf("a %s of %s/%s", r.Operation, r.Bucket, r.Key)
			continue
		}
		s := span{0, r.Sent}
		if r.Range != "" {
			if n, err := fmt.Sscanf(r.Range, "bytes=%d-%d", &s.from, &s.to); n != 2 {
				w.t.Fatalf("%q: %v", r.Range, err)
			}
			s.to++
		}
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var sum int64
	for i, s := range spans {
		sum += s.to - s.from
		if i > 0 && s.from < spans[i-1].to {
			w.t.Errorf("bytes %d to %d were fetched twice", s.from, min(s.to, spans[i-1].to)-1)
		}
	}
	if len(spans) != gets || sum > most {
		w.t.Errorf("%d GETs of %d bytes, want %d of at most %d: %v", len(spans), sum, gets, most, spans)
	}
}
