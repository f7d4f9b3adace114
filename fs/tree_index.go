package fs

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/ecsfs/ecsfs/search"
)

// treeIndex orders the rows of one complete listing by key, so that what a folder of a tree
// has is a range of them, and one key with all its versions is another. The folders of a tree
// share one listing and one index. It takes 4 bytes a row, 8 where the listing has an order.
type treeIndex struct {
	of    treeID
	bytes int // what it takes
	build sync.Once

	// Written by build alone.
	byKey []uint32 // row numbers in the order of keys; rows of one key in their own
	// least is a tree of minima over byKey: node i is the lower one of nodes 2i and 2i+1, and node
	// len(byKey)+p is byKey[p]. nil where the listing has no order.
	least []uint32
}

// treeID tells what a treeIndex is of. A listing that has ended has as many rows for ever.
type treeID struct {
	snapshotID
	rows int
}

// make fills x in from the rows of s, of which there will be no more.
func (x *treeIndex) make(l search.Listing, s search.Snapshot) {
	keys := make([]string, x.of.rows)
	x.byKey = make([]uint32, 0, x.of.rows)
	for i := range keys {
		row, err := s.Row(context.Background(), i) // it is there: this does not wait
		if err != nil || !strings.HasPrefix(row.Key, l.Prefix) {
			continue
		}
		keys[i] = row.Key
		x.byKey = append(x.byKey, uint32(i))
	}
	slices.SortFunc(x.byKey, func(a, b uint32) int {
		return cmp.Or(strings.Compare(keys[a], keys[b]), cmp.Compare(a, b))
	})
	if l.Order.IsZero() {
		return
	}
	n := len(x.byKey)
	x.least = make([]uint32, n)
	for i := n - 1; i > 0; i-- {
		x.least[i] = min(x.node(2*i), x.node(2*i+1))
	}
}

func (x *treeIndex) node(i int) uint32 {
	if n := len(x.byKey); i >= n {
		return x.byKey[i-n]
	}
	return x.least[i]
}

// first returns the lowest row number at positions from to to-1.
func (x *treeIndex) first(from, to int) uint32 {
	n := len(x.byKey)
	lowest := uint32(math.MaxUint32)
	for from, to = from+n, to+n; from < to; from, to = from/2, to/2 {
		if from&1 == 1 {
			lowest = min(lowest, x.node(from))
			from++
		}
		if to&1 == 1 {
			to--
			lowest = min(lowest, x.node(to))
		}
	}
	return lowest
}

// treeIndexes keeps the indexes used last. An index in use lives on though it is kept no more.
type treeIndexes struct {
	mu    sync.Mutex
	kept  []*treeIndex // guarded by mu; the one used last is the last
	bytes int          // guarded by mu; what kept takes
}

// maxTreeIndexes and maxTreeIndexBytes bound what is kept, but that the index used last is kept
// however large it is: a walk would make it anew for each folder.
const (
	maxTreeIndexes    = 32
	maxTreeIndexBytes = 16 << 20
)

// get returns the index of s, a snapshot of l that has ended: complete or broken.
func (t *treeIndexes) get(l search.Listing, s search.Snapshot) *treeIndex {
	rows, _ := s.Len()
	x := t.use(treeID{snapshotID{listing: l.ID(), taken: s.Taken()}, rows}, !l.Order.IsZero())
	x.build.Do(func() { x.make(l, s) })
	return x
}

// use returns the kept index of id, or an empty one that is kept from now on.
func (t *treeIndexes) use(id treeID, ordered bool) *treeIndex {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.IndexFunc(t.kept, func(x *treeIndex) bool { return x.of == id }); i >= 0 {
		x := t.kept[i]
		t.kept = append(slices.Delete(t.kept, i, i+1), x)
		return x
	}
	x := &treeIndex{of: id, bytes: 4 * id.rows}
	if ordered {
		x.bytes *= 2
	}
	t.kept = append(t.kept, x)
	t.bytes += x.bytes
	for len(t.kept) > 1 && (len(t.kept) > maxTreeIndexes || t.bytes > maxTreeIndexBytes) {
		t.bytes -= t.kept[0].bytes
		t.kept = slices.Delete(t.kept, 0, 1)
	}
	return x
}

// size returns what the kept indexes take, in bytes.
func (t *treeIndexes) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes
}

// tree is a snapshot that has ended with its index.
type tree struct {
	search.Snapshot
	*treeIndex
}

// tree returns s, of the listing l, with its index. s must have ended.
func (f *filesystem) tree(l search.Listing, s search.Snapshot) tree {
	return tree{s, f.indexes.get(l, s)}
}

// at returns the row at position p in the order of keys.
func (t tree) at(p int) search.Entry {
	row, _ := t.Row(context.Background(), int(t.byKey[p])) // it is there: this does not wait
	return row
}

// find returns the first position whose key is not before key.
func (t tree) find(key string) int {
	return sort.Search(len(t.byKey), func(p int) bool { return t.at(p).Key >= key })
}

// has reports whether a key begins with prefix.
func (t tree) has(prefix string) bool { return t.begins(t.find(prefix), prefix) }

func (t tree) begins(p int, prefix string) bool {
	return p < len(t.byKey) && strings.HasPrefix(t.at(p).Key, prefix)
}

// hasAfter is has for a prefix that no key before position p begins with.
func (t tree) hasAfter(p int, prefix string) bool {
	return t.begins(t.next(p, func(key string) bool { return key >= prefix }), prefix)
}

// past returns the first position after p whose key does not begin with prefix, as that at p does.
func (t tree) past(p int, prefix string) int {
	return t.next(p, func(key string) bool { return !strings.HasPrefix(key, prefix) })
}

// next returns the first position after p for which is is true, which must be so from there on. It takes O(log n)
// steps of the n that it passes.
func (t tree) next(p int, is func(key string) bool) int {
	last, step := p, 1 // for last, is is not true
	for last+step < len(t.byKey) && !is(t.at(last+step).Key) {
		last += step
		step *= 2
	}
	span := min(last+step, len(t.byKey)) - last - 1
	return last + 1 + sort.Search(span, func(i int) bool { return is(t.at(last + 1 + i).Key) })
}

// children returns the positions of what stands directly in the folder with this prefix: each object,
// and of each folder in it the first row. They are in the order of keys; where the listing has
// an order, in that, a folder where its first result stands.
func (t tree) children(prefix string) []uint32 {
	type child struct{ position, row uint32 }
	var ranked []child
	var list []uint32
	for p := t.find(prefix); p < len(t.byKey); {
		row := t.at(p)
		rest, below := strings.CutPrefix(row.Key, prefix)
		if !below {
			break
		}
		next := p + 1
		if seg, _, folder := strings.Cut(rest, "/"); folder {
			next = t.past(p, prefix+seg+"/")
		} else if rest == "" && row.Size == 0 {
			p = next // the folder's own marker is the folder
			continue
		}
		if t.least == nil {
			list = append(list, uint32(p))
		} else {
			ranked = append(ranked, child{uint32(p), t.first(p, next)})
		}
		p = next
	}
	if ranked == nil {
		return list
	}
	slices.SortFunc(ranked, func(a, b child) int { return cmp.Compare(a.row, b.row) })
	list = make([]uint32, len(ranked))
	for i, c := range ranked {
		list[i] = c.position
	}
	return list
}
