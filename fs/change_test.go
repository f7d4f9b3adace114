package fs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// An object overwritten after it was listed is found out at its next open, and
// the program that opens it sees the new object alone.
func TestPromise2OverwrittenBeforeOpen(t *testing.T) {
	for _, dir := range []string{"color,eq,red", "."} {
		t.Run(dir, func(t *testing.T) {
			w := newWorld(t, setup{})
			w.put("a", "old bytes", "color", "red")
			w.want(`cd $B/`+dir+`; ls; stat -c %s a`, "a\n9\n")
			w.put("a", "new and longer bytes", "color", "red")
			w.requests()
			w.want(`cd $B/`+dir+`; cat a; echo; stat -c %s a; cat $M/@errors`, "new and longer bytes\n20\nno errors so far\n")
			w.wantRequests("noticing it", map[string]string{
				// The GET that fails, HEAD for the new attributes, the GET of the new bytes.
				"color,eq,red": "GetObject=2 HeadObject=1",
				// The kernel walks the name twice, and each time it may have become a folder. (And the
				// first name looked up in a bucket needs the schema.)
				".": "GetObject=2 HeadObject=1 ListObjects=2 SearchKeys=1",
			}[dir])
		})
	}
}

// In sorted, limited and tree directories as well.
func TestOverwrittenBeforeOpenBelowModifiers(t *testing.T) {
	for _, dir := range []string{"color,eq,red/@tree/d", "d/color,eq,red/@sort,-size/@limit,3", "d/@sort,size", "@tree/@limit,9/d"} {
		w := newWorld(t, setup{})
		w.put("d/a", "old bytes", "color", "red")
		w.want(`cd $B/`+dir+`; ls; stat -c %s a`, "a\n9\n")
		w.put("d/a", "new and longer bytes", "color", "red")
		w.want(`cd $B/`+dir+`; cat a; echo; stat -c %s a; cat $M/@errors`, "new and longer bytes\n20\nno errors so far\n")
		check(t, w.ecs.DeleteObject("b", "d/a"))
		w.want(`cd $B/`+dir+`; ls >/dev/null`, "")
		w.clock.advance(61e9)
		w.want(`ls $B/`+dir, "")
	}
}

// The same where a kept page of the old bytes is in the kernel and in the cache.
func TestPromise2OverwrittenAfterRead(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "old bytes", "color", "red")
	w.want(`cat $B/color,eq,red/a`, "old bytes")
	w.put("a", "new bytes", "color", "red")
	// Until the listing's age is over the old object may be shown, whole.
	w.want(`cat $B/color,eq,red/a; stat -c ' %s' $B/color,eq,red/a`, "old bytes 9\n")
	w.clock.advance(61e9)
	w.want(`ls $B/color,eq,red >/dev/null; cat $B/color,eq,red/a`, "new bytes")
}

// A file that is open stays one version to its last byte, or is ESTALE, while
// others open the new one.
func TestPromise2OverwrittenWhileOpen(t *testing.T) {
	const size = 8 << 20
	w := newWorld(t, setup{})
	w.put("a", strings.Repeat("old.", size/4), "color", "red")
	holder := w.converse(`
import os, sys
fd = os.open(os.environ["B"] + "/color,eq,red/a", os.O_RDONLY)
print(os.pread(fd, 4, 0), flush=True)
sys.stdin.readline()
try: print(os.pread(fd, 4, 6 << 20), flush=True)
except OSError as e: print(e.strerror, flush=True)
print(os.fstat(fd).st_size, os.pread(fd, 4, 0), flush=True)
sys.stdin.readline()
`)
	holder.expect("b'old.'")
	w.put("a", strings.Repeat("NEW!", 2), "color", "red")
	w.clock.advance(61e9)
	w.want(`ls $B/color,eq,red; head -c 4 $B/color,eq,red/a; cat $B/a | wc -c`, "a\nNEW!8\n")
	holder.say("go on")
	holder.expect("Stale file handle")
	holder.expect("8388608 b'old.'")
	w.want(`cat $B/color,eq,red/a`, "NEW!NEW!")
	holder.say("end")
}

