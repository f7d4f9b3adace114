package ecs_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

const body = "0123456789abcdefghijklmnopqrstuvwxyz"

// bodyRef is the pinned object of readServer.
var bodyRef = search.Ref{Bucket: "b", Key: "k", ETag: "e", Size: int64(len(body))}

// objectServer serves body, with everything right, except what spoil does. It
// returns the Range headers that it saw.
func objectServer(t *testing.T, spoil func(n int, w http.ResponseWriter, r *http.Request, first, last int) bool) (*httptest.Server, *[]string) {
	t.Helper()
	var n atomic.Int64
	ranges := &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*ranges = append(*ranges, r.Header.Get("Range")+" "+r.Header.Get("If-Match"))
		var first, last int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); err != nil {
			t.Errorf("Range %q", r.Header.Get("Range"))
		}
		last = min(last, len(body)-1)
		if spoil(int(n.Add(1)), w, r, first, last) {
			return
		}
		answerRange(w, "e", first, last)
	}))
	t.Cleanup(srv.Close)
	return srv, ranges
}

func answerRange(w http.ResponseWriter, etag string, first, last int) {
	if first >= len(body) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	if etag != "" {
		w.Header().Set("ETag", strconv.Quote(etag))
	}
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
	w.Header().Set("Content-Length", strconv.Itoa(last-first+1))
	w.WriteHeader(http.StatusPartialContent)
	io.WriteString(w, body[first:last+1])
}

// cutShort promises first to last and breaks off after n bytes.
func cutShort(t *testing.T, w http.ResponseWriter, etag string, first, last, n int) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	header := ""
	if etag != "" {
		header = fmt.Sprintf("ETag: %q\r\n", etag)
	}
	fmt.Fprintf(conn, "HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\n%s\r\n%s",
		last-first+1, first, last, len(body), header, body[first:first+n])
}

// TestReadAnswers is what servers and networks do to a read of 20 bytes from 10.
func TestReadAnswers(t *testing.T) {
	type spoiler = func(n int, w http.ResponseWriter, r *http.Request, first, last int) bool
	head := func(status int, headers ...string) spoiler {
		return func(_ int, w http.ResponseWriter, _ *http.Request, _, _ int) bool {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			io.WriteString(w, body[10:30])
			return true
		}
	}
	tests := []struct {
		name   string
		ref    search.Ref
		spoil  spoiler
		kind   search.Kind
		want   string // of the error; empty: the bytes come
		ranges string
	}{
		{"resumed", bodyRef, func(n int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			if n == 1 {
				cutShort(t, w, "e", first, last, 7)
			}
			return n == 1
		}, 0, "", `[bytes=10-29 "e" bytes=17-29 "e"]`},
		{"resumed, not pinned", search.Ref{Bucket: "b", Key: "k"}, func(n int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			if n == 1 {
				cutShort(t, w, "e", first, last, 7)
			}
			return n == 1
		}, 0, "", `[bytes=10-29  bytes=17-29 "e"]`},
		{"begun again, no ETag", search.Ref{Bucket: "b", Key: "k"}, func(n int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			if n == 1 {
				cutShort(t, w, "", first, last, 7)
			} else {
				answerRange(w, "", first, last)
			}
			return true
		}, 0, "", `[bytes=10-29  bytes=10-29 ]`},
		{"overwritten while resuming", search.Ref{Bucket: "b", Key: "k"}, func(n int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			if n == 1 {
				cutShort(t, w, "e", first, last, 7)
			} else {
				w.WriteHeader(http.StatusPreconditionFailed)
			}
			return true
		}, search.KindChanged, "overwritten", `[bytes=10-29  bytes=17-29 "e"]`},
		{"always cut", bodyRef, func(_ int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			cutShort(t, w, "e", first, last, 1)
			return true
		}, search.KindIO, "4 times", `[bytes=10-29 "e" bytes=11-29 "e" bytes=12-29 "e" bytes=13-29 "e"]`},
		{"less than asked for", bodyRef, func(_ int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			answerRange(w, "e", first, min(last, first+8))
			return true
		}, 0, "", `[bytes=10-29 "e" bytes=19-29 "e" bytes=28-29 "e"]`},
		{"503 once", bodyRef, func(n int, w http.ResponseWriter, _ *http.Request, _, _ int) bool {
			if n == 1 {
				w.WriteHeader(503)
			}
			return n == 1
		}, 0, "", `[bytes=10-29 "e" bytes=10-29 "e"]`},
		{"precondition", bodyRef, head(412), search.KindChanged, "overwritten", ""},
		{"gone", bodyRef, head(404), search.KindChanged, "removed", ""},
		{"gone, not pinned", search.Ref{Bucket: "b", Key: "k"}, head(404), search.KindNotExist, "no such object", ""},
		{"shorter now", bodyRef, head(416), search.KindChanged, "shorter", ""},
		{"If-Match ignored", bodyRef, func(_ int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			answerRange(w, "other", first, last)
			return true
		}, search.KindChanged, "overwritten", ""},
		{"no ETag", bodyRef, func(_ int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			answerRange(w, "", first, last)
			return true
		}, search.KindIO, "no ETag", ""},
		{"Range ignored", bodyRef, head(200, "ETag", `"e"`, "Content-Length", "20"), search.KindIO, "bytes from 0", ""},
		{"other range", bodyRef, head(206, "ETag", `"e"`, "Content-Length", "20", "Content-Range", "bytes 0-19/36"), search.KindIO, "bytes from 0", ""},
		{"other length", bodyRef, head(206, "ETag", `"e"`, "Content-Length", "20", "Content-Range", "bytes 10-19/36"), search.KindIO, "with 20 bytes", ""},
		{"other size", bodyRef, head(206, "ETag", `"e"`, "Content-Length", "20", "Content-Range", "bytes 10-29/37"), search.KindChanged, "overwritten", ""},
		{"no range", bodyRef, head(206, "ETag", `"e"`, "Content-Length", "20"), search.KindIO, "206 without Content-Range", ""},
		{"no length", bodyRef, func(_ int, w http.ResponseWriter, _ *http.Request, first, last int) bool {
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
			w.WriteHeader(http.StatusPartialContent)
			w.(http.Flusher).Flush()
			io.WriteString(w, body[first:last+1])
			return true
		}, search.KindIO, "no Content-Length", ""},
		{"bad range", bodyRef, head(206, "ETag", `"e"`, "Content-Length", "20", "Content-Range", "bytes x"), search.KindIO, "Content-Range", ""},
		{"denied", bodyRef, head(403), search.KindPermission, "key id", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, ranges := objectServer(t, tt.spoil)
			p := make([]byte, 20)
			n, err := newStore(t, srv.URL).ReadRange(t.Context(), tt.ref, p, 10)
			if tt.want == "" {
				if err != nil || string(p[:n]) != body[10:30] {
					t.Errorf("read %q, %v", p[:n], err)
				}
			} else {
				wantError(t, err, tt.kind, tt.want)
				if string(p[:n]) != body[10:10+n] {
					t.Errorf("%d bytes before the error are %q", n, p[:n])
				}
			}
			if tt.ranges != "" && fmt.Sprint(*ranges) != tt.ranges {
				t.Errorf("asked for %v\nwant      %s", *ranges, tt.ranges)
			}
		})
	}
}

