package fs_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/fs"
)

// wantMountError mounts at dir, which must fail for this reason and leave
// nothing behind.
func wantMountError(t *testing.T, dir string, o fs.Options, reason string) {
	t.Helper()
	before := mounts(t)
	s, err := fs.Mount(dir, o)
	if err == nil {
		s.Unmount()
		t.Fatalf("%s was mounted", dir)
	}
	if e, ok := errors.AsType[*fs.Error](err); !ok || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "\n") || e.Op != "mount" {
		t.Errorf("mounting at %s: %v; want %q", dir, err, reason)
	}
	if after := mounts(t); after != before {
		t.Errorf("mounts before\n%s\nand after\n%s", before, after)
	}
}

func mounts(t *testing.T) string {
	out, err := os.ReadFile("/proc/self/mounts")
	check(t, err)
	var fuse []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "fuse.ecsfs") {
			fuse = append(fuse, line)
		}
	}
	return strings.Join(fuse, "")
}

func TestMountErrors(t *testing.T) {
	w := newWorld(t, setup{})
	o := fs.Options{Store: w.cache}
	dir := t.TempDir()
	check(t, writeFile(dir+"/file", nil))
	check(t, os.Symlink(w.dir, dir+"/link"))
	wantMountError(t, dir+"/nosuch", o, "there is no such directory")
	wantMountError(t, dir+"/nosuch/deeper", o, "there is no such directory")
	wantMountError(t, dir+"/file", o, "not a directory")
	wantMountError(t, dir+"/file/below", o, "not a directory")
	wantMountError(t, dir, o, "not empty")
	wantMountError(t, w.dir, o, "already mounted: "+w.ecs.URL)
	wantMountError(t, dir+"/link", o, "already mounted")
	w.want(`ls $M`, "b\n")
}

// A mount is at the absolute path of what was named, through symbolic links
// and names with blanks.
func TestMountByOtherNames(t *testing.T) {
	requireMount(t)
	dir := t.TempDir()
	real := filepath.Join(dir, "a b\tc")
	check(t, os.Mkdir(real, 0o700))
	check(t, os.Symlink(real, dir+"/link"))
	t.Chdir(dir)
	for _, name := range []string{"link", "a b\tc", dir + "/../" + filepath.Base(dir) + "/link/"} {
		s, err := fs.Mount(name, fs.Options{Store: cache.New(nil, cache.Options{})})
		check(t, err)
		if s.Dir() != real {
			t.Errorf("%q is mounted at %q, want %q", name, s.Dir(), real)
		}
		check(t, s.Unmount())
		check(t, s.Unmount()) // no error a second time
		s.Wait()
	}
}

// A busy mount says so; taken out lazily, what is open in it still works.
func TestUnmountBusy(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "bytes", "color", "red")
	c := w.converse(`
import os, sys
f = open(os.environ["B"] + "/a"); print("open", flush=True)
sys.stdin.readline()
print(f.read(), flush=True)
`)
	c.expect("open")
	err := w.mount.Unmount()
	if !errors.Is(err, fs.ErrBusy) || !strings.Contains(err.Error(), "fuser") {
		t.Fatalf("unmounting a busy mount: %v", err)
	}
	check(t, w.mount.UnmountLazy())
	if strings.Contains(mounts(t), w.dir) {
		t.Error("it is still in the tree")
	}
	c.say("read")
	c.expect("bytes")
	w.mount.Wait()
}

// Somebody else may unmount.
func TestUnmountedFromOutside(t *testing.T) {
	w := newWorld(t, setup{})
	w.sh(`umount $M || fusermount3 -u $M`)
	w.mount.Wait()
	check(t, w.mount.Unmount())
	check(t, w.mount.UnmountLazy())
}

// Environment of the test binary that is a mount of its own: it serves the
// directory until it is killed.
const serveEnv = "ECSFS_TEST_SERVE"

func serveUntilKilled(dir string) {
	s, err := fs.Mount(dir, fs.Options{Store: cache.New(nil, cache.Options{}), FsName: "a test's"})
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("mounted\n")
	s.Wait()
}

// A mount whose process was killed is found and replaced.
func TestDeadMountIsReplaced(t *testing.T) {
	requireMount(t)
	dir := t.TempDir()
	exe, err := os.Executable()
	check(t, err)
	dead := exec.Command(exe)
	dead.Env = append(os.Environ(), serveEnv+"="+dir)
	out, err := dead.StdoutPipe()
	check(t, err)
	check(t, dead.Start())
	line := make([]byte, 100)
	if n, _ := out.Read(line); string(line[:n]) != "mounted\n" {
		t.Fatalf("the other mount said %q", line[:n])
	}
	wantMountError(t, dir, fs.Options{Store: cache.New(nil, cache.Options{})}, "already mounted: a test's is there")
	check(t, dead.Process.Kill())
	dead.Wait()
	if !strings.Contains(mounts(t), dir) {
		t.Fatal("the dead mount is gone by itself")
	}
	s, err := fs.Mount(dir, fs.Options{Store: cache.New(nil, cache.Options{})})
	check(t, err)
	if n := strings.Count(mounts(t), dir); n != 1 {
		t.Errorf("%d mounts at the directory", n)
	}
	check(t, s.Unmount())
	s.Wait()
}

// As one who is not root: the mount goes through fusermount3.
func TestMountErrorsOfOthers(t *testing.T) {
	requireMount(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can become someone else")
	}
	exe, err := os.Executable()
	check(t, err)
	dir := filepath.Join("/tmp", filepath.Base(t.TempDir())+"-ecsfs-other")
	check(t, os.Mkdir(dir, 0o777))
	t.Cleanup(func() { os.Remove(dir) })
	check(t, os.Chmod(dir, 0o777))
	copied := dir + ".test" // what go test builds is in a directory of root's
	data, err := os.ReadFile(exe)
	check(t, err)
	check(t, os.WriteFile(copied, data, 0o755))
	t.Cleanup(func() { os.Remove(copied) })
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "PATH=/nonexistent", serveEnv+"="+dir, copied)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no setpriv here")
	}
	device, statErr := os.Stat("/dev/fuse")
	check(t, statErr)
	want := "only root can mount without fusermount3 (install the package fuse3)"
	if device.Mode().Perm()&0o006 != 0o006 {
		want = "/dev/fuse cannot be opened: permission denied"
	}
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("mounting as nobody: %v, %s; want %q", err, out, want)
	}
}
