package ecstest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// begin starts an upload.
func (c *client) begin(target string, headers ...string) string {
	c.t.Helper()
	got := c.do("POST", target+"?uploads", "", headers...).must(c.t, 200).xml(c.t)
	if got.XMLName.Space != s3Namespace || got.XMLName.Local != "InitiateMultipartUploadResult" {
		c.t.Fatalf("got %+v", got)
	}
	return got.text("UploadId")
}

// sendPart sends a part and returns its ETag.
func (c *client) sendPart(target, id string, number int, body string, headers ...string) string {
	c.t.Helper()
	return c.do("PUT", fmt.Sprintf("%s?partNumber=%d&uploadId=%s", target, number, id), body, headers...).must(c.t, 200).header.Get("ETag")
}

// completeBody is the document of part, ETag, part, ETag ...
func completeBody(parts ...any) string {
	var b strings.Builder
	b.WriteString(`<CompleteMultipartUpload xmlns="` + s3Namespace + `">`)
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", parts[i], strings.ReplaceAll(parts[i+1].(string), `"`, "&quot;"))
	}
	return b.String() + "</CompleteMultipartUpload>"
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func smallParts(s *Server) { s.MinPartSize = 4 }

func TestMultipartUpload(t *testing.T) {
	s, c := startServer(t, smallParts)
	ok(t, s.CreateBucket("b", "Size", "x-amz-meta-color;string"))
	id := c.begin("/b/dir/k", "Content-Type", "text/plain", "x-amz-meta-color", "red", "Content-Disposition", "inline")
	c.sendPart("/b/dir/k", id, 2, "replaced")
	three, two, one := c.sendPart("/b/dir/k", id, 3, "3"), c.sendPart("/b/dir/k", id, 2, "22222"), c.sendPart("/b/dir/k", id, 1, "1111")
	c.sendPart("/b/dir/k", id, 9, "not asked for")
	if one != `"`+md5Hex("1111")+`"` {
		t.Errorf("a part's ETag is %s", one)
	}
	c.get("/b/dir/k").must(t, 404)
	if n := names(c.query("b", "Size>=0")); len(n) != 0 {
		t.Errorf("an upload under way is found: %q", n)
	}

	got := c.do("POST", "/b/dir/k?uploadId="+id, completeBody(1, one, 2, strings.Trim(two, `"`), 3, three)).must(t, 200).xml(t)
	sums, err := hex.DecodeString(md5Hex("1111") + md5Hex("22222") + md5Hex("3"))
	ok(t, err)
	etag := `"` + md5Hex(string(sums)) + `-3"`
	if got.XMLName.Local != "CompleteMultipartUploadResult" || got.text("Bucket") != "b" || got.text("Key") != "dir/k" ||
		got.text("ETag") != etag || got.text("Location") != s.URL+"/b/dir/k" {
		t.Errorf("got %+v", got)
	}
	object := c.get("/b/dir/k").must(t, 200)
	want := map[string]string{"ETag": etag, "Content-Type": "text/plain", "x-amz-meta-color": "red", "Content-Disposition": "inline", "Content-Length": "10"}
	for name, text := range want {
		if object.header.Get(name) != text {
			t.Errorf("%s is %q, want %q", name, object.header.Get(name), text)
		}
	}
	if object.body != "1111222223" {
		t.Errorf("the object has %q", object.body)
	}
	if n := names(c.query("b", "Size==10 and x-amz-meta-color=='red'")); !slices.Equal(n, []string{"dir/k"}) {
		t.Errorf("found %q", n)
	}
	for rg, body := range map[string]string{"bytes=0-3": "1111", "bytes=2-5": "1122", "bytes=3-9": "1222223", "bytes=-1": "3", "bytes=9-": "3", "bytes=4-4": "2"} {
		if got := c.get("/b/dir/k", "Range", rg).must(t, 206); got.body != body {
			t.Errorf("%s: %q, want %q", rg, got.body, body)
		}
	}
	for number, want := range map[string]string{"1": "1111", "2": "22222", "3": "3"} {
		got := c.get("/b/dir/k?partNumber="+number).must(t, 206)
		if got.body != want || got.header.Get("x-amz-mp-parts-count") != "3" {
			t.Errorf("part %s: %q, %v", number, got.body, got.header)
		}
		head := c.do("HEAD", "/b/dir/k?partNumber="+number, "").must(t, 206)
		if head.header.Get("Content-Length") != strconv.Itoa(len(want)) {
			t.Errorf("HEAD of part %s: %v", number, head.header)
		}
	}
	c.get("/b/dir/k?partNumber=4").must(t, 416)
	c.get("/b/dir/k?partNumber=0").must(t, 400)
	c.get("/b/dir/k?partNumber=1", "Range", "bytes=0-0").must(t, 400)
	ok(t, s.PutObject("b", "whole", []byte("one"), PutOptions{}))
	if got := c.get("/b/whole?partNumber=1").must(t, 206); got.body != "one" || got.header.Get("x-amz-mp-parts-count") != "" {
		t.Errorf("part 1 of an object without parts: %+v", got)
	}

	// The upload is over.
	for _, a := range []answer{c.do("POST", "/b/dir/k?uploadId="+id, completeBody(1, one)), c.do("DELETE", "/b/dir/k?uploadId="+id, ""),
		c.get("/b/dir/k?uploadId=" + id), c.do("PUT", "/b/dir/k?partNumber=1&uploadId="+id, "x"), c.get("/b/dir/k?uploadId=x")} {
		if e := a.must(t, 404).xml(t); e.text("Code") != "NoSuchUpload" {
			t.Errorf("got %s", a.body)
		}
	}

	c.do("PUT", "/b/copy", "", "x-amz-copy-source", "/b/dir/k").must(t, 200)
	if got := c.get("/b/copy").must(t, 200); got.body != "1111222223" || got.header.Get("ETag") != etag {
		t.Errorf("a copy is %+v", got)
	}
}

