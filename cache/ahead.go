package cache

import (
	"container/list"
	"sync"
	"time"
)

// What reading ahead may take.
const (
	aheadShare    = 2                // the part of the budget, 1/aheadShare, that may be outstanding at most
	aheadFloor    = 16               // the part of that, 1/aheadFloor, which waste leaves
	aheadRequests = 64               // under way at the same time
	aheadAge      = 30 * time.Second // after which nobody is expected to come for what was fetched
	tooMuchWaste  = 4                // more than 1/tooMuchWaste turns reading ahead down
	firstCredit   = 8 << 20          // bytes that windows may waste at first
	earnedShare   = 4                // the part of what is read forward, 1/earnedShare, that they may waste more
)

// ahead accounts for blocks that were begun before anybody asked for them. Such a block is outstanding
// until a reader asks for it, or until those who wanted it give it up. Its bytes are used when
// they are read, and what is unread of it when it leaves memory is wasted. So at all times
//
//	asked = used + wasted + what is unread in memory
//
// A byte that is read twice may stand for another one of its block: what is
// counted is how much was read of a block, up to what came of it.
//
// credit is what windows may have outstanding, since all of it may prove wasted: reading forward adds to it, and
// waste takes from it. So they never waste more than firstCredit and a part of what was read forward, and of late not more than max.
//
// limit is what may be outstanding. It is judged each time that half of it was used or wasted: halved
// when too much was wasted, else doubled.
type ahead struct {
	max, floor int64 // of limit
	now        func() time.Time

	mu                   sync.Mutex // guards all below; taken with memory.mu held, never the other way about
	limit                int64
	bytes                int64               // outstanding
	credit, windowed     int64               // of windows: what may be outstanding, and what is
	requests             int                 // under way
	asked, used, wasted  int64               // bytes that came, were read, left memory unread
	lateUsed, lateWasted int64               // since limit was judged
	order                list.List           // of *block: what is outstanding, oldest first
	windows              map[*file]time.Time // the files that have a window, by when they were last read
}

// early is what becomes of a block that was begun ahead. Guarded by ahead.mu.
type early struct {
	began  time.Time
	place  *list.Element // in ahead.order; nil when it is not outstanding
	window bool          // it was begun for a window
	blamed bool          // given up: already told to limit
	gone   bool          // from memory
	landed bool
	came   int64         // bytes that the store gave
	read   int64         // how much was read, up to the block's length
	used   int64         // what was counted as used
	stops  []func() bool // end what waits for a context to give it up
}

func newAhead(most, blockSize int64, now func() time.Time) *ahead {
	return &ahead{max: most, limit: most, credit: min(most, firstCredit), floor: min(most, max(most/aheadFloor, 2*blockSize)), now: now,
		windows: make(map[*file]time.Time)}
}

// admit counts a block about to be begun, or refuses it. A quarter of limit is for windows alone: files that
// are expected to be opened must not take everything from one that is being read.
func (a *ahead) admit(bytes int64, why purpose) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for e := a.order.Front(); e != nil && a.now().Sub(e.Value.(*block).early.began) >= aheadAge; e = a.order.Front() {
		a.giveUpLocked(e.Value.(*block))
	}
	limit := a.limit
	if why == forPrefetch {
		limit -= limit / 4
	}
	if a.requests >= aheadRequests || a.bytes+bytes > limit || why == forWindow && a.windowed+bytes > a.credit {
		return false
	}
	a.bytes += bytes
	if why == forWindow {
		a.windowed += bytes
	}
	a.requests++
	return true
}

// refused takes back an admission.
func (a *ahead) refused(bytes int64, why purpose) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes -= bytes
	if why == forWindow {
		a.windowed -= bytes
	}
	a.requests--
}

// began makes b, which was admitted and which nobody else has yet, one that was begun ahead.
func (a *ahead) began(b *block, why purpose) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.early = &early{began: a.now(), window: why == forWindow}
	b.early.place = a.order.PushBack(b)
}

