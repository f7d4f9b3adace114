package fs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

func TestBucketsFoldersAndQueries(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("hello.txt", "hello\n", "color", "red")
	w.put("logs/2024/a.log", "first\n", "color", "blue")
	w.put("logs/2024/b.log", "second!\n", "color", "red")

	w.want(`ls $M`, "b\n")
	w.want(`ls $B`, "hello.txt\nlogs\n")
	w.want(`cat $B/hello.txt`, "hello\n")
	w.want(`ls $B/size,gt,1`, "hello.txt\nlogs%2F2024%2Fa.log\nlogs%2F2024%2Fb.log\n")
	w.want(`ls $B/color,eq,blue`, "logs%2F2024%2Fa.log\n")
	w.want(`cat $B/logs/2024/color,eq,blue/a.log`, "first\n")
	w.want(`ls "$B/size>6/color==red"`, "logs%2F2024%2Fb.log\n")
	w.want(`stat -c '%A %h %s %F' $B/logs/2024/b.log $B/logs $B/size,gt,1`,
		"-r--r--r-- 1 8 regular file\ndr-xr-xr-x 1 0 directory\ndr-xr-xr-x 1 0 directory\n")
	w.want(`find $B -type f | sort | sed "s|$M||"`, "/b/hello.txt\n/b/logs/2024/a.log\n/b/logs/2024/b.log\n")
	w.want(`grep -rl second $B/size,gt,1 | sed "s|$M||"`, "/b/size,gt,1/logs%2F2024%2Fb.log\n")
	w.want(`findmnt -n -o FSTYPE,OPTIONS $M | grep -c 'fuse.ecsfs *ro,'`, "1\n")
}

// A listing of N results costs ceil(N / page) searches, whatever reads it, and
// within its lifetime nothing more.
func TestPromise4ListingCostsItsPages(t *testing.T) {
	const page, results = 100, 950
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = page }})
	for i := range results {
		w.put(fmt.Sprintf("dir/file-%04d", i), strings.Repeat("x", i%7+1), "color", "red")
	}
	w.put("other", "x", "color", "blue")

	w.want(`ls -l $B/color,eq,red | grep -c file-`, "950\n")
	w.wantRequests("the first ls -l", "ListBuckets=1 Query=10 SearchKeys=1")
	w.want(`ls -l $B/color,eq,red | grep -c file-`, "950\n")
	w.want(`ls -l $B/color,eq,red | grep -c file-`, "950\n")
	w.want(`find $B/color,eq,red -type f -size -2c | wc -l`, "136\n")
	w.want(`stat -c %s $B/color,eq,red/dir%2Ffile-0006`, "7\n")
	w.want(`cd $B/color==red && test -f dir%2Ffile-0949 && echo yes`, "yes\n")
	w.wantRequests("everything after it", "")

	w.clock.advance(61 * time.Second)
	w.want(`ls $B/color,eq,red | wc -l`, "950\n")
	w.wantRequests("ls after the lifetime", "Query=10")

	w.want(`ls -l $B/dir | grep -c file-`, "950\n")
	w.wantLists("ls -l of the folder", 11)
	w.want(`ls -l $B/dir | grep -c file-`, "950\n")
	w.want(`stat -c %s $B/dir/file-0006`, "7\n")
	w.wantRequests("ls -l of the folder again", "")
}

// To look a query's name up, to enter it and to stat it is to parse it.
func TestPromise5QueryNameCostsNoRequest(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "x")
	w.sh(`stat $B`)
	w.requests()
	w.sh(`stat $B/size,gt,100`)
	w.wantRequests("the first query name", "SearchKeys=1")
	w.sh(`cd $B/size,gt,1 && cd color,eq,red && stat . ../.. 'n>4' "not (n<3)" && stat $B/size,in,1..2/n,exists/mtime,newer,7d`)
	w.wantRequests("names of queries", "")
	// Every prefix of a valid path is a directory, one that alone could not be listed too.
	w.sh(`stat $B/contenttype,eq,text%2Fplain`)
	w.wantRequests("the name of a query on a key that is not indexed", "")
	if out := w.shFails(`ls $B/contenttype,eq,text%2Fplain`); !strings.Contains(out, "not supported") {
		t.Errorf("ls of a query on a key that is not indexed said %q", out)
	}
	w.wantRequests("a query that cannot be answered", "")
}

