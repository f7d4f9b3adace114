package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// fsType is the type of the mount: fuse.ecsfs in mount, df -T and /proc/mounts.
const fsType = "ecsfs"

// Error says why a directory could not be mounted or unmounted. Its text is one line.
type Error struct {
	Op     string // "mount" or "unmount"
	Dir    string
	Reason string
	Hint   string // what to do about it; may be empty
	Err    error  // the cause; may be nil
}

func (e *Error) Error() string {
	s := e.Op + " " + printable(e.Dir) + ": " + e.Reason
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// ErrBusy is the cause of an Unmount that failed because the mount is in use.
var ErrBusy error = syscall.EBUSY

// Server is a mount being served. It is safe for concurrent use.
type Server struct {
	dir    string // absolute
	device string // the mount's device number, "0:52"; empty when /proc does not tell
	fs     *filesystem
	fuse   *fuse.Server
	unmnt  sync.Mutex // held by Unmount and UnmountLazy
}

// Mount mounts o.Store at dir and serves it until it is unmounted. It returns
// when the kernel shows the mount. An error is an *Error and leaves no mount behind.
//
// A mount of ecsfs whose process died is found and replaced.
func Mount(dir string, o Options) (*Server, error) {
	dir, err := checkMountpoint(dir)
	if err != nil {
		return nil, err
	}
	if err := checkFuse(dir, o.AllowOther); err != nil {
		return nil, err
	}
	f := newFilesystem(o)
	server, err := fuse.NewServer(gofuse.NewNodeFS(&rootNode{node: node{fs: f}}, f.nodeOptions()), dir, f.mountOptions())
	if err != nil {
		return nil, mountError(dir, err)
	}
	go func() {
		server.Serve()
		f.ahead.close()
	}()
	if err := server.WaitMount(); err != nil {
		_ = detach(dir)
		return nil, mountError(dir, err)
	}
	s := &Server{dir: dir, fs: f, fuse: server}
	if m, ok := mountAt(dir); ok {
		s.device = m.device
		if err := raiseReadAhead(m.device); err != nil {
			f.Logger.Debug("reads stay small: read_ahead_kb was not raised", "error", err)
		}
	}
	return s, nil
}

// nodeOptions are those of go-fuse's tree. No timeout is set there: every
// answer carries its own, and go-fuse would put its own in place of a 0.
func (f *filesystem) nodeOptions() *gofuse.Options {
	return &gofuse.Options{
		NegativeTimeout: &f.NegativeTTL, // the one that go-fuse lets no answer carry
		NullPermissions: true,
		RootStableAttr:  &gofuse.StableAttr{Ino: 1},
		Logger:          slog.NewLogLogger(f.Logger.Handler(), slog.LevelDebug),
	}
}

func (f *filesystem) mountOptions() *fuse.MountOptions {
	root := os.Geteuid() == 0
	o := &fuse.MountOptions{
		Name:       fsType,
		FsName:     f.FsName,
		AllowOther: f.AllowOther,
		// The kernel checks the modes, without asking: go-fuse would get an ACCESS for each chdir and access.
		Options: []string{"default_permissions"},

		// Root mounts by itself, with nothing installed; others by fusermount3, which is setuid.
		DirectMountStrict: root,
		DirectMountFlags:  unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV,

		// The figures here are of 2 busy cores, Linux 6.18, each beside the setting as it is in one run: what one is
		// set to can be told from what it is not, and no more.
		//
		// READs of 1 MiB in place of 128 KiB: an eighth as many for the same bytes. cat of 512 MiB that are in memory
		// has 2.4 GB/s, 2.3 with 128 KiB.
		MaxWrite: 1 << 20,
		// What is read lies in memory and is written to the kernel from there (lent): 2.4 GB/s, with one copy more 2.1.
		// Splicing would move it through a pipe.
		DisableSplice: true,
		// How many READs ahead of its readers the kernel sends at once. With 32 cats of 16 MiB each, when a READ
		// takes 10 ms: 1.1 GB/s, with 64 0.95, with 32 0.7, with the default of 12 0.26, with 256 0.9. SyncRead, which would send
		// them one after another, stays off: one cat has 1.3 GB/s with it.
		MaxBackground: 128,
		// GNU ls asks xattrs for each file it lists. ENOSYS, once, and the kernel asks no more.
		DisableXAttrs: !f.Xattr,
		// An inode's bytes never change, so a new mtime must not drop its pages, and the
		// kernel need not ask for attributes before it uses them.
		ExplicitDataCacheControl: true,

		PanicHandler: f.recovered,
		Debug:        f.Debug,
		Logger:       slog.NewLogLogger(f.Logger.Handler(), slog.LevelDebug),
	}
	if !root {
		o.Options = append(o.Options, "ro", "nosuid", "nodev")
	}
	return o
}

// Dir returns the absolute path of the mount.
func (s *Server) Dir() string { return s.dir }

// Errors returns the record of failures that @errors shows.
func (s *Server) Errors() *ErrorLog { return s.fs.errors }

// Wait returns when the mount has gone, whoever unmounted it, and the last
// request is answered.
func (s *Server) Wait() { s.fuse.Wait() }

// Unmount unmounts. The error wraps ErrBusy while a program uses the mount. To
// unmount what is unmounted already is no error.
func (s *Server) Unmount() error {
	s.unmnt.Lock()
	defer s.unmnt.Unlock()
	if !s.mounted() {
		return nil
	}
	err := s.fuse.Unmount()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EBUSY) || strings.Contains(err.Error(), "busy"):
		return &Error{Op: "unmount", Dir: s.dir, Reason: "the mount is busy: a program has a file in it open or stands in it",
			Hint: "fuser -vm " + printable(s.dir) + " shows which", Err: ErrBusy}
	}
	return &Error{Op: "unmount", Dir: s.dir, Reason: strings.TrimSpace(err.Error()), Err: err}
}

// UnmountLazy takes the mount out of the tree at once, whoever uses it. What
// is open in it is served until it is closed; Wait returns then.
func (s *Server) UnmountLazy() error {
	s.unmnt.Lock()
	defer s.unmnt.Unlock()
	if !s.mounted() {
		return nil
	}
	if err := detach(s.dir); err != nil {
		return &Error{Op: "unmount", Dir: s.dir, Reason: strings.TrimSpace(err.Error()), Err: err}
	}
	return nil
}

// mounted reports whether this mount, and no other, is at dir. Where /proc
// does not tell it says yes.
func (s *Server) mounted() bool {
	if s.device == "" {
		return true
	}
	m, ok := mountAt(s.dir)
	return ok && m.device == s.device
}

// detach unmounts dir lazily.
func detach(dir string) error {
	if os.Geteuid() == 0 {
		return os.NewSyscallError("umount2", unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
	}
	bin, err := fusermount()
	if err != nil {
		return err
	}
	if out, err := exec.Command(bin, "-u", "-z", "--", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(bin), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// raiseReadAhead lets the kernel read ahead as much as one READ may carry: by
// default it is 128 KiB, and READs are no larger: 2.0 GB/s in place of 2.4. More than 1 MiB changes nothing. Only root may.
func raiseReadAhead(device string) error {
	return os.WriteFile("/sys/class/bdi/"+device+"/read_ahead_kb", []byte("1024"), 0)
}
