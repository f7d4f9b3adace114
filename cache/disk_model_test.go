package cache

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"pgregory.net/rapid"
)

// put writes the blocks of an object and waits until they are written or dropped.
func (d *Disk) put(ref search.Ref, data []byte) {
	var wg sync.WaitGroup
	for i := int64(0); i*d.opt.BlockSize < ref.Size; i++ {
		wg.Add(1)
		d.write(diskKey(ref, i), data[i*d.opt.BlockSize:min((i+1)*d.opt.BlockSize, ref.Size)], wg.Done)
		wg.Wait() // so that the queue is never full
	}
}

// get reads the blocks of an object, and returns which there are, 0 or 1 for each, and an error for one with wrong bytes.
func (d *Disk) get(ref search.Ref, data []byte) (there []int64, err error) {
	for i := int64(0); i*d.opt.BlockSize < ref.Size; i++ {
		want := data[i*d.opt.BlockSize : min((i+1)*d.opt.BlockSize, ref.Size)]
		p := make([]byte, len(want))
		ok := d.read(diskKey(ref, i), p)
		if ok && !bytes.Equal(p, want) {
			return nil, fmt.Errorf("%s: wrong bytes in block %d", ref.Key, i)
		}
		there = append(there, count(ok))
	}
	return there, nil
}

// waitFor waits until f is true.
func waitFor(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
	}
}

// diskFiles returns the paths of all files of objects below dir, and what is allocated for them, but for what is removed meanwhile.
func diskFiles(t fataler, dir string) (files []string, allocated int64) {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && (e.IsDir() || e.Name() == lockName) {
			return nil
		}
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		files = append(files, path)
		allocated += pages(info.Sys().(*syscall.Stat_t).Blocks*512) * pageBytes
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, allocated
}

type fataler interface{ Fatal(...any) }

// check holds the index to its invariants.
func (x *diskIndex) check(t fataler) {
	x.mu.Lock()
	defer x.mu.Unlock()
	sum := x.reserved
	n := 0
	for i := x.items[0].older; i != 0; i = x.items[i].older {
		it := &x.items[i]
		if x.items[it.older].newer != i || x.byName[it.name] != i {
			t.Fatal("the ring of the index is broken at", i)
		}
		sum += int64(it.pages)
		n++
	}
	if sum != x.pages || n != len(x.byName) || n+len(x.free)+1 != len(x.items) {
		t.Fatal(fmt.Sprintf("the index counts %d pages in %d items (%d free of %d), and has %d in %d", x.pages, len(x.byName), len(x.free), len(x.items), sum, n))
	}
	// A file system may allocate a page more for a file than the file has: it is counted when it is there.
	if x.pages > x.maxPages+4 && x.complete {
		t.Fatal(fmt.Sprintf("%d pages are more than %d", x.pages, x.maxPages))
	}
}

// copyDir copies a directory with the holes in its files, as it is while others write to it.
func copyDir(t fataler, to, from string) {
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Random calls, restarts, crashes and damages: what is read is what was written, what
// was written and neither damaged nor evicted is there, and the disk holds what the index counts.
func TestDiskRandomCalls(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { randomDiskCalls(t, rt) })
}

