package cache

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// nameLocks is how many locks there are for what is made and removed: names share them.
const nameLocks = 64

// lockName keeps others from making and removing files of this name. It is taken before
// openFiles.mu and diskIndex.mu.
func (d *Disk) lockName(n diskName) *sync.Mutex {
	mu := &d.names[n[0]%nameLocks]
	mu.Lock()
	return mu
}

// again calls f until no signal interrupts it.
func again[T any](f func() (T, error)) (T, error) {
	for {
		v, err := f()
		if err != unix.EINTR {
			return v, err
		}
	}
}

// openFile opens a file of the cache. All paths are relative to a descriptor of the directory: what
// stands at its name later is never taken for it.
func (d *Disk) openFile(n diskName, suffix string, flags int) (int, error) {
	return again(func() (int, error) {
		return unix.Openat(d.dir, n.path(suffix), flags|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	})
}

// openDirect opens the data of a large object to be written past the page cache; -1 where that cannot be.
func (d *Disk) openDirect(n diskName) int {
	fd, err := d.openFile(n, dataSuffix, unix.O_WRONLY|unix.O_DIRECT)
	if err != nil {
		return -1
	}
	return fd
}

// createFile makes a file that its owner alone can read, empty, whatever was there.
func (d *Disk) createFile(n diskName, suffix string) (int, error) {
	create := func() (int, error) {
		return unix.Openat(d.dir, n.path(suffix), unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	}
	fd, err := again(create)
	if err != unix.ENOENT {
		return fd, err
	}
	if err := unix.Mkdirat(d.dir, n.dir(), 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, err
	}
	return again(create)
}

// unlink removes the files of a name; that they are not there is no error.
func (d *Disk) unlink(n diskName, large bool) {
	suffixes := []string{wholeSuffix}
	if large {
		suffixes = []string{tableSuffix, dataSuffix, tempSuffix} // without a table there is nothing
	}
	for _, suffix := range suffixes {
		// A file that stays is found to be damaged, or evicted, another time.
		_ = unix.Unlinkat(d.dir, n.path(suffix), 0)
	}
}

// remove forgets an object and removes its files. Who has them open keeps them.
func (d *Disk) remove(n diskName, large bool) bool {
	lock := d.lockName(n)
	defer lock.Unlock()
	return d.removeLocked(n, large)
}

func (d *Disk) removeLocked(n diskName, large bool) bool {
	was := d.index.remove(n)
	if large {
		d.open.forget(n)
	}
	d.unlink(n, large)
	return was
}

// touch makes an object the most recently used, here and, at most once a minute, on disk.
func (d *Disk) touch(n diskName, suffix string) {
	now := d.opt.Now()
	if touch, _ := d.index.use(n, now.Unix()); touch {
		t := unix.NsecToTimespec(now.UnixNano())
		// Without it the object is evicted earlier after a restart.
		_ = unix.UtimesNanoAt(d.dir, n.path(suffix), []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
	}
}

// preadFull reads until p is full or the file ends.
func preadFull(fd int, p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		m, err := again(func() (int, error) { return unix.Pread(fd, p[n:], off+int64(n)) })
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// pwriteFull writes all of p.
func pwriteFull(fd int, p []byte, off int64) error {
	for len(p) > 0 {
		n, err := again(func() (int, error) { return unix.Pwrite(fd, p, off) })
		if err != nil {
			return err
		}
		if n == 0 {
			return unix.EIO
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}
