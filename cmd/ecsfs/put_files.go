package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// stdinName is the FILE that stands for standard input.
const stdinName = "-"

// localFile is one file that was found for an upload.
type localFile struct {
	Path string // as it can be opened, and as it is told
	Key  string
	Size int64 // when it was found

	// LeftOut says why it is not uploaded, in the plural, though nothing is
	// wrong: "symbolic links are not followed"; else "".
	LeftOut string
	// Err is why it cannot be uploaded.
	Err error
}

// source is one FILE of the command line.
type source struct {
	path string
	dir  bool
	// key is that of the file, or what the keys of a directory's files begin
	// with: "" or ending in "/".
	key string
}

// sources reads the FILEs of the command line, of which there is at least one,
// to be put below prefix, which is "" or ends in "/". Nothing that is missing or
// would be put onto another passes.
func sources(files []string, prefix string) ([]source, error) {
	var all []source
	keys := map[string]string{} // the path of each key
	for _, path := range files {
		if _, _, uri := cutURI(path); uri {
			return nil, fail(exitUsage, "%s: what is uploaded are files of this machine; only the last argument is s3://BUCKET[/PREFIX]", path)
		}
		if path == stdinName {
			return nil, fail(exitUsage, "- is standard input, one object: ecsfs put - s3://BUCKET/KEY")
		}
		info, err := os.Stat(path) // links of the command line are followed
		if err != nil {
			return nil, fail(statCode(err), "%s: %w", path, pathCause(err))
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			// In a directory it may be left out; who names it wants it.
			return nil, fail(exitUsage, "%s: it is a device, pipe or socket, and no file: %s", path, fromInput(path))
		}
		s := source{path: path, dir: info.IsDir(), key: prefix}
		name := filepath.Base(path)
		switch {
		case s.dir && isContents(path):
			if len(files) > 1 {
				return nil, fail(exitUsage, "%s stands for what is in it: name it alone, or without the / at its end", path)
			}
		case s.dir:
			s.key += name + "/"
		default:
			s.key += name
		}
		if first, ok := keys[s.key]; ok {
			return nil, fail(exitUsage, "%s and %s would both become %s: put them apart", first, path, printable(s.key))
		}
		keys[s.key] = path
		all = append(all, s)
	}
	return all, nil
}

// fromInput tells how to upload what path gives when it is read.
func fromInput(path string) string {
	return "ecsfs put - s3://BUCKET/KEY < " + shellQuote(path) + " uploads what it gives"
}

// isContents reports whether path names what is in a directory rather than the
// directory, as rsync has it: DIR/, ".", "..", DIR/. and "/".
func isContents(path string) bool {
	return strings.HasSuffix(path, "/") || path == "." || path == ".." || strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..")
}

// localFiles yields every file of all sources, directories in the order of
// their names. It reads the disk as it goes.
func localFiles(all []source) iter.Seq[localFile] {
	return func(yield func(localFile) bool) {
		for _, s := range all {
			if !s.dir {
				info, err := os.Stat(s.path)
				if !yield(newLocalFile(s.path, s.key, info, err)) {
					return
				}
				continue
			}
			if !s.walk(yield) {
				return
			}
		}
	}
}

// walk yields the files of a directory until yield returns false, and reports
// whether it never did.
func (s source) walk(yield func(localFile) bool) bool {
	root := strings.TrimRight(s.path, "/") + "/" // with the slash a link is followed
	all := true
	// It returns what the function returns, which are no errors.
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return nil // it comes again, with err, when it cannot be read
		}
		rel, relErr := filepath.Rel(root, path)
		var info fs.FileInfo
		if err = cmp.Or(err, relErr); err == nil {
			info, err = entry.Info()
		}
		if all = yield(newLocalFile(path, s.key+rel, info, err)); !all {
			return fs.SkipAll
		}
		return nil
	})
	return all
}

// newLocalFile describes the file at path.
func newLocalFile(path, key string, info fs.FileInfo, err error) localFile {
	f := localFile{Path: path, Key: key}
	if err != nil {
		f.Err = pathCause(err)
		return f
	}
	f.Size = info.Size()
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		f.LeftOut = "symbolic links in directories are not followed"
	case !info.Mode().IsRegular():
		f.LeftOut = "devices, pipes and sockets are no files"
	default:
		f.Err = checkKey(key)
	}
	return f
}

// checkKey refuses what S3 cannot have as the key of an object.
func checkKey(key string) error {
	switch {
	case !utf8.ValidString(key):
		return errors.New("its name is not UTF-8, as the keys of S3 are: rename it")
	case len(key) > maxKeyLen:
		return fmt.Errorf("its key would have %d bytes, and S3 allows %d: shorten its path or the prefix", len(key), maxKeyLen)
	case key == "":
		return errors.New("the key is missing: s3://BUCKET/KEY")
	}
	return nil
}
