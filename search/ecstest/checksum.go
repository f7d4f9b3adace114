package ecstest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// checksum is one of S3's additional checksums of an object or a part.
type checksum struct {
	algorithm string // "CRC32" ...; empty: none
	value     string // base64, or empty where the algorithm alone is known
	// composite says that value is the sum of the parts' sums, and ends in "-"
	// and their number.
	composite bool
}

// checksumAlgorithms are S3's, by the names that its elements and headers have.
var checksumAlgorithms = []struct {
	name string
	new  func() hash.Hash
	// poly and width are those of a CRC, poly reversed; others have none.
	poly  uint64
	width int
}{
	{"CRC32", func() hash.Hash { return crc32.NewIEEE() }, crc32.IEEE, 32},
	{"CRC32C", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, crc32.Castagnoli, 32},
	{"CRC64NVME", func() hash.Hash { return crc64.New(crc64NVME) }, crc64NVMEPoly, 64},
	{"SHA1", sha1.New, 0, 0},
	{"SHA256", sha256.New, 0, 0},
}

// crc64NVMEPoly is the polynomial of the NVM Express specification, reversed.
const crc64NVMEPoly = 0x9A6C9329AC4BC9B5

var crc64NVME = crc64.MakeTable(crc64NVMEPoly)

// algorithmOf finds an algorithm by its name in any case, -1 when there is none.
func algorithmOf(name string) int {
	for i := range checksumAlgorithms {
		if strings.EqualFold(checksumAlgorithms[i].name, name) {
			return i
		}
	}
	return -1
}

func checksumHeader(algorithm string) string { return "x-amz-checksum-" + strings.ToLower(algorithm) }

// wantedChecksum is the checksum that a body is announced with.
type wantedChecksum struct {
	checksum
	hash    hash.Hash // nil: none
	trailer bool      // the value comes after the body
}

// announcedChecksum reads what a request's headers say of a checksum.
// initiated, when not empty, is the algorithm of the upload that the body is a
// part of: it is computed even if the request has none.
func announcedChecksum(h http.Header, initiated string) (wantedChecksum, *apiError) {
	var w wantedChecksum
	var found []string
	for name := range h {
		lower := strings.ToLower(name)
		suffix, ok := strings.CutPrefix(lower, "x-amz-checksum-")
		if !ok || slices.Contains([]string{"mode", "algorithm", "type"}, suffix) {
			continue
		}
		found = append(found, suffix)
		w.value = strings.TrimSpace(h.Get(name))
	}
	for name := range strings.SplitSeq(h.Get("X-Amz-Trailer"), ",") {
		if suffix, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), "x-amz-checksum-"); ok {
			found = append(found, suffix)
			w.trailer = true
		}
	}
	sdk := h.Get("X-Amz-Sdk-Checksum-Algorithm")
	switch {
	case len(found) > 1:
		return w, badRequest("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	case len(found) == 0 && sdk != "":
		return w, badRequest("InvalidRequest",
			"x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case len(found) == 0 && initiated == "":
		return w, nil
	case len(found) == 0:
		found = append(found, initiated)
	}
	i := algorithmOf(found[0])
	if i < 0 {
		return w, badRequest("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
	}
	w.algorithm = checksumAlgorithms[i].name
	if sdk != "" && !strings.EqualFold(sdk, w.algorithm) {
		return w, badRequest("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	w.hash = checksumAlgorithms[i].new()
	return w, w.checkForm()
}

// checkForm tells whether a value that is there is one of the algorithm.
func (w *wantedChecksum) checkForm() *apiError {
	if w.value == "" {
		return nil
	}
	if sum, err := base64.StdEncoding.DecodeString(w.value); err != nil || len(sum) != w.hash.Size() {
		return badRequest("InvalidRequest", "Value for %s header is invalid.", checksumHeader(w.algorithm))
	}
	return nil
}

// verify compares the bytes that w.hash has seen with the value that came
// before them or in the trailer, and returns the checksum to keep.
func (w *wantedChecksum) verify(trailer http.Header) (checksum, *apiError) {
	if w.hash == nil {
		return checksum{}, nil
	}
	if w.trailer {
		w.value = strings.TrimSpace(trailer.Get(checksumHeader(w.algorithm)))
		if err := w.checkForm(); err != nil {
			return checksum{}, err
		}
	}
	got := base64.StdEncoding.EncodeToString(w.hash.Sum(nil))
	if w.value != "" && w.value != got {
		return checksum{}, badRequest("BadDigest", "The %s you specified did not match the calculated checksum.", w.algorithm)
	}
	return checksum{algorithm: w.algorithm, value: got}, nil
}

// kind is S3's word for what a value is the sum of.
func (c checksum) kind() string {
	if c.composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// tell sets the headers of a checksum, if there is one.
func (c checksum) tell(h http.Header) {
	if c.value != "" {
		h.Set(checksumHeader(c.algorithm), c.value)
		h.Set("x-amz-checksum-type", c.kind())
	}
}

// write writes the elements of a checksum, if there is one.
func (c checksum) write(x *xmlWriter) {
	if c.value != "" {
		x.elem("Checksum"+c.algorithm, c.value)
		x.elem("ChecksumType", c.kind())
	}
}

// ofParts returns the checksum of an object made of parts, all of which have
// one of c's algorithm. c has algorithm and kind.
func (c checksum) ofParts(parts []*part) checksum {
	a := checksumAlgorithms[algorithmOf(c.algorithm)]
	if c.composite {
		sums := a.new()
		for _, p := range parts {
			sum, _ := base64.StdEncoding.DecodeString(p.checksum.value) // of our own making
			sums.Write(sum)
		}
		c.value = base64.StdEncoding.EncodeToString(sums.Sum(nil)) + "-" + strconv.Itoa(len(parts))
		return c
	}
	var total uint64
	for _, p := range parts {
		sum, _ := base64.StdEncoding.DecodeString(p.checksum.value)
		total = appendCRC(total, crcOf(sum), p.content.size(), a.poly, a.width)
	}
	sum := binary.BigEndian.AppendUint64(nil, total)
	c.value = base64.StdEncoding.EncodeToString(sum[8-a.width/8:])
	return c
}

func crcOf(sum []byte) uint64 {
	var n uint64
	for _, b := range sum {
		n = n<<8 | uint64(b)
	}
	return n
}

// appendCRC returns the CRC of two texts one after the other, of the CRCs of
// each and the second one's length: the first is multiplied by x^(8*length)
// modulo the polynomial. The least significant bit is that of the highest power.
func appendCRC(first, second uint64, length int64, poly uint64, width int) uint64 {
	one := uint64(1) << (width - 1) // x^0
	multiply := func(a, b uint64) (product uint64) {
		for bit := one; bit != 0; bit >>= 1 {
			if a&bit != 0 {
				product ^= b
			}
			carry := b & 1
			b >>= 1
			if carry != 0 {
				b ^= poly
			}
		}
		return product
	}
	power := one >> 8 // x^8, then its squares
	for n := length; n > 0; n >>= 1 {
		if n&1 != 0 {
			first = multiply(first, power)
		}
		power = multiply(power, power)
	}
	return first ^ second
}
