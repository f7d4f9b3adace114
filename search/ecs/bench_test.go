package ecs

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecodeQuery decodes a page of 1000 rows with four system and four
// user attributes each.
func BenchmarkDecodeQuery(b *testing.B) {
	var rows strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&rows, `<object><objectName>logs/2026/%04d.txt</objectName><objectId>%064d</objectId><versionId>0</versionId>`+
			`<queryMds><type>SYSMD</type><mdMap><entry><key>size</key><value>%d</value></entry><entry><key>mtime</key><value>1449081778025</value></entry>`+
			`<entry><key>etag</key><value>%032d</value></entry><entry><key>ctype</key><value>text/plain</value></entry></mdMap></queryMds>`+
			`<queryMds><type>USERMD</type><mdMap><entry><key>x-amz-meta-color</key><value>red</value></entry><entry><key>x-amz-meta-n</key><value>%d</value></entry>`+
			`<entry><key>x-amz-meta-title</key><value>a title of some words</value></entry><entry><key>x-amz-meta-when</key><value>2026-05-01T00:00:00Z</value></entry></mdMap></queryMds><indexKey/></object>`,
			i, i, i, i, i)
	}
	doc := "<BucketQueryResult><NextMarker>m</NextMarker><ObjectMatches>" + rows.String() + "</ObjectMatches></BucketQueryResult>"
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := decodeRows(strings.NewReader(doc), rowForm{}, nil)
		if err != nil || len(page.rows) != 1000 {
			b.Fatal(len(page.rows), err)
		}
	}
}
