package ecs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// answering starts a server that gives one answer to everything and keeps the
// requests.
func answering(t *testing.T, status int, body string) (*ecs.Client, *[]*http.Request) {
	t.Helper()
	var requests []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL), &requests
}

// TestStoreCannotWrite: the methods of a Store are those of search.Store and search.ProgressReader, and
// no field of it is exported.
func TestStoreCannotWrite(t *testing.T) {
	store := reflect.TypeFor[*ecs.Store]()
	want := reflect.TypeFor[interface {
		search.Store
		search.ProgressReader
	}]()
	if !store.Implements(want) {
		t.Error("it is no Store with progress")
	}
	if store.NumMethod() != want.NumMethod() {
		t.Errorf("%d methods, and search.Store has %d", store.NumMethod(), want.NumMethod())
	}
	for _, f := range reflect.VisibleFields(store.Elem()) {
		if f.IsExported() {
			t.Errorf("the field %s is exported", f.Name)
		}
	}
}

func names(keys []search.Key) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.Name+" "+k.Type.String())
	}
	return strings.Join(all, ", ")
}

func TestSystemKeys(t *testing.T) {
	srv := startServer(t)
	c := newClient(t, srv.URL)
	s, err := c.SystemKeys(t.Context())
	const want = "CreateTime datetime, LastModified datetime, ObjectName string, Owner string, Size integer"
	if err != nil || !s.Enabled || names(s.Indexed) != want || s.Bucket != "" || len(s.Attributes) < 12 {
		t.Errorf("%+v, %v", s, err)
	}
	if srv.Count("SystemSearchKeys") != 1 || len(srv.Requests()) != 1 {
		t.Errorf("requests %v", srv.Counts())
	}
	for name, plain := range map[string]*ecs.Client{
		"a list of buckets": first(answering(t, 200, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")),
		"not implemented":   first(answering(t, 501, "<Error><Code>NotImplemented</Code></Error>")),
	} {
		if s, err := plain.SystemKeys(t.Context()); err != nil || s.Enabled || len(s.Indexed) > 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func first[A, B any](a A, _ B) A { return a }

// TestCreateBucket asserts what is sent and what the server made of it.
func TestCreateBucket(t *testing.T) {
	srv := startServer(t)
	c := newClient(t, srv.URL)
	err := c.CreateBucket(t.Context(), "b", search.Key{Name: "size"}, search.Key{Name: "LastModified", Type: search.Datetime},
		search.Key{Name: "X-Amz-Meta-Color"}, search.Key{Name: "x-amz-meta-n", Type: search.Integer})
	if err != nil {
		t.Fatal(err)
	}
	if got := srv.Requests()[0].Header.Get("x-emc-metadata-search"); got != "Size,LastModified,x-amz-meta-color;string,x-amz-meta-n;integer" {
		t.Errorf("sent %s", got)
	}
	if signed := srv.Requests()[0].Header.Get("Authorization"); !strings.Contains(signed, ";x-emc-metadata-search") {
		t.Errorf("the keys are not signed: %s", signed)
	}
	s, err := c.SearchKeys(t.Context(), "b")
	if err != nil || names(s.Indexed) != "LastModified datetime, Size integer, x-amz-meta-color string, x-amz-meta-n integer" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := c.CreateBucket(t.Context(), "plain"); err != nil {
		t.Fatal(err)
	}
	if s, err := c.SearchKeys(t.Context(), "plain"); err != nil || s.Enabled {
		t.Errorf("%+v, %v", s, err)
	}
	wantError(t, c.CreateBucket(t.Context(), "b"), search.KindInvalid, "create bucket b: BucketAlready", "choose another name")
	wantError(t, c.CreateBucket(t.Context(), "c", search.Key{Name: "Etag"}), search.KindInvalid, "create bucket c: Invalid")
}

// TestCreateBucketRefused: what no server takes is not sent.
func TestCreateBucketRefused(t *testing.T) {
	c, requests := answering(t, 500, "")
	many := make([]search.Key, 31)
	for i := range many {
		many[i].Name = fmt.Sprintf("x-amz-meta-%d", i)
	}
	for _, tt := range []struct {
		bucket string
		keys   []search.Key
		want   string
	}{
		{"b", many, "31 keys to index, and ECS takes 30"},
		{"b", []search.Key{{Name: "color"}}, `"color" is neither a system key nor user metadata (user metadata is named with its prefix, as x-amz-meta-color)`},
		{"b", []search.Key{{Name: "x-amz-meta-"}}, "is no name of user metadata"},
		{"b", []search.Key{{Name: "x-amz-meta-a,b"}}, "is no name of user metadata"},
		{"b", []search.Key{{Name: "x-amz-meta-a;b"}}, "is no name of user metadata"},
		{"b", []search.Key{{Name: "x-amz-meta-a\r\nb"}}, "is no name of user metadata"},
		{"b", []search.Key{{Name: "x-amz-meta-a", Type: 9}}, "has a datatype that does not exist"},
		{"b", []search.Key{{Name: "x-amz-meta-A"}, {Name: "x-amz-meta-a"}}, "x-amz-meta-a is to be indexed twice"},
		{"b", []search.Key{{Name: "size"}, {Name: "Size"}}, "Size is to be indexed twice"},
		{"..", nil, "no bucket can have this name"},
		{"a/b", nil, "no bucket can have this name"},
	} {
		wantError(t, c.CreateBucket(t.Context(), tt.bucket, tt.keys...), search.KindInvalid, tt.want)
	}
	if len(*requests) != 0 {
		t.Errorf("%d requests", len(*requests))
	}
}

func TestDisableSearch(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 1)
	c := newClient(t, srv.URL)
	if err := c.DisableSearch(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if s, err := c.SearchKeys(t.Context(), "b"); err != nil || s.Enabled {
		t.Errorf("%+v, %v", s, err)
	}
	wantError(t, c.DisableSearch(t.Context(), "b"), search.KindUnsupported, "disable search b: the bucket has no metadata search")
	wantError(t, c.DisableSearch(t.Context(), "none"), search.KindNotExist, "none")
	if n := srv.Count("DeleteSearchKeys"); n != 1 || srv.Count("DeleteBucket") != 0 {
		t.Errorf("requests %v", srv.Counts())
	}
}

// TestDisableSearchOnPlainS3: a server that ignores the parameter would delete
// the bucket, so no DELETE reaches it.
func TestDisableSearchOnPlainS3(t *testing.T) {
	c, requests := answering(t, 200, "<ListBucketResult><Name>b</Name></ListBucketResult>")
	wantError(t, c.DisableSearch(t.Context(), "b"), search.KindUnsupported, "no metadata search")
	for _, r := range *requests {
		if r.Method != "GET" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}
}

// TestQueryPages pages through a search by hand, and asserts what is sent.
func TestQueryPages(t *testing.T) {
	srv := startServer(t, func(s *ecstest.Server) { s.PageSize = 2; s.EndMarker = ecstest.EndNoMorePages })
	fill(t, srv, 5)
	c := newClient(t, srv.URL)
	in := ecs.QueryInput{Bucket: "b", Expression: "Size>=0 and x-amz-meta-color=='red'", Attributes: []string{"Etag"}, Sorted: "Size", MaxKeys: 2}
	var got []string
	for pages := 0; ; pages++ {
		out, err := c.Query(t.Context(), in)
		if err != nil || pages > 5 {
			t.Fatal(err, pages)
		}
		for _, m := range out.Matches {
			got = append(got, m.Name)
			size, _ := m.System.Get("size")
			etag, _ := m.System.Get("etag")
			color, _ := m.User.Get("X-Amz-Meta-Color")
			if size != "1" || len(etag) != 32 || color != "red" || len(m.ObjectID) != 64 || m.VersionID != "0" {
				t.Errorf("match %+v", m)
			}
		}
		if out.Name != "b" || out.MaxKeys != 2 {
			t.Errorf("page %+v", out)
		}
		if in.Marker = out.NextMarker; in.Marker == "" {
			break
		}
	}
	if slices.Sort(got); fmt.Sprint(got) != "[000 001 002 003 004]" || srv.Count("Query") != 3 {
		t.Errorf("%q, requests %v", got, srv.Counts())
	}
	sent := srv.Requests()[0].Query
	sent.Del("marker")
	want := "attributes=Etag&max-keys=2&query=Size%3E%3D0+and+x-amz-meta-color%3D%3D%27red%27&sorted=Size"
	if sent.Encode() != want {
		t.Errorf("sent %s\nwant %s", sent.Encode(), want)
	}
}

func TestQueryErrors(t *testing.T) {
	srv := startServer(t)
	fill(t, srv, 1)
	if err := srv.CreateBucket("plain"); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, srv.URL)
	for _, tt := range []struct {
		in   ecs.QueryInput
		kind search.Kind
		want string
	}{
		{ecs.QueryInput{Bucket: "b"}, search.KindInvalid, "without an expression"},
		{ecs.QueryInput{Bucket: "b", Expression: "Size>0", MaxKeys: 1001}, search.KindInvalid, "a page of 1001 keys"},
		{ecs.QueryInput{Bucket: "b", Expression: "Size>0", MaxKeys: -1}, search.KindInvalid, "a page of -1 keys"},
		{ecs.QueryInput{Bucket: "b", Expression: "Size>0", Attributes: []string{"a,b"}}, search.KindInvalid, "holds a comma"},
		{ecs.QueryInput{Bucket: "..", Expression: "Size>0"}, search.KindNotExist, "no bucket"},
		{ecs.QueryInput{Bucket: "b", Expression: "Size=0"}, search.KindInvalid, "query b: InvalidArgument"},
		{ecs.QueryInput{Bucket: "b", Expression: "Size>0", Marker: "x"}, search.KindInvalid, "query b: InvalidArgument"},
		{ecs.QueryInput{Bucket: "plain", Expression: "Size>0"}, search.KindUnsupported, "query plain:"},
		{ecs.QueryInput{Bucket: "none", Expression: "Size>0"}, search.KindNotExist, "query none: NoSuchBucket"},
	} {
		out, err := c.Query(t.Context(), tt.in)
		wantError(t, err, tt.kind, tt.want)
		if !cmp.Equal(out, ecs.QueryOutput{}) {
			t.Errorf("%+v beside an error", out)
		}
	}
	if n := srv.Count("Query"); n != 4 {
		t.Errorf("%d queries were sent, of which 4 could not be known to fail", n)
	}
	same, _ := answering(t, 200, "<BucketQueryResult><NextMarker>m</NextMarker></BucketQueryResult>")
	_, err := same.Query(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "Size>0", Marker: "m"})
	wantError(t, err, search.KindIO, "the marker of this page as the next one")
}

func TestDataNodes(t *testing.T) {
	c, requests := answering(t, 200, `<ListDataNode xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><VersionInfo>3.8.0.0.1.abc</VersionInfo>
		<DataNodes>10.0.0.1</DataNodes><DataNodes> 10.0.0.2 </DataNodes><DataNodes>10.0.0.1</DataNodes><DataNodes>fd00::3</DataNodes><New/></ListDataNode>`)
	nodes, err := c.DataNodes(t.Context())
	_, port, _ := strings.Cut(strings.TrimPrefix(c.Endpoint(), "http://"), ":")
	want := ecs.DataNodes{Version: "3.8.0.0.1.abc", Endpoints: []string{"http://10.0.0.1:" + port, "http://10.0.0.2:" + port, "http://[fd00::3]:" + port}}
	if diff := cmp.Diff(want, nodes); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	r := (*requests)[0]
	if r.Method != "GET" || r.RequestURI != "/?endpoint=" || !strings.Contains(r.Header.Get("Authorization"), "/s3/aws4_request") {
		t.Errorf("%s %s %v", r.Method, r.RequestURI, r.Header)
	}
	for body, want := range map[string]string{
		"<ListDataNode/>": "a list without data nodes",
		"<ListDataNode><DataNodes>evil.example/x</DataNodes></ListDataNode>": "that is no address",
		"<ListDataNode><DataNodes>a@b</DataNodes></ListDataNode>":            "that is no address",
		"<Other/>": "where <ListDataNode> was expected",
	} {
		_, err := first(answering(t, 200, body)).DataNodes(t.Context())
		wantError(t, err, search.KindIO, "data nodes: unreadable answer", want)
	}
	_, err = first(answering(t, 200, "<ListAllMyBucketsResult/>")).DataNodes(t.Context())
	wantError(t, err, search.KindUnsupported, "it is no ECS")
}

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		version string
		want    bool
	}{
		{"3.6.2.0.1", true}, {"3.6", true}, {"3.7.1.0.1.abc", true}, {"3.10.0", true}, {"4.0", true}, {"10.1", true},
		{"3.5.9", false}, {"2.2", false}, {"1.7.0", false}, {"", false}, {"3", false}, {"3.", false}, {"v3.8", false}, {"x.y", false},
	} {
		if got := (ecs.DataNodes{Version: c.version}).AtLeast(3, 6); got != c.want {
			t.Errorf("%q is at least 3.6: %v, want %v", c.version, got, c.want)
		}
	}
}

