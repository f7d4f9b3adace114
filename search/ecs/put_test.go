package ecs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

func TestPutObject(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 0)
	c := newClient(t, srv.URL)
	for _, data := range []string{"", "hello", strings.Repeat("x", 1<<20)} {
		body := strings.NewReader(data + "behind")
		put, err := c.PutObject(t.Context(), "b", "a b/ü", body, int64(len(data)), ecs.PutOptions{
			ContentType: "text/plain", Metadata: map[string]string{"Color": "red", "x-amz-meta-n": "7"}})
		if err != nil {
			t.Fatal(err)
		}
		want, err := ecs.ETagOf(strings.NewReader(data), int64(len(data)), 0)
		if err != nil || put.ETag != want || put.VersionID != "" {
			t.Errorf("%+v, want ETag %s, %v", put, want, err)
		}
		o, err := c.Store().Stat(t.Context(), search.Ref{Bucket: "b", Key: "a b/ü"})
		color, _ := o.Metadata.Get("x-amz-meta-color")
		n, _ := o.Metadata.Get("x-amz-meta-n")
		if err != nil || o.Size != int64(len(data)) || o.ETag != want || o.ContentType != "text/plain" || color != "red" || n != "7" {
			t.Errorf("%+v, %v", o, err)
		}
		if rest, _ := io.ReadAll(body); string(rest) != "behind" {
			t.Errorf("what is behind the data was read: %q is left", rest)
		}
	}
	if srv.Count("PutObject") != 3 {
		t.Errorf("requests %v", srv.Counts())
	}
	for _, r := range srv.Requests() {
		if hash := r.Header.Get("x-amz-content-sha256"); r.Method == "PUT" && r.Bucket == "b" && r.Key != "" && (len(hash) != 64 || r.Header.Get("x-amz-trailer") != "") {
			t.Errorf("x-amz-content-sha256 %q, trailer %q", hash, r.Header.Get("x-amz-trailer"))
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum") || strings.HasPrefix(name, "X-Amz-Sdk-Checksum") {
				t.Errorf("%s was sent", name)
			}
		}
	}
	for _, counter := range c.Stats() {
		if counter.Name == "bytes_sent" && counter.Value != 5+1<<20 {
			t.Errorf("bytes_sent %d", counter.Value)
		}
	}
	_, err := c.PutObject(t.Context(), "b", "a b/ü", strings.NewReader("x"), 1, ecs.PutOptions{IfNoneMatch: true})
	wantError(t, err, search.KindChanged, "put b/a b/ü: PreconditionFailed")
}

