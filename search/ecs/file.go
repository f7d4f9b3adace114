package ecs

import (
	"context"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/ecsfs/ecsfs/search"
)

// Bounds of what Read asks for at once, in bytes: least for the first time and
// after a seek, doubled with every block that is read to its end.
const (
	minBlock = 128 << 10
	maxBlock = 4 << 20
)

// File is an object open for reading: the bytes of one version of it, or an
// error. ReadAt may be called from any number of goroutines, also beside the
// others; Read, Seek and WriteTo share one position, and take turns.
type File struct {
	object Object
	ref    search.Ref
	ctx    context.Context // of Open; ends at Close
	cancel context.CancelFunc
	closed atomic.Bool

	mu    sync.Mutex // guards all below
	off   int64      // where the next Read begins
	block []byte     // what was read last
	start int64      // of block in the object
	size  int64      // of the next block to ask for
	ahead *readAhead // the block behind block, on its way; may be nil
}

var _ interface {
	io.ReadSeekCloser
	io.ReaderAt
	io.WriterTo
} = (*File)(nil)

// readAhead is a block on its way.
type readAhead struct {
	start  int64
	cancel context.CancelFunc
	done   chan struct{}
	// Valid once done is closed.
	data []byte
	err  error
}

// Open opens the object for reading. Of an Object that a search or Stat found,
// it is the very bytes that were found, and nothing is sent; otherwise one HEAD
// asks which bytes there are now. When the object is overwritten, reading fails
// with KindChanged: bytes of two versions are never put together.
//
// ctx bounds the whole life of the File. A File holds at most 8 MiB, and must
// be closed. A store that gives no ETag is KindUnsupported: its bytes could not
// be told from others.
func (o Object) Open(ctx context.Context) (*File, error) {
	if o.ETag == "" || o.client == nil {
		var err error
		if o, err = o.Stat(ctx); err != nil {
			return nil, err
		}
	}
	if o.ETag == "" {
		return nil, o.target(opOpen).fail(search.KindUnsupported, "the store gives no ETag, so that one version could not be told from another", "")
	}
	f := &File{object: o, size: minBlock,
		ref: search.Ref{Bucket: o.Bucket, Key: o.Key, VersionID: o.Version, ETag: o.ETag, Size: o.Size}}
	f.ctx, f.cancel = context.WithCancel(ctx)
	return f, nil
}

// Object returns what is read.
func (f *File) Object() Object { return f.object }

// Size returns the number of bytes.
func (f *File) Size() int64 { return f.ref.Size }

// Close ends what is under way and frees the memory. Reading from a closed File
// is fs.ErrClosed.
func (f *File) Close() error {
	f.closed.Store(true)
	f.cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop()
	f.block = nil
	return nil
}

// ReadAt reads len(p) bytes from off, with one request, into p itself. At the
// object's end it returns io.EOF with what there is.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if f.closed.Load() {
		return 0, fs.ErrClosed
	}
	return f.object.client.store.ReadRange(f.ctx, f.ref, p, off)
}

// Read reads up to len(p) bytes from the position on. Read one after another, bytes
// are asked for in blocks of 128 KiB to 4 MiB, the next one ahead.
func (f *File) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	data, err := f.fill()
	n := copy(p, data)
	f.off += int64(n)
	return n, err
}

// WriteTo writes what is left from the position on to w.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var written int64
	for {
		data, err := f.fill()
		if err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
		n, err := w.Write(data)
		written += int64(n)
		f.off += int64(n)
		if err == nil && n < len(data) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
	}
}

// Seek sets the position. Seeking alone asks for nothing.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		offset += f.ref.Size
	case io.SeekStart:
	default:
		return 0, f.object.target(opRead).fail(search.KindInvalid, "a seek from nowhere", "")
	}
	if offset < 0 {
		return 0, f.object.target(opRead).fail(search.KindInvalid, "a seek to before the first byte", "")
	}
	f.off = offset
	return offset, nil
}

// fill returns bytes from the position on, at least one, or an error. f.mu is held.
func (f *File) fill() ([]byte, error) {
	switch {
	case f.closed.Load():
		return nil, fs.ErrClosed
	case f.off >= f.ref.Size:
		return nil, io.EOF
	}
	if f.off < f.start || f.off >= f.start+int64(len(f.block)) {
		if err := f.next(); err != nil {
			return nil, err
		}
	}
	return f.block[f.off-f.start:], nil
}

// next makes the block that begins at the position the current one. f.mu is held.
func (f *File) next() error {
	inOrder := len(f.block) > 0 && f.off == f.start+int64(len(f.block))
	if f.ahead != nil && f.ahead.start != f.off {
		f.drop()
	}
	if f.ahead == nil {
		if !inOrder {
			f.size = minBlock
		}
		f.ask(f.off)
	}
	a := f.ahead
	<-a.done // no longer than the store makes progress, see Config.Timeout
	f.ahead = nil
	if a.err != nil {
		return a.err
	}
	f.block, f.start = a.data, a.start
	if end := a.start + int64(len(a.data)); inOrder && end < f.ref.Size {
		f.ask(end)
	}
	return nil
}

// ask begins to read the block at start. f.mu is held; f.ahead is nil.
func (f *File) ask(start int64) {
	ctx, cancel := context.WithCancel(f.ctx)
	a := &readAhead{start: start, cancel: cancel, done: make(chan struct{})}
	p := make([]byte, min(f.size, f.ref.Size-start))
	f.size = min(2*f.size, maxBlock)
	f.ahead = a
	go func() {
		defer close(a.done)
		defer cancel()
		n, err := f.object.client.store.ReadRange(ctx, f.ref, p, start)
		a.data, a.err = p[:n], err
	}()
}

// drop ends the request of the block on its way. f.mu is held.
func (f *File) drop() {
	if f.ahead != nil {
		f.ahead.cancel()
		<-f.ahead.done
		f.ahead = nil
	}
}
