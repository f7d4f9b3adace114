package fs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// ahead returns what @stats says about reading ahead: streams started, files fetched ahead, used and wasted.
func (w *world) ahead() (streams, files, used, wasted int) {
	w.t.Helper()
	for _, line := range strings.Split(w.sh(`cat $M/@stats`), "\n") {
		var name string
		var value int
		if _, err := fmt.Sscan(line, &name, &value); err != nil {
			continue
		}
		switch name {
		case "mount_streams_started":
			streams = value
		case "mount_files_ahead":
			files = value
		case "mount_files_ahead_used":
			used = value
		case "mount_files_ahead_wasted":
			wasted = value
		}
	}
	return
}

// newFiles returns a world with n files of a query "color,eq,red", all in one folder "d".
func newFiles(t testing.TB, n int, s setup) *world {
	w := newWorld(t, s)
	for i := range n {
		w.put(fmt.Sprintf("d/f%04d.txt", i), "needle", "color", "red")
	}
	return w
}

// readers are programs that read all files of the directory $D, in one order or another, and print how many.
var readers = []struct {
	name, tool, script string
}{
	{"grep -r", "grep", `grep -rl needle $D | wc -l`},
	{"tar", "tar", `tar cf - -C $D . | tar tf - | grep -c f`},
	{"cp -r", "cp", `rm -rf copy; cp -r $D copy; ls copy | wc -l`},
	{"a shell's loop", "sh", `cd $D; for f in *; do cat "$f"; echo; done | wc -l`},
	{"cat *", "sh", `cat $D/* | grep -o needle | wc -l`},
	{"find -exec", "find", `find $D -type f -exec cat {} + | grep -o needle | wc -l`},
	{"xargs -P4", "xargs", `cd $D; ls | xargs -P4 -n1 cat | grep -o needle | wc -l`},
	{"xargs -P4 -n20", "xargs", `cd $D; ls | xargs -P4 -n20 cat | grep -o needle | wc -l`},
	{"ls -r", "sh", `cd $D; for f in $(ls -r); do cat $f; echo; done | wc -l`},
	{"os.walk", "python3", `python3 -c "
import os
print(sum(open(d + '/' + f).read() == 'needle' for d, _, files in os.walk('$D') for f in files))"`},
}

// Whoever opens the files of a directory one after another has nearly all of them fetched before, each once, and no
// other file.
func TestReadersAreReadAheadOf(t *testing.T) {
	const n = 300
	for _, dir := range []string{"color,eq,red", "d", "d/color,eq,red/@tree", "color,eq,red/@versions"} {
		for _, r := range readers {
			t.Run(dir+" "+r.name, func(t *testing.T) {
				requireTool(t, r.tool)
				w := newFiles(t, n, setup{})
				w.put("other", "x", "color", "blue")
				w.sh(`ls $B/` + dir)
				w.requests()
				if got := strings.TrimSpace(w.sh(`D=$B/` + dir + `; ` + r.script)); got != fmt.Sprint(n) {
					t.Errorf("it read %s files, want %d", got, n)
				}
				if got := w.ecs.Count("GetObject"); got != n {
					t.Errorf("it read %d objects, want %d", got, n)
				}
				// Where answers come at once, a reader overtakes what is fetched for it while the machine is busy with
				// others, and several at once do so anyway: one may open what is about to be fetched for another.
				least, most := n*3/4, 0
				if strings.Contains(r.name, "-P") {
					least, most = n/2, 3
				}
				if streams, files, used, wasted := w.ahead(); streams == 0 || streams > 4 || used < least || used > files || wasted > most {
					t.Errorf("%d files: %d streams fetched %d, of which %d were used and %d wasted", n, streams, files, used, wasted)
				}
			})
		}
	}
}

// Who lists, and opens nothing, has nothing fetched.
func TestListersAreNotReadAheadOf(t *testing.T) {
	w := newFiles(t, 100, setup{})
	for _, script := range []string{`find $D -type f -size +0`, `ls -lR $D`, `du -a $D`, `stat $D/*`, `find $D -newer $B`} {
		for _, dir := range []string{"color,eq,red", "d", "color,eq,red/@tree"} {
			w.sh(`D=$B/` + dir + `; ` + script)
		}
	}
	if n := w.ecs.Counts()["GetObject"]; n != 0 {
		t.Errorf("%d objects were read", n)
	}
	if streams, files, _, _ := w.ahead(); streams+files != 0 {
		t.Errorf("%d streams fetched %d files", streams, files)
	}
}

// Files are asked for by dozens at a time: the store holds each request until 20 are under way.
func TestFilesAheadAreAskedForAtOnce(t *testing.T) {
	w := newFiles(t, 500, setup{})
	w.sh(`ls $B/d`)
	a := newAgent(w)
	read := func(from, to int) {
		for i := from; i < to; i++ {
			if got := a.read(fmt.Sprintf("d/f%04d.txt", i)); got != "needle" {
				t.Errorf("file %d reads %q", i, got)
			}
		}
	}
	read(0, 100)
	check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"GetObject"}, Barrier: 20}))
	read(100, 500)
}

// Above 10,000 entries grep -r opens files by inode number.
func TestFilesAheadByInode(t *testing.T) {
	const n = 10_050
	w := newFiles(t, n, setup{})
	w.sh(`ls -f $B/color,eq,red`)
	w.requests()
	// The first 1,000 are enough: grep ends when nobody reads what it prints.
	w.want(`grep -rl --line-buffered needle $B/color,eq,red | head -1000 | wc -l`, "1000\n")
	if streams, _, used, wasted := w.ahead(); streams > 3 || used < 700 || wasted > 0 {
		t.Errorf("%d streams, %d used, %d wasted", streams, used, wasted)
	}
}

// Who reads a listing that still comes has the files of what came fetched, and the listing goes on ahead of it.
func TestFilesAheadOfAGrowingListing(t *testing.T) {
	w := newFiles(t, 300, setup{server: func(s *ecstest.Server) { s.PageSize = 20 }})
	w.want(`python3 -c "
import os
with os.scandir('$B/color,eq,red') as d:
    print(sum(open(e.path).read() == 'needle' for e in d))"`, "300\n")
	if got, want := w.requests(), "GetObject=300 ListBuckets=1 Query=15 SearchKeys=1"; got != want {
		t.Errorf("it asked the store for %q, want %q", got, want)
	}
	if streams, _, used, wasted := w.ahead(); streams != 1 || used < 280 || wasted > 0 {
		t.Errorf("%d streams, %d used, %d wasted", streams, used, wasted)
	}
}

// Who stops, or goes elsewhere, has no more fetched than was under way.
func TestFilesAheadEnd(t *testing.T) {
	w := newFiles(t, 1000, setup{})
	w.sh(`ls $B/d`)
	w.requests()
	a := newAgent(w)
	for i := range 20 {
		a.read(fmt.Sprintf("d/f%04d.txt", 100+i))
	}
	at := func() int { _, files, _, _ := w.ahead(); return files }
	before := at()
	if before < 19 || before > 60 {
		t.Errorf("for 20 files read, %d are fetched ahead", before)
	}
	for i := range 50 {
		a.read(fmt.Sprintf("d/f%04d.txt", 900-i*i%700)) // in no order
	}
	if after := at(); after > before+20 {
		t.Errorf("%d more were fetched ahead of who reads in no order", after-before)
	}
}
