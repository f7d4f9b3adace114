package ecs

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/ecsfs/ecsfs/search"
)

var errStop = errors.New("stop before sending")

// stopBeforeSending is a transport that keeps the last request, and answers it with answer, if that is set.
type stopBeforeSending struct {
	request *http.Request
	answer  func(*http.Request) (*http.Response, error)
}

func (s *stopBeforeSending) RoundTrip(r *http.Request) (*http.Response, error) {
	s.request = r
	if s.answer != nil {
		return s.answer(r)
	}
	return nil, errStop
}

func offlineClient(t *testing.T, change ...func(*Config)) (*Client, *stopBeforeSending) {
	t.Helper()
	transport := &stopBeforeSending{}
	cfg := Config{Endpoint: "http://s3.example.com:9020", Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, Transport: transport, RetryDelay: 1}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, transport
}

// TestSDKSteps asserts what this package relies on in the SDK's middleware: a
// release that renames or moves a step shows here, not as unsigned queries.
func TestSDKSteps(t *testing.T) {
	c, _ := offlineClient(t)
	var stack *middleware.Stack
	cl, err := c.begin(t.Context(), kindQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.end()
	_, err = c.s3.ListObjects(cl.ctx, &s3.ListObjectsInput{Bucket: new("b")}, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			stack = s
			return errStop
		})
	})
	if !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		list []string
		want []string // in this order, others between
	}{
		{"Build", stack.Build.List(), []string{stepUserAgent, stepHeaders}},
		{"Finalize", stack.Finalize.List(), []string{stepRetry, stepSigning}},
		{"Deserialize", stack.Deserialize.List(), []string{"ResponseErrorWrapper", stepDeserializer, step200Error}},
	} {
		last := -1
		for _, name := range step.want {
			i := slices.Index(step.list, name)
			if i <= last {
				t.Errorf("%s: %q is not there, or not after what it should follow: %q", step.name, name, step.list)
			}
			last = i
		}
	}
	if _, ok := stack.Serialize.Get("OperationSerializer"); !ok {
		t.Errorf("Serialize has no OperationSerializer: %q", stack.Serialize.List())
	}
	// ListBuckets has no 200-error step in every release; ours copes with both.
	if err := decodeWith(nil, nil)(stack); err != nil {
		t.Error(err)
	}
	if slices.Contains(stack.Deserialize.List(), step200Error) {
		t.Error("the SDK's reading of <Error> was not removed")
	}
}