// A file that was found to be stale and is opened again is the new one, although the beginning of the old one is still kept on disk.
func TestReopenedAfterStale(t *testing.T) {
	const size = 4 << 20
	w := newWorld(t, setup{memory: 64 << 20, disk: &cache.DiskOptions{Dir: t.TempDir(), Size: 1 << 30}})
	w.put("a", strings.Repeat("old.", size/4), "color", "red")
	reader := w.converse(`
import os, sys
name = os.environ["B"] + "/color,eq,red/a"
f = open(name, "rb", buffering=0)
print(f.read(4), flush=True)
sys.stdin.readline()
try: print(os.pread(f.fileno(), 4, 3 << 20), flush=True)
except OSError as e: print(e.strerror, flush=True)
data = open(name, "rb").read()
print(len(data), data == b"new." * (len(data) // 4), flush=True)
`)
	reader.expect("b'old.'")
	w.put("a", strings.Repeat("new.", size/4), "color", "red")
	reader.say("go on")
	reader.expect("Stale file handle")
	reader.expect(fmt.Sprint(size, " True"))
}

// An object deleted after it was listed: its open says that it is not there.
func TestDeletedBeforeOpen(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	w.put("b", "bytes", "color", "red")
	w.sh(`ls -l $B/color,eq,red`)
	check(t, w.ecs.DeleteObject("b", "a"))
	if out := w.shFails(`cat $B/color,eq,red/a`); !strings.Contains(out, "No such file") {
		t.Errorf("cat of a deleted object said %q", out)
	}
	w.want(`ls $B/color,eq,red`, "b\n")
}

// An object overwritten so that it is no result any more is gone from the query.
func TestOverwrittenOutOfTheQuery(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	w.sh(`ls -l $B/color,eq,red`)
	w.put("a", "other", "color", "blue")
	if out := w.shFails(`cat $B/color,eq,red/a`); !strings.Contains(out, "No such file") {
		t.Errorf("cat said %q", out)
	}
}

// Data that the network cuts short is never passed on as the whole.
func TestShortDataIsAnError(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", strings.Repeat("x", 100_000), "color", "red")
	w.sh(`ls $B/color,eq,red`)
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "GetObject" {
			return false
		}
		rw.Header().Set("Content-Length", "100000")
		rw.Header().Set("Content-Range", "bytes 0-99999/100000")
		rw.WriteHeader(http.StatusPartialContent)
		io.WriteString(rw, "half")
		return true
	})
	if out := w.shFails(`cat $B/color,eq,red/a`); strings.Contains(out, "half") || !strings.Contains(out, "Input/output error") {
		t.Errorf("cat of data cut short said %.200q", out)
	}
}

// conversation is a Python program that the test talks with.
type conversation struct {
	w   *world
	in  io.WriteCloser
	out *bufio.Scanner
}

func (w *world) converse(program string) *conversation {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := w.command(ctx, "python3", "-c", program)
	in, err := cmd.StdinPipe()
	check(w.t, err)
	out, err := cmd.StdoutPipe()
	check(w.t, err)
	cmd.Stderr = w.log
	check(w.t, cmd.Start())
	w.t.Cleanup(func() {
		in.Close()
		cmd.Wait()
		cancel()
	})
	return &conversation{w: w, in: in, out: bufio.NewScanner(out)}
}

func (c *conversation) say(line string) {
	c.w.t.Helper()
	_, err := fmt.Fprintln(c.in, line)
	check(c.w.t, err)
}

func (c *conversation) expect(line string) {
	c.w.t.Helper()
	if !c.out.Scan() || c.out.Text() != line {
		c.w.t.Fatalf("it said %q, want %q", c.out.Text(), line)
	}
}
