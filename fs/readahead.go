package fs

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

const (
	// maxStreams and maxTrails bound what is followed at a time.
	maxStreams = 8
	maxTrails  = 16
	// streamIdle is for how long a stream without an open lives: it holds its snapshot.
	streamIdle = 30 * time.Second
	// maxPassed is after how many opens elsewhere in its directory a stream has ended.
	maxPassed = 128
	// maxOpened is in how many of the directories opened last a file is looked for, beside that of its last lookup.
	maxOpened = 3

	// firstCredit is what reading ahead may waste at first, an earnedShare-th of the cost of each file that is opened is
	// what it may waste more, and maxCredit is the most it may waste at once.
	firstCredit = 2 << 20
	earnedShare = 4
	maxCredit   = 64 << 20
	// leastCredit is what can be earned again, when all is wasted, by opens of what would have been fetched: a
	// rightShare-th of their cost.
	leastCredit = 1 << 20
	rightShare  = 16
)

// readAhead follows the opens of files, and fetches what will be opened next: see "Reading ahead" in the package's
// documentation. Safe for concurrent use.
type readAhead struct {
	fs    *filesystem
	count struct{ started, stopped, files, used, wasted atomic.Int64 }

	mu sync.Mutex
	// Guarded by mu, with what is in them. With mu held nothing is called that waits: rows that are there do not.
	streams []*stream  // the one used last is the last
	trails  []*trail   // likewise
	listed  []*dirNode // the directories opened last, the last one last
	// credit is what may be fetched for nothing, in bytes: what is fetched takes its cost, its open gives that back.
	// Guarded by mu.
	credit  int64
	habit   habit
	timer   *time.Timer // looks for idle streams while there are any; guarded by mu
	stopped bool        // guarded by mu
}

// opendir takes in that d is being listed.
func (a *readAhead) opendir(d *dirNode) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = append(slices.DeleteFunc(a.listed, func(other *dirNode) bool { return other == d }), d)
	if len(a.listed) > maxOpened {
		a.listed = slices.Delete(a.listed, 0, 1)
	}
}

// opened takes in that n is being opened, and returns the stream that it belongs to, or nil. What the stream
// wants next is asked for from now on; it waits for none of it.
func (a *readAhead) opened(n *fileNode) *stream {
	if s := a.follow(n.ref); s != nil {
		return s
	}
	var in []*dirNode
	if _, parent := n.Parent(); parent != nil {
		if d, ok := parent.Operations().(*dirNode); ok {
			in = append(in, d)
		}
	}
	a.mu.Lock()
	for _, d := range slices.Backward(a.listed) {
		if d.dir.Bucket == n.ref.Bucket && !slices.Contains(in, d) {
			in = append(in, d)
		}
	}
	a.mu.Unlock()
	for _, d := range in {
		if s := a.begin(d, n.ref); s != nil {
			return s
		}
	}
	return nil
}

// follow returns the stream that an open of ref belongs to.
func (a *readAhead) follow(ref search.Ref) *stream {
	a.mu.Lock()
	defer a.mu.Unlock()
	type candidate struct {
		*stream
		place int
	}
	var best candidate
	var others []candidate
	least := 0
	for _, s := range slices.Clone(a.streams) {
		v, ok := s.find(ref)
		if !ok {
			continue
		}
		if s.passed++; s.passed > maxPassed {
			a.stopLocked(s)
			continue
		}
		others = append(others, candidate{s, v})
		if distance, ok := s.fits(v); ok && (best.stream == nil || distance <= least) {
			best, least = candidate{s, v}, distance
		}
	}
	if best.stream == nil {
		return nil
	}
	for _, o := range others {
		if o != best {
			a.settleLocked(o.taken(o.place))
		}
	}
	s := best.stream
	a.streams = append(slices.DeleteFunc(a.streams, func(other *stream) bool { return other == s }), s)
	s.lastOpen = a.fs.Now()
	a.settleLocked(s.opened(best.place))
	if !s.finished() {
		if 2*s.ahead <= s.window { // else there is time until it is closed
			a.pumpLocked(s)
		}
		return s
	}
	if s.opens >= habitOpens && s.rule.kind == ruleAll {
		a.habit = habit{kind: s.order.kind, down: s.down, window: s.window, at: a.fs.Now()}
	}
	a.stopLocked(s)
	return s
}

