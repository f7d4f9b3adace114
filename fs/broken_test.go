package fs_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// brokenWorld has 25 results on pages of 10, and fails from the third page on.
func brokenWorld(t *testing.T) *world {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 25 {
		w.put(fmt.Sprintf("f%02d", i), "x", "color", "red")
	}
	pages := 0
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "Query" && req.Operation != "ListObjects" {
			return false
		}
		if req.Query.Get("marker") == "" {
			pages = 0
		}
		pages++
		if pages < 3 {
			return false
		}
		rw.WriteHeader(http.StatusForbidden)
		fmt.Fprint(rw, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no more</Message></Error>`)
		return true
	})
	return w
}

// A listing that breaks says so to everyone who reads it: to those who look at
// errors, and to those who swallow them.
func TestPromise1BrokenListingSaysSo(t *testing.T) {
	for _, dir := range []string{"color,eq,red", "."} {
		t.Run(dir, func(t *testing.T) {
			t.Run("ls", func(t *testing.T) {
				w := brokenWorld(t)
				out := w.shFails(`ls -l $B/` + dir)
				if !strings.Contains(out, "Permission denied") || !strings.Contains(out, fs.NameIncomplete) || strings.Count(out, " f") != 20 {
					t.Errorf("ls -l said\n%s", out)
				}
				w.requests()
				if out := w.shFails(`ls $B/` + dir); !strings.Contains(out, "cannot open directory") {
					t.Errorf("ls within the negative lifetime said\n%s", out)
				}
				w.wantRequests("ls within the negative lifetime", "")
				w.want(`grep -c 'readdir.*no more' $M/@errors`, "1\n")
				w.want(`stat -c %A $B/`+dir+`/%~INCOMPLETE`, "-r--r--r--\n")

				w.ecs.SetIntercept(nil)
				w.clock.advance(6 * time.Second)
				w.want(`ls $B/`+dir+` | wc -l`, "25\n")
				w.shFails(`stat $B/` + dir + `/%~INCOMPLETE`)
			})
			t.Run("glob", func(t *testing.T) {
				w := brokenWorld(t)
				out := w.shFails(`cd $B/` + dir + `; cat *`)
				if !strings.Contains(out, strings.Repeat("x", 20)) || !strings.Contains(out, "%~INCOMPLETE: Permission denied") {
					t.Errorf("cat * said\n%s", out)
				}
			})
			t.Run("Python", func(t *testing.T) {
				w := brokenWorld(t)
				out := w.python(`
import glob, os
top = os.environ["B"] + "/` + dir + `"
files = sorted(glob.glob(top + "/*")) # swallows the error
print(len(files), os.path.basename(files[0]), os.stat(files[0]).st_size)
try: open(files[0])
except OSError as e: print("open:", e.strerror)
for _ in os.walk(top, onerror=lambda e: print("walk:", e.strerror)): pass
`)
				if want := "21 %~INCOMPLETE 1\nopen: Permission denied\nwalk: Permission denied\n"; out != want {
					t.Errorf("Python saw %q, want %q", out, want)
				}
			})
			t.Run("tar", func(t *testing.T) {
				w := brokenWorld(t)
				if out := w.shFails(`T=$PWD; cd $B/` + dir + `; tar cf $T/x.tar *`); !strings.Contains(out, "INCOMPLETE: Cannot open: Permission denied") {
					t.Errorf("tar of a glob said\n%s", out)
				}
				if out := w.shFails(`tar cf y.tar $B/` + dir); !strings.Contains(out, "Permission denied") {
					t.Errorf("tar of the directory said\n%s", out)
				}
			})
		})
	}
}

// A listing that fails from the start fails at opendir.
func TestListingRefused(t *testing.T) {
	w := newWorld(t, setup{ecs: func(c *ecs.Config) { c.MaxPages = 2 }, server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 25 {
		w.put(fmt.Sprintf("f%02d", i), "x", "color", "red")
	}
	if out := w.shFails(`ls $B/color,eq,red`); !strings.Contains(out, "File too large") || !strings.Contains(out, fs.NameIncomplete) {
		t.Errorf("ls of more pages than allowed said\n%s", out)
	}
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation == "Query" {
			rw.WriteHeader(http.StatusForbidden)
		}
		return req.Operation == "Query"
	})
	if out := w.shFails(`ls $B/size,gt,0`); !strings.Contains(out, "cannot open directory") || !strings.Contains(out, "Permission denied") {
		t.Errorf("ls of a refused search said\n%s", out)
	}
}

// hold makes the server keep requests of one operation waiting until the
// returned function is called; started tells of each.
func (w *world) hold(operation string) (started chan struct{}, release func()) {
	return w.holdFrom(operation, 1)
}

// Ctrl-C ends whatever waits for the store within a second.
func TestPromise6InterruptEndsAWait(t *testing.T) {
	for _, c := range []struct{ operation, script string }{
		{"Query", `exec ls $B/color,eq,red`},
		{"ListObjects", `exec ls $B`},
		{"SearchKeys", `exec stat $B/size,gt,100`},
		{"HeadObject", `exec stat $B/a`},
		{"GetObject", `exec cat $B/a`},
	} {
		t.Run(c.operation, func(t *testing.T) {
			w := newWorld(t, setup{})
			w.put("a", "bytes", "color", "red")
			started, release := w.hold(c.operation)
			defer release()
			cmd := w.command(context.Background(), "sh", "-c", c.script)
			check(t, cmd.Start())
			select {
			case <-started:
			case <-time.After(10 * time.Second):
				t.Fatal("it did not ask the store")
			}
			begun := time.Now()
			check(t, cmd.Process.Signal(os.Interrupt))
			err := cmd.Wait()
			if d := time.Since(begun); d > 10*time.Second {
				t.Errorf("it ended %v after SIGINT", d)
			}
			if status, ok := exitStatus(err); !ok || status.Signal() != syscall.SIGINT {
				t.Errorf("it ended with %v, not by SIGINT", err)
			}
		})
	}
}

func exitStatus(err error) (syscall.WaitStatus, bool) {
	if e, ok := err.(*exec.ExitError); ok {
		s, ok := e.Sys().(syscall.WaitStatus)
		return s, ok && s.Signaled()
	}
	return 0, false
}

// An interrupted reader takes nothing from others who wait for the same.
func TestInterruptIsNotShared(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	w.sh(`stat $B/color,eq,red`)
	started, release := w.hold("Query")
	first := w.command(context.Background(), "ls", w.dir+"/b/color,eq,red")
	check(t, first.Start())
	<-started
	second := w.converse(`import os; print(os.listdir(os.environ["B"] + "/color,eq,red"), flush=True)`)
	check(t, first.Process.Signal(os.Interrupt))
	if err := first.Wait(); err == nil {
		t.Error("the interrupted ls ended well")
	}
	release()
	second.expect("['a']")
}

// Rows are shown as they come, not when the last page is there.
func TestListingIsStreamed(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 30 {
		w.put(fmt.Sprintf("f%02d", i), "x", "color", "red")
	}
	done := make(chan struct{})
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation == "Query" && req.Query.Get("marker") != "" {
			<-done
		}
		return false
	})
	c := w.converse(`
import os
with os.scandir(os.environ["B"] + "/color,eq,red") as d:
    for i in range(10): next(d)
    print("ten", flush=True)
    print(sum(1 for _ in d), flush=True)
`)
	c.expect("ten")
	close(done)
	c.expect("20")
}

// A panic costs one operation, not the mount.
func TestPanicIsOneEIO(t *testing.T) {
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.Store = panickyStore{o.Store} }})
	w.put("a", "bytes", "color", "red")
	w.put("bad", "bytes", "color", "red")
	if out := w.shFails(`cat $B/bad`); !strings.Contains(out, "Input/output error") {
		t.Errorf("cat said %q", out)
	}
	w.want(`cat $B/a; grep -c 'a bug in ecsfs' $M/@errors; sed -n 's/^mount_panics *//p' $M/@stats`, "bytes1\n1\n")
	for i := range 9 {
		w.put(fmt.Sprintf("ahead/%d", i), "x")
	}
	w.want(`cat $B/ahead/*; sed -n 's/^mount_panics *//p' $M/@stats`, "xxxxxxxxx2\n")
	if log := w.log.String(); !strings.Contains(log, "panickyStore") {
		t.Errorf("the log has no stack:\n%s", log)
	}
	w.log.b.Reset()
}

type panickyStore struct{ fs.Store }

func (s panickyStore) OpenFile(ctx context.Context, ref search.Ref) (search.File, error) {
	if ref.Key == "bad" {
		panic("the test's own")
	}
	return s.Store.OpenFile(ctx, ref)
}

func (s panickyStore) Prefetch(ctx context.Context, ref search.Ref, n int64) (int64, bool) {
	if strings.HasPrefix(ref.Key, "ahead/") {
		panic("the test's own")
	}
	return s.Store.Prefetch(ctx, ref, n)
}

// A store that does not answer to the list of buckets is not asked for the
// bucket as well: that would double the deadline of every lookup.
func TestDeadStoreIsWaitedForOnce(t *testing.T) {
	w := newWorld(t, setup{ecs: func(c *ecs.Config) { c.Timeout = 200 * time.Millisecond }})
	_, release := w.hold("ListBuckets")
	defer release()
	if out := w.shFails(`stat $B`); !strings.Contains(out, "Connection timed out") {
		t.Errorf("stat of a bucket said\n%s", out)
	}
	if n := w.ecs.Count("SearchKeys"); n != 0 {
		t.Errorf("the bucket was asked for %d times", n)
	}
}
