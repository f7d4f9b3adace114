package ecs

import (
	"bytes"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// characters consumes the text that is next, up to a tag or the end of the document.
func (w *walker) characters() ([]byte, error) {
	// Nearly all texts stand for themselves and are in the window.
	b := w.buf[w.pos:w.end]
	i := 0
	for i < len(b) && classes[b[i]]&plainByte != 0 {
		i++
	}
	if i < len(b) && b[i] == '<' {
		w.pos += i
		return b[:i], nil
	}

	i, err := w.find(i, "<")
	if err != nil {
		if !isCut(err) {
			return nil, err
		}
		i = w.end - w.pos
	}
	return w.consume(0, i, i, inText, err)
}

// cdata consumes the CDATA section that is next.
func (w *walker) cdata() ([]byte, error) {
	const begin = "<![CDATA["
	for i := range len(begin) {
		if c, err := w.at(i); err != nil {
			return nil, err
		} else if c != begin[i] {
			return nil, w.badAt("invalid <![ sequence")
		}
	}
	i, err := w.find(len(begin), "]]>")
	if err != nil {
		return nil, err
	}
	return w.consume(len(begin), i, i+len("]]>"), inCDATA, nil)
}

// consume consumes the n bytes of the next token, and returns its text, which is written from byte
// from up to byte to. cut, when not nil, says that the document ends there.
func (w *walker) consume(from, to, n int, where textKind, cut error) ([]byte, error) {
	t, err := unescape(w.buf[w.pos+from:w.pos+to], where)
	if err == nil {
		err = checkCharacters(t)
	}
	if err != nil {
		return nil, w.badText(err, cut)
	}
	w.pos += n
	return t, nil
}

// badText is the error of the next token that a text of it is not well formed.
func (w *walker) badText(err, cut error) error {
	if err == errReferenceCut && cut != nil {
		return cut
	}
	_, notXML := errors.AsType[notCharacter](err)
	return &badDocument{reason: w.where() + err.Error(), notXML: notXML}
}

// isCut reports whether err says that the document ends early.
func isCut(err error) bool {
	_, cut := errors.AsType[*brokenBody](err)
	return cut
}

// notCharacter says what of a text XML cannot carry.
type notCharacter string

func (e notCharacter) Error() string { return string(e) }

// errReferenceCut is a reference that a text ends in.
const errReferenceCut = notCharacter("invalid character entity (no semicolon)")

// textKind says where a text stands, and so what is markup in it.
type textKind uint8

const (
	inText textKind = iota
	inQuotes
	inCDATA
)

// unescape replaces, in place, the references in b, and line ends by "\n".
func unescape(b []byte, where textKind) ([]byte, error) {
	n := 0          // b[:n] is done
	var b0, b1 byte // the two bytes before, as written; 0 where a reference stood
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '&' && where != inCDATA:
			r, size := reference(b[i:])
			if size == 0 {
				return nil, errReferenceCut
			}
			if size < 0 {
				return nil, notCharacter(fmt.Sprintf("invalid character entity %q", b[i:min(len(b), i+12)]))
			}
			n += utf8.EncodeRune(b[n:], r) // no reference is shorter than what it stands for
			i += size - 1
			b0, b1 = 0, 0
			continue
		case c == '>' && b0 == ']' && b1 == ']' && where == inText:
			return nil, errors.New("unescaped ]]> not in CDATA section")
		case c == '\r':
			b[n] = '\n'
			n++
		case c == '\n' && b1 == '\r': // written already
		default:
			b[n] = c
			n++
		}
		b0, b1 = b1, c
	}
	return b[:n], nil
}

// reference reads the reference that b begins with: what it stands for, and how long it is. The
// size is 0 where b ends too early, and negative where it is none.
func reference(b []byte) (r rune, size int) {
	if len(b) > 1 && b[1] == '#' {
		return numericReference(b)
	}
	i := 1
	for i < len(b) && (b[i] >= 0x80 || classes[b[i]]&nameByte != 0) {
		i++
	}
	if i == len(b) {
		return 0, 0
	}
	if b[i] != ';' {
		return 0, -1
	}
	switch string(b[1:i]) {
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "amp":
		r = '&'
	case "apos":
		r = '\''
	case "quot":
		r = '"'
	default:
		return 0, -1
	}
	return r, i + 1
}

// numericReference is reference for one that begins with "&#".
func numericReference(b []byte) (r rune, size int) {
	i, base := 2, rune(10)
	if len(b) > i && b[i] == 'x' {
		i, base = 3, 16
	}
	from := i
	for ; i < len(b); i++ {
		digit := rune(16)
		switch c := b[i]; {
		case '0' <= c && c <= '9':
			digit = rune(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			digit = rune(c|0x20-'a') + 10
		}
		if digit >= base {
			break
		}
		r = min(r*base+digit, unicode.MaxRune+1)
	}
	switch {
	case i == len(b):
		return 0, 0
	case b[i] != ';' || i == from || r > unicode.MaxRune:
		return 0, -1
	}
	return r, i + 1
}

// checkCharacters returns an error if b is not UTF-8 or has characters that XML does not.
func checkCharacters(b []byte) error {
	for i := 0; i < len(b); {
		if classes[b[i]]&plainByte != 0 {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return notCharacter("invalid UTF-8")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			return notCharacter(fmt.Sprintf("illegal character code %U", r))
		}
		i += size
	}
	return nil
}

// raw consumes the open element and returns its own text, which is valid until the next event.
func (w *walker) raw() ([]byte, error) {
	e, err := w.next()
	if err == nil && e.kind == text && w.endsHere() {
		return e.text, nil
	}
	w.pieces = w.pieces[:0]
	for ; ; e, err = w.next() {
		if err == nil && e.kind == start {
			err = w.skip()
		}
		if err != nil {
			return nil, err
		}
		if e.kind == end {
			return w.pieces, nil
		}
		if len(w.pieces)+len(e.text) > maxToken {
			return nil, badf("a text of more than %d bytes", maxToken)
		}
		w.pieces = append(w.pieces, e.text...)
	}
}

// text consumes the open element and returns its own text, exactly.
func (w *walker) text() (string, error) {
	b, err := w.raw()
	return string(b), err
}

// textInto consumes the open element into *p.
func (w *walker) textInto(p *string) error {
	s, err := w.text()
	*p = s
	return err
}

// trimmed consumes the open element and returns its text without blanks around.
func (w *walker) trimmed() (string, error) {
	b, err := w.raw()
	return string(bytes.TrimSpace(b)), err
}
