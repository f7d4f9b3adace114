package fs

import (
	"slices"
	"time"
)

const (
	// maxTrail is how many opens are remembered of a directory, to find an order in them.
	maxTrail = 8
	// maxOrderBytes bounds the orders that are kept, but that those made last are kept whatever they take.
	maxOrderBytes = 16 << 20
	// ordersAfter is after how many opens that are in no order as listed, and again as many for each so many entries,
	// other orders of a directory are made: a million entries take a second of a processor.
	ordersAfter = 3
	orderRows   = 5000
)

// trail is the last opens in one snapshot that belong to no stream. It is guarded by readAhead.mu.
type trail struct {
	id    snapshotID
	below string // of a tree, the folder that the opens and orders are of
	opens []int  // numbers, the last one last

	misfits int // opens since orders were made last, or would have been
	after   int // after how many they are
	making  bool
	orders  []*order
}

// trailLocked returns the trail in r.
func (a *readAhead) trailLocked(r *roll) *trail {
	id := snapshotID{listing: r.listing.ID(), taken: r.snapshot.Taken()}
	i := slices.IndexFunc(a.trails, func(t *trail) bool { return t.id == id })
	var t *trail
	if i >= 0 {
		t = a.trails[i]
		a.trails = slices.Delete(a.trails, i, i+1)
	} else {
		t = &trail{id: id}
	}
	a.trails = append(a.trails, t)
	if len(a.trails) > maxTrails {
		a.trails = slices.Delete(a.trails, 0, 1)
	}
	if t.below != r.dir.Below {
		*t = trail{id: id, below: r.dir.Below, opens: t.opens}
	}
	return t
}

// isOf reports whether s goes through the directory.
func (t *trail) isOf(s *stream) bool { return s.roll.listing.ID() == t.id.listing }

// bytes returns what the orders take.
func (t *trail) bytes() (n int) {
	for _, o := range t.orders {
		n += o.bytes()
	}
	return n
}

// add takes an open in.
func (t *trail) add(number int) {
	if n := len(t.opens); n > 0 && t.opens[n-1] == number {
		return
	}
	t.misfits++
	t.opens = append(t.opens, number)
	if len(t.opens) > maxTrail {
		t.opens = slices.Delete(t.opens, 0, 1)
	}
}

// stream returns the stream that the opens make, or nil, and forgets those that are in it. There are others.
func (t *trail) stream(r *roll, others []*stream) *stream {
	for _, o := range append([]*order{{}}, t.orders...) {
		joins := slices.ContainsFunc(others, func(s *stream) bool { return s.order.kind == o.kind && t.isOf(s) })
		if s := begun(r, o, t.opens, joins); s != nil {
			t.opens = slices.DeleteFunc(t.opens, func(number int) bool {
				position, ok := o.positionOf(number)
				return ok && s.has(s.mirror(position))
			})
			return s
		}
	}
	return nil
}

// begun returns the stream that the last of opens, of these numbers, is of in this order, or nil:
//
//	two neighbours, the second opened right after the first
//	three or more in one direction, that a rule explains
//	two pairs of neighbours, of several readers: one, where there are other streams in this order
func begun(r *roll, o *order, opens []int, joins bool) *stream {
	if len(opens) < 2 {
		return nil
	}
	last, ok := o.positionOf(opens[len(opens)-1])
	if !ok {
		return nil
	}
	var at []int // positions near the last
	pairs := 0
	for _, number := range opens {
		position, ok := o.positionOf(number)
		if !ok || position-last > scanned/2 || last-position > scanned/2 {
			continue
		}
		if slices.Contains(at, position-1) || slices.Contains(at, position+1) {
			pairs++
		}
		at = append(at, position)
	}
	if len(at) < 2 {
		return nil
	}
	down := last < at[len(at)-2]
	run := 2 // how many of the last are in one direction
	for run < len(at) && (at[len(at)-run] < at[len(at)-run-1]) == down {
		run++
	}
	before, after := slices.Contains(at, last-1), slices.Contains(at, last+1)
	if (before || after) && (pairs >= 2 || joins) {
		at = slices.DeleteFunc(at, func(position int) bool { return position-last > reach || last-position > reach })
		return newStream(r, o, !before, at)
	}
	for _, n := range []int{run, rulePlaces, 2} {
		part := at[len(at)-min(n, run):]
		if len(part) == 2 && max(part[0]-part[1], part[1]-part[0]) != 1 {
			continue
		}
		if s := newStream(r, o, down, part); s != nil {
			return s
		}
	}
	return nil
}

// wantsOrders reports whether other orders than that as listed should be made of r.
func (t *trail) wantsOrders(r *roll, h habit) bool {
	n, complete := r.len()
	if !complete || t.making {
		return false
	}
	if t.after == 0 && n <= habitRows && h.window > 0 && h.kind != orderListed {
		return true
	}
	return len(t.opens) > 1 && t.misfits >= max(t.after, ordersAfter+n/orderRows)
}

// makeOrders makes the orders of r for t.
func (a *readAhead) makeOrders(t *trail, r *roll) {
	defer a.recovered()
	orders := makeOrders(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	t.making, t.after, t.misfits = false, 4*max(t.after, t.misfits), 0
	if t.below != r.dir.Below {
		r.snapshot.Close()
		return
	}
	t.orders = orders
	// Three opens may be in some order by chance, so the next is waited for; a habit needs no more than the first.
	if len(t.opens) != 1 || a.beginLocked(t, r) == nil {
		r.snapshot.Close()
	}
	bytes := 0
	for _, t := range slices.Backward(a.trails) {
		if bytes += t.bytes(); bytes > maxOrderBytes && bytes > t.bytes() {
			t.orders, t.after = nil, 0
		}
	}
}

// habit is how the files of a directory were opened to the last one: those of the next are expected to be opened
// likewise. Guarded by readAhead.mu.
type habit struct {
	kind   orderKind
	down   bool
	window int
	at     time.Time
	begun  *stream // the last that began by it
}

const (
	// habitOpens is how many opens make a habit, and habitTime for how long one lasts.
	habitOpens = 3
	habitTime  = 10 * time.Second
	// habitRows is up to which size orders of a directory are made for a habit alone.
	habitRows = 1000
)

// habitual returns the stream that begins with the only open of t, where that is the first of a directory by the habit, or nil.
func (a *readAhead) habitual(t *trail, r *roll) *stream {
	h := &a.habit
	if h.window == 0 || len(t.opens) != 1 || a.fs.Now().Sub(h.at) > habitTime {
		return nil
	}
	if h.begun != nil && h.begun.used == 0 && h.begun.fetches > 0 {
		*h = habit{} // it was none
		return nil
	}
	for _, o := range append([]*order{{}}, t.orders...) {
		if o.kind != h.kind {
			continue
		}
		position, ok := o.positionOf(t.opens[0])
		if n, complete := o.len(r); !ok || !complete || n < 2 {
			continue
		}
		if s := newStream(r, o, h.down, []int{position}); s != nil && s.isFirst(s.front) {
			s.trusted = h.window
			s.window = max(s.window, h.window)
			h.begun, h.at = s, a.fs.Now()
			t.opens = nil
			return s
		}
	}
	return nil
}
