package ecstest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wire sends one signed request again and again over a connection of its own,
// with next to no work: what is measured is the server's.
type wire struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func newWire(b *testing.B, s *Server, method, target string, headers ...string) *wire {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, s.URL+target, nil)
	ok(b, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	ok(b, s.testClient(b).signer.Sign(r, "UNSIGNED-PAYLOAD", time.Now()))
	var out bytes.Buffer
	ok(b, r.Write(&out))
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	ok(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	return &wire{conn, bufio.NewReaderSize(conn, 64<<10), out.Bytes()}
}

// do sends the request and returns how long the answer's body is.
func (w *wire) do(b *testing.B) (length int64) {
	_, err := w.conn.Write(w.request)
	ok(b, err)
	for first := true; ; first = false {
		line, err := w.in.ReadSlice('\n')
		ok(b, err)
		switch {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 20")):
			b.Fatalf("answer %q", line)
		case len(line) == 2:
			if bytes.HasPrefix(w.request, []byte("HEAD")) {
				return 0
			}
			_, err := io.CopyN(io.Discard, w.in, length)
			ok(b, err)
			return length
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			_, err := fmt.Sscanf(string(line), "Content-Length: %d", &length)
			ok(b, err)
		}
	}
}

// cpuTime is what the process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWire is requests over a connection, CPU time of client and server
// together.
func BenchmarkWire(b *testing.B) {
	s := NewUnstartedServer()
	s.Start()
	defer s.Close()
	ok(b, s.CreateBucket("b", "Size", "x-amz-meta-n;integer"))
	ok(b, s.PutObject("b", "small", make([]byte, 4096), PutOptions{Metadata: map[string]string{"n": "1"}}))
	ok(b, s.PutObject("b", "large", make([]byte, 1<<20), PutOptions{}))
	ok(b, s.PutGenerated("b", "generated", Generated{Seed: 1, Size: 10 << 30}, PutOptions{}))
	for i := range 10_000 {
		ok(b, s.PutGenerated("b", fmt.Sprintf("rows/%05d", i), Generated{}, PutOptions{Metadata: map[string]string{"n": "1"}}))
	}
	for _, q := range []struct {
		name, method, target string
		headers              []string
	}{
		{"HEAD", "HEAD", "/b/small", nil},
		{"GET 4 KiB", "GET", "/b/small", nil},
		{"GET 1 MiB", "GET", "/b/large", nil},
		{"GET 1 MiB generated", "GET", "/b/generated", []string{"Range", "bytes=5242880-6291455"}},
		{"GET 32 MiB generated", "GET", "/b/generated", []string{"Range", "bytes=5242880-38797311"}},
		{"Query", "GET", queryTarget("b", "x-amz-meta-n==1"), nil},
		{"ListObjectsV2", "GET", "/b?list-type=2&prefix=rows/", nil},
	} {
		b.Run(q.name, func(b *testing.B) {
			w := newWire(b, s, q.method, q.target, q.headers...)
			b.ReportAllocs()
			before := cpuTime(b)
			n := 0
			for b.Loop() {
				b.SetBytes(w.do(b))
				n++
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(n), "cpu-µs/op")
		})
	}
}
