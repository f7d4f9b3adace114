package cache

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search"
)

// Promise 12: whatever state a crash leaves, at any time during writes, what is read is right, and the next start cleans up.
func TestPromise12DiskAfterACrash(t *testing.T) {
	top := t.TempDir()
	o := DiskOptions{Dir: filepath.Join(top, "live"), Size: 1 << 20, BlockSize: pageBytes}
	d := mustOpenDisk(t, o)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					d.putAll(fmt.Sprint("object ", i%40), int64(1+(i+w)%2*5000+i%40*300))
				}
			}
		})
	}
	for i := range 5 {
		waitFor(t, "writes", func() bool { return d.count.written.Load() > int64(i)*100_000 })
		crashed := o
		crashed.Dir = filepath.Join(top, fmt.Sprint("crashed ", i))
		copyDir(t, crashed.Dir, o.Dir)
		c := mustOpenDisk(t, crashed)
		files, allocated := diskFiles(t, crashed.Dir)
		for _, path := range files {
			if strings.HasSuffix(path, tempSuffix) {
				t.Error("left:", path)
			}
		}
		if _, bytes := c.index.usage(); bytes != allocated {
			t.Errorf("the index counts %d bytes, and there are %d in %v", bytes, allocated, files)
		}
		for i := range 40 {
			for w := range 2 {
				c.hasAll(t, fmt.Sprint("object ", i), int64(1+w*5000+i*300)) // fails for wrong bytes
			}
		}
		c.close()
	}
	close(stop)
	writers.Wait()
}

// Readers, writers, those who back files and evictions at once, of few objects and with little room: bytes are right.
func TestDiskConcurrent(t *testing.T) {
	d := mustOpenDisk(t, DiskOptions{Size: 20 * pageBytes, BlockSize: pageBytes})
	names, size := 12, func(i int) int64 { return int64(1 + i%5*3000) }
	deadline := time.Now().Add(500 * time.Millisecond)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := g; time.Now().Before(deadline); i++ {
				ref, data := diskRef(fmt.Sprint("object ", i*(g+1)%names), size(i*(g+1)%names))
				switch g % 4 {
				case 0, 1:
					d.put(ref, data)
				case 2:
					if _, err := d.get(ref, data); err != nil {
						t.Error(err)
					}
				default:
					fd, release, ok := d.backing(ref)
					if !ok {
						continue
					}
					p := make([]byte, ref.Size+1)
					if n, err := preadFull(fd, p, 0); err != nil || !bytes.Equal(p[:n], data) {
						t.Errorf("%s is backed by other bytes: %d %v", ref.Key, n, err)
					}
					release()
				}
			}
		})
	}
	all.Wait()
	d.index.check(t)
	counters := d.counters()
	if counter(t, counters, "disk_hits") == 0 || counter(t, counters, "disk_evictions") == 0 {
		t.Error("nothing was found, or nothing evicted:", counters)
	}
	if n := counter(t, counters, "disk_damaged") + counter(t, counters, "disk_errors"); n > 0 {
		t.Errorf("%d damages and errors", n)
	}
	dir := d.opt.Dir
	_, bytes := d.index.usage()
	d.close()
	if _, allocated := diskFiles(t, dir); allocated != bytes {
		t.Errorf("the index counts %d bytes, the files have %d", bytes, allocated)
	}
}

