package ecs_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// TestReadProgress: what came is handed out before the rest is there, once, whatever happens to the rest.
func TestReadProgress(t *testing.T) {
	seen := make(chan struct{})
	srv, ranges := objectServer(t, func(n int, w http.ResponseWriter, r *http.Request, first, last int) bool {
		switch n {
		case 1:
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Range", "bytes 10-35/36")
			w.Header().Set("Content-Length", "26")
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, body[first:first+5])
			w.(http.Flusher).Flush()
			select {
			case <-seen: // the first five are in use
			case <-r.Context().Done():
			}
			panic(http.ErrAbortHandler)
		case 2:
			cutShort(t, w, "e", first, last, 7)
			return true
		}
		return false
	})
	s := newStore(t, srv.URL)
	p := make([]byte, 30)
	var landed []int
	n, err := s.ReadRangeProgress(t.Context(), bodyRef, p, 10, func(n int) {
		if landed = append(landed, n); string(p[:n]) != body[10:10+n] {
			t.Errorf("%q landed", p[:n])
		}
		if n == 5 {
			close(seen)
		}
	})
	if n != 26 || err != io.EOF || string(p[:n]) != body[10:] {
		t.Errorf("%q, %v", p[:n], err)
	}
	if !slices.IsSorted(landed) || len(slices.Compact(slices.Clone(landed))) != len(landed) || len(landed) == 0 || landed[0] != 5 || landed[len(landed)-1] != 26 ||
		!slices.Contains(landed, 12) || len(*ranges) != 3 {
		t.Errorf("landed %v, after %v", landed, *ranges)
	}
	n, err = s.ReadRangeProgress(t.Context(), search.Ref{Bucket: "b", Key: "k"}, p[:5], 0, func(n int) { t.Errorf("%d landed of a read that is not pinned", n) })
	if n != 5 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
