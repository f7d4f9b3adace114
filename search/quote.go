package search

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoteASCII prints s in double quotes with every byte outside printable ASCII
// escaped.
func quoteASCII(s string) string { return strconv.QuoteToASCII(s) }

// maxShown is how much of a user's text a message repeats, in bytes.
const maxShown = 80

// visible returns s without anything that a terminal acts on: what is no
// printable character becomes \xNN or \uNNNN.
func visible(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, r < 0x80 && !strconv.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteString(s[i : i+n])
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// printable is visible, shortened.
func printable(s string) string {
	if len(s) > maxShown {
		n := maxShown
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		return visible(s[:n]) + "..."
	}
	return visible(s)
}

// quoteToken prints a piece of a query in single quotes.
func quoteToken(s string) string { return "'" + printable(s) + "'" }
