package ecstest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// inlineSize is the largest content, in bytes, that is kept among the records:
// for so few bytes a file of their own costs more time than it saves.
const inlineSize = 16 << 10

// contentID names bytes in a data directory: random, and never used twice.
type contentID [16]byte

func (id contentID) String() string { return hex.EncodeToString(id[:]) }

func parseContentID(s string) (id contentID, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return contentID(b), true
}

// diskContent is bytes in a data directory.
type diskContent struct {
	dir    *directory
	id     contentID
	length int64
	// staged is the bytes of a small content until they are committed.
	staged atomic.Pointer[[]byte]
}

func (c *diskContent) size() int64  { return c.length }
func (c *diskContent) inline() bool { return c.length <= inlineSize }

func (c *diskContent) file() string {
	name := c.id.String()
	return filepath.Join(c.dir.path, "blobs", name[:2], name)
}

// stage takes the bytes of r in. Those of a file are durable when it returns,
// small ones by the commit that names them.
func (d *directory) stage(r io.Reader, _ int64) (content, error) {
	c := &diskContent{dir: d}
	if _, err := rand.Read(c.id[:]); err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(r, inlineSize+1))
	if err != nil {
		return nil, err
	}
	if c.length = int64(len(head)); c.inline() {
		c.staged.Store(&head)
		return c, nil
	}
	if err := c.write(io.MultiReader(bytes.NewReader(head), r)); err != nil {
		return nil, err
	}
	return c, nil
}

// write writes the file of c.
func (c *diskContent) write(r io.Reader) (err error) {
	temp := filepath.Join(c.dir.path, "tmp", c.id.String())
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return &storageError{err}
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	w := &storageWriter{f}
	if c.length, err = io.Copy(w, r); err == nil {
		if err = f.Sync(); err != nil {
			err = &storageError{err}
		}
	}
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = &storageError{closeErr}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp, c.file()); err != nil {
		return &storageError{err}
	}
	if err := syncDir(filepath.Dir(c.file())); err != nil {
		return &storageError{err}
	}
	return nil
}

// storageError is a failure of the disk, as opposed to one of the reader whose
// bytes were to be kept.
type storageError struct{ err error }

func (e *storageError) Error() string { return fmt.Sprintf("the data directory failed: %v", e.err) }
func (e *storageError) Unwrap() error { return e.err }

// storageWriter marks errors of the file as the disk's. It hides ReadFrom,
// which would mix them with the reader's.
type storageWriter struct{ f *os.File }

func (w *storageWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &storageError{err}
	}
	return n, err
}

// unlink removes the file of a content that no record names. Those who have it
// open read on.
func (c *diskContent) unlink() {
	if !c.inline() {
		// What cannot be removed now is garbage for the next start.
		_ = os.Remove(c.file())
	}
}

// open opens c for reading.
func (c *diskContent) open() (contentReader, error) {
	if !c.inline() {
		f, err := os.Open(c.file())
		if err != nil {
			return nil, &storageError{err}
		}
		return openFile{f}, nil
	}
	if staged := c.staged.Load(); staged != nil {
		return bytesContent(*staged), nil
	}
	var data []byte
	err := c.dir.db.View(func(tx *bolt.Tx) error {
		if t := tx.Bucket([]byte(bytesTable)); t != nil {
			data = bytes.Clone(t.Get(c.id[:]))
		}
		if int64(len(data)) != c.length {
			return &storageError{fmt.Errorf("the bytes of content %s are gone", c.id)}
		}
		return nil
	})
	return bytesContent(data), err
}

// openFile is the file of a content.
type openFile struct{ *os.File }

func (f openFile) section(offset, length int64) io.Reader {
	return io.NewSectionReader(f.File, offset, length)
}
