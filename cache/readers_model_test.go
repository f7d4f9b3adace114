package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"pgregory.net/rapid"
)

// flaky is a store of objects that are overwritten while they are read, and whose requests take their time and fail.
type flaky struct {
	search.Store
	faults bool

	mu      sync.Mutex
	version map[string]int // of each key
	rand    *rand.Rand
}

func (s *flaky) overwrite(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version[key]++
}

func (s *flaky) ref(key string, size int64) search.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	return search.Ref{Bucket: "b", Key: key, ETag: fmt.Sprint(s.version[key]), Size: size}
}

// content fills p with the bytes of one version of an object.
func content(p []byte, ref search.Ref, off int64) {
	pattern(p, off)
	salt := ref.ETag[0]*31 + ref.Key[0]
	for i := range p {
		p[i] ^= salt
	}
}

func (s *flaky) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	s.mu.Lock()
	changed := fmt.Sprint(s.version[ref.Key]) != ref.ETag
	wait, fault, part := s.rand.IntN(20), s.rand.IntN(40), s.rand.IntN(len(p))
	s.mu.Unlock()
	if changed {
		return 0, &search.Error{Op: "read", Bucket: ref.Bucket, Key: ref.Key, Kind: search.KindChanged}
	}
	select {
	case <-time.After(time.Duration(wait) * time.Millisecond):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	n := int(min(int64(len(p)), ref.Size-off))
	if s.faults && fault < 2 {
		content(p[:part], ref, off)
		if fault == 0 {
			return part, &search.Error{Op: "read", Bucket: ref.Bucket, Key: ref.Key, Kind: search.KindTimeout}
		}
		return part, nil // short, and not a word
	}
	content(p[:n], ref, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// shelf is a tier that forgets now and then, writes late, and finds out when what it writes is changed under it.
type shelf struct {
	t  *testing.T
	wg sync.WaitGroup

	mu     sync.Mutex
	blocks map[key][]byte
}

func (s *shelf) has(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocks[k] != nil
}

func (s *shelf) read(k key, p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := s.blocks[k]
	if data == nil || rand.IntN(8) == 0 {
		delete(s.blocks, k)
		return false
	}
	return copy(p, data) == len(p)
}

func (s *shelf) write(k key, data []byte, done func()) {
	before := bytes.Clone(data)
	s.wg.Go(func() {
		defer done()
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
		if !bytes.Equal(before, data) {
			s.t.Errorf("block %d changed while it was written", k.block)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.blocks[k] = before
	})
}

func (s *shelf) backing(search.Ref) (int, func(), bool) { return 0, nil, false }
func (s *shelf) counters() []search.Counter             { return nil }
func (s *shelf) close()                                 { s.wg.Wait() }

// Readers that go forward, backward and here and there, alone and several on one file, of objects that are overwritten
// and a store that fails, get the bytes of their version or an error that is true, whatever there is of memory and disk.
func TestRandomReaders(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		o := Options{
			BlockSize:    64 << 10,
			MemoryBudget: rapid.SampledFrom([]int64{-1, 100 << 10, 300 << 10, mib, 8 * mib, 64 * mib}).Draw(rt, "budget"),
		}
		faults, disk := rapid.Bool().Draw(rt, "faults"), rapid.Bool().Draw(rt, "disk")
		synctest.Test(t, func(t *testing.T) { randomReaders(t, seed, o, faults, disk) })
	})
}

func randomReaders(t *testing.T, seed uint64, o Options, faults, disk bool) {
	st := &flaky{faults: faults, version: map[string]int{}, rand: rand.New(rand.NewPCG(seed, 0))}
	c := New(st, o)
	if disk {
		c.disk = &shelf{t: t, blocks: make(map[key][]byte)}
	}
	sizes := map[string]int64{"a": 5, "b": 64 << 10, "c": 1<<20 + 12345, "d": 4 << 20, "e": 9<<20 - 1}
	var wg sync.WaitGroup
	for g := range 5 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(g+1)))
			for range 4 {
				key := string(rune('a' + r.IntN(len(sizes))))
				ctx, cancel := context.WithCancel(t.Context())
				ref := st.ref(key, sizes[key])
				if r.IntN(3) == 0 {
					c.Prefetch(ctx, ref, int64(r.IntN(2*mib)))
				}
				if r.IntN(10) == 0 {
					st.overwrite(key)
				}
				if r.IntN(6) == 0 {
					time.AfterFunc(time.Duration(r.IntN(100))*time.Millisecond, cancel)
				}
				readAround(ctx, t, c, ref, r, faults)
				cancel()
			}
		})
	}
	wg.Wait()
	synctest.Wait()
	c.mem.check(t)
	checkAhead(t, c)
	c.Close()
	synctest.Wait()
	c.mem.check(t)
	if u := c.mem.usage(); u.flying != 0 || u.lent != 0 || u.open != 0 {
		t.Errorf("left over: %+v", u)
	}
	if a := c.ahead.usage(); a.outstanding < 0 || c.ahead.requests != 0 || len(c.ahead.windows) != 0 {
		t.Errorf("left over: %+v", a)
	}
}

