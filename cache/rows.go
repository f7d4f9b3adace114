package cache

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/ecsfs/ecsfs/search"
)

// rows is the compact, append-only store of a listing's entries with an index by key. It does no locking.
//
// A row is a record of bytes in a chunk. Chunks have no pointers, so the garbage collector looks at nothing
// of a million rows. What rows have in common is written once: the beginning of the key that one shares with
// its leader, content types, names of attributes, and the attributes of a run of rows that have the same ones. A record is
//
//	flags     2 bytes: record... and the search.PartialKind
//	shared    how many bytes of the leader's key the key begins with; the leader itself has no such number
//	key       what follows those: a text
//	size
//	time      Unix milliseconds, zigzag; with recordNanos seconds, zigzag, and nanoseconds
//	ETag      with recordMD5 16 bytes, with recordParts then a number; else a text
//	version   with recordVersion: a text
//	extra     with recordExtra: a number in extras; with recordValues, then one text for each of its names
//
// Numbers are unsigned varints, texts have their length before them.
type rows struct {
	chunks []chunk // each but the last has chunkRows rows
	n      int
	index  keyIndex
	extras extras
	// buffer has the records of the last chunk until seal: it grows, and a sealed chunk has what it needs.
	buffer []byte
	bytes  int64 // what all this takes, but for index and extras
}

// chunk is some records, one after another.
type chunk struct {
	data []byte
	ends []uint32 // of each record, in data; what a page may hold is far below 4 GiB
}

const (
	chunkRows = 1024 // a power of two
	// leaderRows is how many rows refer to one key, which is the first one's.
	leaderRows = 32 // a power of two

	// maxMillisSec is up to which time there are as many milliseconds as an int64 can count.
	maxMillisSec = 1 << 50

	chunkBytes = int64(unsafe.Sizeof(chunk{}))
	textExtra  = 8 // what the allocator rounds a text up by, on average
)

// The flags of a record.
const (
	recordFolder  = 1 << iota
	recordNanos   // the time is not one of whole milliseconds, or is very far away
	recordMD5     // the ETag begins with 32 hex digits in lower case
	recordParts   // and goes on with "-" and a number, as that of a multipart upload
	recordVersion // there is a version ID
	recordExtra   // there is a content type or metadata
	recordValues  // of which the row has values of its own
	recordPartial // times the search.PartialKind
)

// add appends e.
func (r *rows) add(e *search.Entry) {
	if r.n%chunkRows == 0 {
		r.seal()
		before := cap(r.chunks)
		r.chunks = append(r.chunks, chunk{})
		r.bytes += int64(cap(r.chunks)-before) * chunkBytes
	}
	c := &r.chunks[len(r.chunks)-1]
	before := cap(r.buffer) + 4*cap(c.ends)
	r.appendRecord(c, e)
	c.data = r.buffer
	c.ends = append(c.ends, uint32(len(r.buffer)))
	r.bytes += int64(cap(r.buffer) + 4*cap(c.ends) - before)
	r.n++
	r.index.add(r, e.Key, e.Folder)
}

// seal gives the last chunk just the memory that it needs.
func (r *rows) seal() {
	if len(r.chunks) == 0 {
		return
	}
	c := &r.chunks[len(r.chunks)-1]
	r.bytes += int64(len(c.data) + 4*(len(c.ends)-cap(c.ends)))
	c.data = append(make([]byte, 0, len(c.data)), c.data...)
	c.ends = append(make([]uint32, 0, len(c.ends)), c.ends...)
	r.buffer = r.buffer[:0]
}

// end says that no row will be added.
func (r *rows) end() {
	r.seal()
	r.bytes -= int64(cap(r.buffer))
	r.buffer = nil
	r.extras.end()
}

// size is what the rows and their index take, in bytes.
func (r *rows) size() int64 { return r.bytes + r.index.bytes + r.extras.bytes }

