package search

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// storeRow is an object as a store has it: stored texts by native name.
type storeRow map[string]string

// storeMatch evaluates an expression of the wire as a store would, sharing
// nothing with the code under test: it has its own parser, and compares by
// utf16.Encode, big.Rat and the standard library's clock.
func storeMatch(expression string, s Schema, row storeRow) (bool, error) {
	p := &wireParser{in: expression, schema: s, row: row}
	ok := p.or()
	if p.err == nil && p.in != "" {
		p.fail("unexpected %q", p.in)
	}
	return ok, p.err
}

type wireParser struct {
	in      string
	schema  Schema
	row     storeRow
	err     error
	clauses int
}

func (p *wireParser) fail(format string, args ...any) bool {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	return false
}

func (p *wireParser) skip(s string) (ok bool) {
	p.in, ok = strings.CutPrefix(p.in, s)
	return ok
}

func (p *wireParser) or() bool {
	ok := p.and()
	for p.err == nil && p.skip(" or ") {
		ok = p.and() || ok
	}
	return ok
}

func (p *wireParser) and() bool {
	ok := p.term()
	for p.err == nil && p.skip(" and ") {
		ok = p.term() && ok
	}
	return ok
}

func (p *wireParser) term() bool {
	if p.skip("(") {
		ok := p.or()
		if !p.skip(")") {
			return p.fail("no ) at %q", p.in)
		}
		return ok
	}
	p.clauses++
	n := strings.IndexAny(p.in, "=<>")
	if n <= 0 {
		return p.fail("no operator in %q", p.in)
	}
	key := p.in[:n]
	p.in = p.in[n:]
	op := ""
	for _, o := range []string{"==", ">=", "<=", ">", "<"} {
		if p.skip(o) {
			op = o
			break
		}
	}
	var arg string
	quoted := p.in != "" && (p.in[0] == '\'' || p.in[0] == '"')
	if quoted {
		end := strings.IndexByte(p.in[1:], p.in[0])
		if end < 0 {
			return p.fail("open quote in %q", p.in)
		}
		arg, p.in = p.in[1:1+end], p.in[end+2:]
	} else {
		end := strings.IndexAny(p.in+" ", " ()")
		arg, p.in = p.in[:end], p.in[end:]
	}
	i := slices.IndexFunc(p.schema.Indexed, func(k Key) bool { return k.Name == key })
	if i < 0 || op == "" {
		return p.fail("bad clause %s%s%s", key, op, arg)
	}
	k := p.schema.Indexed[i]
	if quoted != (k.Type == String) {
		return p.fail("quotes of %s%s%s", key, op, arg)
	}
	order, ok := p.order(k, arg)
	if !ok {
		return false
	}
	switch op {
	case "==":
		return order == 0
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order < 0
}

// order compares the row's value with arg; ok is false when the row is not in
// the key's index.
func (p *wireParser) order(k Key, arg string) (order int, ok bool) {
	stored, ok := p.row[k.Name]
	if !ok {
		return 0, false
	}
	switch k.Type {
	case Integer:
		a, err := strconv.ParseInt(arg, 10, 64)
		if err != nil {
			return 0, p.fail("integer %q", arg)
		}
		v, err := strconv.ParseInt(stored, 10, 64)
		return big.NewInt(v).Cmp(big.NewInt(a)), err == nil
	case Decimal:
		a, fine := new(big.Rat).SetString(arg)
		if !fine || strings.ContainsAny(arg, "eE/") {
			return 0, p.fail("decimal %q", arg)
		}
		v, fine := new(big.Rat).SetString(stored)
		if !fine || strings.ContainsAny(stored, "eEx/_") {
			return 0, false
		}
		return v.Cmp(a), true
	case Datetime:
		a, err := time.Parse("2006-01-02T15:04:05Z", arg)
		if err != nil || len(arg) != 20 {
			return 0, p.fail("time %q", arg)
		}
		layout := "2006-01-02T15:04:05Z"
		if !k.User() {
			layout = "2006-01-02T15:04:05.000Z"
		}
		v, err := time.Parse(layout, stored)
		return v.Compare(a), err == nil && len(stored) == len(layout)
	}
	if !utf8.ValidString(arg) || strings.ContainsAny(arg, "\x00\x01\x1f\uFFFE\uFFFF") {
		return 0, p.fail("string %q", arg)
	}
	return slices.Compare(utf16.Encode([]rune(stored)), utf16.Encode([]rune(arg))), true
}

func TestUTF16Order(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("a\u007f\u00e9\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if got, want := compareUTF16(a, b), slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))); got != want {
			t.Fatalf("compareUTF16(%+q, %+q) = %d, want %d", a, b, got, want)
		}
	})
	// Whatever the bytes: a total order, equal for equal strings alone.
	bytes := rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte("a\xc3\xa9\xed\xa0\xff\x80")), 0, 4).Draw(t, "bytes"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := bytes.Draw(t, "a"), bytes.Draw(t, "b"), bytes.Draw(t, "c")
		if (compareUTF16(a, b) == 0) != (a == b) || compareUTF16(a, b) != -compareUTF16(b, a) {
			t.Fatalf("%q and %q", a, b)
		}
		if compareUTF16(a, b) <= 0 && compareUTF16(b, c) <= 0 && compareUTF16(a, c) > 0 {
			t.Fatalf("not transitive: %q %q %q", a, b, c)
		}
	})
}

// TestAfter: what ends a prefix range is greater than all that begins with the prefix,
// by code units and by code points, and can be sent.
func TestAfter(t *testing.T) {
	for v, want := range map[string]string{
		"Foo": "Fop", "a\ud7ff": "a\U00010000", "a\ufffd": "b", "a\U0010ffff": "b", "\U0010fffe": "\U0010ffff", "\ufffd": "", "": "",
		"&": "'", "!": "\"", "'!": "'#", "\"&": "\"(", "\t": "\n", "\r": "", "a\r": "b", "~": "\x7f", "\ue000": "\ue001",
	} {
		if got, ok := after(v); got != want || ok != (want != "") {
			t.Errorf("after(%+q) = %+q, %t; want %+q", v, got, ok, want)
		}
	}
	text := rapid.StringOfN(rapid.SampledFrom([]rune("a'\"&!\r\ud7ff\ue000\ufffc\ufffd\U00010000\U0010fffe\U0010ffff")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		v := sendable(text.Draw(t, "v"))
		next, ok := after(v)
		if !ok {
			return
		}
		s := v + text.Draw(t, "rest")
		if compareUTF16(s, next) >= 0 || s >= next || sendable(next) != next {
			t.Fatalf("after(%+q) = %+q is not above %+q", v, next, s)
		}
	})
}
