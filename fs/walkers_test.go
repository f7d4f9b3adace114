package fs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// requireTool skips the test, visibly, where a program of others is not there, and fails it where
// ECSFS_REQUIRE_TOOLS, names separated by blanks or "1" for all, says that it must be.
func requireTool(t testing.TB, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	if err == nil {
		return
	}
	required := strings.Fields(os.Getenv("ECSFS_REQUIRE_TOOLS"))
	if slices.Contains(required, name) || slices.Contains(required, "1") {
		t.Fatalf("ECSFS_REQUIRE_TOOLS wants %s, which is not there: %v", name, err)
	}
	t.Skipf("%s is no tool of this machine: %v", name, err)
}

// walkers are programs that walk a directory, $D, and print how many results they touched.
var walkers = []struct {
	name, tool, script string
	// follows links, and so has the results of a menu, each once.
	follows bool
	reads   bool // the bytes of each result
}{
	{"find", "find", `find "$D" -type f | wc -l`, false, false},
	{"find -L", "find", `find -L "$D" -type f | wc -l`, true, false},
	{"ls -lR", "ls", `ls -lR "$D" | grep -c 'f[0-9]' || true`, false, false},
	{"ls -lRL", "ls", `ls -lRL "$D" | grep -c 'f[0-9]' || true`, true, false},
	{"grep -r", "grep", `grep -rl needle "$D" | wc -l`, false, true},
	{"grep -R", "grep", `grep -Rl needle "$D" | wc -l`, true, true},
	{"du", "du", `du -a "$D" | grep -c 'f[0-9]' || true`, false, false},
	{"tar", "tar", `tar cf all.tar -C "$D" . && tar tf all.tar | grep -c 'f[0-9]' || true`, false, true},
	{"tar -h", "tar", `tar chf all.tar -C "$D" . && tar tf all.tar | grep -c 'f[0-9]' || true`, true, true},
	{"cp -r", "cp", `cp -r "$D" copy && find copy -type f | wc -l`, false, true},
	{"cp -rL", "cp", `cp -rL "$D" copy && find copy -type f | wc -l`, true, true},
	{"rsync -a", "rsync", `rsync -a "$D/" copy/ && find copy -type f | wc -l`, false, true},
	{"os.walk", "python3", `python3 -c "$WALK"`, false, false},
	{"os.walk that follows links", "python3", `python3 -c "$WALK" follow`, true, false},
}

// pythonWalk is $WALK of the scripts.
const pythonWalk = `import os, sys; print(sum(len(f) for _, _, f in os.walk(os.environ["D"], followlinks=len(sys.argv) > 1)))`

// TestWalkers: every program that walks a directory ends, whether it follows links or not; it touches each
// result once, and asks the store for a number of things that grows with the results and not faster.
func TestWalkers(t *testing.T) {
	const small, large, page = 40, 80, 10
	dirs := []struct {
		name string
		menu int // how often a menu has each result; 0: it is none
	}{
		{"", 0}, {"d1", 0}, {"color,exists", 0}, {"color,exists/@tree", 0}, {"color,exists/@sort,-n/@limit,1000", 0}, {"@by/color", 1}, {"size,gt,0/@by/n", 1}, {"@by", 4},
	}
	t.Setenv("WALK", pythonWalk)
	if out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output(); err == nil {
		t.Setenv("PATH", filepath.Dir(string(out))+":"+os.Getenv("PATH")) // past what only chooses one
	}
	for _, walker := range walkers {
		t.Run(walker.name, func(t *testing.T) {
			requireTool(t, walker.tool)
			requests := map[string][]int{}
			for _, n := range []int{small, large} {
				w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = page },
					keys: []string{"Size", "LastModified", "x-amz-meta-color;string", "x-amz-meta-n;integer"}})
				for i := range n {
					w.put(fmt.Sprintf("d%d/f%04d", i%4, i), "needle", "color", []string{"red", "green", "blue"}[i%3], "n", fmt.Sprint(i))
				}
				for _, dir := range dirs {
					results := n
					switch {
					case dir.name == "d1":
						results = n / 4
					case dir.menu > 0 && walker.follows:
						results = n * dir.menu
					case dir.menu > 0:
						results = 0
					}
					w.clock.advance(61 * time.Second) // nothing is kept from the program before but the kernel's names
					w.requests()
					got := strings.TrimSpace(w.sh(`D="$B/` + dir.name + `"; export D; rm -rf copy all.tar; ` + walker.script))
					if got != fmt.Sprint(results) {
						t.Errorf("%q has %d results, and it touched %s", dir.name, results, got)
					}
					counts, sum := w.ecs.Counts(), 0
					for _, c := range counts {
						sum += c
					}
					// Every object is read once: in the bucket's root, and kept for the other paths that lead to it.
					read := 0
					if walker.reads && dir.name == "" {
						read = n
					}
					if counts["GetObject"] != read {
						t.Errorf("%q: %d objects are read, want %d", dir.name, counts["GetObject"], read)
					}
					requests[dir.name] = append(requests[dir.name], sum)
				}
			}
			for dir, r := range requests {
				if r[1] > 2*r[0]+8 {
					t.Errorf("%q: %d requests for %d results, %d for %d", dir, r[0], small, r[1], large)
				}
			}
		})
	}
}

// A menu of more values than it shows leads to the rest: who follows links has each result once, at a cost
// that grows with the values.
func TestWalkersFollowMore(t *testing.T) {
	requireTool(t, "find")
	var requests []int
	for _, n := range []int{210, 420} {
		w := newWorld(t, setup{})
		for i := range n {
			w.put(fmt.Sprintf("f%04d", i), "x", "color", fmt.Sprintf("c%04d", i))
		}
		w.want(`find -L $B/@by/color -type f | sed 's|.*/||' | sort | uniq -c | awk '$1 == 1' | wc -l; find $B/@by/color -type l | wc -l`, fmt.Sprintf("%d\n201\n", n))
		sum := 0
		for _, c := range w.ecs.Counts() {
			sum += c
		}
		requests = append(requests, sum)
	}
	if requests[1] > 2*requests[0]+8 {
		t.Errorf("%d requests for 210 values, %d for 420", requests[0], requests[1])
	}
}
