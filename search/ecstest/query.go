package ecstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// defaultPageSize is what ECS echoes as MaxKeys when none is sent.
const defaultPageSize = 1000

// olderVersionsParams are the spellings that ECS's own clients use.
var olderVersionsParams = []string{"include-older-versions", "include_older_version", "include-older-version"}

var queryParams = append([]string{"query", "attributes", "sorted", "max-keys", "marker", "prefix", "delimiter", "encoding-type"},
	olderVersionsParams...)

// query answers GET /bucket?query=EXPR.
func (s *Server) query(w http.ResponseWriter, c *call) *apiError {
	text := c.Query.Get("query")
	if strings.Trim(text, " ") == "" {
		return invalidArgument("the parameter query is empty")
	}
	wanted, err := parseAttributes(c.Query.Get("attributes"))
	if err != nil {
		return err
	}
	limit, err := s.maxKeys(c)
	if err != nil {
		return err
	}
	if limit == 0 {
		limit = s.pageSize() // ECS's own Java client resends a MaxKeys of 0 that it was told
	}
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	for _, p := range olderVersionsParams {
		if v := c.Query.Get(p); v != "" && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			return invalidArgument("the parameter %s is true or false, not %q", p, v)
		}
	}
	e, parseErr := parseExpr(text)
	if parseErr != nil {
		return invalidArgument("%v", parseErr)
	}

	q := &search{prefix: c.Query.Get("prefix"), delimiter: c.Query.Get("delimiter"), seed: s.seed(), limit: limit}
	var rows []row
	var more bool
	var keys []searchKey
	var binding string
	err = s.store.view(c.Bucket, func(b *bucket) (err *apiError) {
		if b.search == nil {
			return errSearchNotEnabled
		}
		keys = b.search.keys
		if q.predicate, err = b.search.bind(e); err != nil {
			return err
		}
		if q.sorted, err = sortColumn(b.search, q, c.Query.Get("sorted")); err != nil {
			return err
		}
		binding = strings.Join([]string{b.name, b.created.String(), text, q.prefix, q.delimiter, strconv.Itoa(q.sorted)}, "\x00")
		if marker := c.Query.Get("marker"); marker != "" {
			after, markerErr := decodeMarker(binding, marker)
			if markerErr != nil {
				return invalidArgument("%v", markerErr)
			}
			q.after = after
		}
		rows, more = b.search.page(b.objects, q)
		return nil
	})
	if err != nil {
		return err
	}

	more = more || s.MarkFullPage && len(rows) == limit
	x := newXML("BucketQueryResult", `xmlns:ns2="`+s3Namespace+`"`)
	x.elem("Name", c.Bucket)
	x.elem("Marker", c.Query.Get("marker"))
	if more {
		x.elem("NextMarker", encodeMarker(binding, cursorOf(rows[len(rows)-1], q.sorted)))
	} else {
		s.EndMarker.write(x)
	}
	x.bool("IsTruncated", more)
	x.int("MaxKeys", int64(limit))
	x.begin("ObjectMatches")
	for _, r := range rows {
		if r.object != nil {
			s.writeMatch(x, c.Bucket, r.object, keys, wanted, encode)
		}
	}
	x.end()
	if q.delimiter != "" {
		x.begin("CommonPrefixMatches")
		for _, r := range rows {
			if r.object == nil {
				x.elem("PrefixGroups", encode(r.prefix))
			}
		}
		x.end()
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// sortColumn returns the column of the query's order: the one that sorted
// names, which must be in the expression, else the first in the expression.
// With "or", prefix or delimiter ECS promises no order, so there is none here.
func sortColumn(si *searchIndex, q *search, sorted string) (int, *apiError) {
	column := q.predicate.conditions[0].column
	if sorted != "" {
		var ok bool
		if column, ok = si.column(sorted); !ok || !slices.ContainsFunc(q.predicate.conditions,
			func(c *condition) bool { return c.column == column }) {
			return 0, invalidArgument("the parameter sorted names %q, which is not a key of the query expression", sorted)
		}
	}
	if q.predicate.hasOr || q.prefix != "" || q.delimiter != "" {
		return noColumn, nil
	}
	return column, nil
}

func cursorOf(r row, sorted int) cursor {
	if r.object == nil {
		return cursor{name: r.prefix}
	}
	c := cursor{name: r.object.key, version: r.object.versionID}
	if sorted != noColumn {
		c.value = r.object.values[sorted]
	}
	return c
}

// attributes is what the parameter of that name asks for beside the indexed
// keys.
type attributes struct {
	allSystem, allUser bool
	system             []*sysAttr
	user               []string // in lower case
}

func parseAttributes(param string) (attributes, *apiError) {
	var a attributes
	if param == "" {
		return a, nil
	}
	for name := range strings.SplitSeq(param, ",") {
		switch lower := strings.ToLower(name); {
		case name == "ALL":
			a.allSystem, a.allUser = true, true
		case name == "ALL_SMD":
			a.allSystem = true
		case name == "ALL_UMD":
			a.allUser = true
		case strings.HasPrefix(lower, metaPrefix) && len(lower) > len(metaPrefix):
			a.user = append(a.user, lower)
		default:
			attr := findSysAttr(name)
			if attr == nil || !attr.optional {
				return a, invalidArgument("the parameter attributes names %q, which is no attribute", name)
			}
			a.system = append(a.system, attr)
		}
	}
	return a, nil
}

// writeMatch writes one row: every indexed key that the object has a value
// for, and the attributes asked for. A system attribute that was asked for and
// that the object lacks is an empty text. A block without entries is left out.
func (s *Server) writeMatch(x *xmlWriter, bucketName string, o *object, keys []searchKey, wanted attributes, encode func(string) string) {
	x.begin("object")
	x.elem("objectName", encode(o.key))
	x.elem("objectId", o.id(bucketName))
	x.elem("versionId", o.versionID)

	system := entries{x: x, blockType: "SYSMD", encode: encode}
	for i, k := range keys {
		if k.sys != nil && o.in&(1<<i) != 0 {
			system.add(k.sys.alias, k.sys.text(s, o))
		}
	}
	if !s.NoSearchAttributes {
		for i := range sysAttrs {
			if a := &sysAttrs[i]; a.optional && (wanted.allSystem || slices.Contains(wanted.system, a)) {
				system.add(a.alias, a.text(s, o))
			}
		}
	}
	system.end()

	user := entries{x: x, blockType: "USERMD", encode: encode}
	for i, k := range keys {
		if k.sys == nil && o.in&(1<<i) != 0 {
			user.addAs(s.KeyCase.spell(k), k.name, o.meta.text(k.name))
		}
	}
	if !s.NoSearchAttributes && (wanted.allUser || len(wanted.user) > 0) {
		for name, text := range o.meta.all() {
			if wanted.allUser || slices.Contains(wanted.user, name) {
				user.add(name, text)
			}
		}
	}
	user.end()
	x.elem("indexKey", "")
	x.end()
}

// entries writes one queryMds block: nothing before the first entry, and no
// key twice.
type entries struct {
	x         *xmlWriter
	blockType string
	encode    func(string) string
	seen      []string
}

func (e *entries) add(key, text string) { e.addAs(key, key, text) }

func (e *entries) addAs(spelled, key, text string) {
	if slices.Contains(e.seen, key) {
		return
	}
	if len(e.seen) == 0 {
		e.x.begin("queryMds")
		e.x.elem("type", e.blockType)
		e.x.begin("mdMap")
	}
	e.seen = append(e.seen, key)
	e.x.begin("entry")
	e.x.elem("key", spelled)
	e.x.elem("value", e.encode(text))
	e.x.end()
}

func (e *entries) end() {
	if len(e.seen) > 0 {
		e.x.end()
		e.x.end()
	}
}
