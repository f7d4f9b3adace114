package cache

import (
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// One big read, longer than all the memory there is, costs neither the listings nor the small files that are kept.
func TestBigReadEvictsNeitherListingsNorSmallFiles(t *testing.T) {
	st := newStore(10)
	st.fill("b", 100)
	const small = 100
	for i := range small {
		st.put("b", smallRef(i, 0).Key, sequence(10_000))
	}
	size := 64 * mib
	big := st.put("b", "big", sequence(size))
	c := newCache(t, st, Options{TTL: time.Hour, SchemaTTL: time.Hour, MemoryBudget: 16 * mib, PageRows: 10})
	s := mustOpen(t, c, query("b", "x"))
	drain(t, s)
	s.Close()
	if _, err := c.Schema(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	openAll := func() {
		for i := range small {
			o, err := st.get("", "b", smallRef(i, 0).Key)
			if err != nil {
				t.Fatal(err)
			}
			mustOpenFile(t, c, search.Ref{Bucket: "b", Key: o.Key, ETag: o.ETag, Size: o.Size}).Close()
		}
	}
	openAll()
	f := mustOpenFile(t, c, big)
	defer f.Close()
	p := make([]byte, 128<<10)
	for off := 0; off < size; off += len(p) {
		v, err := f.View(t.Context(), p, int64(off))
		if err != nil {
			t.Fatal(err)
		}
		v.Release()
	}
	if n := stat(t, c, "cache_evictions"); n < 40 {
		t.Fatalf("only %d blocks were evicted", n)
	}
	pages, schemas, reads := st.count("query"), st.count("schema"), st.count("read")
	s = mustOpen(t, c, query("b", "x"))
	drain(t, s)
	s.Close()
	if _, err := c.Schema(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	openAll()
	st.wantRequests(t, "query", pages)
	st.wantRequests(t, "schema", schemas)
	st.wantRequests(t, "read", reads)
}

// A block that another reader reads too is not the first to go when one of them has passed it.
func TestPassedBlocksGoFirst(t *testing.T) {
	m := newMemory(4*(mib+itemOverhead), mib, time.Now)
	k := func(i int64) key { return key{kind: kindBlock, bucket: "b", object: "o", block: i} }
	add := func(i int64) { m.land(m.admit(k(i), mib), true) }
	kept := func() (all []int64) {
		for i := range int64(10) {
			if m.has(k(i)) {
				all = append(all, i)
			}
		}
		return all
	}
	want := func(when string, want ...int64) {
		t.Helper()
		if got := kept(); len(got) != len(want) {
			t.Errorf("%s: %v are kept, want %v", when, got, want)
		} else {
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s: %v are kept, want %v", when, got, want)
				}
			}
		}
		m.check(t)
	}
	for i := range int64(4) {
		add(i)
		m.block(k(i), 1).release()
	}
	m.block(k(2), 2).release() // another reader
	m.pass(k(2), 1)
	m.pass(k(3), 1)
	add(4)
	want("after a pass", 0, 1, 2, 4)
	m.pass(k(4), 0) // given up before anyone read it
	m.pass(k(0), 1)
	m.block(k(0), 1).release() // come back to
	add(5)
	want("after a return", 0, 1, 2, 5)
	add(6)
	want("by age", 0, 2, 5, 6)
}

// Answers are evicted by age like blocks, but not below a quarter of the budget while there are blocks.
func TestAnswersAreSheltered(t *testing.T) {
	m := newMemory(64*mib, mib, time.Now)
	answer := func(i int64) key { return key{kind: kindSchema, bucket: "b", block: i} }
	for i := range int64(32) {
		m.put(answer(i), i, mib, time.Time{})
	}
	for i := range int64(200) {
		m.land(m.admit(key{kind: kindBlock, bucket: "b", block: i}, mib), true)
	}
	m.check(t)
	n := 0
	for i := range int64(32) {
		if m.has(answer(i)) {
			n++
		}
	}
	if n != 15 && n != 16 {
		t.Errorf("%d MiB of answers are left of 64", n)
	}
}
