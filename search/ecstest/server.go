package ecstest

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// The key pair of a server that was given none. It is public on purpose: the
// server listens on the loopback interface and holds data for tests and demos.
const (
	DefaultAccessKeyID     = "ecsfs-demo-key"
	DefaultSecretAccessKey = "ecsfs-demo-secret"
)

// Server is an ECS. Make one with NewUnstartedServer, set its fields, then call
// Start, or use it as an http.Handler. All methods are safe for concurrent use.
type Server struct {
	// URL is the endpoint, http://127.0.0.1:PORT, set by Start.
	URL string
	// Certificate is the server's own, in PEM, set by StartTLS.
	Certificate []byte
	// ControlURL is where Control is served, http://127.0.0.1:PORT, set by Start
	// when there is a ControlListener.
	ControlURL string

	// The fields below are knobs. The zero value of each is its default. They
	// must not change once the server is used, be it by loading data.

	// Listener is where Start listens; nil: a loopback port of its own.
	Listener net.Listener
	// ControlListener is where Start serves Control; nil: nowhere. Close closes
	// it.
	ControlListener net.Listener
	// AccessKeyID and SecretAccessKey are the pair that owns what is loaded
	// through Go; empty: DefaultAccessKeyID and DefaultSecretAccessKey.
	AccessKeyID, SecretAccessKey string
	// Credentials are further pairs: access key ID to secret.
	Credentials map[string]string
	// PageSize caps max-keys of queries and listings; 0: 1000.
	PageSize int
	// Seed shuffles what ECS leaves undefined: ties, the order of queries with
	// "or", prefix or delimiter, lists of keys, and the blocks of a row's
	// metadata and their entries; 0: 1.
	Seed int64
	// Now is the clock of objects and signatures; nil: time.Now.
	Now func() time.Time
	// Latency is waited before each answer.
	Latency time.Duration
	// Bandwidth bounds the bytes per second of bodies, all connections together,
	// requests and answers each by themselves; 0: no bound.
	Bandwidth int64
	// Generation is the ECS that the server is; empty: ECS38.
	Generation Generation
	// IndexDelay is how long, by the server's clock, what is written, written
	// over or deleted stays hidden from searches; all else sees it at once.
	IndexDelay time.Duration
	// EndMarker is what the last page of a query has for NextMarker; zero: as
	// the Generation.
	EndMarker EndMarker
	// MarkFullPage gives a last page that is exactly full a marker all the
	// same; the page after it is empty.
	MarkFullPage bool
	// KeyCase is how query results spell indexed user keys; zero: as the
	// Generation.
	KeyCase KeyCase
	// ZeroMaxKeys has MaxKeys 0 in the answer to a query without max-keys, as a
	// sample in Dell's guide; otherwise it is the size of page.
	ZeroMaxKeys bool
	// OlderVersionsParam is the one spelling of include-older-versions that has
	// an effect; empty: all of them.
	OlderVersionsParam string
	// KeepSearchKeys has DELETE /bucket?searchmetadata answer 204 and do
	// nothing, as a client's authors saw a server of 2023 do.
	KeepSearchKeys bool
	// ListWithoutSearch has GET /bucket?searchmetadata of a bucket without
	// metadata search answer MetadataSearchEnabled false instead of an error.
	ListWithoutSearch bool
	// OmitNoMatches leaves ObjectMatches out of an answer that has no objects;
	// otherwise it is empty. ECS has both forms.
	OmitNoMatches bool
	// CapitalDatatypes lists datatypes as String, Integer, Decimal, Datetime.
	CapitalDatatypes bool
	// ErrorNamespace puts errors in S3's XML namespace; ECS has both forms.
	ErrorNamespace bool
	// NoSearchAttributes takes the parameter attributes and ignores it: query
	// results have the indexed keys alone.
	NoSearchAttributes bool
	// VirtualHost is a base domain: a request to BUCKET.VirtualHost or to
	// BUCKET.Namespace.VirtualHost names its bucket so. Path style always works.
	VirtualHost string
	// Namespace is the system attribute of that name; empty: "ecstest".
	Namespace string
	// SignQuery says whether a signature of version 2 covers the parameters
	// query and searchmetadata; by default as the Generation.
	SignQuery Switch
	// SignAttributes has a signature of version 2 of a search cover the
	// parameter attributes too: a fault of builds that had just learned
	// GetObjectAttributes.
	SignAttributes bool
	// DataNodes are the addresses, without ports, that GET /?endpoint tells;
	// empty: the server's own.
	DataNodes []string
	// Data is a directory that keeps everything: buckets, versions and uploads
	// under way outlive the server, and what was answered with success outlives
	// a crash of the machine. It is made where it is not there, and belongs to one
	// server at a time. Empty: all is in memory.
	Data string
	// MaxObjectSize bounds an object, in bytes; 0: 1 GiB.
	MaxObjectSize int64
	// MinPartSize is the least size of a part of a multipart upload but the last,
	// in bytes; 0: S3's 5 MiB.
	MinPartSize int64
	// RecordLimit is how many requests are kept for Requests; 0: 100,000;
	// negative: none. Counts are exact in any case.
	RecordLimit int
	// Intercept, when not nil, sees every request whose signature is good and
	// may answer it: then it returns true. Answer gives it the true answer to
	// spoil. It runs on the request's goroutine. Once the server runs it is
	// changed by SetIntercept.
	Intercept func(w http.ResponseWriter, r *http.Request, req Request) (handled bool)
	// Logf, when not nil, gets one line for each request answered with an error,
	// and one for each that rules hit.
	Logf func(format string, args ...any)

	storeOnce sync.Once
	store     *store // set by Open, as storeErr is
	storeErr  error
	record    recorder

	once     sync.Once
	verifier *sigv4.Verifier

	interceptMu sync.RWMutex // guards Intercept

	faults          faultSet
	againMarkers    atomic.Int64 // made by againMarker
	inward, outward throttle

	requestCount atomic.Int64
	underWay     atomic.Int64 // requests
	maintenance  atomic.Bool
	lifecycle
}