func TestEncodeParameters(t *testing.T) {
	got := encodeParameters([]parameter{
		{"query", `x-amz-meta-a=='b c+d' and Size>=3`}, {"marker", "rO0AB+/="}, {"attributes", "Size,Etag"}, {"prefix", "ü/%~;&\x00\xff"},
	})
	const want = "attributes=Size%2CEtag&marker=rO0AB%2B%2F%3D&prefix=%C3%BC%2F%25~%3B%26%00%FF" +
		"&query=x-amz-meta-a%3D%3D%27b%20c%2Bd%27%20and%20Size%3E%3D3"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestQueryAsSigned sends every byte in a query and compares what leaves with
// what was encoded: the signer must not have written it anew in another form.
func TestQueryAsSigned(t *testing.T) {
	c, transport := offlineClient(t, func(cfg *Config) { cfg.Namespace = "ns1"; cfg.UserAgent = "ecsfs/test" })
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	params := []parameter{{"query", string(all)}, {"marker", "a b+c%20d"}, {"searchmetadata", ""}}
	cl, err := c.begin(t.Context(), kindQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.end()
	if err := c.ride(cl, "bucket", params, nil); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	r := transport.request
	if want := encodeParameters(params); r.URL.RawQuery != want {
		t.Errorf("query sent: %s\nwant:       %s", r.URL.RawQuery, want)
	}
	if got := r.URL.RequestURI(); got != "/bucket?"+encodeParameters(params) {
		t.Errorf("request URI %s", got)
	}
	if r.Header.Get("x-emc-namespace") != "ns1" || r.Header.Get("User-Agent") != "ecsfs/test" {
		t.Errorf("headers: %v", r.Header)
	}
	signed := r.Header.Get("Authorization")
	if !containsAll(signed, "Credential=id/", "x-emc-namespace", "SignedHeaders=", "host") {
		t.Errorf("Authorization %s", signed)
	}
	if keyIDOf(r.Header) != "id" {
		t.Errorf("key id %q", keyIDOf(r.Header))
	}
	for name := range r.Header {
		if len(name) > 14 && name[:14] == "X-Amz-Checksum" || name == "X-Amz-Trailer" {
			t.Errorf("a checksum was sent: %s", name)
		}
	}
}

// TestPathAsSent asserts that every byte of a key leaves as it is, in both
// ways of addressing: nothing is cleaned, joined or decoded.
func TestPathAsSent(t *testing.T) {
	keys := []string{"a", "/a", "//", "/", "a//b", "a/./b", "a/../b", "..", ".", "../../x", "a b", "a+b", "a%2Fb", "%", "a?b#c", "ü", "\x00\x01\x7f\xff\xfe", "a/", "{Key+}", "{Bucket}", "a:b@c;d,e!f'g(h)*i~j"}
	for _, style := range []Addressing{PathStyle, VirtualHost} {
		c, transport := offlineClient(t, func(cfg *Config) { cfg.Addressing = style })
		for _, key := range keys {
			want := "/" + escapeKey(key)
			wantHost := "bkt.s3.example.com:9020"
			if style == PathStyle {
				want, wantHost = "/bkt"+want, "s3.example.com:9020"
			}
			for _, method := range []string{"HEAD", "GET"} {
				var err error
				if ref := (search.Ref{Bucket: "bkt", Key: key}); method == "HEAD" {
					_, err = c.store.Stat(t.Context(), ref)
				} else {
					_, err = c.store.ReadRange(t.Context(), ref, make([]byte, 1), 0)
				}
				if !errors.Is(err, errStop) {
					t.Fatalf("%q: %v", key, err)
				}
				if got := transport.request.URL.EscapedPath(); got != want {
					t.Errorf("%s %s %+q: sent as %s, want %s", style, method, key, got, want)
				}
				if got := transport.request.URL.Host; got != wantHost {
					t.Errorf("%s %+q: host %s", style, key, got)
				}
			}
		}
	}
}

// escapeKey escapes by the standard library, to check the URL against.
func escapeKey(key string) string {
	var out string
	for i := range len(key) {
		c := key[i : i+1]
		switch {
		case c == "/":
			out += c
		case c == " ":
			out += "%20"
		default:
			out += url.QueryEscape(c)
		}
	}
	return out
}

func TestResolveEndpoint(t *testing.T) {
	tests := []struct {
		base    string
		virtual bool
		bucket  string
		want    string
	}{
		{"http://h:9020", false, "b", "http://h:9020/b"},
		{"https://h", true, "b-1", "https://b-1.h"},
		{"http://h:1", true, "b.c", "http://b.c.h:1"},
		{"https://h", true, "b.c", "https://h/b.c"},                 // no wildcard certificate covers it
		{"https://h", true, "UPPER", "https://h/UPPER"},             // no host name
		{"https://h", true, "under_score", "https://h/under_score"}, // no host name
		{"http://h", true, "-x", "http://h/-x"},
		{"http://h", true, "10.0.0.1", "http://h/10.0.0.1"},
		{"https://h", true, "evil--x-s3", "https://evil--x-s3.h"}, // no S3 Express session
		{"http://[::1]:9020", false, "b", "http://[::1]:9020/b"},
	}
	for _, tt := range tests {
		u, err := parseEndpoint(tt.base)
		if err != nil {
			t.Fatal(err)
		}
		e, err := (&endpointResolver{*u, tt.virtual, "r"}).ResolveEndpoint(context.Background(), s3.EndpointParameters{Bucket: &tt.bucket})
		if err != nil || e.URI.String() != tt.want {
			t.Errorf("%s, %s: %s, %v; want %s", tt.base, tt.bucket, e.URI.String(), err, tt.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for attempt := 1; attempt < 100; attempt++ {
		if d := backoff(100, attempt); d < 50 || d > 2000 {
			t.Errorf("attempt %d: %d", attempt, d)
		}
	}
}
