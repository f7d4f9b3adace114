package search

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Metadata is an immutable set of attributes by native key name. User keys
// compare without regard to case, as HTTP headers do. The zero value is empty.
type Metadata struct {
	pairs []string // name, value, name, value ...; ordered by name
}

// NewMetadata copies m. Names that start with MetaPrefix in any case are
// lowered.
func NewMetadata(m map[string]string) Metadata {
	if len(m) == 0 {
		return Metadata{}
	}
	lowered := make(map[string]string, len(m))
	for k, v := range m {
		lowered[CanonicalName(k)] = v
	}
	names := make([]string, 0, len(lowered))
	for k := range lowered {
		names = append(names, k)
	}
	slices.Sort(names)
	pairs := make([]string, 0, 2*len(names))
	for _, k := range names {
		pairs = append(pairs, k, lowered[k])
	}
	return Metadata{pairs}
}

// MetadataOfPairs returns the attributes in pairs: name, value, name, value and so on. Names are canonical
// (see CanonicalName); of one that is there twice the last value counts. It keeps pairs, which are best in the order
// of All: else they are put in it. They must not be changed any more.
func MetadataOfPairs(pairs []string) Metadata {
	ascending := true
	for i := 2; i < len(pairs); i += 2 {
		ascending = ascending && pairs[i-2] < pairs[i]
	}
	if !ascending {
		pairs = sortPairs(pairs)
	}
	if len(pairs) == 0 {
		return Metadata{}
	}
	return Metadata{pairs}
}

// sortPairs orders pairs by name and drops all but the last of each name.
func sortPairs(pairs []string) []string {
	type pair struct{ name, value string }
	sorted := make([]pair, 0, 16)
	for i := 0; i < len(pairs); i += 2 {
		sorted = append(sorted, pair{pairs[i], pairs[i+1]})
	}
	slices.SortStableFunc(sorted, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	n := 0
	for i, p := range sorted {
		if i+1 < len(sorted) && sorted[i+1].name == p.name {
			continue
		}
		pairs[n], pairs[n+1] = p.name, p.value
		n += 2
	}
	return pairs[:n]
}

// Get returns the value of the native name.
func (m Metadata) Get(name string) (string, bool) {
	name = CanonicalName(name)
	for i := 0; i < len(m.pairs); i += 2 {
		if m.pairs[i] == name {
			return m.pairs[i+1], true
		}
	}
	return "", false
}

// Created returns the time of creation that o carries, of its milliseconds as many as
// the store tells; ok is false where it carries none.
func (o *Object) Created() (t time.Time, ok bool) {
	text, _ := o.Metadata.Get("CreateTime")
	ms, ok := storedSystemTime(text)
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// Len returns the number of attributes.
func (m Metadata) Len() int { return len(m.pairs) / 2 }

// Equal reports whether m and x have the same attributes.
func (m Metadata) Equal(x Metadata) bool { return slices.Equal(m.pairs, x.pairs) }

// Bytes returns the memory that the texts hold, for cache budgets.
func (m Metadata) Bytes() int64 {
	n := int64(len(m.pairs)) * 16
	for _, s := range m.pairs {
		n += int64(len(s))
	}
	return n
}

// All yields the attributes ordered by name.
func (m Metadata) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i < len(m.pairs); i += 2 {
			if !yield(m.pairs[i], m.pairs[i+1]) {
				return
			}
		}
	}
}

// CanonicalName lowers user keys and leaves system names as they are.
func CanonicalName(name string) string {
	if len(name) >= len(MetaPrefix) && strings.EqualFold(name[:len(MetaPrefix)], MetaPrefix) {
		return lowerASCII(name)
	}
	return name
}

// lowerASCII lowers A to Z and leaves every other byte as it is: strings.ToLower
// would make one name of two that are not UTF-8.
func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; c < 'A' || 'Z' < c {
			continue
		}
		b := []byte(s)
		for ; i < len(b); i++ {
			if c := b[i]; 'A' <= c && c <= 'Z' {
				b[i] = c + 'a' - 'A'
			}
		}
		return string(b)
	}
	return s
}
