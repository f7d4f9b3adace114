package ecstest

import (
	"iter"
	"slices"
	"strings"
	"unique"
)

// fields is a small set of named texts, ordered by name: a quarter of the
// memory of a map, and objects have two of them. Names are shared by all
// objects that have them.
type fields []field

type field struct{ name, text string }

// set adds a field or replaces its text.
func (f *fields) set(name, text string) {
	i, there := f.find(name)
	if there {
		(*f)[i].text = text
		return
	}
	*f = slices.Insert(*f, i, field{unique.Make(name).Value(), text})
}

// get returns the text of a field.
func (f fields) get(name string) (text string, ok bool) {
	if i, there := f.find(name); there {
		return f[i].text, true
	}
	return "", false
}

// text is get of a field whose absence means the same as the empty text.
func (f fields) text(name string) string {
	text, _ := f.get(name)
	return text
}

func (f fields) find(name string) (int, bool) {
	return slices.BinarySearchFunc(f, name, func(have field, name string) int { return strings.Compare(have.name, name) })
}

// all yields names and texts in the order of the names.
func (f fields) all() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, have := range f {
			if !yield(have.name, have.text) {
				return
			}
		}
	}
}
