package fs

import (
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// peekStore hands out a snapshot of each listing that lives for so long, and counts the open ones.
type peekStore struct {
	Store
	life time.Duration
	open atomic.Int64
}

func (s *peekStore) Peek(search.Listing) search.Snapshot {
	s.open.Add(1)
	return &openSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}, store: s, expires: time.Now().Add(s.life)}
}

type openSnapshot struct {
	fixedSnapshot
	store   *peekStore
	expires time.Time
}

func (s *openSnapshot) Expires() time.Time { return s.expires }
func (s *openSnapshot) Close()             { s.store.open.Add(-1) }

// One tree is held, no longer than its lifetime.
func TestHeldTree(t *testing.T) {
	store := &peekStore{life: time.Hour}
	f := newFilesystem(Options{Store: store})
	for _, bucket := range []string{"a", "a", "b", "a", "b"} {
		l := search.Listing{Bucket: bucket, Limit: 1}
		s := store.Peek(l)
		f.held.hold(f, l, s)
		s.Close()
		if n := store.open.Load(); n != 1 || f.held.id.listing != l.ID() {
			t.Fatalf("%d listings are held, the last is %q", n, f.held.id.listing)
		}
	}
	store.life = 10 * time.Millisecond
	l := search.Listing{Bucket: "c", Limit: 1}
	s := store.Peek(l)
	f.held.hold(f, l, s)
	s.Close()
	deadline := time.After(10 * time.Second)
	for store.open.Load() != 0 {
		select {
		case <-deadline:
			t.Fatal("a listing is held beyond its lifetime")
		case <-time.After(time.Millisecond):
		}
	}
	f.held.hold(f, l, &openSnapshot{fixedSnapshot: fixedSnapshot{err: io.EOF}})
	if store.open.Load() != 0 {
		t.Error("a listing that is too old is held")
	}
}
