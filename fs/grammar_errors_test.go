package fs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// errorRules are about errors and limits.
var errorRules = []rule{
	{section: "10-errors/ENOENT no such folder or object", path: "nothing", errno: "ENOENT"},
	{section: "10-errors/ENOENT below a folder", path: "logs/nothing", errno: "ENOENT"},
	{section: "10-errors/ENOENT below what is not there", path: "nothing/size,gt,1", errno: "ENOENT"},
	{section: "10-errors/ENOENT no such bucket", path: "../nobucket/x", errno: "ENOENT"},
	{section: "10-errors/EINVAL bad value of an integer", path: "n,eq,five", errno: "EINVAL"},
	{section: "10-errors/EINVAL bad value of a decimal", path: "ratio,lt,1,5", errno: "EINVAL"},
	{section: "10-errors/EINVAL bad value of a time", path: "mtime,newer,soon", errno: "EINVAL"},
	{section: "10-errors/EINVAL bad pattern", path: "title,glob,[a", errno: "EINVAL"},
	{section: "10-errors/EINVAL operator of another datatype", path: "size,prefix,1", errno: "EINVAL"},
	{section: "10-errors/EINVAL arity: none", path: "size,gt", errno: "EINVAL"},
	{section: "10-errors/EINVAL arity: too many", path: "size,gt,1,2", errno: "EINVAL"},
	{section: "10-errors/EINVAL bad infix", path: "size>1 and", errno: "EINVAL"},
	{section: "10-errors/EINVAL unknown key in infix", path: "colour==red", errno: "EINVAL"},
	{section: "10-errors/EINVAL bad argument of a directive", path: "@limit,many", errno: "EINVAL"},
	{section: "10-errors/EINVAL empty range", path: "size,in,9..1", errno: "EINVAL"},
	{section: "10-errors/EOPNOTSUPP nothing bounds the search", path: "etag,eq,0", errno: "list:EOPNOTSUPP"},
	{section: "10-errors/EOPNOTSUPP in @errors with its reason", path: "meta.zip,suffix,.zip", errno: "list:EOPNOTSUPP", check: func(t *testing.T, w *grammarWorld) {
		w.want(`grep -c 'meta.zip,suffix,.zip.*nothing that the store compares bounds this search' $M/@errors`, "1\n")
	}},
	{section: "10-errors/every error is in @errors", path: "n,eq,nine", errno: "EINVAL", check: func(t *testing.T, w *grammarWorld) {
		w.want(`grep -c "n,eq,nine.*'nine' is not a number" $M/@errors`, "1\n")
		if !strings.Contains(w.log.String(), "nine") {
			t.Error("the log has nothing of it")
		}
	}},
	{section: "10-errors/EACCES", check: func(t *testing.T, w *grammarWorld) {
		check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"Query"}, Status: 403, Code: "AccessDenied", Message: "not for you"}))
		defer w.ecs.SetRules()
		if names, errno := w.agent.list("size,gt,7"); errno != "EACCES" || len(names) > 0 {
			t.Errorf("a refused search lists %q, %s", names, errno)
		}
		w.want(`grep 'size,gt,7' $M/@errors | grep -c '`+ecstest.DefaultAccessKeyID+`.*not for you\|not for you.*`+ecstest.DefaultAccessKeyID+`'`, "1\n")
	}},
	{section: "10-errors/EIO after retries", check: func(t *testing.T, w *grammarWorld) {
		check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"Query"}, Status: 500}))
		defer w.ecs.SetRules()
		w.requests()
		if names, errno := w.agent.list("size,gt,8"); errno != "EIO" || len(names) > 0 {
			t.Errorf("a failing search lists %q, %s", names, errno)
		}
		if n := w.ecs.Count("Query"); n < 2 {
			t.Errorf("it was tried %d times", n)
		}
	}},
	{section: "10-errors/a store that fails once is asked again", check: func(t *testing.T, w *grammarWorld) {
		check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"Query"}, Times: 1, Status: 503}))
		defer w.ecs.SetRules()
		if names, errno := w.agent.list("n,gt,5"); errno != "" || !slices.Equal(names, flatNames(lists("log-a"))) {
			t.Errorf("it lists %q, %s", names, errno)
		}
	}},
	{section: "10-errors/EROFS", check: func(t *testing.T, w *grammarWorld) {
		for _, c := range []struct{ op, path string }{{"create", "new"}, {"create", "size,gt,100/new"}, {"create", "hello.txt"}, {"mkdir", "new"}, {"mkdir", "size,gt,9/new"},
			{"remove", "hello.txt"}, {"remove", "size,gt,100/hello.txt"}, {"truncate", "hello.txt"}} {
			if errno := w.agent.do(c.op, c.path).Errno; errno != "EROFS" {
				t.Errorf("%s %s: %q", c.op, c.path, errno)
			}
		}
		w.want(`findmnt -n -o OPTIONS $M | grep -c '^ro,'`, "1\n")
	}},
	{section: "10-errors/ESTALE", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{})
		a := newAgent(w)
		for _, dir := range []string{"", "size,gt,1/"} {
			w.put("big", strings.Repeat("old.", 2<<20))
			w.clock.advance(2 * time.Minute)
			if hold, first := a.do("hold", dir+"big"), a.call(agentCall{Op: "held"}); hold.Errno+first.Errno != "" || string(first.Data) != "o" {
				t.Fatalf("%sbig: %s, %s %q", dir, hold.Errno, first.Errno, first.Data)
			}
			w.put("big", strings.Repeat("new.", 2<<20))
			if errno := a.call(agentCall{Op: "held", At: 7 << 20}).Errno; errno != "ESTALE" {
				t.Errorf("%sbig, changed after its first byte was read: %q", dir, errno)
			}
		}
	}},
	{section: "10-errors/EFBIG", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{ecs: func(c *ecs.Config) { c.MaxPages = 2 }, server: func(s *ecstest.Server) { s.PageSize = 10 }})
		for i := range 25 {
			w.put(fmt.Sprintf("f%02d", i), "x", "color", "red")
		}
		wantIncomplete(t, w, newAgent(w), "color,eq,red", 20, "EFBIG")
		wantIncomplete(t, w, newAgent(w), "", 20, "EFBIG")
	}},
	{section: "10-errors/ETIMEDOUT", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{ecs: func(c *ecs.Config) { c.Timeout = 300 * time.Millisecond }})
		w.put("a", "x")
		check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"Query"}, Cut: ecstest.CutStall}))
		if names, errno := newAgent(w).list("size,gt,0"); errno != "ETIMEDOUT" || len(names) > 0 {
			t.Errorf("a search without an answer lists %q, %s", names, errno)
		}
	}},
	{section: "10-errors/incomplete", check: func(t *testing.T, _ *grammarWorld) {
		for _, dir := range []string{"color,eq,red", ""} {
			w := brokenWorld(t)
			a := newAgent(w)
			wantIncomplete(t, w, a, dir, 20, "EACCES")
			w.requests()
			if names, errno := a.list(dir); errno != "EACCES" || len(names) > 0 {
				t.Errorf("%q again lists %q, %s", dir, names, errno)
			}
			w.wantRequests("opening it within the negative lifetime", "")
		}
	}},
	{section: "10-errors/EIO in the middle", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
		for i := range 25 {
			w.put(fmt.Sprintf("f%02d", i), "x", "color", "red")
		}
		check(t, w.ecs.SetRules(ecstest.Rule{Operations: []string{"Query"}, Page: 3, Status: 500}))
		wantIncomplete(t, w, newAgent(w), "color,eq,red", 20, "EIO")
	}},
	{section: "10-errors/EINTR", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{})
		_, release := w.hold("Query")
		defer release()
		if got := w.python(`
import ctypes, errno, os, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = ctypes.c_void_p
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.2)
print(libc.opendir((os.environ["B"] + "/size,gt,0").encode()), errno.errorcode[ctypes.get_errno()])
`); got != "None EINTR\n" {
			t.Errorf("an interrupted opendir: %q", got)
		}
	}},
	{section: "10-errors/limits: --ttl, --negative-ttl, --schema-ttl", check: func(t *testing.T, _ *grammarWorld) {
		// The kernel's own clock cannot be moved: it is told to remember nothing that is not there.
		w := newWorld(t, setup{mount: func(o *fs.Options) { o.NegativeTTL = 0 }})
		w.put("a", "x", "color", "red")
		a := newAgent(w)
		a.list("")
		for _, step := range []struct {
			after  time.Duration
			ask    func()
			what   string
			wanted string
		}{
			{0, func() { a.list("color,eq,red") }, "the first listing", "Query=1 SearchKeys=1"},
			{59 * time.Second, func() { a.list("color,eq,red"); a.list("color==red") }, "a listing within its lifetime", ""},
			{2 * time.Second, func() { a.list("color,eq,red") }, "a listing after it", "Query=1"},
			{0, func() { a.stat("n,gt,5/x") }, "a name that is not there", "HeadObject=1"},
			{4 * time.Second, func() { a.stat("n,gt,5/x") }, "the same within the negative lifetime", ""},
			{2 * time.Second, func() { a.stat("n,gt,5/x") }, "the same after it", "HeadObject=1"},
			{5 * time.Minute, func() { a.stat("n,gt,1") }, "a query after the lifetime of the schema", "SearchKeys=1"},
		} {
			w.clock.advance(step.after)
			w.requests()
			step.ask()
			w.wantRequests(step.what, step.wanted)
		}
	}},
	{section: "10-errors/limits: defaults", check: func(t *testing.T, _ *grammarWorld) {
		if ecs.DefaultMaxPages != 1000 || ecs.DefaultTimeout != 30*time.Second || ecs.DefaultMaxRequests != 64 || fs.DefaultMaxInodes != 100_000 || cache.DefaultMemoryBudget > 256<<20 {
			t.Error("a default is not the documented one")
		}
	}},
}

// wantIncomplete wants a listing that breaks after n entries to say so: by its
// last entry, which can be stated and not be read, and by its errno.
func wantIncomplete(t *testing.T, w *world, a *agent, dir string, n int, want string) {
	t.Helper()
	names, errno := a.list(dir)
	if errno != want || len(names) != n+1 || names[n] != fs.NameIncomplete {
		t.Errorf("%q lists %q, %s; want %d entries, %s and %s", dir, names, errno, n, fs.NameIncomplete, want)
	}
	path := strings.TrimPrefix(dir+"/"+fs.NameIncomplete, "/")
	if got := a.stat(path); got != "" {
		t.Errorf("stat %s: %s", path, got)
	}
	if got := a.do("read", path).Errno; got != want {
		t.Errorf("reading %s: %q, want %s", path, got, want)
	}
}
