package ecs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// systemNames maps the aliases of system keys in query rows, in lower case, to
// the native names. The aliases are those that EMCECS/spark-ecs-connector
// lists; native names are taken too.
var systemNames = map[string]string{
	"object-name": "ObjectName", "objectname": "ObjectName",
	"owner":      "Owner",
	"size":       "Size",
	"createtime": "CreateTime",
	"mtime":      "LastModified", "lastmodified": "LastModified",
	"ctype": "ContentType", "contenttype": "ContentType",
	"encoding": "ContentEncoding", "contentencoding": "ContentEncoding",
	"expiration":        "Expiration",
	"expires":           "Expires",
	"retention":         "Retention",
	"etag":              "Etag",
	"namespace":         "Namespace",
	"replicationstatus": "ReplicationStatus",
	"objname":           "ObjName",
}

// attributeKey is the name of an attribute, looked up once for all rows of a page that have it.
type attributeKey struct {
	sent   string // as sent
	name   string // canonical
	native string // that a search.Object has it by
	field  objectField
}

// objectField says which part of a search.Object an attribute is.
type objectField uint8

const (
	fieldSystem objectField = iota // Metadata, unless it is empty
	fieldUser                      // Metadata
	fieldKey
	fieldSize
	fieldModTime
	fieldETag
	fieldContentType
)

var objectFields = map[string]objectField{"ObjectName": fieldKey, "Size": fieldSize, "LastModified": fieldModTime,
	"Etag": fieldETag, "ContentType": fieldContentType}

// newAttributeKey looks up the name of an attribute.
func newAttributeKey(sent string) *attributeKey {
	name := search.CanonicalName(strings.TrimSpace(sent))
	k := &attributeKey{sent: sent, name: name, native: name}
	if strings.HasPrefix(name, search.MetaPrefix) {
		k.field = fieldUser
		return k
	}
	if native, ok := systemNames[strings.ToLower(name)]; ok {
		k.native = native
	}
	k.field = objectFields[k.native]
	return k
}

// rawMatch is one <object> of a page, as sent. One is used for all of a page.
type rawMatch struct {
	name, objectID, versionID piece
	// attributes are those of all blocks. A block's type is not relied on:
	// servers send none, one or two blocks, and user keys say what they are.
	attributes []attribute
	texts      texts // that pieces are of

	keys  map[string]*attributeKey // of the page, by the name as sent; at most maxEntries
	types names                    // content types of the page
	kept  []byte                   // memory of row
}

// piece is one of texts.
type piece struct{ from, to int }

type attribute struct {
	key   *attributeKey
	value piece
}

// isMetadata reports whether a row has the attribute in its Metadata. An optional attribute that an
// object does not have comes as empty text.
func (a *attribute) isMetadata() bool {
	switch a.key.field {
	case fieldUser:
		return true
	case fieldSystem:
		return a.value.from < a.value.to && a.key.native != ""
	}
	return false
}

// texts are texts that were read, one after another.
type texts []byte

// read consumes the open element and adds its text, which is then *p.
func (t *texts) read(w *walker, p *piece) error {
	text, err := w.raw()
	p.from = len(*t)
	*t = append(*t, text...)
	p.to = len(*t)
	return err
}

func (m *rawMatch) text(p piece) []byte { return m.texts[p.from:p.to] }

// key returns what is known of a name that was sent. guess is the key that stood there in the row
// before: mostly it is that again.
func (m *rawMatch) key(sent []byte, guess *attributeKey) *attributeKey {
	if guess != nil && guess.sent == string(sent) {
		return guess
	}
	k, ok := m.keys[string(sent)]
	if !ok {
		k = newAttributeKey(string(sent))
		if m.keys == nil {
			m.keys = make(map[string]*attributeKey)
		}
		if len(m.keys) < maxEntries {
			m.keys[k.sent] = k
		}
	}
	return k
}

// match reads the rest of an <object> into m.
func (w *walker) match(m *rawMatch) error {
	m.name, m.objectID, m.versionID = piece{}, piece{}, piece{}
	m.attributes, m.texts = m.attributes[:0], m.texts[:0]
	return w.children(func(name string) error {
		switch name {
		case "objectName":
			return m.texts.read(w, &m.name)
		case "objectId":
			return m.texts.read(w, &m.objectID)
		case "versionId":
			return m.texts.read(w, &m.versionID)
		case "queryMds":
			return w.queryMds(m)
		default:
			return w.skip()
		}
	})
}

// queryMds reads one block of attributes.
func (w *walker) queryMds(m *rawMatch) error {
	return w.children(func(name string) error {
		if name != "mdMap" {
			return w.skip()
		}
		return w.children(func(name string) error {
			if name != "entry" {
				return w.skip()
			}
			return w.entry(m)
		})
	})
}

// noKey is the name of an attribute that was sent without one.
var noKey = newAttributeKey("")

// entry reads one attribute.
func (w *walker) entry(m *rawMatch) error {
	n := len(m.attributes)
	if n >= maxEntries {
		return badf("more than %d attributes of an object", maxEntries)
	}
	var guess *attributeKey
	if n < cap(m.attributes) {
		guess = m.attributes[:n+1][n].key
	}
	a := attribute{key: noKey}
	err := w.children(func(name string) error {
		switch name {
		case "key":
			text, err := w.raw()
			a.key = m.key(text, guess)
			return err
		case "value":
			return m.texts.read(w, &a.value)
		default:
			return w.skip()
		}
	})
	m.attributes = append(m.attributes, a)
	return err
}

