package fs

import (
	"context"
	"syscall"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// A seek that is interrupted as it waits for rows leaves the position as it
// was: go-fuse does not seek again for who then reads on from there.
func TestSeekdirInterrupted(t *testing.T) {
	s := &fixedSnapshot{err: context.Canceled}
	for _, key := range []string{"a", "b", "c", "d"} {
		s.rows = append(s.rows, search.Entry{Object: search.Object{Key: key, Size: 1}})
	}
	h := &dirHandle{node: &dirNode{dir: search.Dir{Bucket: "b"}}, snapshot: s}
	if errno := h.Seekdir(t.Context(), dots+1); errno != 0 {
		t.Fatal(errno)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if errno := h.Seekdir(ctx, 100); errno != syscall.EINTR {
		t.Fatalf("a seek past the rows there are, interrupted, gave %v", errno)
	}
	e, err := h.entries.entry(t.Context(), s)
	if err != nil || e.name != "b" || h.pos != dots+1 {
		t.Errorf("after the interrupted seek come %q (%v) at %d, want b at %d", e.name, err, h.pos, dots+1)
	}
}
