package cache

import "slices"

// What tells a reader that goes forward from one that jumps.
const (
	maxStreams = 4         // places of one file that are read forward at the same time
	leastSlack = 512 << 10 // bytes, see slack
	trustUnit  = 64 << 10  // bytes, see trusted
	maxJumps   = 8
)

// slack is how far from where it is expected a read of n bytes may be: the
// kernel sends the reads of one reader in parallel, and they come in any order.
func slack(n int64) int64 { return max(4*n, leastSlack) }

// stream is one stretch of an object that is being read forward, or backward. Guarded by file.mu.
type stream struct {
	lo, hi   int64 // what was read lies in [lo, hi)
	covered  int64 // how much of that was read
	backward bool
	reads    int
	used     int // streams.uses when it was last read

	begun  int64    // blocks up to this one, without it, were begun
	back   int64    // blocks from this one on were begun, backward; 0: none
	passed int64    // forward: blocks up to this one, without it, were left behind
	ahead  []*fetch // blocks that were begun ahead, and not come to
}

// streams follows what is read of one object.
type streams struct {
	list  []*stream
	jumps int // of late, up to maxJumps
	uses  int
}

// newStreams expects the object to be read from its beginning.
func newStreams() streams { return streams{list: []*stream{{}}} }

// note takes in a read of n bytes at off. It returns the stream that the read belongs to, and whether that is
// to be trusted: so much of it was read, leaving out little, that what comes next is expected to be read too. The first
// read of an object is trusted if it is at the beginning; after jumps, the more there were, the more it takes. dropped
// is a stream that is not followed any more.
func (ss *streams) note(off, n int64) (s *stream, trusted bool, dropped *stream) {
	ss.uses++
	for _, s := range ss.list {
		if !s.near(off, n) {
			continue
		}
		s.extend(off, n)
		if s.hi-s.lo-s.covered > slack(n) {
			break // it leaves out too much: its reads are jumps
		}
		s.used = ss.uses
		if s.covered >= 16*trustUnit {
			ss.jumps = 0
		}
		dense := s.covered >= (s.hi-s.lo)/4
		return s, dense && s.covered >= int64(ss.jumps)*trustUnit && (ss.jumps == 0 || s.reads > 1), nil
	}
	ss.jumps = min(ss.jumps+1, maxJumps)
	ss.list, dropped = ss.room(off, n)
	s = &stream{lo: off, hi: off + n, covered: n, reads: 1, used: ss.uses}
	ss.list = append(ss.list, s)
	return s, false, dropped
}

// room makes room for one more stream: in the place of one that the read at off is near to, but which leaves out too much, of one
// that was never read, or of the one that was not read for longest.
func (ss *streams) room(off, n int64) (list []*stream, dropped *stream) {
	oldest := -1
	for i, s := range ss.list {
		if s.near(off, n) || s.reads == 0 {
			oldest = i
			break
		}
		if oldest < 0 || s.used < ss.list[oldest].used {
			oldest = i
		}
	}
	if s := ss.list[oldest]; len(ss.list) == maxStreams || s.near(off, n) || s.reads == 0 {
		return slices.Delete(ss.list, oldest, oldest+1), s
	}
	return ss.list, nil
}

// near reports whether a read of n bytes at off is one that s may expect.
func (s *stream) near(off, n int64) bool {
	d := slack(n)
	forward := off >= s.hi-d && off <= s.hi+d
	return forward || s.reads > 0 && off+n >= s.lo-d && off+n <= s.lo+d && off >= 0
}

func (s *stream) extend(off, n int64) {
	if s.reads == 0 {
		s.lo, s.hi = off, off
	}
	s.backward = off < s.lo || s.backward && off < s.hi-slack(n)
	s.reads++
	s.lo, s.hi = min(s.lo, off), max(s.hi, off+n)
	s.covered = min(s.covered+n, s.hi-s.lo)
}
