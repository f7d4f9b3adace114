package ecs

import (
	"bytes"
	"encoding/xml"
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

// walker reads one XML document by tokens, as a recursive descent: every
// element is consumed by text, children or skip. Names are local names;
// namespaces, attributes, comments and processing instructions are ignored.
// A document type is an error, so there are no entities but XML's own five.
type walker struct {
	d     *xml.Decoder
	meter *meter
	open  []xml.Name // of the elements that are open, as written
}

func newWalker(r io.Reader) *walker {
	m := &meter{r: r, left: maxDocument}
	return &walker{d: xml.NewDecoder(m), meter: m, open: make([]xml.Name, 0, maxDepth)}
}

// meter bounds the bytes of a document and, as its budget is renewed before
// each token, of a token.
type meter struct {
	r     io.Reader
	left  int64
	token int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.token <= 0 {
		return 0, badf("a text or tag of more than %d bytes", maxToken)
	}
	if m.left <= 0 {
		return 0, badf("more than %d bytes", maxDocument)
	}
	p = p[:min(int64(len(p)), m.left)]
	n, err := m.r.Read(p)
	m.left -= int64(n)
	m.token -= int64(n)
	return n, err
}

// event is what a walker meets: the start of the element name, the end of the
// open one, or text, which is valid until the next event.
type event struct {
	kind eventKind
	name string
	text []byte
}

type eventKind uint8

const (
	start eventKind = iota
	end
	text
)

// next returns the next event.
func (w *walker) next() (event, error) {
	for {
		w.meter.token = maxToken
		t, err := w.d.RawToken()
		if err != nil {
			return event{}, w.wrap(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(w.open) == maxDepth {
				return event{}, badf("elements nested deeper than %d", maxDepth)
			}
			w.open = append(w.open, t.Name)
			return event{kind: start, name: t.Name.Local}, nil
		case xml.EndElement:
			last := len(w.open) - 1
			if last < 0 || w.open[last] != t.Name {
				return event{}, badf("</%s> closes no element", shorten(t.Name.Local))
			}
			w.open = w.open[:last]
			return event{kind: end}, nil
		case xml.CharData:
			return event{kind: text, text: t}, nil
		case xml.Directive:
			return event{}, badf("a document type")
		}
	}
}

// wrap turns what the decoder says into a badDocument, except for a body that
// ended early, which another attempt may mend.
func (w *walker) wrap(err error) error {
	var bad *badDocument
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &bad):
		return bad
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return &brokenBody{io.ErrUnexpectedEOF}
	case errors.As(err, &syntax):
		if syntax.Msg == "unexpected EOF" {
			return &brokenBody{io.ErrUnexpectedEOF}
		}
		return &badDocument{
			reason: fmt.Sprintf("line %d: %s", syntax.Line, shorten(syntax.Msg)),
			notXML: strings.Contains(syntax.Msg, "illegal character code") || syntax.Msg == "invalid UTF-8" ||
				strings.Contains(syntax.Msg, "invalid character entity"),
		}
	default:
		// Another version or encoding of XML. (What the network did wrong is known
		// to watchedReader, which decodeWith asks first.)
		return &badDocument{reason: printable(shorten(err.Error()))}
	}
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

// text consumes the open element and returns its own text, exactly.
func (w *walker) text() (string, error) {
	var s string
	var pieces []byte // of a text that is not in one piece, s included
	for {
		e, err := w.next()
		if err != nil {
			return "", err
		}
		switch e.kind {
		case start:
			if err := w.skip(); err != nil {
				return "", err
			}
		case end:
			if pieces != nil {
				return string(pieces), nil
			}
			return s, nil
		case text:
			if max(len(s), len(pieces))+len(e.text) > maxToken {
				return "", badf("a text of more than %d bytes", maxToken)
			}
			switch {
			case pieces != nil:
				pieces = append(pieces, e.text...)
			case s != "":
				pieces = append([]byte(s), e.text...)
			default:
				s = string(e.text)
			}
		}
	}
}

// textInto consumes the open element into *p.
func (w *walker) textInto(p *string) error {
	s, err := w.text()
	*p = s
	return err
}

// trimmed consumes the open element and returns its text without blanks around.
func (w *walker) trimmed() (string, error) {
	s, err := w.text()
	return strings.TrimSpace(s), err
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
