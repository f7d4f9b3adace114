package ecstest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// sumOf is the base64 text of an algorithm's checksum.
func sumOf(algorithm, text string) string {
	h := checksumAlgorithms[algorithmOf(algorithm)].new()
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestChecksumAlgorithms holds the algorithms to the check values of their
// specifications: those of "123456789".
func TestChecksumAlgorithms(t *testing.T) {
	for algorithm, want := range map[string]string{
		"CRC32":     "cbf43926",
		"CRC32C":    "e3069283",
		"CRC64NVME": "ae8b14860a799888",
		"SHA1":      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		"SHA256":    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	} {
		sum, err := base64.StdEncoding.DecodeString(sumOf(algorithm, "123456789"))
		ok(t, err)
		if got := fmt.Sprintf("%x", sum); got != want {
			t.Errorf("%s is %s, want %s", algorithm, got, want)
		}
	}
}

// TestAppendCRC: the CRC of the whole is that of its pieces, put together.
func TestAppendCRC(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(rapid.StringN(0, 40, -1), 1, 4).Draw(rt, "pieces")
		for _, a := range checksumAlgorithms {
			if a.width == 0 {
				continue
			}
			c := checksum{algorithm: a.name}
			var parts []*part
			for _, p := range pieces {
				parts = append(parts, &part{content: bytesContent(p), checksum: checksum{algorithm: a.name, value: sumOf(a.name, p)}})
			}
			if got, want := c.ofParts(parts).value, sumOf(a.name, strings.Join(pieces, "")); got != want {
				rt.Fatalf("%s: %s, want %s", a.name, got, want)
			}
		}
	})
}

func TestChecksumOfAPut(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	for _, a := range checksumAlgorithms {
		header := checksumHeader(a.name)
		put := c.do("PUT", "/b/"+a.name, "hello", header, sumOf(a.name, "hello"), "x-amz-sdk-checksum-algorithm", a.name).must(t, 200)
		if put.header.Get(header) != sumOf(a.name, "hello") || put.header.Get("x-amz-checksum-type") != "FULL_OBJECT" {
			t.Errorf("PUT told %v", put.header)
		}
		for _, method := range []string{"GET", "HEAD"} {
			if got := c.do(method, "/b/"+a.name, "", "x-amz-checksum-mode", "ENABLED").must(t, 200); got.header.Get(header) != sumOf(a.name, "hello") {
				t.Errorf("%s %s told %v", method, a.name, got.header)
			}
			if got := c.do(method, "/b/"+a.name, "").must(t, 200); got.header.Get(header) != "" {
				t.Errorf("%s %s told a checksum unasked", method, a.name)
			}
		}
		if got := c.get("/b/"+a.name, "x-amz-checksum-mode", "ENABLED", "Range", "bytes=0-1").must(t, 206); got.header.Get(header) != "" {
			t.Error("a range has the whole's checksum")
		}
		copied := c.do("PUT", "/b/copy", "", "x-amz-copy-source", "b/"+a.name).must(t, 200).xml(t)
		if copied.text("Checksum"+a.name) != sumOf(a.name, "hello") {
			t.Errorf("a copy told %+v", copied)
		}
	}
	for _, tc := range []struct {
		fact    string
		headers []string
		code    string
	}{
		{"another body's", []string{"x-amz-checksum-crc32", sumOf("CRC32", "hallo")}, "BadDigest"},
		{"no base64", []string{"x-amz-checksum-crc32", "?"}, "InvalidRequest"},
		{"another length", []string{"x-amz-checksum-crc32", sumOf("SHA1", "hello")}, "InvalidRequest"},
		{"an unknown algorithm", []string{"x-amz-checksum-md4", sumOf("CRC32", "hello")}, "InvalidRequest"},
		{"two", []string{"x-amz-checksum-crc32", sumOf("CRC32", "hello"), "x-amz-checksum-sha1", sumOf("SHA1", "hello")}, "InvalidRequest"},
		{"an algorithm without a checksum", []string{"x-amz-sdk-checksum-algorithm", "CRC32"}, "InvalidRequest"},
		{"another algorithm", []string{"x-amz-sdk-checksum-algorithm", "SHA1", "x-amz-checksum-crc32", sumOf("CRC32", "hello")}, "InvalidRequest"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			if got := c.do("PUT", "/b/new", "hello", tc.headers...).must(t, 400).xml(t); got.text("Code") != tc.code {
				t.Errorf("got %+v, want %s", got, tc.code)
			}
		})
	}
	c.get("/b/new").must(t, 404)
}

