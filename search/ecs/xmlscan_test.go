package ecs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The classes of what reading a document ends with.
const (
	endBroken = "broken" // the document is cut short
	endBad    = "bad"
	endNotXML = "bad: not XML" // it holds what XML cannot carry
)

// scanned is what a document was read as: "<name", "text" and ">" for each event, adjoining
// texts as one, and how it ended.
type scanned struct {
	events []string
	end    string
}

func (s *scanned) text(t []byte) {
	if last := len(s.events) - 1; last >= 0 && s.events[last][0] == '"' {
		s.events[last] += string(t)
	} else {
		s.events = append(s.events, `"`+string(t))
	}
}

// scan reads a document with a walker.
func scan(r io.Reader) (s scanned) {
	w := newWalker(r)
	for {
		e, err := w.next()
		if err != nil {
			bad, isBad := errors.AsType[*badDocument](err)
			switch {
			case isBroken(err):
				s.end = endBroken
			case isBad && bad.notXML:
				s.end = endNotXML
			default:
				s.end = endBad
			}
			return s
		}
		switch e.kind {
		case start:
			s.events = append(s.events, "<"+e.name)
		case end:
			s.events = append(s.events, ">")
		case text:
			s.text(e.text)
		}
	}
}

// scanWithDecoder reads a document with the standard library's decoder, within
// the walker's bound of depth. foreign is true where the two differ by intent: a name is not ASCII, or
// there is a document type.
func scanWithDecoder(doc []byte) (s scanned, foreign bool) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	var open []xml.Name
	ascii := func(names ...string) {
		for _, name := range names {
			foreign = foreign || strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 })
		}
	}
	for {
		at := d.InputOffset()
		t, err := d.RawToken()
		if err != nil {
			syntax, isSyntax := errors.AsType[*xml.SyntaxError](err)
			switch {
			case err == io.EOF, isSyntax && strings.HasPrefix(syntax.Msg, "unexpected EOF"):
				s.end = endBroken
			case isSyntax && (strings.Contains(syntax.Msg, "illegal character code") || syntax.Msg == "invalid UTF-8" ||
				strings.Contains(syntax.Msg, "invalid character entity")):
				s.end = endNotXML
			default:
				s.end = endBad
			}
			rest := doc[min(at, int64(len(doc))):]
			foreign = foreign || bytes.HasPrefix(rest, []byte("<!")) && !bytes.HasPrefix(rest, []byte("<![")) && !bytes.HasPrefix(rest, []byte("<!-")) ||
				bytes.HasPrefix(rest, []byte("<")) && bytes.ContainsFunc(rest, func(r rune) bool { return r >= 0x80 })
			return s, foreign
		}
		switch t := t.(type) {
		case xml.StartElement:
			ascii(t.Name.Space, t.Name.Local)
			for _, a := range t.Attr {
				ascii(a.Name.Space, a.Name.Local)
			}
			if len(open) == maxDepth {
				s.end = endBad
				return s, foreign
			}
			open = append(open, t.Name)
			s.events = append(s.events, "<"+t.Name.Local)
		case xml.EndElement:
			ascii(t.Name.Space, t.Name.Local)
			if len(open) == 0 || open[len(open)-1] != t.Name {
				s.end = endBad
				return s, foreign
			}
			open = open[:len(open)-1]
			s.events = append(s.events, ">")
		case xml.CharData:
			s.text(t)
		case xml.ProcInst:
			ascii(t.Target)
		case xml.Directive:
			s.end = endBad
			return s, true
		}
	}
}

// checkScan compares the two readers, and the walker with itself where the document comes in pieces.
func checkScan(t interface{ Errorf(string, ...any) }, doc []byte) {
	got := scan(bytes.NewReader(doc))
	if inPieces := scan(iotest.OneByteReader(bytes.NewReader(doc))); !cmp.Equal(got, inPieces, cmp.AllowUnexported(scanned{})) {
		t.Errorf("%q: %q, byte by byte %q", doc, got, inPieces)
	}
	want, foreign := scanWithDecoder(doc)
	if foreign {
		if got.end != endBad && got.end != endNotXML && want.end != endBroken {
			t.Errorf("%q: %q, want an error", doc, got)
		}
		return
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(scanned{})); d != "" {
		t.Errorf("%q (-encoding/xml +walker):\n%s", doc, d)
	}
}

