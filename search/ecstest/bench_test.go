package ecstest

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// benchObjects are in the bucket "b" of the server that all benchmarks share.
// It is built once a process.
const benchObjects = 1_000_000

// bench is that server, and what building it took.
var bench struct {
	once   sync.Once
	server *Server
	heap   uint64 // bytes, after collection
	took   time.Duration
}

// benchPut stores object i: 100 objects a minute of two years in folders of
// 1,000, each with five indexed keys beside its name and no bytes.
func benchPut(s *Server, key string, i int) error {
	colors := [...]string{"red", "green", "blue", "black", "white", "grey", "pink", "cyan", "gold", "teal"}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return s.PutObject("b", key, nil, PutOptions{
		LastModified: at.Add(time.Duration(i) * time.Minute / 100),
		Metadata:     map[string]string{"n": strconv.Itoa(i), "color": colors[i%len(colors)]}})
}

// benchKey scatters the objects: neighbours by number are none by name.
func benchKey(i int) string {
	scattered := i * 7919 % benchObjects
	return fmt.Sprintf("data/%03d/object-%07d.bin", scattered/1000, scattered)
}

func benchServer(b *testing.B) (*Server, *client) {
	b.Helper()
	bench.once.Do(func() {
		before := heapInUse()
		s := NewUnstartedServer()
		s.URL = "http://ecs.test"
		s.RecordLimit = -1
		ok(b, s.CreateBucket("b", "Size", "LastModified", "ObjectName", "x-amz-meta-n;integer", "x-amz-meta-color;string"))
		start := time.Now()
		for i := range benchObjects {
			ok(b, benchPut(s, benchKey(i), i))
		}
		bench.took = time.Since(start)
		bench.server, bench.heap = s, heapInUse()-before
	})
	if bench.server == nil {
		b.Fatal("the benchmarks' server could not be built")
	}
	c := bench.server.testClient(b)
	c.http.Transport = direct{bench.server}
	return bench.server, c
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkBuild reports what a million objects cost: promised are 1 KiB of
// heap each beside their bytes, and 200 µs a put.
func BenchmarkBuild(b *testing.B) {
	benchServer(b)
	for b.Loop() {
	}
	b.ReportMetric(float64(bench.heap)/benchObjects, "heap-B/object")
	b.ReportMetric(float64(bench.took.Microseconds())/benchObjects, "µs/put")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkQueryPage is one page of up to 1,000 rows of a million objects,
// signed, verified and rendered. Promised are 5 ms for the selective range.
func BenchmarkQueryPage(b *testing.B) {
	_, c := benchServer(b)
	for _, q := range []struct{ name, target string }{
		{"selective range", queryTarget("b", "x-amz-meta-n>=500000 and x-amz-meta-n<501000")},
		{"all", queryTarget("b", "x-amz-meta-n>=0")},
		{"half of a day", queryTarget("b", "LastModified>=2024-01-03T00:00:00Z and LastModified<2024-01-03T12:00:00Z")},
		{"range and one in ten", queryTarget("b", "x-amz-meta-n>=0 and x-amz-meta-color=='red'")},
		{"two ranges of different keys", queryTarget("b", "x-amz-meta-n>=500000 and LastModified<2024-01-04T00:00:00Z")},
		{"or", queryTarget("b", "x-amz-meta-n<600 or x-amz-meta-n>999400")},
		{"prefix", queryTarget("b", "x-amz-meta-n>=0", "prefix", "data/007/")},
		{"folder", queryTarget("b", "x-amz-meta-n>=0", "prefix", "data/007/", "delimiter", "/")},
		{"folder of folders", queryTarget("b", "x-amz-meta-n>=0", "prefix", "data/", "delimiter", "/")},
		{"top folder", queryTarget("b", "x-amz-meta-n>=0", "delimiter", "/")},
		{"folder of folders, one in ten", queryTarget("b", "x-amz-meta-color=='red'", "prefix", "data/", "delimiter", "/")},
		{"older versions", queryTarget("b", "x-amz-meta-n>=500000 and x-amz-meta-n<501000", "include-older-versions", "true")},
		{"nothing", queryTarget("b", "x-amz-meta-n<0 and x-amz-meta-color=='red'")},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				c.get(q.target).must(b, 200)
			}
		})
	}
}

// BenchmarkListPage is one page of up to 1,000 rows of a million objects.
func BenchmarkListPage(b *testing.B) {
	_, c := benchServer(b)
	for _, l := range []struct{ name, target string }{
		{"keys", "/b?list-type=2&start-after=data/500/"},
		{"folders", "/b?list-type=2&prefix=data/&delimiter=/"},
		{"versions", "/b?versions&key-marker=data/500/"},
	} {
		b.Run(l.name, func(b *testing.B) {
			for b.Loop() {
				c.get(l.target).must(b, 200)
			}
		})
	}
}

// BenchmarkPutObject adds to a million objects, and then replaces what it
// added.
func BenchmarkPutObject(b *testing.B) {
	s, _ := benchServer(b)
	i := 0
	for b.Loop() {
		ok(b, benchPut(s, fmt.Sprintf("new/%d", i%50_000), benchObjects+i%50_000))
		i++
	}
	b.StopTimer()
	for i := range min(i, 50_000) { // the other benchmarks' million stays one
		ok(b, s.DeleteObject("b", fmt.Sprintf("new/%d", i)))
	}
}
