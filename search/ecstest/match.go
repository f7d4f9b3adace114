package ecstest

// predicate is an expression bound to a bucket's index: selectors are columns,
// arguments are values.
type predicate struct {
	root       expr
	conditions []*condition // in the order written
	hasOr      bool
	hasAnd     bool
}

// bind resolves e against the keys of si, as servers of the generation g do.
// The errors say what a client did wrong; all of them are InvalidArgument.
func (si *searchIndex) bind(g *Traits, e expr) (*predicate, *apiError) {
	p := &predicate{root: e}
	if err := p.bind(g, si, e); err != nil {
		return nil, err
	}
	if g.OneConnective && p.hasOr && p.hasAnd {
		return nil, invalidArgument("invalid query expression: this release of ECS does not know \"and\" together with \"or\"")
	}
	return p, nil
}

func (p *predicate) bind(g *Traits, si *searchIndex, e expr) *apiError {
	if j, ok := e.(*junction); ok {
		p.hasOr, p.hasAnd = p.hasOr || j.or, p.hasAnd || !j.or
		for _, t := range j.terms {
			if err := p.bind(g, si, t); err != nil {
				return err
			}
		}
		return nil
	}
	c := e.(*condition)
	column, ok := si.selected(g, c.selector)
	if !ok {
		return invalidArgument("invalid query expression at offset %d: the key %q is not indexed in this bucket", c.pos, c.selector)
	}
	k := si.keys[column]
	if k.typ == typeString && !c.quoted {
		return invalidArgument("invalid query expression at offset %d: %s is a string, its argument must be quoted", c.pos, k.name)
	}
	if c.value, ok = parseValue(k.typ, c.argument); !ok {
		return invalidArgument("invalid query expression at offset %d: %s is of datatype %s, which %q is not",
			c.pos, k.name, k.typ, c.argument)
	}
	c.column = column
	p.conditions = append(p.conditions, c)
	return nil
}

// selected finds the key that a selector names: system keys in any case, user
// keys too but where g.ExactKeys.
func (si *searchIndex) selected(g *Traits, selector string) (int, bool) {
	column, ok := si.column(selector)
	if ok && g.ExactKeys && si.keys[column].sys == nil && si.keys[column].written != selector {
		return 0, false
	}
	return column, ok
}

// matches tells whether o satisfies p. A condition on a key that o lacks, or
// has with a text that is none of the key's datatype, is false.
func (si *searchIndex) matches(e expr, o *object) bool {
	switch e := e.(type) {
	case *junction:
		for _, t := range e.terms {
			if si.matches(t, o) == e.or {
				return e.or
			}
		}
		return !e.or
	case *condition:
		if o.in&(1<<e.column) == 0 {
			return false
		}
		c := compareValues(si.keys[e.column].typ, o.values[e.column], e.value)
		switch e.op {
		case opEQ:
			return c == 0
		case opGE:
			return c >= 0
		case opLE:
			return c <= 0
		case opGT:
			return c > 0
		default:
			return c < 0
		}
	}
	return false
}

// sources returns runs of indexes that together have every object satisfying
// e, and how many objects they have. Every condition is on an index, so there
// always are such runs; under "and" the smallest is taken, with all bounds on
// one key put together.
func (si *searchIndex) sources(e expr) (runs []span, cost int) {
	switch e := e.(type) {
	case *condition:
		s := si.spanOf(e)
		return []span{s}, s.size()
	case *junction:
		if e.or {
			for _, t := range e.terms {
				r, c := si.sources(t)
				runs, cost = append(runs, r...), cost+c
			}
			return runs, cost
		}
		cost = -1
		take := func(r []span, c int) {
			if cost < 0 || c < cost {
				runs, cost = r, c
			}
		}
		bounds := map[int]span{}
		for _, t := range e.terms {
			if c, ok := t.(*condition); ok {
				bounds[c.column] = si.narrow(bounds, c)
				continue
			}
			take(si.sources(t))
		}
		for _, s := range bounds {
			take([]span{s}, s.size())
		}
	}
	return runs, cost
}

func (si *searchIndex) narrow(bounds map[int]span, c *condition) span {
	s := si.spanOf(c)
	if have, ok := bounds[c.column]; ok {
		return have.intersect(s)
	}
	return s
}