// TestReadEmptyAnswer is an empty answer of a pinned object that is not empty:
// it must not pass for the end of the object.
func TestReadEmptyAnswer(t *testing.T) {
	srv, _ := objectServer(t, func(_ int, w http.ResponseWriter, _ *http.Request, _, _ int) bool {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Content-Length", "0")
		return true
	})
	n, err := newStore(t, srv.URL).ReadRange(t.Context(), bodyRef, make([]byte, 20), 0)
	wantError(t, err, search.KindIO, "no bytes")
	if n != 0 {
		t.Errorf("%d bytes of none", n)
	}
}

// TestReadAcrossTheEnd clamps to a size that is known, and finds out one that is not.
func TestReadAcrossTheEnd(t *testing.T) {
	srv, ranges := objectServer(t, func(int, http.ResponseWriter, *http.Request, int, int) bool { return false })
	c := newStore(t, srv.URL)
	p := make([]byte, 50)
	for _, ref := range []search.Ref{bodyRef, {Bucket: "b", Key: "k"}} {
		n, err := c.ReadRange(t.Context(), ref, p, 30)
		if n != 6 || err != io.EOF || string(p[:n]) != body[30:] {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	if want := `[bytes=30-35 "e" bytes=30-79 ]`; fmt.Sprint(*ranges) != want {
		t.Errorf("asked for %v, want %s: the end is known by then", *ranges, want)
	}
	for _, off := range []int64{36, 37, 1 << 40} {
		if n, err := c.ReadRange(t.Context(), bodyRef, p, off); n != 0 || err != io.EOF {
			t.Errorf("at %d: %d bytes, %v", off, n, err)
		}
	}
	if len(*ranges) != 2 {
		t.Errorf("reads past a known end were sent: %v", (*ranges)[2:])
	}
	_, err := c.ReadRange(t.Context(), bodyRef, p, -1)
	wantError(t, err, search.KindInvalid, "negative")
}

// breakingWriter ends the connection after left bytes.
type breakingWriter struct {
	http.ResponseWriter
	left int
}

func (w *breakingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	if w.left -= n; w.left == 0 {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// TestReadBigBroken reads 8 MiB over a network that breaks every megabyte: as
// every connection brings something, the read goes on to the end.
func TestReadBigBroken(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 8<<16)
	srv := startServer(t)
	if err := srv.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	if err := srv.PutObject("b", "k", data, ecstest.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	c := newStore(t, srv.URL)
	o, err := c.Stat(t.Context(), search.Ref{Bucket: "b", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.ServeHTTP(&breakingWriter{w, 1 << 20}, r)
	}))
	t.Cleanup(broken.Close)
	p := make([]byte, len(data))
	n, err := newStore(t, broken.URL).ReadRange(t.Context(), search.Ref{Bucket: "b", Key: "k", ETag: o.ETag, Size: o.Size}, p, 0)
	if err != nil || !bytes.Equal(p[:n], data) {
		t.Errorf("%d bytes of %d, %v", n, len(data), err)
	}
	if got := srv.Count("GetObject"); got < 8 || got > 12 {
		t.Errorf("%d requests", got)
	}
}

// TestStatAnswers maps what a HEAD, which has no body, says.
func TestStatAnswers(t *testing.T) {
	tests := []struct {
		status  int
		headers []string
		kind    search.Kind
		want    string
	}{
		{404, nil, search.KindNotExist, "no such object"},
		{403, nil, search.KindPermission, "key id"},
		{400, nil, search.KindIO, "status 400"},
		{500, nil, search.KindIO, ""},
		{301, []string{"Location", "http://elsewhere.example.com/"}, search.KindIO, "elsewhere.example.com"},
		{200, []string{"Last-Modified", "yesterday"}, search.KindIO, ""},
		{200, []string{"ETag", `"other"`}, search.KindChanged, "another"},
	}
	for _, tt := range tests {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1")
			for i := 0; i < len(tt.headers); i += 2 {
				w.Header().Set(tt.headers[i], tt.headers[i+1])
			}
			w.WriteHeader(tt.status)
		}))
		c := newStore(t, srv.URL)
		_, err := c.Stat(t.Context(), bodyRef)
		wantError(t, err, tt.kind, tt.want, "stat b/k: ")
		c.client.CloseIdleConnections()
		srv.Close()
	}
}

