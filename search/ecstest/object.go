package ecstest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unique"
)

// The ids of a version that has none of its own.
const (
	nullVersion   = "null" // S3's
	unversionedID = "0"    // ECS's, in the answers of a query to a bucket that never had versioning
)

// object is one version of a key: an object or a delete marker. It is never
// changed once it is in a bucket: an overwrite makes another, so readers use it
// without a lock.
type object struct {
	key     string
	content content // nil for a delete marker
	owner   string
	headers fields // content headers by canonical name, Content-Type always
	meta    fields // user metadata by lower-case name, prefix included

	// seq orders the versions of a store by the time of their making. Zero is
	// none: the first one has 1.
	seq      uint64
	modified int64 // epoch milliseconds; the time of creation as well
	// md5 is that of the bytes or, of an object that was uploaded in parts, that
	// of the parts' sums.
	md5     [md5.Size]byte
	details *details // may be nil

	tie    uint64  // place among equals
	values []value // by column of the bucket's searchIndex, once it is in one
	in     uint32  // bit i: the object is in index i of its searchIndex

	null   bool // the version has no id of its own
	marker bool // it is a delete marker

	// edge is 0 but on pivots, which stand just before (-1) or after (+1) every
	// object of the same value or, among shuffled names, of the same prefix.
	edge int8
}

// details are what only some objects have.
type details struct {
	sizes    []int64 // of the parts that it was uploaded in; nil: in one
	checksum checksum
}

// newObject returns a version that is not in a bucket yet.
func newObject(key, owner string, now time.Time) *object {
	// Both may be part of a request's line or header, which are not to stay in
	// memory.
	return &object{key: strings.Clone(key), owner: unique.Make(owner).Value(), modified: now.UnixMilli()}
}

func (o *object) time() time.Time { return time.UnixMilli(o.modified).UTC() }

// size is 0 for a delete marker.
func (o *object) size() int64 {
	if o.content == nil {
		return 0
	}
	return o.content.size()
}

// etag is without quotes.
func (o *object) etag() string {
	sum := hex.EncodeToString(o.md5[:])
	if n := len(o.parts()); n > 0 {
		return sum + "-" + strconv.Itoa(n)
	}
	return sum
}

// parts returns the sizes of the parts that the object was uploaded in, nil
// when it was uploaded in one.
func (o *object) parts() []int64 {
	if o.details == nil {
		return nil
	}
	return o.details.sizes
}

// checksum is the zero value when the object has none.
func (o *object) checksum() checksum {
	if o.details == nil {
		return checksum{}
	}
	return o.details.checksum
}

// id is the objectId of a query's answer, 64 hex digits.
func (o *object) id(bucket string) string {
	var room [512]byte
	text := append(append(room[:0], bucket...), 0)
	text = append(append(text, o.key...), 0)
	text = append(append(text, o.versionID()...), 0)
	text = append(strconv.AppendInt(text, o.modified, 10), o.etag()...)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// versionID is the version's id in S3's calls.
func (o *object) versionID() string {
	if o.null {
		return nullVersion
	}
	return formatID(o.seq)
}

// cursorVersion tells versions of a key apart in a query's order. A null
// version that replaces another takes its place.
func (o *object) cursorVersion() string {
	if o.null {
		return unversionedID
	}
	return formatID(o.seq)
}

// cursorSeq is the number of cursorVersion.
func (o *object) cursorSeq() uint64 {
	if o.null {
		return 0
	}
	return o.seq
}

// cursorSeqOf is the way back from cursorVersion.
func cursorSeqOf(version string) uint64 {
	seq, _ := parseID(version) // 0 for a null version
	return seq
}

// idFactor spreads numbers over 64 bits; it is odd, so there is a way back.
const idFactor = 0x9E3779B97F4A7C15

// idInverse is the factor back, modulo 2^64.
var idInverse = func() uint64 {
	inverse := uint64(idFactor) // right to 3 bits, which each step doubles
	for range 5 {
		inverse *= 2 - idFactor*inverse
	}
	return inverse
}()

// formatID makes an opaque id of a sequence number: 16 hex digits in no order.
func formatID(seq uint64) string {
	digits := strconv.FormatUint(bits.ReverseBytes64(seq*idFactor), 16)
	return "0000000000000000"[len(digits):] + digits
}

// parseID is the way back. ok is false for a text that formatID does not make.
func parseID(id string) (seq uint64, ok bool) {
	n, err := strconv.ParseUint(id, 16, 64)
	if err != nil {
		return 0, false
	}
	seq = bits.ReverseBytes64(n) * idInverse
	return seq, formatID(seq) == id
}
