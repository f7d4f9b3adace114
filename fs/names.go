package fs

import (
	"strings"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/search"
)

// The names of results.
//
// A name is a pure function of the key, and decoding %XX in it gives the key
// back. The encoding touches as little as possible: what a file name cannot
// hold ("/", NUL, "." and ".."), what could act on a terminal or a command
// line (control characters, bidirectional overrides, a leading "-"), what would
// make decoding ambiguous ("%" before two hex digits or "~"), and what would
// make the name read as a query. Bytes that are not UTF-8 stay as they are.
//
// "%~" never comes from a key. It begins what a name says beside the key:
//
//	a%~                 the object a, where a folder has the name a
//	%~                  the object whose key is the directory's own prefix (flat view)
//	BEGIN%~hHASH.ext    a key whose name would be longer than 255 bytes
//	NAME%~vID.ext       a version of an object (names_version.go)
//	%~INCOMPLETE        no key: the listing broke here
const (
	maxNameLen = 255 // NAME_MAX of Linux, in bytes

	// A shortened name is at most shortPrefixLen bytes of the whole name,
	// "%~h", hashLen hex digits, an extension and "%~": below maxNameLen.
	shortPrefixLen = 200
	hashLen        = 16
	maxExtLen      = 16 // without the "."

	// maxUnitLen is the longest encoding of one character: three bytes as %XX.
	// A shortened name never keeps fewer than shortPrefixLen-maxUnitLen+1 bytes.
	maxUnitLen = 9

	mark = "%~"
)

// NameIncomplete is the last entry of a listing that broke after entries were
// handed out: it can be looked up, and opening it gives the error.
const NameIncomplete = "%~INCOMPLETE"

// EncodeFlat returns the name, in the flat view of a query directory, of the
// object whose key relative to the directory's prefix is rel. rel may be any
// bytes. The name is not empty, has neither "/" nor NUL, is at most 255 bytes,
// and is a query for no schema. Different rel have different names, but for
// shortened ones that begin alike and agree in 64 bits of SHA-256.
func EncodeFlat(rel string) string {
	if rel == "" {
		return mark
	}
	return encodeName(rel, "")
}

// EncodeSegment returns the name of an object or a folder in a view that shows
// folders. seg is one segment of a key, without "/"; the empty one, which the
// key of a marker ("folder/") ends in and "a//b" has in the middle, is "%2F",
// the encoding of the one text that is no segment. The result is as for EncodeFlat.
func EncodeSegment(seg string) string {
	return encodeName(segmentText(seg), "")
}

// EncodeTwin returns the name of an object seg beside a folder of the same
// name: the folder keeps the name. It ends in "%~".
func EncodeTwin(seg string) string {
	return encodeName(segmentText(seg), mark)
}

func segmentText(seg string) string {
	if seg == "" {
		return "/"
	}
	return seg
}

// EntryName returns the name of a row of a one-level listing of prefix. twin
// says whether the listing has both the object and the folder of this name.
// ok is false for a row that is not listed: the zero-byte marker object of the
// directory itself, and a key that does not lie below prefix.
func EntryName(prefix string, e search.Entry, twin bool) (name string, ok bool) {
	seg, below := strings.CutPrefix(e.Key, prefix)
	switch {
	case !below:
		return "", false
	case e.Folder:
		seg, ok = strings.CutSuffix(seg, "/")
		return EncodeSegment(seg), ok
	case seg == "" && e.Size == 0:
		return "", false
	case twin:
		return EncodeTwin(seg), true
	}
	return EncodeSegment(seg), true
}

// DecodedName is what a name says about the key that it stands for.
type DecodedName struct {
	// Text is the key relative to the directory's prefix (DecodeFlat) or a
	// segment of it (DecodeSegment); when Hash is set, only the beginning of that.
	Text string
	// Hash, of a shortened name, is the first 16 hex digits of the SHA-256 of
	// the whole text. The key is the one below prefix+Text whose own name is
	// this name: only a listing tells.
	Hash string
	// Object is true when the name ends in "%~": it means the object also where a folder
	// has the same name.
	Object bool
	// Versioned is true of the name of one version, whose ID is Version; when Hash is set, that is
	// of both (see EncodeFlatVersion), and Version is empty.
	Versioned bool
	Version   string
	// Whole is true when Text is not only the beginning although Hash is set.
	Whole bool
	// Reserved is true when the name has a "%~" of no known form, as
	// "%~INCOMPLETE" does: it is no key's name, and no other field is set.
	Reserved bool
}

