package search

import "context"

// File is one reader of one version of one object, from its opening to its
// closing. What it was asked for so far tells it what will be asked next: it reads
// ahead of a reader that goes forward, and fetches no more than it is asked for by one that jumps.
// Safe for concurrent use; Close must come last.
type File interface {
	// View returns the bytes at off: len(p) of them, or those up to the object's end when that comes
	// first, and never fewer without an error (io.EOF when off is at the end or behind it). They lie in p, or in
	// memory of the store's that is lent until Release, so that nothing is copied without need.
	// Bytes of another version are never returned: KindChanged. Obeys ctx.
	View(ctx context.Context, p []byte, off int64) (View, error)
	// Backing returns a descriptor of a local file with exactly the object's bytes, checked since
	// this process began, or ok false where there is none. It is valid until Close.
	Backing() (fd int, ok bool)
	Close()
}

// View is bytes that a File lends. They must not be written to.
type View struct {
	Bytes   []byte
	Next    []byte // what follows Bytes, where they lie in two pieces of memory; else empty
	release func()
}

// NewView returns a view of bytes and next; release, which may be nil, is called once they are not used any more.
func NewView(bytes, next []byte, release func()) View { return View{bytes, next, release} }

// Len is how many bytes there are.
func (v View) Len() int { return len(v.Bytes) + len(v.Next) }

// Release gives the bytes back. It must be called exactly once; nothing of Bytes and Next may be used afterwards.
func (v View) Release() {
	if v.release != nil {
		v.release()
	}
}

// Files opens objects to read, and reads ahead across them (package cache).
type Files interface {
	// OpenFile returns a reader of ref, whose ETag must be set. It makes sure of the object's first bytes, so
	// that one which was overwritten or removed is KindChanged here already: they are kept, or fetched
	// pinned to the ETag. An empty object needs no request.
	OpenFile(ctx context.Context, ref Ref) (File, error)
	// Prefetch begins to fetch the first n bytes of ref, which is expected to be opened soon, and does
	// not wait for them. It may leave out the last of them where they can only be had with far more. It returns how many bytes it asks the store for: none when all are kept or under way. ok is
	// false, and nothing is begun, when as much is under way or waiting to be read as reading ahead may
	// take, in bytes or in requests: the caller tries again once something was read. When
	// ctx ends, what nobody waits for is given up.
	Prefetch(ctx context.Context, ref Ref, n int64) (asked int64, ok bool)
}