func randomDiskCalls(t *testing.T, rt *rapid.T) {
	top, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	clock := newHandClock(time.Now().Add(-time.Hour))
	o := DiskOptions{
		Dir: filepath.Join(top, "0"), Store: "store", BlockSize: 8 << 10, Now: clock.now,
		Size: int64(rapid.SampledFrom([]int{64 << 10, 400 << 10, 64 << 20}).Draw(rt, "size")),
	}
	d, err := OpenDisk(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { d.close() }()
	copies := 0

	// Objects of all sizes around a block and several; each name has two versions.
	type object struct {
		ref  search.Ref
		data []byte
	}
	var objects []object
	for i, size := range []int64{1, 100, 4096, 8191, 8192, 8193, 20_000, 40_960, 100_000} {
		for version := range 2 {
			ref, data := diskRef(fmt.Sprint("object ", i, version), size)
			ref.Key = fmt.Sprint("object ", i)
			objects = append(objects, object{ref, data})
		}
	}
	draw := func() object { return objects[rapid.IntRange(0, len(objects)-1).Draw(rt, "object")] }
	// By ETag: every block was written, and nothing happened since. That takes an
	// object that was read since the last damage: before that, nobody knows that it is damaged.
	certain, read, damaged, ever := map[string]bool{}, map[string]bool{}, false, false
	lost := func() {
		if d.count.evictions.Load()+d.count.dropped.Load() > 0 {
			clear(certain)
			d.count.evictions.Store(0)
			d.count.dropped.Store(0)
		}
	}
	reopen := func() {
		if damaged { // to the files of what was open, perhaps
			clear(certain)
			clear(read)
		}
		if d, err = OpenDisk(o); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "wait for the scan") {
			waitFor(t, "the scan", d.index.isComplete)
			files, allocated := diskFiles(t, o.Dir)
			if _, bytes := d.index.usage(); bytes != allocated {
				rt.Fatal("the index counts", bytes, "bytes, and the files have", allocated, files)
			}
		}
		damaged = false
	}
	rt.Repeat(map[string]func(*rapid.T){
		"": func(rt *rapid.T) {
			d.index.check(rt)
			if d.index.isComplete() {
				if _, bytes := d.index.usage(); bytes > o.Size+4*pageBytes {
					rt.Fatal("above the limit:", bytes)
				}
			}
			clock.advance(time.Second)
		},
		"put": func(rt *rapid.T) {
			o := draw()
			d.put(o.ref, o.data)
			certain[o.ref.ETag] = !ever || read[o.ref.ETag]
			lost()
		},
		"put a block": func(rt *rapid.T) {
			o := draw()
			i := rapid.Int64Range(0, (o.ref.Size-1)/d.opt.BlockSize).Draw(rt, "block")
			written := make(chan struct{})
			d.write(diskKey(o.ref, i), o.data[i*d.opt.BlockSize:min((i+1)*d.opt.BlockSize, o.ref.Size)], func() { close(written) })
			<-written
			lost()
		},
		"get": func(rt *rapid.T) {
			o := draw()
			has := d.has(diskKey(o.ref, 0))
			there, err := d.get(o.ref, o.data)
			if err != nil {
				rt.Fatal(err)
			}
			read[o.ref.ETag] = true
			if certain[o.ref.ETag] && (slices.Contains(there, 0) || !has) {
				rt.Fatal("not there:", o.ref, there, has)
			}
		},
		"back": func(rt *rapid.T) {
			o := draw()
			fd, release, ok := d.backing(o.ref)
			if !ok {
				return
			}
			defer release()
			if damaged { // after it was checked, perhaps: such bytes are given, as those of any local file
				return
			}
			got := make([]byte, o.ref.Size+1)
			if n, err := preadFull(fd, got, 0); err != nil || !bytes.Equal(got[:n], o.data) {
				rt.Fatal("backed by other bytes:", n, err)
			}
		},
		"restart": func(rt *rapid.T) {
			d.close()
			reopen()
			lost()
		},
		"crash": func(rt *rapid.T) {
			copies++
			to := filepath.Join(top, fmt.Sprint(copies))
			copyDir(t, to, o.Dir)
			d.close()
			o.Dir = to
			reopen()
			lost()
		},
		"damage": func(rt *rapid.T) {
			clear(certain)
			clear(read)
			damaged, ever = true, true
			waitFor(t, "the scan", d.index.isComplete) // it removes files
			files, _ := diskFiles(t, o.Dir)
			if len(files) == 0 {
				return
			}
			path := files[rapid.IntRange(0, len(files)-1).Draw(rt, "file")]
			info, err := os.Stat(path)
			if err != nil || info.Size() == 0 {
				return
			}
			at := rapid.Int64Range(0, info.Size()-1).Draw(rt, "at")
			switch rapid.SampledFrom([]string{"flip", "truncate", "remove", "extend", "swap"}).Draw(rt, "how") {
			case "flip":
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				var b [1]byte
				if _, err := f.ReadAt(b[:], at); err != nil {
					t.Fatal(err)
				}
				b[0] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
				if _, err := f.WriteAt(b[:], at); err != nil {
					t.Fatal(err)
				}
				return
			case "truncate":
				err = os.Truncate(path, at)
			case "remove":
				err = os.Remove(path)
			case "extend":
				err = os.Truncate(path, info.Size()+at)
			case "swap":
				other := files[rapid.IntRange(0, len(files)-1).Draw(rt, "other")]
				data, readErr := os.ReadFile(path)
				if readErr != nil {
					t.Fatal(readErr)
				}
				err = os.WriteFile(other, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	})
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// handClock is a clock that is set by hand.
type handClock struct{ nanos atomic.Int64 }

func newHandClock(t time.Time) *handClock {
	c := &handClock{}
	c.nanos.Store(t.UnixNano())
	return c
}

func (c *handClock) now() time.Time { return time.Unix(0, c.nanos.Load()) }

func (c *handClock) advance(d time.Duration) { c.nanos.Add(int64(d)) }
