package ecstest

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// fuzzSecret is in no input, so that it must be in no answer.
const fuzzSecret = "a-secret-of-the-server-60Fk3vXq"

// fuzzServer has a versioned bucket "b" with search, a bucket "p" without
// either, and the upload "UPLOAD" stands for of b/up, with one part.
func fuzzServer(t tester) (s *Server, c *client, upload string) {
	s, c = directServer(t)
	s.SecretAccessKey, c.signer.SecretAccessKey = fuzzSecret, fuzzSecret
	s.VirtualHost, s.MinPartSize, s.MaxObjectSize, s.RecordLimit = "ecs.test", 1, 1<<20, -1
	ok(t, s.CreateBucket("b", "Size", "ObjectName", "LastModified", "x-amz-meta-color;string", "x-amz-meta-n;decimal"))
	ok(t, s.CreateBucket("p"))
	c.do("PUT", "/b?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>").must(t, 200)
	for i := range 4 {
		ok(t, s.PutObject("b", fmt.Sprintf("k/%d", i/2), []byte("hello"), PutOptions{Metadata: map[string]string{"n": fmt.Sprint(i), "color": "red"}}))
	}
	upload = c.do("POST", "/b/up?uploads", "").must(t, 200).xml(t).text("UploadId")
	c.do("PUT", "/b/up?partNumber=1&uploadId="+upload, "part").must(t, 200)
	return s, c, upload
}

// strictWriter is what net/http makes of an answer, and fails the test where a
// handler does what net/http would only log.
type strictWriter struct {
	t      *testing.T
	header http.Header
	status int
	sent   http.Header // what header was when status was set
	body   bytes.Buffer
}

func (w *strictWriter) Header() http.Header { return w.header }

