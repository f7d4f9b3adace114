package ecstest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestZZParts(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, c := startServer(t, onDisk(dir), func(s *Server) { s.MinPartSize = 1 })
		ok(t, s.CreateBucket("b", "Size"))
		id := c.begin("/b/k")
		// parts put directly
		t0 := time.Now()
		body := bytesOf("x", 16<<10)
		etag := ""
		u := s.store.buckets["b"].uploads.Items()[0]
		n := 10000
		for i := 1; i <= n; i++ {
			if dir == "" || i <= 200 {
				etag = c.sendPart("/b/k", id, i, body)
				continue
			}
			// share the content of the first: fake
			p := *u.parts[(i-1)%200]
			p.number = i
			u.parts = append(u.parts, &p)
		}
		t.Log("parts", time.Since(t0))
		t0 = time.Now()
		var args []any
		for i := 1; i <= n; i++ {
			args = append(args, i, etag)
		}
		c.do("POST", "/b/k?uploadId="+id, completeBody(args...)).must(t, 200)
		t.Log("complete", time.Since(t0))
		t0 = time.Now()
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		if got := c.get("/b/k?partNumber=10000").must(t, 206); got.body != body {
			t.Error("part")
		}
		runtime.ReadMemStats(&m1)
		t.Log("get part", time.Since(t0), (m1.TotalAlloc-m0.TotalAlloc)>>20)
		t0 = time.Now()
		runtime.ReadMemStats(&m0)
		if got := c.do("HEAD", "/b/k", ""); got.header.Get("Content-Length") != fmt.Sprint(n*(16<<10)) {
			t.Error(got.header)
		}
		if got := c.get("/b/k").must(t, 200); got.body != strings.Repeat(body, n) {
			t.Error("body")
		}
		runtime.ReadMemStats(&m1)
		t.Log("get", time.Since(t0), (m1.TotalAlloc-m0.TotalAlloc)>>20)
		t0 = time.Now()
		for range 100 {
			c.get("/b").must(t, 200)
		}
		t.Log("100 lists", time.Since(t0))
	}
}

func TestZZDeleteMany(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	var objects []string
	for i := range 1000 {
		objects = append(objects, fmt.Sprintf("%s%04d", strings.Repeat("k", 1020), i), "")
	}
	a := c.deleteMany(false, objects...)
	t.Log(a.status, a.body[:200])
}
