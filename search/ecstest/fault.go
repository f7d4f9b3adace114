package ecstest

import (
	"slices"
	"time"
)

// Rule is a fault: which requests it meets, and what becomes of them. Set
// rules with [Server.SetRules] or [Server.AddRule], or over HTTP with
// [Server.Control]. In JSON the fields have the names of their tags, and
// durations are text: "250ms", "1m30s".
//
// A rule that matches a request hits it, unless Skip, Times or Probability say
// otherwise. All rules that hit a request act on it: their delays add up; of
// every other action the first rule that has it counts.
type Rule struct {
	// ID names the rule, in RemoveRule and Rules; empty: the server makes one.
	ID string `json:"id,omitempty"`

	// What the rule matches. All that is given must hold; nothing given matches
	// every request, whether or not its signature is good.

	// Operations are names as in Request.Operation; empty: any.
	Operations []string `json:"operations,omitempty"`
	// Method is an HTTP method, in upper case; empty: any.
	Method string `json:"method,omitempty"`
	// Bucket is a bucket's name; empty: any, and none.
	Bucket string `json:"bucket,omitempty"`
	// At most one of Key, KeyPrefix and KeyGlob is given. KeyGlob is a pattern
	// of path.Match, in which "*" does not match "/".
	Key       string `json:"key,omitempty"`
	KeyPrefix string `json:"key_prefix,omitempty"`
	KeyGlob   string `json:"key_glob,omitempty"`
	// Page is a page of a search: 1 is what is asked for without a marker, 2
	// with the marker of page 1, and so on; 0: any request. It matches Query
	// alone.
	Page int `json:"page,omitempty"`

	// Which of the matching requests are hit.

	// Skip lets that many of them through first.
	Skip int `json:"skip,omitempty"`
	// Times is how many are hit at most; 0: all.
	Times int `json:"times,omitempty"`
	// Probability is that of a hit, above 0 and up to 1; 0: 1. The draws come
	// from Seed, one for each matching request after Skip: runs repeat.
	Probability float64 `json:"probability,omitempty"`
	Seed        int64   `json:"seed,omitempty"`

	// What happens to a request that is hit.

	// Delay is waited before all else, after the server's Latency. The ends of
	// the client and of the server cut it short; the client's is not noticed
	// before the request's body is read.
	Delay time.Duration `json:"delay,omitempty"`
	// Barrier holds what is hit until that many requests are held at once, and
	// then lets them and all later ones pass: so a test proves that a client has
	// requests in flight together, without looking at a clock. The ends of the
	// client, the rule and the server let go as well. It comes after Delay.
	Barrier int `json:"barrier,omitempty"`
	// ClockSkew is added to the server's clock in the answer's Date and in the
	// check of the signature: beyond 15 minutes either way the request is 403
	// RequestTimeTooSkewed.
	ClockSkew time.Duration `json:"clock_skew,omitempty"`

	// Status answers without looking at the request: 400 to 599, or 200 with an
	// Error for its document, which ECS may do. Code and Message are those of
	// the document; empty: what is usual for the status. RetryAfter is the
	// header of that name, in seconds; 0: none.
	Status     int    `json:"status,omitempty"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`

	// Cut ends the connection: before any byte of the answer, or, with
	// CutAfter, after the header and that many bytes of the body. A body that
	// is not longer is not cut. What a reset overtakes on its way to the client
	// is lost.
	Cut      Cut    `json:"cut,omitempty"`
	CutAfter *int64 `json:"cut_after,omitempty"`
	// Execute carries the request out before Status or a Cut before any byte
	// and throws its answer away, as when only the answer is lost.
	Execute bool `json:"execute,omitempty"`

	// Drip sends the body in small pieces with pauses between them.
	Drip *Drip `json:"drip,omitempty"`
	// Chunked leaves Content-Length out: the body is sent in chunks.
	Chunked bool `json:"chunked,omitempty"`
	// LengthOff is added to the Content-Length that the answer states. Less
	// than the body: the body ends there, in a complete answer. More: the
	// connection is closed after the body.
	LengthOff int64 `json:"length_off,omitempty"`
	// Flip inverts the bits of the bytes at these offsets of the body; what is
	// beyond its end is no error.
	Flip []int64 `json:"flip,omitempty"`
	// ETag replaces every ETag in the answer, in its header and in the rows of
	// searches and listings. It is written here without quotes.
	ETag string `json:"etag,omitempty"`
	// XML spoils a document of the server, which an object's content is not.
	XML XMLFault `json:"xml,omitempty"`
	// Paging spoils the pages of Query, ListObjects and ListObjectsV2.
	Paging PagingFault `json:"paging,omitempty"`
}

