package ecstest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// rowSize is about how many bytes a row of an answer has.
const rowSize = 768

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
	g := s.Generation.traits()
	c = c.without(g.IgnoredParams)
	prefix := c.Query.Get("prefix")
	if g.NoEncodedPrefix && prefix != "" && c.Query.Get("encoding-type") != "" {
		return invalidArgument("the parameters prefix and encoding-type cannot be combined")
	}
	wanted, err := g.parseAttributes(c.Query.Get("attributes"))
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
	older, err := s.olderVersions(c)
	if err != nil {
		return err
	}
	e, parseErr := parseExpr(text)
	if parseErr != nil {
		return invalidArgument("%v", parseErr)
	}

	q := &search{prefix: prefix, delimiter: c.Query.Get("delimiter"), seed: s.seed(), limit: limit}
	var rows []row
	var more bool
	var keys []searchKey
	var binding string
	var versioning versioning
	s.data().settle(c.Bucket)
	err = s.data().view(c.Bucket, func(b *bucket) (err *apiError) {
		if b.search == nil {
			return errSearchNotEnabled
		}
		keys, versioning = b.search.keys, b.versioning
		if q.predicate, err = b.search.bind(g, e); err != nil {
			return err
		}
		if q.sorted, err = sortColumn(g, b.search, q, c.Query.Get("sorted")); err != nil {
			return err
		}
		binding = strings.Join([]string{b.name, b.created.String(), text, q.prefix, q.delimiter, strconv.Itoa(q.sorted), strconv.FormatBool(older)}, "\x00")
		if marker := c.Query.Get("marker"); marker != "" {
			after, markerErr := decodeMarker(binding, marker)
			if markerErr != nil {
				return invalidArgument("%v", markerErr)
			}
			q.after = after
		}
		page := b.search.page(q)
		rows, more = page.rows, page.more
		if older {
			rows, more = q.merge(page, b.olderSearch.page(q))
		}
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
		last := cursorOf(rows[len(rows)-1], q.sorted)
		last.page = 2
		if q.after != nil {
			last.page = q.after.page + 1
		}
		x.elem("NextMarker", encodeMarker(binding, last))
	} else {
		s.endMarker().write(x)
	}
	x.bool("IsTruncated", more)
	if s.ZeroMaxKeys && c.Query.Get("max-keys") == "" {
		x.int("MaxKeys", 0)
	} else {
		x.int("MaxKeys", int64(limit))
	}
	x.grow(rowSize * len(rows))
	matches := &matchWriter{Server: s, xml: x, bucket: c.Bucket, versioning: versioning, keys: keys, wanted: wanted, encode: encode,
		partial: g.PartialPrefixRows && prefix != ""}
	if !s.OmitNoMatches || slices.ContainsFunc(rows, func(r row) bool { return r.object != nil }) {
		x.begin("ObjectMatches")
		for _, r := range rows {
			if r.object != nil {
				matches.write(r.object)
			}
		}
		x.end()
	}
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

// without returns c as if it had been sent without some parameters.
func (c *call) without(params []string) *call {
	if len(params) == 0 {
		return c
	}
	less := *c
	less.Query = maps.Clone(c.Query) // what was sent stays on record
	for _, p := range params {
		delete(less.Query, p)
	}
	return &less
}

// olderVersions tells whether a query asks for versions that are not current.
func (s *Server) olderVersions(c *call) (older bool, err *apiError) {
	for _, p := range olderVersionsParams {
		switch v := c.Query.Get(p); strings.ToLower(v) {
		case "", "false":
		case "true":
			older = older || s.OlderVersionsParam == "" || s.OlderVersionsParam == p
		default:
			return false, invalidArgument("the parameter %s is true or false, not %q", p, v)
		}
	}
	return older, nil
}

// sortColumn returns the column of the query's order: the one that sorted
// names, which must be in the expression, else the first in the expression.
// With "or", prefix or delimiter ECS promises no order, so there is none here.
func sortColumn(g *Traits, si *searchIndex, q *search, sorted string) (int, *apiError) {
	column := q.predicate.conditions[0].column
	if sorted != "" {
		var ok bool
		if column, ok = si.selected(g, sorted); !ok || !slices.ContainsFunc(q.predicate.conditions,
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
	c := cursor{name: r.object.key, version: r.object.cursorVersion()}
	if sorted != noColumn {
		c.value = r.object.values[sorted]
	}
	return c
}
