package ecstest

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// listing is one page of a plain listing, whatever its version.
type listing struct {
	prefix, delimiter string
	after             string // rows after this name; a common prefix covers all its keys
	// rolledUp says that after, where it is below a common prefix, stands for
	// that: so do S3's markers, but not start-after.
	rolledUp bool
	limit    int
}

// page returns the rows in the order of UTF-16 code units, and whether more
// follow.
func (b *bucket) page(l listing) (rows []row, more bool) {
	if l.limit == 0 {
		return nil, false
	}
	run := b.objects.below(l.prefix)
	if l.after != "" {
		run = run.intersect(span{ix: b.objects, from: newestOf(l.after + "\x00")})
		if group, ok := l.passed(); ok {
			run = run.past(group)
		}
	}
	for {
		var group string
		for o := range run.each {
			if len(rows) == l.limit {
				return rows, true
			}
			var ok bool
			if group, ok = l.groupOf(o.key); ok {
				rows = append(rows, row{prefix: group})
				break
			}
			rows = append(rows, row{object: o})
		}
		if group == "" {
			return rows, false
		}
		run = run.past(group)
	}
}

// groupOf returns the common prefix that key is rolled up into.
func (l listing) groupOf(key string) (string, bool) {
	if l.delimiter == "" || !strings.HasPrefix(key, l.prefix) {
		return "", false
	}
	i := strings.Index(key[len(l.prefix):], l.delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(l.prefix)+i+len(l.delimiter)], true
}

// passed returns the common prefix that the page begins after, if it does.
func (l listing) passed() (group string, ok bool) {
	group, ok = l.groupOf(l.after)
	return group, ok && (l.rolledUp || group == l.after)
}

// past narrows a run by name to what comes after every key below group.
func (s span) past(group string) span {
	end, ok := prefixEnd(group)
	if !ok { // nothing is above it
		return span{ix: s.ix, from: newestOf(group), to: newestOf(group)}
	}
	return s.intersect(span{ix: s.ix, from: newestOf(end)})
}

func (r row) name() string {
	if r.object != nil {
		return r.object.key
	}
	return r.prefix
}

// listParams reads the parameters that all listings have.
func (s *Server) listParams(c *call, l *listing) (encode func(string) string, err *apiError) {
	l.prefix, l.delimiter = c.Query.Get("prefix"), c.Query.Get("delimiter")
	if l.limit, err = s.maxKeys(c); err != nil {
		return nil, err
	}
	return c.encoder()
}

// list reads the page that l asks for.
func (s *Server) list(c *call, l *listing) (rows []row, more bool, encode func(string) string, err *apiError) {
	if encode, err = s.listParams(c, l); err != nil {
		return nil, false, nil, err
	}
	err = s.data().view(c.Bucket, func(b *bucket) *apiError {
		rows, more = b.page(*l)
		return nil
	})
	return rows, more, encode, err
}

// listObjects answers GET /bucket.
func (s *Server) listObjects(w http.ResponseWriter, c *call) *apiError {
	l := &listing{after: c.Query.Get("marker"), rolledUp: true}
	rows, more, encode, err := s.list(c, l)
	if err != nil {
		return err
	}
	x := newS3XML("ListBucketResult")
	x.elem("Name", c.Bucket)
	x.elem("Prefix", encode(l.prefix))
	x.elem("Marker", encode(l.after))
	if more && l.delimiter != "" { // S3 leaves it out otherwise: the last key serves
		x.elem("NextMarker", encode(rows[len(rows)-1].name()))
	}
	writeRows(x, c, l, rows, more, encode, true)
	writeXML(w, http.StatusOK, x)
	return nil
}

// listObjectsV2 answers GET /bucket?list-type=2.
func (s *Server) listObjectsV2(w http.ResponseWriter, c *call) *apiError {
	if t := c.Query.Get("list-type"); t != "2" {
		return invalidArgument("the parameter list-type is 2, not %q", t)
	}
	l := &listing{after: c.Query.Get("start-after")}
	token := c.Query.Get("continuation-token")
	if token != "" {
		name, err := base64.StdEncoding.Strict().DecodeString(token)
		if err != nil || len(name) == 0 {
			return invalidArgument("The continuation token provided is incorrect")
		}
		l.after = string(name)
	}
	rows, more, encode, err := s.list(c, l)
	if err != nil {
		return err
	}
	x := newS3XML("ListBucketResult")
	x.elem("Name", c.Bucket)
	x.elem("Prefix", encode(l.prefix))
	if after := c.Query.Get("start-after"); after != "" {
		x.elem("StartAfter", encode(after))
	}
	if token != "" {
		x.elem("ContinuationToken", token)
	}
	if more {
		x.elem("NextContinuationToken", base64.StdEncoding.EncodeToString([]byte(rows[len(rows)-1].name())))
	}
	x.int("KeyCount", int64(len(rows)))
	writeRows(x, c, l, rows, more, encode, c.Query.Get("fetch-owner") == "true")
	writeXML(w, http.StatusOK, x)
	return nil
}

func writeRows(x *xmlWriter, c *call, l *listing, rows []row, more bool, encode func(string) string, owner bool) {
	writePage(x, c, l, more, encode)
	for _, r := range rows {
		o := r.object
		if o == nil {
			continue
		}
		x.begin("Contents")
		x.elem("Key", encode(o.key))
		x.time("LastModified", o.time())
		x.elem("ETag", quote(o.etag()))
		x.int("Size", o.size())
		if owner {
			writeOwner(x, o.owner)
		}
		x.elem("StorageClass", "STANDARD")
		x.end()
	}
	writePrefixes(x, rows, encode)
}

// writePage writes what listings of objects and of versions say of a page.
func writePage(x *xmlWriter, c *call, l *listing, more bool, encode func(string) string) {
	x.int("MaxKeys", int64(l.limit))
	if l.delimiter != "" {
		x.elem("Delimiter", encode(l.delimiter))
	}
	if t := c.Query.Get("encoding-type"); t != "" {
		x.elem("EncodingType", t)
	}
	x.bool("IsTruncated", more)
}

func writePrefixes(x *xmlWriter, rows []row, encode func(string) string) {
	for _, r := range rows {
		if r.object == nil {
			x.begin("CommonPrefixes")
			x.elem("Prefix", encode(r.prefix))
			x.end()
		}
	}
}

func writeOwner(x *xmlWriter, id string) {
	x.begin("Owner")
	writeAccount(x, id)
	x.end()
}

func writeAccount(x *xmlWriter, id string) {
	x.elem("ID", id)
	x.elem("DisplayName", id)
}

// maxKeys returns the size of page asked for, at most the server's.
func (s *Server) maxKeys(c *call) (int, *apiError) { return s.limit(c, "max-keys") }

func (s *Server) limit(c *call, param string) (int, *apiError) {
	text := c.Query.Get(param)
	if text == "" {
		return s.pageSize(), nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, invalidArgument("the parameter %s is a number from 0, not %q", param, text)
	}
	return min(int(n), s.pageSize()), nil
}

// encoder returns what encoding-type asks to be done with names and values.
func (c *call) encoder() (func(string) string, *apiError) {
	switch t := c.Query.Get("encoding-type"); t {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return percentEncode, nil
	default:
		return nil, invalidArgument("the parameter encoding-type is url, not %q", t)
	}
}

func quote(etag string) string { return `"` + etag + `"` }
