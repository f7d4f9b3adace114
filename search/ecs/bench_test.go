package ecs

import (
	"fmt"
	"strings"
	"testing"
)

// searchPage is a page of n rows with three system attributes and so many user attributes each, its name and
// marker told apart by from.
func searchPage(from, n, user int, next string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><BucketQueryResult xmlns:ns2="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Marker/>`)
	if next != "" {
		b.WriteString("<NextMarker>" + next + "</NextMarker><IsTruncated>true</IsTruncated>")
	}
	b.WriteString("<MaxKeys>1000</MaxKeys><ObjectMatches>")
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `<object><objectName>logs/2026/%07d.txt</objectName><objectId>%064d</objectId><versionId>0</versionId>`+
			`<queryMds><type>SYSMD</type><mdMap><entry><key>size</key><value>%d</value></entry><entry><key>mtime</key><value>1449081778025</value></entry>`+
			`<entry><key>etag</key><value>%032d</value></entry></mdMap></queryMds>`, i, i, i, i)
		if user > 0 {
			b.WriteString(`<queryMds><type>USERMD</type><mdMap>`)
			for k := range user {
				fmt.Fprintf(&b, `<entry><key>x-amz-meta-k%d</key><value>%d, and some words</value></entry>`, k, i)
			}
			b.WriteString(`</mdMap></queryMds>`)
		}
		b.WriteString(`<indexKey/></object>`)
	}
	b.WriteString("</ObjectMatches></BucketQueryResult>")
	return b.String()
}

// BenchmarkDecodeQuery decodes a page of 1000 rows.
func BenchmarkDecodeQuery(b *testing.B) {
	for _, user := range []int{0, 3, 6} {
		b.Run(fmt.Sprintf("attributes=%d", 3+user), func(b *testing.B) {
			doc := searchPage(0, 1000, user, "m")
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				page, err := decodeRows(strings.NewReader(doc), rowForm{}, nil)
				if err != nil || len(page.rows) != 1000 {
					b.Fatal(len(page.rows), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
		})
	}
}

// BenchmarkDecodeList decodes a page of 1000 objects of a plain listing.
func BenchmarkDecodeList(b *testing.B) {
	var rows strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&rows, `<Contents><Key>logs/2026/%04d.txt</Key><LastModified>2026-11-23T07:00:00.000Z</LastModified><ETag>&quot;%032d&quot;</ETag><Size>%d</Size>`+
			`<StorageClass>STANDARD</StorageClass><Owner><ID>user</ID><DisplayName>user</DisplayName></Owner></Contents>`, i, i, i)
	}
	doc := "<ListBucketResult><Name>b</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>" + rows.String() + "</ListBucketResult>"
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		page, err := decodeList(strings.NewReader(doc), false)
		if err != nil || len(page.objects) != 1000 {
			b.Fatal(len(page.objects), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
}
