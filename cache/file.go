package cache

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/ecsfs/ecsfs/search"
)

var _ search.Files = (*Cache)(nil)

// file is one reader of an object.
type file struct {
	cache *Cache
	ref   search.Ref
	id    uint64 // among the readers

	mu      sync.Mutex // guards all below; fetches.mu and those after it may be taken with it held
	streams streams
	rental  rental
	touched struct {
		often map[int64]uint8 // how often, of late, blocks were come to by reads that jump
		last  int64           // where the last one was
	}
	closed  bool
	release func() // of what Backing lent; nil: nothing
}

// OpenFile implements search.Files: it begins the object's first block, and waits for the first bytes.
func (c *Cache) OpenFile(ctx context.Context, ref search.Ref) (search.File, error) {
	if ref.ETag == "" {
		return nil, readError(ref, search.KindInvalid, "a file needs an ETag")
	}
	f := &file{cache: c, ref: ref, id: c.readers.Add(1), streams: newStreams()}
	if ref.Size > 0 {
		var first [1]byte
		if _, err := c.readBlocks(ctx, ref, first[:], 0, f.id); err != nil {
			return nil, err
		}
	}
	c.opened.add(f.key(), 1)
	return f, nil
}

// View implements search.File.
func (f *file) View(ctx context.Context, p []byte, off int64) (search.View, error) {
	switch {
	case off < 0:
		return search.View{}, readError(f.ref, search.KindInvalid, "negative offset")
	case len(p) == 0:
		return search.View{}, nil
	case off >= f.ref.Size:
		return search.View{}, io.EOF
	}
	p = p[:min(int64(len(p)), f.ref.Size-off)]
	if !f.expected(ctx, off, int64(len(p))) {
		n, err := f.readRange(ctx, p, off)
		return search.NewView(p[:n], nil, nil), err
	}
	if size := f.cache.opt.BlockSize; (off+int64(len(p))-1)/size-off/size < 2 {
		v, err := f.lend(ctx, off, int64(len(p)))
		if err != errNoRoom {
			return v, err
		}
	}
	n, err := f.cache.readBlocks(ctx, f.ref, p, off, f.id)
	return search.NewView(p[:n], nil, nil), err
}

// lend returns a view of n bytes at off, which lie in one block or two. It may fail with errNoRoom.
func (f *file) lend(ctx context.Context, off, n int64) (search.View, error) {
	c := f.cache
	var wants [2]want
	var parts [2][]byte
	var ends [2]int64 // of the parts, in their blocks
	count := 0
	fail := func(err error, released int) (search.View, error) {
		for i, w := range wants[:count] {
			if i != released {
				c.drop(w)
			}
		}
		return search.View{}, err
	}
	for n > 0 {
		i, from := off/c.opt.BlockSize, off%c.opt.BlockSize
		part := min(n, c.opt.BlockSize-from)
		b, w, err := c.blocks.begin(ctx, f.ref, i, f.id, part)
		if err != nil {
			return fail(err, -1)
		}
		wants[count] = want{b, w}
		parts[count], ends[count] = b.data[from:from+part], from+part
		count++
		off, n = off+part, n-part
	}
	for i, w := range wants[:count] {
		if w.f == nil {
			continue
		}
		if err := c.blocks.wait(ctx, w.f, ends[i]); err != nil {
			return fail(err, i)
		}
	}
	if count == 1 {
		return search.NewView(parts[0], nil, wants[0].giveBack), nil
	}
	return search.NewView(parts[0], parts[1], func() {
		wants[0].release()
		wants[1].release()
	}), nil
}

// expected takes in a read of n bytes at off, and begins what is to be ahead of it. It reports whether the read is
// to be served by blocks: false means that it is one of a reader that jumps.
func (f *file) expected(ctx context.Context, off, n int64) bool {
	if f.ref.Size <= f.cache.opt.BlockSize {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return true
	}
	shared := f.cache.opened.several(f.key())
	if shared {
		f.bridge(off)
	}
	s, trusted, dropped := f.streams.note(off, n)
	if dropped != nil {
		f.giveUp(dropped)
	}
	if !trusted {
		return shared && f.follows(off, n) || f.touch(off)
	}
	if s.reads > 1 {
		f.cache.ahead.earned(n)
		f.extend(ctx, s, off, n)
	}
	f.leaveBehind(s, slack(n))
	return true
}