func TestCompleteErrors(t *testing.T) {
	s, c := startServer(t, smallParts, func(s *Server) { s.MaxObjectSize = 20 })
	ok(t, s.CreateBucket("b"))
	ok(t, s.PutObject("b", "k", []byte("old"), PutOptions{}))
	id := c.begin("/b/k")
	one, two, small := c.sendPart("/b/k", id, 1, "1111"), c.sendPart("/b/k", id, 2, "2222"), c.sendPart("/b/k", id, 3, "3")
	large := c.sendPart("/b/k", id, 4, strings.Repeat("x", 20))
	for _, tc := range []struct {
		fact, body string
		headers    []string
		status     int
		code       string
	}{
		{"no document", "", nil, 400, "MalformedXML"},
		{"another document", "<Complete/>", nil, 400, "MalformedXML"},
		{"no part", completeBody(), nil, 400, "MalformedXML"},
		{"the wrong order", completeBody(2, two, 1, one), nil, 400, "InvalidPartOrder"},
		{"the wrong order, with a small part first", completeBody(3, small, 1, one), nil, 400, "InvalidPartOrder"},
		{"a part twice", completeBody(1, one, 1, one), nil, 400, "InvalidPartOrder"},
		{"a part that is not there", completeBody(1, one, 7, two), nil, 400, "InvalidPart"},
		{"another ETag", completeBody(1, two), nil, 400, "InvalidPart"},
		{"a small part before the last", completeBody(1, one, 3, small, 4, large), nil, 400, "EntityTooSmall"},
		{"an object too large", completeBody(1, one, 4, large), nil, 400, "EntityTooLarge"},
		{"another size", completeBody(1, one), []string{"x-amz-mp-object-size", "5"}, 400, "InvalidRequest"},
		{"If-None-Match", completeBody(1, one), []string{"If-None-Match", "*"}, 412, "PreconditionFailed"},
		{"If-Match of another", completeBody(1, one), []string{"If-Match", `"x"`}, 412, "PreconditionFailed"},
		{"a small part alone, and the right size", completeBody(3, small), []string{"x-amz-mp-object-size", "1", "If-Match", `"` + md5Hex("old") + `"`}, 200, "<none>"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := c.do("POST", "/b/k?uploadId="+id, tc.body, tc.headers...).must(t, tc.status).xml(t)
			if got.text("Code") != tc.code {
				t.Errorf("got %+v, want %s", got, tc.code)
			}
		})
	}
	for _, target := range []string{"/b/k?partNumber=0&uploadId=x", "/b/k?partNumber=10001&uploadId=x", "/b/k?partNumber=a&uploadId=x",
		"/b/k?uploadId=x", "/b/k?partNumber=1"} {
		if got := c.do("PUT", target, "x").must(t, 400).xml(t); got.text("Code") != "InvalidArgument" {
			t.Errorf("%s: %+v", target, got)
		}
	}
	c.do("POST", "/none/k?uploads", "").must(t, 404)
	c.do("POST", "/b/"+strings.Repeat("k", 1025)+"?uploads", "").must(t, 400)
}