// NewUnstartedServer returns a server with nothing in it, for its knobs to be
// set before Start.
func NewUnstartedServer() *Server { return &Server{} }

// SetIntercept replaces Intercept while the server runs; nil removes it.
// Requests that are under way keep the one they began with.
func (s *Server) SetIntercept(f func(w http.ResponseWriter, r *http.Request, req Request) (handled bool)) {
	s.interceptMu.Lock()
	defer s.interceptMu.Unlock()
	s.Intercept = f
}

// ServeHTTP answers one request, with everything that the knobs ask for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.underWay.Add(1)
	defer s.underWay.Add(-1)
	sayContinue(w, r)
	c, op, err := s.read(r)
	limit := s.RecordLimit
	if limit == 0 {
		limit = defaultRecordLimit
	}
	noted := &response{ResponseWriter: w, record: &s.record, entry: s.record.begin(c.Request, limit)}
	defer func() { noted.end(s.now()) }()
	faults := s.faults.hit(&c.Request)
	s.pause(r.Context(), s.Latency+faults.Delay)
	for _, b := range faults.barriers {
		b.pass(r.Context(), s.closing())
	}
	out := s.throttled(noted, r)
	if faults.ids == nil {
		s.serve(out, c, op, err, true)
		return
	}
	s.logf("ecstest: %s %s %s/%s: fault rules %s", c.Operation, c.Method, c.Bucket, c.Key, strings.Join(faults.ids, ", "))
	s.serveFaulty(out, c, op, err, faults.Rule)
}

// sayContinue answers an expectation of 100-continue of a request without a
// body, for which net/http has no answer: botocore expects one for every PUT,
// and takes the connection for broken after a final answer in its place.
func sayContinue(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && r.ProtoAtLeast(1, 1) && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.WriteHeader(http.StatusContinue)
	}
}

// Answer answers a request as it would be without Latency, Bandwidth, rules and
// Intercept, and does not record it.
func (s *Server) Answer(w http.ResponseWriter, r *http.Request) {
	c, op, err := s.read(r)
	s.serve(w, c, op, err, false)
}

// read takes a request apart.
func (s *Server) read(r *http.Request) (*call, operation, *apiError) {
	c := &call{r: r, Request: Request{Method: r.Method, Header: r.Header, Range: r.Header.Get("Range"),
		Operation: "Unknown", Start: s.now()}}
	var err *apiError
	if c.Bucket, c.Key, err = s.resource(r); err != nil {
		return c, operation{}, err
	}
	if c.Query, err = parseQuery(r.URL.RawQuery); err != nil {
		return c, operation{}, err
	}
	c.takeHeaders()
	op, err := route(c)
	c.Operation = op.name
	return c, op, err
}

// serve answers a request that was read with the outcome err.
func (s *Server) serve(w http.ResponseWriter, c *call, op operation, err *apiError, intercepted bool) {
	id := s.identify(w, c)
	if op.name != pingName { // which needs no signature
		verified, authErr := s.authenticate(c)
		if authErr != nil {
			s.fail(w, c, id, authErr)
			return
		}
		c.verified = verified
	}
	if intercepted {
		s.interceptMu.RLock()
		intercept := s.Intercept
		s.interceptMu.RUnlock()
		if intercept != nil && intercept(w, c.r, c.Request) {
			return
		}
	}
	c.Query = withoutAgain(c.Operation, c.Query)
	if err == nil {
		err = checkParams(op, c.Query)
	}
	if err == nil {
		err = op.answer(s, w, c)
	}
	if err != nil {
		s.fail(w, c, id, err)
	}
}

// requestID looks like ECS's: node, milliseconds, number, 0.
func (s *Server) requestID() string {
	return fmt.Sprintf("7f000001:%x:%x:0", s.now().UnixMilli(), s.requestCount.Add(1))
}

// identify sets what every answer has, and returns its request id.
func (s *Server) identify(w http.ResponseWriter, c *call) (id string) {
	id = s.requestID()
	w.Header().Set("x-amz-request-id", id)
	w.Header().Set("Server", "ViPR/1.0")
	w.Header().Set("Date", s.nowFor(c).UTC().Format(http.TimeFormat)) // not the machine's: the clock may be off
	return id
}

// fail answers with ECS's error envelope, which is in no namespace.
func (s *Server) fail(w http.ResponseWriter, c *call, id string, err *apiError) {
	s.logf("ecstest: %s %s %s/%s: %d %s: %s", c.Operation, c.Method, c.Bucket, c.Key, err.status, err.code, err.message)
	if err.status == http.StatusNotModified || c.Method == http.MethodHead {
		w.WriteHeader(err.status)
		return
	}
	x := newXML("Error", "")
	if s.ErrorNamespace {
		x = newS3XML("Error")
	}
	x.strict = true
	x.elem("Code", err.code)
	x.elem("Message", err.message)
	x.elem("Resource", c.r.URL.EscapedPath())
	for _, e := range err.extra {
		x.elem(e[0], e[1])
	}
	x.elem("RequestId", id)
	writeXML(w, err.status, x)
}

// writeXML answers with x, which it frees.
func writeXML(w http.ResponseWriter, status int, x *xmlWriter) {
	defer x.free()
	body := x.bytes()
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a failed write is the client's doing: it went away
}
