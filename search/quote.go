package search

import (
	"strconv"
	"strings"
)

// quoteASCII prints s in double quotes with every byte outside printable ASCII
// escaped.
func quoteASCII(s string) string { return strconv.QuoteToASCII(s) }

// maxShown is how much of a user's text a message repeats, in bytes.
const maxShown = 80

// printable returns s shortened and without anything that a terminal acts on.
func printable(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "..."
	}
	q := strconv.Quote(s)
	q = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	return q
}

// quoteToken prints a piece of a query in single quotes.
func quoteToken(s string) string { return "'" + printable(s) + "'" }
