package main

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/search"
)

// objectJSON is one object as JSON; it has the fields of @meta,NAME in a mount.
type objectJSON struct {
	Key         string            `json:"key"`
	KeyBase64   string            `json:"key_base64,omitempty"` // when the key is not UTF-8
	URI         string            `json:"uri"`
	ETag        string            `json:"etag"`
	Version     string            `json:"version"`
	Size        int64             `json:"size"`
	Modified    *time.Time        `json:"modified"`
	ContentType string            `json:"content_type"`
	Metadata    map[string]string `json:"metadata"`
	// MetadataBase64 has the attributes that are not UTF-8, name and value.
	MetadataBase64 []attributeBase64 `json:"metadata_base64,omitempty"`
}

type attributeBase64 struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newObjectJSON(bucket string, o *search.Object) objectJSON {
	out := objectJSON{
		Key: o.Key, URI: "s3://" + bucket + "/" + o.Key, ETag: o.ETag, Version: o.VersionID, Size: o.Size,
		ContentType: o.ContentType, Metadata: make(map[string]string, o.Metadata.Len()),
	}
	if !utf8.ValidString(o.Key) {
		out.KeyBase64 = base64.StdEncoding.EncodeToString([]byte(o.Key))
	}
	if !o.ModTime.IsZero() {
		t := o.ModTime.UTC()
		out.Modified = &t
	}
	for name, value := range o.Metadata.All() {
		if utf8.ValidString(name) && utf8.ValidString(value) {
			out.Metadata[name] = value
			continue
		}
		out.MetadataBase64 = append(out.MetadataBase64, attributeBase64{
			base64.StdEncoding.EncodeToString([]byte(name)), base64.StdEncoding.EncodeToString([]byte(value)),
		})
	}
	return out
}

// exactKey returns the key with its very bytes.
func (o *objectJSON) exactKey() (string, error) {
	if o.KeyBase64 == "" {
		return o.Key, nil
	}
	key, err := base64.StdEncoding.DecodeString(o.KeyBase64)
	return string(key), err
}
