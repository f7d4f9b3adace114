package ecstest

import (
	"cmp"
	"math/bits"
)

// compareUTF16 orders strings by their UTF-16 code units, the order in which
// ECS lists names. In UTF-8 that is byte order, except that the lead bytes of
// supplementary characters (F0 and up, surrogates in UTF-16) sort before EE and
// EF, the lead bytes of U+E000 to U+FFFF. Taken as a permutation of all byte
// values it is a total order of any bytes, valid UTF-8 or not.
func compareUTF16(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return cmp.Compare(rank(a[i]), rank(b[i]))
		}
	}
	return cmp.Compare(len(a), len(b))
}

func rank(b byte) byte {
	switch {
	case b >= 0xF0:
		return b - 2
	case b >= 0xEE:
		return b + 0x10
	}
	return b
}

func unrank(r byte) byte {
	switch {
	case r >= 0xFE:
		return r - 0x10
	case r >= 0xEE:
		return r + 2
	}
	return r
}

// prefixEnd returns the least string above every string that starts with
// prefix. ok is false when there is none.
func prefixEnd(prefix string) (end string, ok bool) {
	for n := len(prefix); n > 0; n-- {
		if r := rank(prefix[n-1]); r < 0xFF {
			return prefix[:n-1] + string([]byte{unrank(r + 1)}), true
		}
	}
	return "", false
}

// shuffle maps a name to its place in an order that depends on seed alone:
// FNV-1a, with a finalizer so that similar names land far apart.
func shuffle(seed int64, name string) uint64 {
	h := uint64(14695981039346656037) ^ uint64(seed)*0x9E3779B97F4A7C15
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h ^= h >> 30
	h *= 0xBF58476D1CE4E5B9
	return h ^ bits.RotateLeft64(h, 27)
}

// scatter maps numbers one to one, neighbours far apart.
func scatter(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xBF58476D1CE4E5B9
	return h ^ h>>27
}

// tieOf is the place among equals of an object.
func tieOf(seed int64, name, version string) uint64 { return shuffle(seed, name+"\x00"+version) }
