package ecs

import (
	"cmp"
	"io"
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

// queryAnswer is what a page of a query says beside its rows.
type queryAnswer struct {
	name     string
	next     string // marker of the next page; empty: this is the last
	maxKeys  int    // as sent, often 0; nothing follows from it
	prefixes []string
}

// rawMatch is one <object> of a page, as sent.
type rawMatch struct {
	name, objectID, versionID string
	// attributes are those of all blocks. A block's type is not relied on:
	// servers send none, one or two blocks, and user keys say what they are.
	attributes []attribute
}

type attribute struct{ key, value string }

// decodeQuery reads a <BucketQueryResult>. early, when not nil, is called with
// the marker of the next page as soon as it is read, which in the answers of
// ECS is before the rows. row is called for each of them with a match that is
// valid until it returns.
func decodeQuery(r io.Reader, early func(next string), row func(*rawMatch) error) (queryAnswer, error) {
	var answer queryAnswer
	w := newWalker(r)
	if err := w.rootNamed("BucketQueryResult"); err != nil {
		return answer, err
	}
	var match rawMatch
	rows, truncated := 0, false
	err := w.children(func(name string) (err error) {
		switch name {
		case "Name":
			return w.textInto(&answer.name)
		case "NextMarker":
			if answer.next, err = w.text(); err != nil {
				return err
			}
			if isEndMarker(answer.next) {
				answer.next = ""
			} else if early != nil {
				early(answer.next)
			}
			return nil
		case "IsTruncated":
			truncated, err = w.boolean()
			return err
		case "MaxKeys":
			text, err := w.trimmed()
			if n, bad := strconv.Atoi(text); bad == nil {
				answer.maxKeys = n
			}
			return err
		case "ObjectMatches":
			return w.children(func(name string) error {
				if name != "object" {
					return w.skip()
				}
				if rows++; rows > maxRows {
					return badf("more than %d objects", maxRows)
				}
				if err := w.match(&match); err != nil {
					return err
				}
				return row(&match)
			})
		case "CommonPrefixMatches":
			return w.children(func(name string) error {
				if name != "PrefixGroups" {
					return w.skip()
				}
				if len(answer.prefixes) == maxRows {
					return badf("more than %d common prefixes", maxRows)
				}
				prefix, err := w.text()
				answer.prefixes = append(answer.prefixes, prefix)
				return err
			})
		default:
			return w.skip()
		}
	})
	if err == nil && truncated && answer.next == "" {
		err = badf("the page says that more follows, but not where (IsTruncated without NextMarker)")
	}
	return answer, err
}

// isEndMarker reports whether a NextMarker means that there is no next page:
// absent or blank since ECS 3.4, "NO MORE PAGES" before, "null" in a build of 2019.
func isEndMarker(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || strings.EqualFold(s, "NO MORE PAGES") || strings.EqualFold(s, "null")
}

func (w *walker) boolean() (bool, error) {
	s, err := w.trimmed()
	return strings.EqualFold(s, "true"), err
}

// match reads the rest of an <object> into m, whose memory is used again.
func (w *walker) match(m *rawMatch) error {
	*m = rawMatch{attributes: m.attributes[:0]}
	return w.children(func(name string) error {
		switch name {
		case "objectName":
			return w.textInto(&m.name)
		case "objectId":
			return w.textInto(&m.objectID)
		case "versionId":
			return w.textInto(&m.versionID)
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
			if len(m.attributes) >= maxEntries {
				return badf("more than %d attributes of an object", maxEntries)
			}
			var a attribute
			err := w.children(func(name string) error {
				switch name {
				case "key":
					return w.textInto(&a.key)
				case "value":
					return w.textInto(&a.value)
				default:
					return w.skip()
				}
			})
			a.key = search.CanonicalName(strings.TrimSpace(a.key))
			m.attributes = append(m.attributes, a)
			return err
		})
	})
}

// isPlain reports whether the name, which was to be percent-encoded, holds
// what such text never does.
func isPlain(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// decode replaces the percent-encoded texts of m: its name and the values of
// its attributes, as EMCECS/ecs-object-client-java decodes them. What is not
// such text stays as it is.
func (m *rawMatch) decode() error {
	decode := func(s *string) error {
		decoded, err := percentDecode(*s, plusIsPlus)
		if err == nil {
			*s = decoded
		}
		return err
	}
	err := decode(&m.name)
	for i := range m.attributes {
		err = cmp.Or(err, decode(&m.attributes[i].value))
	}
	return err
}

// rowMaps are maps to use again from row to row: the attributes that Object has
// fields for, and those that become its Metadata.
type rowMaps struct{ system, rest map[string]string }

func newRowMaps() rowMaps { return rowMaps{make(map[string]string), make(map[string]string)} }

// lacks reports whether the row last made has no system key of this name.
func (maps rowMaps) lacks(name string) bool {
	_, system := maps.system[name]
	_, rest := maps.rest[name]
	return !system && !rest
}

// row returns m as a row of a query.
func (m *rawMatch) row(maps rowMaps) (row queryRow, err error) {
	system, rest := maps.system, maps.rest
	clear(system)
	clear(rest)
	for _, a := range m.attributes {
		putAttribute(a.key, a.value, system, rest)
	}
	key := m.name
	if key == "" {
		key = system["ObjectName"]
	}
	if key == "" {
		return row, badf("an object without a name")
	}
	row.object = search.Object{Key: key, VersionID: versionID(m.versionID)}
	o := &row.object
	if o.Size, err = strconv.ParseInt(system["Size"], 10, 64); err != nil || o.Size < 0 {
		o.Size, row.noSize = 0, true
	}
	var ok bool
	if o.ModTime, ok = parseTime(system["LastModified"]); !ok {
		row.noTime = true
	}
	o.ETag = unquoteETag(system["Etag"])
	row.noETag = o.ETag == ""
	o.ContentType = system["ContentType"]
	o.Metadata = search.NewMetadata(rest)
	return row, nil
}

// putAttribute files one attribute, whose key is canonical, under its native name.
func putAttribute(key, value string, system, rest map[string]string) {
	if strings.HasPrefix(key, search.MetaPrefix) {
		rest[key] = value
		return
	}
	native, known := systemNames[strings.ToLower(key)]
	if !known {
		native = key
	}
	switch native {
	case "ObjectName", "Size", "LastModified", "Etag", "ContentType":
		system[native] = value
	default:
		// An optional attribute that an object does not have comes as empty text.
		if value != "" && native != "" {
			rest[native] = value
		}
	}
}

// nullVersion is S3's name for the version that an object has from before its
// bucket had versions.
const nullVersion = "null"

// versionID maps the names that servers give to "no version" to the empty one.
func versionID(s string) string {
	if s = strings.TrimSpace(s); s == "0" || s == nullVersion {
		return ""
	}
	return s
}

func unquoteETag(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// parseTime reads epoch milliseconds, as queries give them, or RFC 3339.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	// Within the years 1 to 9999: outside, time.Time does not print as RFC 3339.
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		t := time.UnixMilli(ms).UTC()
		return t, ms > -62135596800000 && ms < 253402300800000
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}
