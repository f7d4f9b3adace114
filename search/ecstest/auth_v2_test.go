package ecstest

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// parseRequest reads a request as it stands on the wire; lines end at \n.
func parseRequest(t tester, wire string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(wire, "\n", "\r\n"))))
	if err != nil {
		t.Fatalf("%v in %s", err, wire)
	}
	return r
}

func signV2(secret, stringToSign string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(stringToSign))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestSignatureV2Examples takes the requests and signatures that AWS's "Signing
// and authenticating REST requests" (signature version 2) gives as examples.
func TestSignatureV2Examples(t *testing.T) {
	const header = "Authorization: AWS AKIAIOSFODNN7EXAMPLE:"
	for _, tc := range []struct{ name, at, wire string }{
		{"object GET", "2007-03-27T19:36:42Z", "GET /photos/puppy.jpg HTTP/1.1\nHost: johnsmith.s3.amazonaws.com\n" +
			"Date: Tue, 27 Mar 2007 19:36:42 +0000\n" + header + "bWq2s1WEIj+Ydj0vQ697zp+IXMU=\n\n"},
		{"object PUT", "2007-03-27T21:15:45Z", "PUT /photos/puppy.jpg HTTP/1.1\nContent-Type: image/jpeg\nContent-Length: 94328\n" +
			"Host: johnsmith.s3.amazonaws.com\nDate: Tue, 27 Mar 2007 21:15:45 +0000\n" + header + "MyyxeRY7whkBe+bq8fHCL/2kKUg=\n\n"},
		{"list", "2007-03-27T19:42:41Z", "GET /?prefix=photos&max-keys=50&marker=puppy HTTP/1.1\nUser-Agent: Mozilla/5.0\n" +
			"Host: johnsmith.s3.amazonaws.com\nDate: Tue, 27 Mar 2007 19:42:41 +0000\n" + header + "htDYFYduRNen8P9ZfE/s9SuKy0U=\n\n"},
		{"fetch", "2007-03-27T19:44:46Z", "GET /?acl HTTP/1.1\nHost: johnsmith.s3.amazonaws.com\n" +
			"Date: Tue, 27 Mar 2007 19:44:46 +0000\n" + header + "c2WLPFtWHVgbEmeEG93a4cG37dM=\n\n"},
		{"upload", "2007-03-27T21:06:08Z", "PUT /static.johnsmith.net/db-backup.dat.gz HTTP/1.1\nUser-Agent: curl/7.15.5\n" +
			"Host: s3.amazonaws.com:8080\nDate: Tue, 27 Mar 2007 21:06:08 +0000\nx-amz-acl: public-read\n" +
			"content-type: application/x-download\nContent-MD5: 4gJE4saaMU4BqNR0kLY+lw==\n" +
			"X-Amz-Meta-ReviewedBy: joe@johnsmith.net\nX-Amz-Meta-ReviewedBy: jane@johnsmith.net\n" +
			"X-Amz-Meta-FileChecksum: 0x02661779\nX-Amz-Meta-ChecksumAlgorithm: crc32\n" +
			"Content-Disposition: attachment; filename=database.dat\nContent-Encoding: gzip\nContent-Length: 5913339\n" +
			header + "ilyl83RwaSoYIEdixDQcA4OnAnc=\n\n"},
		{"list all my buckets", "2007-03-28T01:29:59Z", "GET / HTTP/1.1\nHost: s3.amazonaws.com\n" +
			"Date: Wed, 28 Mar 2007 01:29:59 +0000\n" + header + "qGdzdERIC03wnaRNKh6OqZehG9s=\n\n"},
		{"unicode keys", "2007-03-28T01:49:49Z", "GET /dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re HTTP/1.1\nHost: s3.amazonaws.com\n" +
			"Date: Wed, 28 Mar 2007 01:49:49 +0000\n" + header + "DNEZGsoieTZ92F3bUfSPQcbGmlM=\n\n"},
		{"query string", "2007-03-29T00:00:00Z", "GET /photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&" +
			"Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620 HTTP/1.1\nHost: johnsmith.s3.amazonaws.com\n" +
			"Date: Mon, 26 Mar 2007 19:37:58 +0000\n\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.at)
			ok(t, err)
			s := &Server{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
				VirtualHost: "s3.amazonaws.com", Now: func() time.Time { return now }}
			verified, apiErr := s.authenticate(&call{r: parseRequest(t, tc.wire)})
			if apiErr != nil || verified.AccessKeyID != s.AccessKeyID {
				t.Errorf("%v %v", apiErr, apiErr.extra)
			}
			s.SecretAccessKey = "another"
			if _, apiErr := s.authenticate(&call{r: parseRequest(t, tc.wire)}); apiErr == nil || apiErr.code != "SignatureDoesNotMatch" {
				t.Errorf("with another secret: %v", apiErr)
			}
		})
	}
}

