package fs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// checkMountpoint returns the absolute path of dir, without symbolic links, when it is
// an empty directory on which nothing that FUSE serves is mounted.
func checkMountpoint(dir string) (string, error) {
	fail := func(reason, hint string, err error) (string, error) {
		return "", &Error{Op: "mount", Dir: dir, Reason: reason, Hint: hint, Err: err}
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return fail(err.Error(), "", err)
	}
	// Its parent alone is resolved before it is known what is mounted there: a
	// dead server would make any other look at dir fail, or hang.
	if parent, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(parent, filepath.Base(path))
	}
	if m, ok := mountAt(path); ok && m.isFuse() {
		if m.fsType != "fuse."+fsType {
			return fail("another file system is mounted there: "+printable(m.source)+", "+m.fsType,
				"unmount it, or take another directory", syscall.EBUSY)
		}
		// Not stat: the kernel may still keep the attributes of a server that died.
		var st unix.Statfs_t
		if err := unix.Statfs(path, &st); !errors.Is(err, syscall.ENOTCONN) {
			return fail("already mounted: "+printable(m.source)+" is there", "ecsfs umount "+printable(dir), syscall.EBUSY)
		}
		// Its process died without unmounting.
		if err := detach(path); err != nil {
			return fail("a dead mount of ecsfs is there: "+err.Error(), "umount -l "+printable(dir), err)
		}
	}

	resolved, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("there is no such directory", "mkdir -p "+printable(dir), err)
	case errors.Is(err, syscall.ENOTDIR):
		return fail("it is not a directory", "", err)
	case err != nil:
		return fail(reason(err), "", err)
	case resolved != path:
		return checkMountpoint(resolved) // a symbolic link to what may be a mount
	}
	d, err := os.Open(path)
	if err != nil {
		return fail(reason(err), "", err)
	}
	defer d.Close()
	if info, err := d.Stat(); err != nil || !info.IsDir() {
		return fail("it is not a directory", "", syscall.ENOTDIR)
	}
	switch _, err := d.Readdirnames(1); {
	case err == nil:
		return fail("the directory is not empty: the mount would hide what is in it", "take an empty one", syscall.ENOTEMPTY)
	case err != io.EOF:
		return fail(reason(err), "", err)
	}
	return path, nil
}

// reason returns err without the path that the *Error around it names.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// checkFuse tells what is missing for a mount.
func checkFuse(dir string, allowOther bool) error {
	fail := func(reason, hint string, err error) error {
		return &Error{Op: "mount", Dir: dir, Reason: reason, Hint: hint, Err: err}
	}
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("there is no /dev/fuse", "modprobe fuse; for a container: --device /dev/fuse --cap-add SYS_ADMIN", err)
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return fail("the kernel has no FUSE", "modprobe fuse", err)
	case err != nil:
		return fail("/dev/fuse cannot be opened: "+reason(err),
			"it should be open to all: chmod 666 /dev/fuse; for a container: --device /dev/fuse --cap-add SYS_ADMIN", err)
	}
	device.Close()
	if os.Geteuid() == 0 {
		return nil
	}
	if _, err := fusermount(); err != nil {
		return fail("only root can mount without fusermount3", "install the package fuse3", err)
	}
	if allowOther {
		conf, _ := os.ReadFile("/etc/fuse.conf")
		for line := range strings.Lines(string(conf)) {
			if strings.TrimSpace(line) == "user_allow_other" {
				return nil
			}
		}
		return fail("only root may let other users in", "put user_allow_other into /etc/fuse.conf", syscall.EPERM)
	}
	return nil
}

// fusermount returns the program by which one who is not root mounts.
func fusermount() (string, error) {
	if bin, err := exec.LookPath("fusermount3"); err == nil {
		return bin, nil
	}
	return exec.LookPath("fusermount")
}

// mountError says what a refused mount means.
func mountError(dir string, err error) error {
	e := &Error{Op: "mount", Dir: dir, Reason: strings.TrimSpace(err.Error()), Err: err}
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		e.Reason = "the kernel does not permit it"
		e.Hint = "a container needs --device /dev/fuse --cap-add SYS_ADMIN"
	case strings.Contains(e.Reason, "fusermount"):
		e.Hint = "the line before, of fusermount, says why"
	}
	return e
}
