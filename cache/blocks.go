package cache

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ecsfs/ecsfs/search"
)

// maxBlocksAhead is how many blocks one ReadRange fetches at the same time.
const maxBlocksAhead = 4

// ReadRange implements search.RangeReader. With ref.ETag set the bytes come
// from blocks in memory, fetched where they are missing; without it, or
// when there is no room for a block, straight from the store. Reading nothing
// returns 0, nil at any offset that is not negative.
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
	n := c.readKept(ref, p, off)
	if n < len(p) {
		m, err := c.readCold(ctx, ref, p[n:], off+int64(n))
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, atEnd
}

// readKept copies from the first blocks of the range for as long as they are in memory.
func (c *Cache) readKept(ref search.Ref, p []byte, off int64) int {
	n := 0
	for n < len(p) {
		data, ok := c.keptBlock(c.blockKey(ref, (off+int64(n))/c.opt.BlockSize))
		if !ok {
			break
		}
		n += copy(p[n:], data[(off+int64(n))%c.opt.BlockSize:])
	}
	return n
}

// readCold begins the flights of up to maxBlocksAhead blocks and copies from
// each as it lands, in order.
func (c *Cache) readCold(ctx context.Context, ref search.Ref, p []byte, off int64) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	next, last := off/c.opt.BlockSize, (off+int64(len(p))-1)/c.opt.BlockSize
	var ahead []*flight[[]byte] // begun and not yet waited for, in order
	defer func() {
		for _, f := range ahead {
			c.blocks.leave(f)
		}
	}()
	for n < len(p) {
		for next <= last && len(ahead) < maxBlocksAhead {
			f, err := c.beginBlock(ctx, ref, next)
			if err == errNoRoom {
				break
			}
			if err != nil {
				return n, err
			}
			ahead = append(ahead, f)
			next++
		}
		if len(ahead) == 0 {
			c.count.bypassed.Add(1)
			m, err := c.readThrough(ctx, ref, p[n:], off+int64(n))
			n += m
			if n == len(p) {
				return n, nil
			}
			return n, shortRead(ref, err, int64(m), int64(len(p)-n+m))
		}
		f := ahead[0]
		ahead = ahead[1:]
		data, err := c.blocks.wait(ctx, f)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], data[(off+int64(n))%c.opt.BlockSize:])
	}
	return n, nil
}

func (c *Cache) blockKey(ref search.Ref, i int64) key {
	return key{kind: kindBlock, bucket: ref.Bucket, object: ref.Key, version: ref.VersionID,
		etag: ref.ETag, size: ref.Size, block: i}
}

func (c *Cache) keptBlock(k key) ([]byte, bool) {
	v, ok := c.mem.get(k)
	if !ok {
		return nil, false
	}
	c.count.hits[kindBlock].Add(1)
	return v.([]byte), true
}

// beginBlock returns the flight of block i without waiting for it. It is also
// where reading ahead of the caller belongs: begin, and leave when it is not wanted.
func (c *Cache) beginBlock(ctx context.Context, ref search.Ref, i int64) (*flight[[]byte], error) {
	k := c.blockKey(ref, i)
	length := min(c.opt.BlockSize, ref.Size-i*c.opt.BlockSize)
	f, joined, err := c.blocks.begin(ctx, k, trip[[]byte]{
		kept: func() ([]byte, error, bool) {
			data, ok := c.keptBlock(k)
			return data, nil, ok
		},
		admit: func() bool { return c.mem.admit(length) },
		fetch: func(ctx context.Context) ([]byte, error) {
			return c.fetchBlock(ctx, ref, k, length)
		},
		land: func(data []byte, err error, current bool) {
			if err != nil || !current {
				data = nil
			}
			c.mem.land(k, data, length)
		},
	})
	if joined {
		c.count.shared[kindBlock].Add(1)
	}
	return f, err
}

// fetchBlock returns the block k, which is length bytes long: from the disk, or from the store, and then
// the disk gets it.
func (c *Cache) fetchBlock(ctx context.Context, ref search.Ref, k key, length int64) ([]byte, error) {
	data := make([]byte, length)
	if c.disk != nil && c.disk.read(k, data) {
		return data, nil
	}
	c.count.misses[kindBlock].Add(1)
	n, err := c.readThrough(ctx, ref, data, k.block*c.opt.BlockSize)
	if int64(n) < length {
		return nil, shortRead(ref, err, int64(n), length)
	}
	if c.disk != nil {
		c.disk.write(k, data, func() {})
	}
	return data, nil
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
