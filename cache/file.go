package cache

import (
	"context"
	"io"

	"github.com/ecsfs/ecsfs/search"
)

var _ search.Files = (*Cache)(nil)

// file is one reader of an object.
type file struct {
	cache *Cache
	ref   search.Ref
}

// OpenFile implements search.Files.
func (c *Cache) OpenFile(ctx context.Context, ref search.Ref) (search.File, error) {
	if ref.ETag == "" {
		return nil, readError(ref, search.KindInvalid, "a file needs an ETag")
	}
	if ref.Size > 0 {
		var first [1]byte // a whole block is fetched and kept for it
		if _, err := c.ReadRange(ctx, ref, first[:], 0); err != nil {
			return nil, err
		}
	}
	return &file{cache: c, ref: ref}, nil
}

// View implements search.File.
func (f *file) View(ctx context.Context, p []byte, off int64) (search.View, error) {
	n, err := f.cache.ReadRange(ctx, f.ref, p, off)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return search.NewView(p[:n], nil), err
}

func (f *file) Backing() (fd int, ok bool) { return 0, false }

func (f *file) Close() {}

// Prefetch implements search.Files.
func (c *Cache) Prefetch(ctx context.Context, ref search.Ref, n int64) (asked int64, ok bool) {
	if ref.ETag == "" || ref.Size == 0 {
		return 0, true
	}
	for i := int64(0); i*c.opt.BlockSize < min(n, ref.Size); i++ {
		if _, kept := c.keptBlock(c.blockKey(ref, i)); kept {
			continue
		}
		f, err := c.beginBlock(ctx, ref, i)
		if err != nil {
			return asked, asked > 0
		}
		asked += min(c.opt.BlockSize, ref.Size-i*c.opt.BlockSize)
		stop := context.AfterFunc(ctx, func() { c.blocks.leave(f) })
		go func() { // the flight's waiter until it lands
			<-f.done
			if stop() {
				c.blocks.leave(f)
			}
		}()
	}
	return asked, true
}
