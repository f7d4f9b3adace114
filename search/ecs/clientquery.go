package ecs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// QueryInput is one page of one search. Only Bucket and Expression are
// required; what is empty is not sent.
type QueryInput struct {
	Bucket string
	// Expression is the search in the server's own language, such as
	// x-amz-meta-color=='red' and Size>100: conditions on indexed keys with == >
	// >= < <=, joined by and, or and parentheses; strings in single or double
	// quotes, without an escape for a quote inside. search.NewPlan makes one
	// from a predicate, and Bucket.Search spares you all of it.
	Expression string
	// Attributes are system keys to return beside the indexed ones, or "ALL",
	// "ALL_SMD" (system), "ALL_UMD" (user metadata).
	Attributes []string
	// Sorted is the key to order by, ascending; it must be in Expression.
	// Empty: the first key of Expression. With "or" or a Prefix the order
	// is undefined.
	Sorted string
	// Prefix is what names must begin with. ECS before 3.6.2 ignores it.
	Prefix string
	// Delimiter rolls up names that have it after Prefix into CommonPrefixes.
	Delimiter string
	// Marker is NextMarker of the page before; empty: the first page. It is
	// opaque, and good for the same search only.
	Marker string
	// MaxKeys is the most matches to return, at most 1000; 0: the server's own
	// limit, 1000.
	MaxKeys int
	// OlderVersions asks for every version of an object, each a match of its
	// own, not the current one alone. See Config.OlderVersionsParameter.
	OlderVersions bool
	// Encode asks for names and values to be percent-encoded on the wire
	// (encoding-type=url, since ECS 3.2.2), which carries those that XML
	// cannot. They are decoded again, unless the server does not know it.
	Encode bool
}

// QueryOutput is one page of matches.
type QueryOutput struct {
	Name string // of the bucket, as the server says
	// NextMarker is Marker of the next page. It is empty on the last page,
	// whatever the server writes there: nothing, "", "NO MORE PAGES" (ECS before 3.4) or "null".
	NextMarker string
	// MaxKeys is what the server says; servers also say 0.
	MaxKeys int
	// Matches are in the server's order. There may be fewer than MaxKeys, or
	// none, on any page.
	Matches        []Match
	CommonPrefixes []string
}

// Match is one row of a page, as the server sent it. A server sends every
// indexed key that the object has, and what Attributes asked for, if it knows that.
type Match struct {
	Name      string // the object's key
	ObjectID  string // 64 hexadecimal digits of the server's own
	VersionID string // "0" or "null" in a bucket without versions
	// System has the system keys by the names that the server sent, mostly
	// aliases: "size", "mtime" (LastModified, in epoch milliseconds), "createtime", "etag", "ctype".
	System search.Metadata
	// User has the user metadata, names in lower case with their prefix,
	// "x-amz-meta-color".
	User search.Metadata
}

// Query asks for one page of a search (GET /BUCKET?query=EXPRESSION), close to
// the wire: nothing is completed or checked again, and the expression is sent as it is.
// To go on, ask again with Marker set to NextMarker until that is empty.
//
// An empty expression, or a MaxKeys outside of 0 to 1000, is KindInvalid and
// sends nothing; an expression that the server does not take is KindInvalid; a
// bucket without metadata search is KindUnsupported. A page that
// says that more follows but not where, and a next marker that is that of this page, are
// errors: they would end a search early, or never.
//
// Source: ECS REST API, S3MetadataSearchOperation_getObjectsList; Dell ECS Data
// Access Guide, "Use metadata search queries".
func (c *Client) Query(ctx context.Context, in QueryInput) (QueryOutput, error) {
	t := target{op: opQuery, bucket: in.Bucket, key: in.Prefix}
	if err := in.check(t); err != nil {
		return QueryOutput{}, err
	}
	var out QueryOutput
	err := c.queryOnce(ctx, t, in, func(r io.Reader) error {
		var raw []rawMatch
		plain := false
		answer, err := decodeQuery(r, nil, func(m *rawMatch) error {
			plain = plain || m.isPlain()
			raw = append(raw, rawMatch{name: m.name, objectID: m.objectID, versionID: m.versionID,
				attributes: slices.Clone(m.attributes), texts: slices.Clone(m.texts)})
			return nil
		})
		if err != nil {
			return err
		}
		if answer.next != "" && answer.next == in.Marker {
			return badf("the marker of this page as the next one")
		}
		out = QueryOutput{Name: answer.name, NextMarker: answer.next, MaxKeys: answer.maxKeys,
			Matches: make([]Match, len(raw)), CommonPrefixes: answer.prefixes}
		for i := range raw {
			if in.Encode && !plain {
				if err := raw[i].decode(); err != nil {
					return err
				}
			}
			out.Matches[i] = raw[i].match()
		}
		for i := range out.CommonPrefixes {
			if in.Encode && !plain {
				if out.CommonPrefixes[i], err = percentDecode(out.CommonPrefixes[i], plusIsPlus); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return QueryOutput{}, err
	}
	return out, nil
}

// check keeps out what no server takes.
func (in *QueryInput) check(t target) error {
	if err := checkBucket(t); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(in.Expression) == "":
		return t.fail(search.KindInvalid, "a query without an expression", "")
	case in.MaxKeys < 0 || in.MaxKeys > maxPageSize:
		return t.fail(search.KindInvalid, fmt.Sprintf("a page of %d keys is not within 0 and %d", in.MaxKeys, maxPageSize), "")
	case slices.ContainsFunc(in.Attributes, func(a string) bool { return a == "" || strings.Contains(a, ",") }):
		return t.fail(search.KindInvalid, "the name of an attribute is empty or holds a comma", "")
	}
	return nil
}

// parameters returns in as a query string's parameters.
func (in *QueryInput) parameters(olderVersions string) []parameter {
	params := []parameter{{"query", in.Expression}}
	add := func(name, value string) {
		if value != "" {
			params = append(params, parameter{name, value})
		}
	}
	add("attributes", strings.Join(in.Attributes, ","))
	add("sorted", in.Sorted)
	add("prefix", in.Prefix)
	add("delimiter", in.Delimiter)
	add("marker", in.Marker)
	if in.MaxKeys > 0 {
		add("max-keys", strconv.Itoa(in.MaxKeys))
	}
	if in.OlderVersions {
		add(olderVersions, "true")
	}
	if in.Encode {
		add("encoding-type", "url")
	}
	return params
}

// queryOnce makes the request of one page.
func (c *Client) queryOnce(ctx context.Context, t target, in QueryInput, decode func(io.Reader) error) error {
	return c.run(ctx, t, kindQuery, func(cl *call) error {
		return c.ride(cl, in.Bucket, in.parameters(c.cfg.OlderVersionsParameter), decode)
	})
}