// oddDocuments are forms that readers of XML have been wrong about.
var oddDocuments = []string{
	"", " ", "a", "<", "<a", "<a ", "<a/", "<a/>", "<a / >", "<a></a>", "<a></a >", "<a></ a>", "< a/>", "<a></b>", "</a>", "<a><b></a></b>",
	"<a:b></a:b>", "<a:b></c:b>", "<a:></a:>", "<:a/>", "<a:b:c/>", "<1/>", "<-/>", "<a.b-c_1/>", "<a.b></a.b>", "<é/>", "<a></é>", "<a é='1'/>", "<a\x00/>",
	"<a b='1' c=\"2\"/>", "<a b='1'c='2'/>", "<a b = '1'/>", "<a b/>", "<a b=1/>", "<a b=>", "<a b='<'/>", "<a b='&lt;>'/>", "<a b='&x;'/>", "<a b='\x01'/>", "<a b='",
	"<a b='\x01", "<a b='&", "<a b='&#", "<a b='&bad;<'/>", "<a b=']]>'/>", "<a b'/>", "<a b='\xff'/>", "<a x:y:z='1'/>", "<a\tb\n=\r'1'\n/>", "<a b=\"'\"/>", "<a b='\r\n'/>",
	"<a>&lt;&gt;&amp;&apos;&quot;</a>", "<a>&LT;</a>", "<a>&nbsp;</a>", "<a>&;</a>", "<a>& </a>", "<a>&lt</a>", "<a>&l", "<a>&lt", "<a>&", "<a>&é;</a>",
	"<a>&#65;&#x41;&#x1F600;&#128512;</a>", "<a>&#X41;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#x110000;</a>", "<a>&#99999999999999999999;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>",
	"<a>&#x1D;</a>", "<a>&#9;&#10;&#13;&#32;</a>", "<a>&#xFFFE;</a>", "<a>&#xFFFF;</a>", "<a>&#00000000065;</a>", "<a>&#6a;</a>", "<a>&#x4G;</a>", "<a>&#65", "<a>&#x", "<a>&#-1;</a>",
	"<a>\r\n\r\r\n\n</a>", "<a>&#13;\n</a>", "<a>\r&#10;</a>", "<a>\r", "<a>]]></a>", "<a>]]&gt;</a>", "<a>]&#93;></a>", "<a>]]]></a>", "<a>]] ></a>", "<a>]</a>", "<a>]]",
	"<a>\x01]]></a>", "<a>\x01&x;</a>", "<a>\x01", "<a>\x01<", "<a>\x7f\u0080\u2028\ufffd</a>", "<a>\ufffe</a>", "<a>\xff</a>", "<a>\xc3</a>", "<a>\xed\xa0\x80</a>", "<a>\xc0\x80</a>", "<a>é日😀</a>", "\ufeff<a/>",
	"<a><![CDATA[x<y>&z;]]></a>", "<a><![CDATA[]]></a>", "<a><![CDATA[]]]]></a>", "<a><![CDATA[]]]>></a>", "<a><![CDATA[\r\n]]>\n</a>", "<a><![CDATA[\x01]]></a>", "<a><![CDATA[", "<a><![CDATA[x]]", "<a><![CDATX[]]></a>",
	"<a><![", "<a>x<![CDATA[y]]>z</a>", "<a>]]<![CDATA[x]]>></a>", "<![CDATA[x]]>",
	"<!-- x --><a/>", "<!----><a/>", "<!--><a/>", "<!---><a/>", "<!-- -- --><a/>", "<!-- --->", "<!-", "<!- x", "<!--", "<!-- x -", "<!-- x --", "<!--\x01\xff--><a/>",
	"<!DOCTYPE a><a/>", "<!DOCTYPE a", "<!", "<!x", "<!ENTITY x 'y'>",
	"<?xml version='1.0'?><a/>", `<?xml version="1.1"?><a/>`, `<?xml version="1.0" encoding="utf-8"?><a/>`, `<?xml encoding='UTF-16'?><a/>`, `<?xml encoding=UTF-16?><a/>`, `<?xml encoding='?><a/>`,
	`<?xml encoding= encoding="UTF-16"?>`, `<?xml encoding="UTF-8" encoding="UTF-16"?><a/>`, "<?xml?><a/>", "<?xmlversion='2'?><a/>", "<?XML version='2'?><a/>", "<a/><?xml version='2'?>", "<?a?><a/>", "<?a:b:c d?><a/>",
	"<??>", "<? a?>", "<?1?>", "<?a", "<?a ?", "<?é?>", "<?a>?><a/>", "<?a \xff\x01?><a/>", "<a><?b?>c</a>", "<?",
	strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth), strings.Repeat("<a>", maxDepth+1), strings.Repeat("<a>", maxDepth) + "<a/>",
	"<a/>x<b/>", "<a/></a>", "<a\n/><b\t></b\n>", "<a><a/></a>",
}

