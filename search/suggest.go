package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// doubt says why a literal that looks like a query is none: where, and what was probably meant;
// nil when it does not look like one.
func doubt(name string, s Schema) *SyntaxError {
	var e *SyntaxError
	if word, ok := strings.CutPrefix(name, "@"); ok {
		e = doubtDirective(word)
	} else if f, ok := splitComma(name); ok {
		e = doubtComma(f, s)
	} else {
		e = doubtInfix(name, s)
	}
	if e != nil {
		e.Input = name
	}
	return e
}

// doubtDirective takes a name without its "@".
func doubtDirective(name string) *SyntaxError {
	word, rest, more := strings.Cut(name, ",")
	words := make([]string, len(directives))
	for i := range directives {
		words[i] = directives[i].word
	}
	near := cmp.Or(otherDirectives[strings.ToLower(word)], nearest(word, words))
	if near == "" {
		return nil
	}
	e := &SyntaxError{Pos: 1, Token: word, Nearest: near,
		Msg: fmt.Sprintf("@%s is no directive; did you mean @%s?", printable(word), near)}
	if _, _, err := parseDirective("@"+near+","+rest, Schema{}); more && err == nil {
		e.Msg = fmt.Sprintf("@%s is no directive; did you mean @%s,%s?", printable(word), near, printable(rest))
	}
	return e
}

// doubtComma takes a name that has a key before its first comma.
func doubtComma(f commaForm, s Schema) *SyntaxError {
	name := percentDecode(f.key)
	key, known := s.Resolve(name)
	switch {
	case !known && IsOperator(f.op):
		return unknownKey(s, name)
	case !known, f.op == "" && !f.args:
		return nil
	}
	e := &SyntaxError{Pos: f.opAt, Token: f.op}
	if f.op == "" {
		e.Msg = "an operator is missing"
	} else {
		e.Msg = fmt.Sprintf("%s is no operator", quoteToken(f.op))
	}
	if near := nearestOperator(f.op, key); near != "" {
		e.Nearest = near
		meant := f.key + "," + near
		if f.args && near == "in" && strings.Count(f.rest, ",") == 1 && strings.EqualFold(f.op, "between") {
			meant += "," + strings.Replace(f.rest, ",", "..", 1)
		} else if f.args {
			meant += "," + f.rest
		}
		if !f.args && near != "exists" && near != "missing" {
			e.Nearest += ","
		}
		if isQuery(meant, s) {
			e.Msg += fmt.Sprintf("; did you mean %s?", printable(meant))
		} else {
			e.Msg += fmt.Sprintf("; did you mean %s,%s,...?", printable(f.key), near)
		}
		return e
	}
	value := f.rest
	if !f.args {
		value = f.op
	}
	if meant := f.key + ",eq," + value; (f.op == "" || !f.args) && isQuery(meant, s) {
		if e.Nearest = "eq"; f.op != "" {
			e.Nearest += "," + value
		}
		e.Msg += fmt.Sprintf("; did you mean %s?", printable(meant))
		return e
	}
	e.Msg += "; they are"
	for i := range operators {
		if operators[i].types[key.Type] {
			e.Msg += " " + operators[i].word
		}
	}
	return e
}

