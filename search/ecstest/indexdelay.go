package ecstest

import "time"

// maxWaiting bounds the changes that wait for one index.
const maxWaiting = 100_000

// lag is how long a change of a bucket's objects waits before searches see it:
// the knob IndexDelay. It is constant once the store is in use.
type lag struct {
	delay time.Duration
	limit int // of changes that wait
	now   func() time.Time
}

// waiting is a change of an index that searches do not see yet.
type waiting struct {
	due    time.Time
	object *object
	add    bool // else it is removed
}

// add has searches see o, which has its values, when its time has come.
func (si *searchIndex) add(o *object) { si.change(o, true) }

// remove has searches miss o, which was added, when its time has come.
func (si *searchIndex) remove(o *object) { si.change(o, false) }

func (si *searchIndex) change(o *object, add bool) {
	w := waiting{object: o, add: add}
	if si.lag.delay <= 0 {
		si.carryOut(w)
		return
	}
	for len(si.waiting) >= si.lag.limit {
		si.next()
	}
	w.due = si.lag.now().Add(si.lag.delay)
	si.waiting = append(si.waiting, w)
}

// settle carries out what is due, in the order of the changes: one that is not
// due holds up all after it, so that a clock set back does not reorder them.
func (si *searchIndex) settle(now time.Time) {
	for len(si.waiting) > 0 && !si.waiting[0].due.After(now) {
		si.next()
	}
}

func (si *searchIndex) next() {
	si.carryOut(si.waiting[0])
	si.waiting[0] = waiting{} // the object may go
	si.waiting = si.waiting[1:]
}

func (si *searchIndex) carryOut(w waiting) {
	if w.add {
		si.insert(w.object)
	} else {
		si.erase(w.object)
	}
}

// settle has the next search of a bucket see what is due. There is no timer:
// between searches nobody can tell.
func (st *store) settle(name string) {
	if st.lag.delay <= 0 {
		return
	}
	st.writing.Lock() // whoever holds it reads without mu
	defer st.writing.Unlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	if b := st.buckets[name]; b != nil && b.search != nil {
		now := st.lag.now()
		b.search.settle(now)
		b.olderSearch.settle(now)
	}
}