// TestStatDeleteMarker: the version that says that an object was deleted is no object.
func TestStatDeleteMarker(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-amz-delete-marker", "true")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}))
	t.Cleanup(srv.Close)
	_, err := newStore(t, srv.URL).Stat(t.Context(), search.Ref{Bucket: "b", Key: "k", VersionID: "v1"})
	wantError(t, err, search.KindNotExist, "no such object", "stat b/k: ")
}

// TestStatObject reads every header.
func TestStatObject(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("versionId") != "v1" {
			t.Errorf("asked for %s", r.URL)
		}
		for name, value := range map[string]string{"Content-Length": "7", "ETag": `"abc-2"`, "Content-Type": "text/plain", "x-amz-version-id": "null",
			"Last-Modified": "Mon, 23 Nov 2026 08:00:00 GMT", "X-Amz-Meta-CoLor": "Größe"} {
			w.Header().Set(name, value)
		}
	}))
	t.Cleanup(srv.Close)
	o, err := newStore(t, srv.URL).Stat(t.Context(), search.Ref{Bucket: "b", Key: "k", VersionID: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	color, _ := o.Metadata.Get("x-amz-meta-color")
	if o.Size != 7 || o.ETag != "abc-2" || o.ContentType != "text/plain" || o.VersionID != "" || o.ModTime.Unix() != 1795420800 ||
		color != "Größe" || o.Partial != search.FromHead {
		t.Errorf("%+v", o)
	}
}

// TestReadWithoutETag is a read from a store that gives no ETags, whose answers
// are never whole: nothing says that two of them are of the same bytes.
func TestReadWithoutETag(t *testing.T) {
	const size, sent = 200 << 10, 100 << 10
	for _, what := range []string{"broken", "less than asked for"} {
		t.Run(what, func(t *testing.T) {
			var requests atomic.Int64
			url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				version := requests.Add(1)
				if version > 20 {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				var first, last int
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last)
				if what != "broken" {
					last = min(last, first+sent-1)
				}
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
				w.Header().Set("Content-Length", strconv.Itoa(last-first+1))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(bytes.Repeat([]byte{byte(version)}, min(sent, last-first+1)))
			})
			n, err := newStore(t, url).ReadRange(t.Context(), search.Ref{Bucket: "b", Key: "k"}, make([]byte, size), 0)
			wantError(t, err, search.KindIO, "broke off 4 times")
			if n > sent || requests.Load() != 4 {
				t.Errorf("%d bytes, %d requests", n, requests.Load())
			}
		})
	}
}

// TestReadDribbled: answers that are short, whole and pinned are put together,
// but not as many as there are bytes.
func TestReadDribbled(t *testing.T) {
	srv, ranges := objectServer(t, func(_ int, w http.ResponseWriter, _ *http.Request, first, _ int) bool {
		answerRange(w, "e", first, first)
		return true
	})
	n, err := newStore(t, srv.URL).ReadRange(t.Context(), bodyRef, make([]byte, 20), 10)
	wantError(t, err, search.KindIO, "4 times")
	if n != 4 || len(*ranges) != 4 {
		t.Errorf("%d bytes, requests %q", n, *ranges)
	}
}
