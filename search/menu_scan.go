package search

import (
	"context"
	"errors"
	"math/big"
)

// menu is one run of Values.
type menu struct {
	ctx     context.Context
	store   Searcher
	listing Listing
	cells   cells
	yield   func(MenuItem, error) bool
	shown   map[string]bool // the keys of the items yielded, at most MaxMenuItems
}

var (
	errBrokeOff = errors.New("the caller broke off")
	errDisorder = errors.New("a value came that is not behind the last")
)

// cells divides the values of a key into items. There are several levels, the coarsest first; each
// cell of a level lies in one of the level before, and the values of a cell follow one another.
type cells interface {
	levels() int
	// cell returns the cell of level that v lies in.
	cell(level int, v Value) cell
}

// cell is a set of values that follow one another.
type cell struct {
	MenuItem
	// behind is true of the values behind the cell; nil: there can be none.
	behind Expr
}

func (c cell) id() string { return c.Entry().Key }

// cellsOf returns how the values of k are divided.
func cellsOf(k Key) cells {
	switch k.Type {
	case Integer, Decimal:
		return numberCells{k}
	case Datetime:
		return timeCells{k}
	}
	return stringCells{k}
}

// sorts reports whether the store puts the values in order.
func (m *menu) sorts(s Schema) bool {
	p, err := NewPlan(s, m.least(m.starts()[0]))
	return err == nil && p.SortBy != ""
}

// least returns the listing of the result that has the least value of which rest is true.
func (m *menu) least(rest Expr) Listing {
	l := m.all(rest)
	l.Order, l.Limit = Order{Key: m.listing.Menu, LooseTies: true}, 1
	return l
}

// all returns the listing of the results of whose value rest is true.
func (m *menu) all(rest Expr) Listing {
	l := m.listing
	l.Menu = Key{}
	l.Where = Normalize(Conjunction{l.Where, rest})
	return l
}

// ask returns the least value of which rest is true; a nil rest is true of none. It is one search.
func (m *menu) ask(rest Expr) (v Value, found bool, err error) {
	if rest == nil {
		return Value{}, false, nil
	}
	for o, err := range m.store.Query(m.ctx, m.least(rest)) {
		if err != nil {
			return Value{}, false, err
		}
		v, ok := m.value(&o)
		if !ok || Evaluate(rest, &o) != True {
			return Value{}, false, errDisorder
		}
		return v, true, nil
	}
	return Value{}, false, m.ctx.Err()
}

// value returns the value that o has for the key of the menu.
func (m *menu) value(o *Object) (Value, bool) {
	v := o.operand(m.listing.Menu)
	return v.value, v.state == present
}

// starts returns what is true of the results that have the key, in parts that follow one another. Each can be
// sorted, which an "or" cannot: decimals have no least value, so that only an "or" is true of all.
func (m *menu) starts() []Cond {
	k := m.listing.Menu
	if k.Type != Decimal {
		return []Cond{{Key: k, Op: OpExists}}
	}
	low := Value{typ: Decimal, text: string(multiple{big.NewInt(-1), maxExponent, 0}.edge())}
	return []Cond{{k, OpLt, low}, {k, OpGe, low}}
}

// first returns the least value.
func (m *menu) first() (v Value, found bool, err error) {
	for _, rest := range m.starts() {
		if v, found, err = m.ask(rest); err != nil || found {
			break
		}
	}
	return v, found, err
}

// skip yields the menu by searches for one value each.
func (m *menu) skip() error {
	v, found, err := m.first()
	if err != nil || !found {
		return m.otherwise(err, -1)
	}
	level, next, alone, err := m.fit(v)
	if err != nil {
		return m.otherwise(err, -1)
	}
	for {
		c := m.cells.cell(level, v)
		if err := m.show(c); err != nil || alone {
			return err
		}
		if next == nil {
			after, found, err := m.ask(c.behind)
			if err != nil || !found {
				return m.otherwise(err, level)
			}
			next = &after
		}
		if len(m.shown) == MaxMenuItems {
			return m.more(c)
		}
		v, next = *next, nil
	}
}

// otherwise turns to one pass when the store's order is not what it says.
func (m *menu) otherwise(err error, level int) error {
	if errors.Is(err, errDisorder) {
		return m.pass(level)
	}
	return err
}

// fit returns the coarsest level on which the values, of which first is the least, are in more than
// one cell; else the finest level, and alone. next is the least value in another cell of that level than
// first; nil: there is none, or it was not asked for.
func (m *menu) fit(first Value) (level int, next *Value, alone bool, err error) {
	finest := m.cells.levels() - 1
	if finest == 0 {
		return 0, nil, false, nil
	}
	for _, level := range []int{0, finest} {
		v, found, err := m.ask(m.cells.cell(level, first).behind)
		switch {
		case err != nil:
			return 0, nil, false, err
		case found && level == 0:
			return 0, &v, false, nil
		case found:
			next = &v
		}
	}
	if next == nil {
		return finest, nil, true, nil
	}
	// All is in one cell of level one; level splits it.
	one, level := 0, m.splits(first, *next)
	for one+1 < level {
		middle := (one + level) / 2
		v, found, err := m.ask(m.cells.cell(middle, first).behind)
		switch {
		case err != nil:
			return 0, nil, false, err
		case found:
			level, next = middle, &v
		default:
			one = middle
		}
	}
	return level, next, false, nil
}

// splits returns the coarsest level on which a and b are in different cells, else the finest.
func (m *menu) splits(a, b Value) int {
	level := 0
	for level < m.cells.levels()-1 && m.cells.cell(level, a).id() == m.cells.cell(level, b).id() {
		level++
	}
	return level
}

// show yields an item that was not yielded yet.
func (m *menu) show(c cell) error {
	m.shown[c.id()] = true
	if !m.yield(c.MenuItem, nil) {
		return errBrokeOff
	}
	return nil
}

// more yields the item that leads to what is behind last.
func (m *menu) more(last cell) error {
	components := append(Components(last.behind), "@by", keyText(m.listing.Menu))
	if !m.yield(MenuItem{More: true, Components: components}, nil) {
		return errBrokeOff
	}
	return nil
}