// touch counts that a reader who jumps came to the block at off, or back within it, and reports whether it did so often that
// the whole block is fetched. f.mu is held.
func (f *file) touch(off int64) bool {
	i, last := off/f.cache.opt.BlockSize, f.touched.last
	f.touched.last = off
	if f.touched.often == nil || len(f.touched.often) == maxTouched {
		f.touched.often = make(map[int64]uint8)
	}
	n := f.touched.often[i]
	if n < oftenTouched && (off < last || i != last/f.cache.opt.BlockSize) {
		n++
		f.touched.often[i] = n
	}
	return n == oftenTouched
}

// Reads all over an object of a GiB or more do not come to one block oftenTouched times by chance, while
// maxTouched blocks are counted.
const (
	oftenTouched = 8
	maxTouched   = 1024
)

// window is how many bytes are to be ahead of s: twice what was read of it, so that it doubles from the first
// read that follows another, up to what keeps the link full and to the share of this reader.
func (f *file) window(s *stream) int64 {
	c := f.cache
	most := min(max(2*c.link.product(), leastWindow*c.opt.BlockSize), c.ahead.share(f))
	return min(max(2*(s.hi-s.lo), c.opt.BlockSize), most)
}

// leastWindow is what a window may grow to, in blocks, however little the link seems to need.
const leastWindow = 16

// extend begins the blocks of the window of s, of which [off, off+n) is being read. f.mu is held.
func (f *file) extend(ctx context.Context, s *stream, off, n int64) {
	size := f.cache.opt.BlockSize
	w := f.window(s)
	s.ahead = slices.DeleteFunc(s.ahead, func(h *fetch) bool {
		return (h.key.block+1)*size > s.lo && h.key.block*size < s.hi // come to
	})
	begin := func(i int64) bool {
		h, _, ok := f.cache.blocks.beginAhead(ctx, f.ref, i, forWindow)
		if h != nil {
			s.ahead = append(s.ahead, h)
		}
		return ok
	}
	if s.backward {
		if first := off / size; s.back == 0 || s.back > first {
			s.back = first
		}
		for s.back > 0 && s.back*size > s.lo-w && begin(s.back-1) {
			s.back--
		}
		return
	}
	s.begun = max(s.begun, (off+n-1)/size+1)
	for end := min(s.hi+w, f.ref.Size); s.begun*size < end && begin(s.begun); {
		s.begun++
	}
}

// leaveBehind lets go of the blocks that s has passed by more than d bytes. f.mu is held.
func (f *file) leaveBehind(s *stream, d int64) {
	if s.backward {
		return
	}
	size := f.cache.opt.BlockSize
	for s.passed = max(s.passed, s.lo/size); (s.passed+1)*size <= s.hi-d; s.passed++ {
		f.cache.mem.pass(f.cache.blockKey(f.ref, s.passed), f.id)
	}
}

// giveUp ends the window of s. f.mu is held.
func (f *file) giveUp(s *stream) {
	c := f.cache
	f.leaveBehind(s, 0)
	for _, h := range s.ahead {
		c.giveUp(h)
	}
	s.ahead = nil
}

// giveUp no longer expects that h, which was begun ahead, is read: if it is under way and nobody else wants it, it ends.
func (c *Cache) giveUp(h *fetch) {
	c.ahead.giveUp(h.block)
	c.blocks.leave(h)
	c.mem.pass(h.key, 0)
}

