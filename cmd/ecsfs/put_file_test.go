package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestUploadFileThatChanges: the last bytes of a file are handed out only while
// it is as it was when it was opened.
func TestUploadFileThatChanges(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"written": func(path string) error {
			if err := os.WriteFile(path, bytes.Repeat([]byte("y"), 1000), 0o644); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)) // whatever the clock's grain is
		},
		"grown":   func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 1001), 0o644) },
		"shrunk":  func(path string) error { return os.Truncate(path, 600) },
		"emptied": func(path string) error { return os.Truncate(path, 0) },
	} {
		tree(t, "f")
		if err := os.WriteFile("f", bytes.Repeat([]byte("x"), 1000), 0o644); err != nil {
			t.Fatal(err)
		}
		read := int64(0)
		u, err := openUpload("f", func(n int64) { read += n })
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		body := u.Body()
		if n, err := io.ReadFull(body, make([]byte, 500)); n != 500 || err != nil {
			t.Fatal(n, err)
		}
		if err := change("f"); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(body)
		if !errors.Is(err, errFileChanged) || len(rest) > 400 {
			t.Errorf("%s: %d more bytes, error %v", name, len(rest), err)
		}
		if etag, err := u.ETag(t.Context()); err == nil && name != "written" && name != "grown" {
			t.Errorf("%s: ETag %s of a file that is too short", name, etag)
		}
		if read > 900 {
			t.Errorf("%s: told of %d bytes", name, read)
		}
	}
}

// TestUploadFile: what does not change is handed out as often as it is read,
// and told once.
func TestUploadFile(t *testing.T) {
	tree(t, "content", "none")
	os.Truncate("none", 0)
	read := int64(0)
	u, err := openUpload("content", func(n int64) { read += n })
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for range 2 {
		got, err := io.ReadAll(u.Body())
		if string(got) != "content" || err != nil {
			t.Errorf("%q %v", got, err)
		}
	}
	if etag, err := u.ETag(t.Context()); etag != "9a0364b9e99bb480dd25e1f0284c8555" || err != nil {
		t.Error(etag, err)
	}
	if read != 7 {
		t.Errorf("told of %d bytes, want 7", read)
	}
	empty, err := openUpload("none", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if head, err := empty.Head(); len(head) != 0 || err != nil {
		t.Errorf("%q %v", head, err)
	}
}

// TestOpenUploadOfWhatIsNone: what has become something else since it was
// found, and what has content but no size.
func TestOpenUploadOfWhatIsNone(t *testing.T) {
	tree(t, "d/x")
	if err := unix.Mkfifo("pipe", 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"pipe": "no regular file", "d": "no regular file", "nothere": "no such file", "/proc/self/status": "no size",
	} {
		u, err := openUpload(path, nil)
		if err == nil {
			u.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestReadInput: input is whole whether it fits into memory or not, and leaves no
// file behind.
func TestReadInput(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, size := range []int{0, 1, inputInMemory - 1, inputInMemory, inputInMemory + 1, 3 * inputInMemory} {
		text := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		in := readInput(strings.NewReader(text))
		if in.err != nil {
			t.Fatal(in.err)
		}
		got, err := io.ReadAll(in.body)
		if string(got) != text || err != nil || in.size != int64(size) {
			t.Errorf("%d bytes: got %d, told %d: %v", size, len(got), in.size, err)
		}
		if (in.file != nil) != (size >= inputInMemory) {
			t.Errorf("%d bytes: in a file: %v", size, in.file != nil)
		}
		in.Close()
	}
	left, err := os.ReadDir(os.TempDir())
	if len(left) > 0 || err != nil {
		t.Errorf("left behind: %v %v", left, err)
	}
	broken := readInput(io.MultiReader(strings.NewReader(strings.Repeat("x", inputInMemory)), errorReader{}))
	if !errors.Is(broken.err, io.ErrClosedPipe) {
		t.Errorf("a read that fails: %v", broken.err)
	}
	t.Setenv("TMPDIR", "/nowhere")
	if in := readInput(strings.NewReader(strings.Repeat("x", inputInMemory))); in.err == nil {
		t.Error("nowhere to put what is read, and no error")
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