// Cut is how a connection ends.
type Cut string

// The ends of a connection.
const (
	CutClose Cut = "close" // closed as usual (FIN); the kernel resets it when a part of the request is unread
	CutReset Cut = "reset" // reset (RST)
	CutStall Cut = "stall" // nothing more is sent until the client goes or the server is closed
)

// XMLFault is what is wrong with a document.
type XMLFault string

// The faults of documents. The rest of HTTP is in order.
const (
	XMLUnfinished XMLFault = "unfinished"  // it ends in the middle
	XMLBadChar    XMLFault = "bad-char"    // it has a character that XML does not allow, U+0001
	XMLBadNesting XMLFault = "bad-nesting" // the last two end tags are in the wrong order
)

// PagingFault is what is wrong with the pages of a search or a listing. Its
// markers are taken back even when the rule is gone.
type PagingFault string

// The faults of pages.
const (
	// PagingSameMarker gives the marker that was sent as the next one. A page
	// asked for without a marker is as it should be.
	PagingSameMarker PagingFault = "same-marker"
	// PagingSamePage answers with a marker that is always new and leads to the
	// same page again.
	PagingSamePage PagingFault = "same-page"
	// PagingEmptyPages does so too, and the pages have no rows.
	PagingEmptyPages PagingFault = "empty-pages"
)

// Drip is a slow body: Bytes at a time, with a pause of Every between them.
// Close sends the rest at once.
type Drip struct {
	Bytes int           `json:"bytes"`
	Every time.Duration `json:"every"`
}

// RuleStatus is a rule and what it has done. Hits counts the requests that it
// acted on, Matched those and what Skip, Times and Probability let through.
type RuleStatus struct {
	Rule    Rule `json:"rule"`
	Matched int  `json:"matched"`
	Hits    int  `json:"hits"`
}

// clone returns a rule that shares nothing with r.
func (r Rule) clone() Rule {
	r.Operations, r.Flip = slices.Clone(r.Operations), slices.Clone(r.Flip)
	if r.CutAfter != nil {
		r.CutAfter = new(*r.CutAfter)
	}
	if r.Drip != nil {
		r.Drip = new(*r.Drip)
	}
	return r
}

// add lets another rule that hits the same request act as well.
func (r *Rule) add(other Rule) {
	r.Delay += other.Delay
	if r.ClockSkew == 0 {
		r.ClockSkew = other.ClockSkew
	}
	if r.Status == 0 {
		r.Status, r.Code, r.Message, r.RetryAfter = other.Status, other.Code, other.Message, other.RetryAfter
	}
	if r.Cut == "" {
		r.Cut, r.CutAfter = other.Cut, other.CutAfter
	}
	r.Execute = r.Execute || other.Execute
	if r.Drip == nil {
		r.Drip = other.Drip
	}
	r.Chunked = r.Chunked || other.Chunked
	if r.LengthOff == 0 {
		r.LengthOff = other.LengthOff
	}
	if r.Flip == nil {
		r.Flip = other.Flip
	}
	if r.ETag == "" {
		r.ETag = other.ETag
	}
	if r.XML == "" {
		r.XML = other.XML
	}
	if r.Paging == "" {
		r.Paging = other.Paging
	}
}
