package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// candidate is one way to go on with a word.
type candidate struct {
	rest string // what is to be added to what is typed; never empty, but for an end
	name string // what then stands there, as it is shown
	help string // what it is, in a few words; may be empty
	end  bool   // the word is complete; else it goes on, with a component's argument or after "/"
}

// complete returns the candidates for the last component of p.
func (r *mountReader) complete(p mountPath) []candidate {
	n := len(p.names)
	switch {
	case p.base == "." || p.base == "..":
		return []candidate{{rest: "/", name: p.base + "/"}}
	case n == 0:
		return r.buckets(p)
	case p.names[n-1] == "@by":
		return p.offerDir(r) // of keys
	case n >= 2 && p.names[n-2] == "@by":
		if !r.isBrief(p.dir()) {
			return nil
		}
		return p.offerDir(r)
	}
	return p.offerNames(r.component(p), r.keptNames)
}

// offer adds name and what follows it to found, when base begins it.
func (p *mountPath) offer(found []candidate, name, after, help string) []candidate {
	rest, ok := strings.CutPrefix(name, p.base)
	if !ok {
		return found
	}
	return append(found, candidate{rest: rest + after, name: name + after, help: help})
}

// offerFile adds name, which is a file, to found, when base begins it.
func (p *mountPath) offerFile(found []candidate, name, help string) []candidate {
	rest, ok := strings.CutPrefix(name, p.base)
	if !ok {
		return found
	}
	return append(found, candidate{rest: rest, name: name, help: help, end: true})
}

// buckets completes at the root.
func (r *mountReader) buckets(p mountPath) []candidate {
	var found []candidate
	if strings.HasPrefix(p.base, "@") {
		for _, d := range search.DirectiveWords() {
			if d.Word == "help" || d.Word == "errors" || d.Word == "stats" {
				found = p.offerFile(found, "@"+d.Word, d.Help)
			}
		}
		return found
	}
	return p.offerDir(r)
}

// offerDir returns the names in the directory of p that base begins; all are directories, or links to some.
func (p *mountPath) offerDir(r *mountReader) []candidate {
	names, err := r.readDir(p.dir())
	if err != nil {
		return nil
	}
	var found []candidate
	for _, name := range names {
		found = p.offer(found, strings.TrimSuffix(name, "/"), "/", "")
	}
	return found
}

// offerNames adds those of the names of folders and objects at p that base begins, unless that can
// be no such name.
func (p *mountPath) offerNames(found []candidate, names func(mountPath) []string) []candidate {
	if isQueryName(p.base) {
		return found
	}
	for _, name := range names(*p) {
		if strings.HasSuffix(name, "/") {
			found = p.offer(found, name, "", "")
		} else {
			found = p.offerFile(found, name, "")
		}
	}
	return found
}

// component completes a query or a directive, in a bucket or below it.
func (r *mountReader) component(p mountPath) []candidate {
	if strings.HasPrefix(p.base, "@") {
		return r.directive(p)
	}
	key, rest, isComma := strings.Cut(p.base, ",")
	keys := r.keys(p)
	if !isComma {
		return p.offerKeys(keys)
	}
	i := slices.IndexFunc(keys, func(k searchKey) bool { return strings.EqualFold(k.name, key) })
	if i < 0 {
		i = slices.IndexFunc(keys, func(k searchKey) bool { return strings.EqualFold(k.native, key) })
	}
	if i < 0 {
		return nil
	}
	word, argument, hasArgument := strings.Cut(rest, ",")
	operators := search.Operators(keys[i].typ)
	if !hasArgument {
		var found []candidate
		for _, o := range operators {
			after := ","
			if o.Args == 0 {
				after = "/"
			}
			found = p.offer(found, key+","+o.Word, after, o.Help)
		}
		return found
	}
	for _, o := range operators {
		if o.Word == word && o.Args != 0 {
			return r.values(p, keys[i], o, argument)
		}
	}
	return nil
}

// offerKeys returns the keys that base begins, in any case. Keys that are only
// checked need an indexed one beside them, so they are offered to who asks for them.
func (p *mountPath) offerKeys(keys []searchKey) []candidate {
	var found []candidate
	for _, k := range keys {
		help := k.typ.String()
		if !k.indexed {
			help += ", checked here"
		}
		for _, name := range []string{k.name, k.native} {
			if len(p.base) <= len(name) && strings.EqualFold(name[:len(p.base)], p.base) && (k.indexed || p.base != "") {
				typed := p.base + name[len(p.base):]
				found = p.offer(found, typed, ",", help)
				break
			}
		}
	}
	if p.base == "" {
		found = append(found, candidate{rest: "@", name: "@", help: "tree, sort, limit, by ..."})
	}
	return found
}

