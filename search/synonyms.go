package search

// What users of other programs type, in lower case, and what it is called here. Only
// messages use it: none of these is read.

// otherOperators has the operators that are meant, the first that works on the key's datatype.
var otherOperators = map[string][]string{
	"=": {"eq"}, "==": {"eq"}, "is": {"eq"}, "equal": {"eq"}, "equals": {"eq"}, "empty": {"eq"},
	"!=": {"ne"}, "<>": {"ne"}, "not": {"ne"}, "isnot": {"ne"}, "neq": {"ne"},
	">": {"gt"}, "above": {"gt"}, "over": {"gt"}, "greater": {"gt"}, "more": {"gt"}, "bigger": {"gt"}, "larger": {"gt"},
	">=": {"ge"}, "gte": {"ge"}, "min": {"ge"}, "from": {"ge"},
	"<": {"lt"}, "below": {"lt"}, "under": {"lt"}, "less": {"lt"}, "smaller": {"lt"},
	"<=": {"le"}, "lte": {"le"}, "max": {"le"}, "until": {"le"},
	"between": {"in"}, "any": {"in"}, "range": {"in"},
	"after": {"newer", "gt"}, "since": {"newer", "gt"}, "younger": {"newer", "lt"}, "newer": {"gt"},
	"before": {"older", "lt"}, "older": {"lt"},
	"starts": {"prefix"}, "startswith": {"prefix"}, "begins": {"prefix"}, "beginswith": {"prefix"},
	"ends": {"suffix"}, "endswith": {"suffix"},
	"has": {"contains"}, "include": {"contains"}, "includes": {"contains"},
	"like": {"glob"}, "match": {"glob"}, "matches": {"glob"}, "regex": {"glob"}, "regexp": {"glob"},
	"set": {"exists"}, "present": {"exists"},
	"unset": {"missing"}, "null": {"missing"}, "none": {"missing"}, "absent": {"missing"},
}

// otherSymbols has the symbols of the infix form.
var otherSymbols = map[string]string{
	"=>": ">=", "=<": "<=", "!>": "<=", "!<": ">=", "<>": "!=", "=!": "!=", ">>": ">", "<<": "<", "!==": "!=", "!": "!=",
}

var otherKeys = map[string]string{
	"date": "mtime", "time": "mtime", "timestamp": "mtime", "lastmod": "mtime", "uploaded": "mtime", "age": "mtime",
	"ctime": "created", "birth": "created",
	"bytes": "size", "length": "size", "content-length": "size",
	"file": "base", "filename": "base", "basename": "base", "ext": "base", "extension": "base",
	"path": "name", "key": "name", "object": "name",
	"type": "contenttype", "mime": "contenttype", "mimetype": "contenttype", "content-type": "contenttype",
	"user": "owner",
}

var otherDirectives = map[string]string{
	"order": "sort", "orderby": "sort", "top": "limit", "head": "limit", "first": "limit",
	"key": "searchkeys", "keys": "searchkeys", "schema": "searchkeys", "index": "searchkeys",
	"manifest": "manifest.jsonl", "json": "manifest.jsonl", "jsonl": "manifest.jsonl", "csv": "manifest.csv",
	"group": "by", "groupby": "by", "menu": "by", "values": "by", "facets": "by",
	"reload": "refresh", "plan": "explain", "log": "errors", "info": "meta", "stat": "meta", "folders": "tree",
}
