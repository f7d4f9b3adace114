package cache

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// endless is a store whose only listing has so many rows.
type endless struct {
	search.Store
	rows int
	row  func(i int) search.Entry
}

func (s endless) Query(ctx context.Context, _ search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		for i := range s.rows {
			if !yield(s.row(i).Object, nil) {
				return
			}
		}
	}
}

// A million rows read as a readdir does; reports the heap that a row takes,
// its texts included and apart.
func BenchmarkListing1M(b *testing.B) {
	const rows = 1_000_000
	var perRow, overhead float64
	for b.Loop() {
		b.StopTimer()
		before := heap()
		c := New(endless{rows: rows, row: plainRow}, Options{MemoryBudget: 1 << 30, TTL: 1 << 60})
		b.StartTimer()
		s := mustOpen(b, c, query("b", "x"))
		for i := range rows {
			if _, err := s.Row(b.Context(), i); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := s.Row(b.Context(), rows); err != io.EOF {
			b.Fatal(err)
		}
		b.StopTimer()
		perRow = float64(heap()-before) / rows
		e := plainRow(rows / 2)
		overhead = perRow - float64(len(e.Key)+len(e.ETag))
		s.Close()
		c.Close()
		b.StartTimer()
	}
	b.ReportMetric(perRow, "heap-B/row")
	b.ReportMetric(overhead, "beyond-texts-B/row")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

func warmListing(b *testing.B, n int) (*Cache, search.Snapshot) {
	c := newCache(b, endless{rows: n, row: plainRow}, Options{MemoryBudget: 1 << 30, TTL: 1 << 60})
	s := mustOpen(b, c, query("b", "x"))
	b.Cleanup(s.Close)
	if _, err := s.Row(b.Context(), n); err != io.EOF {
		b.Fatal(err)
	}
	return c, s
}

func BenchmarkWarmRow(b *testing.B) {
	_, s := warmListing(b, 100_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Row(context.Background(), i%100_000)
		i++
	}
}

func BenchmarkWarmFind(b *testing.B) {
	_, s := warmListing(b, 100_000)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = plainRow(i * 97).Key
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, ok := s.Find(keys[i%len(keys)]); !ok {
			b.Fatal("not found")
		}
		i++
	}
}

// What a lookup of a child costs once its listing is kept.
func BenchmarkPeekFindClose(b *testing.B) {
	c, s := warmListing(b, 100_000)
	s.Close()
	key, l := plainRow(4711).Key, query("b", "x")
	b.ReportAllocs()
	for b.Loop() {
		p := c.Peek(l)
		p.Find(key)
		p.Close()
	}
}

func BenchmarkBlockHit(b *testing.B) {
	for _, size := range []int{4 << 10, 128 << 10} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			st := newStore(10)
			ref := st.put("b", "k", sequence(16<<20))
			c := newCache(b, st, Options{MemoryBudget: 64 << 20})
			if _, err := c.ReadRange(b.Context(), ref, make([]byte, 16<<20), 0); err != nil {
				b.Fatal(err)
			}
			cold := st.count("read")
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var next atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				p := make([]byte, size)
				for pb.Next() {
					if _, err := c.ReadRange(b.Context(), ref, p, next.Add(int64(size))%(16<<20-int64(size))); err != nil {
						b.Error(err)
						return
					}
				}
			})
			st.wantRequests(b, "read", cold)
		})
	}
}

// What memory says it keeps in small values is what the heap holds.
func TestMemoryWeighsItsItems(t *testing.T) {
	const n = 20_000
	st := newStore(10)
	before := heap()
	c := newCache(t, attributes{st}, Options{MemoryBudget: 1 << 30, TTL: 1 << 60})
	for i := range n {
		if _, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: plainRow(i).Key}); err != nil {
			t.Fatal(err)
		}
	}
	c.Close() // the flights' goroutines are gone
	real, said := heap()-before, stat(t, c, "cache_kept_bytes")
	if said < real*8/10 || said > real*13/10 {
		t.Errorf("memory says %d bytes, the heap grew by %d", said, real)
	}
	runtime.KeepAlive(c)
}

// attributes is a store that has every object.
type attributes struct{ search.Store }

func (attributes) Stat(_ context.Context, ref search.Ref) (search.Object, error) {
	o := plainRow(len(ref.Key)).Object
	o.Key = ref.Key
	return o, nil
}
