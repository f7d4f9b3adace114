package ecs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/aws/smithy-go"
)

// Bounds of one answer, whoever sends it.
const (
	maxDocument = 64 << 20 // bytes
	maxToken    = 1 << 20  // bytes of one tag or run of text
	maxDepth    = 16       // nested elements; the formats need 7
	maxRows     = 100_000  // objects and folders of a page; servers send 1000
	maxEntries  = 4096     // attributes of an object, indexed keys of a bucket
)

// badDocument is an answer that is not what was asked for. Repeating the
// request would bring the same.
type badDocument struct {
	reason string
	// notXML is true when the text holds what XML 1.0 cannot carry, such as a
	// control character of an object's name.
	notXML bool
}

func (e *badDocument) Error() string { return "unreadable answer: " + e.reason }

func badf(format string, args ...any) error {
	return &badDocument{reason: fmt.Sprintf(format, args...)}
}

// root opens the document's root element and returns its name. An <Error>
// document is returned as an *apiError.
func (w *walker) root() (string, error) {
	for {
		e, err := w.next()
		switch {
		case err != nil:
			return "", err
		case e.kind == start && e.name == "Error":
			return "", w.apiError()
		case e.kind == start:
			return e.name, nil
		case len(bytes.TrimSpace(bytes.TrimPrefix(e.text, []byte("\ufeff")))) > 0:
			return "", badf("text where XML was expected")
		}
	}
}

// rootNamed opens the root element, which must have this name.
func (w *walker) rootNamed(name string) error {
	got, err := w.root()
	if err == nil && got != name {
		return &badDocument{reason: fmt.Sprintf("<%s> where <%s> was expected", shorten(got), name)}
	}
	return err
}

// children calls f for each child of the open element, up to and including
// the element's end. f must consume the child.
func (w *walker) children(f func(name string) error) error {
	for {
		e, err := w.next()
		if err == nil && e.kind == start {
			err = f(e.name)
		}
		if err != nil || e.kind == end {
			return err
		}
	}
}

// skip consumes the open element.
func (w *walker) skip() error {
	for depth := len(w.open); ; {
		if _, err := w.next(); err != nil || len(w.open) < depth {
			return err
		}
	}
}

// apiError is an error that the store itself reported.
type apiError struct {
	code, message, requestID string
	endpoint, region         string // of redirects and wrong regions
}

func (e *apiError) Error() string {
	switch {
	case e.code == "":
		return e.message
	case e.message == "", e.message == e.code:
		return e.code
	}
	return e.code + ": " + e.message
}

// ErrorCode, ErrorMessage and ErrorFault make it the SDK's kind of error, which
// its retryer reads.
func (e *apiError) ErrorCode() string             { return e.code }
func (e *apiError) ErrorMessage() string          { return e.message }
func (e *apiError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

// apiError reads the rest of an <Error> document.
func (w *walker) apiError() error {
	e := &apiError{}
	err := w.children(func(name string) (err error) {
		switch name {
		case "Code":
			e.code, err = w.trimmed()
		case "Message":
			e.message, err = w.trimmed()
		case "RequestId":
			e.requestID, err = w.trimmed()
		case "Endpoint":
			e.endpoint, err = w.trimmed()
		case "Region":
			e.region, err = w.trimmed()
		default:
			err = w.skip()
		}
		return err
	})
	for _, text := range []*string{&e.code, &e.message, &e.requestID, &e.endpoint, &e.region} {
		*text = cut(*text, maxTold)
	}
	if e.code == "" {
		if err != nil {
			return err
		}
		return badf("an <Error> without a code")
	}
	return e // what came is enough, even if the rest broke off
}

// decodeErrorAnswer reads the body of an answer that is no success. A body
// that is no <Error> document gives an apiError without a code, whose message
// is the start of the text.
func decodeErrorAnswer(r io.Reader) error {
	var head strings.Builder
	_, err := newWalker(io.TeeReader(r, &prefixWriter{&head, 256})).root()
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{message: printable(head.String())}
}

// prefixWriter keeps the first bytes written to it.
type prefixWriter struct {
	b    *strings.Builder
	left int
}

func (p *prefixWriter) Write(data []byte) (int, error) {
	n := min(p.left, len(data))
	p.b.Write(data[:n])
	p.left -= n
	return len(data), nil
}

// printable returns s on one line, without control characters and what else a
// terminal does not print, such as those that turn the direction of writing.
func printable(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == 0xfffd || !unicode.IsPrint(r) }), " ")
}

// shorten bounds what of a hostile answer is repeated in an error, in bytes.
func shorten(s string) string { return cut(s, 200) }

// maxTold is how much is kept of a text in an <Error>, and of an error in the
// log, in bytes.
const maxTold = 1 << 10

// cut returns s, or its first limit bytes.
func cut(s string, limit int) string {
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