// TestPlainRequestsAreRepeated: a plain request has the attempts, counters and
// errors of one that rides on the SDK.
func TestPlainRequestsAreRepeated(t *testing.T) {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(503)
			return
		}
		fmt.Fprint(w, "<ListDataNode><DataNodes>h</DataNodes></ListDataNode>")
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL)
	if _, err := c.DataNodes(t.Context()); err != nil || n != 3 {
		t.Errorf("%d requests, %v", n, err)
	}
	for _, counter := range c.Stats() {
		if want := map[string]int64{"requests_data_nodes": 3, "retries": 2, "throttled": 2, "read_ahead_limit": 8}[counter.Name]; counter.Value != want && counter.Name != "bytes_received" {
			t.Errorf("%s = %d, want %d", counter.Name, counter.Value, want)
		}
	}
	always, requests := answering(t, 500, "<Error><Code>InternalError</Code></Error>")
	_, err := always.DataNodes(t.Context())
	wantError(t, err, search.KindIO, "data nodes: InternalError")
	if len(*requests) != 4 {
		t.Errorf("%d requests", len(*requests))
	}
	denied, requests := answering(t, 403, "<Error><Code>AccessDenied</Code></Error>")
	_, err = denied.DataNodes(t.Context())
	wantError(t, err, search.KindPermission, "AccessDenied", "key id "+ecstest.DefaultAccessKeyID)
	if len(*requests) != 1 {
		t.Errorf("%d requests", len(*requests))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = denied.DataNodes(ctx)
	wantError(t, err, search.KindCanceled, "list data nodes")
}

