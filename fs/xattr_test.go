package fs_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
)

func xattrWorld(t *testing.T) *world {
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.Xattr = true }})
	w.put("dir/a", "bytes", "color", "red", "note", "two words", "empty", "")
	return w
}

func TestXattrs(t *testing.T) {
	w := xattrWorld(t)
	out := w.python(`
import errno, os
f = os.environ["B"] + "/color,eq,red/dir%2Fa"
names = sorted(os.listxattr(f))
print(names)
for n in names:
    if n != "user.s3.etag": print(n, os.getxattr(f, n))
print(len(os.getxattr(f, "user.s3.etag")))
for g, n in (f, "user.meta.nosuch"), (f, "user.other"), (f, "user.meta."), (f, "security.selinux"), (f, "user.s3.version"), (os.path.dirname(f), "user.s3.key"), (f[:-8] + "@explain", "user.s3.key"):
    try: print(os.getxattr(g, n))
    except OSError as e: print(errno.errorcode[e.errno])
print(os.listxattr(os.path.dirname(f)), os.listxattr(os.environ["M"]), os.listxattr(f[:-8] + "@explain"), os.listxattr(f[:-8] + "@manifest.csv"))
try: os.setxattr(f, "user.meta.color", b"blue")
except OSError as e: print(errno.errorcode[e.errno])
`)
	want := `['user.meta.color', 'user.meta.empty', 'user.meta.note', 'user.s3.etag', 'user.s3.key']
user.meta.color b'red'
user.meta.empty b''
user.meta.note b'two words'
user.s3.key b'dir/a'
32
ENODATA
ENODATA
ENODATA
ENODATA
ENODATA
ENODATA
ENODATA
[] [] [] []
EROFS
`
	if out != want {
		t.Errorf("Python saw\n%swant\n%s", out, want)
	}
}

// The lengths that the kernel asks for and the buffers that it gives.
func TestXattrSizes(t *testing.T) {
	w := xattrWorld(t)
	out := w.python(`
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
f = (os.environ["B"] + "/dir/a").encode()
def get(size):
    b = ctypes.create_string_buffer(max(size, 1))
    return libc.getxattr(f, b"user.meta.color", b, size), b.raw[:size], os.strerror(ctypes.get_errno()) if ctypes.get_errno() else ""
def list(size):
    b = ctypes.create_string_buffer(max(size, 1))
    return libc.listxattr(f, b, size), os.strerror(ctypes.get_errno()) if ctypes.get_errno() else ""
print(get(0), get(3), get(4))
print(list(0), list(72))
print(get(2))
ctypes.set_errno(0)
print(list(71))
`)
	want := `(3, b'', '') (3, b'red', '') (3, b'red\x00', '')
(72, '') (72, '')
(-1, b'\x00\x00', 'Numerical result out of range')
(-1, 'Numerical result out of range')
`
	if out != want {
		t.Errorf("it saw\n%swant\n%s", out, want)
	}
}

// Tools that know xattrs copy them, where the file system they copy to can have any.
func TestXattrsForEveryTool(t *testing.T) {
	w := xattrWorld(t)
	for _, c := range []struct{ tool, script string }{
		{"getfattr", `getfattr -d $B/dir/a 2>/dev/null | grep -x 'user.meta.note="two words"'`},
		{"getfattr", `getfattr --only-values -n user.s3.key $B/dir/a 2>/dev/null | grep -x dir/a`},
		{"attr", `attr -q -g meta.color $B/dir/a | grep -x red`},
		{"cp", `cp -a $B/dir/a copy && cmp copy $B/dir/a && cp -a $B/dir tree && cmp tree/a copy`},
		{"rsync", `rsync -aX $B/dir/ synced && cmp synced/a $B/dir/a`},
		{"getfattr", `touch probe && setfattr -n user.x -v 1 probe 2>/dev/null || exit 0
			cp -a $B/dir/a copy2 && getfattr -n user.meta.color copy2 | grep red`},
	} {
		if _, err := exec.LookPath(c.tool); err != nil {
			t.Logf("no %s here", c.tool)
			continue
		}
		if out, err := w.tryShell("bash", c.script); err != nil {
			t.Errorf("%s\n%s%v", c.script, out, err)
		}
	}
}

// What is known costs nothing; metadata costs one HEAD a file, which is kept. Without Xattr nothing is asked.
func TestXattrRequests(t *testing.T) {
	for _, on := range []bool{false, true} {
		w := newWorld(t, setup{mount: func(o *fs.Options) { o.Xattr = on }})
		for _, key := range []string{"a", "b", "c"} {
			w.put(key, "bytes", "color", "red")
		}
		w.sh(`ls -l $B/color,eq,red`)
		w.requests()
		w.sh(`ls -l $B/color,eq,red; ls -lZ $B/color,eq,red; stat $B/color,eq,red/*`)
		w.wantRequests("ls -l", "")
		get := `import os
for n in "abc":
    for x in "user.s3.key", "user.s3.etag", "user.meta.color", "user.meta.color":
        try: os.getxattr(os.environ["B"] + "/color,eq,red/" + n, x)
        except OSError as e: print(e.strerror)
`
		out := w.python(get)
		if on {
			w.wantRequests("getxattr", "HeadObject=3")
			if out != "" {
				t.Errorf("it said %q", out)
			}
			w.python(`import os; print([os.listxattr(os.environ["B"] + "/color,eq,red/" + n) for n in "abc"])`)
		} else if strings.Count(out, "Operation not supported") != 12 {
			t.Errorf("it said %q", out)
		}
		w.wantRequests("what is known", "")
	}
}

// The attributes of an object that was overwritten since are never those of another.
func TestXattrsOfAnOverwrittenObject(t *testing.T) {
	w := xattrWorld(t)
	w.sh(`ls -l $B/color,eq,red`)
	w.put("dir/a", "other bytes", "color", "blue")
	if out := w.shFails(`getfattr -n user.meta.color $B/color,eq,red/dir%2Fa`); !strings.Contains(out, "No such file") {
		t.Errorf("getfattr of what is no result any more said %s", out)
	}
	w.clock.advance(61 * time.Second)
	w.want(`getfattr --only-values --absolute-names -n user.meta.color $B/dir/a`, "blue")
}

// Versions have their own, and an ID.
func TestXattrsOfVersions(t *testing.T) {
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.Xattr = true }})
	check(t, w.ecs.SetVersioning("b", true))
	w.put("a", "1", "color", "red")
	w.put("a", "2", "color", "blue")
	w.want(`cd $B/@versions; for f in *; do test "$(getfattr --only-values -n user.s3.version $f)" = "$(echo $f | sed 's/.*%~v//')" && getfattr --only-values -n user.meta.color $f && echo; done | sort`, "blue\nred\n")
	w.want(`test -n "$(getfattr --only-values --absolute-names -n user.s3.version $B/a)"`, "")
}
