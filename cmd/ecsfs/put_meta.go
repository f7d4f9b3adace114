package main

import (
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// parseMeta reads the values of --meta, NAME=VALUE. The names are without
// x-amz-meta- and in lower case.
func parseMeta(assignments []string) (map[string]string, error) {
	meta := map[string]string{}
	for _, text := range assignments {
		bad := func(format string, args ...any) (map[string]string, error) {
			return nil, fail(exitUsage, "--meta %s: %w", shellQuote(text), fmt.Errorf(format, args...))
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return bad("not NAME=VALUE, such as color=red")
		}
		name, _ = cutPrefixFold(name, search.MetaPrefix)
		name, _ = cutPrefixFold(name, "meta.")
		name = strings.ToLower(name)
		if err := checkMetaName(name); err != nil {
			return bad("%w", err)
		}
		if _, twice := meta[name]; twice {
			return bad("%s is named twice", name)
		}
		if err := checkHeaderValue(value); err != nil {
			if encoded := percentEncoded(value); encoded != value {
				return bad("%w; percent-encoded it can: --meta %s, to be searched for as that", err, shellQuote(name+"="+encoded))
			}
			return bad("%w", err)
		}
		meta[name] = value
	}
	return meta, nil
}

// checkHeaderValue refuses what the value of an HTTP header cannot carry from
// end to end: ECS keeps metadata as headers.
func checkHeaderValue(value string) error {
	for _, r := range value {
		if r < ' ' || r > '~' {
			return fmt.Errorf("a value travels as an HTTP header, which cannot carry %q", r)
		}
	}
	if strings.TrimSpace(value) != value {
		return fmt.Errorf("a value travels as an HTTP header, which loses blanks at its ends")
	}
	return nil
}

// percentEncoded returns value with every byte that is no printable ASCII, and
// "%", and blanks at the ends, as %XX.
func percentEncoded(value string) string {
	inner := strings.Trim(value, " ")
	first := strings.Index(value, inner)
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if c <= ' ' && (c != ' ' || i < first || i >= first+len(inner)) || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// checkContentType refuses what is no TYPE/SUBTYPE[; PARAMETER=VALUE].
func checkContentType(text string) error {
	kind, _, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(kind, "/") {
		return fail(exitUsage, "--content-type %s: not a content type, such as text/plain or image/png", shellQuote(text))
	}
	if err := checkHeaderValue(text); err != nil {
		return fail(exitUsage, "--content-type %s: %w", shellQuote(text), err)
	}
	return nil
}

// unfindable tells which values of meta no index of the bucket will have: those
// of keys that it does not index, and those that are not of their key's
// datatype.
func unfindable(meta map[string]string, s search.Schema) []string {
	var notes []string
	if !s.Enabled {
		return nil
	}
	attributes := map[string]string{}
	for name, value := range meta {
		attributes[search.MetaPrefix+name] = value
	}
	object := search.Object{Partial: search.FromHead, Metadata: search.NewMetadata(attributes)}
	for _, name := range slices.Sorted(maps.Keys(meta)) {
		key, _ := s.Resolve("meta." + name)
		switch {
		case !key.Indexed:
			notes = append(notes, fmt.Sprintf("%s is no key that bucket %s indexes: searches find its value only as meta.%s, beside a condition on an indexed key", name, s.Bucket, name))
		case search.Evaluate(search.Cond{Key: key, Op: search.OpExists}, &object) != search.True:
			notes = append(notes, fmt.Sprintf("%s=%s: bucket %s indexes %s as %s, which this value is not, so no search by %s will find it",
				name, meta[name], s.Bucket, name, datatypeForm(key.Type), name))
		}
	}
	return notes
}

// datatypeForm tells how a stored value of datatype d looks.
func datatypeForm(d search.Datatype) string {
	switch d {
	case search.Integer:
		return "integer (such as 42)"
	case search.Decimal:
		return "decimal (such as 3.14)"
	case search.Datetime:
		return "datetime (such as 2026-01-31T12:00:00Z)"
	}
	return d.String()
}
