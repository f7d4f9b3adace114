package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"sync"
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// diskVersion is the version of the layout. Another one is another directory.
const diskVersion = "v1"

// The kinds of files, told by the end of their names.
const (
	wholeSuffix = ".o" // an object of one block: header, sum, content
	dataSuffix  = ".d" // an object of several blocks: its bytes, with holes where none are kept
	tableSuffix = ".m" // beside it: header, sum, and an entry for each block
	tempSuffix  = ".t" // one of them being written
)

// diskName names the files of one version of one object: a hash of its header.
type diskName [16]byte

// path returns the path of a file, from the store's directory.
func (n diskName) path(suffix string) string {
	var b [2*len(n) + 3]byte
	hex.Encode(b[1:], n[:])
	b[0], b[1], b[2] = b[1], b[2], '/'
	return string(append(b[:2*len(n)+1], suffix...))
}

// dir returns the directory that path is in.
func (n diskName) dir() string { return hex.EncodeToString(n[:1]) }

// parseName is the reverse of path, from a directory's name and a file's.
func parseName(dir, file string) (n diskName, suffix string, ok bool) {
	if len(file) < 2*len(n)-2 {
		return n, "", false
	}
	text := dir + file[:2*len(n)-2]
	if _, err := hex.Decode(n[:], []byte(text)); err != nil || len(text) != 2*len(n) {
		return n, "", false
	}
	return n, file[2*len(n)-2:], hex.EncodeToString(n[:]) == text
}

// header is what the files of one version of one object begin with: all that tells it from others. A reader, who
// knows it, compares it byte by byte.
type header struct {
	bytes []byte
	name  diskName
}

// headers are buffers of headers, so that a read makes no garbage.
var headers = sync.Pool{New: func() any { return new(header) }}

// header returns the header of k's object, to be put back into headers.
func (d *Disk) header(k key) *header {
	h := headers.Get().(*header)
	b := append(h.bytes[:0], "ecsfs "+diskVersion+"\n"...)
	b = append(b, d.store[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(d.opt.BlockSize))
	b = binary.LittleEndian.AppendUint64(b, uint64(k.size))
	for _, s := range [...]string{k.bucket, k.object, k.version, k.etag} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	h.bytes, h.name = b, diskName(sum[:])
	return h
}

// sum returns the checksum of one block, which that of no other block or object is taken for.
func (h *header) sum(block int64, data []byte) uint32 { return sumOf(h.name, block, data) }

func sumOf(name diskName, block int64, data []byte) uint32 {
	var b [len(name) + 8]byte
	copy(b[:], name[:])
	binary.LittleEndian.PutUint64(b[len(name):], uint64(block))
	return crc32.Update(crc32.Checksum(b[:], castagnoli), castagnoli, data)
}

// entryBytes is what a block's entry in a table takes: its sum, and the sum of
// that, so that an entry that was never or half written is none.
const entryBytes = 8

func putEntry(b []byte, name diskName, block int64, sum uint32) {
	binary.LittleEndian.PutUint32(b, sum)
	binary.LittleEndian.PutUint32(b[4:], sumOf(name, block, b[:4]))
}

// entry returns the sum in b; present is false for an entry of zeros, which an
// absent block has, and damaged is true for one that is neither.
func entry(b []byte, name diskName, block int64) (sum uint32, present, damaged bool) {
	if binary.LittleEndian.Uint64(b) == 0 {
		return 0, false, false
	}
	if binary.LittleEndian.Uint32(b[4:]) != sumOf(name, block, b[:4]) {
		return 0, false, true
	}
	return binary.LittleEndian.Uint32(b), true, false
}
