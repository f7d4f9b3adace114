package cache

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// The space that is left to others: this part of the file system, or this many bytes, the smaller.
	keepFreePart  = 20
	keepFreeBytes = 1 << 30
	// DefaultDiskSize is how large a disk cache grows by default, unless 1/defaultFreePart of what is free is less.
	DefaultDiskSize = 4 << 30
	defaultFreePart = 10
	// lowWaterPart: when there is no room, so much more of the limit is made free.
	lowWaterPart = 32
	// pauseAfterError is for how long nothing is written after a write failed.
	pauseAfterError = 10 * time.Second
	// freeEvery is how often the file system is asked what is free.
	freeEvery = time.Second
)

// space is what is known of the file system. Guarded by Disk.roomMu.
type space struct {
	asked   time.Time
	free    int64 // when asked, for us, in bytes
	keep    int64 // to be left free
	written int64 // since then, less what was evicted
}

// statfs asks the file system.
func (d *Disk) statfs() (free, total int64, err error) {
	var st unix.Statfs_t
	if _, err := again(func() (struct{}, error) { return struct{}{}, unix.Fstatfs(d.dir, &st) }); err != nil {
		return 0, 0, err
	}
	return int64(min(st.Bavail, 1<<50)) * st.Bsize, int64(min(st.Blocks, 1<<50)) * st.Bsize, nil
}

// reserve makes room for n pages, by evicting what was used longest ago, and counts them as used. It is
// called by the writers, so that no reader waits for an eviction.
func (d *Disk) reserve(n int64) bool {
	d.roomMu.Lock()
	defer d.roomMu.Unlock()
	if !d.leaveFreeLocked(n) {
		return false
	}
	if d.index.reserve(n, d.index.maxPages) {
		return true
	}
	low := d.index.maxPages - max(d.index.maxPages/lowWaterPart, n)
	for gone := d.evictOne(); gone > 0; gone = d.evictOne() {
		d.space.written -= gone * pageBytes
		if items, bytes := d.index.usage(); bytes/pageBytes <= low && items < d.index.maxItems-d.index.maxItems/lowWaterPart {
			break
		}
	}
	return d.index.reserve(n, d.index.maxPages)
}

// leaveFreeLocked reports whether n pages can be written with enough left to others, and evicts what is needed
// for that. What was written and evicted since the file system was asked is reckoned with: some free space later than
// they remove files, and to evict until they say that there is room would evict all.
func (d *Disk) leaveFreeLocked(n int64) bool {
	s := &d.space
	if now := d.opt.Now(); now.Sub(s.asked) >= freeEvery || now.Before(s.asked) {
		free, total, err := d.statfs()
		if err != nil {
			d.failed("statfs", err)
			return false
		}
		*s = space{asked: now, free: free, keep: min(total/keepFreePart, keepFreeBytes)}
	}
	for s.free-s.written-n*pageBytes < s.keep {
		gone := d.evictOne()
		if gone == 0 {
			return false
		}
		s.written -= gone * pageBytes
	}
	s.written += n * pageBytes
	return true
}

// evictOne removes what was used longest ago and returns how many pages that gives, at least 1; 0 when there is nothing to remove.
func (d *Disk) evictOne() int64 {
	for {
		name, large, n, ok := d.index.oldest()
		if !ok {
			return 0
		}
		if d.remove(name, large) {
			d.count.evictions.Add(1)
			return max(n, 1)
		}
	}
}

// failed counts an error of the file system, and logs it at most once a minute.
func (d *Disk) failed(op string, err error) {
	d.count.errors.Add(1)
	now := d.opt.Now().Unix()
	if last := d.logged.Load(); now-last >= 60 && d.logged.CompareAndSwap(last, now) {
		d.opt.Logger.Warn("the disk cache fails; reads go to the store", "dir", d.opt.Dir, "op", op, "err", err)
	}
}

// writeFailed is called when a write failed: the disk is left alone for a while. When it was full, although there seemed to be
// room (a quota, or no inode left), a part is evicted.
func (d *Disk) writeFailed(err error) {
	d.failed("write", err)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOTEMPTY) {
		return // something else stands in the place of this one file
	}
	d.pausedUntil.Store(d.opt.Now().Add(pauseAfterError).UnixNano())
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return
	}
	d.roomMu.Lock()
	defer d.roomMu.Unlock()
	_, used := d.index.usage()
	for gone := int64(0); gone <= used/lowWaterPart; {
		n := d.evictOne()
		if n == 0 {
			return
		}
		gone += n * pageBytes
	}
}

// paused reports whether nothing is to be written at the moment.
func (d *Disk) paused() bool { return d.opt.Now().UnixNano() < d.pausedUntil.Load() }
