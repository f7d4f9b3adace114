package ecstest

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// tester is what *testing.T, *testing.B and *rapid.T have in common.
type tester interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// client sends raw requests, signed by sigv4.
type client struct {
	t      tester
	url    string
	http   *http.Client
	signer *sigv4.Signer
	host   string // Host header, when not the URL's
	now    func() time.Time
}

func (s *Server) testClient(t tester) *client {
	return &client{t: t, url: s.URL, now: s.now, http: &http.Client{Transport: &http.Transport{DisableCompression: true}}, signer: &sigv4.Signer{
		Credentials: sigv4.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: DefaultSecretAccessKey},
		Region:      "us-east-1", Service: "s3"}}
}

// startServer starts a server that ends with the test.
func startServer(t testing.TB, knobs ...func(*Server)) (*Server, *client) {
	t.Helper()
	s := NewUnstartedServer()
	for _, k := range knobs {
		k(s)
	}
	s.Start()
	c := s.testClient(t)
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		s.Close()
	})
	return s, c
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends METHOD TARGET with headers given as name, value, name, value ...
func (c *client) do(method, target, body string, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	if c.host != "" {
		r.Host = c.host
	}
	if err := c.signer.Sign(r, sigv4.UnsignedPayload, c.now()); err != nil {
		c.t.Fatal(err)
	}
	return c.send(r)
}

func (c *client) send(r *http.Request) answer {
	c.t.Helper()
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func (c *client) get(target string, headers ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, target, "", headers...)
}

// must fails the test unless the answer has the status.
func (a answer) must(t tester, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// node is any XML element.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

func (a answer) xml(t tester) node {
	t.Helper()
	var n node
	if err := xml.NewDecoder(bytes.NewReader([]byte(a.body))).Decode(&n); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return n
}

// all returns the elements at a path of local names below n.
func (n node) all(path string) []node {
	nodes := []node{n}
	for name := range strings.SplitSeq(path, "/") {
		var next []node
		for _, n := range nodes {
			for _, c := range n.Children {
				if c.XMLName.Local == name {
					next = append(next, c)
				}
			}
		}
		nodes = next
	}
	return nodes
}

func (n node) texts(path string) []string {
	var texts []string
	for _, c := range n.all(path) {
		texts = append(texts, c.Text)
	}
	return texts
}

// text is the first text at path, or "<none>".
func (n node) text(path string) string {
	if texts := n.texts(path); len(texts) > 0 {
		return texts[0]
	}
	return "<none>"
}

// queryTarget is the target of a search; params are name, value, name ...
func queryTarget(bucket, expression string, params ...string) string {
	target := "/" + bucket + "?query=" + sigv4.Escape(expression)
	for i := 0; i < len(params); i += 2 {
		target += "&" + params[i] + "=" + sigv4.Escape(params[i+1])
	}
	return target
}

// query runs one page of a search that must succeed.
func (c *client) query(bucket, expression string, params ...string) node {
	c.t.Helper()
	return c.get(queryTarget(bucket, expression, params...)).must(c.t, http.StatusOK).xml(c.t)
}

func names(page node) []string { return page.texts("ObjectMatches/object/objectName") }

// metadata is one row's block of a type.
func metadata(object node, blockType string) map[string]string {
	m := map[string]string{}
	for _, block := range object.all("queryMds") {
		if block.text("type") != blockType {
			continue
		}
		for _, e := range block.all("mdMap/entry") {
			m[e.text("key")] = e.text("value")
		}
	}
	return m
}

func ok(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// numbered makes a bucket of n objects "k000"... with x-amz-meta-n 0, 1, 2 ...
// and x-amz-meta-group n%5.
func numbered(t tester, s *Server, bucket string, n int) {
	t.Helper()
	ok(t, s.CreateBucket(bucket, "Size", "LastModified", "ObjectName", "x-amz-meta-n;integer", "x-amz-meta-group;string"))
	for i := range n {
		ok(t, s.PutObject(bucket, fmt.Sprintf("k%03d", i), make([]byte, i%7), PutOptions{
			Metadata: map[string]string{"n": fmt.Sprint(i), "group": fmt.Sprint(i % 5)}}))
	}
}
