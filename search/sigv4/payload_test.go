package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// streamed is the request of S3's examples of chunked uploads:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func streamed(t testing.TB, payload, body string) *http.Request {
	r := newRequest(t, "PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt",
		"X-Amz-Date", "20130524T000000Z", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY", "X-Amz-Content-Sha256", payload,
		"Content-Encoding", "aws-chunked", "X-Amz-Decoded-Content-Length", "66560", "Content-Length", "66824")
	signature := "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	signed := "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class"
	if payload == sigv4.StreamingPayloadTrailer {
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
		signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
		// The page's Authorization header names content-length and not
		// x-amz-trailer; its canonical request, which was signed, is so:
		signed = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer"
	}
	r.Header.Set("Authorization", sigv4.Algorithm+" Credential="+s3Key.AccessKeyID+"/20130524/us-east-1/s3/aws4_request,SignedHeaders="+signed+",Signature="+signature)
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

const (
	signedBody = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n64K\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n1K\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	signedTrailer = "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n64K\r\n" +
		"400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n1K\r\n" +
		"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)

func fill(body string) string {
	return strings.NewReplacer("64K", strings.Repeat("a", 65536), "1K", strings.Repeat("a", 1024)).Replace(body)
}

// readBody verifies r and reads its body in small and odd pieces.
func readBody(t testing.TB, r *http.Request) ([]byte, *sigv4.Body, error) {
	t.Helper()
	v, err := s3Verifier().Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(iotest.HalfReader(r.Body))
	body, err := v.Body(r)
	if err != nil {
		return nil, nil, err
	}
	got, err := io.ReadAll(body)
	if _, again := body.Read(make([]byte, 1)); err == nil && again != io.EOF || err != nil && again != err {
		t.Errorf("after %v, Read returns %v", err, again)
	}
	return got, body, err
}

func TestStreaming(t *testing.T) {
	replace := func(s, old, new string) string {
		if !strings.Contains(s, old) {
			t.Fatalf("%q is not in the body", old)
		}
		return strings.Replace(s, old, new, 1)
	}
	for _, c := range []struct {
		name, payload, body, want string
	}{
		{"signed", sigv4.StreamingPayload, fill(signedBody), ""},
		{"signed, no blank line at the end", sigv4.StreamingPayload, fill(strings.TrimSuffix(signedBody, "\r\n")), ""},
		{"signed trailer", sigv4.StreamingPayloadTrailer, fill(signedTrailer), ""},
		{"signed trailer after a blank line", sigv4.StreamingPayloadTrailer, fill(replace(signedTrailer, "992\r\n", "992\r\n\r\n")), ""},
		{"signed trailer, no blank line at the end", sigv4.StreamingPayloadTrailer, fill(strings.TrimSuffix(signedTrailer, "\r\n")), ""},

		{"a byte differs", sigv4.StreamingPayload, replace(fill(signedBody), "aaa", "aba"), sigv4.CodeSignatureDoesNotMatch},
		{"a signature differs", sigv4.StreamingPayload, fill(replace(signedBody, "0055", "0056")), sigv4.CodeSignatureDoesNotMatch},
		{"last signature differs", sigv4.StreamingPayload, fill(replace(signedBody, "b6c6", "b6c7")), sigv4.CodeSignatureDoesNotMatch},
		{"a chunk less", sigv4.StreamingPayload, signedBody[strings.Index(signedBody, "0;"):], sigv4.CodeSignatureDoesNotMatch},
		{"no chunk signature", sigv4.StreamingPayload, fill(replace(signedBody, "chunk-signature", "chunk-sig")), sigv4.CodeInvalidRequest},
		{"no last chunk", sigv4.StreamingPayload, fill(signedBody[:strings.Index(signedBody, "0;chunk-signature=b6")]), sigv4.CodeIncompleteBody},
		{"cut in a line", sigv4.StreamingPayload, signedBody[:40], sigv4.CodeIncompleteBody},
		{"cut in a chunk", sigv4.StreamingPayload, fill(signedBody)[:5000], sigv4.CodeIncompleteBody},
		{"empty", sigv4.StreamingPayload, "", sigv4.CodeIncompleteBody},
		{"no size", sigv4.StreamingPayload, fill(replace(signedBody, "10000;", ";")), sigv4.CodeInvalidRequest},
		{"huge size", sigv4.StreamingPayload, fill(replace(signedBody, "10000;", "7fffffffffffffff;")), sigv4.CodeInvalidRequest},
		{"size too small", sigv4.StreamingPayload, fill(replace(signedBody, "10000;", "FFFF;")), sigv4.CodeInvalidRequest},
		{"long line", sigv4.StreamingPayload, strings.Repeat("0", 5000), sigv4.CodeInvalidRequest},
		{"trailer not announced by the mode", sigv4.StreamingPayload, fill(strings.TrimSuffix(signedBody, "\r\n")) + "a:b\r\n\r\n", sigv4.CodeMalformedTrailer},

		{"trailer differs", sigv4.StreamingPayloadTrailer, fill(replace(signedTrailer, "sOO8", "sOO9")), sigv4.CodeSignatureDoesNotMatch},
		{"trailer signature differs", sigv4.StreamingPayloadTrailer, fill(replace(signedTrailer, "d81f", "d81e")), sigv4.CodeSignatureDoesNotMatch},
		{"no trailer signature", sigv4.StreamingPayloadTrailer, fill(signedTrailer[:strings.Index(signedTrailer, "x-amz-trailer-sig")]) + "\r\n", sigv4.CodeSignatureDoesNotMatch},
		{"no trailer", sigv4.StreamingPayloadTrailer, fill(signedTrailer[:strings.Index(signedTrailer, "x-amz-checksum")]) + "\r\n", sigv4.CodeMalformedTrailer},
		{"other trailer", sigv4.StreamingPayloadTrailer, fill(replace(signedTrailer, "crc32c", "crc32")), sigv4.CodeMalformedTrailer},
		{"no colon", sigv4.StreamingPayloadTrailer, fill(replace(signedTrailer, "crc32c:", "crc32c ")), sigv4.CodeMalformedTrailer},
		{"endless trailer", sigv4.StreamingPayloadTrailer, fill(signedTrailer) + strings.Repeat("\r\n", 100), sigv4.CodeMalformedTrailer},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, body, err := readBody(t, streamed(t, c.payload, c.body))
			if code(t, err) != c.want {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if err != nil {
				return
			}
			if !bytes.Equal(got, bytes.Repeat([]byte("a"), 66560)) {
				t.Errorf("read %d bytes", len(got))
			}
			var want http.Header
			if c.payload == sigv4.StreamingPayloadTrailer {
				want = http.Header{"X-Amz-Checksum-Crc32c": {"sOO8/Q=="}}
			}
			if diff := cmp.Diff(want, body.Trailer()); diff != "" {
				t.Errorf("trailer (-want +got):\n%s", diff)
			}
		})
	}
}

