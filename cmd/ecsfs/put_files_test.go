package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree makes files, each with its own name as content, below a new directory
// that becomes the working directory.
func tree(t *testing.T, files ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// found lists what sources find, a line each: PATH KEY SIZE, or why not.
func found(t *testing.T, prefix string, files ...string) []string {
	t.Helper()
	all, err := sources(files, prefix)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for f := range localFiles(all) {
		line := fmt.Sprintf("%s %s %d", f.Path, f.Key, f.Size)
		if f.LeftOut != "" {
			line = f.Path + " left out: " + f.LeftOut
		} else if f.Err != nil {
			line = f.Path + ": " + f.Err.Error()
		}
		lines = append(lines, line)
	}
	return lines
}

func TestSources(t *testing.T) {
	tree(t, "a.txt", "d/one", "d/sub/two", "e/a.txt")
	os.Mkdir("d/empty", 0o755)
	os.Symlink("d", "link")
	for _, c := range []struct {
		prefix, files string
		want          []string
	}{
		{"", "a.txt", []string{"a.txt a.txt 5"}},
		{"p/", "d", []string{"d/one p/d/one 5", "d/sub/two p/d/sub/two 9"}},
		{"p/", "d/", []string{"d/one p/one 5", "d/sub/two p/sub/two 9"}},
		{"p/", "d/sub/..", []string{"d/one p/one 5", "d/sub/two p/sub/two 9"}},
		{"", "link", []string{"link/one link/one 5", "link/sub/two link/sub/two 9"}},
		{"", "d d/empty e/a.txt", []string{"d/one d/one 5", "d/sub/two d/sub/two 9", "e/a.txt a.txt 7"}},
	} {
		if diff := cmp.Diff(c.want, found(t, c.prefix, strings.Fields(c.files)...)); diff != "" {
			t.Errorf("%s to %q: %s", c.files, c.prefix, diff)
		}
	}
	t.Chdir("d/sub")
	if diff := cmp.Diff([]string{"two x/two 9"}, found(t, "x/", ".")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"../one one 5", "../sub/two sub/two 9"}, found(t, "", "..")); diff != "" {
		t.Error(diff)
	}
}

func TestSourcesErrors(t *testing.T) {
	tree(t, "a.txt", "d/one", "e/a.txt", "a/d/x")
	for files, want := range map[string]string{
		"nothere":       "4 nothere: no such file or directory",
		"a.txt/":        "a.txt/: not a directory",
		"a.txt e/a.txt": "2 a.txt and e/a.txt would both become p/a.txt",
		"d a/d":         "2 d and a/d would both become p/d/",
		"d/ a.txt":      "2 d/ stands for what is in it: name it alone",
		"a.txt -":       "2 - is standard input, one object",
		"s3://b/x":      "2 s3://b/x: what is uploaded are files of this machine",
	} {
		_, err := sources(strings.Fields(files), "p/")
		if err == nil {
			t.Errorf("%s: no error", files)
		} else if got := fmt.Sprint(codeOf(err), " ", err); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", files, got, want)
		}
	}
}

// TestLocalFilesThatAreNone: what cannot be uploaded is told, and stops nothing.
func TestLocalFilesThatAreNone(t *testing.T) {
	long := strings.Repeat("x", 200)
	tree(t, "d/a", "d/bad\xff", "d/"+strings.Join([]string{long, long, long, long, long, "y"}, "/"), "d/z")
	os.Symlink("a", "d/link")
	listener, err := net.Listen("unix", "d/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	want := []string{
		"d/a d/a 3",
		"d/bad\xff: its name is not UTF-8, as the keys of S3 are: rename it",
		"d/link left out: symbolic links in directories are not followed",
		"d/socket left out: devices, pipes and sockets are no files",
		"d/" + strings.Repeat(long+"/", 5) + "y d/" + strings.Repeat(long+"/", 5) + "y 1008",
		"d/z d/z 3",
	}
	if diff := cmp.Diff(want, found(t, "", "d")); diff != "" {
		t.Error(diff)
	}
	if got := found(t, strings.Repeat("p", 20)+"/", "d"); !strings.Contains(got[4], "its key would have 1029 bytes, and S3 allows 1024") {
		t.Errorf("%q", got[4])
	}
	if os.Geteuid() == 0 {
		return // root reads every directory
	}
	os.Chmod("d", 0)
	defer os.Chmod("d", 0o755)
	if got := found(t, "", "d"); len(got) != 1 || !strings.Contains(got[0], "permission denied") {
		t.Errorf("a directory that cannot be read: %q", got)
	}
}

// TestLocalFilesStops: who breaks out is not called again.
func TestLocalFilesStops(t *testing.T) {
	tree(t, "d/a", "d/b", "c")
	all, err := sources([]string{"d", "c"}, "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range localFiles(all) {
		n++
		break
	}
	if n != 1 {
		t.Error(n)
	}
}