// readAround opens ref and reads it in one of the ways that programs do.
func readAround(ctx context.Context, t *testing.T, c *Cache, ref search.Ref, r *rand.Rand, faults bool) {
	fail := func(err error) bool {
		switch kind := search.KindOf(err); {
		case err == nil:
			return false
		case kind == search.KindChanged && c.store.(*flaky).ref(ref.Key, ref.Size).ETag != ref.ETag:
		case kind == search.KindCanceled && ctx.Err() != nil:
		case faults && (kind == search.KindTimeout || kind == search.KindIO) && err != io.EOF:
		default:
			t.Errorf("%s: %v", ref.Key, err)
		}
		return true
	}
	f, err := c.OpenFile(ctx, ref)
	if fail(err) {
		return
	}
	defer f.Close()
	each := []int64{4 << 10, 16 << 10, 128 << 10, 300 << 10}[r.IntN(4)]
	off, step := int64(0), each
	way := r.IntN(5)
	switch way {
	case 1: // backward
		off, step = ref.Size-each, -each
	case 2: // strided
		step = 3*each + 1
	}
	read := func(off int64) bool {
		p := make([]byte, each)
		v, err := f.View(ctx, p, off)
		if off < 0 || off >= ref.Size {
			return false
		}
		if fail(err) {
			return false
		}
		want := make([]byte, min(each, ref.Size-off))
		content(want, ref, off)
		if !holds(v, want) {
			t.Errorf("%s: wrong bytes at %d: %d of %d", ref.Key, off, v.Len(), len(want))
		}
		if r.IntN(4) == 0 {
			time.Sleep(time.Millisecond) // what is lent stays as it is
			if !holds(v, want) {
				t.Errorf("%s: lent bytes at %d changed", ref.Key, off)
			}
		}
		v.Release()
		return true
	}
	for range 25 {
		switch way {
		case 3: // here and there
			off = r.Int64N(ref.Size)
		case 4: // several at once
			var wg sync.WaitGroup
			at := r.Int64N(ref.Size)
			for i := range int64(4) {
				wg.Go(func() {
					if p := make([]byte, each); true {
						v, err := f.View(ctx, p, at+i*each)
						if err != nil {
							return
						}
						want := make([]byte, v.Len())
						content(want, ref, at+i*each)
						if !holds(v, want) {
							t.Errorf("%s: wrong bytes at %d", ref.Key, at+i*each)
						}
						v.Release()
					}
				})
			}
			wg.Wait()
			continue
		}
		if !read(off) {
			return
		}
		if way < 3 {
			off += step
		}
	}
}

// checkAhead checks that what was read ahead is used, wasted, or unread in memory.
func checkAhead(t *testing.T, c *Cache) {
	t.Helper()
	var unread int64
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	for _, l := range c.mem.lists {
		for _, it := range l.Values() {
			if b, ok := it.value.(*block); ok && b.early != nil {
				unread += b.early.came - b.early.used
			}
		}
	}
	if a := c.ahead.usage(); a.asked != a.used+a.wasted+unread || a.outstanding > a.asked {
		t.Errorf("%+v with %d bytes unread in memory", a, unread)
	}
}
