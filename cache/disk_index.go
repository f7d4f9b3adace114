package cache

import (
	"cmp"
	"slices"
	"sync"
)

// pageBytes is the unit in which the index counts: what file systems commonly allocate in.
const pageBytes = 4096

func pages(bytes int64) int64 { return (bytes + pageBytes - 1) / pageBytes }

// indexItemBytes is what an item takes in memory, the growth of slices and maps included.
const indexItemBytes = 100

// diskItem is one object on disk. Items refer to each other by their number, so that the garbage
// collector has nothing to follow in a million of them.
type diskItem struct {
	name      diskName
	newer     uint32 // 0 stands for the ring's head
	older     uint32
	pages     uint32 // allocated
	touched   uint32 // the time of the file's last use that is on disk, in seconds since 1970
	pinned    bool   // it backs an open file and may not be evicted
	large     bool   // of several blocks
	unordered bool   // found by the scan, and not used since: in no order yet
}

// diskIndex knows what is on disk and in which order it was used. Invariants: pages is the sum
// of the items' pages and of what is reserved; every item is in byName and in the ring once.
type diskIndex struct {
	maxItems int
	maxPages int64

	mu       sync.Mutex // guards all below; no file is touched with it held
	byName   map[diskName]uint32
	items    []diskItem // items[0] is the head of the ring: older is the most recent, newer the oldest
	free     []uint32
	pages    int64
	reserved int64
	complete bool // the scan has ended: what is not here is not on disk
}

func newDiskIndex(maxItems int, maxBytes int64) *diskIndex {
	return &diskIndex{maxItems: maxItems, maxPages: maxBytes / pageBytes, byName: make(map[diskName]uint32), items: make([]diskItem, 1)}
}

func (x *diskIndex) unlinkLocked(i uint32) {
	it := &x.items[i]
	x.items[it.newer].older, x.items[it.older].newer = it.older, it.newer
}

// linkLocked makes i the item that follows the item or head after, towards the older.
func (x *diskIndex) linkLocked(i, after uint32) {
	it := &x.items[i]
	it.newer, it.older = after, x.items[after].older
	x.items[it.older].newer, x.items[after].older = i, i
}

// has reports whether name is on disk; known is false when it might be, and only the disk can tell.
func (x *diskIndex) has(name diskName) (has, known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, has = x.byName[name]
	return has, has || x.complete
}

// use makes name the most recent item and reports whether it is there. touch is
// true when its last use on disk is more than a minute before now, in seconds since 1970: it is now's from here on.
func (x *diskIndex) use(name diskName, now int64) (touch, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := x.byName[name]
	if !ok {
		return false, false
	}
	it := &x.items[i]
	it.unordered = false
	x.unlinkLocked(i)
	x.linkLocked(i, 0)
	if now-int64(it.touched) > 60 {
		it.touched = uint32(now)
		return true, true
	}
	return false, true
}

// reserve makes sure that n pages, and one more item, are within the limits, and counts the pages
// until give or add takes them back.
func (x *diskIndex) reserve(n, maxPages int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.pages+n > maxPages || len(x.byName) >= x.maxItems {
		return false
	}
	x.pages += n
	x.reserved += n
	return true
}

// give takes back what was reserved.
func (x *diskIndex) give(n int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pages -= n
	x.reserved -= n
}

// add makes it, which takes so many pages now, the most recent item, in place of what was reserved for it.
func (x *diskIndex) add(name diskName, large bool, n, reserved, now int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pages -= reserved
	x.reserved -= reserved
	i := x.addLocked(name, large, n, now)
	x.items[i].unordered = false
	x.unlinkLocked(i)
	x.linkLocked(i, 0)
}

// found adds an item that the scan met, as the oldest, unless it is there; false when
// there are too many.
func (x *diskIndex) found(name diskName, large bool, n, touched int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.byName[name]; ok {
		return true
	}
	if len(x.byName) >= x.maxItems {
		return false
	}
	x.items[x.addLocked(name, large, n, touched)].unordered = true
	return true
}

// addLocked returns the item of name, made the oldest when it is new, with its pages set to n.
func (x *diskIndex) addLocked(name diskName, large bool, n, touched int64) uint32 {
	i, ok := x.byName[name]
	if !ok {
		if last := len(x.free) - 1; last >= 0 {
			i = x.free[last]
			x.free = x.free[:last]
		} else {
			i = uint32(len(x.items))
			x.items = append(x.items, diskItem{})
		}
		x.items[i] = diskItem{name: name}
		x.byName[name] = i
		x.linkLocked(i, x.items[0].newer)
	}
	it := &x.items[i]
	x.pages += n - int64(it.pages)
	it.pages, it.large, it.touched = uint32(n), large, uint32(touched)
	return i
}

// resize sets what an item takes, if it is there, in place of what was reserved for its growth.
func (x *diskIndex) resize(name diskName, n, reserved int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reserved -= reserved
	x.pages -= reserved
	if i, ok := x.byName[name]; ok {
		x.pages += n - int64(x.items[i].pages)
		x.items[i].pages = uint32(n)
	}
}

// pagesOf returns what an item takes; 0 when there is none.
func (x *diskIndex) pagesOf(name diskName) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.byName[name]; ok {
		return int64(x.items[i].pages)
	}
	return 0
}

// remove forgets name.
func (x *diskIndex) remove(name diskName) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := x.byName[name]
	if !ok {
		return false
	}
	delete(x.byName, name)
	x.unlinkLocked(i)
	x.pages -= int64(x.items[i].pages)
	x.items[i] = diskItem{}
	x.free = append(x.free, i)
	return true
}

// pin says whether an item may be evicted.
func (x *diskIndex) pin(name diskName, pinned bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.byName[name]; ok {
		x.items[i].pinned = pinned
	}
}

// oldest returns the item to evict first.
func (x *diskIndex) oldest() (name diskName, large bool, n int64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := x.items[0].newer; i != 0; i = x.items[i].newer {
		if it := &x.items[i]; !it.pinned {
			return it.name, it.large, int64(it.pages), true
		}
	}
	return name, false, 0, false
}

// setComplete says that the scan has ended.
func (x *diskIndex) setComplete() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.complete = true
}

// isComplete reports whether everything on disk is in the index.
func (x *diskIndex) isComplete() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.complete
}

// order puts what the scan found, and nobody used since, into the order of its use before.
func (x *diskIndex) order() {
	type found struct{ i, touched uint32 }
	var all []found
	x.mu.Lock()
	for i := range x.items {
		if it := &x.items[i]; it.unordered {
			all = append(all, found{uint32(i), it.touched})
		}
	}
	x.mu.Unlock()
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(b.touched, a.touched) })
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, f := range all {
		// It may be another item by now, or a used one.
		if it := &x.items[f.i]; it.unordered && it.touched == f.touched {
			it.unordered = false
			x.unlinkLocked(f.i)
			x.linkLocked(f.i, x.items[0].newer)
		}
	}
}

// usage returns the items and the bytes on disk, without what is reserved.
func (x *diskIndex) usage() (items int, bytes int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.byName), (x.pages - x.reserved) * pageBytes
}
