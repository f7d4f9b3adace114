package ecstest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const defaultContentType = "application/octet-stream"

// defaultHeaders are those of an object that was sent with none. They are
// constant, and the same for all such objects.
var defaultHeaders = fields{{"Content-Type", defaultContentType}}

// contentHeaders are kept with an object and sent with its bytes.
var contentHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

// describe takes content headers and user metadata from a request. Values are
// kept as they were sent, UTF-8 or percent-encoded text alike.
func (o *object) describe(h http.Header) {
	o.headers.set("Content-Type", defaultContentType)
	for _, name := range contentHeaders {
		text := strings.Join(h.Values(name), ",")
		if name == "Content-Encoding" {
			text = withoutAWSChunked(text)
		}
		if text != "" {
			o.headers.set(name, text)
		}
	}
	for name, values := range h {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, metaPrefix) {
			o.meta.set(lower, strings.Join(values, ","))
		}
	}
}

// withoutAWSChunked removes the coding that belongs to the signature, not to
// the object.
func withoutAWSChunked(codings string) string {
	var kept []string
	for c := range strings.SplitSeq(codings, ",") {
		if c = strings.TrimSpace(c); c != "" && c != "aws-chunked" {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, ",")
}

// putObject answers PUT /bucket/key.
func (s *Server) putObject(w http.ResponseWriter, c *call) *apiError {
	received, err := s.receive(w, c, "")
	if err != nil {
		return err
	}
	o := newObject(c.Key, c.verified.AccessKeyID, s.now())
	received.giveTo(o)
	o.describe(c.Header)
	versions, err := s.data().put(c.Bucket, o, func(_ *bucket, old *object) *apiError {
		return checkWriteConditions(c.Header, c.Key, old)
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", quote(o.etag()))
	o.checksum().tell(w.Header())
	if versions {
		w.Header().Set("x-amz-version-id", o.versionID())
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// getObject answers GET and HEAD of /bucket/key.
func (s *Server) getObject(w http.ResponseWriter, c *call) *apiError {
	var o *object
	var part byteRange
	var body contentReader
	var status int
	h := w.Header()
	err := s.data().view(c.Bucket, func(b *bucket) (err *apiError) {
		o, err = b.find(c.Key, c.Query.Get("versionId"))
		tellVersion(h, b, o)
		if err != nil {
			return err
		}
		h.Set("ETag", quote(o.etag()))
		h.Set("Last-Modified", o.time().Format(http.TimeFormat))
		if err := checkConditions(c.Header, "", o); err != nil {
			return err
		}
		if part, status, err = choosePart(h, c, o); err != nil {
			return err
		}
		if status == http.StatusOK && strings.EqualFold(c.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
			o.checksum().tell(h)
		}
		if c.Method != http.MethodHead {
			body = o.content.open()
		}
		return nil
	})
	if err != nil {
		return err
	}
	var in *failNoting
	var bytes io.WriterTo
	if body != nil {
		defer func() { _ = body.Close() }()
		in = &failNoting{r: body.section(part.offset, part.length)}
		if bytes = in.sure(); bytes == nil {
			buffered := bufio.NewReaderSize(in, 16)
			if _, _ = buffered.Peek(1); in.err != nil { // while there is another answer to give
				return errStorage(in.err)
			}
			bytes = buffered
		}
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(part.length, 10))
	for name, text := range o.headers.all() {
		h.Set(name, text)
	}
	for name, text := range o.meta.all() {
		h[name] = []string{text} // in lower case, which boto3 hands on to its callers
	}
	for _, name := range contentHeaders {
		if text := c.Query.Get("response-" + strings.ToLower(name)); text != "" {
			h.Set(name, text)
		}
	}
	w.WriteHeader(status)
	if body == nil {
		return nil
	}
	_, _ = bytes.WriteTo(w) // a failed write is the client's doing: it went away
	if in.err != nil {
		s.logf("ecstest: GetObject %s/%s: %v", c.Bucket, c.Key, in.err)
		panic(http.ErrAbortHandler) // the only way to tell the client
	}
	return nil
}

// choosePart returns what of an object a request is for, by its Range or its
// partNumber, and the status of the answer, and sets the headers that say so.
func choosePart(h http.Header, c *call, o *object) (r byteRange, status int, err *apiError) {
	size := o.size()
	partial := false
	if text := c.Query.Get("partNumber"); text != "" {
		if c.Range != "" {
			return r, 0, badRequest("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
		}
		number, err := parsePartNumber(text)
		if err != nil {
			return r, 0, err
		}
		sizes := o.parts()
		if sizes != nil {
			h.Set("x-amz-mp-parts-count", strconv.Itoa(len(sizes)))
		} else {
			sizes = []int64{size}
		}
		if number > len(sizes) {
			return r, 0, &apiError{http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber",
				"The requested partnumber is not satisfiable",
				[][2]string{{"ActualPartCount", strconv.Itoa(len(sizes))}, {"PartNumberRequested", text}}}
		}
		for _, before := range sizes[:number-1] {
			r.offset += before
		}
		r.length = sizes[number-1]
		partial = r.length > 0
	} else if r, partial, err = parseRange(c.Range, size); err != nil {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return r, 0, err
	}
	if !partial {
		return byteRange{0, size}, http.StatusOK, nil
	}
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", r.offset, r.offset+r.length-1, size))
	return r, http.StatusPartialContent, nil
}

// tellVersion sets the headers of a version, which may be nil, unless the
// bucket never had versioning.
func tellVersion(h http.Header, b *bucket, o *object) {
	if o == nil || b.versioning == neverVersioned {
		return
	}
	h.Set("x-amz-version-id", o.versionID())
	if o.marker {
		h.Set("x-amz-delete-marker", "true")
		h.Set("Last-Modified", o.time().Format(http.TimeFormat))
	}
}

// deleteObject answers DELETE /bucket/key.
func (s *Server) deleteObject(w http.ResponseWriter, c *call) *apiError {
	done, err := s.data().remove(c.Bucket, deletion{c.Key, c.Query.Get("versionId")}, c.verified.AccessKeyID, s.now())
	if err != nil {
		return err
	}
	if done.versionID != "" {
		w.Header().Set("x-amz-version-id", done.versionID)
	}
	if done.marker {
		w.Header().Set("x-amz-delete-marker", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
