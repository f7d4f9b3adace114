package ecs

import (
	"context"
	"hash/maphash"
	"iter"

	"github.com/ecsfs/ecsfs/search"
)

// flight is one page being fetched.
type flight[P any] struct {
	marker string
	early  chan string // at most one: the next marker, before the page is whole
	done   chan struct{}
	cancel context.CancelFunc

	// Valid once done is closed.
	page P
	next string // empty: the last page
	err  error
}

// pager walks the pages of one listing.
type pager[P any] struct {
	op, bucket, prefix string
	maxPages           int
	// ahead says whether the request of the page after the n-th, counted from 1, may leave while that
	// one is still arriving or being consumed: one page ahead, never two. Nil: never.
	ahead func(n int) bool
	// fetch gets the n-th page, that after marker ("": the first). It may call early with
	// the marker of the page after it as soon as it knows.
	fetch func(ctx context.Context, n int, marker string, early func(next string)) (page P, next string, err error)
}

// pages yields page by page. The error, if any, comes last and is *search.Error.
// When it returns, nothing is under way any more.
func (p *pager[P]) pages(ctx context.Context) iter.Seq2[P, error] {
	return func(yield func(P, error) bool) {
		var none P
		var next *flight[P]
		drop := func(f *flight[P]) {
			if f != nil {
				f.cancel()
				<-f.done
			}
		}
		defer func() { drop(next) }()

		next = p.start(ctx, 1, "")
		for n := 1; next != nil; n++ {
			current := next
			next = nil
			mayFollow := n < p.maxPages
			ahead := mayFollow && p.ahead != nil && p.ahead(n)
			if ahead {
				select {
				case marker := <-current.early:
					if marker != current.marker {
						next = p.start(ctx, n+1, marker)
					}
				case <-current.done:
				}
			}
			<-current.done
			current.cancel()

			if current.err != nil {
				yield(none, current.err)
				return
			}
			if current.next != "" && current.next == current.marker {
				yield(none, p.err(search.KindIO, "the store gave the marker of this page as the next one", ""))
				return
			}
			// A page fetched again after it broke off may name another marker.
			if next != nil && next.marker != current.next {
				drop(next)
				next = nil
			}
			if next == nil && ahead && current.next != "" {
				next = p.start(ctx, n+1, current.next)
			}
			if !yield(current.page, nil) {
				return
			}
			if current.next != "" && !mayFollow {
				yield(none, p.tooMany())
				return
			}
			if next == nil && current.next != "" {
				next = p.start(ctx, n+1, current.next)
			}
		}
	}
}

// tooMany is the error of a listing of more than maxPages pages.
func (p *pager[P]) tooMany() error {
	return p.err(search.KindTooLarge, "more than "+search.Plural(p.maxPages, "page"), "narrow it, or raise --max-pages")
}

func (p *pager[P]) err(kind search.Kind, reason, hint string) error {
	return &search.Error{Op: p.op, Bucket: p.bucket, Key: p.prefix, Kind: kind, Reason: reason, Hint: hint}
}

func (p *pager[P]) start(ctx context.Context, n int, marker string) *flight[P] {
	ctx, cancel := context.WithCancel(ctx)
	f := &flight[P]{marker: marker, early: make(chan string, 1), done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(f.done)
		f.page, f.next, f.err = p.fetch(ctx, n, marker, func(next string) {
			select {
			case f.early <- next:
			default: // a second attempt at the page; the first one's marker is out
			}
		})
	}()
	return f
}

// seenKeys remembers which keys were yielded by 128 bits of keyed hash: 16
// bytes a key, and no store can construct two keys that collide. It is bounded
// by MaxPages times the rows of a page.
type seenKeys struct {
	a, b maphash.Seed
	keys map[[2]uint64]struct{}
}

func newSeenKeys() *seenKeys {
	return &seenKeys{maphash.MakeSeed(), maphash.MakeSeed(), make(map[[2]uint64]struct{})}
}

// add reports whether key is new.
func (s *seenKeys) add(key string) bool {
	h := [2]uint64{maphash.String(s.a, key), maphash.String(s.b, key)}
	if _, seen := s.keys[h]; seen {
		return false
	}
	s.keys[h] = struct{}{}
	return true
}
