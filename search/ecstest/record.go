package ecstest

import (
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const defaultRecordLimit = 100_000

// Request is one request as the server took it down. Header and Query are the
// request's own and must not be changed.
type Request struct {
	Method    string
	Operation string // "Query", "GetObject" ...: the names are in the package's doc
	Bucket    string // empty for operations of the service
	Key       string // empty for operations of a bucket
	Query     url.Values
	Header    http.Header
	Range     string // the Range header

	Start  time.Time // by the server's clock
	End    time.Time // zero while it is being answered
	Status int       // 0 until the answer has begun
	Sent   int64     // bytes of the answer's body, so far
}

// recorder keeps the last requests and counts all of them.
type recorder struct {
	mu     sync.Mutex // guards all below, and the entries
	ring   []*Request // the last ones; once full, next is the oldest
	next   int
	counts map[string]int
	// inFlight is how many requests of an operation are being answered, peaks
	// the most there were.
	inFlight, peaks map[string]int
}

// begin takes down a request when it comes in, so that a client that has its
// answer finds it counted.
func (rec *recorder) begin(req Request, limit int) *Request {
	entry := &req
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.counts == nil {
		rec.counts = map[string]int{}
	}
	if rec.peaks == nil {
		rec.inFlight, rec.peaks = map[string]int{}, map[string]int{}
	}
	rec.counts[req.Operation]++
	rec.inFlight[req.Operation]++
	rec.peaks[req.Operation] = max(rec.peaks[req.Operation], rec.inFlight[req.Operation])
	switch {
	case limit < 0:
	case len(rec.ring) < limit:
		rec.ring = append(rec.ring, entry)
	default:
		rec.ring[rec.next] = entry
		rec.next = (rec.next + 1) % limit
	}
	return entry
}

// Requests returns the last requests in the order in which they came in,
// at most RecordLimit.
func (s *Server) Requests() []Request {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	all := make([]Request, 0, len(s.record.ring))
	for i := range s.record.ring {
		all = append(all, *s.record.ring[(s.record.next+i)%len(s.record.ring)])
	}
	return all
}

// ResetRequests forgets the requests so far, their counts, and how many were in
// flight at once but for those that are.
func (s *Server) ResetRequests() {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.ring, s.record.next, s.record.counts = nil, 0, nil
	s.record.peaks = maps.Clone(s.record.inFlight)
}

// Count returns how many requests of an operation came in since the start or
// the last ResetRequests, however many of them Requests still has.
func (s *Server) Count(operation string) int {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return s.record.counts[operation]
}

// Counts returns Count of every operation that was called.
func (s *Server) Counts() map[string]int {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return maps.Clone(s.record.counts)
}

// Peak returns the most requests of an operation that were in flight at once
// since the start or the last ResetRequests: from when a request's header was
// read to the end of its answer, the waits of Latency and rules included.
func (s *Server) Peak(operation string) int {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return s.record.peaks[operation]
}

// response notes what is answered.
type response struct {
	http.ResponseWriter
	record *recorder
	entry  *Request
}

func (w *response) WriteHeader(status int) {
	w.note(status, 0)
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	w.note(http.StatusOK, 0)
	n, err := w.ResponseWriter.Write(p)
	w.note(0, n)
	return n, err
}

// note sets the status, unless it is set, and adds to what was sent.
func (w *response) note(status, sent int) {
	w.record.mu.Lock()
	defer w.record.mu.Unlock()
	if w.entry.Status == 0 {
		w.entry.Status = status
	}
	w.entry.Sent += int64(sent)
}

func (w *response) end(now time.Time) {
	w.record.mu.Lock()
	defer w.record.mu.Unlock()
	w.entry.End = now
	w.record.inFlight[w.entry.Operation]--
}

// Unwrap serves http.ResponseController, through which an Intercept can flush
// or hijack.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
