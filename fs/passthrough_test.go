package fs_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// backedStore is a store some of whose files have a local file behind them, with other bytes than the
// object, so that a reader tells which of both it has.
type backedStore struct {
	fs.Store
	local  *os.File
	backed *atomic.Bool
}

func (s backedStore) OpenFile(ctx context.Context, ref search.Ref) (search.File, error) {
	f, err := s.Store.OpenFile(ctx, ref)
	return backedFile{f, s}, err
}

type backedFile struct {
	search.File
	store backedStore
}

func (f backedFile) Backing() (fd int, ok bool) {
	return int(f.store.local.Fd()), f.store.backed.Load()
}

// newBackedWorld returns a world with a file "a" that reads "store" through the mount and "local" from behind it.
func newBackedWorld(t *testing.T) (*world, *atomic.Bool) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may let the kernel read a file from behind the mount")
	}
	local, err := os.Create(t.TempDir() + "/local")
	check(t, err)
	t.Cleanup(func() { local.Close() })
	_, err = local.WriteString("local")
	check(t, err)
	var in unix.Statfs_t
	check(t, unix.Fstatfs(int(local.Fd()), &in))
	var major, minor int
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	check(t, err)
	if _, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor); err != nil || major < 6 || major == 6 && minor < 9 {
		t.Skipf("passthrough is of Linux 6.9 and later, this is %s", release)
	}
	if in.Type == unix.OVERLAYFS_SUPER_MAGIC || in.Type == unix.FUSE_SUPER_MAGIC {
		t.Skip("the kernel passes nothing through to a file system that is stacked on another, as the temporary directory is")
	}
	backed := new(atomic.Bool)
	w := newWorld(t, setup{now: time.Now(), mount: func(o *fs.Options) { o.Store = backedStore{o.Store, local, backed} }})
	w.put("a", "store", "color", "red")
	return w, backed
}

// The first open of a file says whether it is read from behind the mount, and all opens beside it are as it is: the
// kernel refuses others.
func TestPassthroughIsChosenAtTheFirstOpen(t *testing.T) {
	w, backed := newBackedWorld(t)
	holder := newAgent(w)
	hold := func() string {
		t.Helper()
		if errno := holder.do("hold", "a").Errno; errno != "" {
			t.Fatal(errno)
		}
		return string(holder.call(agentCall{Op: "held"}).Data)
	}
	release := func() { holder.do("hold", "nothing"); w.clock.advance(time.Second) }

	if got := hold(); got != "s" {
		t.Errorf("a file without one is read as %q", got)
	}
	backed.Store(true)
	w.want(`cat $B/a; cat $B/color,eq,red/a`, "storestore") // beside a cached open
	release()
	w.want(`cat $B/a`, "local")
	if got := hold(); got != "l" {
		t.Errorf("a file with one is read as %q", got)
	}
	backed.Store(false)
	w.want(`cat $B/a; cat $B/color,eq,red/a`, "locallocal") // beside one passed through
	release()
	w.want(`cat $B/a`, "store")
	backed.Store(true)
	w.want(`cat $B/a`, "store") // closed a moment ago: go-fuse may not have counted it off
}

// Whatever comes between the opens and closes of several processes, each of them can be read.
func TestPassthroughBesideOthers(t *testing.T) {
	w, backed := newBackedWorld(t)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				backed.Store(!backed.Load())
			}
		}
	}()
	for range 10 {
		out := w.sh(`cd $B; for p in 1 2 3 4; do (i=0; while [ $i -lt 20 ]; do i=$((i+1)); cat a color,eq,red/a; echo; done) & done; wait`)
		// What they print is mixed, five bytes at a time.
		if rest := strings.NewReplacer("store", "", "local", "", "\n", "").Replace(out); rest != "" || len(out) != 4*20*11 {
			t.Errorf("cat said %d bytes, among them %q", len(out), rest)
		}
		w.clock.advance(time.Second)
	}
	close(stop)
	<-done
}
