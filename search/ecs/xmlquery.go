package ecs

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// queryPage is one page of a query.
type queryPage struct {
	rows []queryRow
	next string // marker of the next page; empty: this is the last
	// lossy is true when a name holds U+FFFD, which servers write in place of
	// what XML cannot carry.
	lossy bool
	// plain is true when names that were to be percent-encoded are not.
	plain bool
}

// queryRow is one <object> of a page.
type queryRow struct {
	object search.Object
	// What a row must have but this one has not; one HEAD brings it.
	noSize, noTime, noETag bool
}

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

// decodeQuery reads a <BucketQueryResult>. early, when not nil, is called with
// the marker of the next page as soon as it is read, which in the answers of
// ECS is before the rows. encoded says that names and values are
// percent-encoded.
func decodeQuery(r io.Reader, encoded bool, early func(next string)) (queryPage, error) {
	var page queryPage
	w := newWalker(r)
	if err := w.rootNamed("BucketQueryResult"); err != nil {
		return page, err
	}
	truncated := false
	system, rest := make(map[string]string), make(map[string]string)
	err := w.children(func(name string) (err error) {
		switch name {
		case "NextMarker":
			if page.next, err = w.text(); err != nil {
				return err
			}
			if isEndMarker(page.next) {
				page.next = ""
			} else if early != nil {
				early(page.next)
			}
			return nil
		case "IsTruncated":
			truncated, err = w.boolean()
			return err
		case "ObjectMatches":
			return w.children(func(name string) error {
				if name != "object" {
					return w.skip()
				}
				if len(page.rows) == maxRows {
					return badf("more than %d objects", maxRows)
				}
				row, plain, err := w.queryRow(encoded, system, rest)
				if err != nil {
					return err
				}
				page.plain = page.plain || plain
				page.lossy = page.lossy || strings.Contains(row.object.Key, "\ufffd")
				page.rows = append(page.rows, row)
				return nil
			})
		default:
			return w.skip()
		}
	})
	if err == nil && truncated && page.next == "" {
		err = badf("the page says that more follows, but not where (IsTruncated without NextMarker)")
	}
	return page, err
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

// queryRow reads the rest of an <object>. plain is true when its name was to
// be percent-encoded and holds what such text never does.
//
// system and rest are maps to use again from row to row: the attributes that
// Object has fields for, and those that become its Metadata.
func (w *walker) queryRow(encoded bool, system, rest map[string]string) (row queryRow, plain bool, err error) {
	var key, version string
	clear(system)
	clear(rest)
	err = w.children(func(name string) error {
		switch name {
		case "objectName":
			return w.textInto(&key)
		case "versionId":
			return w.textInto(&version)
		case "queryMds":
			return w.queryMds(encoded, system, rest)
		default:
			return w.skip()
		}
	})
	if err != nil {
		return row, false, err
	}
	if encoded {
		plain = strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f })
		if key, err = percentDecode(key, plusIsPlus); err != nil {
			return row, plain, err
		}
	}
	if key == "" {
		key = system["ObjectName"]
	}
	if key == "" {
		return row, plain, badf("an object without a name")
	}

	row.object = search.Object{Key: key, VersionID: versionID(version)}
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
	return row, plain, nil
}

// queryMds reads one block of attributes: those that Object has fields for
// into system, the others into rest. A block's type is not relied on: servers
// send none, one or two blocks, and user keys say what they are.
func (w *walker) queryMds(encoded bool, system, rest map[string]string) error {
	return w.children(func(name string) error {
		if name != "mdMap" {
			return w.skip()
		}
		return w.children(func(name string) error {
			if name != "entry" {
				return w.skip()
			}
			if len(system)+len(rest) >= maxEntries {
				return badf("more than %d attributes of an object", maxEntries)
			}
			var key, value string
			err := w.children(func(name string) error {
				switch name {
				case "key":
					return w.textInto(&key)
				case "value":
					return w.textInto(&value)
				default:
					return w.skip()
				}
			})
			if err != nil {
				return err
			}
			if encoded {
				if value, err = percentDecode(value, plusIsPlus); err != nil {
					return err
				}
			}
			putAttribute(key, value, system, rest)
			return nil
		})
	})
}

// putAttribute files one attribute under its native name.
func putAttribute(key, value string, system, rest map[string]string) {
	if key = search.CanonicalName(strings.TrimSpace(key)); strings.HasPrefix(key, search.MetaPrefix) {
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

// versionID maps the names that servers give to "no version" to the empty one.
func versionID(s string) string {
	if s = strings.TrimSpace(s); s == "0" || s == "null" {
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
