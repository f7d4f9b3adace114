package search

import (
	"strings"
	"unicode/utf8"
)

// percentDecode replaces every %XX by its byte. A "%" without two hex digits
// stands for itself.
func percentDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if isPercent(s, i) {
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isPercent reports whether %XX stands at s[i].
func isPercent(s string, i int) bool {
	return i+2 < len(s) && s[i] == '%' && isHex(s[i+1]) && isHex(s[i+2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// percentEncode writes s so that it is part of a path component, prints on a
// terminal, and decodes to s: "/", "%", the bytes in also, control
// characters and what is not UTF-8 become %XX.
func percentEncode(s, also string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		plain := r >= 0x20 && r != 0x7f && (r < 0x80 || r >= 0xa0) && !isBidi(r) && r != '/' && r != '%'
		if r == utf8.RuneError && n == 1 || r < 0x80 && strings.IndexByte(also, byte(r)) >= 0 {
			plain = false
		}
		if plain {
			b.WriteString(s[i : i+n])
		} else {
			for _, c := range []byte(s[i : i+n]) {
				b.WriteByte('%')
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			}
		}
		i += n
	}
	return b.String()
}

// isBidi reports whether r changes the direction of the text around it.
func isBidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}