// DecodeFlat reads a name of the flat view. It is defined on every name,
// whoever made it up: see CanonicalFlat.
func DecodeFlat(name string) DecodedName {
	head, tail, marked := strings.Cut(name, mark)
	if !marked {
		return DecodedName{Text: decodePercent(name)}
	}
	if tail == "" {
		return DecodedName{Text: decodePercent(head), Object: true}
	}
	if tail[0] == 'v' || tail[0] == 'V' {
		return decodeVersion(head, tail)
	}
	tail, object := strings.CutSuffix(tail, mark)
	hash, ok := shortHash(tail)
	// A short beginning never comes from a key, and would make a look-up list too much.
	if !ok || len(head) > shortPrefixLen || len(head) <= shortPrefixLen-maxUnitLen {
		return DecodedName{Reserved: true}
	}
	return DecodedName{Text: decodePercent(head), Hash: hash, Object: object}
}

// DecodeSegment reads a name of a view that shows folders. Text has a "/" only
// when the name is not canonical.
func DecodeSegment(name string) DecodedName {
	d := DecodeFlat(name)
	if d.Text == "/" {
		d.Text = ""
	}
	return d
}

// CanonicalFlat reports whether name is the one that EncodeFlat gives to the
// key it stands for: "%41" is not, nor "a%~", nor the name of a version, nor a
// reserved one. Of a shortened name it tells only that it may be one.
func CanonicalFlat(name string) bool {
	d := DecodeFlat(name)
	switch {
	case d.Reserved, d.Versioned:
		return false
	case d.Hash != "":
		return !d.Object
	}
	return EncodeFlat(d.Text) == name
}

// CanonicalSegment is CanonicalFlat for EncodeSegment and, where the name ends
// in "%~", for EncodeTwin.
func CanonicalSegment(name string) bool {
	d := DecodeSegment(name)
	switch {
	case d.Reserved, d.Versioned, strings.Contains(d.Text, "/"):
		return false
	case d.Hash != "":
		return true
	case d.Object:
		return EncodeTwin(d.Text) == name
	}
	return EncodeSegment(d.Text) == name
}

// encodeName encodes text, appends suffix, and shortens what is then too long.
func encodeName(text, suffix string) string {
	var buf [maxNameLen + maxUnitLen]byte // most of what is encoded has room in it
	out, cut := appendEncoded(buf[:0], text)
	if len(out)+len(suffix) > maxNameLen {
		out = append(out[:cut], mark+"h"+hashOf(text)+extension(text)...)
	} else if len(out) == len(text) && suffix == "" {
		return text // each byte of it stands for itself
	}
	return string(append(out, suffix...))
}

// appendEncoded appends the encoding of text to out, which is empty. cut is the last boundary between characters at or
// below shortPrefixLen.
func appendEncoded(out []byte, text string) (_ []byte, cut int) {
	dots := 0 // up to there a segment "." or ".." goes
	for i := 0; i < len(text); {
		if n := plainBytes(text[i:]); n > 0 {
			if len(out) <= shortPrefixLen {
				cut = min(len(out)+n, shortPrefixLen)
			}
			out = append(out, text[i:i+n]...)
			i += n
			continue
		}
		n, escaped := 1, false
		switch c := text[i]; {
		case c == '.':
			if i == 0 || text[i-1] == '/' {
				dots = i + dotSegment(text[i:])
			}
			escaped = i < dots
		case c < utf8.RuneSelf:
			escaped = escapes(text, i, out)
		default:
			var r rune
			r, n = utf8.DecodeRuneInString(text[i:])
			escaped = hidden(r)
		}
		if escaped {
			out = appendEscaped(out, text[i:i+n])
		} else {
			out = append(out, text[i:i+n]...)
		}
		if len(out) <= shortPrefixLen {
			cut = len(out)
		}
		i += n
	}
	return out, cut
}

// plainBytes returns how many bytes at the beginning of s stand for themselves, whatever is around them.
func plainBytes(s string) int {
	for i := range len(s) {
		if !plain[s[i]] {
			return i
		}
	}
	return len(s)
}