// TestDefaultMinPartSize: without a knob it is S3's.
func TestDefaultMinPartSize(t *testing.T) {
	s, c := directServer(t)
	ok(t, s.CreateBucket("b"))
	id := c.begin("/b/k")
	full, short := strings.Repeat("x", 5<<20), strings.Repeat("x", 5<<20-1)
	one, two, last := c.sendPart("/b/k", id, 1, full), c.sendPart("/b/k", id, 2, short), c.sendPart("/b/k", id, 3, "")
	if got := c.do("POST", "/b/k?uploadId="+id, completeBody(1, one, 2, two, 3, last)).must(t, 400).xml(t); got.text("Code") != "EntityTooSmall" ||
		got.text("MinSizeAllowed") != "5242880" || got.text("PartNumber") != "2" {
		t.Errorf("got %+v", got)
	}
	c.do("POST", "/b/k?uploadId="+id, completeBody(1, one, 3, last)).must(t, 200)
}

func TestAbortAndBucketDeletion(t *testing.T) {
	s, c := startServer(t, smallParts)
	ok(t, s.CreateBucket("b"))
	id := c.begin("/b/k")
	c.sendPart("/b/k", id, 1, "1111")
	c.do("DELETE", "/b/k?uploadId="+id, "").must(t, 204)
	c.get("/b/k?uploadId="+id).must(t, 404)
	c.do("DELETE", "/b/k?uploadId="+id, "").must(t, 404)
	id = c.begin("/b/k")
	c.do("DELETE", "/b", "").must(t, 204) // an upload is no object
	c.do("PUT", "/b", "").must(t, 200)
	c.get("/b/k?uploadId="+id).must(t, 404)
}

func TestUploadPartCopy(t *testing.T) {
	s, c := startServer(t, smallParts)
	ok(t, s.CreateBucket("b"))
	ok(t, s.SetVersioning("b", true))
	version := c.do("PUT", "/b/source", "0123456789").must(t, 200).header.Get("x-amz-version-id")
	c.do("PUT", "/b/source", "newer").must(t, 200)
	id := c.begin("/b/k")
	target := func(number int) string { return fmt.Sprintf("/b/k?partNumber=%d&uploadId=%s", number, id) }
	first := c.do("PUT", target(1), "", "x-amz-copy-source", "/b/source?versionId="+version, "x-amz-copy-source-range", "bytes=2-6").must(t, 200)
	if got := first.xml(t); got.XMLName.Local != "CopyPartResult" || got.text("ETag") != `"`+md5Hex("23456")+`"` ||
		first.header.Get("x-amz-copy-source-version-id") != version {
		t.Errorf("got %+v, %v", got, first.header)
	}
	second := c.do("PUT", target(2), "", "x-amz-copy-source", "b/source").must(t, 200).xml(t).text("ETag")
	for _, tc := range []struct {
		status  int
		headers []string
	}{
		{404, []string{"x-amz-copy-source", "b/missing"}},
		{404, []string{"x-amz-copy-source", "missing/k"}},
		{400, []string{"x-amz-copy-source", "b"}},
		{400, []string{"x-amz-copy-source", "b/source", "x-amz-copy-source-range", "bytes=0-5"}},
		{400, []string{"x-amz-copy-source", "b/source", "x-amz-copy-source-range", "bytes=3-2"}},
		{400, []string{"x-amz-copy-source", "b/source", "x-amz-copy-source-range", "bytes=1-"}},
		{400, []string{"x-amz-copy-source", "b/source", "x-amz-copy-source-range", "0-1"}},
		{412, []string{"x-amz-copy-source", "b/source", "x-amz-copy-source-if-match", "x"}},
	} {
		c.do("PUT", target(3), "", tc.headers...).must(t, tc.status)
	}
	done := c.do("POST", "/b/k?uploadId="+id, completeBody(1, first.xml(t).text("ETag"), 2, second)).must(t, 200)
	if done.header.Get("x-amz-version-id") == "" {
		t.Errorf("no version id in %v", done.header)
	}
	if got := c.get("/b/k").must(t, 200); got.body != "23456newer" {
		t.Errorf("got %q", got.body)
	}
}

