package ecs

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// cannedServer answers every GET with the range it asks for, of an object of zeros, and takes as little of
// the CPU and as few allocations as a server can: what a benchmark shows is the client's. It counts requests.
func cannedServer(t testing.TB, size int64) (address string, requests *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	requests = new(atomic.Int64)
	zeros := make([]byte, 1<<20)
	serve := func(conn net.Conn) {
		defer conn.Close()
		r := bufio.NewReader(conn)
		var first, last int64
		for head := make([]byte, 0, 1<<10); ; {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if rest, ok := bytes.CutPrefix(line, []byte("Range: bytes=")); ok {
				from, to, _ := strings.Cut(strings.TrimSpace(string(rest)), "-")
				first, _ = strconv.ParseInt(from, 10, 64)
				last, _ = strconv.ParseInt(to, 10, 64)
			}
			if len(line) > 2 {
				continue
			}
			requests.Add(1)
			head = fmt.Appendf(head[:0], "HTTP/1.1 206 Partial Content\r\nDate: Mon, 23 Nov 2026 08:00:00 GMT\r\nServer: ViPR/1.0\r\n"+
				"x-amz-request-id: 0a6b1234:18c2f0a7e2d:1a2b:3\r\nETag: \"e\"\r\nLast-Modified: Mon, 23 Nov 2026 07:00:00 GMT\r\nAccept-Ranges: bytes\r\n"+
				"Content-Type: application/octet-stream\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\n\r\n", last-first+1, first, last, size)
			if _, err := conn.Write(head); err != nil {
				return
			}
			if _, err := conn.Write(zeros[:last-first+1]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String(), requests
}

// BenchmarkGet is ReadRange of a pinned object from a server that costs next to nothing.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 1 << 20} {
		b.Run(strconv.Itoa(size>>10)+"KiB", func(b *testing.B) {
			address, requests := cannedServer(b, 1<<30)
			c, err := New(b.Context(), Config{Endpoint: "http://" + address, Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}})
			if err != nil {
				b.Fatal(err)
			}
			defer c.CloseIdleConnections()
			ref := search.Ref{Bucket: "bucket", Key: "logs/2026/an-object.dat", ETag: "e", Size: 1 << 30}
			p := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.store.ReadRange(b.Context(), ref, p, 1<<20); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(requests.Load())/float64(b.N), "requests/op")
			b.ReportMetric(float64(c.bytesReceived.Load())/float64(b.N), "bytes/op")
		})
	}
}