// TestPutObjectSignsBodies: the SHA-256 of what is stored is in the signature
// with TLS too, whole or in parts.
func TestPutObjectSignsBodies(t *testing.T) {
	srv := ecstest.NewUnstartedServer()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, srv.Certificate, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := ecs.New(t.Context(), ecs.Config{Endpoint: srv.URL, Credentials: demoKeys, CABundle: bundle})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	if err := c.CreateBucket(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(t.Context(), "b", "small", strings.NewReader("abc"), 3, ecs.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := putParts(t.Context(), c, ecs.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for _, r := range srv.Requests() {
		if hash := r.Header.Get("x-amz-content-sha256"); len(hash) != 64 {
			t.Errorf("%s: x-amz-content-sha256 is %q", r.Operation, hash)
		}
		if r.Operation == "PutObject" || r.Operation == "UploadPart" {
			bodies++
		}
	}
	if bodies != 4 {
		t.Errorf("requests %v", srv.Counts())
	}
}

// TestPutObjectDeadline: a store that takes no bytes is dead after Timeout; one
// that takes them is not, however long it gives no answer.
func TestPutObjectDeadline(t *testing.T) {
	const timeout = 500 * time.Millisecond
	size := 8 * ecs.MinPartSize
	ended := make(chan struct{})
	silent := newHandler(t, func(http.ResponseWriter, *http.Request) { <-ended })
	t.Cleanup(func() { close(ended) })
	c := newClient(t, silent, func(c *ecs.Config) { c.Timeout = timeout })
	_, err := c.PutObject(t.Context(), "b", "k", bytes.NewReader(make([]byte, size)), int64(size), ecs.PutOptions{PartSize: 20 * ecs.MinPartSize})
	wantError(t, err, search.KindTimeout, "put b/k: nothing from", "for 500ms")

	// What the sockets on the way hold goes at the server's pace when nothing is left to send: some
	// 6 MiB, so 1 MiB each sixteenth of the timeout is progress to the end, with room for a busy machine.
	const patience = 4 * timeout
	began := time.Now()
	slow := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		p := make([]byte, size/40)
		for tick := time.NewTicker(patience / 16); ; <-tick.C {
			if _, err := io.ReadFull(r.Body, p); err != nil {
				break
			}
		}
		w.Header().Set("ETag", `"e"`)
	})
	c = newClient(t, slow, func(c *ecs.Config) { c.Timeout = patience })
	if _, err := c.PutObject(t.Context(), "b", "k", bytes.NewReader(make([]byte, size)), int64(size), ecs.PutOptions{PartSize: 20 * ecs.MinPartSize}); err != nil || time.Since(began) < 2*patience {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestPutObjectRefused(t *testing.T) {
	c, requests := answering(t, 500, "")
	for _, tt := range []struct {
		key  string
		size int64
		o    ecs.PutOptions
		kind search.Kind
		want string
	}{
		{"k", -1, ecs.PutOptions{}, search.KindInvalid, "a size of -1 bytes"},
		{"k", 1 << 50, ecs.PutOptions{}, search.KindTooLarge, "that an object can have"},
		{"", 1, ecs.PutOptions{}, search.KindNotExist, "empty key"},
		{"k", 1, ecs.PutOptions{PartSize: -1}, search.KindInvalid, "part size"},
		{"k", 1, ecs.PutOptions{Concurrency: -1}, search.KindInvalid, "concurrency"},
		{"k", 1, ecs.PutOptions{ContentType: "a\nb"}, search.KindInvalid, "content type"},
		{"k", 1, ecs.PutOptions{Metadata: map[string]string{"a b": "1"}}, search.KindInvalid, `"a b" is no name`},
		{"k", 1, ecs.PutOptions{Metadata: map[string]string{"": "1"}}, search.KindInvalid, `"" is no name`},
		{"k", 1, ecs.PutOptions{Metadata: map[string]string{"A": "1", "x-amz-meta-a": "2"}}, search.KindInvalid, "given twice"},
		{"k", 1, ecs.PutOptions{Metadata: map[string]string{"a": "1\r\nx: y"}}, search.KindInvalid, "no header can carry the value of the metadata a"},
		{"k", 1, ecs.PutOptions{Metadata: map[string]string{"a": " 1"}}, search.KindInvalid, "blank at an end"},
	} {
		_, err := c.PutObject(t.Context(), "b", tt.key, strings.NewReader("x"), tt.size, tt.o)
		wantError(t, err, tt.kind, tt.want)
	}
	_, err := c.PutObject(t.Context(), "b", "k", strings.NewReader("abc"), 4, ecs.PutOptions{})
	wantError(t, err, search.KindIO, "put b/k: the data ended after 3 of 4 bytes")
	_, err = c.PutObject(t.Context(), "b", "k", &errReader{strings.NewReader("abc"), errDisk}, 4, ecs.PutOptions{})
	wantError(t, err, search.KindIO, "the disk is broken")
	if len(*requests) != 0 {
		t.Errorf("%d requests", len(*requests))
	}
}

// partsData is two parts and a bit.
var partsData = random(2*ecs.MinPartSize + 1000)

// putParts stores partsData in parts of the least size.
func putParts(ctx context.Context, c *ecs.Client, o ecs.PutOptions) (ecs.PutResult, error) {
	o.PartSize = 1
	return c.PutObject(ctx, "b", "k", bytes.NewReader(partsData), int64(len(partsData)), o)
}

// TestPutObjectInParts: an upload of which one part fails at first.
func TestPutObjectInParts(t *testing.T) {
	var failed atomic.Bool
	srv := startServer(t, func(s *ecstest.Server) {
		s.Intercept = func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
			if req.Operation == "UploadPart" && req.Query.Get("partNumber") == "2" && failed.CompareAndSwap(false, true) {
				w.WriteHeader(500)
				return true
			}
			return false
		}
	})
	fill(t, srv, 0)
	c := newClient(t, srv.URL)
	put, err := putParts(t.Context(), c, ecs.PutOptions{ContentType: "a/b", Metadata: map[string]string{"color": "red"}})
	want, etagErr := ecs.ETagOf(bytes.NewReader(partsData), int64(len(partsData)), 1)
	if err != nil || etagErr != nil || put.ETag != want || !strings.HasSuffix(want, "-3") {
		t.Fatalf("%+v, %v, want %s", put, err, want)
	}
	got := srv.Counts()
	if got["CreateMultipartUpload"] != 1 || got["UploadPart"] != 4 || got["CompleteMultipartUpload"] != 1 || len(got) != 3 {
		t.Errorf("requests %v", got)
	}
	for _, r := range srv.Requests() {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum") || strings.HasPrefix(name, "X-Amz-Sdk-Checksum") || name == "X-Amz-Trailer" || name == "X-Amz-Mp-Object-Size" {
				t.Errorf("%s: %s was sent", r.Operation, name)
			}
		}
	}
	for o, err := range c.Bucket("b").Search(t.Context(), "color==red") {
		if err != nil {
			t.Fatal(err)
		}
		f, err := o.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(data, partsData) || o.ETag != want || o.ContentType != "a/b" {
			t.Errorf("%+v, %d bytes, %v", o, len(data), err)
		}
		f.Close()
	}
	for _, counter := range c.Stats() {
		if counter.Name == "requests_multipart" && counter.Value != 6 {
			t.Errorf("%s = %d", counter.Name, counter.Value)
		}
	}
	_, err = putParts(t.Context(), c, ecs.PutOptions{IfNoneMatch: true})
	wantError(t, err, search.KindChanged, "put b/k: PreconditionFailed")
}

