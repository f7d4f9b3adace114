package fs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/search"
)

// ObjectJSON is an object as JSON, with its fields in this order: the content of @meta,NAME, a line of
// @manifest.jsonl (which has the path beside it), and of what the command prints as JSON.
//
// Every field is always there but the base64 ones. JSON holds UTF-8 alone: a key that is not UTF-8
// is shown with U+FFFD in its bad places, and its exact bytes stand in KeyBase64.
type ObjectJSON struct {
	Key         string            `json:"key"`
	KeyBase64   string            `json:"key_base64,omitempty"`
	URI         string            `json:"uri"`
	ETag        string            `json:"etag"`
	Version     string            `json:"version"`
	Size        int64             `json:"size"`
	Modified    *string           `json:"modified"` // RFC 3339 in UTC; null when not known
	Created     *string           `json:"created"`  // so, too; only a search tells it
	ContentType string            `json:"content_type"`
	Metadata    map[string]string `json:"metadata"`
	// MetadataBase64 holds the attributes that are not UTF-8, which Metadata leaves out.
	MetadataBase64 []AttributeBase64 `json:"metadata_base64,omitempty"`
}

// AttributeBase64 is an attribute of which name or value is not UTF-8, both in base64.
type AttributeBase64 struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newAttributeBase64(name, value string) AttributeBase64 {
	return AttributeBase64{Name: toBase64(name), Value: toBase64(value)}
}

func toBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// NewObjectJSON returns o, an object of this bucket.
func NewObjectJSON(bucket string, o *search.Object) ObjectJSON {
	out := ObjectJSON{
		Key:         o.Key,
		URI:         "s3://" + bucket + "/" + o.Key,
		ETag:        o.ETag,
		Version:     o.VersionID,
		Size:        o.Size,
		ContentType: o.ContentType,
		Metadata:    make(map[string]string, o.Metadata.Len()),
	}
	if !utf8.ValidString(o.Key) {
		out.KeyBase64 = toBase64(o.Key)
	}
	if !o.ModTime.IsZero() {
		out.Modified = timeJSON(o.ModTime)
	}
	if created, ok := o.Created(); ok {
		out.Created = timeJSON(created)
	}
	for name, value := range o.Metadata.All() {
		if utf8.ValidString(name) && utf8.ValidString(value) {
			out.Metadata[name] = value
		} else {
			out.MetadataBase64 = append(out.MetadataBase64, newAttributeBase64(name, value))
		}
	}
	return out
}

func timeJSON(t time.Time) *string {
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}

// Line returns o on one line, ended by a line feed. It acts on no terminal: what could is written as
// \uXXXX, which a JSON reader undoes.
func (o *ObjectJSON) Line() []byte { return jsonText(o, "") }

// Text returns o as Line does, indented by two blanks.
func (o *ObjectJSON) Text() []byte { return jsonText(o, "  ") }

// ExactKey returns the key with its very bytes, and an error if KeyBase64 is no base64.
func (o *ObjectJSON) ExactKey() (string, error) {
	if o.KeyBase64 == "" {
		return o.Key, nil
	}
	key, err := base64.StdEncoding.DecodeString(o.KeyBase64)
	return string(key), err
}

// jsonText returns v as JSON that acts on no terminal, with a line feed at its end.
func jsonText(v any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and maps of strings always encode
	}
	return escapeHidden(b.Bytes())
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
