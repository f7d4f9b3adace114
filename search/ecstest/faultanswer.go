package ecstest

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// serveFaulty answers a request that rules hit; rule is their sum.
func (s *Server) serveFaulty(w http.ResponseWriter, c *call, op operation, err *apiError, rule Rule) {
	c.skew = rule.ClockSkew
	f := &faultWriter{ResponseWriter: w, s: s, c: c, asked: c.Query, rule: rule, unsent: -1}
	if rule.Execute {
		s.serve(&discardedAnswer{header: http.Header{}}, c, op, err, true)
	}
	switch {
	case rule.Cut != "" && rule.CutAfter == nil:
		f.cut()
	case rule.Status != 0:
		f.fail()
	default:
		s.serve(f, c, op, err, true)
	}
	f.finish()
}

// faultWriter spoils an answer on its way. Documents that are to be changed are
// held back until they are whole; all else goes through as it comes.
type faultWriter struct {
	http.ResponseWriter
	s     *Server
	c     *call
	asked url.Values // the parameters as they were sent
	rule  Rule

	status   int           // 0 until the header is known
	document *bytes.Buffer // a document that is held back, or nil
	sent     int64         // bytes of the body
	unsent   int64         // what the stated length has room for, when it is less than the body's; else -1
	dripped  int           // bytes since the last pause
}

// statusCodes are the usual codes of ECS's error envelope.
var statusCodes = map[int]string{
	400: "InvalidArgument", 403: "AccessDenied", 404: "NoSuchKey", 405: "MethodNotAllowed", 409: "OperationAborted",
	411: "MissingContentLength", 412: "PreconditionFailed", 416: "InvalidRange", 429: "SlowDown", 500: "InternalError",
	501: "NotImplemented", 503: "SlowDown",
}

// fail answers with the rule's status.
func (f *faultWriter) fail() {
	e := &apiError{status: f.rule.Status, code: f.rule.Code, message: f.rule.Message}
	if e.code == "" {
		e.code = statusCodes[e.status]
	}
	if e.code == "" {
		e.code = "InternalError"
	}
	if e.message == "" {
		e.message = "A fault rule of the server answers so."
	}
	if f.rule.RetryAfter > 0 {
		f.Header().Set("Retry-After", strconv.Itoa(f.rule.RetryAfter))
	}
	f.s.fail(f, f.c, f.s.identify(f, f.c), e)
}

// WriteHeader holds the header back together with a document.
func (f *faultWriter) WriteHeader(status int) {
	switch {
	case f.status != 0:
		return
	case status < 200:
		f.ResponseWriter.WriteHeader(status)
		return
	}
	f.status = status
	if f.rule.ETag != "" && f.Header().Get("ETag") != "" {
		f.Header().Set("ETag", quote(f.rule.ETag))
	}
	content := f.c.Operation == "GetObject" && status < 400
	if f.rule.spoilsDocuments() && !content && f.c.Method != http.MethodHead && f.Header().Get("Content-Type") == "application/xml" {
		f.document = new(bytes.Buffer)
		return
	}
	f.begin()
}

// begin sends the header.
func (f *faultWriter) begin() {
	h := f.Header()
	if length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && f.rule.LengthOff != 0 {
		stated := max(length+f.rule.LengthOff, 0)
		h.Set("Content-Length", strconv.FormatInt(stated, 10))
		if stated < length {
			f.unsent = stated
		}
	}
	if f.rule.Chunked {
		h.Del("Content-Length")
	}
	f.ResponseWriter.WriteHeader(f.status)
	if f.rule.Chunked {
		f.flush() // or a short body would get its length after all
	}
}

func (f *faultWriter) Write(p []byte) (int, error) {
	f.WriteHeader(http.StatusOK)
	if f.document != nil {
		return f.document.Write(p)
	}
	return f.send(p)
}

// finish sends what was held back.
func (f *faultWriter) finish() {
	if f.document == nil {
		return
	}
	document := f.spoil(f.document.Bytes())
	f.document = nil
	f.Header().Set("Content-Length", strconv.Itoa(len(document)))
	f.begin()
	_, _ = f.send(document) // a failed write is the client's doing: it went away
}

// send writes a part of the body, and says that it wrote what it leaves out.
func (f *faultWriter) send(p []byte) (int, error) {
	length := len(p)
	p = f.flip(p)
	if f.unsent >= 0 {
		p = p[:min(int64(len(p)), f.unsent)]
		f.unsent -= int64(len(p))
	}
	for len(p) > 0 {
		part := p
		if after := f.rule.CutAfter; after != nil {
			if f.sent == *after {
				f.cut()
			}
			part = part[:min(int64(len(part)), *after-f.sent)]
		}
		if d := f.rule.Drip; d != nil {
			if f.dripped == d.Bytes {
				f.flush()
				f.s.pause(f.c.r.Context(), d.Every)
				f.dripped = 0
			}
			part = part[:min(len(part), d.Bytes-f.dripped)]
			f.dripped += len(part)
		}
		if err := f.c.r.Context().Err(); err != nil {
			return length - len(p), err
		}
		n, err := f.ResponseWriter.Write(part)
		f.sent += int64(n)
		if err != nil {
			return length - len(p) + n, err
		}
		p = p[len(part):]
	}
	return length, nil
}

// flip returns p with the rule's bytes inverted. p itself is the object's.
func (f *faultWriter) flip(p []byte) []byte {
	changed := false
	for _, at := range f.rule.Flip {
		if i := at - f.sent; i >= 0 && i < int64(len(p)) {
			if !changed {
				p, changed = slices.Clone(p), true
			}
			p[i] ^= 0xFF
		}
	}
	return p
}

// cut ends the connection and, by a panic that the HTTP server knows, the
// request.
func (f *faultWriter) cut() {
	switch f.flush(); f.rule.Cut {
	case CutStall:
		// Only with its body read does the HTTP server see the client go.
		if f.c.r.Body != nil { // as net/http has it, but not every caller of ServeHTTP
			_, _ = io.Copy(io.Discard, f.c.r.Body)
		}
		select {
		case <-f.c.r.Context().Done():
		case <-f.s.closing():
		}
	case CutReset:
		reset(f.ResponseWriter)
	}
	panic(http.ErrAbortHandler)
}

// reset closes the connection with what is unsent discarded, which TCP tells by
// RST. Where there is no TCP it does nothing.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn() // closed without a farewell
	}
	if lingering, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = lingering.SetLinger(0) // the connection may be gone already
	}
	_ = conn.Close()
}

// FlushError serves http.ResponseController.
func (f *faultWriter) FlushError() error {
	if f.document != nil {
		return nil
	}
	f.WriteHeader(http.StatusOK)
	return http.NewResponseController(f.ResponseWriter).Flush()
}

// flush puts what was written on the wire, when anything was.
func (f *faultWriter) flush() {
	if f.status != 0 {
		_ = http.NewResponseController(f.ResponseWriter).Flush() // the next write meets what is wrong
	}
}

// Unwrap serves http.ResponseController.
func (f *faultWriter) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// discardedAnswer is an answer that nobody gets.
type discardedAnswer struct{ header http.Header }

func (d *discardedAnswer) Header() http.Header         { return d.header }
func (d *discardedAnswer) WriteHeader(int)             {}
func (d *discardedAnswer) Write(p []byte) (int, error) { return len(p), nil }