// TestPutObjectInPartsFails: whatever goes wrong, the parts are removed and
// the error is that of the failure.
func TestPutObjectInPartsFails(t *testing.T) {
	for what, removed := range map[string]int{"CreateMultipartUpload": 0, "UploadPart": 1, "CompleteMultipartUpload": 1, "AbortMultipartUpload": 1} {
		srv := startServer(t, func(s *ecstest.Server) {
			s.Intercept = func(w http.ResponseWriter, _ *http.Request, r ecstest.Request) bool {
				if r.Operation != what && !(what == "AbortMultipartUpload" && r.Operation == "CompleteMultipartUpload") {
					return false
				}
				w.WriteHeader(403)
				fmt.Fprint(w, "<Error><Code>AccessDenied</Code><Message>no "+r.Operation+"</Message></Error>")
				return true
			}
		})
		fill(t, srv, 0)
		_, err := putParts(t.Context(), newClient(t, srv.URL), ecs.PutOptions{})
		first := what
		if what == "AbortMultipartUpload" {
			first = "CompleteMultipartUpload"
		}
		wantError(t, err, search.KindPermission, "put b/k: AccessDenied: no "+first)
		if left := strings.Contains(err.Error(), "parts of it may be left"); left != (what == "AbortMultipartUpload") {
			t.Errorf("%s: %v", what, err)
		}
		if n := srv.Count("AbortMultipartUpload"); n != removed {
			t.Errorf("%s: requests %v", what, srv.Counts())
		}
	}
	srv := startServer(t)
	fill(t, srv, 0)
	c := newClient(t, srv.URL)
	_, err := c.PutObject(t.Context(), "b", "k", &errReader{bytes.NewReader(partsData), errDisk}, int64(len(partsData))+1, ecs.PutOptions{PartSize: 1})
	wantError(t, err, search.KindIO, "the disk is broken")
	if got := srv.Counts(); got["AbortMultipartUpload"] != 1 || got["CompleteMultipartUpload"] != 0 {
		t.Errorf("requests %v", got)
	}
}