func TestListParts(t *testing.T) {
	s, c := startServer(t, smallParts)
	ok(t, s.CreateBucket("b"))
	id := c.begin("/b/k")
	for _, n := range []int{7, 1, 10000, 3, 4} {
		c.sendPart("/b/k", id, n, strconv.Itoa(n))
	}
	page := c.get("/b/k?uploadId="+id).must(t, 200).xml(t)
	if page.XMLName.Local != "ListPartsResult" || page.text("Bucket") != "b" || page.text("Key") != "k" || page.text("UploadId") != id ||
		page.text("Owner/ID") != DefaultAccessKeyID || page.text("Initiator/ID") != DefaultAccessKeyID || page.text("MaxParts") != "1000" {
		t.Errorf("got %+v", page)
	}
	if diff := cmp.Diff([]string{"1", "3", "4", "7", "10000"}, page.texts("Part/PartNumber")); diff != "" {
		t.Error(diff)
	}
	if p := page.all("Part")[4]; p.text("ETag") != `"`+md5Hex("10000")+`"` || p.text("Size") != "5" || !strings.HasSuffix(p.text("LastModified"), "Z") {
		t.Errorf("got %+v", p)
	}
	var numbers []string
	for marker, truncated := "0", "true"; truncated == "true"; {
		page := c.get("/b/k?max-parts=2&uploadId="+id+"&part-number-marker="+marker).must(t, 200).xml(t)
		numbers = append(numbers, page.texts("Part/PartNumber")...)
		marker, truncated = page.text("NextPartNumberMarker"), page.text("IsTruncated")
	}
	if diff := cmp.Diff([]string{"1", "3", "4", "7", "10000"}, numbers); diff != "" {
		t.Error(diff)
	}
	if page := c.get("/b/k?max-parts=0&uploadId="+id).must(t, 200).xml(t); page.text("IsTruncated") != "false" || len(page.all("Part")) != 0 {
		t.Errorf("got %+v", page)
	}
	c.get("/b/k?part-number-marker=-1&uploadId="+id).must(t, 400)
	c.get("/b/k?max-parts=x&uploadId="+id).must(t, 400)
}

