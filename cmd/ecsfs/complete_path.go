package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPath is a place in an ecsfs mount, as a user is typing it.
type mountPath struct {
	root  string   // the mountpoint
	names []string // the directories below it, from the bucket on, as typed
	base  string   // the begun last component
}

// dir is the directory in which base is completed.
func (p *mountPath) dir() string { return strings.Join(append([]string{p.root}, p.names...), "/") }

// maxLinks bounds the symbolic links of one path, as the kernel does.
const maxLinks = 40

// locate finds the mount among all in which text, a path, ends. cwd is where a relative path begins.
// It follows symbolic links up to a mount and touches no mount itself.
func locate(text, cwd string, all []mountEntry) (mountPath, bool) {
	rest, base := "", text
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		rest, base = text[:i], text[i+1:]
	}
	at := cwd
	if strings.HasPrefix(text, "/") {
		at = "/"
	}
	names := strings.Split(rest, "/")
	for links := 0; len(names) > 0; {
		name := names[0]
		names = names[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		if ecsfsMount(next, all) == "" {
			if target, err := os.Readlink(next); err == nil {
				if links++; links > maxLinks {
					return mountPath{}, false
				}
				if strings.HasPrefix(target, "/") {
					at = "/"
				}
				names = append(strings.Split(target, "/"), names...)
				continue
			}
		}
		at = next
	}
	root := ecsfsMount(at, all)
	if root == "" {
		return mountPath{}, false
	}
	p := mountPath{root: root, base: base}
	if below := strings.Trim(at[len(root):], "/"); below != "" {
		p.names = strings.Split(below, "/")
	}
	return p, true
}

// here returns the current directory without asking the file system, as os.Getwd does; "" when
// that is not possible.
func here() string {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buffer)
	if err != nil || n < 2 || buffer[0] != '/' { // "(unreachable)..." is no path
		return ""
	}
	return string(buffer[:n-1])
}

// locateWord finds the mount that w, the word being typed, is a path in; false when it is none:
// then its completion is the shell's.
func locateWord(w typedWord, all []mountEntry) (mountPath, bool) {
	w.pathPart()
	if strings.HasPrefix(w.text, "-") || !slices.ContainsFunc(all, func(m mountEntry) bool { return m.Type == fsType }) {
		return mountPath{}, false
	}
	cwd := here()
	if cwd == "" && !strings.HasPrefix(w.text, "/") {
		return mountPath{}, false
	}
	return locate(w.text, cwd, all)
}