// TestPutObjectCanceled: when the caller gives up, the parts are removed.
func TestPutObjectCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := startServer(t, func(s *ecstest.Server) {
		s.Intercept = func(_ http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
			if req.Operation == "UploadPart" {
				cancel()
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			}
			return false
		}
	})
	fill(t, srv, 0)
	_, err := putParts(ctx, newClient(t, srv.URL), ecs.PutOptions{Concurrency: 1})
	wantError(t, err, search.KindCanceled, "put b/k")
	if srv.Count("AbortMultipartUpload") != 1 {
		t.Errorf("requests %v", srv.Counts())
	}
}

// TestPutObjectAtPartSize: the ETag of an object of about one part, or of whole
// parts, is the one that ETagOf foretells.
func TestPutObjectAtPartSize(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 0)
	c := newClient(t, srv.URL)
	for _, size := range []int64{ecs.MinPartSize - 1, ecs.MinPartSize, ecs.MinPartSize + 1, 2 * ecs.MinPartSize} {
		want, err := ecs.ETagOf(bytes.NewReader(partsData), size, 1)
		if err != nil {
			t.Fatal(err)
		}
		// The reader can do nothing but read, and a little at a time.
		put, err := c.PutObject(t.Context(), "b", "k", iotest.HalfReader(bytes.NewReader(partsData)), size, ecs.PutOptions{PartSize: 1})
		o, statErr := c.Bucket("b").Object("k").Stat(t.Context())
		if err != nil || statErr != nil || put.ETag != want || o.ETag != want || o.Size != size {
			t.Errorf("%d bytes: %+v, %+v, want %s, %v, %v", size, put, o, want, err, statErr)
		}
	}
}

func TestPartSize(t *testing.T) {
	for _, tt := range []struct{ size, part, want int64 }{
		{0, 0, 8 << 20}, {1 << 40, 0, 105 << 20}, {100, 1, 5 << 20}, {1 << 30, 64 << 20, 64 << 20},
		{9_999 * 8 << 20, 0, 8 << 20}, {80_000<<20 - 1, 0, 8 << 20}, {80_000 << 20, 0, 9 << 20}, {5 << 40, 0, 525 << 20},
	} {
		got := ecs.PartSize(tt.size, tt.part)
		if got != tt.want || (tt.size+got-1)/got > ecs.MaxParts {
			t.Errorf("PartSize(%d, %d) = %d, want %d", tt.size, tt.part, got, tt.want)
		}
	}
}

func TestETagOf(t *testing.T) {
	data := make([]byte, 2*ecs.MinPartSize)
	for _, tt := range []struct {
		size int64
		want string
	}{ // computed by another program
		{0, "d41d8cd98f00b204e9800998ecf8427e"},
		{1, "93b885adfe0da089cdf634904fd59f71"},
		{ecs.MinPartSize - 1, "7c668eb59d6f0141a7863774100bfbcc"},
		{ecs.MinPartSize, "81485c0e873d222199469076b60f30e9-1"},
		{2*ecs.MinPartSize - 1, "67b7ac7fa9e6a7d0f8dae28592b1215c-2"},
		{2 * ecs.MinPartSize, "a7d414b9133d6483d9a1c4e04e856e3b-2"},
	} {
		got, err := ecs.ETagOf(bytes.NewReader(data), tt.size, 1)
		if err != nil || got != tt.want {
			t.Errorf("%d bytes: %s, %v", tt.size, got, err)
		}
	}
	if _, err := ecs.ETagOf(strings.NewReader("abc"), 4, 0); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	if _, err := ecs.ETagOf(&errReader{strings.NewReader("abc"), errDisk}, 4, 0); err != errDisk {
		t.Error(err)
	}
	if _, err := ecs.ETagOf(strings.NewReader(""), -1, 0); err == nil {
		t.Error("a negative size")
	}
}
