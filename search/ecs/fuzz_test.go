package ecs

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// checkDecodeError: whatever is sent gives a page or one of three errors.
func checkDecodeError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	_, bad := errors.AsType[*badDocument](err)
	_, api := errors.AsType[*apiError](err)
	if !bad && !api && !isBroken(err) {
		t.Errorf("an error of another kind: %T %v", err, err)
	}
}

func FuzzQueryXML(f *testing.F) {
	f.Add([]byte(guideAnswer), false)
	f.Add([]byte(object("<objectName>a%1D</objectName>"+entry("size", "1"))), true)
	f.Add([]byte("<Error><Code>Metadata search not enabled</Code></Error>"), false)
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY x "y">]><BucketQueryResult>&x;</BucketQueryResult>`), false)
	f.Fuzz(func(t *testing.T, doc []byte, encoded bool) {
		early := ""
		page, err := decodeRows(bytes.NewReader(doc), rowForm{encoded: encoded}, func(next string) { early = next })
		checkDecodeError(t, err)
		if err != nil {
			return
		}
		for _, row := range page.rows {
			o := row.object
			if o.Key == "" || o.Size < 0 || o.ModTime.Year() < 1 || o.ModTime.Year() > 9999 {
				t.Errorf("row %+v", o)
			}
			for name := range o.Metadata.All() {
				if name == "" || search.CanonicalName(name) != name {
					t.Errorf("attribute %q", name)
				}
			}
		}
		if isEndMarker(page.next) != (page.next == "") || early == "" && page.next != "" {
			t.Errorf("next %q, early %q", page.next, early)
		}
	})
}

func FuzzListXML(f *testing.F) {
	f.Add([]byte(`<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextMarker>a%2B</NextMarker>
		<Contents><Key>a+b</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>
		<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes></ListBucketResult>`))
	f.Add([]byte(`<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>
		<Version><Key>a</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><Size>1</Size><StorageClass>STANDARD</StorageClass><LastModified>2026-01-01T00:00:00Z</LastModified></Version>
		<DeleteMarker><Key>b</Key></DeleteMarker></ListVersionsResult>`))
	f.Add([]byte(`<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		versions := bytes.Contains(doc, []byte("ListVersionsResult"))
		page, err := decodeList(bytes.NewReader(doc), versions, nil)
		checkDecodeError(t, err)
		if err == nil {
			l := &listing{options: search.ListOptions{}}
			entries, err := l.entries(&page)
			checkDecodeError(t, err)
			for _, e := range entries {
				if e.Key == "" || e.Size < 0 || e.Folder != strings.HasSuffix(e.Key, "/") && e.Folder {
					t.Errorf("entry %+v", e)
				}
			}
		}
		_, err = decodeBuckets(bytes.NewReader(doc))
		checkDecodeError(t, err)
	})
}

func FuzzSchemaXML(f *testing.F) {
	f.Add([]byte(`<MetadataSearchList><MetadataSearchEnabled>true</MetadataSearchEnabled><IndexableKeys><Key><Name>x-amz-meta-A</Name><Datatype>string</Datatype></Key></IndexableKeys></MetadataSearchList>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		listed, err := decodeSchema(bytes.NewReader(doc), "b")
		schema := listed.schema
		checkDecodeError(t, err)
		if schema.Enabled != (len(schema.Indexed) > 0) {
			t.Errorf("%+v", schema)
		}
		for i, k := range schema.Indexed {
			if k.Name == "" || search.CanonicalName(k.Name) != k.Name || i > 0 && schema.Indexed[i-1].Name >= k.Name {
				t.Errorf("keys %+v", schema.Indexed)
			}
		}
	})
}
