package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/sigv4"
)

// rawClient is the least that an S3 client can be: a signed request through
// net/http, no retries. What it takes is the limit for every other client in Go.
type rawClient struct {
	endpoint string
	signer   *sigv4.Signer
	http     *http.Client
}

// newRawClient returns a client that keeps so many connections open.
func newRawClient(endpoint string, connections int) *rawClient {
	return &rawClient{
		endpoint: endpoint,
		signer: &sigv4.Signer{
			Credentials: sigv4.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
			Region:      "us-east-1", Service: "s3",
		},
		http: &http.Client{Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConns:        connections,
			MaxIdleConnsPerHost: connections,
			DisableCompression:  true,
			ReadBufferSize:      64 << 10,
		}},
	}
}

// get sends a GET of the path and query below the bucket, and returns the
// answer if it is a success.
func (c *rawClient) get(ctx context.Context, key, query, byteRange string) (*http.Response, error) {
	url := c.endpoint + "/" + bucket
	if key != "" {
		url += "/" + sigv4.EscapePath(key)
	}
	if query != "" {
		url += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	if err := c.signer.Sign(req, sigv4.EmptyPayloadHash, time.Now()); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300)) // only for the message
		return nil, fmt.Errorf("GET %s: %s: %s", url, res.Status, text)
	}
	return res, nil
}

// read fetches a range of an object, or all of it for an empty range, into buf
// and returns what it has. buf must have the room.
func (c *rawClient) read(ctx context.Context, key, byteRange string, buf []byte) ([]byte, error) {
	res, err := c.get(ctx, key, "", byteRange)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.ContentLength < 0 || res.ContentLength > int64(len(buf)) {
		return nil, fmt.Errorf("GET %s %s: %d bytes, at most %d were wanted", key, byteRange, res.ContentLength, len(buf))
	}
	n, err := io.ReadFull(res.Body, buf[:res.ContentLength])
	return buf[:n], err
}

// rangeOf is the Range header of n bytes from offset on.
func rangeOf(offset, n int64) string {
	return "bytes=" + strconv.FormatInt(offset, 10) + "-" + strconv.FormatInt(offset+n-1, 10)
}

// searchQuery is the search that ecsfs sends for the query directory of a set:
// the same expression, order and attributes.
func searchQuery(set, marker string) string {
	q := "query=" + sigv4.Escape("x-amz-meta-"+setKey+"=='"+set+"'") + "&attributes=Etag%2CContentType"
	if marker != "" {
		q += "&marker=" + sigv4.Escape(marker)
	}
	return q
}

// nextMarker returns the text of NextMarker in what has been read of a page,
// which stands before the rows. known is false until it is clear whether there
// is one.
func nextMarker(page []byte) (marker string, known bool) {
	const open, end = "<NextMarker>", "</NextMarker>"
	i := bytes.Index(page, []byte(open))
	if i < 0 {
		// Rows come behind the marker, or there are no rows.
		return "", bytes.Contains(page, []byte("<object>")) || bytes.Contains(page, []byte("</BucketQueryResult>"))
	}
	text := page[i+len(open):]
	j := bytes.Index(text, []byte(end))
	if j < 0 {
		return "", false
	}
	return strings.TrimSpace(string(text[:j])), true
}
