package ecs

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// has reports whether w has its slot.
func has(w *waiter) bool {
	select {
	case <-w.ready:
		return true
	default:
		return w.ready == nil
	}
}

// TestLimiterRules does anything in any order and compares who has a slot with the rules: never more than there are; those that
// somebody waits for in the order in which they asked, or were promoted, and never while a slot is free; those that read
// ahead in their order, behind all others, within their share, and never into the last quarter.
func TestLimiterRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 20).Draw(t, "slots")
		l := newLimiter(slots)
		var holding, foreground, background []*waiter // the model: waiters in their order
		now := time.Unix(0, 0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				foreground = append(foreground, l.enter(false))
			case 1:
				background = append(background, l.enter(true))
			case 2:
				if len(holding) > 0 {
					i := rapid.IntRange(0, len(holding)-1).Draw(t, "released")
					l.release(holding[i])
					holding = slices.Delete(holding, i, i+1)
				}
			case 3:
				if len(background) > 0 {
					i := rapid.IntRange(0, len(background)-1).Draw(t, "promoted")
					l.promote(background[i])
					foreground = append(foreground, background[i])
					background = slices.Delete(background, i, i+1)
				}
			case 4:
				for _, queue := range []*[]*waiter{&foreground, &background} {
					if len(*queue) > 0 {
						i := rapid.IntRange(0, len(*queue)-1).Draw(t, "left")
						l.leave((*queue)[i])
						*queue = slices.Delete(*queue, i, i+1)
					}
				}
			case 5:
				_, epoch := l.sharing()
				l.overloaded(epoch)
			case 6:
				_, epoch := l.sharing()
				for range rapid.IntRange(1, 30).Draw(t, "answers") {
					now = now.Add(time.Millisecond)
					l.answered(now, epoch, 1<<20, time.Duration(rapid.IntRange(1, 1000).Draw(t, "delay"))*time.Millisecond)
				}
			}
			for _, queue := range []*[]*waiter{&foreground, &background} {
				served := 0
				for i, w := range *queue {
					if has(w) {
						if i != served {
							t.Fatalf("the %dth of those who wait is served before the %dth", i, served)
						}
						holding = append(holding, w)
						served++
					}
				}
				*queue = (*queue)[served:]
			}
			ahead := 0
			for _, w := range holding {
				if w.ahead {
					ahead++
				}
			}
			share, _ := l.sharing()
			switch {
			case len(holding) > slots || len(holding) != l.held || ahead != l.ahead:
				t.Fatalf("%d of %d slots held, %d of them to read ahead; the limiter says %d and %d", len(holding), slots, ahead, l.held, l.ahead)
			case len(foreground) > 0 && len(holding) < slots:
				t.Fatalf("somebody waits, and only %d of %d slots are held", len(holding), slots)
			case len(background) > 0 && len(foreground) == 0 && ahead < share && len(holding) < l.most:
				t.Fatalf("reading ahead waits with %d of %d slots held, %d of a share of %d", len(holding), slots, ahead, share)
			case share < l.least || share > l.most || slots >= 4 && slots-share < slots/4:
				t.Fatalf("a share of %d in %d slots", share, slots)
			}
		}
		for _, w := range holding {
			l.release(w)
		}
		for _, w := range slices.Concat(foreground, background) {
			l.leave(w)
		}
		if l.held != 0 || l.ahead != 0 || l.foreground.Len()+l.background.Len() != 0 {
			t.Fatalf("in the end %d slots are held, %d to read ahead, and %d wait", l.held, l.ahead, l.foreground.Len()+l.background.Len())
		}
	})
}

// TestLimiterGrants: reading ahead takes no slot that it must leave, at any time.
func TestLimiterGrants(t *testing.T) {
	l := newLimiter(64)
	for range 64 {
		l.enter(true)
	}
	share, _ := l.sharing()
	if l.ahead != share || share != 32 || l.held != 32 {
		t.Errorf("%d of a share of %d", l.ahead, share)
	}
	for i := range 32 {
		if !has(l.enter(false)) {
			t.Fatalf("the %dth that somebody waits for has no slot", i)
		}
	}
	if has(l.enter(false)) {
		t.Error("more than there are")
	}
}

