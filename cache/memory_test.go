package cache

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// check verifies memory's invariants against what it holds.
func (m *memory) check(t interface{ Fatalf(string, ...any) }) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var kept int64
	grouped := 0
	for class, list := range m.lists {
		var weight int64
		for _, it := range list.Values() {
			weight += it.weight
			if _, ok := it.key.group(); ok {
				grouped++
			}
			if b, ok := it.value.(*block); ok && (b.refs.Load() < 1 || int64(len(b.data))+itemOverhead != it.weight) {
				t.Fatalf("block %d of %d bytes has %d references", b.key.block, len(b.data), b.refs.Load())
			}
		}
		if weight != m.weights[class] {
			t.Fatalf("class %d weighs %d, its values %d", class, m.weights[class], weight)
		}
		kept += weight
	}
	if kept != m.kept {
		t.Fatalf("kept is %d, its values weigh %d", m.kept, kept)
	}
	if m.open < 0 || m.flying < 0 || m.lent < 0 {
		t.Fatalf("open %d, flying %d, lent %d", m.open, m.flying, m.lent)
	}
	free := m.freeBytesLocked()
	if free > m.budget/freeShare {
		t.Fatalf("%d free of %d", free, m.budget)
	}
	room := max(m.budget-m.open, m.budget/reserved)
	if m.kept+free > max(0, room-m.flying-m.lent) {
		t.Fatalf("kept %d and free %d of room %d with %d flying and %d lent", m.kept, free, room, m.flying, m.lent)
	}
	if sum := m.kept + free + m.open + m.flying + m.lent; sum > m.budget && m.open+m.flying+m.lent <= m.budget-m.budget/reserved {
		t.Fatalf("kept %d + free %d + open %d + flying %d + lent %d exceed %d without need", m.kept, free, m.open, m.flying, m.lent, m.budget)
	}
	for g, head := range m.groups {
		if head == nil || head.prev != nil {
			t.Fatalf("group %v begins with %+v", g, head)
		}
		for it := head; it != nil; it = it.next {
			if it.next != nil && it.next.prev != it {
				t.Fatalf("group %v is not linked", g)
			}
			if m.peekLocked(it.key) != it {
				t.Fatalf("group %v has %+v, which is not kept", g, it.key)
			}
			grouped--
		}
	}
	if grouped != 0 {
		t.Fatalf("%d values are not in their group", grouped)
	}
}

func pop[T any](t *rapid.T, list *[]T) T {
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "i")
	x := (*list)[i]
	*list = append((*list)[:i], (*list)[i+1:]...)
	return x
}

func TestMemoryAccounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		m := newMemory(int64(rapid.IntRange(0, 20_000).Draw(t, "budget")), 1000, func() time.Time { return now })
		type taken struct {
			key   key
			bytes int64
		}
		var open []taken
		var flying, lent []*block
		weights := map[key]int64{} // of the last value put
		size := rapid.Int64Range(0, 3000)
		objectKey := func(k kind) key {
			return key{kind: k, bucket: "b", object: fmt.Sprint(rapid.IntRange(0, 1).Draw(t, "object"))}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { m.check(t) },
			"put": func(t *rapid.T) {
				k := objectKey(rapid.SampledFrom([]kind{kindSchema, kindStat, kindBroken}).Draw(t, "kind"))
				bytes := size.Draw(t, "bytes")
				m.put(k, bytes, bytes, now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "life"))))
				weights[k] = bytes
			},
			"get": func(t *rapid.T) {
				k := objectKey(kindStat)
				if v, ok := m.get(k); ok && v.(int64) != weights[k] {
					t.Fatalf("%+v is %v, last put %v", k, v, weights[k])
				}
			},
			"open": func(t *rapid.T) {
				n := size.Draw(t, "bytes")
				m.reserve(n)
				open = append(open, taken{objectKey(kindListing), n})
			},
			"release": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip()
				}
				x := pop(t, &open)
				if rapid.Bool().Draw(t, "keep") {
					m.putOpen(x.key, x.bytes, x.bytes, now.Add(5))
				} else {
					m.reserve(-x.bytes)
				}
			},
			"take": func(t *rapid.T) {
				k := objectKey(kindListing)
				if v, ok := m.take(k); ok {
					open = append(open, taken{k, v.(int64)})
				}
			},
			"admit": func(t *rapid.T) {
				n := rapid.OneOf(size, rapid.Just(int64(1000))).Draw(t, "bytes")
				if b := m.admit(objectKey(kindBlock), n); b != nil {
					flying = append(flying, b)
				} else if u := m.usage(); u.flying+u.lent+n <= m.budget/reserved {
					t.Fatalf("%d bytes refused with %d flying and %d lent", n, u.flying, u.lent)
				}
			},
			"land": func(t *rapid.T) {
				if len(flying) == 0 {
					t.Skip()
				}
				b := pop(t, &flying)
				if rapid.Bool().Draw(t, "waited for") {
					b.retain()
					lent = append(lent, b)
				}
				m.land(b, rapid.Bool().Draw(t, "keep"))
			},
			"lend": func(t *rapid.T) {
				k := objectKey(kindBlock)
				if b := m.block(k, rapid.Uint64Range(0, 2).Draw(t, "reader")); b != nil {
					if b.key != k || b.data == nil {
						t.Fatalf("%+v is block %+v", k, b.key)
					}
					lent = append(lent, b)
				}
			},
			"give back": func(t *rapid.T) {
				if len(lent) == 0 {
					t.Skip()
				}
				pop(t, &lent).release()
			},
			"pass": func(t *rapid.T) { m.pass(objectKey(kindBlock), rapid.Uint64Range(0, 2).Draw(t, "reader")) },
			"forget": func(t *rapid.T) {
				k := objectKey(kindBlock)
				g, _ := k.group()
				m.forget(g, func(key, any) bool { return true })
				if m.groups[g] != nil {
					t.Fatalf("something of %v is left", g)
				}
			},
			"wait": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "passes"))) },
		})
		for len(open) > 0 {
			m.reserve(-pop(t, &open).bytes)
		}
		for len(flying) > 0 {
			m.land(pop(t, &flying), false)
		}
		m.dropAll(func(key) bool { return true })
		for len(lent) > 0 {
			pop(t, &lent).release()
		}
		if u := m.usage(); u.kept != 0 || u.open != 0 || u.flying != 0 || u.lent != 0 || u.items != 0 || len(m.groups) != 0 {
			t.Fatalf("left over: %+v, %d groups", u, len(m.groups))
		}
	})
}

func TestMemoryEvictsTheOldest(t *testing.T) {
	m := newMemory(3*(itemOverhead+100), 1000, time.Now)
	k := func(i int) key { return key{kind: kindSchema, bucket: fmt.Sprint(i)} }
	for i := range 3 {
		m.put(k(i), i, 100, time.Time{})
	}
	m.get(k(0))
	m.put(k(3), 3, 100, time.Time{})
	for i, want := range []bool{true, false, true, true} {
		if _, ok := m.get(k(i)); ok != want {
			t.Errorf("value %d kept: %v, want %v", i, ok, want)
		}
	}
	// What cannot fit evicts nothing.
	m.put(k(4), 4, 1<<20, time.Time{})
	if u := m.usage(); u.items != 3 || u.evictions != 1 {
		t.Errorf("%+v", u)
	}
}
