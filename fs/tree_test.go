package fs_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// Below @tree results stand in their folders, in any depth, and nothing else does.
func TestTree(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("logs/2024/01/a.log", "a1", "color", "red")
	w.put("logs/2024/01/b.log", "blue", "color", "blue")
	w.put("logs/2024/c.log", "c", "color", "red")
	w.put("logs/2023/d.log", "d", "color", "blue")
	w.put("top", "t", "color", "red")

	w.want(`cd $B/color,eq,red/@tree; find . | sort`, ".\n./logs\n./logs/2024\n./logs/2024/01\n./logs/2024/01/a.log\n./logs/2024/c.log\n./top\n")
	w.want(`cat $B/color,eq,red/@tree/logs/2024/01/a.log`, "a1")
	// Typed before the query it is the same, and folders before it narrow it.
	w.want(`cd $B/@tree; ls; cd color,eq,red; find . -type f | sort`, "logs\ntop\n./logs/2024/01/a.log\n./logs/2024/c.log\n./top\n")
	w.want(`cd $B/@tree/logs/2024; ls; cd color,eq,red; find . -type f | sort`, "01\nc.log\n./01/a.log\n./c.log\n")
	w.want(`cd $B/logs/color,eq,red/@tree; find . -type f | sort`, "./2024/01/a.log\n./2024/c.log\n")
	// A query below a folder of a tree is about that folder, and a tree too.
	w.want(`cd $B/size,gt,0/@tree/logs/2024; ls; ls color,eq,red color,eq,red/01`, "01\nc.log\ncolor,eq,red:\n01\nc.log\n\ncolor,eq,red/01:\na.log\n")
	// Without a query it changes nothing.
	w.want(`cd $B/@tree/logs/@tree; ls; ls 2023; cat 2023/d.log`, "2023\n2024\nd.log\nd")
	w.want(`stat -c '%F %h' $B/color,eq,red/@tree/logs $B/color,eq,red/@tree`, "directory 1\ndirectory 1\n")
	for _, name := range []string{"logs/2023", "logs/2024/01/b.log", "nosuch", "logs%2F2024", "logs/2024/01/a.log%~x"} {
		if out := w.shFails(`stat $B/color,eq,red/@tree/` + name); !strings.Contains(out, "No such file") {
			t.Errorf("stat %s said %q", name, out)
		}
	}
}

// A walk over a tree costs the pages of its one listing, however many folders it has.
func TestTreeWalkCostsItsPages(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 100 }})
	for i := range 450 {
		w.put(fmt.Sprintf("d%d/e%d/f%03d", i%7, i%31, i), "x", "color", "red")
	}
	w.want(`find $B/color,eq,red/@tree -type f -size 1 | wc -l`, "450\n")
	w.wantRequests("find", "ListBuckets=1 Query=5 SearchKeys=1")
	w.want(`cd $B/color,eq,red/@tree; ls -lR | grep -c f; find . -type d | wc -l; du -a . | wc -l; grep -rl x . | wc -l`, "450\n225\n675\n450\n")
	w.want(`cat $B/color,eq,red/@tree/d3/e3/f003; stat -c %F $B/color,eq,red/@tree/d3; ls $B/@tree/color,eq,red | wc -l`, "xdirectory\n7\n")
	w.shFails(`stat $B/color,eq,red/@tree/d3/nosuch`)
	if got := w.requests(); !strings.HasPrefix(got, "GetObject=450") || strings.Contains(got, " ") {
		t.Errorf("walks within the lifetime asked the store for %q, want the bytes alone", got)
	}
	w.clock.advance(61 * time.Second)
	w.want(`find $B/@tree/color,eq,red | sort | uniq -d; find $B/@tree/color,eq,red | wc -l`, "675\n")
	w.wantRequests("find after the lifetime", "Query=5")
}

// Without a listing, a name in a tree costs a HEAD and one search for one result.
func TestTreeLookupWithoutListing(t *testing.T) {
	w := newWorld(t, setup{})
	for i := range 30 {
		w.put(fmt.Sprintf("d/e/f%02d", i), "red one", "color", "red")
		w.put(fmt.Sprintf("blue/f%02d", i), "blue one", "color", "blue")
	}
	w.put("d/e", "twin", "color", "red")
	w.sh(`stat $B/color,eq,red/@tree`)
	w.requests()
	w.want(`cat $B/color,eq,red/@tree/d/e/f07`, "red one")
	// The HEADs for the folders' own names are given up when the search tells first.
	got := strings.Fields(w.requests())
	if got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "HeadObject") }); strings.Join(got, " ") != "GetObject=1 Query=3" {
		t.Errorf("cat of a name asked the store for %q, want its bytes, three searches and HEADs", got)
	}
	w.want(`cat $B/color,eq,red/@tree/d/e%~`, "twin")
	if got := w.requests(); strings.Contains(got, "Query") {
		t.Errorf("cat of the object beside a folder asked the store for %q", got)
	}
	w.shFails(`stat $B/color,eq,red/@tree/blue`)
	w.wantRequests("a folder without results", "HeadObject=1 Query=1")
	w.shFails(`stat $B/color,eq,red/@tree/blue/f07`)
	w.wantRequests("a name in it", "")
	w.shFails(`stat $B/color,eq,red/@tree/d/f07`)
	w.wantRequests("a name that is not there", "HeadObject=1 Query=1")
}

