package ecstest

import (
	"bytes"
	"errors"
	"io"
)

// content is the bytes of one object or of one part of an upload. They never
// change, and objects that are copies of each other may share them.
type content interface {
	// size is in bytes.
	size() int64
	// open pins the bytes: they stay readable until the reader is closed,
	// whatever happens to the object meanwhile. It is called under the store's
	// lock, so it must not wait for a disk.
	open() contentReader
}

// contentReader reads an open content. Sections may be read at the same time.
type contentReader interface {
	// section reads length bytes from offset on, which the content must have.
	section(offset, length int64) io.Reader
	io.Closer
}

// bytesContent is content in memory.
type bytesContent []byte

// noBytes is the content of every empty object in memory.
var noBytes content = bytesContent(nil)

func (b bytesContent) size() int64         { return int64(len(b)) }
func (b bytesContent) open() contentReader { return b }
func (b bytesContent) Close() error        { return nil }

func (b bytesContent) section(offset, length int64) io.Reader {
	return bytes.NewReader(b[offset : offset+length])
}

// joined is the content of an object that was uploaded in parts: theirs, one
// after the other.
type joined []content

func (j joined) size() int64 {
	var size int64
	for _, c := range j {
		size += c.size()
	}
	return size
}

func (j joined) open() contentReader {
	r := &joinedReader{}
	for _, c := range j {
		r.parts, r.sizes = append(r.parts, c.open()), append(r.sizes, c.size())
	}
	return r
}

type joinedReader struct {
	parts []contentReader
	sizes []int64
}

func (r *joinedReader) section(offset, length int64) io.Reader {
	var sections []io.Reader
	for i, size := range r.sizes {
		if n := min(size-offset, length); n > 0 {
			sections = append(sections, r.parts[i].section(offset, n))
			length -= n
			offset += n
		}
		offset -= size
	}
	return io.MultiReader(sections...)
}

func (r *joinedReader) Close() error {
	var errs []error
	for _, p := range r.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// sizeHintLimit bounds what is allocated on the word of a client, in bytes.
const sizeHintLimit = 8 << 20

// readContent reads r to its end into memory. size is a hint, not to be
// trusted; -1 when there is none.
func readContent(r io.Reader, size int64) (content, error) {
	data := make([]byte, min(max(size, 0), sizeHintLimit))
	n, err := io.ReadFull(r, data)
	switch err {
	case io.EOF, io.ErrUnexpectedEOF: // shorter than the hint
		data = bytes.Clone(data[:n])
	case nil: // the hint was right, or there is more
		more := bytes.NewBuffer(nil)
		if _, err := more.ReadFrom(r); err != nil {
			return nil, err
		}
		if more.Len() > 0 {
			data = append(data, more.Bytes()...)
			data = bytes.Clone(data) // without the room to grow
		}
	default:
		return nil, err
	}
	if len(data) == 0 {
		return noBytes, nil
	}
	return bytesContent(data), nil
}

// failNoting notes an error of reading, so that it can be told from an error of
// what is done with the bytes.
type failNoting struct {
	r   io.Reader
	err error // other than io.EOF
}

func (f *failNoting) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// WriteTo lets bytes that cannot fail to be read be written at once.
func (f *failNoting) WriteTo(w io.Writer) (int64, error) {
	if in := f.sure(); in != nil {
		return in.WriteTo(w)
	}
	return io.Copy(w, struct{ io.Reader }{f})
}

// sure is the reader, if its bytes cannot fail to be read, or nil.
func (f *failNoting) sure() io.WriterTo {
	switch in := f.r.(type) {
	case *bytes.Reader:
		return in
	case *generatedSection:
		return in
	}
	return nil
}
