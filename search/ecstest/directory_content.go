package ecstest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
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
	// unclaimed: it was staged, and counts as named until it is by a record, or
	// discarded.
	unclaimed atomic.Bool
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
	} else if err := c.write(io.MultiReader(bytes.NewReader(head), r)); err != nil {
		return nil, err
	}
	c.unclaimed.Store(true)
	d.name(c)
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

// open pins c: its bytes go when both the records that name it and its readers
// have gone. Nothing is read before it is asked for.
func (c *diskContent) open() contentReader {
	c.dir.name(c)
	return &diskReader{content: c}
}

// diskReader reads a pinned content.
type diskReader struct {
	content *diskContent

	mu   sync.Mutex // guards open
	open []*fileSection
}

// Close ends the pin, and the sections that were not read to their end.
func (r *diskReader) Close() error {
	r.mu.Lock()
	for _, s := range r.open {
		s.file.Close()
	}
	r.open = nil
	r.mu.Unlock()
	r.content.dir.unname(r.content)
	return nil
}

func (r *diskReader) section(offset, length int64) io.Reader {
	if !r.content.inline() {
		return &fileSection{reader: r, offset: offset, left: length}
	}
	return &inlineSection{content: r.content, offset: offset, length: length}
}

// inlineSection reads a section of a small content.
type inlineSection struct {
	content        *diskContent
	offset, length int64
	bytes          *bytes.Reader // nil before the first read: an object may have ten thousand parts
}

func (s *inlineSection) Read(p []byte) (int, error) {
	if s.bytes == nil {
		data, err := s.content.inlineBytes()
		if err != nil {
			return 0, err
		}
		s.bytes = bytes.NewReader(data[s.offset : s.offset+s.length])
	}
	return s.bytes.Read(p)
}

// inlineBytes returns the bytes of a small content.
func (c *diskContent) inlineBytes() (data []byte, err error) {
	if staged := c.staged.Load(); staged != nil {
		return *staged, nil
	}
	err = c.dir.db.View(func(tx *bolt.Tx) error {
		if t := tx.Bucket([]byte(bytesTable)); t != nil {
			data = bytes.Clone(t.Get(c.id[:]))
		}
		return nil
	})
	if err == nil && int64(len(data)) != c.length {
		err = fmt.Errorf("the bytes of content %s are gone", c.id)
	}
	if err != nil {
		return nil, &storageError{err}
	}
	return data, nil
}

// fileSection reads a section of a file, which is open from the first byte to the last
// only: an object may have ten thousand parts.
type fileSection struct {
	reader       *diskReader
	offset, left int64
	file         *os.File // nil before the first byte and after the last
}

func (s *fileSection) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if s.file == nil {
		f, err := os.Open(s.reader.content.file())
		if err != nil {
			return 0, &storageError{err}
		}
		s.file = f
		s.reader.mu.Lock()
		s.reader.open = append(s.reader.open, s)
		s.reader.mu.Unlock()
	}
	n, err := s.file.ReadAt(p[:min(int64(len(p)), s.left)], s.offset)
	s.offset += int64(n)
	s.left -= int64(n)
	if err != nil && s.left > 0 {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, &storageError{err}
	}
	if s.left == 0 {
		s.reader.mu.Lock()
		s.reader.open = slices.DeleteFunc(s.reader.open, func(open *fileSection) bool { return open == s })
		s.reader.mu.Unlock()
		s.file.Close()
	}
	return n, nil
}
