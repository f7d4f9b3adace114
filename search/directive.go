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
			return bad(unsortable(typed, descending, s))
		}
		d.Order = Order{Key: key, Descending: descending}
	case "limit":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > maxLimit {
			return bad("@limit needs a number from 1 on: @limit,10", "@limit,10")
		}
		d.Limit = n
	case "by":
		if more {
			return bad("@by takes its key as the next component: @by/"+printable(rest), "@by/"+rest)
		}
	default:
		if more {
			return bad(fmt.Sprintf("@%s takes nothing behind it", word), "@"+word)
		}
	}
	return d, true, nil
}

// unsortable says why typed is no key to sort by, and what was probably meant.
func unsortable(typed string, descending bool, s Schema) (msg, meant string) {
	name, how, more := strings.Cut(strings.ReplaceAll(percentDecode(typed), " ", ","), ",")
	key, known := s.Resolve(strings.TrimPrefix(name, "+"))
	switch {
	case known && more && hasPrefixFold(how, "desc"), known && more && hasPrefixFold(how, "rev"):
		descending = true
		msg = "descending is written with a - before the key"
	case known && more:
		msg = "@sort takes one key"
	case known:
		msg = "ascending needs no sign"
	default:
		msg = fmt.Sprintf("%s is no key that can be sorted by", quoteToken(percentDecode(typed)))
		if meant = nearestKey(s, percentDecode(typed)); meant == "" {
			return msg + "; @searchkeys lists those that can, and any metadata is meta.NAME", ""
		}
		if descending {
			meant = "-" + meant
		}
		return fmt.Sprintf("%s; did you mean @sort,%s?", msg, meant), "@sort," + meant
	}
	meant = "@sort," + Order{Key: key, Descending: descending}.String()
	return msg + ": " + meant, meant
}

// maxLimit bounds "@limit": more results than any listing may have.
const maxLimit = 1 << 31
