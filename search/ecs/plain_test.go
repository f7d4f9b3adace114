package ecs

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ecsfs/ecsfs/search"
)

// rotating gives another pair each time it is asked, as a role does that is renewed, and in the end none.
type rotating struct{ left []aws.Credentials }

func (r *rotating) Retrieve(context.Context) (aws.Credentials, error) {
	if len(r.left) == 0 {
		return aws.Credentials{}, errors.New("the session is over")
	}
	next := r.left[0]
	r.left = r.left[1:]
	return next, nil
}

// TestCredentialsChange: each attempt is signed with the credentials of its moment, and an end of
// them is a refusal, not a failure of the network.
func TestCredentialsChange(t *testing.T) {
	c, transport := offlineClient(t, func(cfg *Config) { cfg.Namespace = "ns1" })
	c.credentials = &rotating{[]aws.Credentials{
		{AccessKeyID: "first", SecretAccessKey: "s"},
		{AccessKeyID: "second/with/slashes", SecretAccessKey: "s", SessionToken: "token"},
		{AccessKeyID: "third", SecretAccessKey: "s"},
		{AccessKeyID: "fourth", SecretAccessKey: "s"},
	}}
	var sent []*http.Request
	transport.answer = func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r)
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody}, nil
	}
	ref := search.Ref{Bucket: "b", Key: "k", ETag: "e", Size: 10, VersionID: "v /1"}
	_, err := c.store.ReadRange(t.Context(), ref, make([]byte, 5), 5)
	if search.KindOf(err) != search.KindIO || len(sent) != maxAttempts {
		t.Fatalf("%d requests, %v", len(sent), err)
	}
	for i, want := range []struct{ id, token string }{{"first", ""}, {"second/with/slashes", "token"}, {"third", ""}, {"fourth", ""}} {
		r := sent[i]
		if keyIDOf(r.Header) != want.id || r.Header.Get("X-Amz-Security-Token") != want.token {
			t.Errorf("attempt %d: key %q, token %q", i, keyIDOf(r.Header), r.Header.Get("X-Amz-Security-Token"))
		}
		signed := r.Header.Get("Authorization")
		if r.Header.Get("Range") != "bytes=5-9" || r.Header.Get("If-Match") != `"e"` || r.Header.Get(headerNamespace) != "ns1" ||
			r.URL.RawQuery != "versionId=v%20%2F1" || !containsAll(signed, "if-match", "range", "x-emc-namespace", "host") ||
			strings.Contains(signed, "x-amz-security-token") != (want.token != "") {
			t.Errorf("attempt %d: %s %v", i, r.URL, r.Header)
		}
	}
	_, err = c.store.ReadRange(t.Context(), ref, make([]byte, 5), 5)
	if search.KindOf(err) != search.KindPermission || !strings.Contains(err.Error(), "the session is over (log in again)") || len(sent) != maxAttempts {
		t.Errorf("%d requests, %v", len(sent), err)
	}
}

// TestSigningKeyKept: the signer, and with it the derived key, is made once for each pair.
func TestSigningKeyKept(t *testing.T) {
	c, _ := offlineClient(t)
	first, err := c.signer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.signer(t.Context()); again != first || err != nil {
		t.Errorf("another signer, %v", err)
	}
	c.credentials = &rotating{[]aws.Credentials{{AccessKeyID: "id", SecretAccessKey: "another"}}}
	if other, err := c.signer(t.Context()); other == first || err != nil || other.SecretAccessKey != "another" {
		t.Errorf("the same signer for another secret, %v", err)
	}
}

// TestNoRedirect: the key id is shown to no host but the endpoint.
func TestNoRedirect(t *testing.T) {
	c, transport := offlineClient(t)
	hosts := map[string]int{}
	transport.answer = func(r *http.Request) (*http.Response, error) {
		hosts[r.URL.Host]++
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://elsewhere.example.com/b/k"}}, Body: http.NoBody}, nil
	}
	ref := search.Ref{Bucket: "b", Key: "k"}
	_, err := c.store.ReadRange(t.Context(), ref, make([]byte, 5), 5)
	_, statErr := c.store.Stat(t.Context(), ref)
	for _, err := range []error{err, statErr} {
		if err == nil || !strings.Contains(err.Error(), "elsewhere.example.com") {
			t.Error(err)
		}
	}
	if len(hosts) != 1 || hosts["s3.example.com:9020"] != 2 {
		t.Errorf("requests to %v", hosts)
	}
}

// TestReadAllocations: reading is hot: an allocation more is a regression.
func TestReadAllocations(t *testing.T) {
	address, _ := cannedServer(t, 1<<30)
	c, err := New(t.Context(), Config{Endpoint: "http://" + address, Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	ref := search.Ref{Bucket: "bucket", Key: "logs/2026/an-object.dat", ETag: "e", Size: 1 << 30}
	p := make([]byte, 4<<10)
	got := testing.AllocsPerRun(200, func() {
		if _, err := c.store.ReadRange(t.Context(), ref, p, 0); err != nil {
			t.Fatal(err)
		}
	})
	// net/http takes 63 of them, see BenchmarkGet.
	if want := 80.0; got > want && !raceEnabled {
		t.Errorf("%v allocations, want at most %v", got, want)
	}
}
