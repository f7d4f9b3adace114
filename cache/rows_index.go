package cache

import (
	"hash/maphash"
	"unsafe"
)

// keyIndex finds rows by key. It is made of tables, each of which has the rows after those of the table before: one is
// full at some time and never made anew, so that no row waits for a million keys to be
// hashed again, and no memory is taken twice.
type keyIndex struct {
	seed   maphash.Seed
	tables []keyTable
	bytes  int64
}

// keyTable is an open-addressing hash table of the rows from first on. A slot is 0 where it is free; else its low bits are
// the number of the row, from 1 for first, and its high bits are bits of the hash, so that a key is looked at
// only where it is most likely the one.
type keyTable struct {
	slots []uint32 // a power of two of them, of which at most 3/4 are in use
	bits  uint     // so many bits number a slot
	first int
}

const (
	minTableBits = 4
	maxTableBits = 18

	tableBytes = int64(unsafe.Sizeof(keyTable{}))
)

// add adds the last row of r, whose key is key. It is not found where the table has that key, unless that is a
// folder and this is none.
func (x *keyIndex) add(r *rows, key string, folder bool) {
	t := x.last(r.n - 1)
	row := uint32(r.n - t.first)
	hash := maphash.String(x.seed, key)
	for i, mark := t.start(hash), t.mark(hash); ; i = (i + 1) & (len(t.slots) - 1) {
		s := t.slots[i]
		if s == 0 {
			t.slots[i] = mark | row
			return
		}
		if s&t.high() != mark {
			continue
		}
		if same, isFolder := r.hasKey(t.row(s), key); same {
			if isFolder && !folder {
				t.slots[i] = mark | row
			}
			return
		}
	}
}

// last returns the table that has room for row.
func (x *keyIndex) last(row int) *keyTable {
	bits := uint(minTableBits)
	if n := len(x.tables); n > 0 {
		t := &x.tables[n-1]
		if 4*(row-t.first+1) <= 3*len(t.slots) {
			return t
		}
		bits = min(t.bits+1, maxTableBits)
	} else {
		x.seed = maphash.MakeSeed()
	}
	before := cap(x.tables)
	x.tables = append(x.tables, keyTable{slots: make([]uint32, 1<<bits), bits: bits, first: row})
	x.bytes += 4<<bits + int64(cap(x.tables)-before)*tableBytes
	return &x.tables[len(x.tables)-1]
}

// find returns the number of the first row with this key, but an object before a folder.
func (x *keyIndex) find(r *rows, key string) (row int, ok bool) {
	if len(x.tables) == 0 {
		return 0, false
	}
	hash := maphash.String(x.seed, key)
	for n := range x.tables {
		found, folder, has := x.tables[n].find(r, hash, key)
		if has && !folder {
			return found, true
		}
		if has && !ok {
			row, ok = found, true
		}
	}
	return row, ok
}

func (t *keyTable) find(r *rows, hash uint64, key string) (row int, folder, ok bool) {
	for i, mark := t.start(hash), t.mark(hash); t.slots[i] != 0; i = (i + 1) & (len(t.slots) - 1) {
		s := t.slots[i]
		if s&t.high() != mark {
			continue
		}
		if same, folder := r.hasKey(t.row(s), key); same {
			return t.row(s), folder, true
		}
	}
	return 0, false, false
}

// start is where the search for a key of this hash begins.
func (t *keyTable) start(hash uint64) int { return int(hash) & (len(t.slots) - 1) }

// mark is what a slot has of the hash beside the number of a row.
func (t *keyTable) mark(hash uint64) uint32 { return uint32(hash>>32) & t.high() }

func (t *keyTable) high() uint32 { return ^uint32(0) << t.bits }

func (t *keyTable) row(slot uint32) int { return t.first + int(slot&^t.high()) - 1 }
