package main

import (
	"bytes"
	"image/png"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var demoNow = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)

func TestDemoDataIsAFunctionOfNow(t *testing.T) {
	if !reflect.DeepEqual(demoData(demoNow), demoData(demoNow)) {
		t.Error("two runs differ")
	}
}

func TestDemoDataLooksLikeRealLife(t *testing.T) {
	// The 1st of March makes the arithmetic of months go wrong most easily.
	for _, now := range []time.Time{demoNow, time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 12, 31, 23, 59, 59, 0, time.UTC)} {
		count, size, lastWeek, incidents := 0, 0, 0, 0
		for _, b := range demoData(now) {
			if len(b.SearchKeys) > 30 {
				t.Errorf("bucket %s indexes %d keys; ECS allows 30", b.Name, len(b.SearchKeys))
			}
			types := map[string]string{}
			for _, k := range b.SearchKeys {
				if name, typ, ok := strings.Cut(k, ";"); ok {
					types[strings.TrimPrefix(name, "x-amz-meta-")] = typ
				}
			}
			seen := map[string]bool{}
			for _, o := range b.Objects {
				if seen[o.Key] && !b.Versioned {
					t.Errorf("key twice: %q", o.Key)
				}
				seen[o.Key] = true
				if !utf8.ValidString(o.Key) || len(o.Key) > 1024 {
					t.Errorf("not an S3 key: %q", o.Key)
				}
				count++
				size += len(o.Body)
				if o.Modified.After(now) {
					t.Errorf("%q is modified in the future: %v", o.Key, o.Modified)
				}
				if now.Sub(o.Modified) < 7*24*time.Hour {
					lastWeek++
					if bytes.Contains(o.Body, []byte("payment gateway timeout")) {
						incidents++
					}
				}
				for name, value := range o.Metadata {
					checkMetadata(t, o.Key, name, value, types[name])
				}
				if o.ContentType == "image/png" {
					if _, err := png.Decode(bytes.NewReader(o.Body)); err != nil {
						t.Errorf("%q does not open: %v", o.Key, err)
					}
				}
			}
		}
		if count < 1900 || count > 2100 || size < 1<<20 || size > 10<<20 {
			t.Errorf("at %v: %d objects, %d bytes; want about 2,000 and a few MB", now, count, size)
		}
		if lastWeek < 20 || incidents == 0 {
			t.Errorf("at %v: the last week has %d objects, %d with the error to search for", now, lastWeek, incidents)
		}
	}
}

// checkMetadata fails the test when value would not be found by a search: it
// is not of its index's datatype, or could not travel as an HTTP header.
func checkMetadata(t *testing.T, key, name, value, datatype string) {
	t.Helper()
	for _, r := range value {
		if r < 0x20 || r > 0x7e {
			t.Errorf("%q: %s=%q is not ASCII", key, name, value)
		}
	}
	ok := true
	switch datatype {
	case "integer":
		ok = strings.Trim(value, "0123456789") == ""
	case "decimal":
		ok = strings.Trim(value, "-.0123456789") == ""
	case "datetime":
		_, err := time.Parse("2006-01-02T15:04:05Z", value)
		ok = err == nil
	}
	if !ok || value == "" {
		t.Errorf("%q: %s=%q is no %s", key, name, value, datatype)
	}
}
