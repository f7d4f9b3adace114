package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// fsType is how the kernel calls a mount of this program.
const fsType = "fuse.ecsfs"

// mountEntry is one line of /proc/self/mountinfo.
type mountEntry struct {
	Dir    string // absolute
	Type   string
	Source string // of an ecsfs mount the endpoint
}

// mounts returns what is mounted, in the order of mounting. It never touches a
// mount, so it cannot hang on one.
func mounts() ([]mountEntry, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMountinfo(string(text)), nil
}

func parseMountinfo(text string) []mountEntry {
	var all []mountEntry
	for line := range strings.Lines(text) {
		// 36 35 98:0 /root /mount/point options [optional fields] - type source options
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) >= 5 && len(rest) >= 2 {
			all = append(all, mountEntry{Dir: unescapeMount.Replace(fields[4]), Type: rest[0], Source: unescapeMount.Replace(rest[1])})
		}
	}
	return all
}

// unescapeMount undoes the kernel's escapes in mountinfo.
var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// mountedOn returns the topmost mount whose mountpoint is dir exactly.
func mountedOn(dir string) (mountEntry, bool, error) {
	all, err := mounts()
	if err != nil {
		return mountEntry{}, false, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Dir == dir {
			return all[i], true, nil
		}
	}
	return mountEntry{}, false, nil
}

// ecsfsMount returns the mountpoint of the ecsfs mount that path is in, "" when it is in none.
func ecsfsMount(path string, all []mountEntry) string {
	covering := mountEntry{}
	for _, m := range all { // in the order of mounting: of two on one directory the later counts
		if inDir(path, m.Dir) && len(m.Dir) >= len(covering.Dir) {
			covering = m
		}
	}
	if covering.Type != fsType {
		return ""
	}
	return covering.Dir
}

// inDir reports whether path is dir or below it.
func inDir(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == '/' || dir == "/")
}

// resolveDir returns dir as the kernel names it: absolute, without symbolic
// links. It does not touch dir itself when that is a mountpoint, since a dead
// mount would fail and a hanging one would wait.
func resolveDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", err
	}
	resolved := filepath.Join(parent, filepath.Base(abs))
	if _, mounted, err := mountedOn(resolved); err != nil || mounted {
		return resolved, err
	}
	return filepath.EvalSymlinks(resolved)
}

// pathCause drops the operation and the path that os errors repeat.
func pathCause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// unmount unmounts dir; lazily, it disappears at once, and those who use it
// keep it until they end. It works for root, and for users by fusermount3.
func unmount(dir string, lazy bool) error {
	flags := unix.UMOUNT_NOFOLLOW
	if lazy {
		flags |= unix.MNT_DETACH
	}
	err := unix.Unmount(dir, flags)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	return fusermount(dir, lazy)
}

// shellQuote returns s as one word of a POSIX shell.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
