package cache

import (
	"hash/maphash"
	"strings"
	"time"
	"unsafe"

	"github.com/ecsfs/ecsfs/search"
)

// row is one search.Entry in 56 bytes and one text of its own, so that a row
// handed out keeps nothing else of the listing alive.
type row struct {
	text    string // the key, the ETag and the version ID, one after another
	size    int64
	sec     int64  // ModTime as Unix time, which also holds the zero time.Time
	extra   *extra // nil: no content type, no metadata
	nsec    uint32
	keyLen  uint32
	etagLen uint32
	partial search.PartialKind
	folder  bool
}

// extra is what most rows of a listing have in common or do not have.
type extra struct {
	contentType string
	metadata    search.Metadata
}

const (
	rowBytes   = int64(unsafe.Sizeof(row{}))
	extraBytes = int64(unsafe.Sizeof(extra{})) + 8 // a size class up
	textExtra  = 8                                 // what the allocator rounds a text up by, on average

	chunkRows = 1024 // a power of two
	minSlots  = 8
	// maxTypes bounds the content types that rows without metadata share.
	maxTypes = 64
)

func (r *row) key() string { return r.text[:r.keyLen] }

func (r *row) entry() search.Entry {
	e := search.Entry{Folder: r.folder, Object: search.Object{
		Key:       r.key(),
		Size:      r.size,
		ModTime:   time.Unix(r.sec, int64(r.nsec)).UTC(),
		ETag:      r.text[r.keyLen : r.keyLen+r.etagLen],
		VersionID: r.text[r.keyLen+r.etagLen:],
		Partial:   r.partial,
	}}
	if r.extra != nil {
		e.ContentType, e.Metadata = r.extra.contentType, r.extra.metadata
	}
	return e
}

// rows is the compact, append-only store of a listing's entries with an index
// by key. It does no locking.
type rows struct {
	chunks [][]row // each but the last has chunkRows rows
	n      int

	// slots is an open-addressing hash table of row number + 1, 0 where free;
	// its length is a power of two and at most 3/4 of it is in use. Numbers
	// of 32 bits suffice: a store's limit of pages lies far below.
	slots []uint32
	seed  maphash.Seed

	types map[string]*extra
	last  *extra // of the row with metadata added last
	bytes int64  // what all this takes
}

func newRows() rows { return rows{seed: maphash.MakeSeed(), slots: make([]uint32, minSlots)} }

func (r *rows) at(i int) *row { return &r.chunks[i/chunkRows][i%chunkRows] }

// grownSlots returns the index for twice as many rows when one more would
// overfill it, else nil. It only reads, so that readers need not be kept out
// for as long as a million keys take to hash.
func (r *rows) grownSlots() []uint32 {
	if 4*(r.n+1) <= 3*len(r.slots) {
		return nil
	}
	slots := make([]uint32, 2*len(r.slots))
	for _, s := range r.slots {
		if s != 0 {
			slots[r.slot(slots, r.at(int(s-1)).key())] = s
		}
	}
	return slots
}

// slot returns where in slots key's row number is, or the free one where it belongs.
func (r *rows) slot(slots []uint32, key string) uint64 {
	mask := uint64(len(slots) - 1)
	i := maphash.String(r.seed, key) & mask
	for slots[i] != 0 && r.at(int(slots[i]-1)).key() != key {
		i = (i + 1) & mask
	}
	return i
}

// add appends e. grown is what grownSlots returned for it.
func (r *rows) add(e *search.Entry, grown []uint32) {
	if grown != nil {
		r.slots = grown
	}
	if last := len(r.chunks) - 1; last < 0 || len(r.chunks[last]) == chunkRows {
		// The first chunk grows with its rows: most listings are small.
		var chunk []row
		if last >= 0 {
			chunk = make([]row, 0, chunkRows)
		}
		r.chunks = append(r.chunks, chunk)
		r.bytes += int64(cap(chunk))*rowBytes + 32
	}
	last := &r.chunks[len(r.chunks)-1]
	r.bytes -= int64(cap(*last)) * rowBytes
	*last = append(*last, r.pack(e))
	r.bytes += int64(cap(*last)) * rowBytes
	r.n++

	// Of two rows with one key the first is found, but an object before a folder.
	i := r.slot(r.slots, e.Key)
	if s := r.slots[i]; s == 0 || r.at(int(s-1)).folder && !e.Folder {
		r.slots[i] = uint32(r.n)
	}
}

func (r *rows) pack(e *search.Entry) row {
	// A copy always: a concatenation with nothing is the caller's string,
	// which may be a part of a page.
	var text strings.Builder
	text.Grow(len(e.Key) + len(e.ETag) + len(e.VersionID))
	text.WriteString(e.Key)
	text.WriteString(e.ETag)
	text.WriteString(e.VersionID)
	p := row{
		text:    text.String(),
		size:    e.Size,
		sec:     e.ModTime.Unix(),
		nsec:    uint32(e.ModTime.Nanosecond()),
		keyLen:  uint32(len(e.Key)),
		etagLen: uint32(len(e.ETag)),
		partial: e.Partial,
		folder:  e.Folder,
	}
	r.bytes += int64(len(p.text)) + textExtra
	switch {
	case e.Metadata.Len() > 0 && r.last != nil && r.last.contentType == e.ContentType && r.last.metadata.Equal(e.Metadata):
		p.extra = r.last // as the rows of a plain listing have it, which are of one storage class
	case e.Metadata.Len() > 0:
		p.extra = &extra{strings.Clone(e.ContentType), e.Metadata}
		r.last = p.extra
		r.bytes += extraBytes + int64(len(e.ContentType)) + e.Metadata.Bytes() + 2*textExtra*int64(e.Metadata.Len())
	case e.ContentType != "":
		p.extra = r.sharedType(e.ContentType)
	}
	return p
}

func (r *rows) sharedType(contentType string) *extra {
	if x := r.types[contentType]; x != nil {
		return x
	}
	contentType = strings.Clone(contentType)
	x := &extra{contentType: contentType}
	r.bytes += extraBytes + int64(len(contentType)) + textExtra
	if len(r.types) < maxTypes {
		if r.types == nil {
			r.types = make(map[string]*extra)
		}
		r.types[contentType] = x
		r.bytes += 48
	}
	return x
}

// find returns the row with this key.
func (r *rows) find(key string) (*row, bool) {
	i, ok := r.index(key)
	if !ok {
		return nil, false
	}
	return r.at(i), true
}

// index returns the number of the row that find returns.
func (r *rows) index(key string) (int, bool) {
	s := r.slots[r.slot(r.slots, key)]
	return int(s) - 1, s != 0
}

// size is what the rows and their index take, in bytes.
func (r *rows) size() int64 { return r.bytes + 4*int64(len(r.slots)) }
