package search

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// checkGlob refuses a pattern that no name can be compared with.
func checkGlob(pattern string) error {
	for i := 0; i < len(pattern); {
		if pattern[i] == '[' {
			n := setLen(pattern[i:])
			if n == 0 {
				return errors.New("the pattern has a [ without its ]; a [ alone is written [[]")
			}
			i += n
			continue
		}
		i++
	}
	return nil
}

// setLen returns the length of the [set] that s begins with; 0 when it is
// not closed. A "]" that comes first belongs to the set.
func setLen(s string) int {
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i++
	}
	if end := strings.IndexByte(s[min(i+1, len(s)):], ']'); end >= 0 {
		return i + 1 + end + 1
	}
	return 0
}

// globPrefix returns the text that everything that matches begins with, and
// whether that is the whole pattern.
func globPrefix(pattern string) (prefix string, whole bool) {
	if i := strings.IndexAny(pattern, "*?["); i >= 0 {
		return pattern[:i], false
	}
	return pattern, true
}

// matchGlob reports whether s matches a pattern that checkGlob accepts: "*" is any
// run of bytes, "?" one character, "[set]" one of a set with ranges, negated by a leading "!" or "^". It
// takes at most len(pattern) * len(s) steps: of the stars passed only the last is retried.
func matchGlob(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(s) || p < len(pattern) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				star, mark = p, i
				p++
				continue
			}
			if i < len(s) {
				if np, ni, ok := matchOne(pattern[p:], s[i:]); ok {
					p, i = p+np, i+ni
					continue
				}
			}
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return true
}

// matchOne matches the first element of a pattern, no star, with the first
// character of s, and returns the length of both.
func matchOne(pattern, s string) (np, ni int, ok bool) {
	switch pattern[0] {
	case '?':
		_, n := utf8.DecodeRuneInString(s)
		return 1, n, true
	case '[':
		r, n := utf8.DecodeRuneInString(s)
		end := setLen(pattern)
		return end, n, inSet(pattern[1:end-1], r)
	}
	return 1, 1, pattern[0] == s[0]
}

// inSet reports whether r is in the set between the brackets.
func inSet(set string, r rune) bool {
	negated := set[0] == '!' || set[0] == '^'
	if negated {
		set = set[1:]
	}
	in := false
	for set != "" {
		low, n := utf8.DecodeRuneInString(set)
		set = set[n:]
		high := low
		if len(set) > 1 && set[0] == '-' {
			high, n = utf8.DecodeRuneInString(set[1:])
			set = set[1+n:]
		}
		in = in || low <= r && r <= high
	}
	return in != negated
}