func (w *strictWriter) WriteHeader(status int) {
	if status == http.StatusContinue {
		return
	}
	if w.status != 0 {
		w.t.Errorf("status %d after %d", status, w.status)
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *strictWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.body.Write(p)
}

// serveFuzzed lets s answer r and checks what holds for every answer. size is
// that of the request.
func serveFuzzed(t *testing.T, s *Server, r *http.Request, size int) *strictWriter {
	w := &strictWriter{t: t, header: http.Header{}}
	method := r.Method
	s.ServeHTTP(w, r)
	body := w.body.String()
	switch {
	case w.status < 200 || w.status > 599:
		t.Fatalf("status %d", w.status)
	case strings.Contains(body, fuzzSecret) || strings.Contains(fmt.Sprint(w.sent), fuzzSecret):
		t.Fatalf("the answer has the secret: %v %s", w.sent, body)
	case len(body) > 256<<10+40*size:
		t.Fatalf("%d bytes answer %d", len(body), size)
	case w.sent.Get("X-Amz-Request-Id") == "":
		t.Fatalf("no request id: %d %v", w.status, w.sent)
	}
	if length := w.sent.Get("Content-Length"); length != "" && method != http.MethodHead && length != strconv.Itoa(len(body)) {
		t.Fatalf("Content-Length %s of %d bytes", length, len(body))
	}
	if body != "" && (method == http.MethodHead || w.status == http.StatusNoContent || w.status == http.StatusNotModified) {
		t.Fatalf("%s is answered %d with %q", method, w.status, body)
	}
	if w.status >= 400 && method != http.MethodHead {
		a := answer{w.status, w.sent, body}
		if e := a.xml(t); e.XMLName.Local != "Error" || e.text("Code") == "" || e.text("RequestId") != w.sent.Get("X-Amz-Request-Id") {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	return w
}

// checkIndex compares what a search for everything finds with a list.
func checkIndex(t *testing.T, c *client) {
	list, found := c.get("/b?encoding-type=url&list-type=2"), c.get("/b?encoding-type=url&query=ObjectName%3E%3D''")
	if list.status != http.StatusOK || found.status != http.StatusOK {
		return // the bucket or its search is gone
	}
	keys, matches := list.xml(t).texts("Contents/Key"), names(found.xml(t))
	slices.Sort(keys)
	slices.Sort(matches)
	if !slices.Equal(keys, matches) {
		t.Fatalf("the list has %q, a search %q", keys, matches)
	}
}

// FuzzServeHTTP: no requests that net/http reads make the server panic, each
// has an answer of its kind, those without a good signature do nothing, and the
// search index agrees with the lists after them.
func FuzzServeHTTP(f *testing.F) {
	for _, seed := range []string{
		"GET /b?query=Size%3E1&sorted=Size&attributes=ALL&max-keys=1 HTTP/1.1\nHost: h\n\n",
		"GET /b?query=ObjectName%3E''%20or%20x-amz-meta-n<2&prefix=k&delimiter=/&encoding-type=url&include-older-versions=true HTTP/1.1\nHost: h\n\n",
		"GET /b?searchmetadata HTTP/1.1\nHost: h\n\nDELETE /b?searchmetadata HTTP/1.1\nHost: h\n\n",
		"PUT /b/k HTTP/1.1\nHost: h\nContent-Length: 5\nContent-Type: a\nx-amz-meta-n: 1\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\nx-amz-checksum-crc32: NhCmhg==\n\nhello" +
			"GET /b/k HTTP/1.1\nHost: h\nRange: bytes=1-2\nIf-None-Match: \"x\"\n\n",
		"PUT /b/copy HTTP/1.1\nHost: h\nx-amz-copy-source: b/k/0?versionId=null\nx-amz-metadata-directive: REPLACE\nx-amz-copy-source-if-match: *\n\n",
		"PUT /b/chunked HTTP/1.1\nHost: h\nContent-Length: 15\nContent-Encoding: aws-chunked\nx-amz-decoded-content-length: 5\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n\n5\r\nhello\r\n0\r\n\r\n",
		"HEAD /b/k/0?partNumber=1&versionId=0 HTTP/1.1\nHost: h\nx-amz-checksum-mode: ENABLED\n\nDELETE /b/k/0 HTTP/1.1\nHost: h\n\nGET /b/k/0 HTTP/1.1\nHost: h\n\n",
		"POST /b?delete HTTP/1.1\nHost: h\nContent-Length: 77\n\n<Delete><Object><Key>k/0</Key></Object><Object><Key>k/1</Key></Object></Delete>",
		"GET /b?versions&key-marker=k/0&version-id-marker=null&max-keys=1 HTTP/1.1\nHost: h\n\nGET /b?uploads&delimiter=u HTTP/1.1\nHost: h\n\n",
		"PUT /b/up?partNumber=2&uploadId=UPLOAD HTTP/1.1\nHost: h\nContent-Length: 1\n\nxGET /b/up?uploadId=UPLOAD&max-parts=1 HTTP/1.1\nHost: h\n\n" +
			"POST /b/up?uploadId=UPLOAD HTTP/1.1\nHost: h\nContent-Length: 200\n\n<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>47c1b025fa18ea96c33fbb6718688c0f</ETag></Part></CompleteMultipartUpload>" + strings.Repeat(" ", 65),
		"PUT /new HTTP/1.1\nHost: h\nx-emc-metadata-search: Size,x-amz-meta-a;string\n\nDELETE /new HTTP/1.1\nHost: h\n\n",
		"PUT /b?versioning HTTP/1.1\nHost: h\nContent-Length: 82\n\n<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>     ",
		"GET /?endpoint HTTP/1.1\nHost: h\n\nGET /?ping&item=load-factor HTTP/1.1\nHost: h\n\nGET /?searchmetadata HTTP/1.1\nHost: h\n\nGET / HTTP/1.1\nHost: h\n\n",
		"GET /k/0 HTTP/1.1\nHost: b.ecstest.ecs.test\n\nGET / HTTP/1.1\nHost: ecstest.ecs.test\n\nGET /%zz HTTP/1.1\nHost: .ecs.test\n\n",
		"GET /b/%01%FF?response-content-type=%00 HTTP/1.1\nHost: h\nExpect: 100-continue\n\nOPTIONS * HTTP/1.1\nHost: h\n\nGET http://h/b HTTP/1.0\n\n",
		"GET /b/k/0?AWSAccessKeyId=a&Expires=1&Signature=x HTTP/1.1\nHost: h\nAuthorization: AWS a:b\n\n",
		"PUT /b?acl HTTP/1.1\nHost: h\nx-amz-acl: private\n\nGET /b?acl HTTP/1.1\nHost: h\n\nGET /b?location HTTP/1.1\nHost: h\n\n",
	} {
		for signing := range byte(4) {
			f.Add([]byte(strings.ReplaceAll(seed, "\n", "\r\n")), signing)
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, signing byte) {
		if len(wire) > 64<<10 || bytes.Contains(wire, []byte(fuzzSecret)) {
			return
		}
		s, c, upload := fuzzServer(t)
		reader := bufio.NewReader(bytes.NewReader(bytes.ReplaceAll(wire, []byte("UPLOAD"), []byte(upload))))
		for range 4 {
			r, err := http.ReadRequest(reader)
			if err != nil {
				break
			}
			signFuzzed(s, c, r, signing)
			w := serveFuzzed(t, s, r, len(wire))
			if signing%4 == 0 && w.status < 400 && s.Count("Ping") == 0 {
				t.Fatalf("%s %s without a signature: %d", r.Method, r.URL, w.status)
			}
			_, _ = io.Copy(io.Discard, r.Body) // as net/http before the next request
		}
		checkIndex(t, c)
	})
}

// signFuzzed signs a request with the right secret, but for signing 0.
func signFuzzed(s *Server, c *client, r *http.Request, signing byte) {
	switch signing % 4 {
	case 1:
		r.Header.Del("Authorization")
		payload := r.Header.Get("X-Amz-Content-Sha256")
		if payload == "" {
			payload = sigv4.UnsignedPayload
		}
		_ = c.signer.Sign(r, payload, s.now()) // what cannot be signed is sent unsigned
	case 2:
		r.Header.Set("X-Amz-Date", s.now().UTC().Format(sigv4.TimeFormat))
		sum := signV2(fuzzSecret, s.stringsToSignV2(r, signatureV2{})[0])
		r.Header.Set("Authorization", "AWS "+DefaultAccessKeyID+":"+sum)
	case 3:
		expires := strconv.FormatInt(s.now().Add(time.Hour).Unix(), 10)
		r.Header.Del("Authorization")
		sum := signV2(fuzzSecret, s.stringsToSignV2(r, signatureV2{presigned: true, expires: expires})[0])
		r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&", "&") + "AWSAccessKeyId=" + DefaultAccessKeyID + "&Expires=" + expires + "&Signature=" + sigv4.Escape(sum)
	}
}

// FuzzXMLBody: no body of a request that takes XML makes the server panic, an
// answer to what is no XML is an error, and the index agrees with the lists.
func FuzzXMLBody(f *testing.F) {
	targets := []struct{ method, target string }{
		{"POST", "/b?delete"}, {"POST", "/b/up?uploadId=UPLOAD"}, {"PUT", "/b?versioning"}, {"PUT", "/new"}, {"PUT", "/b?acl"},
	}
	for i, body := range []string{
		`<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet><Object><Key>k/0</Key><VersionId>null</VersionId></Object></Delete>`,
		`<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"47c1b025fa18ea96c33fbb6718688c0f"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>`,
		`<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status><MfaDelete>Disabled</MfaDelete></VersioningConfiguration>`,
		`<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>`,
		`<AccessControlPolicy><Owner><ID>x</ID></Owner></AccessControlPolicy>`,
	} {
		for _, text := range []string{body, strings.ReplaceAll(body, ">", "><!-- c --><![CDATA[x]]>"), "", body[:len(body)/2], "<?xml version='1.1' encoding='latin1'?>" + body,
			`<!DOCTYPE a [<!ENTITY x "&y;">]>` + body, strings.Repeat("<a>", 5000), "\xff\xfe" + body, strings.Replace(body, "1", "99999999999999999999", 1)} {
			f.Add(byte(i), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		if len(body) > 64<<10 || bytes.Contains(body, []byte(fuzzSecret)) {
			return
		}
		s, c, upload := fuzzServer(t)
		to := targets[int(which)%len(targets)]
		r, err := http.NewRequestWithContext(t.Context(), to.method, s.URL+strings.ReplaceAll(to.target, "UPLOAD", upload), bytes.NewReader(body))
		ok(t, err)
		r.RequestURI = r.URL.RequestURI()
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, s.now()))
		w := serveFuzzed(t, s, r, len(body))
		var root struct {
			XMLName xml.Name
		}
		if err := xml.Unmarshal(body, &root); err != nil && w.status < 400 && which%5 < 3 {
			t.Fatalf("%q, which is no XML (%v), is answered %d", body, err, w.status)
		}
		checkIndex(t, c)
	})
}

// FuzzSignatureV2: nothing that net/http reads is accepted without the secret,
// and a request that is signed with it is, whatever else it holds; not so when
// its method is changed after.
func FuzzSignatureV2(f *testing.F) {
	for _, seed := range []string{
		"GET /b?query=a%3D%3D'x%20y'&attributes=Size HTTP/1.1\nHost: b.ecstest.ecs.test\nDate: Tue, 03 Nov 2026 12:00:00 GMT\nAuthorization: AWS ecsfs-demo-key:x\n\n",
		"PUT /b/%2f%zz?uploadId=%%%&partNumber= HTTP/1.1\nHost: h\nx-emc-namespace: a\nX-Amz-Meta-A: 1\nx-amz-meta-a-b: 2\nx-amz-date: 20261103T120000Z\nAuthorization: AWS :\n\n",
		"GET /?AWSAccessKeyId=ecsfs-demo-key&Expires=99999999999&Signature=%2B%2F= HTTP/1.1\nHost: h\n\n",
		"GET /?acl&acl=&acl=1&searchmetadata=&x-amz-security-token=t&Content-Type=a HTTP/1.1\nHost: ecs.test:1\nDate: Tue, 3 Nov 2026 12:00:00 UTC\nContent-MD5: x\nx-amz-security-token: t\n\n",
	} {
		f.Add([]byte(strings.ReplaceAll(seed, "\n", "\r\n")))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		s := &Server{SecretAccessKey: fuzzSecret, VirtualHost: "ecs.test", Now: func() time.Time { return v2Now }}
		if verified, err := s.authenticate(&call{r: r}); err == nil {
			t.Fatalf("accepted: %+v", verified)
		} else if err.status < 400 || err.code == "" {
			t.Fatalf("error %+v", err)
		}
		for name := range rawParams(r.URL.RawQuery) {
			if name == "AWSAccessKeyId" {
				return // signed in another way already
			}
		}
		if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
			return // not for version 2
		}
		r.Header.Set("X-Amz-Date", v2Now.Format(sigv4.TimeFormat))
		for _, text := range s.stringsToSignV2(r, signatureV2{}) {
			r.Header.Set("Authorization", "AWS "+DefaultAccessKeyID+":"+signV2(fuzzSecret, text))
			if _, err := s.authenticate(&call{r: r}); err != nil {
				t.Fatalf("%q is not accepted: %v", text, err)
			}
			r.Method += "X"
			if _, err := s.authenticate(&call{r: r}); err == nil {
				t.Fatalf("%q is accepted for %s", text, r.Method)
			}
			r.Method = strings.TrimSuffix(r.Method, "X")
		}
	})
}
