package search

import "math"

// SplitKey returns the key by whose value the results of p can be asked for in parts, see Part: an integer or a
// time that each of them has, by which the store orders them even unasked, as it is the first key of the
// expression (ECS REST API, getObjectsList: "sorted"). ok is false where there is none, or the order, a limit, versions or a
// prefix are in the way.
func (p *Plan) SplitKey() (k Key, ok bool) {
	l := p.Listing
	if p.Engine != EngineSearch || p.None || l.Prefix != "" || l.Versions || l.Limit != 0 || !l.Order.IsZero() || p.tree.joins(true) {
		return Key{}, false
	}
	first := p.tree.keys()[0]
	conditions(l.Where, func(c Cond) {
		if c.Key.Name == first {
			k = c.Key
		}
	})
	return k, k.Type == Integer || k.Type == Datetime
}

// Part returns the plan of the results of p whose value of k, which is SplitKey of p, is at least from
// and below to, see Object.Position; with math.MaxInt64, of all at least from. The store is asked to sort them
// by it. s is the schema that p was made for.
func (p *Plan) Part(s Schema, k Key, from, to int64) (Plan, error) {
	l := p.Listing
	where := Conjunction{l.Where, Cond{k, OpGe, positionValue(k, from)}}
	if to < math.MaxInt64 {
		where = append(where, Cond{k, OpLt, positionValue(k, to)})
	}
	l.Where = Normalize(where)
	l.Order = Order{Key: k, LooseTies: true}
	part, err := NewPlan(s, l)
	if err == nil && part.SortBy == "" && !part.None {
		err = p.refuse(KindUnsupported, part.sortedHere, "")
	}
	return part, err
}

// positionValue is the reverse of Object.Position.
func positionValue(k Key, n int64) Value {
	if k.Type == Datetime {
		return instant(n)
	}
	return Value{typ: Integer, n: n}
}

// Position returns the value that o has for k, an integer as it is and a time in milliseconds since 1970; ok is false where
// it has none, or one of another kind.
func (o *Object) Position(k Key) (n int64, ok bool) {
	if k.Type != Integer && k.Type != Datetime {
		return 0, false
	}
	v := o.operand(k)
	return v.value.n, v.state == present
}
