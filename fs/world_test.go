package fs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveEnv); dir != "" {
		serveUntilKilled(dir)
		return
	}
	if dir := os.Getenv(agentEnv); dir != "" {
		serveAgent(dir)
		return
	}
	if plan := os.Getenv(readerEnv); plan != "" {
		serveReader(plan)
		return
	}
	goleak.VerifyTestMain(m)
}

// world is a mount of a bucket "b" on an ECS of the test's own. The test serves
// the mount, so it must never touch it itself: sh does, in another process.
type world struct {
	t       testing.TB
	ecs     *ecstest.Server
	cache   *cache.Cache
	mount   *fs.Server
	options fs.Options // of mount
	clock   *clock
	log     *logBuffer
	dir     string
	scratch string // an ordinary directory, where sh starts

	newCache func() *cache.Cache // over the same store
}

// setup is how a test departs from the usual world.
type setup struct {
	server func(*ecstest.Server)
	ecs    func(*ecs.Config)
	mount  func(*fs.Options)
	store  func(search.Store) search.Store // put between the client and the cache
	ttl    time.Duration                   // 0: a minute; below 0: none
	now    time.Time                       // where the clock of mount and cache begins; zero: with that of the store
	keys   []string                        // of bucket b; nil: the usual ones
	memory int64                           // the cache's budget; 0: the usual one
	block  int64                           // the cache's block size; 0: the usual one
	disk   *cache.DiskOptions              // nil: none
}

var usualKeys = []string{"Size", "LastModified", "CreateTime", "ObjectName", "x-amz-meta-color;string", "x-amz-meta-n;integer"}

func newWorld(t testing.TB, s setup) *world {
	t.Helper()
	requireMount(t)
	w := &world{t: t, clock: &clock{now: time.Now().Truncate(time.Second)}, log: &logBuffer{}, dir: t.TempDir(), scratch: t.TempDir()}
	ttl, negative := time.Minute, 5*time.Second
	if s.ttl != 0 {
		ttl = max(0, s.ttl)
	}

	w.ecs = ecstest.NewUnstartedServer()
	w.ecs.Now = w.clock.Now
	if !s.now.IsZero() { // requests are signed at the true time
		w.clock.now, w.ecs.Now = s.now, time.Now
	}
	if s.server != nil {
		s.server(w.ecs)
	}
	keys := usualKeys
	if s.keys != nil {
		keys = s.keys
	}
	check(t, w.ecs.CreateBucket("b", keys...))
	w.ecs.Start()
	t.Cleanup(w.ecs.Close)

	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := ecs.Config{
		Endpoint:    w.ecs.URL,
		Credentials: ecs.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
		RetryDelay:  time.Millisecond,
		Timeout:     20 * time.Second,
		Transport:   transport,
	}
	if s.ecs != nil {
		s.ecs(&cfg)
	}
	client, err := ecs.New(t.Context(), cfg)
	check(t, err)

	var store search.Store = client.Store()
	if s.store != nil {
		store = s.store(store)
	}
	w.newCache = func() *cache.Cache {
		o := cache.Options{TTL: ttl, NegativeTTL: negative, SchemaTTL: 5 * time.Minute, PageRows: max(1, w.ecs.PageSize),
			MemoryBudget: s.memory, BlockSize: s.block, Now: w.clock.Now}
		if s.disk != nil {
			disk := *s.disk
			disk.Store, disk.BlockSize = w.ecs.URL, s.block
			var err error
			o.Disk, err = cache.OpenDisk(disk)
			check(t, err)
		}
		c := cache.New(store, o)
		t.Cleanup(c.Close)
		return c
	}
	w.cache = w.newCache()

	o := fs.Options{Store: w.cache, TTL: ttl, NegativeTTL: negative, Now: w.clock.Now, Stats: client.Stats,
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), FsName: w.ecs.URL}
	if s.mount != nil {
		s.mount(&o)
	}
	w.options = o
	w.mount, err = fs.Mount(w.dir, o)
	check(t, err)
	t.Cleanup(func() { w.unmount() })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the mount:\n%s", w.log)
		}
	})
	return w
}

// again mounts the same store once more, where nothing is known yet. The caller unmounts it.
func (w *world) again() *world {
	w.t.Helper()
	other := *w
	other.dir, other.cache = w.t.TempDir(), w.newCache()
	other.options.Store = other.cache
	var err error
	other.mount, err = fs.Mount(other.dir, other.options)
	check(w.t, err)
	return &other
}