// signedWith is a PUT of body signed with a payload text.
func signedWith(t testing.TB, payload, body string, header ...string) *http.Request {
	r := newRequest(t, "PUT", "http://h/b/k", header...)
	r.Body = io.NopCloser(strings.NewReader(body))
	if err := s3Signer().Sign(r, payload, s3Time); err != nil {
		t.Fatal(err)
	}
	return r
}

// boto3 and the SDK for Go send this form by default over TLS.
func TestStreamingUnsigned(t *testing.T) {
	const trailer = "x-amz-checksum-crc32"
	for _, c := range []struct {
		name, body, announced, length, want string
	}{
		{"whole", "5\r\nhello\r\n0\r\n" + trailer + ":NhCmhg==\r\n\r\n", trailer, "5", ""},
		{"no length", "5\r\nhello\r\n0\r\n" + trailer + ":NhCmhg==\r\n\r\n", trailer, "", ""},
		{"two chunks, bare LF, capitals", "4\nhell\n1;x=y\no\n0\nX-Amz-Checksum-CRC32 : NhCmhg== \n\n", trailer, "5", ""},
		{"no trailer announced", "5\r\nhello\r\n0\r\n\r\n", "", "5", ""},
		{"too short", "5\r\nhello\r\n0\r\n\r\n", "", "6", sigv4.CodeIncompleteBody},
		{"too long", "5\r\nhello\r\n0\r\n\r\n", "", "4", sigv4.CodeIncompleteBody},
		{"bad length", "", "", "-4", sigv4.CodeInvalidArgument},
		{"trailer missing", "5\r\nhello\r\n0\r\n\r\n", trailer, "5", sigv4.CodeMalformedTrailer},
		{"trailer unasked", "5\r\nhello\r\n0\r\n" + trailer + ":NhCmhg==\r\n\r\n", "", "5", sigv4.CodeMalformedTrailer},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.announced != "" {
				header = append(header, "X-Amz-Trailer", c.announced)
			}
			if c.length != "" {
				header = append(header, "X-Amz-Decoded-Content-Length", c.length)
			}
			got, body, err := readBody(t, signedWith(t, sigv4.StreamingUnsignedTrailer, c.body, header...))
			if code(t, err) != c.want {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if err == nil && string(got) != "hello" {
				t.Errorf("read %q", got)
			}
			if err == nil && c.announced != "" && body.Trailer().Get(trailer) != "NhCmhg==" {
				t.Errorf("trailer %v", body.Trailer())
			}
		})
	}
}

