package cache

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search"
)

// hasAll reports whether all blocks of an object are there, and right.
func (d *Disk) hasAll(t testing.TB, name string, size int64) bool {
	t.Helper()
	ref, data := diskRef(name, size)
	there, err := d.get(ref, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, ok := range there {
		if ok == 0 {
			return false
		}
	}
	return true
}

func (d *Disk) putAll(name string, size int64) {
	d.put(diskRef(name, size))
}

func counter(t testing.TB, all []search.Counter, name string) int64 {
	t.Helper()
	for _, c := range all {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatal("no counter", name)
	return 0
}

// A Cache over a disk fetches each block once, over restarts, and blocks of another version, store or size of block never.
func TestDiskBelowACache(t *testing.T) {
	st, dir := newStore(10), t.TempDir()
	read := func(store string, ref search.Ref, blockSize int64) string {
		t.Helper()
		c := New(st, Options{BlockSize: blockSize, Disk: mustOpenDisk(t, DiskOptions{Dir: dir, Store: store, BlockSize: blockSize})})
		defer c.Close()
		p := make([]byte, ref.Size)
		if _, err := c.ReadRange(t.Context(), ref, p, 0); err != nil {
			t.Fatal(err)
		}
		return string(p)
	}
	large := strings.Repeat("0123456789", 1000)
	small, big := st.put("b", "small", "text"), st.put("b", "big", large)
	for range 2 {
		for ref, want := range map[search.Ref]string{small: "text", big: large} {
			if got := read("one", ref, 4096); got != want {
				t.Errorf("%s: %q", ref.Key, got)
			}
		}
	}
	if n := st.count("read"); n != 1+3 {
		t.Errorf("%d requests, want 1 for the small object and 3 for the blocks of the big one", n)
	}
	before := st.count("read")
	read("two", small, 4096)
	read("one", small, 8192)
	changed := st.put("b", "small", "TEXT")
	if got := read("one", changed, 4096); got != "TEXT" {
		t.Errorf("after a change: %q", got)
	}
	if n := st.count("read") - before; n != 3 {
		t.Errorf("%d requests for another store, another size of block and another version, want 3", n)
	}
}

// What was used longest ago goes first, also when that was before a restart.
func TestDiskEvictsTheOldest(t *testing.T) {
	clock := newHandClock(time.Now()) // which file times are of
	o := DiskOptions{Dir: t.TempDir(), Size: 40 * pageBytes, BlockSize: pageBytes, Now: clock.now}
	d := mustOpenDisk(t, o)
	// Each takes 8 pages: 7 blocks and the table. The disk has room for 5.
	const size = 7 * pageBytes
	for i := range 5 {
		d.putAll(fmt.Sprint(i), size)
		clock.advance(2 * time.Minute)
	}
	for _, i := range []string{"3", "0", "1"} {
		if !d.hasAll(t, i, size) {
			t.Errorf("%s is not there", i)
		}
		clock.advance(2 * time.Minute)
	}
	d.close()
	d = mustOpenDisk(t, o)
	d.putAll("5", size)
	d.putAll("6", size)
	for name, want := range map[string]bool{"2": false, "4": false, "0": true, "1": true, "5": true, "6": true} {
		h := d.header(diskKey(search.Ref{Bucket: "b", Key: name, ETag: fmt.Sprintf("%x", hashOf(name)), Size: size}, 0))
		if has, _ := d.index.has(h.name); has != want {
			t.Errorf("%s is there: %t", name, has)
		}
	}
	if got, limit := counter(t, d.counters(), "disk_bytes"), o.Size; got > limit || got < limit/2 {
		t.Errorf("%d bytes are kept, with a limit of %d", got, limit)
	}
	if counter(t, d.counters(), "disk_evictions") == 0 {
		t.Error("no eviction was counted")
	}
}

// An object may take half of the room: the beginning of one that is larger stays.
func TestDiskKeepsTheBeginning(t *testing.T) {
	d := mustOpenDisk(t, DiskOptions{Size: 64 * pageBytes, BlockSize: pageBytes})
	d.putAll("other", 4*pageBytes)
	d.putAll("huge", 1000*pageBytes)
	ref, data := diskRef("huge", 1000*pageBytes)
	there, err := d.get(ref, data)
	if err != nil {
		t.Fatal(err)
	}
	for i, ok := range there {
		if want := count(i < 25); ok != want && (i < 25 || i > 31) {
			t.Errorf("block %d: %d", i, ok)
		}
	}
	if !d.hasAll(t, "other", 4*pageBytes) {
		t.Error("a huge object pushed another one out")
	}
	if counter(t, d.counters(), "disk_dropped_writes") < 900 {
		t.Error("what was not kept is not counted")
	}
}

// The directory of a store is of one process at a time.
func TestDiskOfTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	d := mustOpenDisk(t, DiskOptions{Dir: dir, Store: "a"})
	if _, err := OpenDisk(DiskOptions{Dir: dir, Store: "a"}); !errors.Is(err, ErrDiskInUse) {
		t.Errorf("the second opening: %v", err)
	}
	mustOpenDisk(t, DiskOptions{Dir: dir, Store: "b"})
	d.close()
	d.close() // does nothing
	mustOpenDisk(t, DiskOptions{Dir: dir, Store: "a"})
}

// Promise 13: nobody else can look into the cache, or put anything there.
func TestPromise13DiskIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "er")
	old := unix.Umask(0)
	defer unix.Umask(old)
	d := mustOpenDisk(t, DiskOptions{Dir: dir})
	d.putAll("small", 10)
	d.putAll("large", 3<<20)
	files, _ := diskFiles(t, dir)
	if len(files) != 3 {
		t.Errorf("files: %v", files)
	}
	check := func(path string, want os.FileMode) {
		t.Helper()
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	for _, path := range files {
		check(path, 0o600)
		for path = filepath.Dir(path); path != filepath.Dir(dir); path = filepath.Dir(path) {
			check(path, 0o700)
		}
	}
	d.close()

	// What others may read is closed; what others may write is refused.
	version := filepath.Join(dir, diskVersion)
	if err := os.Chmod(version, 0o755); err != nil {
		t.Fatal(err)
	}
	mustOpenDisk(t, DiskOptions{Dir: dir}).close()
	check(version, 0o700)
	for _, path := range []string{dir, version, filepath.Dir(filepath.Dir(files[0]))} {
		for _, mode := range []os.FileMode{0o777, 0o770, 0o702} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenDisk(DiskOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), path+" can be written by others") {
				t.Errorf("%s with mode %o: %v", path, mode, err)
			}
		}
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// Within it, links are not followed.
	elsewhere := t.TempDir()
	if err := errors.Join(os.RemoveAll(version), os.Symlink(elsewhere, version)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDisk(DiskOptions{Dir: dir}); err == nil {
		t.Error("a link was followed")
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) > 0 {
		t.Error("something was written behind a link:", entries, err)
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Remove(version), os.Chown(dir, 12, 12)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenDisk(DiskOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "belongs to user 12") {
			t.Errorf("a directory of someone else: %v", err)
		}
	}
}