// TestChecksumInATrailer sends a body as AWS's SDKs do over TLS: in chunks, with
// the checksum after it.
func TestChecksumInATrailer(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	for sum, status := range map[string]int{sumOf("CRC32", "hello"): 200, sumOf("CRC32", "hallo"): 400, "?": 400} {
		body := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n"
		r, err := http.NewRequestWithContext(t.Context(), "PUT", c.url+"/b/k", strings.NewReader(body))
		ok(t, err)
		r.Header.Set("Content-Encoding", "aws-chunked")
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("X-Amz-Sdk-Checksum-Algorithm", "CRC32")
		ok(t, c.signer.Sign(r, sigv4.StreamingUnsignedTrailer, time.Now()))
		c.send(r).must(t, status)
	}
	got := c.get("/b/k", "x-amz-checksum-mode", "ENABLED").must(t, 200)
	if got.body != "hello" || got.header.Get("x-amz-checksum-crc32") != sumOf("CRC32", "hello") || got.header.Get("Content-Encoding") != "" {
		t.Errorf("got %q, %v", got.body, got.header)
	}
}

func TestChecksumOfAnUpload(t *testing.T) {
	s, c := startServer(t, smallParts)
	ok(t, s.CreateBucket("b"))
	for _, tc := range []struct{ algorithm, kind, told string }{
		{"CRC32", "", "COMPOSITE"}, {"SHA256", "COMPOSITE", "COMPOSITE"}, {"CRC32C", "FULL_OBJECT", "FULL_OBJECT"},
		{"crc64nvme", "", "FULL_OBJECT"},
	} {
		headers := []string{"x-amz-checksum-algorithm", tc.algorithm}
		if tc.kind != "" {
			headers = append(headers, "x-amz-checksum-type", tc.kind)
		}
		begun := c.do("POST", "/b/k?uploads", "", headers...).must(t, 200)
		if begun.header.Get("x-amz-checksum-type") != tc.told {
			t.Errorf("%s: told %v", tc.algorithm, begun.header)
		}
		algorithm := begun.header.Get("x-amz-checksum-algorithm")
		id := begun.xml(t).text("UploadId")
		one := c.sendPart("/b/k", id, 1, "1111", checksumHeader(algorithm), sumOf(algorithm, "1111"))
		two := c.sendPart("/b/k", id, 2, "2") // the server makes the checksum
		other := "SHA1"
		c.do("PUT", "/b/k?partNumber=3&uploadId="+id, "3", checksumHeader(other), sumOf(other, "3")).must(t, 400)
		listed := c.get("/b/k?uploadId="+id).must(t, 200).xml(t)
		if listed.text("ChecksumAlgorithm") != algorithm || listed.texts("Part/Checksum" + algorithm)[1] != sumOf(algorithm, "2") {
			t.Errorf("listed %+v", listed)
		}
		element := func(sum string) string {
			return "<Checksum" + algorithm + ">" + sum + "</Checksum" + algorithm + "></Part>"
		}
		plain := completeBody(1, one, 2, two)
		full := strings.Replace(strings.Replace(plain, "</Part>", element(sumOf(algorithm, "1111")), 1), "</Part></C", element(sumOf(algorithm, "2"))+"</C", 1)
		if tc.told == "COMPOSITE" {
			if got := c.do("POST", "/b/k?uploadId="+id, plain).must(t, 400).xml(t); got.text("Code") != "InvalidRequest" {
				t.Errorf("got %+v", got)
			}
		}
		wrong := strings.Replace(full, sumOf(algorithm, "2"), sumOf(algorithm, "3"), 1)
		if got := c.do("POST", "/b/k?uploadId="+id, wrong).must(t, 400).xml(t); got.text("Code") != "InvalidPart" {
			t.Errorf("got %+v", got)
		}
		want := sumOf(algorithm, "11112")
		if tc.told == "COMPOSITE" {
			sums := ""
			for _, text := range []string{"1111", "2"} {
				sum, err := base64.StdEncoding.DecodeString(sumOf(algorithm, text))
				ok(t, err)
				sums += string(sum)
			}
			want = sumOf(algorithm, sums) + "-2"
		}
		c.do("POST", "/b/k?uploadId="+id, full, checksumHeader(algorithm), sumOf(algorithm, "x")).must(t, 400)
		done := c.do("POST", "/b/k?uploadId="+id, full, checksumHeader(algorithm), want, "x-amz-checksum-type", tc.told).must(t, 200).xml(t)
		if done.text("Checksum"+algorithm) != want || done.text("ChecksumType") != tc.told {
			t.Errorf("got %+v, want %s", done, want)
		}
		if got := c.get("/b/k", "x-amz-checksum-mode", "ENABLED").must(t, 200); got.header.Get(checksumHeader(algorithm)) != want {
			t.Errorf("got %v, want %s", got.header, want)
		}
	}
	for _, headers := range [][]string{{"x-amz-checksum-algorithm", "MD4"}, {"x-amz-checksum-type", "COMPOSITE"},
		{"x-amz-checksum-algorithm", "SHA1", "x-amz-checksum-type", "FULL_OBJECT"},
		{"x-amz-checksum-algorithm", "CRC64NVME", "x-amz-checksum-type", "COMPOSITE"},
		{"x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "NONE"}} {
		if got := c.do("POST", "/b/k?uploads", "", headers...).must(t, 400).xml(t); got.text("Code") != "InvalidRequest" {
			t.Errorf("%q: %+v", headers, got)
		}
	}
}
