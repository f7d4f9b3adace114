package fs

// rule is which of the files in an order are opened, as far as those tell that were opened and those that
// were passed over.
type rule struct {
	kind   ruleKind
	suffix suffix // ruleSuffix: those whose name has it
	step   int    // ruleStride: every step-th
	at     int    // ruleStride: a place that is one of them
}

type ruleKind int

const (
	ruleNone ruleKind = iota // none that has held
	ruleAll
	ruleSuffix // grep --include="*.txt", cat *.txt
	ruleStride
)

const (
	// judged is by how many of the last places a rule is judged, and heldShare of those it names must have been opened.
	judged    = 64
	heldShare = 0.75
	// rulePlaces is how many places must have been opened for a rule that leaves places out.
	rulePlaces = 3
	// maxStride is the widest stride: what looks like a wider one is several readers, far from each other.
	maxStride = reach / 2
)

// wants reports whether the rule names place v.
func (r rule) wants(v int, p *place) bool {
	switch {
	case p.nothing:
		return false
	case r.kind == ruleAll:
		return true
	case r.kind == ruleSuffix:
		return p.suffix == r.suffix
	case r.kind == ruleStride:
		return (v-r.at)%r.step == 0
	}
	return false
}

// same reports whether r and other name the same places.
func (r rule) same(other rule) bool {
	if r.kind == ruleStride && other.kind == ruleStride {
		return r.step == other.step && (r.at-other.at)%r.step == 0
	}
	return r == other
}

// choose returns the simplest rule that has held for the last places: what it names was opened, up to the share that
// reading ahead may waste.
func (s *stream) choose() rule {
	end := s.front - s.late
	last := s.place(s.last)
	if last == nil {
		return rule{}
	}
	rules := [...]rule{
		{kind: ruleAll},
		{kind: ruleSuffix, suffix: last.suffix},
		{kind: ruleStride, step: max(s.last-s.before, s.before-s.last), at: s.last},
	}
	if rules[2].same(s.rule) {
		rules[1], rules[2] = rules[2], rules[1] // it takes less to see that it holds still
	}
	for _, r := range rules {
		if r.kind == ruleStride && (r.step < 2 || r.step > maxStride || s.opens < rulePlaces) {
			continue
		}
		// A stride may have changed, and is judged by its last opens; a suffix is rare in many places.
		span := judged
		switch r.kind {
		case ruleSuffix:
			span = kept
		case ruleStride:
			span = 4 * r.step
		}
		named, opened := 0, 0 // what is at end and before was opened by now, or was passed over
		for v := end; v > end-span && v >= s.base; v-- {
			p := &s.places[v-s.base]
			if !p.looked || !r.wants(v, p) {
				continue
			}
			if named++; p.opened {
				opened++
			}
		}
		switch {
		case named == 0 && r.kind == ruleAll:
			return s.rule // nothing is known yet
		case r.kind != ruleAll && opened < rulePlaces:
			continue
		}
		if float64(opened) >= heldShare*float64(named) {
			return r
		}
	}
	return rule{}
}
