package sigv4_test

import (
	"embed"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

//go:embed testdata/aws-sig-v4-test-suite
var suite embed.FS

var (
	suiteKey  = sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	suiteTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
)

// parseVector reads a request as the suite writes it: the target is raw, and a
// line that begins with a blank is one more value of the header before it.
// (net/http unfolds such lines into one value, as RFC 9112 says.)
func parseVector(t *testing.T, text string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	first, last := strings.Index(lines[0], " "), strings.LastIndex(lines[0], " ")
	r := &http.Request{Method: lines[0][:first], Header: http.Header{}}
	p, query, _ := strings.Cut(lines[0][first+1:last], "?")
	r.URL = &url.URL{Scheme: "https", Path: p, RawQuery: query}
	var name string
	for i := 1; i < len(lines); i++ {
		value, folded := strings.CutPrefix(lines[i], " ")
		if !folded {
			var ok bool
			if name, value, ok = strings.Cut(lines[i], ":"); !ok {
				t.Fatalf("line %q", lines[i])
			}
		}
		switch name {
		case "Host":
			r.Host = value
		case "Content-Length":
			r.ContentLength, _ = strconv.ParseInt(value, 10, 64)
		default:
			r.Header.Add(name, value)
		}
	}
	if int64(len(body)) != r.ContentLength {
		t.Fatalf("body of %d bytes", len(body))
	}
	return r
}

func vectors(t *testing.T, dir string, run func(t *testing.T, r *http.Request, rules sigv4.PathRules)) {
	entries, err := suite.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := suite.ReadFile(path.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			run(t, parseVector(t, string(text)), sigv4.PathRules{
				DisableDoubleEncode: true,
				DisableNormalize:    strings.HasSuffix(name, "-unnormalized"),
			})
		})
	}
}

func suiteVerifier(rules sigv4.PathRules) *sigv4.Verifier {
	return &sigv4.Verifier{
		Secret:    func(id string) (string, bool) { return suiteKey.SecretAccessKey, id == suiteKey.AccessKeyID },
		Now:       func() time.Time { return suiteTime },
		PathRules: rules,
	}
}

func TestSuiteHeader(t *testing.T) {
	vectors(t, "testdata/aws-sig-v4-test-suite/header", func(t *testing.T, r *http.Request, rules sigv4.PathRules) {
		if _, err := suiteVerifier(rules).Verify(r); err != nil {
			t.Errorf("Verify: %v", err)
		}
		want := r.Header.Get("Authorization")
		signer := &sigv4.Signer{Credentials: suiteKey, Region: "us-east-1", Service: "service", PathRules: rules}
		signer.SessionToken = r.Header.Get("X-Amz-Security-Token")
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
			r.Header.Del(name)
		}
		if err := signer.Sign(r, r.Header.Get("X-Amz-Content-Sha256"), suiteTime); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Header.Get("Authorization")); diff != "" {
			t.Errorf("Authorization (-want +got):\n%s", diff)
		}
	})
}

func TestSuiteQuery(t *testing.T) {
	vectors(t, "testdata/aws-sig-v4-test-suite/query", func(t *testing.T, r *http.Request, rules sigv4.PathRules) {
		r.Header.Del("X-Amz-Date") // in the suite's request, but not signed
		if v, err := suiteVerifier(rules).Verify(r); err != nil || !v.Presigned {
			t.Errorf("Verify: %+v, %v", v, err)
		}
		want, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		unsigned, _, _ := strings.Cut(r.URL.RawQuery, "X-Amz-Algorithm")
		r.URL.RawQuery = strings.TrimSuffix(unsigned, "&")
		signer := &sigv4.Signer{Credentials: suiteKey, Region: "us-east-1", Service: "service", PathRules: rules}
		signed, err := signer.Presign(r, time.Hour, suiteTime)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(signed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, u.Query()); diff != "" {
			t.Errorf("query (-want +got):\n%s", diff)
		}
	})
}

// The examples of S3's own documentation:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
var (
	s3Key  = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	s3Time = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
)

func s3Verifier() *sigv4.Verifier {
	return &sigv4.Verifier{
		Secret: func(id string) (string, bool) { return s3Key.SecretAccessKey, id == s3Key.AccessKeyID },
		Now:    func() time.Time { return s3Time },
	}
}

func s3Signer() *sigv4.Signer {
	return &sigv4.Signer{Credentials: s3Key, Region: "us-east-1", Service: "s3"}
}

func newRequest(t testing.TB, method, target string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestS3Examples(t *testing.T) {
	const base = "https://examplebucket.s3.amazonaws.com"
	const putHash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
	for _, c := range []struct {
		name    string
		request *http.Request
		hash    string
		signed  string
		want    string
	}{
		{"GetObject", newRequest(t, "GET", base+"/test.txt", "Range", "bytes=0-9"), "",
			"host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{"PutObject", newRequest(t, "PUT", base+"/test$file.text", "Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY"), putHash,
			"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
		{"GetBucketLifecycle", newRequest(t, "GET", base+"/?lifecycle"), "",
			"host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"ListObjects", newRequest(t, "GET", base+"/?max-keys=2&prefix=J"), "",
			"host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := s3Signer().Sign(c.request, c.hash, s3Time); err != nil {
				t.Fatal(err)
			}
			want := "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=" + c.signed + ", Signature=" + c.want
			if diff := cmp.Diff(want, c.request.Header.Get("Authorization")); diff != "" {
				t.Errorf("Authorization (-want +got):\n%s", diff)
			}
			// The documentation writes the header without blanks.
			c.request.Header.Set("Authorization", strings.ReplaceAll(want, ", ", ","))
			if _, err := s3Verifier().Verify(c.request); err != nil {
				t.Errorf("Verify: %v", err)
			}
		})
	}
}

func TestS3PresignedExample(t *testing.T) {
	r := newRequest(t, "GET", "https://examplebucket.s3.amazonaws.com/test.txt")
	got, err := s3Signer().Presign(r, 24*time.Hour, s3Time)
	if err != nil {
		t.Fatal(err)
	}
	want := "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("URL (-want +got):\n%s", diff)
	}
	if _, err := s3Verifier().Verify(newRequest(t, "GET", got)); err != nil {
		t.Error(err)
	}
}

// The pure functions, on the steps that the documentation spells out.
func TestSteps(t *testing.T) {
	r := newRequest(t, "GET", "https://examplebucket.s3.amazonaws.com/test.txt", "Range", "bytes=0-9",
		"X-Amz-Content-Sha256", sigv4.EmptyPayloadHash, "X-Amz-Date", "20130524T000000Z")
	canonical := sigv4.CanonicalRequest(r, []string{"Host", "x-amz-date", "range", "x-amz-content-sha256"}, sigv4.EmptyPayloadHash,
		sigv4.PathRules{DisableDoubleEncode: true, DisableNormalize: true})
	want := "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\nx-amz-content-sha256:" + sigv4.EmptyPayloadHash +
		"\nx-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n" + sigv4.EmptyPayloadHash
	if diff := cmp.Diff(want, canonical); diff != "" {
		t.Errorf("canonical request (-want +got):\n%s", diff)
	}
	toSign := sigv4.StringToSign(canonical, s3Time, sigv4.Scope(s3Time, "us-east-1", "s3"))
	want = "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
	if diff := cmp.Diff(want, toSign); diff != "" {
		t.Errorf("string to sign (-want +got):\n%s", diff)
	}
	key := sigv4.SigningKey(s3Key.SecretAccessKey, s3Time, "us-east-1", "s3")
	if got, want := sigv4.Signature(key, toSign), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}
