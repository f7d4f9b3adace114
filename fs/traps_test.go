package fs_test

import (
	"fmt"
	"strings"
	"testing"
)

// Each path as typed is a directory of its own: with one inode for all
// spellings of a query the kernel answers ELOOP, or a shell finds itself elsewhere.
func TestQueryPathsKeepTheirPlace(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("both", "x", "color", "red", "n", "5")
	w.put("red", "x", "color", "red", "n", "1")
	w.put("five", "x", "color", "blue", "n", "5")
	w.want(`cd $B/color,eq,red/n,eq,5; ls ../../n,eq,5/color,eq,red; pwd -P | sed "s|$M||"; ls; ls ..; ls ../..`,
		"both\n/b/color,eq,red/n,eq,5\nboth\nboth\nred\nboth\nfive\nred\n")
	w.want(`ls $B/color,eq,red/color,eq,red; ls $B/color,eq,red/color,eq,red/color,eq,red`, "both\nred\nboth\nred\n")
	w.want(`cd $B/color,eq,red/color==red; ls ../../color==red/color,eq,red; pwd -P | sed "s|$M||"`,
		"both\nred\n/b/color,eq,red/color==red\n")
	w.want(`cd $B/n,eq,5/color,eq,red && ls "$(pwd -P)" && cd .. && ls`, "both\nboth\nfive\n")
	w.wantRequests("two queries and one that is both, spelt in many ways", "ListBuckets=1 ListObjects=1 Query=3 SearchKeys=1")
}

// Two spellings of one query share one listing, and one object seen through
// many queries is one inode.
func TestOneObjectIsOneInode(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("dir/a", "bytes", "color", "red", "n", "5")
	inodes := strings.Fields(w.sh(`stat -c %i $B/dir/a $B/color,eq,red/dir%2Fa $B/dir/n,eq,5/a $B/n,gt,1/size,lt,100/dir%2Fa; ls -i $B/color,eq,red | cut -d' ' -f1`))
	for _, i := range inodes[1:] {
		if len(inodes) != 5 || i != inodes[0] {
			t.Fatalf("one object has the inodes %q", inodes)
		}
	}
	w.want(`cat $B/dir/a`, "bytes")
	w.requests()
	w.want(`cat $B/color,eq,red/dir%2Fa $B/dir/n,eq,5/a`, "bytesbytes")
	w.wantRequests("reading it by other names", "")
}

// What is looked up but not listed never leads a walk astray: find, du, grep
// -r and tar over one directory end, and touch each result once.
func TestPromise10WalksEnd(t *testing.T) {
	w := newWorld(t, setup{})
	for i := range 40 {
		w.put(fmt.Sprintf("d%d/f%02d", i%4, i), "needle", "color", "red")
	}
	for _, dir := range []string{".", "color,eq,red"} {
		w.want(`cd $B/`+dir+`; find . -type f | wc -l; grep -rl needle . | sort -u | wc -l; grep -rl needle . | wc -l`, "40\n40\n40\n")
		w.want(`cd $B/`+dir+`; du -b . >/dev/null; tar cf - . | tar tf - | grep -c f`, "40\n")
		w.want(`rm -rf copy; cp -r $B/`+dir+` copy; find copy -type f | wc -l`, "40\n")
	}
}

// A name can never become an option of the program that is given it.
func TestNamesAreNoOptions(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("--checkpoint-action=exec=touch pwned", "x", "color", "red")
	w.put("--checkpoint=1", "x", "color", "red")
	w.put("-rf", "x", "color", "red")
	for _, dir := range []string{".", "color,eq,red"} {
		w.want(`T=$PWD; cd $B/`+dir+`; tar cf $T/x.tar *; ls $T; tar tf $T/x.tar`,
			"x.tar\n%2D-checkpoint-action=exec=touch pwned\n%2D-checkpoint=1\n%2Drf\n")
	}
}