// finish is the end of a request in a simulation.
type finish struct {
	at, sent  time.Time
	epoch     int
	throttled bool
	slot      *waiter
}

type finishes []finish

func (e finishes) Len() int           { return len(e) }
func (e finishes) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e finishes) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *finishes) Push(x any)        { *e = append(*e, x.(finish)) }
func (e *finishes) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// simulation is a reader that always has more to read ahead, and a store, in a time of their own.
type simulation struct {
	limiter           *limiter
	now               time.Time
	under             finishes // way
	waiting           []*waiter
	answers, throttle int
	// store says when the answer to a request sent now begins to come, and whether it says that it has too much to do.
	store func(s *simulation) (time.Time, bool)
}

func newSimulation(store func(s *simulation) (time.Time, bool)) *simulation {
	s := &simulation{limiter: newLimiter(64), now: time.Unix(1e9, 0), store: store}
	for range 100 {
		s.waiting = append(s.waiting, s.limiter.enter(true))
	}
	return s
}

// run goes on for d. It returns how many answers came in a second, and how many requests were throttled in all.
func (s *simulation) run(d time.Duration) (rate float64, throttled int) {
	s.answers, s.throttle = 0, 0
	began := s.now
	for s.now.Sub(began) < d {
		s.waiting = slices.DeleteFunc(s.waiting, func(w *waiter) bool {
			if has(w) {
				_, epoch := s.limiter.sharing()
				at, throttled := s.store(s)
				heap.Push(&s.under, finish{at, s.now, epoch, throttled, w})
				return true
			}
			return false
		})
		e := heap.Pop(&s.under).(finish)
		s.now = e.at
		if e.throttled {
			s.throttle++
			s.limiter.overloaded(e.epoch)
		} else {
			s.answers++
			s.limiter.answered(s.now, e.epoch, 64<<10, s.now.Sub(e.sent))
		}
		s.limiter.release(e.slot)
		s.waiting = append(s.waiting, s.limiter.enter(true))
	}
	return float64(s.answers) / s.now.Sub(began).Seconds(), s.throttle
}

func (s *simulation) share() int {
	share, _ := s.limiter.sharing()
	return share
}