// Every key has exactly one name in a tree, whatever it is, which reads its bytes with and without a listing.
func TestTreeNames(t *testing.T) {
	put := func(w *world) {
		for _, key := range hostileKeys() {
			w.put(key, "bytes of "+key)
		}
		w.put("nothing/", "")
		w.put("deep//x///", "bytes of deep")
		w.put("-d/-e/..", "bytes of dots")
	}
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 7 }})
	put(w)
	out := w.sh(`cd $B/size,ge,0/@tree; find . -type f -print0 | sort -z`)
	names := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	if want := len(hostileKeys()) + 2; len(names) != want {
		t.Errorf("%d names, want %d", len(names), want)
	}
	plain := w.sh(`cd $B/; find . -type f -print0 | sort -z`)
	if plain != out {
		t.Errorf("the tree of everything is not the bucket:\n%q\n%q", out, plain)
	}
	w.want(`cd $B/size,ge,0/@tree; find . | sort | uniq -d; ls -A nothing`, "")
	seen := map[string]string{}
	fresh := newWorld(t, setup{})
	put(fresh)
	for _, name := range names {
		quoted := "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
		listed, asked := w.sh(`cd $B/size,ge,0/@tree; cat `+quoted), fresh.sh(`cd $B/size,ge,0/@tree; cat `+quoted)
		if other, dup := seen[listed]; dup || listed == "" || listed != asked {
			t.Errorf("%s reads %q with a listing and %q without one; so does %q", name, listed, asked, other)
		}
		seen[listed] = name
	}
}

// A tree of a listing that breaks has what came of it, says that it is not all, and its folders fail.
func TestTreeOfABrokenListing(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 25 {
		w.put(fmt.Sprintf("d%02d/f", i), "x", "color", "red")
	}
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "Query" || req.Query.Get("marker") == "" {
			return false
		}
		rw.WriteHeader(http.StatusForbidden)
		return true
	})
	out := w.shFails(`ls $B/color,eq,red/@tree`)
	if !strings.Contains(out, "Permission denied") || !strings.Contains(out, "%~INCOMPLETE\n") || strings.Count(out, "\nd") != 10 {
		t.Errorf("ls said\n%s", out)
	}
	if out := w.shFails(`cat $B/color,eq,red/@tree/%~INCOMPLETE; cd $B/color,eq,red/@tree; ls d07`); strings.Count(out, "Permission denied") != 2 {
		t.Errorf("the marker and the folder said\n%s", out)
	}
	w.ecs.SetIntercept(nil)
	w.clock.advance(6 * time.Second)
	w.want(`cd $B/color,eq,red/@tree; ls | wc -l; cat */f | wc -c`, "25\n25\n")
}

// With a lifetime of 0 each directory is a search of its own, and a walk is right all the same.
func TestTreeWithoutLifetime(t *testing.T) {
	w := newWorld(t, setup{ttl: -1})
	for i := range 12 {
		w.put(fmt.Sprintf("d%d/f%02d", i%3, i), "x", "color", "red")
	}
	w.sh(`stat $B/color,eq,red/@tree`)
	w.requests()
	w.want(`find $B/color,eq,red/@tree -type f | wc -l`, "12\n")
	if got := w.requests(); !strings.HasPrefix(got, "HeadObject") && !strings.HasPrefix(got, "Query=") {
		t.Errorf("find asked the store for %q", got)
	}
	w.want(`cd $B/color,eq,red/@tree; tar cf - . | tar tf - | grep -c f`, "12\n")
}

// A tree that waits for its last row ends at Ctrl-C, and goes on for who waits too.
func TestTreeWaitIsInterrupted(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 25 {
		w.put(fmt.Sprintf("d%02d/f", i), "x", "color", "red")
	}
	started, done := make(chan struct{}, 10), make(chan struct{})
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation == "Query" && req.Query.Get("marker") != "" {
			started <- struct{}{}
			<-done
		}
		return false
	})
	first := w.command(t.Context(), "ls", w.dir+"/b/color,eq,red/@tree")
	check(t, first.Start())
	<-started
	second := w.converse(`import os; print(len(os.listdir(os.environ["B"] + "/color,eq,red/@tree")), flush=True)`)
	begun := time.Now()
	check(t, first.Process.Signal(os.Interrupt))
	err := first.Wait()
	if status, ok := exitStatus(err); !ok || status.Signal() != syscall.SIGINT || time.Since(begun) > 10*time.Second {
		t.Errorf("ls ended with %v, %v after SIGINT", err, time.Since(begun))
	}
	close(done)
	second.expect("25")
}

// Above the limit of inodes a tree is listed by name, and each name is found in its listing.
func TestTreeAboveMaxInodes(t *testing.T) {
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.MaxInodes = 10 }})
	for i := range 300 {
		w.put(fmt.Sprintf("d%d/e%d/f%03d", i%3, i%5, i), "x", "color", "red")
	}
	w.want(`find $B/color,eq,red/@tree -type f -size 1 | sort -u | wc -l`, "300\n")
	w.wantRequests("find", "ListBuckets=1 Query=1 SearchKeys=1")
}

// A walk over a tree that is larger than the cache costs its pages all the same, and keeps the listing no longer
// than its lifetime.
func TestTreeLargerThanTheCache(t *testing.T) {
	w := newWorld(t, setup{memory: 100 << 10})
	for i := range 3000 {
		w.put(fmt.Sprintf("d%d/e%d/f%04d", i%10, i%50, i), "x", "color", "red")
	}
	w.want(`find $B/color,eq,red/@tree -type f -size 1 | wc -l`, "3000\n")
	w.want(`ls -lR $B/color,eq,red/@tree | grep -c f`, "3000\n")
	w.wantRequests("walks", "ListBuckets=1 Query=3 SearchKeys=1")
}