// A descriptor of an object's bytes is given once all of them were written or checked by this
// process, and keeps the object from being evicted.
func TestDiskBacking(t *testing.T) {
	o := DiskOptions{Dir: t.TempDir(), Size: 64 * pageBytes, BlockSize: pageBytes}
	d := mustOpenDisk(t, o)
	ref, data := diskRef("x", 5*pageBytes+1)
	read := func(fd int) []byte {
		t.Helper()
		p := make([]byte, ref.Size+1)
		n, err := preadFull(fd, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		return p[:n]
	}
	for i := range int64(6) {
		if _, _, ok := d.backing(ref); ok {
			t.Errorf("with %d of 6 blocks there is a file", i)
		}
		d.keep(diskWrite{diskKey(ref, i), data[i*pageBytes : min((i+1)*pageBytes, ref.Size)], func() {}})
	}
	fd, release, ok := d.backing(ref)
	if !ok || !bytes.Equal(read(fd), data) {
		t.Fatal("no file with all bytes, or with others")
	}
	release()
	release() // does nothing

	d.close()
	d = mustOpenDisk(t, o)
	p := make([]byte, pageBytes)
	for _, i := range []int64{3, 0, 1, 2, 4} {
		if !d.read(diskKey(ref, i), p) {
			t.Fatal("block", i, "is not there")
		}
		if _, _, ok := d.backing(ref); ok {
			t.Error("a file that this process has not checked to the end backs a file")
		}
	}
	d.read(diskKey(ref, 5), p[:1])
	fd, release, ok = d.backing(ref)
	if !ok {
		t.Fatal("no file after all of it was checked")
	}
	for i := range 30 {
		d.putAll(fmt.Sprint("other ", i), 7*pageBytes)
	}
	if !bytes.Equal(read(fd), data) || !d.has(diskKey(ref, 0)) {
		t.Error("a file in use was evicted")
	}
	release()
	for i := range 30 {
		d.putAll(fmt.Sprint("another ", i), 7*pageBytes)
	}
	if d.has(diskKey(ref, 0)) {
		t.Error("a file is kept for ever")
	}
	// Files that are removed all the same stay readable.
	d.putAll("x", ref.Size)
	fd, release, ok = d.backing(ref)
	if !ok {
		t.Fatal("no file")
	}
	h := d.header(diskKey(ref, 0))
	d.remove(h.name, true)
	d.close()
	if !bytes.Equal(read(fd), data) {
		t.Error("a file that was removed cannot be read by those who have it")
	}
	release()
	if small, _ := diskRef("small", 10); true {
		if _, _, ok := d.backing(small); ok {
			t.Error("a file after the end")
		}
	}
}

// A writer that waits makes nobody else wait: what is more than the queue holds is dropped, and its buffer given back.
func TestDiskDropsRatherThanWaits(t *testing.T) {
	d := mustOpenDisk(t, DiskOptions{})
	for i := range d.names {
		d.names[i].Lock() // no writer gets on
	}
	ref, data := diskRef("x", 1<<20)
	var given sync.WaitGroup
	const writes = 100
	for i := range writes {
		given.Add(1)
		ref.Key = fmt.Sprint(i)
		d.write(diskKey(ref, 0), data, given.Done)
	}
	if n := counter(t, d.counters(), "disk_queued_bytes"); n != maxQueuedBytes {
		t.Errorf("%d bytes wait", n)
	}
	if n := counter(t, d.counters(), "disk_dropped_writes"); n != writes-maxQueuedBytes>>20 {
		t.Errorf("%d writes were dropped", n)
	}
	for i := range d.names {
		d.names[i].Unlock()
	}
	given.Wait()
	if n := counter(t, d.counters(), "disk_items"); n != maxQueuedBytes>>20 {
		t.Errorf("%d objects were written", n)
	}
}

// So many objects at once keep few files open.
func TestDiskOpenFiles(t *testing.T) {
	d := mustOpenDisk(t, DiskOptions{BlockSize: pageBytes})
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := descriptors()
	for i := range 3 * maxOpenFiles {
		d.putAll(fmt.Sprint(i), 2*pageBytes)
	}
	if n := descriptors() - before; n > 3*maxOpenFiles+10 {
		t.Errorf("%d descriptors are open", n)
	}
	for i := range 3 * maxOpenFiles {
		if !d.hasAll(t, fmt.Sprint(i), 2*pageBytes) {
			t.Fatal(i, "is not there")
		}
	}
	d.close()
	if n := descriptors() - before; n > 5 {
		t.Errorf("%d descriptors are open after the end", n)
	}
}