func TestPing(t *testing.T) {
	const answer = `<PingList xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><PingItem><Name>LOAD_FACTOR</Name><Value>3</Value></PingItem>
		<PingItem><Name>MAINTENANCE_MODE</Name><Status>%s</Status><Text>Data Node is Available</Text></PingItem></PingList>`
	other, _ := answering(t, 500, "")
	for _, status := range []string{"OFF", "UNKNOWN", "ON"} {
		node, requests := answering(t, 200, fmt.Sprintf(answer, status))
		for _, endpoint := range []string{"", node.Endpoint()} {
			c := node
			if endpoint != "" {
				c = other
			}
			health, err := c.Ping(t.Context(), endpoint)
			if err != nil || health.LoadFactor != 3 || health.Maintenance != (status == "ON") || health.Status != status ||
				health.Text != "Data Node is Available" || health.Latency <= 0 {
				t.Errorf("%+v, %v", health, err)
			}
		}
		for _, r := range *requests {
			if r.RequestURI != "/?ping=" || r.Header.Get("Authorization") != "" || r.Header.Get("x-emc-namespace") == "" || !r.Close {
				t.Errorf("%s %v, close %v", r.RequestURI, r.Header, r.Close)
			}
		}
	}
	c, requests := answering(t, 200, "<PingList><PingItem><Name>LOAD_FACTOR</Name><Value>7</Value></PingItem></PingList>")
	if health, err := c.PingLoad(t.Context(), ""); err != nil || health.LoadFactor != 7 || health.Status != "" {
		t.Errorf("%+v, %v", health, err)
	}
	if uri := (*requests)[0].RequestURI; uri != "/?item=load-factor&ping=" {
		t.Error(uri)
	}
	c, requests = answering(t, 503, "")
	_, err := c.Ping(t.Context(), "")
	if wantError(t, err, search.KindIO, "ping: status 503"); len(*requests) != 1 {
		t.Errorf("%d requests: a ping is not repeated", len(*requests))
	}
	_, err = c.Ping(t.Context(), "http://127.0.0.1:1")
	wantError(t, err, search.KindIO, "ping: 127.0.0.1:1 refuses connections")
	_, err = c.Ping(t.Context(), "10.0.0.1")
	wantError(t, err, search.KindInvalid, "neither with http")
}

