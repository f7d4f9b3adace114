package search

import (
	"strings"
	"unicode/utf8"
)

// compareUTF16 orders strings by UTF-16 code units, as ECS does: characters
// above U+FFFF come before U+E000 to U+FFFF. Bytes that are no UTF-8 count as U+FFFD;
// strings that differ in such bytes alone are ordered by their bytes, so that only equal
// strings are equal.
func compareUTF16(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && a[i-1] >= utf8.RuneSelf { // back to where both have a character's start
		i--
	}
	for x, y := a[i:], b[i:]; x != "" && y != ""; {
		r, n := utf8.DecodeRuneInString(x)
		s, m := utf8.DecodeRuneInString(y)
		if r != s {
			if unitOrder(r) < unitOrder(s) {
				return -1
			}
			return 1
		}
		x, y = x[n:], y[m:]
		if x == "" || y == "" {
			switch {
			case x != "":
				return 1
			case y != "":
				return -1
			}
		}
	}
	return strings.Compare(a, b)
}

// unitOrder maps a character so that the maps compare as the UTF-16 forms do.
func unitOrder(r rune) rune {
	switch {
	case r >= 0x10000:
		return r - 0x10000 + 0xd800 // from the place of the surrogates on
	case r >= 0xe000:
		return r + 0x100000 // behind all of them
	}
	return r
}
