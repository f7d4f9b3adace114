package ecs

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// splitting says when the pages of a wide search are fetched in several parts at once.
type splitting struct {
	ways  int           // parts at a time
	pages int           // one more part for each so many pages
	wait  time.Duration // only where no answer begins sooner
}

// usualSplitting: below 50 ms the pages come as fast as one client takes them; sixteen pages are
// some seconds by then.
var usualSplitting = splitting{ways: 4, pages: 16, wait: 50 * time.Millisecond}

// errUnsplit is why a search that was split has to go on whole.
var errUnsplit = errors.New("the store does not order the search by the key that it was split by")

// foundPage is a page of a query and the plan that found it.
type foundPage struct {
	plan *search.Plan
	rows []queryRow
}

// pages yields the pages of the query, of several parts of it at once where that is faster.
func (q *querying) pages(ctx context.Context) iter.Seq2[foundPage, error] {
	key, ok := q.plan.SplitKey()
	if !ok || q.whole || q.store.unsplit.Load() {
		return func(yield func(foundPage, error) bool) {
			for rows, err := range q.pager(&q.plan, nil).pages(ctx) {
				if !yield(foundPage{&q.plan, rows}, err) {
					return
				}
			}
		}
	}
	s := &splitter{q: q, key: key, found: make(chan partPage), stop: make(chan struct{}), ordered: true}
	return s.pages(ctx)
}

// pager returns the pager of one plan. told, when not nil, is called after each page.
func (q *querying) pager(plan *search.Plan, told func(more bool)) *pager[[]queryRow] {
	return &pager[[]queryRow]{op: opQuery, bucket: q.target.bucket, prefix: q.target.key, maxPages: q.store.client.cfg.MaxPages, ahead: q.ahead,
		fetch: func(ctx context.Context, n int, marker string, early func(string)) ([]queryRow, string, error) {
			rows, next, err := q.fetch(ctx, plan, n, marker, early)
			if told != nil {
				told(next != "" && err == nil)
			}
			return rows, next, err
		}}
}

// splitter fetches a query in parts: ranges of the values of key, disjoint and together all of them. It begins with
// one, the query itself, and cuts a part in two when there is reason to: the first half goes on as it is, up to where
// the second begins. So a cut costs at most two requests, for a page that has rows of the second half and
// the one after it, that is under way; and one where the second half has no rows.
type splitter struct {
	q    *querying
	key  search.Key
	stop chan struct{} // closed at the end
	// found has the pages of all parts. Each waits until its page is consumed.
	found chan partPage
	group sync.WaitGroup // of the parts

	// The consumer's.
	active []*part
	pageN  int
	uncut  bool // no cut any more

	mu   sync.Mutex // guards what parts have below, and:
	cuts int        // changed by the consumer only
	// ordered is true while all rows came in the order of key.
	ordered bool
}

// part is one range of values being fetched.
type part struct {
	plan   *search.Plan
	resume chan struct{} // lets it go on after a page

	// Guarded by splitter.mu.
	from, to int64 // the values from <= v < to; to math.MaxInt64: all
	begun    bool  // a row has come
	first    int64 // value of the first row
	at       int64 // value of the last row
	pages    int
	more     bool // another page follows those that were fetched
}

// partPage is a page of a part, or its end.
type partPage struct {
	part *part
	rows []queryRow
	err  error
	end  bool
}

