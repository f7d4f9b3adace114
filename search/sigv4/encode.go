package sigv4

import (
	"bytes"
	"net/url"
	"path"
	"slices"
	"strings"
)

// PathRules say how a service's canonical path is made. The zero value is the
// rule of every AWS service but S3.
type PathRules struct {
	// DisableDoubleEncode encodes the path once. Otherwise the path as sent,
	// already percent-encoded, is encoded again.
	DisableDoubleEncode bool
	// DisableNormalize keeps "." and ".." segments and repeated slashes.
	DisableNormalize bool
}

// forService makes p the rules for service: S3's services have their own.
func (p PathRules) forService(service string) PathRules {
	if isS3(service) {
		return PathRules{DisableDoubleEncode: true, DisableNormalize: true}
	}
	return p
}

func isS3(service string) bool {
	switch service {
	case "s3", "s3express", "s3-object-lambda", "s3-outposts":
		return true
	}
	return false
}

// form is a way in which clients percent-encode what they sign.
type form uint8

const (
	// formAWS keeps RFC 3986's unreserved characters and encodes all others.
	formAWS form = iota
	// formJava is that of java.net.URLEncoder with blanks as %20, which keeps
	// "*" and encodes "~", and the path as sent but for %2F, which is a slash.
	// Dell EMC's Java client for ECS signs so:
	// https://github.com/EMCECS/ecs-object-client-java S3SignerV4
	formJava
)

func (f form) keeps(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		return true
	case c == '~':
		return f == formAWS
	case c == '*':
		return f == formJava
	}
	return false
}

// Escape percent-encodes every byte of s that is not one of RFC 3986's
// unreserved characters (letters, digits and "-._~"), with capitals: the
// encoding of a query name or value.
func Escape(s string) string { return escape(s, false) }

// EscapePath is Escape that keeps "/": the encoding of an object key in a path.
func EscapePath(s string) string { return escape(s, true) }

func escape(s string, slash bool) string {
	for i := range len(s) {
		if c := s[i]; !formAWS.keeps(c) && !(slash && c == '/') {
			b := append(make([]byte, 0, len(s)+16), s[:i]...)
			return string(appendEscaped(b, s[i:], slash))
		}
	}
	return s
}

func appendEscaped(b []byte, s string, slash bool) []byte {
	for i := range len(s) {
		b = appendByte(b, s[i], formAWS, slash)
	}
	return b
}

func appendByte(b []byte, c byte, f form, slash bool) []byte {
	const upperHex = "0123456789ABCDEF"
	if f.keeps(c) || slash && c == '/' {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// appendRecoded appends s, a piece of a URL, decoded and encoded again. A "%"
// that begins no triplet is a literal. With slash a bare "/" stays, and an
// encoded one stays encoded.
func appendRecoded(b []byte, s string, f form, slash bool) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 16 && lo < 16 {
				b = appendByte(b, hi<<4|lo, f, false)
				i += 2
				continue
			}
		}
		b = appendByte(b, s[i], f, slash)
	}
	return b
}

// unhex is the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// appendPath appends the canonical path of u.
func appendPath(b []byte, u *url.URL, rules PathRules, f form) []byte {
	p := u.EscapedPath()
	if p == "" {
		p = "/"
	}
	if !rules.DisableNormalize {
		p = normalizePath(p)
	}
	switch {
	case !rules.DisableDoubleEncode:
		return appendEscaped(b, p, true)
	case f == formJava:
		return append(b, strings.ReplaceAll(p, "%2F", "/")...)
	default:
		return appendRecoded(b, p, f, true)
	}
}

// normalizePath removes dot segments and repeated slashes; a slash at the end
// stays.
func normalizePath(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// param is one query parameter, as offsets into scratch.text: the encoded name
// is text[name:value], the encoded value text[value:end].
type param struct{ name, value, end int }

// appendQuery appends the canonical form of raw, a URL's query, to b. The
// parameter called skip, if not empty, is left out.
func (s *scratch) appendQuery(b []byte, raw string, f form, skip string) []byte {
	if raw == "" {
		return b
	}
	s.text, s.params = s.text[:0], s.params[:0]
	for raw != "" {
		var piece string
		piece, raw, _ = strings.Cut(raw, "&")
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		p := param{name: len(s.text)}
		s.text = appendRecoded(s.text, name, f, false)
		p.value = len(s.text)
		if skip != "" && string(s.text[p.name:p.value]) == skip {
			s.text = s.text[:p.name]
			continue
		}
		s.text = appendRecoded(s.text, value, f, false)
		p.end = len(s.text)
		s.params = append(s.params, p)
	}
	text := s.text
	slices.SortFunc(s.params, func(x, y param) int {
		if c := bytes.Compare(text[x.name:x.value], text[y.name:y.value]); c != 0 {
			return c
		}
		return bytes.Compare(text[x.value:x.end], text[y.value:y.end])
	})
	for i, p := range s.params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, text[p.name:p.value]...)
		b = append(b, '=')
		b = append(b, text[p.value:p.end]...)
	}
	return b
}

// CanonicalQuery is the canonical form of rawQuery, a URL's query without its
// question mark. It is itself a query that means the same.
func CanonicalQuery(rawQuery string) string {
	s := newScratch()
	defer s.free()
	return string(s.appendQuery(nil, rawQuery, formAWS, ""))
}
