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
	for _, it := range m.lru.Values() {
		kept += it.weight
		if _, ok := it.key.group(); ok {
			grouped++
		}
	}
	if kept != m.kept {
		t.Fatalf("kept is %d, its values weigh %d", m.kept, kept)
	}
	if m.open < 0 || m.flying < 0 {
		t.Fatalf("open %d, flying %d", m.open, m.flying)
	}
	room := max(m.budget-m.open, m.budget/reserved)
	if m.kept > max(0, room-m.flying) {
		t.Fatalf("kept %d of room %d with %d flying", m.kept, room, m.flying)
	}
	if m.kept+m.open+m.flying > m.budget && m.open+m.flying <= m.budget-m.budget/reserved {
		t.Fatalf("kept %d + open %d + flying %d exceed %d without need", m.kept, m.open, m.flying, m.budget)
	}
	for g, head := range m.groups {
		if head == nil || head.prev != nil {
			t.Fatalf("group %v begins with %+v", g, head)
		}
		for it := head; it != nil; it = it.next {
			if it.next != nil && it.next.prev != it {
				t.Fatalf("group %v is not linked", g)
			}
			if now, ok := m.lru.Peek(it.key); !ok || now != it {
				t.Fatalf("group %v has %+v, which is not kept", g, it.key)
			}
			grouped--
		}
	}
	if grouped != 0 {
		t.Fatalf("%d values are not in their group", grouped)
	}
}

func TestMemoryAccounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		m := newMemory(int64(rapid.IntRange(0, 20_000).Draw(t, "budget")), func() time.Time { return now })
		type taken struct {
			key   key
			bytes int64
		}
		var open []taken
		var flying []taken
		weights := map[key]int64{} // of the last value put
		size := rapid.Int64Range(0, 3000)
		objectKey := func(k kind) key {
			return key{kind: k, bucket: "b", object: fmt.Sprint(rapid.IntRange(0, 1).Draw(t, "object"))}
		}
		pop := func(list *[]taken) taken {
			i := rapid.IntRange(0, len(*list)-1).Draw(t, "i")
			x := (*list)[i]
			*list = append((*list)[:i], (*list)[i+1:]...)
			return x
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
				x := pop(&open)
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
				n := size.Draw(t, "bytes")
				if m.admit(n) {
					flying = append(flying, taken{objectKey(kindBlock), n})
				} else if u := m.usage(); u.flying+n <= m.budget/reserved {
					t.Fatalf("%d bytes refused with %d flying", n, u.flying)
				}
			},
			"land": func(t *rapid.T) {
				if len(flying) == 0 {
					t.Skip()
				}
				x := pop(&flying)
				if rapid.Bool().Draw(t, "keep") {
					m.land(x.key, make([]byte, x.bytes), x.bytes)
				} else {
					m.land(x.key, nil, x.bytes)
				}
			},
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
			m.reserve(-pop(&open).bytes)
		}
		for len(flying) > 0 {
			m.land(key{}, nil, pop(&flying).bytes)
		}
		for _, k := range m.lru.Keys() {
			it, _ := m.lru.Peek(k)
			m.removeLocked(it)
		}
		if u := m.usage(); u.kept != 0 || u.open != 0 || u.flying != 0 || u.items != 0 || len(m.groups) != 0 {
			t.Fatalf("left over: %+v, %d groups", u, len(m.groups))
		}
	})
}

func TestMemoryEvictsTheOldest(t *testing.T) {
	m := newMemory(3*(itemOverhead+100), time.Now)
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