func (s *splitter) pages(ctx context.Context) iter.Seq2[foundPage, error] {
	return func(yield func(foundPage, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer s.group.Wait()
		defer cancel()
		defer close(s.stop)

		s.start(ctx, &part{plan: &s.q.plan, from: math.MinInt64, to: math.MaxInt64})
		for len(s.active) > 0 {
			page := <-s.found
			switch {
			case page.err != nil:
				yield(foundPage{}, page.err)
				return
			case page.end:
				s.active = slices.DeleteFunc(s.active, func(p *part) bool { return p == page.part })
				s.cut(ctx)
				continue
			}
			if s.pageN++; s.pageN > s.q.store.client.cfg.MaxPages+2*s.cuts {
				yield(foundPage{}, s.q.pager(&s.q.plan, nil).tooMany())
				return
			}
			s.cut(ctx)
			if !yield(foundPage{page.part.plan, page.rows}, nil) {
				return
			}
			page.part.resume <- struct{}{}
		}
	}
}

// start begins to fetch p.
func (s *splitter) start(ctx context.Context, p *part) {
	p.resume = make(chan struct{})
	s.active = append(s.active, p)
	s.group.Go(func() {
		end := s.fetch(ctx, p)
		end.part, end.end = p, true
		select {
		case s.found <- end:
		case <-s.stop:
		}
	})
}

// fetch hands out the pages of p, but for an error.
func (s *splitter) fetch(ctx context.Context, p *part) (end partPage) {
	told := func(more bool) {
		s.mu.Lock()
		p.more = more
		s.mu.Unlock()
	}
	for rows, err := range s.q.pager(p.plan, told).pages(ctx) {
		if k := search.KindOf(err); err != nil && p.plan != &s.q.plan && (k == search.KindInvalid || k == search.KindUnsupported) {
			err = errUnsplit // the query itself was taken
		}
		if err != nil {
			return partPage{err: err}
		}
		rows, last, err := s.take(p, rows)
		if err != nil {
			return partPage{err: err}
		}
		select {
		case s.found <- partPage{part: p, rows: rows}:
		case <-s.stop:
			return partPage{}
		}
		select {
		case <-p.resume:
		case <-s.stop:
			return partPage{}
		}
		if last {
			break
		}
	}
	return partPage{}
}

// take returns the rows that are of p, and whether all others are of other parts.
func (s *splitter) take(p *part, rows []queryRow) (taken []queryRow, last bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.pages++
	if !s.ordered { // so it was never cut
		return rows, false, nil
	}
	for i := range rows {
		v, ok := rows[i].position(s.key)
		if !ok || v < p.from || p.begun && v < p.at {
			if s.ordered = false; s.cuts > 0 {
				return nil, false, errUnsplit
			}
			return rows, false, nil
		}
		if v >= p.to && p.to < math.MaxInt64 {
			return rows[:i], true, nil
		}
		if !p.begun {
			p.begun, p.first = true, v
		}
		p.at = v
	}
	return rows, false, nil
}

// position returns the row's value of k.
func (row *queryRow) position(k search.Key) (int64, bool) {
	if k.Name == "Size" && row.noSize || k.Name == "LastModified" && row.noTime {
		return 0, false
	}
	return row.object.Position(k)
}

// cut starts one more part if that is worth it.
func (s *splitter) cut(ctx context.Context) {
	when := s.q.store.client.split
	if s.uncut || len(s.active) == 0 || len(s.active) >= when.ways || s.pageN < (s.cuts+1)*when.pages || time.Duration(s.q.wait.Load()) < when.wait {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var widest *part
	var at int64
	most := float64(when.pages) / 2
	for _, p := range s.active {
		if left, middle := p.halves(s.key); left >= most && p.more {
			widest, at, most = p, middle, left
		}
	}
	if widest == nil || !s.ordered {
		return
	}
	plan, err := s.q.plan.Part(s.q.keys.schema, s.key, at, widest.to)
	if err != nil || plan.None {
		s.uncut = true // it goes on as it is
		return
	}
	next := &part{plan: &plan, from: at, to: widest.to}
	widest.to = at
	s.cuts++
	s.start(ctx, next)
}

// halves returns how many pages of p are left, by what is known, and where its second half begins. Of a part without an end
// it is supposed that three times as much is left as came.
func (p *part) halves(k search.Key) (left float64, middle int64) {
	came := float64(p.at) - float64(p.first)
	if !p.begun || came <= 0 {
		return 0, 0
	}
	step := 3 * came
	left = 3 * float64(p.pages)
	if p.to < math.MaxInt64 {
		rest := float64(p.to) - float64(p.at)
		step, left = rest/2, rest/came*float64(p.pages)
	}
	if float64(p.at)+step >= math.MaxInt64/2 {
		return 0, 0
	}
	middle = p.at + int64(step)
	if k.Type == search.Datetime { // conditions are on whole seconds
		middle -= (middle%1000 + 1000) % 1000
	}
	if middle <= p.at || middle >= p.to {
		return 0, 0
	}
	return left, middle
}
