package fs

import "slices"

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

// stream returns the stream that the opens make, or nil.
func (t *trail) stream(r *roll) *stream {
	if s := begun(r, &order{}, t.opens); s != nil {
		return s
	}
	for _, o := range t.orders {
		if s := begun(r, o, t.opens); s != nil {
			return s
		}
	}
	return nil
}

// begun returns the stream that the last of opens, of these numbers, are in this order, or nil:
//
//	two neighbours, the second opened right after the first
//	three or more in one direction, that a rule explains
//	two pairs of neighbours among those of several readers
func begun(r *roll, o *order, opens []int) *stream {
	var at []int
	for _, number := range opens {
		if position, ok := o.positionOf(number); ok {
			at = append(at, position)
		}
	}
	if len(at) < 2 {
		return nil
	}
	last := at[len(at)-1]
	down := last < at[len(at)-2]
	run := 1 // how many of the last are in one direction
	for run < len(at) && at[len(at)-run] != at[len(at)-run-1] && (at[len(at)-run] < at[len(at)-run-1]) == down {
		run++
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
	pairs := 0
	for i, position := range at {
		for _, other := range at[:i] {
			if position-other == 1 || other-position == 1 {
				pairs++
			}
		}
	}
	up := slices.Contains(at[:len(at)-1], last-1)
	if pairs < 2 || !up && !slices.Contains(at[:len(at)-1], last+1) {
		return nil
	}
	return newStream(r, o, !up, at)
}

// wantsOrders reports whether other orders than that as listed should be made of r.
func (t *trail) wantsOrders(r *roll) bool {
	n, complete := r.len()
	return complete && !t.making && len(t.opens) > 1 && t.misfits >= max(t.after, ordersAfter+n/orderRows)
}

// makeOrders makes the orders of r for t, and closes the snapshot of r.
func (a *readAhead) makeOrders(t *trail, r *roll) {
	defer a.recovered()
	orders := makeOrders(r)
	r.snapshot.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	t.making, t.after, t.misfits = false, 4*max(t.after, t.misfits), 0
	if t.below != r.dir.Below {
		return
	}
	t.orders = orders
	bytes := 0
	for _, t := range slices.Backward(a.trails) {
		own := 0
		for _, o := range t.orders {
			own += o.bytes()
		}
		if bytes += own; bytes > maxOrderBytes && bytes > own {
			t.orders, t.after = nil, 0
		}
	}
}
