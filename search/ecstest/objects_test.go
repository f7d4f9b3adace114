package ecstest

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

func TestObjectKeepsWhatWasSent(t *testing.T) {
	_, c := startServer(t)
	c.do("PUT", "/b", "").must(t, 200)
	put := c.do("PUT", "/b/k", "hello", "Content-Type", "text/plain; charset=utf-8", "Content-Encoding", "aws-chunked,gzip",
		"Content-Disposition", "inline", "Content-Language", "de", "Cache-Control", "no-store", "Expires", "never",
		"X-Amz-Meta-Color", "größer", "x-amz-meta-encoded", "gr%C3%B6%C3%9Fer", "x-amz-meta-two", "a", "x-amz-meta-two", "b").must(t, 200)
	const etag = `"5d41402abc4b2a76b9719d911017c592"`
	if got := put.header.Get("ETag"); got != etag {
		t.Errorf("ETag %s", got)
	}
	for _, method := range []string{"GET", "HEAD"} {
		got := c.do(method, "/b/k", "").must(t, 200)
		for name, want := range map[string]string{"ETag": etag, "Content-Length": "5", "Accept-Ranges": "bytes",
			"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip", "Content-Disposition": "inline",
			"Content-Language": "de", "Cache-Control": "no-store", "Expires": "never",
			"x-amz-meta-color": "größer", "x-amz-meta-encoded": "gr%C3%B6%C3%9Fer", "x-amz-meta-two": "a,b"} {
			if h := got.header.Get(name); h != want {
				t.Errorf("%s: %s is %q, want %q", method, name, h, want)
			}
		}
		if want := map[string]string{"GET": "hello"}[method]; got.body != want {
			t.Errorf("%s: body %q", method, got.body)
		}
	}
	c.do("PUT", "/b/plain", "").must(t, 200)
	if got := c.get("/b/plain").must(t, 200).header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("default content type is %q", got)
	}
	got := c.get("/b/k?response-content-type=image/png&response-cache-control=private&x-id=GetObject").must(t, 200)
	if got.header.Get("Content-Type") != "image/png" || got.header.Get("Cache-Control") != "private" {
		t.Errorf("response-*: %v", got.header)
	}
}

