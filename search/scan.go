package search

import (
	"context"
	"iter"
	"maps"
	"strings"
	"sync"
)

// ScanSource is what a scan asks.
type ScanSource interface {
	Lister
	Statter
}

// Scan yields the results of p, whose Engine must be EngineScan (or None be set): it lists every
// object below p.Prefix, evaluates Where on each, and puts the results in order. Times are as the
// listing tells them, so that a condition within a second may differ from what a search finds.
//
// With p.Heads, the objects that their row does not decide, and all that may be results where
// they are ordered by a key that no row carries, are asked for by Stat, up to 16 at once; one that is gone
// by then is no result, and of one that was overwritten since, the new state alone is what
// counts. A result is Partial: FromList, or FromHead when it was asked for.
//
// Errors, breaking out and concurrency are as for Lister. When the caller breaks off, everything under way has
// ended before Scan returns.
func Scan(ctx context.Context, src ScanSource, p Plan) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if p.None {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s := &scanning{src: src, plan: p, slots: make(chan struct{}, maxHeads)}
		defer s.heads.Wait()
		defer cancel() // first, so that there is little to wait for
		for o, err := range p.Arrange(s.rows(ctx)) {
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// Bounds of a scan's requests ahead of the row that is wanted.
const (
	maxHeads = 16 // HEADs at once
	maxAhead = 64 // rows that wait for those before them
)

// scanning is one scan under way.
type scanning struct {
	src   ScanSource
	plan  Plan
	slots chan struct{} // one for each HEAD under way
	heads sync.WaitGroup
}

// scanned is a row that may be a result.
type scanned struct {
	object Object
	keep   bool
	err    error
	done   chan struct{} // closed when keep and err are decided; nil: they are
}

func (r *scanned) ready() bool {
	if r.done == nil {
		return true
	}
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// rows yields the results in the order of the listing, one at a time.
func (s *scanning) rows(ctx context.Context) iter.Seq2[[]Object, error] {
	return func(yield func([]Object, error) bool) {
		var queue []*scanned
		one := make([]Object, 1)
		// deliver hands out the first of the queue.
		deliver := func() bool {
			r := queue[0]
			queue[0], queue = nil, queue[1:]
			if r.done != nil {
				<-r.done
			}
			switch {
			case r.err != nil:
				yield(nil, r.err)
				return false
			case !r.keep:
				return true
			}
			one[0] = r.object
			return yield(one, nil)
		}
		options := ListOptions{Prefix: s.plan.Prefix, Recursive: true, Versions: s.plan.Listing.Versions, Limit: s.plan.MaxKeys,
			Lazy: s.plan.Listing.Limit > 0 && s.plan.sortedHere == ""}
		for e, err := range s.src.List(ctx, s.plan.Listing.Bucket, options) {
			if err != nil {
				queue = append(queue, &scanned{err: err})
				break
			}
			if r := s.row(ctx, e); r != nil {
				queue = append(queue, r)
			}
			for len(queue) > 0 && (len(queue) >= maxAhead || queue[0].ready()) {
				if !deliver() {
					return
				}
			}
		}
		for len(queue) > 0 {
			if !deliver() {
				return
			}
		}
	}
}

// row decides one entry of the listing, or has it decided; nil when it is no result.
func (s *scanning) row(ctx context.Context, e Entry) *scanned {
	o := e.Object
	if e.Folder || !strings.HasPrefix(o.Key, s.plan.Listing.Prefix) {
		return nil
	}
	result := Evaluate(s.plan.Check, &o)
	if result == Unknown && !s.plan.Heads {
		result = decide(s.plan.Check, o)
	}
	k := s.plan.Listing.Order.Key
	switch {
	case result == False:
		return nil
	case result == True && (k.Name == "" || k.listed()):
		return &scanned{object: o, keep: true}
	}
	r := &scanned{object: o, done: make(chan struct{})}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return &scanned{err: ctx.Err()}
	}
	s.heads.Go(func() {
		defer func() { <-s.slots }()
		defer close(r.done)
		r.err = s.ask(ctx, r)
	})
	return r
}

// ask completes and decides r by a HEAD.
func (s *scanning) ask(ctx context.Context, r *scanned) error {
	head, err := s.src.Stat(ctx, Ref{Bucket: s.plan.Listing.Bucket, Key: r.object.Key, VersionID: r.object.VersionID})
	if err != nil {
		if KindOf(err) == KindNotExist {
			return nil
		}
		return err
	}
	r.object = completed(r.object, head)
	r.keep = decide(s.plan.Check, r.object) == True
	return nil
}

// decide evaluates e, all of whose keys the source of o tells: what o has not got does not exist, and
// its time is exact.
func decide(e Expr, o Object) Truth {
	o.Partial = FromQuery
	return Evaluate(e, &o)
}

// completed returns what a row and a HEAD of the same object tell: of two states the
// HEAD's alone, but for the storage class, which no HEAD is sure to tell.
func completed(row, head Object) Object {
	o := head
	if row.VersionID != "" {
		o.VersionID = row.VersionID
	}
	if row.ETag == head.ETag && row.Size == head.Size && row.ModTime.Unix() == head.ModTime.Unix() {
		o.ModTime = row.ModTime // it may have milliseconds
	}
	if class, ok := row.Metadata.Get(keyStorageClass); ok {
		all := maps.Collect(head.Metadata.All())
		all[keyStorageClass] = class
		o.Metadata = NewMetadata(all)
	}
	return o
}
