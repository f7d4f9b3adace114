package fs

import (
	"context"
	"io"
	"sort"
	"sync"

	"github.com/ecsfs/ecsfs/search"
)

// manifestText is the manifest of one snapshot. Its text is not kept: any part of it is rendered
// again from the nearest mark before it.
type manifestText struct {
	manifest
	fs      *filesystem
	dir     search.Dir
	listing search.Listing // of which it shows a snapshot
	id      snapshotID
	gen     uint64 // of the inode that shows it once it is complete

	mu sync.Mutex
	// Guarded by mu: places in the text where rendering may begin, each at least markRows after the one
	// before. The beginning is not among them.
	marks []manifestMark
	// Guarded by mu: the length of the whole text; below 0 until someone came to its end.
	size int64
}

// manifestMark is a place in a text.
type manifestMark struct {
	offset int64
	order  manifestOrder // nothing of it is ready
}

// markRows is how many rows lie between marks: what may be rendered in vain to read a
// part of the text. A million rows have a thousand marks.
const markRows = 1024

func (f *filesystem) newManifestText(format ManifestFormat, d search.Dir, s search.Schema, l search.Listing, id snapshotID) *manifestText {
	return &manifestText{manifest: newManifest(format, d, s), fs: f, dir: d, listing: l, id: id, gen: f.renderings.Add(1), size: -1}
}

// before returns the last mark that is not behind offset; the beginning has none.
func (t *manifestText) before(offset int64) (manifestMark, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := sort.Search(len(t.marks), func(i int) bool { return t.marks[i].offset > offset })
	if i == 0 {
		return manifestMark{}, false
	}
	m := t.marks[i-1]
	m.order = m.order.clone()
	return m, true
}

// mark adds a mark, unless there is one near before it or any behind it.
func (t *manifestText) mark(offset int64, order *manifestOrder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := 0
	if n := len(t.marks); n > 0 {
		last = t.marks[n-1].order.next
	}
	if order.next >= last+markRows {
		t.marks = append(t.marks, manifestMark{offset, order.clone()})
	}
}

func (t *manifestText) setSize(size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.size = size
}

// length returns the length of the text, and whether it is known.
func (t *manifestText) length() (size int64, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.size, 0), t.size >= 0
}

// measure returns the length of what can be rendered of s, a snapshot of the text that has ended. It asks
// the store for nothing, and renders once for each complete snapshot.
func (t *manifestText) measure(ctx context.Context, s search.Snapshot) (int64, error) {
	if size, known := t.length(); known {
		return size, nil
	}
	c := t.cursor(0)
	for {
		err := c.render(ctx, s)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			return c.end(), nil
		}
		c.passed(c.end())
	}
}

// manifestCursor is a place in a text from which it is rendered on, and the text just before it.
type manifestCursor struct {
	text   *manifestText
	order  manifestOrder
	offset int64 // where buf stands in the text
	buf    []byte
}

// keptBehind is how much of what was read a cursor keeps, in bytes: shells read blocks and
// seek back to the end of the line.
const keptBehind = 64 << 10

// cursor returns a cursor that is not behind offset.
func (t *manifestText) cursor(offset int64) *manifestCursor {
	if m, ok := t.before(offset); ok {
		return &manifestCursor{text: t, order: m.order, offset: m.offset}
	}
	return &manifestCursor{text: t, order: manifestOrder{dir: t.dir}, buf: t.header()}
}

func (c *manifestCursor) end() int64 { return c.offset + int64(len(c.buf)) }

// passed tells that what stands before offset was read.
func (c *manifestCursor) passed(offset int64) {
	if n := min(offset-c.offset, int64(len(c.buf))) - keptBehind; n > keptBehind {
		c.offset += n
		c.buf = append(c.buf[:0], c.buf[n:]...)
	}
}

// render adds one line to buf. It returns what manifestOrder.row returns.
func (c *manifestCursor) render(ctx context.Context, s search.Snapshot) error {
	t := c.text
	if c.order.needsAll() && c.order.index == nil {
		if err := awaitEnd(ctx, s); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		c.order.index = t.fs.indexes.get(t.listing, s)
	}
	row, err := c.order.row(ctx, s)
	if err != nil {
		if err == io.EOF {
			t.setSize(c.end())
		}
		return err
	}
	c.buf = t.appendRow(c.buf, &row)
	if len(c.order.ready) == 0 {
		t.mark(c.end(), &c.order)
	}
	return nil
}

// read fills p with the text from offset on, as far as s has the rows: it waits only for the
// first byte. Without one the error is io.EOF at the end, ctx's, or that of the broken listing.
func (c *manifestCursor) read(ctx context.Context, s search.Snapshot, p []byte, offset int64) (n int, err error) {
	for {
		at := offset + int64(n)
		if at < c.end() {
			n += copy(p[n:], c.buf[at-c.offset:])
		}
		c.passed(offset + int64(n))
		if n == len(p) || n > 0 && c.order.waits(s) {
			return n, nil
		}
		if err := c.render(ctx, s); err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
	}
}
