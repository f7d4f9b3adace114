package main

import (
	"encoding/json"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// TestObjectJSONLosesNoByte: JSON holds UTF-8 alone, keys and metadata any bytes.
func TestObjectJSONLosesNoByte(t *testing.T) {
	o := search.Object{Key: "a\xff/b", Metadata: search.NewMetadata(map[string]string{"x-amz-meta-good": "ü", "x-amz-meta-bad": "\xfe"})}
	text, err := json.Marshal(newObjectJSON("bucket", &o))
	if err != nil {
		t.Fatal(err)
	}
	var got objectJSON
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if key, err := got.exactKey(); key != o.Key || err != nil {
		t.Errorf("key %q, %v; want %q", key, err, o.Key)
	}
	if got.Metadata["x-amz-meta-good"] != "ü" || len(got.Metadata) != 1 || len(got.MetadataBase64) != 1 || got.MetadataBase64[0].Value != "/g==" {
		t.Errorf("metadata %v, %v", got.Metadata, got.MetadataBase64)
	}
	if got.Modified != nil || got.Version != "" {
		t.Errorf("%+v", got)
	}
}
