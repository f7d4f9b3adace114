package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// Algorithm names the scheme in the Authorization header and the query.
	Algorithm = "AWS4-HMAC-SHA256"
	// TimeFormat is that of x-amz-date, always in UTC.
	TimeFormat = "20060102T150405Z"
	// EmptyPayloadHash is the SHA-256 of an empty body.
	EmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// UnsignedPayload stands for the payload hash of a body that is not signed.
	UnsignedPayload = "UNSIGNED-PAYLOAD"

	dayFormat  = "20060102"
	terminator = "aws4_request"
)

// CanonicalRequest is the canonical form of r: method, path, query, the headers
// named in signedHeaders, their names, and payloadHash, a line each. Header
// names may be in any case and order; one that r lacks counts as empty. The
// host is r.Host, or that of r.URL. r is not changed.
func CanonicalRequest(r *http.Request, signedHeaders []string, payloadHash string, rules PathRules) string {
	names := make([]string, len(signedHeaders))
	for i, name := range signedHeaders {
		names[i] = strings.ToLower(name)
	}
	slices.Sort(names)
	s := newScratch()
	defer s.free()
	s.collectNamed(r, slices.Compact(names))
	s.canonicalRequest(r, r.URL.RawQuery, "", rules, formAWS, payloadHash)
	return string(s.request)
}

// Scope is the credential scope: day, region, service and "aws4_request",
// joined by slashes.
func Scope(at time.Time, region, service string) string {
	return string(appendScope(nil, at, region, service))
}

func appendScope(b []byte, at time.Time, region, service string) []byte {
	b = at.UTC().AppendFormat(b, dayFormat)
	b = append(append(b, '/'), region...)
	b = append(append(b, '/'), service...)
	return append(append(b, '/'), terminator...)
}

// StringToSign is what Signature signs for a canonical request, a time and a
// Scope.
func StringToSign(canonicalRequest string, at time.Time, scope string) string {
	return string(appendStringToSign(nil, []byte(canonicalRequest), at, []byte(scope)))
}

func appendStringToSign(b, canonicalRequest []byte, at time.Time, scope []byte) []byte {
	b = append(b, Algorithm+"\n"...)
	b = append(at.UTC().AppendFormat(b, TimeFormat), '\n')
	b = append(append(b, scope...), '\n')
	sum := sha256.Sum256(canonicalRequest)
	return hex.AppendEncode(b, sum[:])
}

// scratch holds the buffers of one computation. They are pooled: signing a
// request allocates for what it puts into the request alone.
type scratch struct {
	fields  []field
	params  []param
	text    []byte // what params point into
	request []byte // the canonical request
	names   []byte // SignedHeaders
	scope   []byte
	toSign  []byte
	sum     [sha256.Size]byte
	line    []byte // the Authorization header, or a query
}

// field is one line of Request.Header, or an implied header such as host. Two
// fields have the same name if the map has a header in two spellings.
type field struct {
	name   string   // lower case
	key    string   // as in the map: net/http sends them in this order
	values []string // nil: value is the only one
	value  string
}

func (f field) compare(g field) int {
	if c := strings.Compare(f.name, g.name); c != 0 {
		return c
	}
	return strings.Compare(f.key, g.key)
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func newScratch() *scratch { return scratches.Get().(*scratch) }

// free gives s back. Header values are dropped, so that the pool holds none of
// a caller's strings; buffers that one large request made are not kept.
func (s *scratch) free() {
	const maxKept = 64 << 10
	if cap(s.request)+cap(s.text)+cap(s.line) > maxKept || cap(s.fields) > 256 {
		return
	}
	clear(s.fields)
	s.fields = s.fields[:0]
	clear(s.request)
	clear(s.line)
	scratches.Put(s)
}

// collectNamed gathers the headers of r that names, sorted and lower-case,
// lists.
func (s *scratch) collectNamed(r *http.Request, names []string) {
	s.fields = s.fields[:0]
	for key, values := range r.Header {
		name := lowerName(key)
		if _, ok := slices.BinarySearch(names, name); ok && name != "host" {
			s.fields = append(s.fields, field{name: name, key: key, values: values})
		}
	}
	slices.SortFunc(s.fields, field.compare)
	found, i := len(s.fields), 0
	for _, name := range names {
		first := i
		for i < found && s.fields[i].name == name {
			i++
		}
		if i == first {
			s.fields = append(s.fields, field{name: name, value: implied(r, name)})
		}
	}
	if len(s.fields) > found {
		slices.SortFunc(s.fields, field.compare)
	}
}

// implied is the value of a header that net/http keeps outside Request.Header.
func implied(r *http.Request, name string) string {
	switch name {
	case "host":
		return host(r)
	case "content-length":
		if r.ContentLength >= 0 {
			return strconv.FormatInt(r.ContentLength, 10)
		}
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	return ""
}

// host is what a client sends, and a server received, as the Host header.
func host(r *http.Request) string {
	if r.Host != "" || r.URL == nil {
		return r.Host
	}
	return r.URL.Host
}

// canonicalRequest fills s.request and s.names from s.fields, which are sorted.
func (s *scratch) canonicalRequest(r *http.Request, rawQuery, skip string, rules PathRules, f form, payloadHash string) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	b := append(append(s.request[:0], method...), '\n')
	b = append(appendPath(b, r.URL, rules, f), '\n')
	b = append(s.appendQuery(b, rawQuery, f, skip), '\n')
	s.names = s.names[:0]
	for i, f := range s.fields {
		if i > 0 && s.fields[i-1].name == f.name {
			b[len(b)-1] = ','
		} else {
			if i > 0 {
				s.names = append(s.names, ';')
			}
			s.names = append(s.names, f.name...)
			b = append(append(b, f.name...), ':')
		}
		b = append(f.append(b), '\n')
	}
	b = append(b, '\n')
	b = append(append(b, s.names...), '\n')
	s.request = append(b, payloadHash...)
}

// append appends the canonical value: each trimmed, runs of blanks made one,
// joined by commas.
func (f field) append(b []byte) []byte {
	if f.values == nil {
		return appendTrimmed(b, f.value)
	}
	for i, v := range f.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		if v[i] == ' ' && v[i-1] == ' ' { // v[0] is no blank
			continue
		}
		b = append(b, v[i])
	}
	return b
}

// lowerNames spares an allocation for the headers that nearly every request has.
var lowerNames = map[string]string{
	"Accept":                       "accept",
	"Accept-Encoding":              "accept-encoding",
	"Amz-Sdk-Invocation-Id":        "amz-sdk-invocation-id",
	"Amz-Sdk-Request":              "amz-sdk-request",
	"Authorization":                "authorization",
	"Content-Length":               "content-length",
	"Content-Md5":                  "content-md5",
	"Content-Type":                 "content-type",
	"If-Match":                     "if-match",
	"If-None-Match":                "if-none-match",
	"Range":                        "range",
	"User-Agent":                   "user-agent",
	"X-Amz-Content-Sha256":         "x-amz-content-sha256",
	"X-Amz-Date":                   "x-amz-date",
	"X-Amz-Decoded-Content-Length": "x-amz-decoded-content-length",
	"X-Amz-Security-Token":         "x-amz-security-token",
	"X-Amz-Trailer":                "x-amz-trailer",
}

func lowerName(key string) string {
	if name, ok := lowerNames[key]; ok {
		return name
	}
	return strings.ToLower(key)
}