// What a killed process leaves is removed; what is not ours is left alone. So is the cache of another store, for a month.
func TestPromise12DiskCleansUp(t *testing.T) {
	dir := t.TempDir()
	clock := newHandClock(time.Now())
	mustOpenDisk(t, DiskOptions{Dir: dir, Store: "other", Now: clock.now}).close()
	used := mustOpenDisk(t, DiskOptions{Dir: dir, Store: "in use", Now: clock.now})
	d := mustOpenDisk(t, DiskOptions{Dir: dir, Now: clock.now, BlockSize: pageBytes})
	d.putAll("kept", 5*pageBytes)
	d.putAll("small", 10)
	d.putAll("half", 5*pageBytes)
	d.close()
	store := filepath.Join(dir, diskVersion, fmt.Sprintf("%x", d.store))
	ref, _ := diskRef("half", 5*pageBytes)
	half := d.header(diskKey(ref, 0)).name
	if err := os.Remove(filepath.Join(store, half.path(tableSuffix))); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(store, "ab")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	junk := []string{strings.Repeat("c", 30) + tempSuffix, strings.Repeat("d", 30) + tableSuffix, strings.Repeat("e", 30) + dataSuffix}
	for _, name := range append(junk, "README", strings.Repeat("f", 30)+".x") {
		if err := os.WriteFile(filepath.Join(sub, name), []byte("junk"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d = mustOpenDisk(t, DiskOptions{Dir: dir, Now: clock.now, BlockSize: pageBytes})
	for _, name := range junk {
		if _, err := os.Stat(filepath.Join(sub, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(store, half.path(dataSuffix))); !os.IsNotExist(err) {
		t.Errorf("data without a table is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(sub, "README")); err != nil {
		t.Errorf("a file of someone else: %v", err)
	}
	if !d.hasAll(t, "kept", 5*pageBytes) || !d.hasAll(t, "small", 10) {
		t.Error("what was whole is gone")
	}
	stores := func() int {
		all, err := os.ReadDir(filepath.Join(dir, diskVersion))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	d.close()
	if n := stores(); n != 3 {
		t.Errorf("%d stores, want 3", n)
	}
	clock.advance(unusedFor + time.Minute)
	mustOpenDisk(t, DiskOptions{Dir: dir, Now: clock.now}).close() // which waits for the cleaning
	if n := stores(); n != 2 {
		t.Errorf("%d stores, want the one that is in use and the one that was opened", n)
	}
	used.close()
}

// A directory that is removed under our feet makes reads go to the store, and says so once a minute.
func TestDiskRemovedUnderOurFeet(t *testing.T) {
	dir, logged := t.TempDir(), new(strings.Builder)
	clock := newHandClock(time.Now())
	d := mustOpenDisk(t, DiskOptions{Dir: dir, BlockSize: pageBytes, Now: clock.now, Logger: textLogger(logged)})
	d.putAll("small", 10)
	d.putAll("large", 3*pageBytes)
	if err := os.RemoveAll(filepath.Join(dir, diskVersion)); err != nil {
		t.Fatal(err)
	}
	if d.hasAll(t, "small", 10) {
		t.Error("a file that was removed is there")
	}
	if !d.hasAll(t, "large", 3*pageBytes) {
		t.Error("a file that is open is not readable")
	}
	for range 5 {
		d.putAll("new", 10)
		d.putAll("larger", 5*pageBytes)
	}
	if d.hasAll(t, "new", 10) || d.hasAll(t, "larger", 5*pageBytes) {
		t.Error("something was written to nowhere")
	}
	if n := strings.Count(logged.String(), "\n"); n != 1 {
		t.Errorf("%d lines are logged: %s", n, logged)
	}
	if counter(t, d.counters(), "disk_errors") != 1 || !d.paused() {
		t.Error("after an error the disk is not left alone")
	}
	clock.advance(pauseAfterError)
	if d.paused() {
		t.Error("the disk is left alone for ever")
	}
}

// Promise 7: a full file system fails no read, and space is left to others.
func TestPromise7DiskIsFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for a file system of its own that can be filled")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700"); err != nil {
		if os.Getenv("ECSFS_REQUIRE_MOUNT") != "" {
			t.Fatal(err)
		}
		t.Skip("needs a tmpfs, for a file system that can be filled; no mount is possible here: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	clock := newHandClock(time.Now())
	d := mustOpenDisk(t, DiskOptions{Dir: filepath.Join(dir, "cache"), Size: 1 << 30, BlockSize: 64 << 10, Now: clock.now})
	fill := func() {
		for i := range 100 {
			clock.advance(freeEvery)
			d.putAll(fmt.Sprint("object ", i), int64(1+i%3*60_000))
			if !d.hasAll(t, fmt.Sprint("object ", i), int64(1+i%3*60_000)) && !d.paused() {
				t.Errorf("object %d is not there", i)
			}
		}
	}
	fill()
	free, total, err := d.statfs()
	if err != nil || free < total/keepFreePart-2*pageBytes {
		t.Errorf("%d of %d bytes are free: %v", free, total, err)
	}
	if counter(t, d.counters(), "disk_evictions") == 0 || counter(t, d.counters(), "disk_errors") > 0 {
		t.Error("no room was made, or too late:", d.counters())
	}

	// Others fill it up: all goes, nothing fails.
	other := filepath.Join(dir, "other")
	f, err := os.Create(other)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 0; n < 1000; n++ {
		if _, err := f.Write(make([]byte, pageBytes)); err != nil {
			break
		}
	}
	fill()
	d.index.check(t)
	if free, _, err := d.statfs(); err != nil || free < total/keepFreePart-2*pageBytes {
		t.Errorf("%d of %d bytes are free for others: %v", free, total, err)
	}
	// There is room again.
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	f.Close()
	clock.advance(time.Minute)
	d.putAll("again", 200_000)
	if !d.hasAll(t, "again", 200_000) {
		t.Error("nothing is written although there is room")
	}

	// A disk that is full all at once, unforeseen: a write fails, no read does.
	d.roomMu.Lock()
	d.space.asked, d.space.free, d.space.written, d.space.keep = clock.now(), 1<<40, 0, 0
	d.roomMu.Unlock()
	errorsBefore := d.count.errors.Load()
	for i := range 100 { // the clock stands still: nobody asks what is free
		d.putAll(fmt.Sprint("more ", i), 100_000)
		d.hasAll(t, fmt.Sprint("more ", i), 100_000)
	}
	if d.count.errors.Load() == errorsBefore || !d.paused() {
		t.Error("the disk was never full:", d.counters())
	}
	d.index.check(t)
}

// What somebody put in the place of a file costs that one object, and nothing else stops being kept.
func TestDiskWithSomethingInTheWay(t *testing.T) {
	o := DiskOptions{Dir: t.TempDir(), BlockSize: pageBytes}
	d := mustOpenDisk(t, o)
	d.putAll("in the way", 10)
	d.close()
	files, _ := diskFiles(t, o.Dir)
	for _, path := range files {
		if strings.HasSuffix(path, wholeSuffix) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	d = mustOpenDisk(t, o)
	d.putAll("in the way", 10)
	d.putAll("another", 10)
	if d.hasAll(t, "in the way", 10) || !d.hasAll(t, "another", 10) || d.paused() {
		t.Error("a directory in the place of a file stops what is written beside it")
	}
}

// An object with more blocks than a table may have is not kept, nor is a table made for it when it is asked for: while the scan
// runs, nothing but its size tells.
func TestDiskHugeObject(t *testing.T) {
	d := mustOpenDisk(t, DiskOptions{BlockSize: pageBytes})
	d.index.mu.Lock()
	d.index.complete = false
	d.index.mu.Unlock()
	for _, size := range []int64{maxTableBlocks*pageBytes + 1, math.MaxInt64} {
		ref := search.Ref{Bucket: "b", Key: "huge", ETag: "e", Size: size}
		done := false
		d.write(diskKey(ref, 0), make([]byte, pageBytes), func() { done = true })
		if _, _, backed := d.backing(ref); backed || d.has(diskKey(ref, 0)) || d.read(diskKey(ref, 0), make([]byte, pageBytes)) {
			t.Errorf("%d bytes: something is there", size)
		}
		if !done {
			t.Errorf("%d bytes: the block waits to be written", size)
		}
	}
}