// TestScanOddDocuments compares the walker with encoding/xml.
func TestScanOddDocuments(t *testing.T) {
	for _, doc := range append(oddDocuments, guideAnswer) {
		checkScan(t, []byte(doc))
		// Whole or cut short anywhere.
		for i := range doc {
			checkScan(t, []byte(doc[:i]))
		}
	}
}

// TestScanRandomDocuments does so for documents made of what is peculiar.
func TestScanRandomDocuments(t *testing.T) {
	piece := rapid.OneOf(rapid.SampledFrom(oddDocuments), rapid.SampledFrom([]string{
		"<a>", "</a>", "<a", "/>", ">", "<", "&", ";", "&#", "x41", "lt", "]", "]]>", "<![CDATA[", "<!--", "-->", "-", "<?", "?>", "xml", " encoding=", "'", `"`, "=", ":", "b",
		"\r", "\n", " ", "text", "é", "\xff", "\x01", "\u2028"}))
	rapid.Check(t, func(t *rapid.T) {
		checkScan(t, []byte("<r>"+strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "")+"</r>"))
	})
}

func FuzzScan(f *testing.F) {
	for _, doc := range append(oddDocuments, guideAnswer) {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) { checkScan(t, doc) })
}

// TestWindow reads tokens that do not end where the window does, up to the largest.
func TestWindow(t *testing.T) {
	for _, n := range []int{smallWindow - 10, smallWindow, fullWindow - 1, fullWindow + 1, maxToken - 1} {
		long := strings.Repeat("x", n)
		for _, doc := range []string{"<r>" + long + "</r>", "<r><![CDATA[" + long[20:] + "]]></r>", "<r><!--" + long[20:] + "-->y</r>", "<" + long[20:] + "/>", "<r a='" + long[20:] + "'>y</r>", "<r>é" + long[20:] + "&lt;</r>"} {
			want, _ := scanWithDecoder([]byte(doc))
			for _, r := range []io.Reader{strings.NewReader(doc), iotest.HalfReader(strings.NewReader(doc)), iotest.DataErrReader(strings.NewReader(doc))} {
				if got := scan(r); !cmp.Equal(got, want, cmp.AllowUnexported(scanned{})) {
					t.Errorf("%.12q of %d bytes: %.80q", doc, len(doc), fmt.Sprint(got))
				}
			}
		}
	}
	for _, doc := range []string{"<r>" + strings.Repeat("x", maxToken+1) + "</r>", "<r><!--" + strings.Repeat("x", maxToken) + "-->"} {
		if got := scan(strings.NewReader(doc)); got.end != endBad {
			t.Errorf("%.12q of %d bytes: %.80q", doc, len(doc), fmt.Sprint(got))
		}
	}
	if got := scan(emptyReader{}); got.end != endBad {
		t.Errorf("a reader without bytes: %q", got)
	}
}

// emptyReader returns nothing, without an error.
type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, nil }
