package search

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// doubt says why a literal that looks like a query is none; empty when it
// does not look like one.
func doubt(name string, s Schema) string {
	if word, ok := strings.CutPrefix(name, "@"); ok {
		word, _, _ = strings.Cut(word, ",")
		words := make([]string, len(directives))
		for i := range directives {
			words[i] = directives[i].word
		}
		if near := nearest(word, words); near != "" {
			return fmt.Sprintf("@%s is no directive; did you mean @%s?", printable(word), near)
		}
		return ""
	}
	if f, ok := splitComma(name); ok {
		key := percentDecode(f.key)
		_, known := s.Resolve(key)
		switch {
		case IsOperator(f.op) && !known:
			err := unknownKey(s, key)
			return err.Msg
		case known && f.op != "":
			words := make([]string, 0, len(operators))
			for i := range operators {
				words = append(words, operators[i].word)
			}
			msg := fmt.Sprintf("%s is no operator", quoteToken(f.op))
			if near := nearest(f.op, words); near != "" {
				return msg + fmt.Sprintf("; did you mean %s,%s,...?", printable(f.key), near)
			}
			return msg + "; they are " + strings.Join(words, " ")
		}
		return ""
	}
	n := keyLen(name)
	if n == 0 || n == len(name) {
		return ""
	}
	if rest := strings.TrimLeft(name[n:], " \t"); strings.HasPrefix(rest, "=") {
		key := percentDecode(name[:n])
		if _, known := s.Resolve(key); known {
			return fmt.Sprintf("a single = is no operator; to search, write %s,eq,... or '%s==...'", printable(key), printable(key))
		}
	}
	return ""
}

// unknownKey says that name is no key that can be asked for here.
func unknownKey(s Schema, name string) *SyntaxError {
	err := &SyntaxError{Token: name, Nearest: nearest(name, keyNames(s))}
	where := "in this bucket"
	if s.Bucket != "" {
		where = "in bucket " + printable(s.Bucket)
	}
	err.Msg = fmt.Sprintf("%s is no key that is indexed %s", quoteToken(name), where)
	if hasPrefixFold(name, "sys.") {
		err.Msg = fmt.Sprintf("%s is no system key that can be asked for %s", quoteToken(name), where)
		return err
	}
	switch {
	case !s.Enabled:
		err.Msg += ", which has no metadata search"
	case err.Nearest != "":
		err.Msg += fmt.Sprintf("; did you mean %s?", err.Nearest)
	case isToken(name):
		err.Msg += fmt.Sprintf("; metadata that is not indexed is asked for as meta.%s, beside a condition on an indexed key", name)
	}
	return err
}

// keyNames returns what can be typed as a key in this bucket.
func keyNames(s Schema) []string {
	var names []string
	for _, k := range knownKeys(s) {
		names = append(names, k.Short())
		if sys := systemNamed(k.Name); sys != nil && sys.name == k.Name {
			names = append(names, sys.alias...)
			names = append(names, strings.ToLower(sys.name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// knownKeys returns the system keys that are known in this bucket, then its
// indexed user keys.
func knownKeys(s Schema) []Key {
	var keys []Key
	add := func(k Key, ok bool) {
		if ok && !slices.ContainsFunc(keys, func(have Key) bool { return have.Name == k.Name }) {
			keys = append(keys, k)
		}
	}
	for i := range systemKeys {
		add(s.Resolve("sys." + systemKeys[i].name))
	}
	for _, list := range [][]Key{s.Indexed, s.Attributes} {
		for _, k := range list {
			if !k.User() {
				add(s.Resolve("sys." + k.Name))
			}
		}
	}
	for _, k := range s.Indexed {
		add(s.Resolve(CanonicalName(k.Name)))
	}
	return keys
}

// nearest returns the word within a few edits of name; empty when none is.
func nearest(name string, words []string) string {
	name = strings.ToLower(name)
	best, limit := "", 1+len(name)/4
	if len(name) > 64 {
		return ""
	}
	for _, w := range words {
		if d := editDistance(name, strings.ToLower(w)); d <= limit {
			best, limit = w, d-1
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a to b (optimal string alignment).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// reversed reports whether no value can lie between a and b. Times that
// depend on the calendar are reversed only if they are at two different dates.
func reversed(a, b Value) bool {
	switch {
	case a.typ != Datetime:
		return compareValues(a, b) > 0
	case (a.unit == unitNone) != (b.unit == unitNone):
		return false
	}
	for _, now := range []time.Time{
		time.Date(2001, 3, 1, 12, 0, 0, 0, time.UTC), time.Date(2000, 8, 31, 12, 0, 0, 0, time.UTC),
	} {
		if a.bind(now).n < b.bind(now).end {
			return false
		}
	}
	return true
}

// ageAdvice explains a reversed range of ages.
func ageAdvice(a, b Value) string {
	if a.unit != unitNone && b.unit != unitNone {
		return " (the greater age is the earlier time)"
	}
	return ""
}
