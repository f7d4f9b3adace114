package cache

import (
	"context"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// instant is a store whose objects are all zeros, and which waits for nothing but trip.
type instant struct {
	search.Store
	trip            time.Duration
	requests, bytes atomic.Int64
}

var zeros [mib]byte

func (s *instant) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	s.requests.Add(1)
	n := int(min(int64(len(p)), ref.Size-off))
	s.bytes.Add(int64(n))
	if s.trip > 0 {
		timer := time.NewTimer(s.trip)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	for at := 0; at < n; at += mib {
		copy(p[at:n], zeros[:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *instant) report(b *testing.B) {
	b.ReportMetric(float64(s.requests.Load())/float64(b.N), "requests/op")
	b.ReportMetric(float64(s.bytes.Load())/float64(b.N)/mib, "MiB-asked/op")
}

// A cat of 1 GiB through the memory of a default mount, in reads as the kernel sends them.
func BenchmarkSequentialRead(b *testing.B) {
	for _, bench := range []struct {
		name string
		trip time.Duration
	}{{"0ms", 0}, {"10ms", 10 * time.Millisecond}} {
		b.Run(bench.name, func(b *testing.B) {
			s := &instant{trip: bench.trip}
			c := newCache(b, s, Options{MemoryBudget: 128 * mib})
			const size = 1 << 30
			p := make([]byte, 128<<10)
			b.SetBytes(size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ref := search.Ref{Bucket: "b", Key: string(rune('a' + i)), ETag: "e", Size: size}
				f := mustOpenFile(b, c, ref)
				for off := int64(0); off < size; off += int64(len(p)) {
					v, err := f.View(b.Context(), p, off)
					if err != nil {
						b.Fatal(err)
					}
					v.Release()
				}
				f.Close()
			}
			s.report(b)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapSys+m.StackSys-m.HeapReleased)/mib, "MiB-held")
		})
	}
}

// One thread that reads 4 KiB here and there, a thousand times.
func BenchmarkRandomRead(b *testing.B) {
	for _, bench := range []struct {
		name string
		size int64
	}{{"100MiB", 100 << 20}, {"10GiB", 10 << 30}} {
		b.Run(bench.name, func(b *testing.B) {
			s := &instant{trip: time.Millisecond}
			at, p := uint64(1), make([]byte, 4096)
			for i := 0; b.Loop(); i++ {
				c := New(s, Options{MemoryBudget: 128 * mib})
				f := mustOpenFile(b, c, bigRef(bench.size))
				for range 1000 {
					at = at*6364136223846793005 + 1442695040888963407
					v, err := f.View(b.Context(), p, int64(at>>1)%bench.size&^4095)
					if err != nil {
						b.Fatal(err)
					}
					v.Release()
				}
				f.Close()
				c.Close()
			}
			s.report(b)
		})
	}
}

// What a file of 4 KiB costs that is fetched ahead, opened, read and closed.
func BenchmarkPrefetchedFile(b *testing.B) {
	s := &instant{}
	c := newCache(b, s, Options{MemoryBudget: 128 * mib})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p := make([]byte, 4096)
	b.ReportAllocs()
	next := 0
	for i := 0; b.Loop(); i++ {
		for ; next < i+32; next++ {
			if _, ok := c.Prefetch(ctx, smallRef(next, 4096), mib); !ok {
				break
			}
		}
		f := mustOpenFile(b, c, smallRef(i, 4096))
		v, err := f.View(ctx, p, 0)
		if err != nil {
			b.Fatal(err)
		}
		v.Release()
		f.Close()
	}
	s.report(b)
}
