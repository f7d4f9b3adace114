package search

import (
	"fmt"
	"strconv"
	"strings"
)

// Directive is "@word,arg,...": Word without the "@". Rest is everything after the
// first comma, undecoded ("@explain,REST", "@meta,NAME").
type Directive struct {
	Word string
	Rest string

	Order Order // of "sort"
	Limit int   // of "limit": at least 1
}

// parseDirective reads name, which is a directive when it begins with "@" and a word of the grammar.
func parseDirective(name string, s Schema) (d Directive, ok bool, err *SyntaxError) {
	rest, ok := strings.CutPrefix(name, "@")
	if !ok {
		return Directive{}, false, nil
	}
	word, rest, more := strings.Cut(rest, ",")
	if !IsDirective(word) {
		return Directive{}, false, nil
	}
	d = Directive{Word: word, Rest: rest}
	bad := func(msg, nearest string) (Directive, bool, *SyntaxError) {
		return Directive{}, true, &SyntaxError{Input: name, Pos: min(len(word)+2, len(name)), Token: rest, Msg: msg, Nearest: nearest}
	}
	switch word {
	case "explain", "meta": // anything
	case "sort":
		typed, descending := strings.CutPrefix(rest, "-")
		key, known := s.Resolve(percentDecode(typed))
		switch {
		case typed == "":
			return bad("@sort needs a key: @sort,size ascends, @sort,-size descends", "@sort,size")
		case !known:
			nearest := nearest(percentDecode(typed), keyNames(s))
			msg := fmt.Sprintf("%s is no key that can be sorted by", quoteToken(percentDecode(typed)))
			if nearest != "" {
				nearest = "@sort," + strings.Repeat("-", len(rest)-len(typed)) + nearest
				msg += "; did you mean " + nearest + "?"
			}
			return bad(msg, nearest)
		}
		d.Order = Order{Key: key, Descending: descending}
	case "limit":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > maxLimit {
			return bad("@limit needs a number from 1 on: @limit,10", "@limit,10")
		}
		d.Limit = n
	default:
		if more {
			return bad(fmt.Sprintf("@%s takes nothing behind it", word), "@"+word)
		}
	}
	return d, true, nil
}

// maxLimit bounds "@limit": more results than any listing may have.
const maxLimit = 1 << 31