// doubtInfix takes a name that is in no form of a query.
func doubtInfix(name string, s Schema) *SyntaxError {
	if meant := strings.TrimLeft(strings.Trim(name, " \t'\"`"), "!"); meant != name && isQuery(meant, s) {
		why := "a query begins with its key; quotes are for the shell alone"
		if strings.HasPrefix(name, "!") {
			if !strings.HasPrefix(meant, "(") {
				meant = "(" + meant + ")"
			}
			meant, why = "not "+meant, "! is no operator: the opposite is said with not"
		}
		return &SyntaxError{Token: name, Nearest: meant, Msg: fmt.Sprintf("%s: %s", why, printable(meant))}
	}
	n := keyLen(name)
	if n == 0 || n == len(name) {
		return nil
	}
	key := percentDecode(name[:n])
	blanks := len(name[n:]) - len(strings.TrimLeft(name[n:], " \t"))
	rest := name[n+blanks:]
	symbol := rest[:len(rest)-len(strings.TrimLeft(rest, "=!~:<>"))]
	if _, known := s.Resolve(key); symbol == "" || !known {
		return nil
	}
	near := cmp.Or(otherSymbols[symbol], "==")
	o, _ := infixOf(near)
	e := &SyntaxError{Pos: n + blanks, Token: symbol, Nearest: near, Msg: symbol + " is no operator"}
	if symbol == "=" {
		e.Msg = "a single = is no operator"
	}
	value := strings.Trim(rest[len(symbol):], " \t=!~:<>")
	if value == "" || len(value) > 30 {
		value = "..."
	}
	e.Msg += fmt.Sprintf("; to search, write %s,%s,%s or '%s%s%s'", printable(key), o.word, printable(value), printable(key), near, printable(value))
	return e
}

// isQuery reports whether name is a valid predicate.
func isQuery(name string, s Schema) bool {
	_, isQuery, err := parsePredicate(name, s)
	return isQuery && err == nil
}

// unknownKey says that name is no key that can be asked for here.
func unknownKey(s Schema, name string) *SyntaxError {
	err := &SyntaxError{Token: name, Nearest: nearestKey(s, name)}
	where := "in this bucket"
	if s.Bucket != "" {
		where = "in bucket " + printable(s.Bucket)
	}
	err.Msg = fmt.Sprintf("%s is no key that is indexed %s", quoteToken(name), where)
	if hasPrefixFold(name, "sys.") {
		err.Msg = fmt.Sprintf("%s is no system key that can be asked for %s", quoteToken(name), where)
		return err
	}
	bare, forced := cutPrefixFold(name, "meta.")
	if !forced {
		bare, forced = cutPrefixFold(name, MetaPrefix)
	}
	switch {
	case forced && bare == "":
		err.Nearest, err.Msg = "", fmt.Sprintf("the name of a key is missing behind %s", name)
	case s.Engine == EngineScan:
		err.Msg = fmt.Sprintf("%s is no key that can be asked for %s", quoteToken(name), where)
		if err.Nearest != "" {
			err.Msg += fmt.Sprintf("; did you mean %s?", err.Nearest)
			break
		}
		err.Msg += ", where objects are listed and checked: size, mtime, name, base, etag, storageclass"
		switch {
		case !isToken(name):
		case s.ScanMetadata:
			err.Msg += fmt.Sprintf(", and metadata as meta.%s", name)
		default:
			err.Msg += fmt.Sprintf(", and under --scan-metadata meta.%s", name)
		}
	case !s.Enabled:
		err.Msg += ", which has no metadata search (--engine scan lists every object and checks it)"
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
		if s.Engine == EngineScan && !s.scanned(k) {
			continue
		}
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
	if len(name) < 2 || len(name) > 64 {
		return ""
	}
	best, limit := "", max(1, len(name)*3/8)
	for _, w := range words {
		if d := editDistance(name, strings.ToLower(w)); d <= limit {
			best, limit = w, d-1
		}
	}
	return best
}

// nearestKey returns the known key that name was probably meant to be; empty when there is none.
func nearestKey(s Schema, name string) string {
	if other := otherKeys[strings.ToLower(name)]; other != "" {
		if k, known := s.Resolve(other); known && (s.Engine == EngineSearch || s.scanned(k)) {
			return other
		}
	}
	return nearest(name, keyNames(s))
}

// nearestOperator returns the operator on k that word was probably meant to be; empty when there is none.
func nearestOperator(word string, k Key) string {
	var words []string
	for i := range operators {
		if operators[i].types[k.Type] {
			words = append(words, operators[i].word)
		}
	}
	for _, near := range otherOperators[strings.ToLower(word)] {
		if slices.Contains(words, near) {
			return near
		}
	}
	return nearest(word, words)
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
