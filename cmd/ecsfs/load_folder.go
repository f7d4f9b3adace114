package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/search"
)

// What is loaded from a folder is held in memory.
const (
	maxFolderFiles = 50_000
	maxFolderBytes = 256 << 20
	maxKeyLen      = 1024 // of S3, in bytes
)

// folderLoader reads a folder as the objects of a bucket.
type folderLoader struct {
	root    string
	objects []demoObject
	bytes   int64
	skipped map[string]int // files left out, by why
}

// loadFolder returns the regular files below dir, with metadata made from them:
// ext, type (content type), lines (of text), depth and modified. It writes to
// errw what it left out. Symbolic links are not followed.
func loadFolder(errw io.Writer, dir string) (demoBucket, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return demoBucket{}, fail(exitNotExist, "--from %s: %w", dir, pathCause(err))
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return demoBucket{}, fail(exitUsage, "--from %s: not a directory", dir)
	}
	l := &folderLoader{root: root, skipped: map[string]int{}}
	if err := filepath.WalkDir(root, l.visit); err != nil {
		return demoBucket{}, err
	}
	if len(l.objects) == 0 {
		return demoBucket{}, fail(exitFailure, "--from %s: no file in it can be read", dir)
	}
	for why, n := range l.skipped {
		fmt.Fprintf(errw, "ecsfs: %s left out: %s\n", search.Plural(n, "file"), why)
	}
	return demoBucket{
		Name: bucketName(filepath.Base(root)),
		SearchKeys: []string{
			"Size", "LastModified", "ObjectName", "x-amz-meta-ext;string", "x-amz-meta-type;string",
			"x-amz-meta-lines;integer", "x-amz-meta-depth;integer", "x-amz-meta-modified;datetime",
		},
		Objects: l.objects,
	}, nil
}

// visit is called for every file and directory, in the order of their names.
func (l *folderLoader) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		l.skipped["cannot be read"]++
		return nil
	}
	if entry.IsDir() {
		// A mount below may be the demo's own, or endless.
		if _, mounted, err := mountedOn(name); err == nil && mounted && name != l.root {
			l.skipped["another file system is mounted there"]++
			return fs.SkipDir
		}
		return nil
	}
	if !entry.Type().IsRegular() {
		l.skipped["no regular file (links are not followed)"]++
		return nil
	}
	rel, err := filepath.Rel(l.root, name)
	if err != nil {
		return err
	}
	key := filepath.ToSlash(rel)
	if checkKey(key) != nil {
		l.skipped["its name cannot be a key"]++
		return nil
	}
	info, err := entry.Info()
	if err != nil {
		l.skipped["cannot be read"]++
		return nil
	}
	if l.bytes += info.Size(); l.bytes > maxFolderBytes || len(l.objects) >= maxFolderFiles {
		return fail(exitFailure, "--from %s: it holds more than %d MiB or %d files, and all of it would be held in memory: name a smaller folder",
			l.root, maxFolderBytes>>20, maxFolderFiles)
	}
	body, err := readRegular(name, info.Size())
	if err != nil {
		l.skipped["cannot be read"]++
		return nil
	}
	l.objects = append(l.objects, folderObject(key, body, info.ModTime()))
	return nil
}

// readRegular reads at most size bytes: a file may grow meanwhile.
func readRegular(name string, size int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, size))
}

// folderObject describes one file as an object.
func folderObject(key string, body []byte, modified time.Time) demoObject {
	ext := strings.ToLower(path.Ext(key))
	contentType := contentType(key, body)
	bare, _, _ := strings.Cut(contentType, ";")
	modified = modified.UTC().Truncate(time.Second)
	meta := map[string]string{
		"type": bare, "depth": strconv.Itoa(strings.Count(key, "/")), "modified": metaTime(modified),
	}
	if ext = strings.TrimPrefix(ext, "."); ext != "" && isASCII(ext) {
		meta["ext"] = ext
	}
	if isText(body) {
		lines := bytes.Count(body, []byte("\n"))
		if len(body) > 0 && body[len(body)-1] != '\n' {
			lines++
		}
		meta["lines"] = strconv.Itoa(lines)
	}
	return demoObject{Key: key, Body: body, ContentType: contentType, Modified: modified, Metadata: meta}
}

// isText reports whether body looks like text to grep: UTF-8 without NUL.
func isText(body []byte) bool { return !bytes.ContainsRune(body, 0) && utf8.Valid(body) }

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// bucketName makes the name of a folder into one of a bucket.
func bucketName(folder string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, folder)
	name = strings.Trim(name[:min(len(name), 63)], "-")
	if len(name) < 3 {
		return "files"
	}
	return name
}
