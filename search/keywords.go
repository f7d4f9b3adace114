package search

// IsOperator reports whether word is an operator of the comma form, in lower case.
func IsOperator(word string) bool { panic("not written yet") }

// IsDirective reports whether word (without "@") is a directive of the grammar.
func IsDirective(word string) bool { panic("not written yet") }

// Resolve returns the key that a typed name means in this bucket, and whether
// it is a known one: indexed, a system attribute, derived, or "meta." forced.
func (s Schema) Resolve(name string) (Key, bool) { panic("not written yet") }

// Help returns the grammar on one page, with the bucket's own keys.
func Help(s Schema) string { panic("not written yet") }

// SearchKeysTable returns the keys that can be searched: name, native name, datatype,
// indexed or checked; one a line, aligned.
func SearchKeysTable(s Schema) string { panic("not written yet") }
