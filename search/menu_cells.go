package search

import (
	"time"
	"unicode/utf8"
)

// stringCells has a cell for each string; those that are too long for a component share one where
// they begin alike.
type stringCells struct{ key Key }

func (stringCells) levels() int { return 1 }

func (s stringCells) cell(_ int, v Value) cell {
	whole := Cond{s.key, OpEq, v}
	if text := whole.comma(); len(text) <= maxComponent {
		return cell{MenuItem{Label: v.text, Components: []string{text}}, Cond{s.key, OpGt, v}}
	}
	// What is behind must fit a component as well: the next text can be longer encoded.
	room := maxComponent - maxEncodedRune - len(Cond{Key: s.key, Op: OpPrefix}.comma())
	begin := ""
	for _, r := range split(v.text) {
		if room -= len(percentEncode(r, ",")); room < 0 {
			break
		}
		begin += r
	}
	prefix := Value{text: begin}
	c := cell{MenuItem: MenuItem{Label: begin, Begins: true, Components: []string{Cond{s.key, OpPrefix, prefix}.comma()}}}
	if next, ok := nextText(begin); ok {
		c.behind = Cond{s.key, OpGe, Value{text: next}}
	}
	return c
}

const (
	maxComponent   = 255 // NAME_MAX of Linux, in bytes
	maxEncodedRune = 12  // four bytes as %XX
)

// split returns the characters of s, and each byte that is in none.
func split(s string) []string {
	var list []string
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		list = append(list, s[:n])
		s = s[n:]
	}
	return list
}

// nextText returns the least text, by UTF-16 code units, above all that begin with s; ok is false when there is none.
// Unlike after, whose texts are sent to the store, it is exact, and need not be fit for XML.
func nextText(s string) (next string, ok bool) {
	for s != "" {
		r, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
		switch r {
		case 0xd7ff:
			r = 0x10000
		case utf8.MaxRune:
			r = 0xe000
		case 0xffff:
			continue
		default:
			r++
		}
		return s + string(r), true
	}
	return "", false
}

// timeCells has years, months, days and hours, in UTC.
type timeCells struct{ key Key }

var timeLayouts = [...]string{"2006", "2006-01", "2006-01-02", "2006-01-02T15"}

func (timeCells) levels() int { return len(timeLayouts) }

func (t timeCells) cell(level int, v Value) cell {
	label := time.UnixMilli(v.n).UTC().Format(timeLayouts[level])
	c := cell{MenuItem: MenuItem{Label: label, Components: []string{keyText(t.key) + ",eq," + label}}}
	if _, end, _ := parseInstant(label); end < maxTime {
		c.behind = Cond{t.key, OpGe, instant(end)}
	}
	return c
}
