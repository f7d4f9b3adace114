package search

import "strconv"

// Plural returns "1 page", "2 pages": a count for people. The noun's plural
// must end in "s".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