// readRange fills p, for a reader that jumps: from blocks as far as they are at hand, else by
// a request for just these bytes.
func (f *file) readRange(ctx context.Context, p []byte, off int64) (int, error) {
	c := f.cache
	n := 0
	for n < len(p) && f.atHand((off+int64(n))/c.opt.BlockSize) {
		rest := c.opt.BlockSize - (off+int64(n))%c.opt.BlockSize
		part := p[n:min(len(p), n+int(rest))]
		m, err := c.readBlocks(ctx, f.ref, part, off+int64(n), f.id)
		n += m
		if err != nil {
			return n, err
		}
	}
	if n == len(p) {
		return n, nil
	}
	m, err := f.request(ctx, p[n:], off+int64(n))
	return n + m, err
}

// atHand reports whether block i is kept or under way, or on the disk.
func (f *file) atHand(i int64) bool {
	return f.inMemory(i) || f.cache.disk != nil && f.cache.disk.has(f.cache.blockKey(f.ref, i))
}

// follows reports whether the first of the n bytes at off that are not in memory come right after a block that
// is. Then this reader need not have jumped: another one brought the bytes before, which the kernel gave to both.
func (f *file) follows(off, n int64) bool {
	size := f.cache.opt.BlockSize
	first, i := off/size, off/size
	for i*size < off+n && f.inMemory(i) {
		i++
	}
	return i > first || i > 0 && off%size == 0 && f.inMemory(i-1)
}

// bridge has the stream that ended before off go on up to off, if all between is in memory: this reader had it
// from the kernel, which had it for another one. f.mu is held.
func (f *file) bridge(off int64) {
	size := f.cache.opt.BlockSize
	for _, s := range f.streams.list {
		if s.reads == 0 || s.backward || off <= s.hi || off-s.hi > leastWindow*size {
			continue
		}
		i := s.hi / size
		for i*size < off && f.inMemory(i) {
			i++
		}
		if i*size >= off {
			s.covered += off - s.hi
			s.hi = off
			return
		}
	}
}

// key stands for the object.
func (f *file) key() key { return f.cache.blockKey(f.ref, 0) }

// inMemory reports whether block i is kept or under way.
func (f *file) inMemory(i int64) bool {
	k := f.cache.blockKey(f.ref, i)
	return f.cache.mem.has(k) || f.cache.blocks.has(k)
}

// Backing implements search.File.
func (f *file) Backing() (fd int, ok bool) {
	if f.cache.disk == nil {
		return 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.release != nil {
		return 0, false
	}
	fd, f.release, ok = f.cache.disk.backing(f.ref)
	return fd, ok
}

// Close implements search.File.
func (f *file) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	f.cache.opened.add(f.key(), -1)
	if f.rental.cancel != nil {
		f.rental.cancel()
	}
	for _, s := range f.streams.list {
		f.giveUp(s)
	}
	f.cache.ahead.noWindow(f)
	if f.release != nil {
		f.release()
	}
}

// maxNeedless is how many bytes more than it is asked for Prefetch fetches, as blocks are fetched whole: the beginnings
// of many large files would cost a block each.
const maxNeedless = 256 << 10

// Prefetch implements search.Files.
func (c *Cache) Prefetch(ctx context.Context, ref search.Ref, n int64) (asked int64, ok bool) {
	if ref.ETag == "" {
		return 0, true
	}
	n = min(n, ref.Size)
	for i := int64(0); i*c.opt.BlockSize < n; i++ {
		if end := min((i+1)*c.opt.BlockSize, ref.Size); end-n > maxNeedless {
			break
		}
		if c.disk != nil && c.disk.has(c.blockKey(ref, i)) {
			continue
		}
		h, more, ok := c.blocks.beginAhead(ctx, ref, i, forPrefetch)
		if !ok {
			return asked, asked > 0
		}
		asked += more
		if h != nil {
			c.hold(ctx, h)
		}
	}
	return asked, true
}

// hold wants h until ctx ends, or a reader comes.
func (c *Cache) hold(ctx context.Context, h *fetch) {
	switch {
	case h.early == nil: // a reader has come before
		c.blocks.leave(h)
	case ctx.Done() != nil:
		c.ahead.until(h.block, context.AfterFunc(ctx, func() { c.giveUp(h) }))
	}
}