func TestRange(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	ok(t, s.PutObject("b", "k", []byte("0123456789"), PutOptions{}))
	ok(t, s.PutObject("b", "empty", nil, PutOptions{}))
	for _, tc := range []struct {
		fact, key, header string
		status            int
		body, contentRg   string
	}{
		{"inside", "k", "bytes=2-4", 206, "234", "bytes 2-4/10"},
		{"one byte", "k", "bytes=0-0", 206, "0", "bytes 0-0/10"},
		{"to the end", "k", "bytes=7-", 206, "789", "bytes 7-9/10"},
		{"beyond the end", "k", "bytes=7-99", 206, "789", "bytes 7-9/10"},
		{"the last bytes", "k", "bytes=-3", 206, "789", "bytes 7-9/10"},
		{"more last bytes than there are", "k", "bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"an end of more than 63 bits", "k", "bytes=8-99999999999999999999", 206, "89", "bytes 8-9/10"},
		{"all of it is partial too", "k", "bytes=0-9", 206, "0123456789", "bytes 0-9/10"},
		{"from the end on", "k", "bytes=10-", 416, "", "bytes */10"},
		{"from beyond 63 bits", "k", "bytes=99999999999999999999-", 416, "", "bytes */10"},
		{"the last no bytes", "k", "bytes=-0", 416, "", "bytes */10"},
		{"of an empty object", "empty", "bytes=0-", 416, "", "bytes */0"},
		{"backwards is ignored", "k", "bytes=4-2", 200, "0123456789", ""},
		{"two ranges are ignored", "k", "bytes=0-1,3-4", 200, "0123456789", ""},
		{"another unit is ignored", "k", "lines=0-1", 200, "0123456789", ""},
		{"no number is ignored", "k", "bytes=a-b", 200, "0123456789", ""},
		{"a sign is ignored", "k", "bytes=+1-2", 200, "0123456789", ""},
		{"nothing is ignored", "k", "bytes=-", 200, "0123456789", ""},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := c.get("/b/"+tc.key, "Range", tc.header).must(t, tc.status)
			if rg := got.header.Get("Content-Range"); rg != tc.contentRg {
				t.Errorf("Content-Range %q, want %q", rg, tc.contentRg)
			}
			if tc.status == 416 {
				if code := got.xml(t).text("Code"); code != "InvalidRange" {
					t.Errorf("code %q", code)
				}
			} else if got.body != tc.body {
				t.Errorf("body %q, want %q", got.body, tc.body)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	at := time.Date(2024, 5, 1, 12, 0, 0, 999e6, time.UTC)
	ok(t, s.PutObject("b", "k", []byte("hello"), PutOptions{LastModified: at}))
	const (
		etag    = `"5d41402abc4b2a76b9719d911017c592"`
		before  = "Wed, 01 May 2024 11:59:59 GMT"
		exactly = "Wed, 01 May 2024 12:00:00 GMT"
	)
	for _, tc := range []struct {
		fact    string
		headers []string
		status  int
	}{
		{"If-Match of this one", []string{"If-Match", etag}, 200},
		{"If-Match without quotes", []string{"If-Match", strings.Trim(etag, `"`)}, 200},
		{"If-Match of any", []string{"If-Match", "*"}, 200},
		{"If-Match of a list", []string{"If-Match", `"x", ` + etag}, 200},
		{"If-Match of another", []string{"If-Match", `"x"`}, 412},
		{"If-None-Match of this one", []string{"If-None-Match", etag}, 304},
		{"If-None-Match of any", []string{"If-None-Match", "*"}, 304},
		{"If-None-Match of another", []string{"If-None-Match", `"x"`}, 200},
		{"If-Modified-Since, it was", []string{"If-Modified-Since", before}, 200},
		{"If-Modified-Since, it was not: milliseconds are below HTTP's dates", []string{"If-Modified-Since", exactly}, 304},
		{"If-Unmodified-Since, it was", []string{"If-Unmodified-Since", before}, 412},
		{"If-Unmodified-Since, it was not", []string{"If-Unmodified-Since", exactly}, 200},
		{"If-Match wins over If-Unmodified-Since", []string{"If-Match", etag, "If-Unmodified-Since", before}, 200},
		{"If-None-Match wins over If-Modified-Since", []string{"If-None-Match", `"x"`, "If-Modified-Since", exactly}, 200},
		{"a failed If-Match before If-None-Match", []string{"If-Match", `"x"`, "If-None-Match", etag}, 412},
		{"a date that is none is ignored", []string{"If-Modified-Since", "yesterday"}, 200},
		{"a condition before the range", []string{"If-Match", `"x"`, "Range", "bytes=99-"}, 412},
		{"a condition that holds, with a range", []string{"If-Match", etag, "Range", "bytes=0-1"}, 206},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := c.get("/b/k", tc.headers...).must(t, tc.status)
			if tc.status == 304 && (got.body != "" || got.header.Get("ETag") != etag) {
				t.Errorf("304 with body %q, ETag %s", got.body, got.header.Get("ETag"))
			}
			c.do("HEAD", "/b/k", "", tc.headers...).must(t, tc.status)
		})
	}
	c.do("PUT", "/b/k", "x", "If-None-Match", "*").must(t, 412)
	c.do("PUT", "/b/k", "x", "If-Match", `"x"`).must(t, 412)
	c.do("PUT", "/b/new", "x", "If-Match", etag).must(t, 404)
	c.do("PUT", "/b/new", "x", "If-None-Match", "*").must(t, 200)
	c.do("PUT", "/b/k", "x", "If-Match", etag).must(t, 200)
}

func TestCopy(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "x-amz-meta-color;string"))
	ok(t, s.CreateBucket("other"))
	ok(t, s.PutObject("b", "ö + k", []byte("hello"), PutOptions{ContentType: "text/plain", Metadata: map[string]string{"color": "red"}}))
	source := "/b/" + sigv4.Escape("ö + k")

	got := c.do("PUT", "/other/copy", "", "x-amz-copy-source", source, "x-amz-meta-color", "ignored").must(t, 200).xml(t)
	if got.XMLName.Local != "CopyObjectResult" || got.text("ETag") != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("got %+v", got)
	}
	copied := c.get("/other/copy").must(t, 200)
	if copied.body != "hello" || copied.header.Get("x-amz-meta-color") != "red" || copied.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %+v", copied)
	}
	c.do("PUT", source, "", "x-amz-copy-source", source).must(t, 400)
	c.do("PUT", source, "", "x-amz-copy-source", source, "x-amz-metadata-directive", "REPLACE", "x-amz-meta-color", "blue").must(t, 200)
	if n := names(c.query("b", "x-amz-meta-color=='blue'")); len(n) != 1 {
		t.Errorf("metadata that a copy replaces is not in the index: %q", n)
	}
	if n := names(c.query("b", "x-amz-meta-color=='red'")); len(n) != 0 {
		t.Errorf("metadata that a copy replaced is still in the index: %q", n)
	}
	for _, tc := range []struct {
		status  int
		headers []string
	}{
		{404, []string{"x-amz-copy-source", "b/missing"}},
		{404, []string{"x-amz-copy-source", "missing/k"}},
		{404, []string{"x-amz-copy-source", source + "?versionId=7"}},
		{200, []string{"x-amz-copy-source", source + "?versionId=null"}},
		{400, []string{"x-amz-copy-source", "nothing"}},
		{400, []string{"x-amz-copy-source", source, "x-amz-metadata-directive", "MERGE"}},
		{412, []string{"x-amz-copy-source", source, "x-amz-copy-source-if-match", "x"}},
		{412, []string{"x-amz-copy-source", source, "x-amz-copy-source-if-none-match", "*"}},
	} {
		c.do("PUT", "/other/target", "", tc.headers...).must(t, tc.status)
	}
}

