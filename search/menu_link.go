package search

import "slices"

// Path returns the components, typed below a folder, of what i stands for in the menu of k that is below
// the components typed: those without the comma components on k that i's own imply, and then i's own. So it is
// never wider than what was typed. Components with an age stay, as what they mean changes.
func (i MenuItem) Path(s Schema, k Key, typed []string) []string {
	own := i.span(s, k)
	path := slices.DeleteFunc(slices.Clone(typed), func(name string) bool {
		c, err := ParseComponent(name, s)
		if _, comma := splitComma(name); err != nil || c.Kind != ComponentPredicate || !comma || !bound(c.Where) {
			return false
		}
		only := true
		conditions(c.Where, func(c Cond) { only = only && c.Key == k })
		return only && own.implies(c.Where)
	})
	return append(path, i.Components...)
}

// span is a set of values: those between two bounds, a text's continuations among them.
type span struct {
	low, high *Cond  // OpGe or OpGt, and OpLt; nil: none
	only      *Value // the one value
}

// span returns what i's components say about k.
func (i MenuItem) span(s Schema, k Key) span {
	var out span
	for _, name := range i.Components {
		c, err := ParseComponent(name, s)
		if err != nil || c.Kind != ComponentPredicate {
			continue
		}
		conditions(c.Where, func(c Cond) {
			switch c.Op {
			case OpEq:
				out.only = &c.Value
			case OpGt, OpGe:
				out.low = &c
			case OpLt:
				out.high = &c
			case OpPrefix:
				out.low = &Cond{k, OpGe, c.Value}
				if next, ok := nextText(c.Value.text); ok {
					out.high = &Cond{k, OpLt, Value{text: next}}
				}
			}
		})
	}
	return out
}

// implies reports whether e is true of each of the values; false where that is not plain.
func (s span) implies(e Expr) bool {
	switch e := e.(type) {
	case Conjunction:
		return !slices.ContainsFunc(e, func(x Expr) bool { return !s.implies(x) })
	case Disjunction:
		return slices.ContainsFunc(e, s.implies)
	case Cond:
		return s.impliesCond(e)
	}
	return false
}

func (s span) impliesCond(c Cond) bool {
	switch {
	case c.Op == OpExists:
		return true
	case s.only != nil:
		return c.Op != OpMissing && compare(c, *s.only) == True
	case c.Op == OpGt && s.low != nil:
		order := compareValues(s.low.Value, c.Value)
		return order > 0 || order == 0 && s.low.Op == OpGt
	case c.Op == OpGe && s.low != nil:
		return compareValues(s.low.Value, c.Value) >= 0
	case (c.Op == OpLt || c.Op == OpLe) && s.high != nil:
		return compareValues(s.high.Value, c.Value) <= 0
	}
	return false
}

// MenuItemNamed returns the item that a label stands for in a menu of k, whether the menu
// shows it or not: of a string the value, of a number a range or decimal, of a time a year, month, day or hour. ok is false when
// it is no such label.
func MenuItemNamed(k Key, label string) (i MenuItem, ok bool) {
	switch k.Type {
	case String:
		c := stringCells{k}.cell(0, Value{text: label})
		return c.MenuItem, !c.Begins
	case Datetime:
		for _, layout := range timeLayouts {
			if _, _, why := parseInstant(label); why == "" && len(label) == len(layout) {
				return MenuItem{Label: label, Components: []string{keyText(k) + ",eq," + label}}, true
			}
		}
		return MenuItem{}, false
	}
	i, ok = numberCells{k}.named(label)
	return i, ok && !slices.ContainsFunc(i.Components, func(name string) bool { return len(name) > maxComponent })
}