// v2Now is the time of the requests below.
var v2Now = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// TestStringToSignV2 signs texts that were put together by hand, as ECS's
// clients document them, and has the server check them.
func TestStringToSignV2(t *testing.T) {
	const date = "Tue, 03 Nov 2026 12:00:00 GMT"
	for _, tc := range []struct {
		name  string
		knobs func(*Server)
		wire  string // up to the Authorization header
		sign  string
		want  string // error code, or empty
	}{
		{name: "a search is signed decoded, its other parameters are not signed",
			wire: "GET /b?query=x-amz-meta-a%3D%3D%27x%20y%27%20and%20Size%3E3&max-keys=5&sorted=Size&attributes=Size HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?query=x-amz-meta-a=='x y' and Size>3"},
		{name: "the path is signed as it was sent, slash and all",
			wire: "GET /b/?query=Size%3E3 HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b/?query=Size>3"},
		{name: "botocore sends no slash and signs one",
			wire: "GET /b?location HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b/?location"},
		{name: "another path that means the same",
			wire: "GET /b/?query=Size%3E3 HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?query=Size>3", want: "SignatureDoesNotMatch"},
		{name: "lower-case triplets and bare characters stay",
			wire: "GET /b/a%2fb%7e(c)|d HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b/a%2fb%7e(c)|d", want: ""},
		{name: "searchmetadata without a value", wire: "GET /b?searchmetadata HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?searchmetadata"},
		{name: "searchmetadata= signed as it is sent", wire: "GET /b?searchmetadata= HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?searchmetadata="},
		{name: "searchmetadata= signed without the equals sign", wire: "GET /b?searchmetadata= HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?searchmetadata"},
		{name: "before ECS 3.0 searches are not signed", knobs: func(s *Server) { s.SignQuery = Off },
			wire: "GET /b?query=Size%3E3&attributes=Size HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b"},
		{name: "before ECS 3.0 a signed search fails", knobs: func(s *Server) { s.SignQuery = Off },
			wire: "GET /b?query=Size%3E3 HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?query=Size>3", want: "SignatureDoesNotMatch"},
		{name: "ECS 2.2 signs no searches", knobs: func(s *Server) { s.Generation = ECS22 },
			wire: "GET /b?query=Size%3E3&attributes=Size HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b"},
		{name: "ECS 3.0 does", knobs: func(s *Server) { s.Generation = ECS30 },
			wire: "GET /b?query=Size%3E3 HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?query=Size>3"},
		{name: "the knob overrides ECS 2.2", knobs: func(s *Server) { s.Generation, s.SignQuery = ECS22, On },
			wire: "GET /b?query=Size%3E3 HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?query=Size>3"},
		{name: "the faulty build wants attributes signed", knobs: func(s *Server) { s.SignAttributes = true },
			wire: "GET /b?query=Size%3E3&attributes=Size%2CEtag HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?attributes=Size,Etag&query=Size>3"},
		{name: "attributes not signed on the faulty build", knobs: func(s *Server) { s.SignAttributes = true },
			wire: "GET /b?query=Size%3E3&attributes=Size HTTP/1.1\nHost: h\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/b?query=Size>3", want: "SignatureDoesNotMatch"},
		{name: "x-emc- headers are signed, names in order, values trimmed and joined",
			wire: "PUT /b HTTP/1.1\nHost: h\nX-Emc-Namespace:  ns \nx-emc-metadata-search: Size,x-amz-meta-n;Integer\nx-amz-acl: a\nx-amz-acl: b\nDate: " + date,
			sign: "PUT\n\n\n" + date + "\nx-amz-acl:a,b\nx-emc-metadata-search:Size,x-amz-meta-n;Integer\nx-emc-namespace:ns\n/b"},
		{name: "an x-emc- header that is not signed",
			wire: "PUT /b HTTP/1.1\nHost: h\nx-emc-metadata-search: Size\nDate: " + date,
			sign: "PUT\n\n\n" + date + "\n/b", want: "SignatureDoesNotMatch"},
		{name: "names are ordered as names, not as lines",
			wire: "PUT /b/k HTTP/1.1\nHost: h\nx-amz-meta-a-b: 2\nx-amz-meta-a: 1\nDate: " + date,
			sign: "PUT\n\n\n" + date + "\nx-amz-meta-a:1\nx-amz-meta-a-b:2\n/b/k"},
		{name: "x-amz-date blanks the date line", wire: "GET /b HTTP/1.1\nHost: h\nx-amz-date: " + date + "\nDate: Thu, 01 Jan 1970 00:00:00 GMT",
			sign: "GET\n\n\n\nx-amz-date:" + date + "\n/b"},
		{name: "the date of the Java client", wire: "GET /b HTTP/1.1\nHost: h\nDate: Tue, 3 Nov 2026 12:00:00 UTC",
			sign: "GET\n\n\nTue, 3 Nov 2026 12:00:00 UTC\n/b"},
		{name: "the date of s3curl", wire: "GET /b HTTP/1.1\nHost: h\nDate: Tue, 03 Nov 2026 12:00:00 +0000",
			sign: "GET\n\n\nTue, 03 Nov 2026 12:00:00 +0000\n/b"},
		{name: "a clock off by 16 minutes", wire: "GET /b HTTP/1.1\nHost: h\nDate: Tue, 03 Nov 2026 11:44:00 GMT",
			sign: "GET\n\n\nTue, 03 Nov 2026 11:44:00 GMT\n/b", want: "RequestTimeTooSkewed"},
		{name: "no date", wire: "GET /b HTTP/1.1\nHost: h", sign: "GET\n\n\n\n/b", want: "AccessDenied"},
		{name: "MD5 and type", wire: "PUT /b/k HTTP/1.1\nHost: h\nContent-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\nContent-Type: text/plain\nDate: " + date,
			sign: "PUT\n1B2M2Y8AsgTpgAmY7PhCfg==\ntext/plain\n" + date + "\n/b/k"},
		{name: "?endpoint", wire: "GET /?endpoint HTTP/1.1\nHost: h\nDate: " + date, sign: "GET\n\n\n" + date + "\n/?endpoint"},
		{name: "subresources in order", wire: "PUT /b/k?uploadId=u%2B1&partNumber=2 HTTP/1.1\nHost: h\nDate: " + date,
			sign: "PUT\n\n\n" + date + "\n/b/k?partNumber=2&uploadId=u+1"},
		{name: "a bucket in the host", knobs: func(s *Server) { s.VirtualHost = "ecs.test" },
			wire: "GET /k HTTP/1.1\nHost: b.ecs.test:9020\nDate: " + date, sign: "GET\n\n\n" + date + "\n/b/k"},
		{name: "bucket and namespace in the host, both signed", knobs: func(s *Server) { s.VirtualHost, s.Namespace = "ecs.test", "ns1" },
			wire: "GET /?query=Size%3E3 HTTP/1.1\nHost: b.ns1.ecs.test\nDate: " + date,
			sign: "GET\n\n\n" + date + "\n/ns1/b/?query=Size>3"},
		{name: "bucket and namespace in the host, the bucket signed", knobs: func(s *Server) { s.VirtualHost, s.Namespace = "ecs.test", "ns1" },
			wire: "GET / HTTP/1.1\nHost: b.ns1.ecs.test\nDate: " + date, sign: "GET\n\n\n" + date + "\n/b/"},
		{name: "the namespace alone in the host", knobs: func(s *Server) { s.VirtualHost, s.Namespace = "ecs.test", "ns1" },
			wire: "GET / HTTP/1.1\nHost: ns1.ecs.test\nDate: " + date, sign: "GET\n\n\n" + date + "\n/ns1/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &Server{Now: func() time.Time { return v2Now }}
			if tc.knobs != nil {
				tc.knobs(s)
			}
			r := parseRequest(t, tc.wire+"\nAuthorization: AWS "+DefaultAccessKeyID+":"+signV2(DefaultSecretAccessKey, tc.sign)+"\n\n")
			code := ""
			_, err := s.authenticate(&call{r: r})
			if err != nil {
				code = err.code
			}
			if code != tc.want {
				t.Errorf("got %v, want %q; signed\n%s\nexpected\n%v", err, tc.want, tc.sign, err.extra)
			}
		})
	}
}