// directive completes what begins with "@".
func (r *mountReader) directive(p mountPath) []candidate {
	var found []candidate
	switch word, _, _ := strings.Cut(p.base, ","); {
	case word == p.base:
		for _, d := range search.DirectiveWords() {
			switch {
			case d.Word == "stats": // at the root only
			case d.Args != "":
				found = p.offer(found, "@"+d.Word, ",", d.Help)
			case d.Dir:
				found = p.offer(found, "@"+d.Word, "/", d.Help)
			default:
				found = p.offerFile(found, "@"+d.Word, d.Help)
			}
		}
	case word == "@sort":
		minus := ""
		if strings.HasPrefix(p.base, "@sort,-") {
			minus = "-"
		}
		for _, k := range r.keys(p) {
			found = p.offer(found, "@sort,"+minus+k.name, "/", k.typ.String())
		}
		if p.base == "@sort," {
			found = append(found, candidate{rest: "-", name: "@sort,-", help: "descending"})
		}
	case word == "@limit":
		for _, n := range []int{10, 100, 1000} {
			found = p.offer(found, fmt.Sprintf("@limit,%d", n), "/", "")
		}
	case word == "@explain":
		below := p
		below.base = strings.TrimPrefix(p.base, "@explain,")
		for _, c := range r.component(below) {
			// The file explains the component, without what goes on behind it.
			if rest, isDir := strings.CutSuffix(c.rest, "/"); isDir {
				c.rest, c.end = rest, true
			}
			c.name = "@explain," + strings.TrimSuffix(c.name, "/")
			found = append(found, c)
		}
	}
	return found
}

// begunEscape is a %XX that is not yet typed to its end.
var begunEscape = regexp.MustCompile("%[0-9A-Fa-f]?$")

// values completes argument, the values of an operator on a key.
func (r *mountReader) values(p mountPath, k searchKey, o search.Operator, argument string) []candidate {
	isList := o.Args < 0
	var before []string // of a list
	last := argument
	if isList {
		before = strings.Split(argument, ",")
		last, before = before[len(before)-1], before[:len(before)-1]
	}
	ranged := false
	if low, high, ok := strings.Cut(last, ".."); ok && isList {
		last, ranged = high, low != ""
	}
	typed := fs.DecodeFlat(begunEscape.ReplaceAllString(last, "")).Text
	examples, more := r.examples(p, k, o, typed, ranged)
	var found []candidate
	for _, value := range examples {
		text := encodeArgument(value)
		if slices.Contains(before, text) {
			continue
		}
		rest, ok := strings.CutPrefix(text, last)
		if !ok {
			// Typed another way, as "," for %2C.
			if rest, ok = strings.CutPrefix(value, typed); !ok {
				continue
			}
			rest = encodeArgument(rest)
		}
		found = append(found, candidate{rest: rest, name: value})
	}
	found = endValues(found, isList)
	if more {
		// So that what those that are known begin with is not taken for what all do.
		found = append(found, candidate{name: "...", help: "more values"})
	}
	return found
}

// endValues lets a value end the component; of a list, only the one value that is left,
// so that another can follow it.
func endValues(found []candidate, isList bool) []candidate {
	if isList && len(found) == 1 {
		c := found[0]
		return []candidate{{rest: c.rest + "/", name: c.name + "/"}, {rest: c.rest + ",", name: c.name + ",", help: "or another value"}}
	}
	if !isList {
		for i := range found {
			found[i].rest += "/"
			found[i].name += "/"
		}
	}
	return slices.DeleteFunc(found, func(c candidate) bool { return c.rest == "" })
}

// examples returns values to offer for a key: those there are, or else what shows the form. more
// is true when there are more.
func (r *mountReader) examples(p mountPath, k searchKey, o search.Operator, typed string, ranged bool) (values []string, more bool) {
	switch {
	case k.typ == search.Datetime:
		return r.times(o, ranged), false
	case k.native == "Size":
		if o.Args < 0 && !ranged {
			return []string{"0", "4k..1M", "1M..100M", "100M..1G", "1G.."}, false
		}
		return []string{"4k", "1M", "100M", "1G"}, false
	case !k.indexed, o.Word == "glob", o.Word == "suffix", o.Word == "contains":
		return nil, false
	case k.native == "ObjectName", k.typ == search.String && ranged:
		return nil, false // every object has another name
	}
	values, more = r.menu(p, k, typed)
	if k.typ == search.String || o.Args < 0 && !ranged {
		return values, more
	}
	// The menu of numbers has ranges.
	var bounds []string
	for _, v := range values {
		low, high, _ := strings.Cut(v, "..")
		for _, bound := range []string{low, high} {
			if bound != "" && !slices.Contains(bounds, bound) {
				bounds = append(bounds, bound)
			}
		}
	}
	return bounds, more
}

// times returns examples of times.
func (r *mountReader) times(o search.Operator, ranged bool) []string {
	now := r.now.UTC()
	day, month, year := now.Format("2006-01-02"), now.Format("2006-01"), now.Format("2006")
	switch {
	case o.Word == "newer" || o.Word == "older":
		return []string{"1h", "1d", "7d", "1mo", "1y"}
	case o.Args < 0 && !ranged:
		return []string{"today", "yesterday", day, month, year, now.AddDate(-1, 0, 0).Format("2006") + ".." + year}
	}
	return []string{"today", "yesterday", day, month, year}
}

// encodeArgument writes a value as an argument of the comma form that no shell reads as
// anything else: what is no letter, digit or one of a few signs becomes %XX.
func encodeArgument(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); {
		r, n := utf8.DecodeRuneInString(value[i:])
		plain := r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.+:@", r)) ||
			r >= 0x80 && r != utf8.RuneError && strconv.IsPrint(r)
		if plain {
			b.WriteString(value[i : i+n])
		} else {
			for _, c := range []byte(value[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		i += n
	}
	return b.String()
}
