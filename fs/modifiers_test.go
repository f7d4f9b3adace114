package fs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// @sort is the order of a directory, @limit what is in it, wherever they are typed.
func TestSortAndLimit(t *testing.T) {
	w := newWorld(t, setup{})
	for i := range 9 {
		w.put(fmt.Sprintf("d%d/f%d", i%3, i), strings.Repeat("x", (i*4)%9+1), "color", "red")
	}
	w.put("blue", "", "color", "blue")
	const bySize = "d0%2Ff0 d1%2Ff7 d2%2Ff5 d0%2Ff3 d1%2Ff1 d2%2Ff8 d0%2Ff6 d1%2Ff4 d2%2Ff2"
	words := strings.Fields(bySize)
	lines := func(words ...string) string { return strings.Join(words, "\n") + "\n" }
	reversed := func() (r []string) {
		for _, word := range words {
			r = append([]string{word}, r...)
		}
		return r
	}()
	w.want(`ls -U $B/color,eq,red/@sort,size`, lines(words...))
	w.want(`ls -U $B/@sort,size/color,eq,red; ls -U $B/@sort,-size/color,eq,red/@sort,size`, lines(append(words, words...)...))
	w.want(`ls -U $B/color,eq,red/@sort,-size/@limit,3; ls -U $B/@limit,3/@limit,9/@sort,-size/@limit,3/color,eq,red`, lines(append(reversed[:3:3], reversed[:3]...)...))
	w.want(`cd $B/color,eq,red/@sort,-size/@limit,2; find . -type f; stat -c %s *`, "./d2%2Ff2\n./d1%2Ff4\n8\n9\n")
	// Without a query they are about all objects of the bucket, or below a folder.
	w.want(`ls -U $B/@sort,size | head -2; ls -U $B/d1/@sort,-size/@limit,1; ls $B/@limit,2 | wc -l; cat $B/@sort,size/d0%2Ff0`, "blue\nd0%2Ff0\nf4\n2\nx")
	// A listing read twice has one order, and offsets in it mean what they meant.
	w.python(`
import os
d = os.environ["B"] + "/color,eq,red/@sort,size"
a, b = os.listdir(d), os.listdir(d)
assert a == b == "` + bySize + `".split(), (a, b)
`)
}

// In a tree a folder stands where its first result stands.
func TestSortedTree(t *testing.T) {
	w := newWorld(t, setup{})
	for key, size := range map[string]int{"c/x": 1, "a/deep/er": 2, "b": 3, "a/y": 4, "c/z": 5, "d": 6, "c/w": 7} {
		w.put(key, strings.Repeat("x", size), "color", "red")
	}
	w.want(`cd $B/color,eq,red/@tree/@sort,size; ls -U; ls -U a c`, "c\na\nb\nd\na:\ndeep\ny\n\nc:\nx\nz\nw\n")
	w.want(`cd $B/color,eq,red/@sort,-size/@tree; ls -U; ls -U a c`, "c\nd\na\nb\na:\ny\ndeep\n\nc:\nw\nz\nx\n")
	w.want(`cd $B/@tree/@sort,-size/@limit,4/color,eq,red; find .`, ".\n./c\n./c/w\n./c/z\n./d\n./a\n./a/y\n")
	w.want(`cd $B/@sort,-size/@tree; find . -type f | wc -l; cat a/deep/er`, "7\nxx")
}

// What is below @limit is told by the listing, never by the object alone.
func TestLookupBelowLimit(t *testing.T) {
	w := newWorld(t, setup{})
	for i := range 5 {
		w.put(fmt.Sprintf("d/f%d", i), strings.Repeat("x", i+1), "color", "red")
	}
	w.sh(`stat $B/d/color,eq,red`)
	w.requests()
	for _, dir := range []string{"d/color,eq,red/@sort,size/@limit,2", "color,eq,red/@tree/@limit,2/@sort,size/d"} {
		w.want(`cat $B/`+dir+`/f1`, "xx")
		for _, name := range []string{"f2", "f4", "nosuch"} {
			if out := w.shFails(`cat $B/` + dir + `/` + name); !strings.Contains(out, "No such file") {
				t.Errorf("%s/%s: %q", dir, name, out)
			}
		}
		w.want(`ls $B/`+dir, "f0\nf1\n")
		w.shFails(`stat $B/` + dir + `/.git`)
	}
	w.want(`cd $B/color,eq,red/@limit,3/@sort,-size; stat -c %s d%2Ff2; test -e d%2Ff1 || echo no`, "3\nno\n")
	// With an order alone every result has its name, and one HEAD finds it.
	fresh := newWorld(t, setup{})
	fresh.put("d/f3", "four", "color", "red")
	fresh.sh(`stat $B/color,eq,red/@sort,size`)
	fresh.requests()
	fresh.want(`stat -c %s $B/color,eq,red/@sort,size/d%2Ff3 $B/@sort,size/d%2Ff3`, "4\n4\n")
	fresh.wantRequests("names in sorted directories", "HeadObject=1")
}

// Sorted and limited directories cost the pages that they stand on, and within the lifetime nothing more.
func TestModifiersCostTheirPages(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 100 }})
	for i := range 450 {
		w.put(fmt.Sprintf("d/f%03d", i), strings.Repeat("x", i%9+1), "color", "red")
	}
	w.sh(`stat $B/color,eq,red`)
	w.requests()
	w.want(`ls -lU $B/color,eq,red/@sort,-size | grep -c f; ls -l $B/@sort,-size/color,eq,red | grep -c f`, "450\n450\n")
	w.wantRequests("ls -l of a sorted directory, twice", "Query=5")
	w.want(`ls -lU $B/color,eq,red/@sort,-size/@tree/d | grep -c f; cat $B/color,eq,red/@sort,-size/d%2Ff008`, "450\nxxxxxxxxx")
	w.wantRequests("the tree of it and a file", "GetObject=1")
	w.want(`ls -l $B/color,eq,red/@limit,150 | grep -c f`, "150\n")
	w.wantRequests("the first 150", "Query=2")
	w.want(`cat "$B/color,eq,red/size>8/@sort,-size/@limit,3/d%2Ff017"; ls -l "$B/color,eq,red/size>8/@sort,-size/@limit,3" | grep -c f`, "xxxxxxxxx3\n")
	w.wantRequests("a name in the first three of 50, and a listing of them", "GetObject=1 Query=1")
	w.shFails(`stat "$B/color,eq,red/size>8/@sort,-size/@limit,3/d%2Ff035"`)
	w.wantRequests("a result that is not among them", "")
	fresh := w.again()
	defer fresh.unmount()
	fresh.sh(`stat $B/color,eq,red/@limit,2`)
	w.requests()
	fresh.shFails(`stat $B/color,eq,red/@limit,2/nosuch`)
	w.wantRequests("a name below @limit before its listing", "Query=1")
}
