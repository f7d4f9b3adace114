package cache

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ecsfs/ecsfs/search"
)

// maxBlocksAtOnce is how many blocks one read fetches at the same time.
const maxBlocksAtOnce = 4

// ReadRange implements search.RangeReader. With ref.ETag set the bytes come
// from blocks in memory, fetched where they are missing; without it, or
// when there is no room for a block, straight from the store. Reading nothing
// returns 0, nil at any offset that is not negative. Nothing is read ahead: that takes a
// reader of which is known what it read before (OpenFile).
func (c *Cache) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, readError(ref, search.KindInvalid, "negative offset")
	case len(p) == 0:
		return 0, nil
	case ref.ETag == "":
		return c.readThrough(ctx, ref, p, off)
	case off >= ref.Size:
		return 0, io.EOF
	}
	var atEnd error
	if rest := ref.Size - off; int64(len(p)) > rest {
		p, atEnd = p[:rest], io.EOF
	}
	n, err := c.readBlocks(ctx, ref, p, off, 0)
	if err != nil {
		return n, err
	}
	return n, atEnd
}

// want is a block that a read has begun and not yet waited for.
type want struct {
	*block
	f *fetch // nil: it was kept
}

// drop no longer wants w.
func (c *Cache) drop(w want) {
	if w.f != nil {
		c.blocks.leave(w.f)
	}
	w.release()
}

// readBlocks fills p, which lies within the object, for reader: it begins up to maxBlocksAtOnce blocks and copies from
// each in order.
func (c *Cache) readBlocks(ctx context.Context, ref search.Ref, p []byte, off int64, reader uint64) (n int, err error) {
	size := c.opt.BlockSize
	next, last := off/size, (off+int64(len(p))-1)/size
	var wants []want
	defer func() {
		for _, w := range wants {
			c.drop(w)
		}
	}()
	for n < len(p) {
		for next <= last && len(wants) < maxBlocksAtOnce {
			part := min(off+int64(len(p)), (next+1)*size) - max(off, next*size)
			b, f, err := c.blocks.begin(ctx, ref, next, reader, part)
			if err == errNoRoom {
				break
			}
			if err != nil {
				return n, err
			}
			wants = append(wants, want{b, f})
			next++
		}
		if len(wants) == 0 {
			m, err := c.readPast(ctx, ref, p[n:], off+int64(n))
			return n + m, err
		}
		w := wants[0]
		wants = wants[1:]
		if w.f != nil {
			if err := c.blocks.wait(ctx, w.f, min(off+int64(len(p))-w.key.block*size, int64(len(w.data)))); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], w.data[(off+int64(n))%size:])
		w.release()
	}
	return n, nil
}

// readPast fills p, which lies within the object, straight from the store: there is no room for blocks.
func (c *Cache) readPast(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	c.count.bypassed.Add(1)
	n, err := c.readThrough(ctx, ref, p, off)
	if n == len(p) {
		return n, nil
	}
	return n, shortRead(ref, err, int64(n), int64(len(p)))
}

func (c *Cache) blockKey(ref search.Ref, i int64) key {
	return key{kind: kindBlock, bucket: ref.Bucket, object: ref.Key, version: ref.VersionID,
		etag: ref.ETag, size: ref.Size, block: i}
}

// blockLength is the length of block i in bytes.
func (c *Cache) blockLength(ref search.Ref, i int64) int64 {
	return min(c.opt.BlockSize, ref.Size-i*c.opt.BlockSize)
}

// readThrough reads from the store, and forgets what is known of an object
// that changed.
func (c *Cache) readThrough(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	n, err := c.store.ReadRange(ctx, ref, p, off)
	if err != nil && search.KindOf(err) == search.KindChanged {
		c.Forget(ref.Bucket, ref.Key)
	}
	return n, err
}

// readAs is readThrough that calls landed as bytes arrive, if the store tells.
func (c *Cache) readAs(ctx context.Context, ref search.Ref, p []byte, off int64, landed func(n int)) (int, error) {
	store, ok := c.store.(search.ProgressReader)
	if !ok {
		return c.readThrough(ctx, ref, p, off)
	}
	n, err := store.ReadRangeProgress(ctx, ref, p, off, landed)
	if err != nil && search.KindOf(err) == search.KindChanged {
		c.Forget(ref.Bucket, ref.Key)
	}
	return n, err
}

// shortRead returns the error of a read within the object that gave fewer
// bytes: to report an early end as the end of the file would be short data as success.
func shortRead(ref search.Ref, err error, got, want int64) error {
	if err == nil || errors.Is(err, io.EOF) {
		return readError(ref, search.KindIO, fmt.Sprintf("the store returned %d of %d bytes", got, want))
	}
	return err
}

func readError(ref search.Ref, kind search.Kind, reason string) error {
	return &search.Error{Op: "read", Bucket: ref.Bucket, Key: ref.Key, Kind: kind, Reason: reason}
}
