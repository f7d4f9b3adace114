package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const lockName = "lock"

func hashStore(store string) [16]byte {
	sum := sha256.Sum256([]byte(store))
	return [16]byte(sum[:])
}

// openDir opens and locks the store's directory, DIR/v1/HASH.
func (d *Disk) openDir() (err error) {
	abs, err := filepath.Abs(d.opt.Dir) // the process may go elsewhere
	if err != nil {
		return err
	}
	d.opt.Dir = abs
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return err
	}
	top, err := openPrivate(unix.AT_FDCWD, abs, abs, 0)
	if err != nil {
		return err
	}
	defer unix.Close(top)
	version, err := makePrivate(top, diskVersion, filepath.Join(abs, diskVersion))
	if err != nil {
		return err
	}
	defer unix.Close(version)
	store := hex.EncodeToString(d.store[:])
	if d.dir, err = makePrivate(version, store, filepath.Join(abs, diskVersion, store)); err != nil {
		return err
	}
	if d.lock, err = lockDir(d.dir); err != nil {
		unix.Close(d.dir)
		if err == ErrDiskInUse {
			return err
		}
		return &os.PathError{Op: "lock", Path: filepath.Join(abs, diskVersion, store), Err: err}
	}
	// For those who wonder whose directory this is. It says too when the cache was last used.
	if err := errors.Join(unix.Ftruncate(d.lock, 0), pwriteFull(d.lock, []byte(d.opt.Store+"\n"), 0)); err != nil {
		d.closeDir()
		return &os.PathError{Op: "write", Path: filepath.Join(abs, diskVersion, store, lockName), Err: err}
	}
	return nil
}

func (d *Disk) closeDir() {
	unix.Close(d.lock) // which unlocks it
	unix.Close(d.dir)
}

// lockDir locks the file "lock" in dir for this process. It fails with ErrDiskInUse.
func lockDir(dir int) (fd int, err error) {
	for {
		fd, err := again(func() (int, error) {
			return unix.Openat(dir, lockName, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
		})
		if err != nil {
			return -1, err
		}
		var st unix.Stat_t
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			err = unix.Fstat(fd, &st)
		}
		if err == nil && st.Nlink > 0 {
			return fd, nil
		}
		unix.Close(fd)
		switch {
		case errors.Is(err, unix.EWOULDBLOCK):
			return -1, ErrDiskInUse
		case err != nil:
			return -1, err
		}
		// Someone who cleans up has just removed it.
	}
}

// openPrivate opens a directory, and refuses it unless it is ours and nobody else can write to it: others could put
// bytes there that we would show as the store's.
func openPrivate(at int, path, shown string, flags int) (fd int, err error) {
	fd, err = again(func() (int, error) {
		return unix.Openat(at, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
	})
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: shown, Err: err}
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	switch {
	case err != nil:
		err = &os.PathError{Op: "stat", Path: shown, Err: err}
	case int(st.Uid) != os.Geteuid():
		err = fmt.Errorf("%s belongs to user %d, not to you: whoever owns it could change what you read", shown, st.Uid)
	case st.Mode&0o022 != 0:
		err = fmt.Errorf("%s can be written by others, who could change what you read: chmod go-w it", shown)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// makePrivate opens the directory name, which nobody else may look into, and makes it when it is not there.
func makePrivate(at int, name, shown string) (fd int, err error) {
	if err := unix.Mkdirat(at, name, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, &os.PathError{Op: "mkdir", Path: shown, Err: err}
	}
	if fd, err = openPrivate(at, name, shown, unix.O_NOFOLLOW); err != nil {
		return -1, err
	}
	if err := unix.Fchmod(fd, 0o700); err != nil {
		unix.Close(fd)
		return -1, &os.PathError{Op: "chmod", Path: shown, Err: err}
	}
	return fd, nil
}