// plain are the bytes that stand for themselves everywhere.
var plain = func() (plain [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		plain[c] = !strings.ContainsRune("/<>%=!-@,.\x7f", rune(c))
	}
	return plain
}()

// escapes reports whether the ASCII byte i of text must become %XX, where out is what was written for those before it.
func escapes(text string, i int, out []byte) bool {
	rest := text[i+1:]
	switch c := text[i]; c {
	case '/', '<', '>', 0x7f:
		return true
	case '%':
		return strings.HasPrefix(rest, "~") || len(rest) >= 2 && isHex(rest[0]) && isHex(rest[1])
	case '=', '!':
		return strings.HasPrefix(rest, "=")
	case '-':
		return i == 0
	case '@':
		word, _, _ := strings.Cut(rest, ",")
		return i == 0 && search.IsDirective(word)
	case ',':
		// What is written so far is what the parser would take for the key. It
		// may have commas, as %2C: of "meta.a,in,exists" both must go.
		return endsKey(out, rest)
	default:
		return c < 0x20
	}
}

const upperHex = "0123456789ABCDEF"

func appendEscaped(out []byte, s string) []byte {
	for _, c := range []byte(s) {
		out = append(out, '%', upperHex[c>>4], upperHex[c&15])
	}
	return out
}

// dotSegment returns the length of the segment that s starts with when it is
// "." or "..", else 0.
func dotSegment(s string) int {
	seg, _, _ := strings.Cut(s, "/")
	if seg == "." || seg == ".." {
		return len(seg)
	}
	return 0
}

// hidden reports whether r, beyond ASCII, is a C1 control or one of the
// characters that turn the direction of text (Unicode Bidi_Control).
func hidden(r rune) bool {
	switch {
	case r < 0xa0, // RuneError, for bytes that are not UTF-8, is above
		r == 0x061c,
		r == 0x200e, r == 0x200f,
		r >= 0x202a && r <= 0x202e,
		r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// spellCommas returns name with each comma encoded that EncodeFlat would encode, so that
// it is no query for any schema.
func spellCommas(name string) string {
	out := make([]byte, 0, len(name)+4)
	for i := range len(name) {
		if name[i] == ',' && endsKey(out, name[i+1:]) {
			out = append(out, "%2C"...)
		} else {
			out = append(out, name[i])
		}
	}
	return string(out)
}

// endsKey reports whether a comma between these two begins a query: a key, an operator.
func endsKey(before []byte, rest string) bool {
	word, _, _ := strings.Cut(rest, ",")
	return search.IsOperator(word) && isKeySyntax(before)
}

// isKeySyntax reports whether name has the syntax of a key in a comma form:
// letters, digits, "-", "_", ".", and %XX for any other byte.
func isKeySyntax(name []byte) bool {
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case isAlnum(c), c == '-', c == '_', c == '.':
		case c == '%' && i+2 < len(name) && isHex(name[i+1]) && isHex(name[i+2]):
			i += 2
		default:
			return false
		}
	}
	return len(name) > 0
}

// extension returns the extension of text that a shortened name keeps: its
// last "." and what follows, when that is 1 to 16 ASCII letters and digits; else "".
func extension(text string) string {
	i := strings.LastIndexByte(text, '.')
	if i < 0 || !isExtension(text[i:]) {
		return ""
	}
	return text[i:]
}

func isExtension(s string) bool {
	if len(s) < 2 || len(s) > 1+maxExtLen || s[0] != '.' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if !isAlnum(c) {
			return false
		}
	}
	return true
}

// shortHash reads what follows "%~" in a shortened name: "h", the hash, and an
// extension or nothing.
func shortHash(tail string) (hash string, ok bool) {
	if len(tail) < 1+hashLen || tail[0] != 'h' {
		return "", false
	}
	hash, ext := tail[1:1+hashLen], tail[1+hashLen:]
	return hash, isHash(hash) && (ext == "" || isExtension(ext))
}

func isHash(s string) bool {
	for _, c := range []byte(s) {
		if !isHex(c) || c >= 'A' && c <= 'F' {
			return false
		}
	}
	return len(s) == hashLen
}

// decodePercent replaces every %XX by its byte; any other "%" stands for itself.
func decodePercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unhex returns the value of a hex digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