func (r *rows) appendRecord(c *chunk, e *search.Entry) {
	flags := uint16(e.Partial) * recordPartial
	if e.Folder {
		flags |= recordFolder
	}
	sec, nsec := e.ModTime.Unix(), e.ModTime.Nanosecond()
	if nsec%1e6 != 0 || sec > maxMillisSec || sec < -maxMillisSec {
		flags |= recordNanos
	}
	sum, parts, isMD5 := cutMD5(e.ETag)
	if isMD5 {
		flags |= recordMD5
	}
	if parts > 0 {
		flags |= recordParts
	}
	if e.VersionID != "" {
		flags |= recordVersion
	}
	number, extra, values := r.extras.add(&e.Object)
	if extra {
		flags |= recordExtra
	}
	if values {
		flags |= recordValues
	}

	b := binary.LittleEndian.AppendUint16(r.buffer, flags)
	key := e.Key
	if i := len(c.ends); i%leaderRows != 0 {
		shared := commonPrefix(c.leaderKey(i), key)
		b = binary.AppendUvarint(b, uint64(shared))
		key = key[shared:]
	}
	b = appendText(b, key)
	b = binary.AppendUvarint(b, uint64(e.Size))
	if flags&recordNanos != 0 {
		b = binary.AppendVarint(b, sec)
		b = binary.AppendUvarint(b, uint64(nsec))
	} else {
		b = binary.AppendVarint(b, sec*1000+int64(nsec/1e6))
	}
	if isMD5 {
		b = append(b, sum[:]...)
	} else {
		b = appendText(b, e.ETag)
	}
	if parts > 0 {
		b = binary.AppendUvarint(b, parts)
	}
	if e.VersionID != "" {
		b = appendText(b, e.VersionID)
	}
	if extra {
		b = binary.AppendUvarint(b, uint64(number))
	}
	if values {
		for _, value := range e.Metadata.All() {
			b = appendText(b, value)
		}
	}
	r.buffer = b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func commonPrefix(a []byte, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// cutMD5 takes an ETag apart that is an MD5 sum, or one with the number of parts. No other text
// gives the same: the number has no leading zeros.
func cutMD5(etag string) (sum [16]byte, parts uint64, ok bool) {
	if len(etag) < 32 {
		return sum, 0, false
	}
	for _, c := range []byte(etag[:32]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return sum, 0, false
		}
	}
	if rest := etag[32:]; rest != "" {
		var err error
		if len(rest) < 2 || rest[0] != '-' || rest[1] < '1' || rest[1] > '9' {
			return sum, 0, false
		}
		if parts, err = strconv.ParseUint(rest[1:], 10, 64); err != nil {
			return sum, 0, false
		}
	}
	_, _ = hex.Decode(sum[:], []byte(etag[:32])) // nothing but digits
	return sum, parts, true
}

// reader takes a record apart.
type reader []byte

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(*r)
	*r = (*r)[n:]
	return v
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(*r)
	*r = (*r)[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	b := (*r)[:n]
	*r = (*r)[n:]
	return b
}

func (r *reader) text() []byte { return r.bytes(r.number()) }

// record returns record i of c.
func (c *chunk) record(i int) reader {
	begin := uint32(0)
	if i > 0 {
		begin = c.ends[i-1]
	}
	return reader(c.data[begin:c.ends[i]])
}

// leaderKey returns the key that that of row i refers to.
func (c *chunk) leaderKey(i int) []byte {
	r := c.record(i &^ (leaderRows - 1))
	r.bytes(2)
	return r.text()
}

// open begins to read row i: its flags, its key in two parts, and what follows.
func (r *rows) open(i int) (flags uint16, shared, rest []byte, next reader) {
	c := &r.chunks[i/chunkRows]
	i %= chunkRows
	next = c.record(i)
	flags = binary.LittleEndian.Uint16(next.bytes(2))
	if i%leaderRows != 0 {
		shared = c.leaderKey(i)[:next.number()]
	}
	return flags, shared, next.text(), next
}

// hasKey reports whether key is that of row i.
func (r *rows) hasKey(i int, key string) (has, folder bool) {
	flags, shared, rest, _ := r.open(i)
	has = len(key) == len(shared)+len(rest) && key[len(shared):] == string(rest) && key[:len(shared)] == string(shared)
	return has, flags&recordFolder != 0
}

// entry returns row i. All its texts lie in one piece of memory of their own, but for those that
// rows share: a row handed out keeps little else alive.
func (r *rows) entry(i int) search.Entry {
	flags, shared, rest, next := r.open(i)
	e := search.Entry{Folder: flags&recordFolder != 0}
	e.Partial = search.PartialKind(flags / recordPartial)
	e.Size = int64(next.number())
	if flags&recordNanos != 0 {
		sec := next.signed()
		e.ModTime = time.Unix(sec, int64(next.number())).UTC()
	} else {
		e.ModTime = time.UnixMilli(next.signed()).UTC()
	}
	var digits [32 + 1 + 20]byte
	var etag, version []byte
	if flags&recordMD5 != 0 {
		etag = hex.AppendEncode(digits[:0], next.bytes(16))
		if flags&recordParts != 0 {
			etag = strconv.AppendUint(append(etag, '-'), next.number(), 10)
		}
	} else {
		etag = next.text()
	}
	if flags&recordVersion != 0 {
		version = next.text()
	}
	var x *extra
	if flags&recordExtra != 0 {
		x = &r.extras.list[next.number()]
		e.ContentType, e.Metadata = x.contentType, x.metadata
	}

	var text strings.Builder
	text.Grow(len(shared) + len(rest) + len(etag) + len(version) + len(next)) // what is left are the values
	text.Write(shared)
	text.Write(rest)
	text.Write(etag)
	text.Write(version)
	if flags&recordValues != 0 {
		e.Metadata = x.with(next, &text)
	}
	all := text.String()
	key := len(shared) + len(rest)
	e.Key, e.ETag, e.VersionID = all[:key], all[key:key+len(etag)], all[key+len(etag):key+len(etag)+len(version)]
	return e
}

// find returns the row with this key: of two the first, but an object before a folder.
func (r *rows) find(key string) (search.Entry, bool) {
	i, ok := r.index.find(r, key)
	if !ok {
		return search.Entry{}, false
	}
	return r.entry(i), true
}