// get fetches a URL as anybody would.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPresign(t *testing.T) {
	clock := time.Now()
	srv := startServer(t, func(s *ecstest.Server) { s.Now = func() time.Time { return clock } })
	fill(t, srv, 1)
	c := newClient(t, srv.URL)
	for _, key := range []string{"a", "a b+c%20d", "ü/../x//y", "q?r#s&t", "'\"\x7f"} {
		if err := srv.PutObject("b", key, []byte("data of "+key), ecstest.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		url, err := c.Presign(t.Context(), "b", key, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := get(t, url); status != 200 || body != "data of "+key {
			t.Errorf("%q: %d %s", key, status, body)
		}
	}
	url, err := c.PresignQuery(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "x-amz-meta-color=='red' and Size>=0", Attributes: []string{"Etag"}}, 1500*time.Millisecond)
	if err != nil || !strings.Contains(url, "X-Amz-Expires=1&") {
		t.Fatal(err, url)
	}
	if status, body := get(t, url); status != 200 || !strings.Contains(body, "<objectName>000</objectName>") {
		t.Errorf("%d %s", status, body)
	}
	clock = clock.Add(time.Minute)
	if status, body := get(t, url); status != 403 {
		t.Errorf("after its time: %d %s", status, body)
	}
	for _, expires := range []time.Duration{0, -time.Hour, 999 * time.Millisecond, 7*24*time.Hour + 1} {
		_, err := c.Presign(t.Context(), "b", "a", expires)
		wantError(t, err, search.KindInvalid, "presign b/a: a signed URL cannot live for", "from 1s to 7 days")
	}
	for _, expires := range []time.Duration{time.Second, 7 * 24 * time.Hour} {
		if _, err := c.Presign(t.Context(), "b", "a", expires); err != nil {
			t.Error(err)
		}
	}
	_, err = c.Presign(t.Context(), "b", "", time.Minute)
	wantError(t, err, search.KindNotExist, "empty key")
	_, err = c.PresignQuery(t.Context(), ecs.QueryInput{Bucket: "b"}, time.Minute)
	wantError(t, err, search.KindInvalid, "without an expression")
	spaced := newClient(t, srv.URL, func(c *ecs.Config) { c.Namespace = "ns1" })
	_, err = spaced.Presign(t.Context(), "b", "a", time.Minute)
	wantError(t, err, search.KindUnsupported, "cannot name the namespace ns1")

	temporary := newClient(t, srv.URL, func(c *ecs.Config) { c.Credentials.SessionToken = "tok/en+" })
	if url, err = temporary.Presign(t.Context(), "b", "a", time.Minute); err != nil || !strings.Contains(url, "X-Amz-Security-Token=tok%2Fen%2B") {
		t.Errorf("%s, %v", url, err)
	}
	virtual := newClient(t, "http://s3.example.com:9020", func(c *ecs.Config) { c.Addressing = ecs.VirtualHost })
	if url, err = virtual.Presign(t.Context(), "b", "a", time.Minute); err != nil || !strings.HasPrefix(url, "http://b.s3.example.com:9020/a?X-Amz-Algorithm=") {
		t.Errorf("%s, %v", url, err)
	}
	if url, err = virtual.PresignQuery(t.Context(), ecs.QueryInput{Bucket: "b", Expression: "Size>0"}, time.Minute); err != nil || !strings.HasPrefix(url, "http://b.s3.example.com:9020/?X-Amz-Algorithm=") {
		t.Errorf("%s, %v", url, err)
	}
	if len(srv.Requests()) != 7 {
		t.Errorf("signing sent requests: %v", srv.Counts())
	}
}

// errReader fails after its data.
type errReader struct {
	r   io.Reader
	err error
}

func (e *errReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err == io.EOF {
		err = e.err
	}
	return n, err
}

var errDisk = errors.New("the disk is broken")
