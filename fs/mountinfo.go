package fs

import (
	"os"
	"strconv"
	"strings"
)

// mountEntry is one mount of this process's view.
type mountEntry struct {
	device string // "0:52"
	fsType string // "fuse.ecsfs"
	source string
}

func (m mountEntry) isFuse() bool {
	return m.fsType == "fuse" || m.fsType == "fuseblk" || strings.HasPrefix(m.fsType, "fuse.")
}

// mountAt returns what is mounted at path, which is absolute: of several, the
// one on top. It reads /proc alone and so never waits for a mount.
func mountAt(path string) (mountEntry, bool) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return mountEntry{}, false
	}
	return findMount(string(table), path)
}

// findMount reads the format of proc_pid_mountinfo(5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
func findMount(table, path string) (m mountEntry, ok bool) {
	for line := range strings.Lines(table) {
		before, after, found := strings.Cut(strings.TrimRight(line, "\n"), " - ")
		fields, tail := strings.Fields(before), strings.Fields(after)
		if !found || len(fields) < 5 || len(tail) < 2 || unescapeMount(fields[4]) != path {
			continue
		}
		m, ok = mountEntry{device: fields[2], fsType: tail[0], source: unescapeMount(tail[1])}, true
	}
	return m, ok
}

// unescapeMount undoes the octal escapes of blank, tab, newline and backslash.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