// With a lifetime of 0, and where a listing takes longer than its lifetime,
// ls -l has the attributes from the listing that it reads all the same.
func TestPromise4ListingOutlivesItsLifetime(t *testing.T) {
	w := newWorld(t, setup{ttl: -1, server: func(s *ecstest.Server) { s.PageSize = 100 }})
	for i := range 250 {
		w.put(fmt.Sprintf("dir/file-%04d", i), "x", "color", "red")
	}
	w.sh(`stat $B/size,gt,0`)
	w.requests()
	w.want(`ls $B/size,gt,0 $B/size,gt,0 | grep -c file-`, "500\n")
	w.wantRequests("ls twice", "Query=6")
	w.want(`ls -l $B/size,gt,0 | grep -c file-`, "250\n")
	w.wantRequests("ls -l", "Query=3")
	w.want(`cd $B/dir && ls -l | grep -c file-`, "250\n")
	w.wantLists("ls -l of a folder", 4)
}

// Above the limit of inodes the kernel lists by name alone; every name still
// works, and the listing is whole.
func TestMaxInodes(t *testing.T) {
	const results = 500
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.MaxInodes = 50 }})
	for i := range results {
		w.put(fmt.Sprintf("file-%04d", i), "x", "color", "red")
	}
	w.want(`ls -f $B/color,eq,red | grep -c file-`, "500\n")
	out := w.sh(`sed -n 's/^mount_inodes *//p' $M/@stats`)
	var inodes int
	if _, err := fmt.Sscan(out, &inodes); err != nil || inodes < 50 || inodes > 60 {
		t.Errorf("%d inodes (%v) after a listing of %d names, want little more than 50", inodes, err, results)
	}
	w.requests()
	w.want(`ls -l $B/color,eq,red | grep -c file-`, "500\n")
	w.want(`cat $B/color,eq,red/file-0499`, "x")
	w.wantRequests("ls -l and a cat", "GetObject=1")
}

// Inodes that the kernel forgets, as those of overwritten objects, are counted no more.
func TestForgottenInodes(t *testing.T) {
	const results = 300
	w := newWorld(t, setup{})
	for round := range 4 {
		for i := range results {
			w.put(fmt.Sprintf("file-%04d", i), strings.Repeat("x", round+1), "color", "red")
		}
		w.clock.advance(61 * time.Second)
		w.want(`ls -l $B/color,eq,red | grep -c file-`, "300\n")
	}
	deadline := time.Now().Add(10 * time.Second)
	for inodes := 0; inodes < results || inodes > results+20; {
		fmt.Sscan(w.sh(`sed -n 's/^mount_inodes *//p' $M/@stats`), &inodes)
		if time.Now().After(deadline) {
			t.Fatalf("%d inodes are counted, want little more than %d", inodes, results)
		}
	}
}

func TestRewindAndSeek(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 95 {
		w.put(fmt.Sprintf("file-%04d", i), "x", "color", "red")
	}
	w.python(`
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = ctypes.c_void_p
libc.opendir.argtypes = [ctypes.c_char_p]
for f in libc.readdir64, libc.rewinddir, libc.telldir, libc.closedir: f.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
libc.telldir.restype = ctypes.c_long
libc.readdir64.restype = ctypes.c_void_p
def read(d):
    e = libc.readdir64(d)
    return e and ctypes.string_at(e + 19).decode()
for path in "/color,eq,red", "/size,gt,0", "", "/size,gt,0/@tree", "/color,eq,red/@sort,-size/@versions", "/color,eq,red/@sort,-size/@tree":
    d = libc.opendir((os.environ["B"] + path).encode())
    names, at = [], []
    while True:
        at.append(libc.telldir(d))
        n = read(d)
        if not n: break
        names.append(n)
    assert len(names) == 97 and len(set(names)) == 97, names
    for i in 50, 3, 96, 0, 77, 97:
        libc.seekdir(d, at[i])
        rest = []
        while True:
            n = read(d)
            if not n: break
            rest.append(n)
        assert rest == names[i:], (path, i, rest[:3], names[i:i+3])
    libc.rewinddir(d)
    assert read(d) == "."
    libc.closedir(d)
`)
}
