package search

// Help returns the grammar on one page, with the bucket's own keys.
func Help(s Schema) string { return SearchKeysTable(s) }

// SearchKeysTable returns the keys that can be searched: name, native name, datatype,
// indexed or checked; one a line, aligned.
func SearchKeysTable(s Schema) string { return "" }
