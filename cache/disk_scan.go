package cache

import (
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// unusedFor is after what time the cache of a store that is not mounted any more is removed.
const unusedFor = 30 * 24 * time.Hour

// scan finds what is on disk, removes what is left of a crash, and then evicts what is above the
// limits. It runs on a goroutine of its own, beside readers and writers.
func (d *Disk) scan() {
	defer close(d.ready)
	for i := range 256 {
		if !d.scanDir(hex.EncodeToString([]byte{byte(i)})) {
			return
		}
	}
	d.index.order()
	d.reserve(0)
	d.index.setComplete()
	d.removeUnused()
}

// found is what scanDir knows of one object.
type found struct {
	suffixes     map[string]bool
	pages, mtime int64
}

// scanDir scans one of the directories; false when it is to end.
func (d *Disk) scanDir(dir string) bool {
	fd, err := again(func() (int, error) {
		return unix.Openat(d.dir, dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	})
	if err != nil {
		return true // most often, there is none
	}
	f := os.NewFile(uintptr(fd), dir)
	defer f.Close()
	parts := make(map[diskName]*found) // of large objects, and what does not belong there
	for {
		names, err := f.Readdirnames(256)
		for _, file := range names {
			name, suffix, ok := parseName(dir, file)
			var st unix.Stat_t
			if !ok || unix.Fstatat(fd, file, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
				continue
			}
			n := pages(st.Blocks * 512)
			if suffix == wholeSuffix {
				if !d.index.found(name, false, n, st.Mtim.Sec) {
					d.remove(name, false)
				}
				continue
			}
			p := parts[name]
			if p == nil {
				p = &found{suffixes: make(map[string]bool)}
				parts[name] = p
			}
			p.suffixes[suffix] = true
			p.pages += n
			if suffix == tableSuffix {
				p.mtime = st.Mtim.Sec
			}
		}
		select {
		case <-d.stop:
			return false
		default:
		}
		if err != nil {
			if err != io.EOF {
				d.failed("readdir", err)
			}
			break
		}
	}
	for name, p := range parts {
		if p.suffixes[dataSuffix] && p.suffixes[tableSuffix] && !p.suffixes[tempSuffix] {
			if d.index.found(name, true, p.pages, p.mtime) {
				continue
			}
		}
		d.removeRest(name)
	}
	return true
}

// removeRest removes what an interrupted write has left of name, unless a writer is just at it, or has been.
func (d *Disk) removeRest(name diskName) {
	lock := d.lockName(name)
	defer lock.Unlock()
	_ = unix.Unlinkat(d.dir, name.path(tempSuffix), 0)
	if has, _ := d.index.has(name); has {
		return
	}
	var st unix.Stat_t
	if unix.Fstatat(d.dir, name.path(tableSuffix), &st, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		unix.Fstatat(d.dir, name.path(dataSuffix), &st, unix.AT_SYMLINK_NOFOLLOW) == nil && d.index.found(name, true, pages(st.Blocks*512), st.Mtim.Sec) {
		return
	}
	d.removeLocked(name, true)
}

// removeUnused removes the caches of stores that were not mounted for unusedFor.
func (d *Disk) removeUnused() {
	top := filepath.Join(d.opt.Dir, diskVersion)
	stores, err := os.ReadDir(top)
	if err != nil {
		return // they stay until next time
	}
	for _, s := range stores {
		path := filepath.Join(top, s.Name())
		info, err := os.Stat(filepath.Join(path, lockName))
		if err != nil || s.Name() == hex.EncodeToString(d.store[:]) || d.opt.Now().Sub(info.ModTime()) < unusedFor {
			continue
		}
		dir, err := openPrivate(unix.AT_FDCWD, path, path, unix.O_NOFOLLOW)
		if err != nil {
			continue
		}
		if lock, err := lockDir(dir); err == nil {
			if err := os.RemoveAll(path); err != nil {
				d.failed("remove", err)
			}
			unix.Close(lock)
		}
		unix.Close(dir)
	}
}
