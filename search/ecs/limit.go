package ecs

import (
	"container/list"
	"sync"
	"time"
)

const (
	// leastAhead is how many requests may always read ahead, if MaxRequests allows as many.
	leastAhead = 4
	// shortestWindow is the least number of answers that are judged together.
	shortestWindow = 8
	// bearableDelay is how much later than at best the first bytes of answers may come without being held against
	// reading ahead: less is the work of this machine as often as the store's, and nobody who waits notices.
	bearableDelay = 50 * time.Millisecond
	// inflation is how many times later than at best they may come.
	inflation = 3
	// smallAnswer is the most that an answer of the lower of two classes has, in bytes: some stores read all
	// they are asked for before they begin to answer.
	smallAnswer = 128 << 10
	// trialDelay and trialRate are the parts of the delay that halving the share must leave at most, and of the throughput at least.
	trialDelay, trialRate = 0.75, 0.8
	// requestWork is what a request costs beside its bytes, in bytes.
	requestWork = 32 << 10
)

// limiter hands out slots for operations. Those that somebody waits for come first, in the order in which they asked, and
// may take all slots. Those that read ahead take what is left of a share, which begins at two thirds of its most, three quarters
// of all slots, and is found out as TCP finds its window:
//
//   - It grows while it is used in full and the answers begin to come nearly as soon as at best: by a quarter with each
//     window, which is as many answers as the share has slots; from three quarters of where it had to be lowered on, by
//     one with each two such.
//   - It is halved when the store says that it has too much to do (503, 429) or does not answer, and when no answer of a
//     window came in good time. If the next window shows that this did not help, or that it cost more than a fifth of
//     the throughput, the store was not slow for what is read ahead: it is taken back, and what is seen now is the best.
//
// What was sent before the share was last lowered, or was raised again by that, says nothing about it and does not count.
//
// Invariants: held <= slots; ahead <= held; nobody who is not ahead waits while held < slots. Safe for concurrent use.
type limiter struct {
	slots, most, least int

	mu    sync.Mutex // guards all below
	held  int
	ahead int // of the slots held, those taken to read ahead
	share float64
	// foreground and background are those who wait: *waiter, the first to be served in front.
	foreground, background list.List
	// known is up to where share grows fast: three quarters of what it was when it was last lowered; before, all.
	known float64

	epoch  int // how often share was lowered, or that taken back
	window window
	trial  *trial           // not nil from when share is halved for a window that was slow until the next is judged
	best   [2]time.Duration // the least time to a first byte, by class; 0: none seen
}

// window is what was seen of some answers to reading ahead.
type window struct {
	began   time.Time // the first answer
	answers int
	work    int64   // of all but the first: bytes, and requestWork for each
	delay   float64 // the least, in parts of what is bearable
	full    bool    // share was used in full all the time
}

// trial is what the window was like that share was halved for.
type trial struct {
	share float64
	delay float64 // see window
	rate  float64 // work in a second
}

// waiter is who waits for a slot or holds one.
type waiter struct {
	ready   chan struct{} // closed when the slot is there; nil when there was no need to wait
	ahead   bool          // of whose share the slot is. Guarded by the limiter until it is there
	granted bool          // guarded by the limiter
	place   *list.Element // in its queue. Guarded by the limiter
}

func newLimiter(slots int) *limiter {
	most := max(1, slots*3/4)
	least := min(leastAhead, most)
	return &limiter{slots: slots, most: most, least: least, share: float64(max(least, most*2/3)), known: float64(most)}
}

// enter asks for a slot. It is there when the waiter's ready is nil or closed; the caller then releases it,
// or gives up before.
func (l *limiter) enter(ahead bool) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &waiter{ahead: ahead}
	if l.mayTake(w) {
		l.take(w)
		return w
	}
	w.ready = make(chan struct{})
	l.queue(w)
	return w
}

// promote moves one that waits to read ahead to those that somebody waits for.
func (l *limiter) promote(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.granted || !w.ahead {
		return
	}
	l.background.Remove(w.place)
	w.ahead = false
	l.queue(w)
	l.serve()
}

