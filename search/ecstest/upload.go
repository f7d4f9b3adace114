package ecstest

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"slices"
)

// upload is a multipart upload under way.
type upload struct {
	seq       uint64 // constant, as all but parts; of the sequence of versions
	key       string
	owner     string
	initiated int64  // epoch milliseconds
	headers   fields // as an object's
	meta      fields
	checksum  checksum // algorithm and kind alone; the zero value: none

	parts []*part // by number; guarded by the store's locks
}

// part is one part of an upload. It is never changed: sending it again makes
// another.
type part struct {
	number   int
	content  content
	modified int64 // epoch milliseconds
	md5      [md5.Size]byte
	checksum checksum // the zero value: none
}

func (p *part) etag() string { return hex.EncodeToString(p.md5[:]) }

// id is the upload's id in S3's calls.
func (u *upload) id() string { return formatID(u.seq) }

// uploadBefore orders uploads by key, then by age.
func uploadBefore(a, b *upload) bool {
	return cmp.Or(compareUTF16(a.key, b.key), cmp.Compare(a.seq, b.seq)) < 0
}

// part returns the part of a number, or nil.
func (u *upload) part(number int) *part {
	if i, ok := u.find(number); ok {
		return u.parts[i]
	}
	return nil
}

func (u *upload) setPart(p *part) {
	i, ok := u.find(p.number)
	if ok {
		u.parts[i] = p
		return
	}
	u.parts = slices.Insert(u.parts, i, p)
}

func (u *upload) find(number int) (int, bool) {
	return slices.BinarySearchFunc(u.parts, number, func(p *part, n int) int { return cmp.Compare(p.number, n) })
}
