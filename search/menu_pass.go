package search

import "slices"

// pass yields the menu, without the items shown, from all results in any order. level is that of the
// items shown; -1: the one that fits.
func (m *menu) pass(level int) error {
	found := seen{cells: m.cells, level: level, fits: level < 0}
	for o, err := range m.store.Query(m.ctx, m.all(Cond{Key: m.listing.Menu, Op: OpExists})) {
		if err != nil {
			return err
		}
		if v, ok := m.value(&o); ok {
			found.add(v)
		}
	}
	if err := m.ctx.Err(); err != nil {
		return err // a store that stops without an error must not make a short menu look whole
	}
	var last cell
	for _, c := range found.sorted() {
		if last.behind != nil && !holds(last.behind, c.least) || m.shown[c.id()] {
			continue // among several values that are too long, and begin alike; or shown
		}
		if len(m.shown) == MaxMenuItems {
			return m.more(last)
		}
		if err := m.show(c.cell); err != nil {
			return err
		}
		last = c.cell
	}
	return nil
}

// holds reports whether v satisfies behind.
func holds(behind Expr, v Value) bool { return compare(behind.(Cond), v) == True }

// seen are the cells of the values that came so far, in no order: the least ones alone, as many as
// a menu has, on the coarsest level that has more than one.
type seen struct {
	cells cells
	level int
	fits  bool // level goes with the values

	low, high Value // of all values, where level fits
	byID      map[string]seenCell
	beyond    *Value // the least of the cells that were left out; nil: none was
	// known are values that came before, up to maxKnown: of a million results most have the same few.
	known map[Value]struct{}
}

type seenCell struct {
	cell
	least Value
}

const maxKnown = 4096

func (s *seen) add(v Value) {
	if _, ok := s.known[v]; ok {
		return
	}
	if s.known == nil || len(s.known) == maxKnown {
		s.known = make(map[Value]struct{})
	}
	s.known[v] = struct{}{}
	switch {
	case s.byID == nil:
		s.byID = make(map[string]seenCell)
		s.low, s.high = v, v
		if s.fits {
			s.level = s.cells.levels() - 1
		}
	case s.fits && (compareValues(v, s.low) < 0 || compareValues(v, s.high) > 0):
		s.refit(v)
	case s.beyond != nil && compareValues(v, *s.beyond) >= 0, s.covers(v):
		return
	}
	s.put(v)
	if len(s.byID) > 2*(MaxMenuItems+1) {
		list := s.sorted()
		s.beyond = &list[MaxMenuItems+1].least
		for _, c := range list[MaxMenuItems+1:] {
			delete(s.byID, c.id())
		}
	}
}

// covers reports whether v lies in a cell, above its least value, without making a cell of v: that takes longer.
func (s *seen) covers(v Value) bool {
	if s.cells.levels() == 1 {
		return false // single values
	}
	for _, c := range s.byID {
		if compareValues(v, c.least) >= 0 && (c.behind == nil || !holds(c.behind, v)) {
			return true
		}
	}
	return false
}

// refit takes v in as the least or greatest value, and goes to the level that then fits.
func (s *seen) refit(v Value) {
	if compareValues(v, s.low) < 0 {
		s.low = v
	} else {
		s.high = v
	}
	level := 0
	for level < s.level && s.cells.cell(level, s.low).id() == s.cells.cell(level, s.high).id() {
		level++
	}
	if level == s.level {
		return
	}
	s.level = level
	finer := s.byID
	s.byID = make(map[string]seenCell, len(finer))
	for _, c := range finer {
		s.put(c.least)
	}
}

func (s *seen) put(v Value) {
	c := s.cells.cell(s.level, v)
	id := c.id()
	if have, ok := s.byID[id]; !ok || compareValues(v, have.least) < 0 {
		s.byID[id] = seenCell{c, v}
	}
}

// sorted returns the cells in the order of their values.
func (s *seen) sorted() []seenCell {
	list := make([]seenCell, 0, len(s.byID))
	for _, c := range s.byID {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b seenCell) int { return compareValues(a.least, b.least) })
	return list
}