// until has stop called once b is not outstanding any more.
func (a *ahead) until(b *block, stop func() bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.early.place == nil {
		stop()
		return
	}
	b.early.stops = append(b.early.stops, stop)
}

// landed tells how many bytes the store gave of b. Before memory is told.
func (a *ahead) landed(b *block, came int64) {
	if b.early == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests--
	a.asked += came
	b.early.landed, b.early.came = true, came
	a.useLocked(b.early)
}

// read tells that a reader is about to read n bytes of b.
func (a *ahead) read(b *block, n int64) {
	if b.early == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settleLocked(b)
	b.early.read = min(int64(len(b.data)), b.early.read+n)
	a.useLocked(b.early)
}

// giveUp tells that those who had b fetched do not expect it to be read any more.
func (a *ahead) giveUp(b *block) {
	if b.early == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveUpLocked(b)
}

func (a *ahead) giveUpLocked(b *block) {
	if !a.settleLocked(b) || !b.early.landed {
		return
	}
	b.early.blamed = true
	a.blameLocked(b.early)
}

// left tells that b is not in memory any more.
func (a *ahead) left(b *block) {
	e := b.early
	if e == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settleLocked(b)
	if e.gone {
		return
	}
	e.gone = true
	a.wasted += e.came - e.used
	if !e.blamed {
		a.blameLocked(e)
	}
}

// blameLocked counts what is unread of e as lately wasted.
func (a *ahead) blameLocked(e *early) {
	n := e.came - e.used
	a.lateWasted += n
	if e.window {
		a.credit = max(0, a.credit-n)
	}
	a.judgeLocked()
}

// earned tells that n bytes were read by who goes forward.
func (a *ahead) earned(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credit = min(a.max, a.credit+n/earnedShare)
}

// settleLocked ends that b is outstanding, and reports whether it was.
func (a *ahead) settleLocked(b *block) bool {
	e := b.early
	if e.place == nil {
		return false
	}
	a.order.Remove(e.place)
	e.place = nil
	a.bytes -= int64(len(b.data))
	if e.window {
		a.windowed -= int64(len(b.data))
	}
	for _, stop := range e.stops {
		stop()
	}
	e.stops = nil
	return true
}

// useLocked counts what was read of e and not yet counted.
func (a *ahead) useLocked(e *early) {
	if n := min(e.read, e.came) - e.used; n > 0 && !e.gone {
		e.used += n
		a.used += n
		a.lateUsed += n
		a.judgeLocked()
	}
}

func (a *ahead) judgeLocked() {
	late := a.lateUsed + a.lateWasted
	if late < a.limit/2 {
		return
	}
	if a.lateWasted > late/tooMuchWaste {
		a.limit = max(a.floor, a.limit/2)
	} else {
		a.limit = min(a.max, 2*a.limit)
	}
	a.lateUsed, a.lateWasted = 0, 0
}

// windowAge is how long a file that is not read keeps its share of what windows may take.
const windowAge = 2 * time.Second

// share is how many bytes the window of f, which is being read, may have: what all may have is shared out
// evenly among the files that are being read.
func (a *ahead) share(f *file) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.windows[f] = now
	for other, last := range a.windows {
		if now.Sub(last) >= windowAge {
			delete(a.windows, other)
		}
	}
	return min(a.limit, a.credit) / int64(len(a.windows))
}

// noWindow tells that f has none any more.
func (a *ahead) noWindow(f *file) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.windows, f)
}

// aheadUsage is ahead's figures at one time.
type aheadUsage struct{ asked, used, wasted, outstanding, limit int64 }

func (a *ahead) usage() aheadUsage {
	a.mu.Lock()
	defer a.mu.Unlock()
	return aheadUsage{a.asked, a.used, a.wasted, a.bytes, a.limit}
}
