package ecstest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	xmlHeader   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// xmlWriter builds one XML answer. Elements come out exactly in the order of
// the calls. free gives it back.
type xmlWriter struct {
	buf    []byte
	open   []string
	strict bool // well-formed whatever the text: see text
}

// xmlWriters keeps the buffers of a few answers: beside a million objects it is
// garbage that costs, since each collection looks at all of them.
var xmlWriters = sync.Pool{New: func() any { return new(xmlWriter) }}

// maxKeptXML is the largest buffer that is kept.
const maxKeptXML = 4 << 20

func newXML(root, attributes string) *xmlWriter {
	w := xmlWriters.Get().(*xmlWriter)
	*w = xmlWriter{buf: append(w.buf[:0], xmlHeader...), open: w.open[:0]}
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, root...)
	if attributes != "" {
		w.buf = append(append(w.buf, ' '), attributes...)
	}
	w.buf = append(w.buf, '>')
	w.open = append(w.open, root)
	return w
}

// free ends the use of w and of what bytes returned.
func (w *xmlWriter) free() {
	if cap(w.buf) <= maxKeptXML {
		xmlWriters.Put(w)
	}
}

func newS3XML(root string) *xmlWriter {
	return newXML(root, `xmlns="`+s3Namespace+`"`)
}

func (w *xmlWriter) begin(name string) {
	w.buf = append(append(append(w.buf, '<'), name...), '>')
	w.open = append(w.open, name)
}

// beginWith is begin of an element with attributes.
func (w *xmlWriter) beginWith(name, attributes string) {
	w.buf = append(append(append(append(append(w.buf, '<'), name...), ' '), attributes...), '>')
	w.open = append(w.open, name)
}

func (w *xmlWriter) end() {
	name := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	w.buf = append(append(append(w.buf, '<', '/'), name...), '>')
}

// elem writes an element with text, or an empty element.
func (w *xmlWriter) elem(name, text string) {
	if text == "" {
		w.buf = append(append(append(w.buf, '<'), name...), '/', '>')
		return
	}
	w.begin(name)
	w.text(text)
	w.end()
}

// grow makes room for n more bytes.
func (w *xmlWriter) grow(n int) { w.buf = slices.Grow(w.buf, n) }

func (w *xmlWriter) bool(name string, b bool) { w.elem(name, strconv.FormatBool(b)) }

func (w *xmlWriter) int(name string, n int64) { w.elem(name, strconv.FormatInt(n, 10)) }

func (w *xmlWriter) time(name string, t time.Time) {
	w.elem(name, t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// text escapes s. Characters that XML 1.0 does not have are written as
// character references all the same, as lenient servers do: a strict reader
// rejects the answer, which is why encoding-type=url exists. In a strict writer
// they become U+FFFD, as do bytes that are not UTF-8 in any.
func (w *xmlWriter) text(s string) {
	for i := 0; i < len(s); {
		plain := i
		for plain < len(s) && plainXML[s[plain]] {
			plain++
		}
		w.buf = append(w.buf, s[i:plain]...)
		if i = plain; i == len(s) {
			return
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '<':
			w.buf = append(w.buf, "&lt;"...)
		case r == '>':
			w.buf = append(w.buf, "&gt;"...)
		case r == '&':
			w.buf = append(w.buf, "&amp;"...)
		case r == '"':
			w.buf = append(w.buf, "&quot;"...)
		case w.strict && (r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF):
			w.buf = utf8.AppendRune(w.buf, utf8.RuneError)
		case r < 0x20 || r == 0x7F || r == 0xFFFE || r == 0xFFFF:
			w.buf = fmt.Appendf(w.buf, "&#x%X;", r)
		default:
			w.buf = utf8.AppendRune(w.buf, r)
		}
		i += n
	}
}

// plainXML tells which bytes text has as they are.
var plainXML = func() (plain [256]bool) {
	for c := 0x20; c < 0x7F; c++ {
		plain[c] = !strings.ContainsRune(`<>&"`, rune(c))
	}
	return plain
}()

// bytes closes what is open and returns the document.
func (w *xmlWriter) bytes() []byte {
	for len(w.open) > 0 {
		w.end()
	}
	return w.buf
}
