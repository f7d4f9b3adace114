package ecs

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
)

func containsAll(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// guideAnswer has the form of the query answer in the ECS Data Access Guide.
const guideAnswer = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<BucketQueryResult xmlns:ns2="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>b</Name><Marker/><NextMarker>rO0AB+/=</NextMarker><IsTruncated>true</IsTruncated><MaxKeys>0</MaxKeys>
  <ObjectMatches>
    <object>
      <objectName>o 1</objectName><objectId>09998027b1b7fbb21f50e13fabb481a237ba2f60f352d437c8da3c7c1c8d7589</objectId>
      <versionId>0</versionId>
      <queryMds><type>SYSMD</type><mdMap>
        <entry><key>createtime</key><value>1449081778025</value></entry>
        <entry><key>size</key><value>1024</value></entry>
        <entry><key>mtime</key><value>1449081778025</value></entry>
        <entry><key>etag</key><value>"abc"</value></entry>
        <entry><key>retention</key><value></value></entry>
      </mdMap></queryMds>
      <queryMds><type>USERMD</type><mdMap>
        <entry><key>x-amz-meta-STR</key><value>test1 &lt;&amp;&gt; </value></entry>
      </mdMap></queryMds>
      <indexKey/>
    </object>
  </ObjectMatches>
</BucketQueryResult>`

func TestDecodeQuery(t *testing.T) {
	var early string
	page, err := decodeRows(strings.NewReader(guideAnswer), rowForm{}, func(next string) { early = next })
	if err != nil {
		t.Fatal(err)
	}
	want := queryPage{next: "rO0AB+/=", rows: []queryRow{{object: search.Object{
		Key: "o 1", Size: 1024, ModTime: time.UnixMilli(1449081778025).UTC(), ETag: "abc",
		Metadata: search.NewMetadata(map[string]string{"CreateTime": "1449081778025", "x-amz-meta-str": "test1 <&> "}),
	}}}}
	if d := cmp.Diff(want, page, cmp.AllowUnexported(queryPage{}, queryRow{}, search.Metadata{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if early != want.next {
		t.Errorf("early marker %q", early)
	}
}

func query(inside string) string { return "<BucketQueryResult>" + inside + "</BucketQueryResult>" }

func object(inside string) string {
	return query("<ObjectMatches><object>" + inside + "</object></ObjectMatches>")
}

func entry(key, value string) string {
	return "<queryMds><mdMap><entry><key>" + key + "</key><value>" + value + "</value></entry></mdMap></queryMds>"
}

// TestDecodeQueryForms reads what one or another server sends.
func TestDecodeQueryForms(t *testing.T) {
	type row = queryRow
	named := func(key string) search.Object { return search.Object{Key: key} }
	tests := []struct {
		name, doc string
		encoded   bool
		want      queryPage
	}{
		{"nothing", query(""), false, queryPage{}},
		{"no matches", query("<ObjectMatches/>"), false, queryPage{}},
		{"any namespace", `<q:BucketQueryResult xmlns:q="urn:x"><q:NextMarker>m</q:NextMarker></q:BucketQueryResult>`, false, queryPage{next: "m"}},
		{"no attributes", object("<objectName>k</objectName>"), false, queryPage{rows: []row{{named("k"), true, true, true}}}},
		{"alias as name", object(entry("object-name", "k")), false, queryPage{rows: []row{{named("k"), true, true, true}}}},
		{"bad numbers", object("<objectName>k</objectName>" + entry("size", "-1") + entry("mtime", "soon")), false,
			queryPage{rows: []row{{named("k"), true, true, true}}}},
		{"native names", object("<objectName>k</objectName>" + entry("Size", "7") + entry("LastModified", "2026-01-02T03:04:05.006Z") + entry("Etag", "e")), false,
			queryPage{rows: []row{{object: search.Object{Key: "k", Size: 7, ETag: "e", ModTime: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)}}}}},
		{"unknown keys", object("<objectName>k</objectName>" + entry("size", "0") + entry("mtime", "0") + entry("etag", "e") + entry("NewKey", "v")), false,
			queryPage{rows: []row{{object: search.Object{Key: "k", ETag: "e", ModTime: time.UnixMilli(0).UTC(), Metadata: search.NewMetadata(map[string]string{"NewKey": "v"})}}}}},
		{"encoded", object("<objectName>a%1Db%20+c</objectName>" + entry("x-amz-meta-f", "bad%1D")), true,
			queryPage{rows: []row{{search.Object{Key: "a\x1db +c", Metadata: search.NewMetadata(map[string]string{"x-amz-meta-f": "bad\x1d"})}, true, true, true}}}},
		{"should be encoded", object("<objectName>a b</objectName>"), true, queryPage{plain: true, rows: []row{{named("a b"), true, true, true}}}},
		{"lossy", object("<objectName>a\ufffdb</objectName>"), false, queryPage{lossy: true, rows: []row{{named("a\ufffdb"), true, true, true}}}},
		{"blanks kept", object("<objectName> a\tb </objectName>"), false, queryPage{rows: []row{{named(" a\tb "), true, true, true}}}},
		{"CDATA and comments", object("<objectName><![CDATA[a]]><!-- no -->b<x>c</x></objectName>"), false, queryPage{rows: []row{{named("ab"), true, true, true}}}},
		{"version", object("<objectName>k</objectName><versionId>null</versionId>"), false, queryPage{rows: []row{{named("k"), true, true, true}}}},
	}
	for _, tt := range tests {
		got, err := decodeRows(strings.NewReader(tt.doc), rowForm{encoded: tt.encoded}, nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(queryPage{}, queryRow{}, search.Metadata{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestEndOfPages(t *testing.T) {
	for _, end := range []string{"", "<NextMarker/>", "<NextMarker></NextMarker>", "<NextMarker>  </NextMarker>",
		"<NextMarker>NO MORE PAGES</NextMarker>", "<NextMarker>\n no more pages </NextMarker>", "<NextMarker>null</NextMarker>"} {
		page, err := decodeRows(strings.NewReader(query(end+"<IsTruncated>false</IsTruncated>")), rowForm{}, func(next string) {
			t.Errorf("%s: early marker %q", end, next)
		})
		if err != nil || page.next != "" {
			t.Errorf("%s: next %q, %v", end, page.next, err)
		}
		if _, err := decodeRows(strings.NewReader(query("<IsTruncated>true</IsTruncated>"+end)), rowForm{}, nil); err == nil {
			t.Errorf("%s: truncated without marker is no error", end)
		}
	}
}

// TestHostileXML is what a store could send to harm: each is an error at once.
func TestHostileXML(t *testing.T) {
	deep := strings.Repeat("<a>", 20)
	tests := []struct{ name, doc, want string }{
		{"doctype", `<!DOCTYPE x [<!ENTITY a "b">]><BucketQueryResult/>`, "document type"},
		{"entity", query("<Name>&a;</Name>"), "entity"},
		{"deep", query(deep), "deeper"},
		{"long text", query("<Name>" + strings.Repeat("x", maxToken+8192) + "</Name>"), "bytes"},
		{"text in pieces", query("<NextMarker>" + strings.Repeat(strings.Repeat("x", 1<<18)+"<a/>", 5) + "</NextMarker>"), "bytes"},
		{"long tag", query("<" + strings.Repeat("x", maxToken+8192) + "/>"), "bytes"},
		{"long comment", query("<!--" + strings.Repeat("x", maxToken+8192) + "-->"), "bytes"},
		{"crossed tags", "<BucketQueryResult><a></b></BucketQueryResult>", "closes no element"},
		{"other root", "<html><body/></html>", "<html> where <BucketQueryResult>"},
		{"no XML", "Hello", "text where"},
		{"other encoding", `<?xml version="1.0" encoding="UTF-16"?><BucketQueryResult/>`, "UTF-16"},
		{"nameless object", object(""), "without a name"},
		{"many attributes", object("<objectName>k</objectName><queryMds><mdMap>" + manyEntries() + "</mdMap></queryMds>"), "attributes"},
		{"control character", object("<objectName>a&#x1D;</objectName>"), "illegal character"},
		{"not UTF-8", object("<objectName>\xff</objectName>"), "UTF-8"},
		{"error", "<Error><Code>SlowDown</Code><Message>m</Message></Error>", "SlowDown"},
		{"error without code", "<Error/>", "without a code"},
	}
	for _, tt := range tests {
		_, err := decodeRows(strings.NewReader(tt.doc), rowForm{}, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := decodeRows(strings.NewReader(guideAnswer[:len(guideAnswer)-30]), rowForm{}, nil); !isBroken(err) {
		t.Errorf("a document cut short: %v", err)
	}
	if _, err := decodeRows(io.MultiReader(strings.NewReader("<BucketQueryResult>"), &endless{text: "<Unknown>" + strings.Repeat("text", 10_000) + "</Unknown>"}), rowForm{}, nil); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("an endless document: %v", err)
	}
}

// TestTextInPieces is a text cut by comments after each byte: reading it must
// not copy all of what came before for each piece, nor may an error repeat it all.
func TestTextInPieces(t *testing.T) {
	const pieces = 32 << 10
	doc := query("<NextMarker>" + strings.Repeat("x<!---->", pieces) + "</NextMarker>")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	page, err := decodeRows(strings.NewReader(doc), rowForm{}, nil)
	runtime.ReadMemStats(&after)
	if err != nil || page.next != strings.Repeat("x", pieces) {
		t.Errorf("a marker of %d bytes, %v", len(page.next), err)
	}
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
		t.Errorf("%d MiB were allocated for %d KiB", mib, len(doc)>>10)
	}

	long := strings.Repeat("x", 1<<19)
	for _, doc := range []string{"<" + long + "/>", "<BucketQueryResult></" + long + ">"} {
		if _, err := decodeRows(strings.NewReader(doc), rowForm{}, nil); err == nil || len(err.Error()) > 1000 {
			t.Errorf("no error, or one of a document's length")
		}
	}
}

func isBroken(err error) bool {
	_, ok := errors.AsType[*brokenBody](err)
	return ok
}

func manyEntries() string {
	var b strings.Builder
	for i := range maxEntries + 1 {
		fmt.Fprintf(&b, "<entry><key>k%d</key><value>v</value></entry>", i)
	}
	return b.String()
}

// endless repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	return len(p), nil
}

func TestDecodeSchema(t *testing.T) {
	const doc = `<MetadataSearchList xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
	  <MetadataSearchEnabled>true</MetadataSearchEnabled>
	  <IndexableKeys>
	    <Key><Name>x-amz-meta-INT</Name><Datatype>Integer</Datatype></Key>
	    <Key><Name>Size</Name></Key>
	    <Key><Name>lastmodified</Name><Datatype>datetime</Datatype></Key>
	    <Key><Name>x-amz-meta-new</Name><Datatype>geometry</Datatype></Key>
	    <Key><Name>x-amz-meta-int</Name><Datatype>integer</Datatype></Key>
	    <Key><Datatype>integer</Datatype></Key>
	  </IndexableKeys>
	  <OptionalAttributes><Attribute><Name>Etag</Name><Datatype>string</Datatype></Attribute><Attribute><Name>ContentType</Name><Datatype>string</Datatype></Attribute></OptionalAttributes>
	</MetadataSearchList>`
	want := search.Schema{Bucket: "b", Enabled: true,
		Indexed: []search.Key{{Name: "LastModified", Type: search.Datetime, Indexed: true}, {Name: "Size", Type: search.Integer, Indexed: true},
			{Name: "x-amz-meta-int", Type: search.Integer, Indexed: true}},
		Attributes: []search.Key{{Name: "ContentType"}, {Name: "Etag"}}}
	got, err := decodeSchema(strings.NewReader(doc), "b")
	if d := cmp.Diff(want, got.schema); d != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	off := search.Schema{Bucket: "b"}
	for _, doc := range []string{
		"<ListBucketResult><Contents><Key>x</Key></Contents></ListBucketResult>", // a server that ignores the parameter
		"<MetadataSearchList/>",
		"<MetadataSearchList><MetadataSearchEnabled>true</MetadataSearchEnabled><IndexableKeys/></MetadataSearchList>",
		"<MetadataSearchList><MetadataSearchEnabled>false</MetadataSearchEnabled><IndexableKeys><Key><Name>Size</Name><Datatype>integer</Datatype></Key></IndexableKeys></MetadataSearchList>",
	} {
		got, err := decodeSchema(strings.NewReader(doc), "b")
		if d := cmp.Diff(off, got.schema); d != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", doc, err, d)
		}
	}
}

func TestPercentDecode(t *testing.T) {
	tests := []struct {
		in   string
		plus plusMeaning
		want string
	}{
		{"a+b%2Bc%20d", plusIsBlank, "a b+c d"}, {"a+b%2Bc%20d", plusIsPlus, "a+b+c d"}, {"%ff%00%C3%BC", plusIsBlank, "\xff\x00ü"}, {"", plusIsBlank, ""},
	}
	for _, tt := range tests {
		if got, err := percentDecode(tt.in, tt.plus); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v", tt.in, got, err)
		}
	}
	for _, bad := range []string{"%", "%4", "a%4", "%zz", "%+1"} {
		if _, err := percentDecode(bad, plusIsBlank); err == nil {
			t.Errorf("%q was decoded", bad)
		}
	}
}

func TestReadTime(t *testing.T) {
	for _, bad := range []string{"", "x", "99999999999999999", "-99999999999999999", "2026-01", "9223372036854775807", "0000-12-31T00:00:00Z", "0001-01-01T00:00:00+01:00", "2026-13-01T00:00:00Z"} {
		if _, ok := readTime([]byte(bad)); ok {
			t.Errorf("%q was taken for a time", bad)
		}
	}
	if got, ok := readTime([]byte(" 1449081778025 ")); !ok || got.UnixMilli() != 1449081778025 {
		t.Errorf("%v, %v", got, ok)
	}
}

func TestParseContentRange(t *testing.T) {
	if f, l, s, ok := parseContentRange("bytes 5-9/100"); !ok || f != 5 || l != 9 || s != 100 {
		t.Error(f, l, s, ok)
	}
	if _, _, s, ok := parseContentRange("bytes 5-9/*"); !ok || s != -1 {
		t.Error(s, ok)
	}
	for _, bad := range []string{"", "bytes", "bytes */100", "bytes 9-5/100", "bytes 5-100/100", "items 5-9/100", "bytes -5-9/100", "bytes 5-9/x"} {
		if _, _, _, ok := parseContentRange(bad); ok {
			t.Errorf("%q was accepted", bad)
		}
	}
}
