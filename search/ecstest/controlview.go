package ecstest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// requestJSON is a Request as others may see it.
type requestJSON struct {
	Method    string            `json:"method"`
	Operation string            `json:"operation"`
	Bucket    string            `json:"bucket,omitempty"`
	Key       string            `json:"key,omitempty"`
	Query     map[string]string `json:"query,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Start     time.Time         `json:"start"`
	End       time.Time         `json:"end,omitzero"`
	Status    int               `json:"status,omitempty"`
	Sent      int64             `json:"sent"`
}

// publicHeaders are the headers of a request that tell nothing secret. A list
// of what is secret would miss the next one.
var publicHeaders = []string{"Accept-Encoding", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Content-Encoding",
	"Content-Length", "Content-Md5", "Content-Type", "Date", "Expect", "If-Match", "If-Modified-Since", "If-None-Match",
	"If-Unmodified-Since", "Range", "User-Agent", "X-Amz-Checksum-Mode", "X-Amz-Content-Sha256", "X-Amz-Copy-Source",
	"X-Amz-Copy-Source-Range", "X-Amz-Date", "X-Amz-Decoded-Content-Length", "X-Amz-Metadata-Directive",
	"X-Emc-Metadata-Search", "X-Emc-Namespace"}

// publicRequest leaves out what signs a request.
func publicRequest(req Request) requestJSON {
	shown := requestJSON{Method: req.Method, Operation: req.Operation, Bucket: req.Bucket, Key: req.Key,
		Query: map[string]string{}, Headers: map[string]string{},
		Start: req.Start, End: req.End, Status: req.Status, Sent: req.Sent}
	for name, values := range req.Query {
		if !signsRequest(name) {
			shown.Query[name] = strings.Join(values, ",")
		}
	}
	for _, name := range publicHeaders {
		if values := req.Header.Values(name); len(values) > 0 {
			shown.Headers[name] = strings.Join(values, ",")
		}
	}
	return shown
}

// signsRequest tells whether a query parameter belongs to a signature, of
// either version.
func signsRequest(name string) bool {
	lower := strings.ToLower(name)
	switch lower {
	case "awsaccesskeyid", "signature", "expires":
		return true
	}
	return strings.HasPrefix(lower, "x-amz-")
}

func controlHelp(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, strings.ReplaceAll(controlText(), "URL", "http://"+r.Host)) // a failed write: the client went away
}

// controlText is the help. URL stands for the address that was asked.
func controlText() string {
	return fmt.Sprintf(`Control of an ECS emulator: fault rules, counts and requests, in JSON.

  GET    /rules               the rules, and how many requests each matched and hit
  PUT    /rules               replace all rules by a list
  POST   /rules               add a rule; answers its id
  DELETE /rules               remove all rules
  DELETE /rules/ID            remove one
  GET    /requests?limit=100  the last requests, at most %d
  GET    /counts              requests by operation
  DELETE /counts              forget requests and counts
  GET    /maintenance         what the node says of itself
  PUT    /maintenance         {"on":true} or {"on":false}

A rule says which requests go wrong, and how:

  operations, method, bucket, key, key_prefix, key_glob, page    which requests; nothing given: all
  skip, times, probability, seed                                 which of those
  delay, clock_skew                                              "250ms", "-1h"
  barrier                                                        holds requests until so many are held at once
  status, code, message, retry_after, execute                    an error instead of the answer
  cut, cut_after                                                 "close", "reset" or "stall", after so many bytes
  drip, chunked, length_off, flip                                the body, and its length; flip has offsets, [0, 99]
  etag, xml, paging                                              what the answer says

Refuse the second page of a search twice, as an overloaded server does:

  curl -X POST URL/rules -d '{"operations":["Query"],"page":2,"times":2,"status":503,"code":"SlowDown"}'

Break off downloads below logs/ after 1000 bytes, one in ten:

  curl -X POST URL/rules -d '{"operations":["GetObject"],"key_prefix":"logs/","probability":0.1,"cut":"reset","cut_after":1000}'

Send bodies slowly, 10 bytes at a time:

  curl -X POST URL/rules -d '{"drip":{"bytes":10,"every":"100ms"}}'

See what was asked, and what the rules did; then be well again:

  curl 'URL/requests?limit=10'
  curl URL/rules
  curl -X DELETE URL/rules

Operations: %s
`, maxControlRequests, wrapped(operationNames))
}

// wrapped joins names in lines of some length.
func wrapped(names []string) string {
	var text strings.Builder
	column := len("Operations: ")
	for i, name := range names {
		if column+len(name) > 100 {
			text.WriteString("\n ")
			column = 1
		}
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(name)
		column += len(name) + 1
	}
	return text.String()
}
