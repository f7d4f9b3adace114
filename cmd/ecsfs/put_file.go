package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/ecsfs/ecsfs/search/ecs"
)

// errFileChanged is why an upload was given up: what was read is neither the
// file as it was nor as it is.
var errFileChanged = errors.New("it changed while it was uploaded, so nothing was stored: upload it again when it is at rest")

// uploadFile is a file that is uploaded as it was when it was opened, or not at
// all: its last bytes are handed out only when it has not changed since. It is
// safe for concurrent use.
type uploadFile struct {
	file   *os.File
	opened fs.FileInfo
	// progress, when not nil, is told of bytes that were read for the first time.
	progress func(n int64)
	reached  atomic.Int64 // up to where it was read
}

// openUpload opens the regular file at path. progress may be nil.
func openUpload(path string, progress func(n int64)) (*uploadFile, error) {
	// Not to wait for a pipe that has taken the file's place.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, pathCause(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file any more")
	}
	if err == nil && info.Size() == 0 {
		// Files of /proc have content all the same.
		if n, _ := f.Read(make([]byte, 1)); n > 0 {
			err = errors.New("the system tells no size of it: cat it into ecsfs put - s3://BUCKET/KEY")
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &uploadFile{file: f, opened: info, progress: progress}, nil
}

// Head returns the first bytes, which tell a content type.
func (u *uploadFile) Head() ([]byte, error) {
	head := make([]byte, min(sniffLen, u.Size()))
	if _, err := u.file.ReadAt(head, 0); err != nil {
		return nil, pathCause(err)
	}
	return head, nil
}

// ETag returns the ETag of an object with this content. It reads all of it.
func (u *uploadFile) ETag(ctx context.Context) (string, error) {
	etag, err := ecs.ETagOf(contextReader{ctx, io.NewSectionReader(u.file, 0, u.Size())}, u.Size(), 0)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "", errFileChanged
	}
	return etag, pathCause(err)
}

// Size is in bytes, and how many reading gives.
func (u *uploadFile) Size() int64 { return u.opened.Size() }

// Body returns what is uploaded.
func (u *uploadFile) Body() *io.SectionReader { return io.NewSectionReader(u, 0, u.Size()) }

// Close closes the file.
func (u *uploadFile) Close() error { return u.file.Close() }

// ReadAt reads as io.ReaderAt does, within Size. The error is errFileChanged,
// and then no byte is handed out, when the file is not as it was.
func (u *uploadFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := u.file.ReadAt(p, off)
	end := off + int64(n)
	if end >= u.Size() || errors.Is(err, io.EOF) {
		if changed := u.Changed(); changed != nil {
			return 0, changed
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, &readError{pathCause(err)}
	}
	u.advance(end)
	return n, err
}

// readError says that a file of this machine could not be read.
type readError struct{ err error }

func (e *readError) Error() string { return "reading it: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// contextReader is a reader that ends with the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Changed returns errFileChanged when the file is no longer as it was opened.
func (u *uploadFile) Changed() error {
	now, err := u.file.Stat()
	if err != nil {
		return pathCause(err)
	}
	if now.Size() != u.opened.Size() || !now.ModTime().Equal(u.opened.ModTime()) {
		return errFileChanged
	}
	return nil
}

// advance tells the progress up to end, once.
func (u *uploadFile) advance(end int64) {
	for {
		before := u.reached.Load()
		if end <= before {
			return
		}
		if u.reached.CompareAndSwap(before, end) {
			if u.progress != nil {
				u.progress(end - before)
			}
			return
		}
	}
}
