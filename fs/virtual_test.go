package fs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// Every tool reads all of a virtual file, of exactly the size that stat tells.
func TestVirtualFilesForEveryTool(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	w.shFails(`ls $B/size,gt,abc`)
	for _, name := range []string{"@help", "@stats", "@errors", "b/@help", "b/@errors", "b/@explain", "b/@explain,size,gt,abc", "b/@searchkeys",
		"b/@meta,a", "b/color,eq,red/@explain", "b/color,eq,red/@meta,a", "CACHEDIR.TAG"} {
		for _, script := range []string{
			`cat "$F" >out; test $(stat -c %s "$F") = $(wc -c <out) || test "$N" = @stats`,
			`cp "$F" copy && test -s copy`,
			`cp -p "$F" copy2 && test -s copy2`,
			`test $(wc -l <"$F") -gt 0`,
			`wc -l "$F"`,
			`test -n "$(head -1 "$F")" && test -n "$(tail -1 "$F")" && test -n "$(tail -c 5 "$F")"`,
			`grep -c . "$F"`,
			`tar cf v.tar -C "$(dirname "$F")" "$(basename "$F")" && test -n "$(tar xOf v.tar)"`,
			`dd if="$F" bs=7 2>/dev/null | cmp - "$F" || test "$N" = @stats`,
			`python3 -c 'import sys, mmap; f = open(sys.argv[1], "rb"); d = f.read(); assert d and mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:] == d' "$F"`,
			`if command -v less >/dev/null; then test -n "$(less "$F")"; fi`,
		} {
			w.sh(`N='` + name + `' F="$M/` + name + `"; ` + script)
		}
	}
	w.want(`ls -A $M; ls -A $B; ls -A $B/color,eq,red`, "b\na\na\n")
}

func TestVirtualFilesSayWhatTheyAreFor(t *testing.T) {
	w := newWorld(t, setup{mount: func(o *fs.Options) {
		stats := o.Stats
		o.Stats = func() []search.Counter { return append(stats(), search.Counter{Name: "of_the_test", Value: 42}) }
	}})
	w.put("dir/a", "bytes", "color", "red", "origin", "here")
	for _, c := range []struct{ name, contains string }{
		{"b/color,eq,red/@explain", "x-amz-meta-color=='red'"},
		{"b/@searchkeys", "x-amz-meta-color"},
		{"b/@help", "color"},
		{"@help", "BUCKET/@help"},
		{"b/@explain,size,gt,abc", "abc"},
		{"b/@meta,dir", ""},
		{"b/dir/@meta,a", `"x-amz-meta-origin": "here"`},
		{"b/color,eq,red/@meta,dir%2Fa", `"uri": "s3://b/dir/a"`},
		{"@stats", "of_the_test"},
		{"@stats", "requests_query"},
	} {
		if c.contains == "" {
			w.shFails(`cat "$M/` + c.name + `"`)
		} else if out := w.sh(`cat "$M/` + c.name + `"`); !strings.Contains(out, c.contains) {
			t.Errorf("%s does not say %q:\n%s", c.name, c.contains, out)
		}
	}
	// What a listing found out is told afterwards.
	w.want(`grep -c 'last run' $B/color,eq,red/@explain; ls $B/color,eq,red; grep -o 'last run: 1 row complete' $B/color,eq,red/@explain`,
		"0\ndir%2Fa\nlast run: 1 row complete\n")
}

// Each use of the name shows the figures of then.
func TestVirtualFilesAreFresh(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	w.want(`cd $B; for i in 1 2 3; do ls "size,gt,$i" >/dev/null; sed -n 's/^requests_query *//p' $M/@stats; done`, "1\n2\n3\n")
	w.want(`exec 3<$M/@stats; ls $B/size,gt,4 >/dev/null; sed -n 's/^requests_query *//p' <&3`, "3\n")
	w.want(`wc -l <$M/@errors; ls $B/size,gt,x 2>/dev/null; grep -c size,gt,x $M/@errors`, "1\n1\n")
}

// What cannot be is an error with a reason, never an empty directory.
func TestErrorsAndTheirReasons(t *testing.T) {
	w := newWorld(t, setup{})
	check(t, w.ecs.CreateBucket("plain"))
	w.put("a", "bytes", "color", "red")
	for _, c := range []struct{ path, errno, reason string }{
		{"b/size,gt,abc", "Invalid argument", "abc"},
		{"b/size,gt", "Invalid argument", ""},
		{"b/(size>1", "Invalid argument", ""},
		{"b/nosuch>1", "Invalid argument", "nosuch"},
		{"b/colour,eq,red", "No such file or directory", "color"},
		{"b/nosuch", "No such file or directory", ""},
		{"nosuch", "No such file or directory", ""},
		{"no such bucket*", "No such file or directory", ""},
		{"b/meta.x,eq,1", "Operation not supported", ""},
		{"plain/owner,eq,x", "Operation not supported", "only a metadata search tells owner"},
		{"b/@stats", "No such file or directory", ""},
		{"b/@meta,nosuch", "No such file or directory", ""},
	} {
		if out := w.shFails(`ls "$M/` + c.path + `"`); !strings.Contains(out, c.errno) {
			t.Errorf("ls %s said %q, want %q", c.path, out, c.errno)
		}
		if c.reason != "" {
			if out := w.sh(`head -3 $M/@errors`); !strings.Contains(out, c.reason) {
				t.Errorf("after ls %s @errors does not say %q:\n%s", c.path, c.reason, out)
			}
		}
	}
	w.want(`ls $M/plain; ls $M`, "b\nplain\n")
}

// A bucket that the list does not name is asked for; a name that can be none is not.
func TestBucketsBeyondTheList(t *testing.T) {
	w := newWorld(t, setup{store: func(s search.Store) search.Store { return denyBuckets{s} }})
	w.put("a", "bytes", "color", "red")
	if out := w.shFails(`ls $M`); !strings.Contains(out, "Permission denied") {
		t.Errorf("ls said %q", out)
	}
	w.want(`ls $B; cat $B/a`, "a\nbytes")
	w.requests()
	for i, name := range []string{"*", "@x", "with blank", ".b", "-b", "a%2Fb", "%~"} {
		w.shFails(fmt.Sprintf(`stat "$M/%s" || exit %d`, name, i+1))
	}
	w.wantRequests("names that no bucket can have", "")
	w.shFails(`stat $M/other`)
	w.wantRequests("a name that a bucket could have", "SearchKeys=1")
}

// denyBuckets is a store whose account may not list buckets.
type denyBuckets struct{ search.Store }

func (denyBuckets) Buckets(context.Context) ([]search.Bucket, error) {
	return nil, &search.Error{Op: "list buckets", Kind: search.KindPermission, Reason: "not allowed"}
}