// leave gives up waiting, and the slot if it just came.
func (l *limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case w.granted:
		l.free(w)
	case w.ahead:
		l.background.Remove(w.place)
	default:
		l.foreground.Remove(w.place)
	}
	l.serve()
}

// release gives a slot back.
func (l *limiter) release(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free(w)
	l.serve()
}

func (l *limiter) queue(w *waiter) {
	if w.ahead {
		w.place = l.background.PushBack(w)
	} else {
		w.place = l.foreground.PushBack(w)
	}
}

// mayTake reports whether there is a slot for w and nobody waits who comes before.
func (l *limiter) mayTake(w *waiter) bool {
	if !w.ahead {
		return l.held < l.slots && l.foreground.Len() == 0
	}
	return l.foreground.Len() == 0 && l.background.Len() == 0 && l.roomAhead()
}

// roomAhead reports whether one more may read ahead: within the share, and a quarter of the slots stays
// for those that somebody waits for.
func (l *limiter) roomAhead() bool { return l.ahead < int(l.share) && l.held < l.most }

func (l *limiter) take(w *waiter) {
	w.granted = true
	l.held++
	if w.ahead {
		l.ahead++
	}
}

func (l *limiter) free(w *waiter) {
	l.held--
	if w.ahead {
		l.ahead--
	}
}

// serve hands out the slots that are free.
func (l *limiter) serve() {
	for l.held < l.slots {
		queue := &l.foreground
		if queue.Len() == 0 {
			queue = &l.background
			if queue.Len() == 0 || !l.roomAhead() {
				return
			}
		}
		w := queue.Remove(queue.Front()).(*waiter)
		l.take(w)
		close(w.ready)
	}
}

// sharing returns how many may read ahead now, and the number that requests sent now are to name.
func (l *limiter) sharing() (share, epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.share), l.epoch
}

// overloaded notes that the store had too much to do for a request, of whatever kind, that was sent at epoch.
func (l *limiter) overloaded(epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch == l.epoch {
		l.trial = nil
		l.lower()
	}
}

// answered notes that the answer to a request that reads ahead, sent at epoch for size bytes, began to come after delay.
func (l *limiter) answered(now time.Time, epoch int, size int64, delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch != l.epoch {
		return
	}
	best := &l.best[0]
	if size > smallAnswer {
		best = &l.best[1]
	}
	if *best == 0 || delay < *best {
		*best = max(delay, 1)
	}
	part := float64(delay) / float64(max(inflation**best, *best+bearableDelay))
	w := &l.window
	if w.answers == 0 {
		*w = window{began: now, work: -size - requestWork, delay: part, full: true}
	}
	w.answers++
	w.work += size + requestWork
	w.delay = min(w.delay, part)
	w.full = w.full && (l.background.Len() > 0 || l.ahead >= int(l.share))
	length := int(l.share)
	if l.share >= l.known {
		length *= 2
	}
	if w.answers >= max(shortestWindow, length) {
		l.judge(now)
	}
}

// judge ends a window.
func (l *limiter) judge(now time.Time) {
	w := l.window
	l.window = window{}
	rate := float64(w.work) / max(now.Sub(w.began), time.Microsecond).Seconds()
	switch {
	case !w.full:
		l.trial = nil
	case l.trial != nil && (w.delay > trialDelay*l.trial.delay || rate < trialRate*l.trial.rate):
		// It was not for what is read ahead that the store was slow.
		share := l.trial.share
		l.trial, l.best = nil, [2]time.Duration{}
		l.epoch++
		l.set(share)
	case w.delay > 1:
		l.trial = &trial{l.share, w.delay, rate}
		l.lower()
	case l.share < l.known:
		l.trial = nil
		l.set(min(l.share*5/4, l.known))
	default:
		l.trial = nil
		l.set(l.share + 1)
	}
}

// lower halves the share.
func (l *limiter) lower() {
	l.epoch++
	l.known, l.window = l.share*3/4, window{}
	l.set(l.share / 2)
}

func (l *limiter) set(share float64) {
	l.share = min(max(share, float64(l.least)), float64(l.most))
	l.serve()
}
