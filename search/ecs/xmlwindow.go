package ecs

import (
	"bytes"
	"errors"
	"io"
)

// Sizes of a walker's window, in bytes.
const (
	smallWindow = 4 << 10  // enough for a short answer
	fullWindow  = 64 << 10 // unless one token needs more
)

// maxEmptyReads is how often in a row a reader may return nothing.
const maxEmptyReads = 100

// more reads more of the document, which moves the window.
func (w *walker) more() error {
	if w.err != nil {
		return w.wrap(w.err)
	}
	have := w.end - w.pos
	switch {
	case have >= maxToken:
		return badf("a text or tag of more than %d bytes", maxToken)
	case w.left == 0:
		return badf("more than %d bytes", maxDocument)
	}
	into := w.buf
	switch full := w.end == len(w.buf); {
	case full && len(w.buf) < fullWindow:
		into = make([]byte, 4*len(w.buf))
	case full && have > len(w.buf)/2:
		into = make([]byte, min(2*len(w.buf), maxToken))
	}
	if w.pos > 0 || len(into) > len(w.buf) {
		copy(into, w.buf[w.pos:w.end])
		w.before += int64(w.pos)
		w.buf, w.pos, w.end = into, 0, have
	}

	space := w.buf[w.end:min(int64(len(w.buf)), int64(w.end)+w.left)]
	for range maxEmptyReads {
		n, err := w.r.Read(space)
		w.end += n
		w.left -= int64(n)
		w.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return w.wrap(err)
		}
	}
	w.err = io.ErrNoProgress
	return w.wrap(w.err)
}

// wrap turns what the reader says into a brokenBody where the document ends early, which
// another attempt may mend. (What else the network did wrong is known to watchedReader, which
// decodeWith asks first.)
func (w *walker) wrap(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &brokenBody{io.ErrUnexpectedEOF}
	}
	return &badDocument{reason: printable(shorten(err.Error()))}
}

// at returns byte i of the next token.
func (w *walker) at(i int) (byte, error) {
	for i >= w.end-w.pos {
		if err := w.more(); err != nil {
			return 0, err
		}
	}
	return w.buf[w.pos+i], nil
}

// find returns where in the next token, from byte i on, the first s begins.
func (w *walker) find(i int, s string) (int, error) {
	for {
		window := w.buf[w.pos:w.end]
		if n := bytes.Index(window[min(i, len(window)):], []byte(s)); n >= 0 {
			return i + n, nil
		}
		i = max(i, len(window)-len(s)+1)
		if err := w.more(); err != nil {
			return 0, err
		}
	}
}

// names are strings made lately, by which the next equal ones cost no memory.
type names [128]string

// intern returns b as a string.
func (known *names) intern(b []byte) string {
	const most = 64 // bytes: a hostile document is not to fill the table
	if len(b) == 0 || len(b) > most {
		return string(b)
	}
	// The names in the answers of searches, and those of listings, differ in this.
	slot := &known[(len(b)+int(b[0])+9*int(b[len(b)-1])+5*int(b[len(b)/2]))%len(known)]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
