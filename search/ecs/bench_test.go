package ecs

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
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
		page, err := decodeList(strings.NewReader(doc), false, nil)
		if err != nil || len(page.objects) != 1000 {
			b.Fatal(len(page.objects), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
}

// cannedPages is a transport that answers a search with pages made beforehand.
type cannedPages struct {
	pages           []string // the marker of page n is n
	requests, bytes atomic.Int64
}

func (c *cannedPages) RoundTrip(r *http.Request) (*http.Response, error) {
	marker := r.URL.Query().Get("marker")
	n, err := strconv.Atoi(cmp.Or(marker, "0"))
	if err != nil {
		return nil, err
	}
	c.requests.Add(1)
	c.bytes.Add(int64(len(c.pages[n])))
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header),
		Body: io.NopCloser(strings.NewReader(c.pages[n])), ContentLength: int64(len(c.pages[n])), Request: r}, nil
}

// BenchmarkQuery runs a query of 100,000 results, which are in memory as answers.
func BenchmarkQuery(b *testing.B) {
	const pages, rows = 100, 1000
	canned := &cannedPages{}
	for i := range pages {
		next := strconv.Itoa(i + 1)
		if i+1 == pages {
			next = ""
		}
		canned.pages = append(canned.pages, searchPage(i*rows, rows, 3, next))
	}
	c, err := New(b.Context(), Config{Endpoint: "http://h:9020", Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, Transport: canned})
	if err != nil {
		b.Fatal(err)
	}
	s := c.Store()
	schema := search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{{Name: "Size", Type: search.Integer, Indexed: true}}}
	s.keepSchema(listedKeys{schema: schema})
	where, err := search.ParseComponent("size,ge,0", schema)
	if err != nil {
		b.Fatal(err)
	}
	dir, _ := search.Dir{Bucket: "b"}.Enter(where)
	listing := dir.Results(time.Now(), 0)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range s.Query(b.Context(), listing) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != pages*rows {
			b.Fatal(n)
		}
	}
	per := float64(b.N)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/per/pages/rows, "ns/row")
	b.ReportMetric(float64(canned.requests.Load())/per, "requests/op")
	b.ReportMetric(float64(canned.bytes.Load())/per, "body-bytes/op")
}
