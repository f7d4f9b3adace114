package ecstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// benchObjects are in the bucket "b" of the server that all benchmarks share.
// It is built once a process.
const benchObjects = 1_000_000

// bench is that server.
var bench struct {
	once   sync.Once
	server *Server
	heap   uint64 // bytes that it takes, after collection
}

// benchObject is object i: 100 objects a minute of two years in folders of
// 1,000, each with five indexed keys beside its name and no bytes.
func benchObject(key string, i int) Object {
	colors := [...]string{"red", "green", "blue", "black", "white", "grey", "pink", "cyan", "gold", "teal"}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return Object{Key: key, PutOptions: PutOptions{
		LastModified: at.Add(time.Duration(i) * time.Minute / 100),
		Metadata:     map[string]string{"n": strconv.Itoa(i), "color": colors[i%len(colors)]}}}
}

// benchKey scatters the objects: neighbours by number are none by name.
func benchKey(i int) string {
	scattered := i * 7919 % benchObjects
	return fmt.Sprintf("data/%03d/object-%07d.bin", scattered/1000, scattered)
}

func benchServer(b *testing.B) *Server {
	b.Helper()
	bench.once.Do(func() {
		before := heapInUse()
		s := NewUnstartedServer()
		s.RecordLimit = -1
		ok(b, s.CreateBucket("b", "Size", "LastModified", "ObjectName", "x-amz-meta-n;integer", "x-amz-meta-color;string"))
		defer debug.SetGCPercent(debug.SetGCPercent(400)) // half the time to build it
		ok(b, s.PutObjects("b", func(yield func(Object) bool) {
			for i := range benchObjects {
				if !yield(benchObject(benchKey(i), i)) {
					return
				}
			}
		}))
		bench.server, bench.heap = s, heapInUse()-before
	})
	if bench.server == nil {
		b.Fatal("the benchmarks' server could not be built")
	}
	return bench.server
}

// nowhere takes an answer and keeps its status alone.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(status int)      { w.status = status }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// benchGet has s answer a signed request, without a network.
func benchGet(b *testing.B, s *Server, target string) {
	b.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://ecs.test"+target, nil)
	ok(b, s.testClient(b).signer.Sign(r, sigv4.EmptyPayloadHash, time.Now()))
	for b.Loop() {
		w := &nowhere{header: http.Header{}}
		s.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatalf("status %d", w.status)
		}
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkHeap reports what an object costs beside its bytes: promised is 1 KiB.
func BenchmarkHeap(b *testing.B) {
	benchServer(b)
	for b.Loop() {
	}
	b.ReportMetric(float64(bench.heap)/benchObjects, "heap-B/object")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkQueryPage is one page of up to 1,000 rows of a million objects,
// signed, verified and rendered. Promised are 5 ms for the selective range.
func BenchmarkQueryPage(b *testing.B) {
	s := benchServer(b)
	// Few, as the testing package collects garbage before each.
	for _, q := range []struct{ name, target string }{
		{"selective range", queryTarget("b", "x-amz-meta-n>=500000 and x-amz-meta-n<501000")},
		{"range and one in ten", queryTarget("b", "x-amz-meta-n>=0 and x-amz-meta-color=='red'")},
		{"two ranges without a common object", queryTarget("b", "x-amz-meta-n>=500000 and LastModified<2024-01-04T00:00:00Z")},
		{"or", queryTarget("b", "x-amz-meta-n<600 or x-amz-meta-n>999400")},
		{"folder of folders", queryTarget("b", "x-amz-meta-n>=0", "prefix", "data/", "delimiter", "/")},
		{"folder of folders, one in ten", queryTarget("b", "x-amz-meta-color=='red'", "prefix", "data/", "delimiter", "/")},
		{"older versions", queryTarget("b", "x-amz-meta-n>=500000 and x-amz-meta-n<501000", "include-older-versions", "true")},
	} {
		b.Run(q.name, func(b *testing.B) {
			benchGet(b, s, q.target)
		})
	}
}

// BenchmarkListPage is one page of up to 1,000 rows of a million objects.
func BenchmarkListPage(b *testing.B) {
	s := benchServer(b)
	for _, l := range []struct{ name, target string }{
		{"folders", "/b?list-type=2&prefix=data/&delimiter=/"},
		{"versions", "/b?versions&key-marker=data/500/"},
	} {
		b.Run(l.name, func(b *testing.B) {
			benchGet(b, s, l.target)
		})
	}
}

// BenchmarkPutObject adds to a million objects, and then replaces what it
// added. Promised are 200 µs.
func BenchmarkPutObject(b *testing.B) {
	s := benchServer(b)
	i := 0
	for b.Loop() {
		o := benchObject(fmt.Sprintf("new/%d", i%50_000), benchObjects+i%50_000)
		ok(b, s.PutObject("b", o.Key, nil, o.PutOptions))
		i++
	}
	b.StopTimer()
	for i := range min(i, 50_000) { // the other benchmarks' million stays one
		ok(b, s.DeleteObject("b", fmt.Sprintf("new/%d", i)))
	}
}
