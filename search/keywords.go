package search

// Op is an operator of a condition.
type Op uint8

// The operators of conditions. "in", "newer" and "older" are spellings: they
// are read as these.
const (
	OpEq Op = iota
	OpNe
	OpGt
	OpGe
	OpLt
	OpLe
	OpPrefix
	OpSuffix
	OpContains
	OpGlob
	OpExists
	OpMissing
	opIn // only in the table: becomes a Disjunction
)

// String returns the word of the comma form, "gt".
func (op Op) String() string {
	for i := range operators {
		if operators[i].op == op {
			return operators[i].word
		}
	}
	return "?"
}

// operator is one row of the table that the parser, the printer and the help
// share.
type operator struct {
	op    Op
	word  string // of the comma form
	infix string // symbol of the infix form; empty when it has none
	args  int    // how many values; many: one or more
	only  string // the datatypes it works on, in words; empty: all
	types [4]bool
	help  string
	try   string // an example
}

// many is the arity of a list.
const many = -1

var (
	anyType     = [4]bool{String: true, Integer: true, Decimal: true, Datetime: true}
	stringsOnly = [4]bool{String: true}
	timesOnly   = [4]bool{Datetime: true}
)

// operators is ordered as help prints it. The first row of an Op gives its
// word.
var operators = [...]operator{
	{OpEq, "eq", "==", 1, "", anyType, "equal; a time: within it", "color,eq,red"},
	{OpNe, "ne", "!=", 1, "", anyType, "not equal (and the key is there)", "color,ne,red"},
	{OpGt, "gt", ">", 1, "", anyType, "greater; a time: after its end", "size,gt,100M"},
	{OpGe, "ge", ">=", 1, "", anyType, "greater or equal; a time: from its start", "size,ge,1.5G"},
	{OpLt, "lt", "<", 1, "", anyType, "less; a time: before its start", "size,lt,4k"},
	{OpLe, "le", "<=", 1, "", anyType, "less or equal; a time: before its end", "mtime,le,2024-05"},
	{opIn, "in", "", many, "", anyType, "any of: values, ranges a..b, a.., ..b", "size,in,0,1M..1G"},
	{OpPrefix, "prefix", "", 1, "strings", stringsOnly, "starts with", "name,prefix,logs%2F"},
	{OpSuffix, "suffix", "", 1, "strings", stringsOnly, "ends with", "base,suffix,.csv"},
	{OpContains, "contains", "", 1, "strings", stringsOnly, "has it anywhere", "title,contains,new"},
	{OpGlob, "glob", "", 1, "strings", stringsOnly, "shell pattern: * ? [set]", "base,glob,*.tx?"},
	{OpGt, "newer", "", 1, "times", timesOnly, "after a time, or younger than an age", "mtime,newer,7d"},
	{OpLt, "older", "", 1, "times", timesOnly, "before a time, or of a greater age", "mtime,older,1y"},
	{OpExists, "exists", "", 0, "", anyType, "the key is there", "color,exists"},
	{OpMissing, "missing", "", 0, "", anyType, "the key is not there", "color,missing"},
}

// operatorOf returns the row of the comma form's word.
func operatorOf(word string) (*operator, bool) {
	for i := range operators {
		if operators[i].word == word {
			return &operators[i], true
		}
	}
	return nil, false
}

// infixOf returns the row of a symbol.
func infixOf(symbol string) (*operator, bool) {
	for i := range operators {
		if operators[i].infix == symbol && symbol != "" {
			return &operators[i], true
		}
	}
	return nil, false
}

// symbol returns the infix spelling of op; empty when it has none.
func (op Op) symbol() string {
	for i := range operators {
		if operators[i].op == op {
			return operators[i].infix
		}
	}
	return ""
}

// IsOperator reports whether word is an operator of the comma form. Words
// are lower case: "GT" is none, so that fewer names of files are queries.
func IsOperator(word string) bool {
	_, ok := operatorOf(word)
	return ok
}

// directiveKind groups the directives.
type directiveKind string

const (
	kindView     directiveKind = "view"
	kindModifier directiveKind = "modifier"
	kindMenu     directiveKind = "menu"
	kindFile     directiveKind = "file"
)

// directive is one row of the table of "@" words.
type directive struct {
	kind directiveKind
	word string
	args string // how its arguments are written
	help string
}

// directives is ordered as help prints it.
var directives = [...]directive{
	{kindView, "tree", "", "the results in their folders"},
	{kindModifier, "sort", ",KEY", "ordered by KEY; @sort,-KEY descends"},
	{kindModifier, "limit", ",N", "the first N results"},
	{kindModifier, "versions", "", "all versions of each result"},
	{kindMenu, "by", "", "@by/KEY/ has a link for every value of KEY"},
	{kindFile, "manifest.jsonl", "", "all results with their metadata, as JSON lines"},
	{kindFile, "manifest.csv", "", "all results with their metadata, as CSV"},
	{kindFile, "meta", ",NAME", "one result's key, URI, version and metadata"},
	{kindFile, "searchkeys", "", "the keys that can be searched here"},
	{kindFile, "explain", "", "what is asked here, and what it costs"},
	{kindFile, "explain", ",NAME", "how NAME is read here, or why it fails"},
	{kindFile, "refresh", "", "reading it drops this kept listing"},
	{kindFile, "errors", "", "the last 100 errors, newest first"},
	{kindFile, "help", "", "this page"},
	{kindFile, "stats", "", "counters (at the root only)"},
}

// IsDirective reports whether word (without "@") is a directive of the grammar.
func IsDirective(word string) bool {
	for i := range directives {
		if directives[i].word == word {
			return true
		}
	}
	return false
}