// isPlain reports whether the name, which was to be percent-encoded, holds
// what such text never does.
func (m *rawMatch) isPlain() bool {
	return bytes.ContainsFunc(m.text(m.name), func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// decode replaces the percent-encoded texts of m: its name and the values of
// its attributes, as EMCECS/ecs-object-client-java decodes them. It fails on what is not
// such text; the texts are of no use then.
func (m *rawMatch) decode() error {
	decode := func(p *piece) error {
		decoded, err := percentDecodeInPlace(m.text(*p), plusIsPlus)
		if err == nil {
			p.to = p.from + len(decoded)
		}
		return err
	}
	if err := decode(&m.name); err != nil {
		return err
	}
	for i := range m.attributes {
		if err := decode(&m.attributes[i].value); err != nil {
			return err
		}
	}
	return nil
}

// lacks reports whether the match has no system key of this native name.
func (m *rawMatch) lacks(native string) bool {
	return !slices.ContainsFunc(m.attributes, func(a attribute) bool {
		return a.key.native == native && (a.isMetadata() || a.key.field > fieldUser)
	})
}

// row returns m as a row of a query. Its texts are one string, without what only m needs.
func (m *rawMatch) row() (row queryRow, err error) {
	o := &row.object
	size, modTime := false, false
	key := m.name
	var alias, etag piece // of attributes that come twice, the last
	others := 0
	for i := range m.attributes {
		a := &m.attributes[i]
		switch a.key.field {
		case fieldKey:
			alias = a.value
		case fieldSize:
			o.Size, size = readSize(m.text(a.value))
		case fieldModTime:
			o.ModTime, modTime = readTime(m.text(a.value))
		case fieldETag:
			etag = a.value
		case fieldContentType:
			o.ContentType = m.types.intern(m.text(a.value))
		default:
			if a.isMetadata() {
				others++
			}
		}
	}
	if key.from == key.to {
		key = alias
	}
	if key.from == key.to {
		return row, badf("an object without a name")
	}

	m.kept = m.kept[:0]
	keep := func(text []byte) { m.kept = append(m.kept, text...) }
	keep(m.text(key))
	keep(m.text(etag))
	keep(m.text(m.versionID))
	for i := range m.attributes {
		if a := &m.attributes[i]; a.isMetadata() {
			keep(m.text(a.value))
		}
	}
	left := string(m.kept)
	cut := func(n int) (s string) {
		s, left = left[:n], left[n:]
		return s
	}
	o.Key = cut(key.to - key.from)
	o.ETag = unquoteETag(cut(etag.to - etag.from))
	o.VersionID = versionID(cut(m.versionID.to - m.versionID.from))
	if others > 0 {
		pairs := make([]string, 0, 2*others)
		for i := range m.attributes {
			if a := &m.attributes[i]; a.isMetadata() {
				pairs = append(pairs, a.key.native, cut(a.value.to-a.value.from))
			}
		}
		o.Metadata = search.MetadataOfPairs(pairs)
	}
	row.noSize, row.noTime, row.noETag = !size, !modTime, o.ETag == ""
	return row, nil
}

// match returns m with its attributes parted by their names.
func (m *rawMatch) match() Match {
	texts := string(m.texts)
	var system, user []string
	for i := range m.attributes {
		a := &m.attributes[i]
		to := &system
		if a.key.field == fieldUser {
			to = &user
		}
		*to = append(*to, a.key.name, texts[a.value.from:a.value.to])
	}
	of := func(p piece) string { return texts[p.from:p.to] }
	return Match{of(m.name), of(m.objectID), of(m.versionID), search.MetadataOfPairs(system), search.MetadataOfPairs(user)}
}

// readNumber reads a decimal number of up to 18 digits and nothing else.
func readNumber(s []byte) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || '9' < c {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// readSize reads a size in bytes.
func readSize(s []byte) (n int64, ok bool) {
	if n, ok = readNumber(s); ok {
		return n, true
	}
	n, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return n, true
}

// Times, in epoch milliseconds, that time.Time prints as RFC 3339: the years 1 to 9999.
const (
	minTime = -62135596800000
	maxTime = 253402300800000
)

// readTime reads epoch milliseconds, as queries give them, or RFC 3339.
func readTime(s []byte) (t time.Time, ok bool) {
	s = bytes.TrimSpace(s)
	ms, ok := readNumber(s)
	if !ok && t.UnmarshalText(s) != nil { // neither of the usual forms
		var err error
		if ms, err = strconv.ParseInt(string(s), 10, 64); err == nil {
			ok = true
		} else if t, err = time.Parse(time.RFC3339Nano, string(s)); err != nil {
			return time.Time{}, false
		}
	}
	if !ok {
		ms = t.UnixMilli()
	} else if minTime < ms && ms < maxTime {
		t = time.UnixMilli(ms)
	}
	if ms <= minTime || ms >= maxTime {
		return time.Time{}, false
	}
	return t.UTC(), true
}