// begin takes in an open of ref in the directory n, and returns the stream that begins with it, or nil.
func (a *readAhead) begin(n *dirNode, ref search.Ref) *stream {
	l := n.listing()
	snapshot := a.fs.Store.Peek(l)
	if snapshot == nil {
		return nil
	}
	r := a.fs.newRoll(n.dir, l, snapshot)
	if r == nil {
		snapshot.Close()
		return nil
	}
	number, ok := r.number(ref)
	if !ok {
		snapshot.Close()
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.trailLocked(r)
	t.add(number)
	if s := a.beginLocked(t, r); s != nil {
		return s
	}
	if t.wantsOrders(r, a.habit) && !a.stopped {
		t.making = true
		go a.makeOrders(t, r)
	} else {
		snapshot.Close()
	}
	return nil
}

// beginLocked returns the stream that the opens of t begin, or nil. The stream has the snapshot of r.
func (a *readAhead) beginLocked(t *trail, r *roll) *stream {
	if a.stopped {
		return nil
	}
	s := t.stream(r, a.streams)
	if s == nil {
		if s = a.habitual(t, r); s == nil {
			return nil
		}
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.lastOpen = a.fs.Now()
	if len(a.streams) == maxStreams {
		a.stopLocked(a.streams[0])
	}
	a.streams = append(a.streams, s)
	a.count.started.Add(1)
	if a.timer == nil {
		a.timer = time.AfterFunc(streamIdle, a.stopIdle)
	}
	a.pumpLocked(s)
	return s
}

// closed takes in that a file of size bytes, whose open belonged to s, was read up to end and closed.
func (a *readAhead) closed(s *stream, end, size int64) {
	if s == nil {
		return
	}
	if a.read(s, end, size) {
		a.pump(s) // nobody waits for the answer to a RELEASE
	}
}

// read is closed without what follows, and reports whether s is to be pumped.
func (a *readAhead) read(s *stream, end, size int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.closed(end, size)
	return a.mayPumpLocked(s)
}

// pumpLocked has fetched what s wants next.
func (a *readAhead) pumpLocked(s *stream) {
	if a.mayPumpLocked(s) {
		go a.pump(s)
	}
}

// mayPumpLocked reports whether s is to be pumped, by nobody else but the caller.
func (a *readAhead) mayPumpLocked(s *stream) bool {
	if s.pumping || s.ctx.Err() != nil || !s.hungry() {
		return false
	}
	s.pumping = true
	return true
}

// pump asks for what s wants, until that is all or no more may be asked for.
func (a *readAhead) pump(s *stream) {
	defer a.recovered()
	for {
		v, ref, n, ok := a.next(s)
		if !ok {
			return
		}
		asked, ok := a.fs.Store.Prefetch(s.ctx, ref, n)
		if !a.fetched(s, v, n, asked, ok) {
			return
		}
	}
}

// next returns what is to be fetched next for s; without, the pump has ended.
func (a *readAhead) next(s *stream) (v int, ref search.Ref, n int64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.ctx.Err() == nil {
		v, ref, n, ok = s.pick(a.credit)
	}
	s.pumping = ok
	if ok {
		a.credit -= n + aheadCost
	}
	return v, ref, n, ok
}

// fetched takes in what came of what next returned, and reports whether the pump goes on.
func (a *readAhead) fetched(s *stream, v int, n, asked int64, ok bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credit += n - asked
	if asked > 0 {
		a.count.files.Add(1)
	} else {
		a.credit += aheadCost
	}
	a.settleLocked(s.fetched(v, asked, ok))
	s.pumping = ok
	return ok
}

// recovered makes a panic cost what was being fetched.
func (a *readAhead) recovered() {
	if reason := recover(); reason != nil {
		a.fs.recovered(reason)
	}
}

// settleLocked accounts for what became of files that were fetched.
func (a *readAhead) settleLocked(o outcome) {
	a.count.used.Add(int64(o.used))
	a.count.wasted.Add(int64(o.wasted))
	a.credit = min(a.credit+o.earned, maxCredit)
	if a.credit < leastCredit {
		a.credit = min(a.credit+o.right, leastCredit)
	}
}

// stopLocked ends s: what is under way for it is given up, where nobody else waits for it.
func (a *readAhead) stopLocked(s *stream) {
	i := slices.Index(a.streams, s)
	if i < 0 {
		return
	}
	a.streams = slices.Delete(a.streams, i, i+1)
	s.stop()
	a.settleLocked(outcome{wasted: s.forget(len(s.places))})
	s.roll.snapshot.Close()
	a.count.stopped.Add(1)
}

// stopIdle ends the streams without an open for streamIdle.
func (a *readAhead) stopIdle() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.fs.Now()
	for _, s := range slices.Clone(a.streams) {
		if now.Sub(s.lastOpen) >= streamIdle {
			a.stopLocked(s)
		}
	}
	a.timer = nil
	if len(a.streams) > 0 {
		a.timer = time.AfterFunc(streamIdle, a.stopIdle)
	}
}

// close ends all streams, and no more begin.
func (a *readAhead) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for len(a.streams) > 0 {
		a.stopLocked(a.streams[0])
	}
	if a.timer != nil {
		a.timer.Stop()
	}
}

// counters returns the figures for @stats.
func (a *readAhead) counters() []search.Counter {
	a.mu.Lock()
	orders := 0
	for _, t := range a.trails {
		orders += t.bytes()
	}
	a.mu.Unlock()
	return []search.Counter{
		{Name: "mount_order_bytes", Value: int64(orders)},
		{Name: "mount_streams_started", Value: a.count.started.Load()},
		{Name: "mount_streams_stopped", Value: a.count.stopped.Load()},
		{Name: "mount_files_ahead", Value: a.count.files.Load()},
		{Name: "mount_files_ahead_used", Value: a.count.used.Load()},
		{Name: "mount_files_ahead_wasted", Value: a.count.wasted.Load()},
	}
}