func TestListUploads(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	ids := map[string]string{} // upload id to key
	var order []string
	for _, key := range []string{"a", "a", "dir/1", "dir/2", "dir+/3", "é", "z"} {
		id := c.begin("/b/" + sigv4.EscapePath(key))
		ids[id] = key
		order = append(order, id)
	}
	// "dir+/3" sorts before "dir/1".
	order[2], order[3], order[4] = order[4], order[2], order[3]
	order[5], order[6] = order[6], order[5]

	walk := func(size int, params string) (uploads, prefixes []string) {
		t.Helper()
		base := fmt.Sprintf("/b?uploads&max-uploads=%d%s", size, params)
		target := base
		for range 20 {
			page := c.get(target).must(t, 200).xml(t)
			uploads = append(uploads, page.texts("Upload/UploadId")...)
			prefixes = append(prefixes, page.texts("CommonPrefixes/Prefix")...)
			for _, u := range page.all("Upload") {
				if u.text("Key") != ids[u.text("UploadId")] || u.text("Owner/ID") != DefaultAccessKeyID || !strings.HasSuffix(u.text("Initiated"), "Z") {
					t.Errorf("got %+v", u)
				}
			}
			if page.text("IsTruncated") == "false" {
				return uploads, prefixes
			}
			target = base + "&key-marker=" + sigv4.Escape(page.text("NextKeyMarker"))
			if id := page.text("NextUploadIdMarker"); id != "<none>" {
				target += "&upload-id-marker=" + id
			}
		}
		t.Fatal("the listing does not end")
		return nil, nil
	}
	for _, size := range []int{1, 2, 3, 1000} {
		got, _ := walk(size, "")
		if diff := cmp.Diff(order, got); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
		got, prefixes := walk(size, "&delimiter=/")
		if diff := cmp.Diff([]string{order[0], order[1], order[5], order[6]}, got) + cmp.Diff([]string{"dir+/", "dir/"}, prefixes); diff != "" {
			t.Errorf("pages of %d with a delimiter: %s", size, diff)
		}
		got, _ = walk(size, "&prefix=dir/&delimiter=/")
		if diff := cmp.Diff(order[3:5], got); diff != "" {
			t.Errorf("pages of %d with a prefix: %s", size, diff)
		}
	}
	if page := c.get("/b?uploads&max-uploads=0").must(t, 200).xml(t); page.text("IsTruncated") != "false" || page.XMLName.Local != "ListMultipartUploadsResult" {
		t.Errorf("got %+v", page)
	}
	if keys := c.get("/b?uploads&encoding-type=url&prefix=%C3%A9").must(t, 200).xml(t).texts("Upload/Key"); !slices.Equal(keys, []string{"%C3%A9"}) {
		t.Errorf("got %q", keys)
	}
	c.get("/b?uploads&key-marker=a&upload-id-marker=x").must(t, 400)
	c.get("/none?uploads").must(t, 404)
}

// FuzzDocument: no body and no header of a request that has a document, or of an
// upload, makes the server panic, and an error that it answers is well-formed.
func FuzzDocument(f *testing.F) {
	targets := []string{"PUT /b?versioning", "POST /b?delete", "POST /b/k?uploads", "POST /b/k?uploadId=ID",
		"PUT /b/k?partNumber=1&uploadId=ID", "GET /b/k?uploadId=ID&part-number-marker=1"}
	f.Add(0, versioningBody("Enabled"), "x")
	f.Add(1, "<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>", sumOf("CRC32", ""))
	f.Add(2, "", "CRC64NVME")
	f.Add(3, completeBody(1, md5Hex("part")), "COMPOSITE")
	f.Add(4, "part", "bytes=0-1")
	f.Add(5, "", "1")
	s, c := directServer(f)
	ok(f, s.CreateBucket("b", "Size"))
	id := c.begin("/b/k")
	c.sendPart("/b/k", id, 1, "part")
	f.Fuzz(func(t *testing.T, target int, body, header string) {
		if target < 0 || target >= len(targets) {
			return
		}
		method, path, _ := strings.Cut(strings.Replace(targets[target], "ID", id, 1), " ")
		for _, name := range []string{"Content-MD5", "X-Amz-Checksum-Crc32", "X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type",
			"X-Amz-Trailer", "X-Amz-Decoded-Content-Length", "X-Amz-Copy-Source-Range", "X-Amz-Mp-Object-Size"} {
			r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(name, header)
			if name == "X-Amz-Copy-Source-Range" {
				r.Header.Set("X-Amz-Copy-Source", "b/k")
			}
			if c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()) != nil {
				return
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if a := (answer{w.Code, w.Header(), w.Body.String()}); a.status >= 400 {
				if e := a.xml(t); e.XMLName.Local != "Error" || e.text("Code") == "" || a.status >= 500 {
					t.Fatalf("%d %s", a.status, a.body)
				}
			}
		}
	})
}