func TestPutErrors(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.MaxObjectSize = 10 })
	ok(t, s.CreateBucket("b"))
	sum := md5.Sum([]byte("hello"))
	digest := base64.StdEncoding.EncodeToString(sum[:])
	for _, tc := range []struct {
		fact, target, body string
		headers            []string
		status             int
		code               string
	}{
		{"no such bucket", "/none/k", "x", nil, 404, "NoSuchBucket"},
		{"the right Content-MD5", "/b/k", "hello", []string{"Content-MD5", digest}, 200, ""},
		{"a wrong Content-MD5", "/b/k", "hallo", []string{"Content-MD5", digest}, 400, "BadDigest"},
		{"a Content-MD5 that is none", "/b/k", "hello", []string{"Content-MD5", "x"}, 400, "InvalidDigest"},
		{"a body of the greatest size", "/b/k", "0123456789", nil, 200, ""},
		{"a body too large", "/b/k", "0123456789x", nil, 400, "EntityTooLarge"},
		{"a key of 1024 bytes", "/b/" + strings.Repeat("k", 1024), "x", nil, 200, ""},
		{"a key of 1025 bytes", "/b/" + strings.Repeat("k", 1025), "x", nil, 400, "KeyTooLongError"},
		{"a subresource", "/b/k?tagging", "x", nil, 501, "NotImplemented"},
		{"an unknown parameter", "/b/k?colour=red", "x", nil, 400, "InvalidArgument"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := c.do("PUT", tc.target, tc.body, tc.headers...).must(t, tc.status)
			if tc.code != "" && got.xml(t).text("Code") != tc.code {
				t.Errorf("got %s, want code %s", got.body, tc.code)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	if got := c.get("/b/k").must(t, 404).xml(t); got.text("Code") != "NoSuchKey" || got.text("Key") != "k" {
		t.Errorf("got %+v", got)
	}
	if got := c.do("HEAD", "/b/k", "").must(t, 404); got.body != "" {
		t.Errorf("HEAD with a body: %q", got.body)
	}
	c.do("DELETE", "/b/k", "").must(t, 204) // as in S3
	c.do("DELETE", "/none/k", "").must(t, 404)
	c.get("/none/k").must(t, 404)
	c.do("POST", "/b/k", "").must(t, 405)
	ok(t, s.PutObject("b", "k", nil, PutOptions{}))
	for version, status := range map[string]int{"null": 200, "0": 200, "7": 404} {
		c.get("/b/k?versionId="+version).must(t, status)
	}
}

// TestLoading: what Go loads is what HTTP serves.
func TestLoading(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 123456789, time.UTC)
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "x-amz-meta-color;string"))
	data := []byte("hello")
	ok(t, s.PutObject("b", "k", data, PutOptions{ContentType: "text/plain", ContentEncoding: "gzip", LastModified: now,
		Metadata: map[string]string{"Color": "red", "x-amz-meta-Size": "big"}}))
	data[0] = 'j'
	got := c.get("/b/k").must(t, 200)
	h := map[string]string{}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Last-Modified", "x-amz-meta-color", "x-amz-meta-size"} {
		h[name] = got.header.Get(name)
	}
	if diff := cmp.Diff(map[string]string{"Content-Type": "text/plain", "Content-Encoding": "gzip",
		"Last-Modified": now.Format(http.TimeFormat), "x-amz-meta-color": "red", "x-amz-meta-size": "big"}, h); diff != "" || got.body != "hello" {
		t.Errorf("body %q, %s", got.body, diff)
	}
	ok(t, s.DeleteObject("b", "k"))
	ok(t, s.DeleteObject("b", "k"))
	for want, err := range map[string]error{
		"NoSuchBucket":            s.PutObject("none", "k", nil, PutOptions{}),
		"BucketAlreadyOwnedByYou": s.CreateBucket("b"),
		"InvalidArgument":         s.CreateBucket("c", "Color"),
		"KeyTooLongError":         s.PutObject("b", "", nil, PutOptions{}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