func TestWholeBody(t *testing.T) {
	sum := sha256.Sum256([]byte("hello"))
	hash := hex.EncodeToString(sum[:])
	for _, c := range []struct{ payload, body, want string }{
		{hash, "hello", ""},
		{hash, "hallo", sigv4.CodeContentSHA256Mismatch},
		{hash, "", sigv4.CodeContentSHA256Mismatch},
		{sigv4.EmptyPayloadHash, "", ""},
		{sigv4.EmptyPayloadHash, "x", sigv4.CodeContentSHA256Mismatch},
		{sigv4.UnsignedPayload, "anything", ""},
		{"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "", sigv4.CodeNotImplemented},
	} {
		got, body, err := readBody(t, signedWith(t, c.payload, c.body))
		if code(t, err) != c.want {
			t.Errorf("%s, %q: error %v, want %q", c.payload, c.body, err, c.want)
		}
		if err == nil && (string(got) != c.body || body.Trailer() != nil) {
			t.Errorf("%s: read %q, trailer %v", c.payload, got, body.Trailer())
		}
	}

	// No x-amz-content-sha256: the body is as it is. No body: an empty one.
	signed, err := s3Signer().Presign(newRequest(t, "PUT", "http://h/b/k"), sigv4.MaxExpiry, s3Time)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s3Verifier().Verify(newRequest(t, "PUT", signed))
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []io.Reader{nil, strings.NewReader("x")} {
		r, err := http.NewRequest("PUT", signed, body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := v.Body(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(b); err != nil || (len(got) == 1) != (body != nil) || b.Close() != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
}

// A body that breaks is not a body that ends.
func TestBrokenBody(t *testing.T) {
	broken := errors.New("connection reset")
	for _, payload := range []string{sigv4.EmptyPayloadHash, sigv4.UnsignedPayload, sigv4.StreamingPayload, sigv4.StreamingUnsignedTrailer} {
		for _, body := range []string{"", "5\r\nhe", "5\r\nhello", "0\r\n", "0\r\n\r\n"} {
			for _, c := range []struct {
				err  error
				same bool
			}{{broken, true}, {io.ErrUnexpectedEOF, false}} {
				r := signedWith(t, payload, "")
				v, err := s3Verifier().Verify(r)
				if err != nil {
					t.Fatal(err)
				}
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), iotest.ErrReader(c.err)))
				b, err := v.Body(r)
				if err != nil {
					t.Fatal(err)
				}
				if _, err = io.ReadAll(b); err == nil {
					t.Errorf("%s, %q then %v: no error", payload, body, c.err)
				} else if c.same && payload != sigv4.StreamingPayload && !errors.Is(err, c.err) {
					t.Errorf("%s, %q then %v: %v", payload, body, c.err, err)
				}
			}
		}
	}
}

// A Verified is read twice: each Body has a chain of its own.
func TestBodyTwice(t *testing.T) {
	r := streamed(t, sigv4.StreamingPayload, "")
	v, err := s3Verifier().Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.Body = io.NopCloser(strings.NewReader(fill(signedBody)))
		b, err := v.Body(r)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, b); n != 66560 || err != nil {
			t.Error(n, err)
		}
	}
	if got := fmt.Sprintf("%+v %#v", v, v); strings.Contains(got, "scope") {
		t.Errorf("printing shows what is behind the chain: %s", got)
	}
}

// A Verified that another signature than version 4 gave has no key for chunks.
func TestSignedChunksWithoutAKey(t *testing.T) {
	for _, word := range []string{sigv4.StreamingPayload, sigv4.StreamingPayloadTrailer} {
		_, err := sigv4.Verified{PayloadHash: word}.Body(newRequest(t, "PUT", "http://h/"))
		if code(t, err) != sigv4.CodeInvalidArgument {
			t.Errorf("%s: %v", word, err)
		}
	}
}