// Desktops ask for these in every directory. It costs nothing, and hides nothing.
func TestNoiseCostsNothing(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("d/x", "x")
	w.put("real/.git/config", "x")
	w.put("real/.directory", "x")
	w.sh(`ls $B/d; ls $B/d/size,gt,0`)
	w.requests()
	for _, name := range []string{".git", ".hidden", ".Trash", ".Trash-1000", ".DS_Store", "._x", "desktop.ini", "autorun.inf", ".directory"} {
		for _, dir := range []string{"", "/b", "/b/d", "/b/d/size,gt,0", "/b/d/color,eq,red"} {
			w.shFails(`stat $M` + dir + `/` + name)
		}
	}
	w.wantRequests("looking for noise", "")
	w.want(`ls -A $B/real; cat $B/real/.git/config $B/real/.directory`, ".directory\n.git\nxx")
	w.want(`head -c 43 $M/CACHEDIR.TAG; echo; wc -c <$M/.nomedia; wc -c <$M/.trackerignore; ls -A $M`,
		"Signature: 8a477f597d28d172789f06886806bc55\n0\n0\nb\n")
}

// Nothing can be written, and no attempt reaches the store.
func TestPromise9ReadOnly(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	w.sh(`ls $B; cat $B/a`)
	w.requests()
	for _, script := range []string{`rm $B/a`, `mv $B/a $B/c`, `touch $B/a`, `echo x >$B/a`, `echo x >>$B/a`, `echo x >$B/new`, `mkdir $B/d`, `ln $B/a $B/l`,
		`ln -s a $B/l`, `truncate -s 0 $B/a`, `mkfifo $B/p`, `echo x >$B/color,eq,red/a`, `rm -rf $B`, `rmdir $B`, `chown 1 $B/a`} {
		if out := w.shFails(script); !strings.Contains(out, "Read-only file system") {
			t.Errorf("%s said %q", script, out)
		}
	}
	w.want(`test -w $B/a || echo no; test -x $B/a || echo no; test -x $B && echo yes`, "no\nno\nyes\n")
	if got := w.requests(); strings.Contains(got, "Put") || strings.Contains(got, "Delete") {
		t.Errorf("the store was asked for %q", got)
	}
}

// df and stat -f do not wait for the network.
func TestStatfsNeedsNoNetwork(t *testing.T) {
	w := newWorld(t, setup{})
	w.want(`stat -f -c '%l %T' $M; df $M | wc -l`, "255 fuseblk\n2\n")
	w.wantRequests("df", "")
}

// ls -l asks for xattrs of each file; the kernel learns once that there are none.
func TestNoXattrs(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	if out := w.shFails(`python3 -c 'import os; print(os.listxattr(os.environ["B"] + "/a"))'`); !strings.Contains(out, "not supported") {
		t.Errorf("listxattr said %q", out)
	}
}

// Reads of all kinds give the bytes at their place.
func TestReads(t *testing.T) {
	w := newWorld(t, setup{})
	data := make([]byte, 3<<20+17)
	for i := range data {
		data[i] = byte(i*31 + i>>8)
	}
	w.put("big", string(data), "color", "red")
	w.put("empty", "", "color", "red")
	check(t, writeFile(w.scratch+"/big", data))
	w.sh(`cmp $B/big big && cmp $B/color,eq,red/big big && test ! -s $B/empty && cmp $B/empty /dev/null`)
	w.python(`
import mmap, os
want = open("big", "rb").read()
f = open(os.environ["B"] + "/color,eq,red/big", "rb")
for off, n in (0, 1), (1 << 20, 1), ((1 << 20) - 1, 2), (len(want) - 1, 100), (len(want), 1), (len(want) + 5000, 1), (5, 2 << 20):
    assert os.pread(f.fileno(), n, off) == want[off:off+n], (off, n)
assert f.seek(-10, os.SEEK_END) == len(want) - 10 and f.read() == want[-10:]
m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
assert m[12345:54321] == want[12345:54321] and m[-1] == want[-1]
assert open(os.environ["B"] + "/empty", "rb").read() == b""
`)
}