// remount is the same mount in another process's life: nothing is kept but what is on disk. between, if there is one, is called
// while nothing is mounted.
func (w *world) remount(between ...func()) {
	w.t.Helper()
	w.unmount()
	w.cache.Close()
	for _, f := range between {
		f()
	}
	w.cache = w.newCache()
	w.options.Store = w.cache
	var err error
	w.mount, err = fs.Mount(w.dir, w.options)
	check(w.t, err)
}

func (w *world) unmount() {
	err := w.mount.Unmount()
	if errors.Is(err, fs.ErrBusy) {
		w.t.Errorf("the test left the mount busy: %v", err)
		err = w.mount.UnmountLazy()
	}
	if err != nil {
		w.t.Error(err)
		return
	}
	w.mount.Wait()
}

// requireMount skips the test, visibly, where nothing can be mounted, and
// fails it where mounting is required.
func requireMount(t testing.TB) {
	t.Helper()
	dir := t.TempDir()
	s, err := fs.Mount(dir, fs.Options{Store: cache.New(nil, cache.Options{})})
	if err == nil {
		check(t, s.Unmount())
		s.Wait()
		return
	}
	if os.Getenv("ECSFS_REQUIRE_MOUNT") == "1" {
		t.Fatalf("ECSFS_REQUIRE_MOUNT=1: %v", err)
	}
	t.Skipf("no mount here: %v", err)
}

func (w *world) put(key, data string, metadata ...string) {
	w.t.Helper()
	m := map[string]string{}
	for i := 0; i+1 < len(metadata); i += 2 {
		m[metadata[i]] = metadata[i+1]
	}
	check(w.t, w.ecs.PutObject("b", key, []byte(data), ecstest.PutOptions{Metadata: m, LastModified: w.clock.Now().Add(-time.Hour)}))
}

// sh runs a shell script in another process, with $M the mount, and returns
// what it printed on both channels. It must end with status 0.
func (w *world) sh(script string) string {
	w.t.Helper()
	out, err := w.tryShell("sh", script)
	if err != nil {
		w.t.Fatalf("%s\n%s%v", script, out, err)
	}
	return out
}

// shFails is sh for a script that must end with another status.
func (w *world) shFails(script string) string {
	w.t.Helper()
	out, err := w.tryShell("sh", script)
	if err == nil {
		w.t.Fatalf("%s\n%sended with status 0", script, out)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		w.t.Fatalf("%s\n%s%v", script, out, err)
	}
	return out
}

func (w *world) tryShell(shell, script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := w.command(ctx, shell, "-c", script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// python runs a Python program as sh runs a script.
func (w *world) python(program string) string {
	w.t.Helper()
	out, err := w.tryShell("python3", program)
	if errors.Is(err, exec.ErrNotFound) {
		w.t.Skip("no python3 here")
	}
	if err != nil {
		w.t.Fatalf("%s\n%s%v", program, out, err)
	}
	return out
}

// command returns a command that may touch the mount. Its directory is not in
// the mount: the child would enter it before exec, while this process waits for it.
func (w *world) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = w.scratch
	cmd.Env = append(os.Environ(), "M="+w.dir, "B="+w.dir+"/b", "LC_ALL=C.UTF-8", "TZ=UTC")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// requests returns what was asked of the store since it was called last, as
// "Operation=count", ordered; "" for nothing.
func (w *world) requests() string {
	counts := w.ecs.Counts()
	w.ecs.ResetRequests()
	var b strings.Builder
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, " %s=%d", op, counts[op])
	}
	return strings.TrimPrefix(b.String(), " ")
}

func (w *world) wantRequests(what, want string) {
	w.t.Helper()
	if got := w.requests(); got != want {
		w.t.Errorf("%s asked the store for %q, want %q", what, got, want)
	}
}

// wantLists wants n ListObjects and nothing else but a HEAD for the folder's
// own name: that is asked for at the same time, and given up when the list tells first.
func (w *world) wantLists(what string, n int) {
	w.t.Helper()
	want := fmt.Sprintf("ListObjects=%d", n)
	if got := w.requests(); got != want && got != "HeadObject=1 "+want {
		w.t.Errorf("%s asked the store for %q, want %q and at most one HEAD", what, got, want)
	}
}

func (w *world) want(script, want string) {
	w.t.Helper()
	if got := w.sh(script); got != want {
		w.t.Errorf("%s\nprinted %q\nwant    %q", script, got, want)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is a clock that a test moves. No two looks at it are the same, as on a
// real one.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logBuffer is a log that is shown when a test fails.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func writeFile(name string, data []byte) error { return os.WriteFile(name, data, 0o600) }
