package search

import "strconv"

// quoteASCII prints s in double quotes with every byte outside printable ASCII
// escaped.
func quoteASCII(s string) string { return strconv.QuoteToASCII(s) }