func TestSignatureV2Answers(t *testing.T) {
	s, c := startServer(t, func(s *Server) {
		s.Now = func() time.Time { return v2Now }
		s.Credentials = map[string]string{"123@ecstestdrive.emc.com": "another secret"}
	})
	ok(t, s.CreateBucket("b", "Size"))
	ok(t, s.PutObject("b", "k", []byte("hello"), PutOptions{}))
	send := func(method, target, body string, headers ...string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, strings.NewReader(body))
		ok(t, err)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return c.send(r)
	}
	const date = "Tue, 03 Nov 2026 12:00:00 GMT"
	presign := func(expires time.Time) string {
		sum := signV2(DefaultSecretAccessKey, fmt.Sprintf("GET\n\n\n%d\n/b/k", expires.Unix()))
		return fmt.Sprintf("/b/k?AWSAccessKeyId=%s&Expires=%d&Signature=%s", DefaultAccessKeyID, expires.Unix(), sum) // "+" bare, as s3curl
	}

	t.Run("a wrong signature tells what was expected, and no secret", func(t *testing.T) {
		got := send("GET", "/b?query=Size%3E1&max-keys=3", "", "Date", date, "x-amz-security-token", "t0ken",
			"Authorization", "AWS "+DefaultAccessKeyID+":AAAAAAAAAAAAAAAAAAAAAAAAAAA=").must(t, 403)
		e := got.xml(t)
		want := "GET\n\n\n" + date + "\nx-amz-security-token:REDACTED\n/b?query=Size>1"
		if e.text("Code") != "SignatureDoesNotMatch" || e.text("StringToSign") != want {
			t.Errorf("got %s", got.body)
		}
		if strings.Contains(got.body, DefaultSecretAccessKey) || strings.Contains(got.body, "t0ken") {
			t.Error("the answer has a secret")
		}
	})
	t.Run("presigned", func(t *testing.T) {
		if got := send("GET", presign(v2Now.Add(time.Second)), "").must(t, 200); got.body != "hello" {
			t.Errorf("got %q", got.body)
		}
		for target, want := range map[string]string{
			presign(v2Now.Add(-time.Second)):                                                         "AccessDenied",
			strings.Replace(presign(v2Now), "/b/k", "/b/other", 1):                                   "SignatureDoesNotMatch",
			"/b/k?AWSAccessKeyId=" + DefaultAccessKeyID:                                              "AccessDenied",
			"/b/k?AWSAccessKeyId=nobody&Expires=1&Signature=x":                                       "InvalidAccessKeyId",
			presign(v2Now)[:strings.Index(presign(v2Now), "&Expires")] + "&Expires=soon&Signature=x": "AccessDenied",
		} {
			if got := send("GET", target, "").xml(t).text("Code"); got != want {
				t.Errorf("%s: %s, want %s", target, got, want)
			}
		}
	})
	t.Run("signed twice", func(t *testing.T) {
		got := send("GET", presign(v2Now), "", "Authorization", "AWS a:b").must(t, 400)
		if code := got.xml(t).text("Code"); code != "InvalidArgument" {
			t.Errorf("got %s", got.body)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		for _, header := range []string{"AWS ", "AWS nobody", "AWS :x", "AWS4 a:b", "Basic a:b"} {
			got := send("GET", "/b", "", "Date", date, "Authorization", header).must(t, 400)
			if code := got.xml(t).text("Code"); code != "InvalidArgument" {
				t.Errorf("%s: %s", header, got.body)
			}
		}
	})
	t.Run("bodies", func(t *testing.T) {
		const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
		for _, tc := range []struct {
			name, body, hash, want string
		}{
			{"no hash", "hello", "", ""},
			{"its hash", "hello", hello, ""},
			{"the hash of another", "hullo", hello, "XAmzContentSHA256Mismatch"},
			{"chunks without signatures", "5\r\nhello\r\n0\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""},
			{"signed chunks, which version 2 has not", "hello", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "InvalidArgument"},
		} {
			headers, lines := []string{"Date", date}, ""
			if tc.hash != "" {
				headers, lines = append(headers, "x-amz-content-sha256", tc.hash), "x-amz-content-sha256:"+tc.hash+"\n"
			}
			sum := signV2("another secret", "PUT\n\n\n"+date+"\n"+lines+"/b/new")
			got := send("PUT", "/b/new", tc.body, append(headers, "Authorization", "AWS 123@ecstestdrive.emc.com:"+sum)...)
			code := ""
			if got.status != 200 {
				code = got.xml(t).text("Code")
			}
			if code != tc.want {
				t.Errorf("%s: %d %s", tc.name, got.status, got.body)
			}
			if code == "" {
				o := s.data().buckets["b"].current("new")
				if o == nil || string(o.content.(bytesContent)) != "hello" || o.owner != "123@ecstestdrive.emc.com" {
					t.Errorf("%s: stored %+v", tc.name, o)
				}
			}
		}
	})
}
