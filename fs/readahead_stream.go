package fs

import (
	"context"
	"slices"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

const (
	// firstWindow and maxWindow bound how many files a stream has ahead.
	firstWindow = 4
	maxWindow   = 256
	// reach is how far from the last open, before it and behind it, an open belongs to the same stream:
	// several processes and threads open in no strict order, and a filter leaves files out.
	reach = 64
	// scanned is how many places one look ahead passes at most in search of what the pattern wants.
	scanned = 1024
	// kept is how many places behind the furthest open are remembered, for rules to be judged by.
	kept = 1024
	// aheadCost is what a request costs beside its bytes, in bytes that could be fetched meanwhile.
	aheadCost = 64 << 10
	// wholeFile is up to which size files are fetched whole, of larger ones so much; littleRead is what is fetched
	// at least, the least that a kernel reads ahead of whoever reads a byte being 16 KiB.
	wholeFile  = 1 << 20
	littleRead = 64 << 10
)

// place is one position of a stream, in its direction.
type place struct {
	looked  bool // the fields below are known
	nothing bool // a folder, or nothing to fetch: nobody is expected here
	suffix  suffix
	cost    int64 // what it costs to fetch it, or what that was
	opened  bool
	fetched bool // or kept already, or under way
	asked   bool // fetched, and not kept already
	passed  bool // fetched, and passed over
}

// stream is one sequence of opens through the files of a roll. All fields but ctx are guarded by readAhead.mu.
type stream struct {
	roll  *roll
	order *order
	down  bool
	ctx   context.Context // of what is fetched
	stop  context.CancelFunc

	// Places are numbered in the direction of the stream: place v is position v, or downwards -v.
	front  int     // the furthest place that was opened
	before int     // the place opened before the last
	last   int     // the place opened last
	base   int     // of places[0]
	places []place // what is known of the places from base on
	// late is how far behind front opens have come lately: only what is further behind was passed over.
	late  int
	lates [8]int // of the last opens, by opens modulo 8
	opens int

	rule          rule
	next          int // the first place that was not considered under rule
	window        int // how many places may be fetched and not yet opened
	ahead         int // how many are, from swept on
	trusted       int // what window may be at once, by a habit
	used, fetches int // how many files were fetched for it and opened then, and how many were fetched
	swept         int // before this place all is opened or passed over

	reads    [8]int64 // how far the last files were read, by closes modulo 8; wholeRead: to the end
	closes   int
	pumping  bool
	refused  bool // the store took no more, the last time
	passed   int  // opens elsewhere in the snapshot since the last here
	lastOpen time.Time
}

const wholeRead = -1

// mirror returns the place of a position, and the other way about.
func (s *stream) mirror(v int) int {
	if s.down {
		return -v
	}
	return v
}

// place returns what is remembered of place v, and makes room for it; nil of what is forgotten.
func (s *stream) place(v int) *place {
	if v < s.base {
		return nil
	}
	for v-s.base >= len(s.places) {
		s.places = append(s.places, place{})
	}
	return &s.places[v-s.base]
}

// look returns place v; ok is false when there is no such place, or not yet, or it is forgotten.
func (s *stream) look(v int) (p *place, ok bool) {
	p, _, ok = s.lookRef(v)
	return p, ok
}

// lookRef is look with what the place is of, when that had to be looked up; else its Key is empty.
func (s *stream) lookRef(v int) (p *place, ref search.Ref, ok bool) {
	if p = s.place(v); p == nil || p.looked {
		return p, ref, p != nil
	}
	e, ok := s.entry(v)
	if !ok {
		return nil, ref, false
	}
	ref, fetch := s.roll.ref(&e)
	p.looked, p.nothing, p.suffix, p.cost = true, !fetch, suffixOf(e.Key), s.want(ref.Size)+aheadCost
	return p, ref, true
}

// entry returns what place v is of; ok is false when there is no such place, or not yet.
func (s *stream) entry(v int) (e search.Entry, ok bool) {
	position := s.mirror(v)
	if n, complete := s.order.len(s.roll); position < 0 || position >= n {
		if position == n && !complete {
			s.roll.at(position) // has the listing go on
		}
		return e, false
	}
	return s.roll.at(s.order.numberAt(position))
}

// suffix is a hash of what follows the last "." of a name. Where two are the same by chance, a rule is found out as wrong.
type suffix uint32

func suffixOf(key string) suffix {
	h := uint32(2166136261) // FNV-1a, from the end
	for i := len(key) - 1; i >= 0 && key[i] != '.' && key[i] != '/'; i-- {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return suffix(h)
}

// find returns the place of ref.
func (s *stream) find(ref search.Ref) (v int, ok bool) {
	number, ok := s.roll.number(ref)
	if !ok {
		return 0, false
	}
	position, ok := s.order.positionOf(number)
	return s.mirror(position), ok
}

// fits reports whether an open of place v belongs to s, and how well: the less the better.
func (s *stream) fits(v int) (distance int, ok bool) {
	distance = max(v-s.front, s.front-v)
	if s.has(v) {
		if p := &s.places[v-s.base]; p.fetched && !p.opened {
			return distance, true
		}
	}
	least, most := -reach, reach
	if s.rule.kind == ruleSuffix || s.rule.kind == ruleStride {
		most = scanned
	}
	return distance + 2*scanned, least <= v-s.front && v-s.front <= most
}

// newStream returns the stream of these opens, by position, the last one last; nil when no rule says what follows. The
// positions are within scanned.
func newStream(r *roll, o *order, down bool, positions []int) *stream {
	s := &stream{roll: r, order: o, down: down, window: firstWindow, rule: rule{kind: ruleAll}}
	s.front = s.mirror(positions[0])
	s.last, s.next, s.swept, s.base = s.front, s.front+1, s.front-reach, s.front-reach
	for _, position := range positions {
		s.opened(s.mirror(position))
	}
	if s.rule.kind == ruleNone {
		return nil
	}
	return s
}

// opened takes in that place v was opened, which fits, and returns what that tells.
func (s *stream) opened(v int) (o outcome) {
	s.lates[s.opens%len(s.lates)] = max(0, s.front-v)
	s.opens++
	s.before, s.last, s.passed = s.last, v, 0
	for f := s.front + 1; f < v; f++ {
		s.look(f)
	}
	p, ok := s.look(v)
	if !ok {
		return o
	}
	if !p.opened {
		if !p.fetched && s.rule.wants(v, p) {
			o.right = p.cost / rightShare
		}
		if p.fetched && !p.passed {
			s.window = min(2*s.window, max(2*s.opens, s.trusted), maxWindow)
		}
		s.take(p, &o)
	}
	s.front = max(s.front, v)
	was, late := s.rule, s.late
	s.late = slices.Max(s.lates[:])
	s.rule = s.choose()
	if s.late > late || !s.rule.same(was) {
		s.next = s.base // what was not wanted before may be now
	}
	s.next = max(s.next, s.front-s.late+1)
	s.passOver(s.front - s.late - reach/2)
	if n := s.front - s.late - kept - s.base; n >= kept {
		o.wasted = s.forget(n)
	}
	return o
}

// take counts p, which was not opened, as opened.
func (s *stream) take(p *place, o *outcome) {
	p.opened = true
	if p.fetched && !p.passed {
		s.ahead--
	}
	if p.asked {
		s.used++
		o.used++
		o.earned += p.cost + p.cost/earnedShare
	}
}

// taken takes in that place v was opened, by whoever belongs to another stream.
func (s *stream) taken(v int) (o outcome) {
	if s.has(v) {
		if p := &s.places[v-s.base]; p.fetched && !p.opened {
			s.take(p, &o)
		}
	}
	return o
}

// outcome is what an open tells about reading ahead.
type outcome struct {
	used, wasted int   // files that were fetched
	earned       int64 // credit
	right        int64 // credit that may be earned by what would have been right to fetch, when there is none
}

// passOver takes what was fetched before place v and was not opened for a mistake. It may be opened yet.
func (s *stream) passOver(v int) {
	for ; s.swept < v; s.swept++ {
		if !s.has(s.swept) {
			continue
		}
		if p := &s.places[s.swept-s.base]; p.fetched && !p.opened && !p.passed {
			p.passed = true
			s.ahead--
			s.window = max(1, s.window/2)
		}
	}
}

// forget forgets the first n places, and returns how many of them were fetched for nothing.
func (s *stream) forget(n int) (wasted int) {
	for i := range s.places[:n] {
		if p := &s.places[i]; p.asked && !p.opened {
			wasted++
		}
	}
	s.places = append(s.places[:0:0], s.places[n:]...)
	s.base += n
	return wasted
}

// pick returns the next file to fetch and how much of it, and counts it as fetched; ok is false when
// there is none for now.
func (s *stream) pick(credit int64) (v int, ref search.Ref, n int64, ok bool) {
	if s.rule.kind == ruleNone {
		return 0, ref, 0, false
	}
	for range scanned {
		if s.ahead >= s.window || s.next > s.front+scanned {
			return 0, ref, 0, false
		}
		v = s.next
		p, ref, there := s.lookRef(v)
		if !there {
			return 0, ref, 0, false
		}
		if !p.opened && !p.fetched && s.rule.wants(v, p) {
			if ref.Key == "" {
				e, _ := s.entry(v)
				ref, _ = s.roll.ref(&e)
			}
			n = s.want(ref.Size)
			if p.cost = n + aheadCost; p.cost > credit {
				return 0, ref, 0, false
			}
			p.fetched = true
			s.ahead++
			s.next++
			return v, ref, n, true
		}
		s.next++
	}
	return 0, ref, 0, false
}

// fetched takes in what came of a pick: what was asked for, or false when reading ahead may not take more now.
func (s *stream) fetched(v int, asked int64, ok bool) (o outcome) {
	p := s.place(v)
	s.refused = !ok
	switch {
	case p == nil: // forgotten meanwhile
		if asked > 0 {
			o.wasted = 1
		}
	case asked > 0:
		s.fetches++
		p.asked, p.cost = true, asked+aheadCost
		if p.opened {
			s.used++
			o.used, o.earned = 1, p.cost+p.cost/earnedShare
		}
	case !ok && !p.opened:
		p.fetched = false
		if s.next = min(s.next, v); !p.passed {
			s.ahead--
		}
	}
	return o
}

// want returns how much of a file of this size is fetched: as much as has been read of others lately.
func (s *stream) want(size int64) int64 {
	n := min(s.closes, len(s.reads))
	if n == 0 {
		return min(size, wholeFile)
	}
	furthest := int64(littleRead)
	for _, end := range s.reads[:n] {
		if end == wholeRead {
			return min(size, wholeFile)
		}
		furthest = max(furthest, end)
	}
	return min(size, wholeFile, furthest)
}

// closed takes in that a file of this size was read up to end. Of what the kernel had there was no READ: so end is the least.
func (s *stream) closed(end, size int64) {
	if end >= size {
		end = wholeRead
	}
	s.reads[s.closes%len(s.reads)] = end
	s.closes++
}

// has reports whether place v is among those of s.
func (s *stream) has(v int) bool { return v >= s.base && v-s.base < len(s.places) }

// isFirst reports whether no file stands before place v, as far as a look tells.
func (s *stream) isFirst(v int) bool {
	for f := v - 1; f >= v-reach; f-- {
		if p, ok := s.look(f); !ok || !p.nothing {
			return !ok
		}
	}
	return false
}

// hungry reports whether it is worth while to look for what s wants: not for each open when plenty is ahead.
func (s *stream) hungry() bool {
	return s.rule.kind != ruleNone && s.ahead < s.window && (s.refused || s.window-s.ahead >= s.window/8)
}

// finished reports whether the last file was opened, and all that were fetched.
func (s *stream) finished() bool {
	n, complete := s.order.len(s.roll)
	if !complete || s.ahead > 0 || s.down && s.front != 0 || !s.down && s.front != n-1 {
		return false
	}
	return !slices.ContainsFunc(s.places, func(p place) bool { return p.fetched && !p.opened })
}
