package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// searchKey is a line of @searchkeys.
type searchKey struct {
	name, native string
	typ          search.Datatype
	indexed      bool
}

// key returns k as package search has it.
func (k searchKey) key() search.Key {
	return search.Key{Name: k.native, Type: k.typ, Indexed: k.indexed}
}

// parseSearchKeys reads the content of @searchkeys.
func parseSearchKeys(text string) []searchKey {
	var keys []searchKey
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		if typ, ok := search.ParseDatatype(fields[2]); ok {
			keys = append(keys, searchKey{name: fields[0], native: fields[1], typ: typ, indexed: fields[3] != "checked"})
		}
	}
	return keys
}

// mountReader reads a mount for completion. It opens a directory of objects only when the mount has
// its listing already.
type mountReader struct {
	now time.Time
	// patience is how long a whole menu is waited for where a part of it would do.
	patience time.Duration
	readFile func(string) ([]byte, error)
	// readDir returns the names in a directory in their order, those of directories with a "/".
	readDir func(string) ([]string, error)
}

// newMountReader returns the reader of the mounts of this machine.
func newMountReader() *mountReader {
	return &mountReader{now: time.Now(), patience: completeTime / 4, readFile: os.ReadFile, readDir: func(dir string) ([]string, error) {
		entries, err := os.ReadDir(dir)
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name()
			if e.IsDir() {
				names[i] += "/"
			}
		}
		return names, err
	}}
}

// keys returns the keys that can be searched in the bucket of p.
func (r *mountReader) keys(p mountPath) []searchKey {
	text, err := r.readFile(filepath.Join(p.root, p.names[0], "@searchkeys"))
	if err != nil {
		return nil
	}
	return parseSearchKeys(string(text))
}

// menu returns the values of k, an indexed key, that begin with typed, among the results at p, or
// where only a pass over all of those would tell, in the bucket. more is true when there are
// others that it does not know.
func (r *mountReader) menu(p mountPath, k searchKey, typed string) (values []string, more bool) {
	dirs := []string{p.dir(), p.root + "/" + p.names[0]}
	menu := "/@by/" + k.name
	i := slices.IndexFunc(dirs, func(dir string) bool { return r.isBrief(dir + menu) })
	if i < 0 {
		return nil, false
	}
	names, err := r.readDirWithin(dirs[i]+menu, typed)
	if typed != "" && (err != nil || slices.Contains(names, menuMore)) && k.typ == search.String {
		// All values are too many, or take too long: the menu of those that begin so.
		names, err = r.readDir(dirs[i] + "/" + k.name + ",prefix," + encodeArgument(typed) + menu)
	}
	if err != nil {
		return nil, false
	}
	for _, name := range names {
		if item, known, ok := fs.DecodeMenuItem(k.key(), name); ok && known {
			values = append(values, item.Label)
		}
	}
	return values, slices.Contains(names, menuMore)
}

// isBrief reports whether the menu in dir is made by a search a value, as its @explain says; else
// it takes a pass over all results, which would be a listing.
func (r *mountReader) isBrief(dir string) bool {
	text, err := r.readFile(dir + "/@explain")
	return err == nil && strings.Contains(string(text), "one search for each value")
}

// menuMore is the name of the link to the values that a menu does not have.
var menuMore = fs.EncodeMenuItem(search.MenuItem{More: true})

// readDirWithin is readDir, which has only a while when something is typed.
func (r *mountReader) readDirWithin(dir, typed string) ([]string, error) {
	if typed == "" {
		return r.readDir(dir)
	}
	type answer struct {
		names []string
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		names, err := r.readDir(dir)
		answers <- answer{names, err}
	}()
	select {
	case a := <-answers:
		return a.names, a.err
	case <-time.After(r.patience):
		return nil, os.ErrDeadlineExceeded // the process ends soon, and its call with it
	}
}

const (
	maxKeptRows  = 5000            // names of a longer listing are not offered
	maxShownRows = 50              // nor of one longer than this before a letter is typed
	minKept      = 2 * time.Second // what a listing must be good for, to be still there when it is read
)

// lastRun is the line of @explain about the listing that the mount has.
var lastRun = regexp.MustCompile(`(?m)^last run: (\d+) rows? complete, .* used for another (\S+)$`)

// kept returns how many rows the listing of dir has, when the mount has it to the end.
func (r *mountReader) kept(dir string) (rows int, ok bool) {
	text, err := r.readFile(dir + "/@explain")
	if err != nil {
		return 0, false
	}
	m := lastRun.FindSubmatch(text)
	if m == nil {
		return 0, false
	}
	rows, err = strconv.Atoi(string(m[1]))
	left, leftErr := time.ParseDuration(string(m[2]))
	return rows, err == nil && leftErr == nil && left >= minKept
}

// keptNames returns the names in the directory of p when they cost no request: the mount has its
// listing, and those of the folders that lead to it, whose names would else be asked for.
func (r *mountReader) keptNames(p mountPath) []string {
	dir := filepath.Join(p.root, p.names[0])
	for _, name := range p.names[1:] {
		if _, ok := r.kept(dir); !ok && !isQueryName(name) {
			return nil
		}
		dir += "/" + name
	}
	rows, ok := r.kept(dir)
	if !ok || rows > maxKeptRows || p.base == "" && rows > maxShownRows {
		return nil
	}
	names, err := r.readDir(dir)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == fs.NameIncomplete })
}

// isQueryName reports whether name can be a query or a directive, whose lookup asks for nothing.
func isQueryName(name string) bool {
	return strings.HasPrefix(name, "@") || strings.HasPrefix(name, "(") || strings.ContainsAny(name, ",<>") ||
		strings.Contains(name, "==") || strings.Contains(name, "!=")
}
