package ecs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ecsfs/ecsfs/search"
)

// oneAnswer is a transport that gives the same bytes to every request.
type oneAnswer struct{ raw []byte }

func (a oneAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(a.raw)), r)
}

func answer(status, headers, body string) []byte {
	return []byte("HTTP/1.1 " + status + "\r\n" + strings.ReplaceAll(headers, "\n", "\r\n") + "\r\n" + body)
}

// FuzzAnswers gives arbitrary answers to every call of a Client and a Store.
// Each ends soon, without a panic, in a result or in an error that fits a terminal.
func FuzzAnswers(f *testing.F) {
	const chunked = "Transfer-Encoding: chunked\n"
	f.Add(answer("200 OK", "ETag: \"e\"\nContent-Range: bytes 0-0/1\nContent-Length: 1\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\n", "x"))
	f.Add(answer("206 Partial Content", "ETag: \"e\"\nContent-Range: bytes 0-99/100\nContent-Length: 100\n", "short"))
	f.Add(answer("200 OK", chunked, "5\r\n<a><b\r\n0\r\n\r\n"))
	f.Add(answer("503 Slow Down", "Retry-After: 100000\nDate: Mon, 02 Jan 2006 15:04:05 GMT\n", "<Error><Code>SlowDown</Code><Message>\u202e</Message></Error>"))
	f.Add(answer("307 Temporary Redirect", "Location: http://other.example/\n", ""))
	f.Add(answer("204 No Content", "", ""))
	f.Add(answer("200 OK", "Content-Encoding: gzip\n", "\x1f\x8b"))
	for _, body := range []string{
		guideAnswer,
		"<BucketQueryResult><NextMarker>m</NextMarker><ObjectMatches><object><objectName>a%1D</objectName></object></ObjectMatches></BucketQueryResult>",
		"<MetadataSearchList><IndexableKeys><Key><Name>x-amz-meta-A</Name><Datatype>string</Datatype></Key></IndexableKeys></MetadataSearchList>",
		"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Contents><Key>a+b</Key><Size>1</Size><ETag>e</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>",
		"<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets><ContinuationToken>t</ContinuationToken></ListAllMyBucketsResult>",
		"<ListDataNode><DataNodes>10.0.0.1</DataNodes><VersionInfo>3.8</VersionInfo></ListDataNode>",
		"<PingList><PingItem><Name>LOAD_FACTOR</Name><Value>1</Value></PingItem></PingList>",
		"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
		"<Error><Code>Metadata search not enabled</Code></Error>",
	} {
		f.Add(answer("200 OK", "", body))
		f.Add(answer("400 Bad Request", "Content-Length: 10\n", body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c, err := New(ctx, Config{Endpoint: "http://h:9020", Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret"},
			Transport: oneAnswer{raw}, RetryDelay: 1, MaxPages: 3, Timeout: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for call, err := range errorsOfEveryCall(ctx, c, bytes.Contains(raw, []byte("UploadId"))) {
			if err == nil || err == io.EOF {
				continue
			}
			e, ok := errors.AsType[*search.Error](err)
			if !ok {
				t.Errorf("%s: an error of another kind: %T %v", call, err, err)
				continue
			}
			if text := e.Error(); len(text) > 4096 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %d bytes, %.200q", call, len(text), text)
			}
		}
		if ctx.Err() != nil {
			t.Error("it takes too long")
		}
	})
}

// errorsOfEveryCall makes every call. Queries are planned by a schema of its
// own, as the answer to the question for one is as arbitrary.
func errorsOfEveryCall(ctx context.Context, c *Client, parts bool) map[string]error {
	errs := make(map[string]error)
	_, errs["SystemKeys"] = c.SystemKeys(ctx)
	_, errs["SearchKeys"] = c.SearchKeys(ctx, "b")
	for _, encode := range []bool{false, true} {
		_, errs["Query"] = c.Query(ctx, QueryInput{Bucket: "b", Expression: "Size>0", Encode: encode})
	}
	errs["CreateBucket"] = c.CreateBucket(ctx, "b", search.Key{Name: "Size"})
	errs["DisableSearch"] = c.DisableSearch(ctx, "b")
	_, errs["DataNodes"] = c.DataNodes(ctx)
	_, errs["Ping"] = c.Ping(ctx, "")
	_, errs["PingLoad"] = c.PingLoad(ctx, "")
	_, errs["PutObject"] = c.PutObject(ctx, "b", "k", strings.NewReader("x"), 1, PutOptions{})
	if parts {
		_, errs["PutObject in parts"] = c.PutObject(ctx, "b", "k", bytes.NewReader(make([]byte, MinPartSize)), MinPartSize, PutOptions{PartSize: 1})
	}

	s := c.Store()
	_, errs["Buckets"] = s.Buckets(ctx)
	_, errs["Schema"] = s.Schema(ctx, "b")
	for _, recursive := range []bool{false, true} {
		for _, err := range s.List(ctx, "b", search.ListOptions{Recursive: recursive}) {
			errs["List"] = err
		}
	}
	_, errs["Stat"] = s.Stat(ctx, search.Ref{Bucket: "b", Key: "k"})
	_, errs["ReadRange"] = s.ReadRange(ctx, search.Ref{Bucket: "b", Key: "k"}, make([]byte, 10), 0)
	_, errs["ReadRange pinned"] = s.ReadRange(ctx, search.Ref{Bucket: "b", Key: "k", ETag: "e", Size: 1}, make([]byte, 10), 0)
	for _, o := range []Object{c.Bucket("b").Object("k"), {Bucket: "b", Key: "k", ETag: "e", Size: 100, client: c}} {
		if file, err := o.Open(ctx); err != nil {
			errs["Open"] = err
		} else {
			_, errs["File"] = io.Copy(io.Discard, io.LimitReader(file, 1<<20))
			file.Close()
		}
	}
	for _, text := range []string{"size>0", "color==red or size<7", "color,missing/size>0", "owner,glob,a*/size>0"} {
		for _, options := range [][]SearchOption{nil, {WithPrefix("p"), WithOlderVersions()}} {
			s.keepSchema(listedKeys{schema: search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{
				{Name: "Owner", Indexed: true}, {Name: "Size", Type: search.Integer, Indexed: true}, {Name: "x-amz-meta-color", Indexed: true}}}})
			for _, err := range c.Bucket("b").Search(ctx, text, options...) {
				errs["Search "+text] = err
			}
		}
	}
	return errs
}