// around is d, or up to a fifth more.
func around(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

// farAway is a store of any capacity, d away.
func farAway(d *time.Duration) func(*simulation) (time.Time, bool) {
	return func(s *simulation) (time.Time, bool) { return s.now.Add(around(*d)), false }
}

// oneByOne is a store that answers rate requests a second, one after another, d away.
func oneByOne(d time.Duration, rate int) func(*simulation) (time.Time, bool) {
	var free time.Time
	return func(s *simulation) (time.Time, bool) {
		if arrives := s.now.Add(d / 2); free.Before(arrives) {
			free = arrives
		}
		free = free.Add(around(time.Second / time.Duration(rate) * 10 / 11))
		return free.Add(d / 2), false
	}
}

// TestShareOfAFastStore: nothing says that the store is slow, however far away: all is used soon.
func TestShareOfAFastStore(t *testing.T) {
	for _, d := range []time.Duration{100 * time.Microsecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		s := newSimulation(farAway(&d))
		rate, _ := s.run(10 * d)
		if most := 48 / d.Seconds(); s.share() != 48 || rate < 0.6*most {
			t.Errorf("%v away: a share of %d after ten round trips, %.0f answers a second of %.0f", d, s.share(), rate, most)
		}
	}
}

// TestShareOfABusyMachine: a short wait for the processors of this machine is no reason to do less.
func TestShareOfABusyMachine(t *testing.T) {
	s := newSimulation(oneByOne(200*time.Microsecond, 4000))
	s.run(time.Second)
	if rate, _ := s.run(time.Second); s.share() != 48 || rate < 3800 {
		t.Errorf("a share of %d, %.0f answers a second", s.share(), rate)
	}
}

// TestShareOfASlowStore: where more at once is only a longer queue, the queue is kept short, so that those
// who wait for something do not stand in it, and nothing is lost by that.
func TestShareOfASlowStore(t *testing.T) {
	s := newSimulation(oneByOne(10*time.Millisecond, 200))
	s.run(10 * time.Second)
	least, most := 64, 0
	for range 100 {
		if rate, _ := s.run(time.Second); rate < 180 {
			t.Fatalf("%.0f answers a second of 200, with a share of %d", rate, s.share())
		}
		least, most = min(least, s.share()), max(most, s.share())
	}
	if most > 24 || least < 4 {
		t.Errorf("a share from %d to %d where 2 are enough", least, most)
	}
}

// TestShareOfARouteThatChanged: all answers come later from now on, but not because of what is read ahead.
func TestShareOfARouteThatChanged(t *testing.T) {
	d := 10 * time.Millisecond
	s := newSimulation(farAway(&d))
	s.run(time.Second)
	d = 300 * time.Millisecond
	s.run(60 * time.Second)
	if s.share() != 48 {
		t.Errorf("a share of %d", s.share())
	}
}

// TestShareOfAStoreThatRefuses: a store that takes ten at once is asked for about as many.
func TestShareOfAStoreThatRefuses(t *testing.T) {
	s := newSimulation(func(s *simulation) (time.Time, bool) {
		return s.now.Add(around(10 * time.Millisecond)), len(s.under) >= 10
	})
	s.run(time.Second)
	rate, throttled := s.run(10 * time.Second)
	if share := throttled * 100 / (s.answers + throttled); rate < 500 || share > 20 {
		t.Errorf("%.0f answers a second of 1000, and %d%% of the requests refused", rate, share)
	}
}

// TestShareComesBack: a store that refused for a while is used in full a while later.
func TestShareComesBack(t *testing.T) {
	refuses := true
	s := newSimulation(func(s *simulation) (time.Time, bool) { return s.now.Add(around(10 * time.Millisecond)), refuses })
	s.run(time.Second)
	if s.share() != leastAhead {
		t.Errorf("a share of %d of a store that refuses all", s.share())
	}
	refuses = false
	s.run(5 * time.Second)
	if s.share() != 48 {
		t.Errorf("a share of %d of a store that refuses no more", s.share())
	}
}

// TestShareOneStepAtATime: requests that were under way together are one reason to halve the share, not many.
func TestShareOneStepAtATime(t *testing.T) {
	l := newLimiter(64)
	_, epoch := l.sharing()
	for range 32 {
		l.overloaded(epoch)
	}
	if share, _ := l.sharing(); share != 16 {
		t.Errorf("a share of %d after the 503s of one moment", share)
	}
}

// TestShareUnused: what was not used in full is no reason to grow or to shrink.
func TestShareUnused(t *testing.T) {
	l := newLimiter(64)
	now := time.Unix(1e9, 0)
	for i := range 1000 {
		now = now.Add(time.Duration(i) * time.Millisecond)
		_, epoch := l.sharing()
		w := l.enter(true)
		l.answered(now, epoch, 4<<10, time.Duration(i)*time.Millisecond)
		l.release(w)
	}
	if share, _ := l.sharing(); share != 32 {
		t.Errorf("a share of %d", share)
	}
}

// TestLimiterSmall: with few slots, too, both kinds get some.
func TestLimiterSmall(t *testing.T) {
	var got []string
	for slots := 1; slots <= 8; slots++ {
		l := newLimiter(slots)
		got = append(got, fmt.Sprint(l.least, int(l.share), l.most))
	}
	if want := "[1 1 1 1 1 1 2 2 2 3 3 3 3 3 3 4 4 4 4 4 5 4 4 6]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}
