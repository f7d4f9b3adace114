package fs

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/search"
)

// RunningListing is a listing that is being fetched, for @stats.
type RunningListing struct {
	Listing search.Listing
	Pages   int // received so far
	Rows    int // in them
	Started time.Time
}

// statsText returns the content of @stats: first the counters, ordered by
// name, one a line as "name value"; then, after an empty line, the listings
// that are being fetched at now, the oldest first.
func statsText(counters []search.Counter, running []RunningListing, now time.Time) string {
	counters = slices.SortedFunc(slices.Values(counters), func(a, b search.Counter) int {
		return cmp.Compare(a.Name, b.Name)
	})
	nameWidth, valueWidth := 0, 0
	for _, c := range counters {
		nameWidth = max(nameWidth, len(c.Name))
		valueWidth = max(valueWidth, len(fmt.Sprint(c.Value)))
	}
	var b strings.Builder
	for _, c := range counters {
		fmt.Fprintf(&b, "%-*s  %*d\n", nameWidth, c.Name, valueWidth, c.Value)
	}

	if len(running) == 0 {
		b.WriteString("\nno search is running\n")
		return b.String()
	}
	running = slices.SortedStableFunc(slices.Values(running), func(a, b RunningListing) int {
		return a.Started.Compare(b.Started)
	})
	b.WriteString("\nrunning:\n")
	for _, r := range running {
		fmt.Fprintf(&b, "%s  %s, %s, for %s\n", listingText(r.Listing),
			search.Plural(r.Pages, "page"), search.Plural(r.Rows, "row"), now.Sub(r.Started).Round(100*time.Millisecond))
	}
	return b.String()
}

// listingText prints a listing on one line: bucket, prefix, predicate, modifiers, and the key of a menu.
func listingText(l search.Listing) string {
	s := printable(l.Bucket + "/" + l.Prefix)
	if l.Where != nil {
		s += " " + printable(l.Where.String())
	}
	if l.Versions {
		s += " @versions"
	}
	if !l.Order.IsZero() {
		s += " " + printable("@sort,"+l.Order.String())
	}
	if l.Limit > 0 {
		s += fmt.Sprintf(" @limit,%d", l.Limit)
	}
	if l.Menu.Name != "" {
		s += " " + printable("@by/"+l.Menu.Short())
	}
	return s
}

// objectMeta is the content of @meta,NAME, in this order. Every field is
// always there but the base64 ones.
type objectMeta struct {
	Key string `json:"key"`
	// KeyBase64 stands for Key when that is not UTF-8.
	KeyBase64   string            `json:"key_base64,omitempty"`
	URI         string            `json:"uri"`
	ETag        string            `json:"etag"`
	Version     string            `json:"version"`
	Size        int64             `json:"size"`
	Modified    *string           `json:"modified"` // RFC 3339 in UTC; null when not known
	ContentType string            `json:"content_type"`
	Metadata    map[string]string `json:"metadata"`
	// MetadataBase64 holds the attributes that are not UTF-8, which Metadata leaves out.
	MetadataBase64 []attributeBase64 `json:"metadata_base64,omitempty"`
}

type attributeBase64 struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// metaJSON returns the content of @meta,NAME. JSON holds UTF-8 alone: a key
// that is not UTF-8 is shown with U+FFFD in its bad places, and its exact bytes
// stand in "key_base64", which is there only then; attributes that are
// not UTF-8 are in "metadata_base64", both name and value, instead of "metadata". The text
// acts on no terminal: what could is written as \uXXXX, which a JSON reader undoes.
func metaJSON(bucket string, o *search.Object) []byte {
	return jsonText(newObjectMeta(bucket, o), "  ")
}

func newObjectMeta(bucket string, o *search.Object) objectMeta {
	m := objectMeta{
		Key:         o.Key,
		URI:         "s3://" + bucket + "/" + o.Key,
		ETag:        o.ETag,
		Version:     o.VersionID,
		Size:        o.Size,
		ContentType: o.ContentType,
		Metadata:    make(map[string]string, o.Metadata.Len()),
	}
	if !utf8.ValidString(o.Key) {
		m.KeyBase64 = base64.StdEncoding.EncodeToString([]byte(o.Key))
	}
	if !o.ModTime.IsZero() {
		s := o.ModTime.UTC().Format(time.RFC3339Nano)
		m.Modified = &s
	}
	for name, value := range o.Metadata.All() {
		if utf8.ValidString(name) && utf8.ValidString(value) {
			m.Metadata[name] = value
			continue
		}
		m.MetadataBase64 = append(m.MetadataBase64, attributeBase64{
			Name:  base64.StdEncoding.EncodeToString([]byte(name)),
			Value: base64.StdEncoding.EncodeToString([]byte(value)),
		})
	}
	return m
}

// escapeHidden writes the characters of JSON text that JSON lets pass but that
// could act on a terminal as \uXXXX. They can stand only inside strings.
func escapeHidden(text []byte) []byte {
	if !slices.ContainsFunc(text, func(c byte) bool { return c >= 0x7f }) {
		return text
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == 0x7f || r >= utf8.RuneSelf && hidden(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

// rootHelp returns the content of @help at the root, where no bucket is chosen yet.
func rootHelp() string {
	return `The directories here are buckets. @stats and @errors beside them are files that can
be read but are not listed: counters, and the last errors with their reasons.
BUCKET/@help is this page with the keys of that bucket.

` + search.Help(search.Schema{})
}
