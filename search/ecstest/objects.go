package ecstest

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

const defaultContentType = "application/octet-stream"

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
	if c.r.ContentLength < 0 && c.Header.Get("X-Amz-Decoded-Content-Length") == "" {
		return &apiError{status: http.StatusLengthRequired, code: "MissingContentLength",
			message: "You must provide the Content-Length HTTP header."}
	}
	body, err := c.body(w, s.maxObjectSize())
	if err != nil {
		return err
	}
	st := s.data()
	staged, err := stage(st.storage, body, c.r.ContentLength)
	if err != nil {
		return err
	}
	if err := checkMD5(c.Header.Get("Content-MD5"), staged.md5); err != nil {
		st.storage.discard(staged.content)
		return err
	}
	o := newObject(c.Key, c.verified.AccessKeyID, s.now())
	o.content, o.md5 = staged.content, staged.md5
	o.describe(c.Header)
	versions, err := st.put(c.Bucket, o, func(_ *bucket, old *object) *apiError {
		return checkWriteConditions(c.Header, c.Key, old)
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", quote(o.etag()))
	if versions {
		w.Header().Set("x-amz-version-id", o.versionID())
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// body returns the request's body, decoded, checked against its signature and
// at most limit bytes long.
func (c *call) body(w http.ResponseWriter, limit int64) (io.Reader, *apiError) {
	// The framing of signed chunks is less than the body again for chunks of
	// any reasonable size.
	c.r.Body = http.MaxBytesReader(w, c.r.Body, 2*limit+maxConfigBody)
	body, err := c.verified.Body(c.r)
	if err != nil {
		return nil, bodyError(err)
	}
	return http.MaxBytesReader(w, body, limit), nil
}

// staged is a body that is stored and not yet an object's.
type staged struct {
	content content
	md5     [md5.Size]byte
}

// stage stores a request's body.
func stage(storage storage, body io.Reader, size int64) (staged, *apiError) {
	sum := md5.New()
	in := &failNoting{r: io.TeeReader(body, sum)}
	content, err := storage.stage(struct{ io.Reader }{in}, size)
	switch {
	case in.err != nil:
		return staged{}, bodyError(in.err)
	case err != nil:
		return staged{}, errStorage(err)
	}
	return staged{content, [md5.Size]byte(sum.Sum(nil))}, nil
}

// bodyError says what went wrong with reading a body.
func bodyError(err error) *apiError {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return badRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size of %d bytes.", tooLarge.Limit)
	}
	if signed := (*sigv4.Error)(nil); errors.As(err, &signed) {
		return fromSigv4(signed)
	}
	return badRequest("IncompleteBody", "The request's body could not be read.")
}

func checkMD5(header string, got [md5.Size]byte) *apiError {
	if header == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(want) != md5.Size {
		return badRequest("InvalidDigest", "The Content-MD5 you specified is not valid.")
	}
	if !bytes.Equal(got[:], want) {
		return badRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// getObject answers GET and HEAD of /bucket/key.
func (s *Server) getObject(w http.ResponseWriter, c *call) *apiError {
	var o *object
	var part byteRange
	var body contentReader
	status := http.StatusOK
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
		var partial bool
		if part, partial, err = parseRange(c.Range, o.size()); err != nil {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", o.size()))
			return err
		}
		if partial {
			status = http.StatusPartialContent
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.offset, part.offset+part.length-1, o.size()))
		} else {
			part = byteRange{0, o.size()}
		}
		if c.Method == http.MethodHead {
			return nil
		}
		var openErr error
		if body, openErr = o.content.open(); openErr != nil {
			return errStorage(openErr)
		}
		return nil
	})
	if err != nil {
		return err
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
	defer func() { _ = body.Close() }()
	in := &failNoting{r: body.section(part.offset, part.length)}
	_, _ = io.Copy(w, in) // a failed write is the client's doing: it went away
	if in.err != nil {
		s.logf("ecstest: GetObject %s/%s: %v", c.Bucket, c.Key, in.err)
		panic(http.ErrAbortHandler) // the only way to tell the client
	}
	return nil
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

// copyObject answers PUT /bucket/key with x-amz-copy-source.
func (s *Server) copyObject(w http.ResponseWriter, c *call) *apiError {
	from, err := parseCopySource(c.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return err
	}
	o := newObject(c.Key, c.verified.AccessKeyID, s.now())
	replace := false
	switch d := c.Header.Get("X-Amz-Metadata-Directive"); d {
	case "", "COPY":
		if from.bucket == c.Bucket && from.key == c.Key && from.versionID == "" {
			return badRequest("InvalidRequest", "This copy request is illegal because it is trying to copy an object to "+
				"itself without changing the object's metadata.")
		}
	case "REPLACE":
		replace = true
		o.describe(c.Header)
	default:
		return invalidArgument("x-amz-metadata-directive is COPY or REPLACE, not %q", d)
	}
	st := s.data()
	var sourceVersion string
	versions, err := st.put(c.Bucket, o, func(_ *bucket, old *object) *apiError {
		// The source, too, is that of the moment of the change: what it is copied
		// from cannot go before it is named by the copy.
		source, version, err := st.copySource(from, c.Header)
		if err != nil {
			return err
		}
		sourceVersion = version
		o.content, o.md5 = source.content, source.md5
		if !replace {
			o.headers, o.meta = source.headers, source.meta
		}
		return checkWriteConditions(c.Header, c.Key, old)
	})
	if err != nil {
		return err
	}
	if sourceVersion != "" {
		w.Header().Set("x-amz-copy-source-version-id", sourceVersion)
	}
	if versions {
		w.Header().Set("x-amz-version-id", o.versionID())
	}
	x := newS3XML("CopyObjectResult")
	x.time("LastModified", o.time())
	x.elem("ETag", quote(o.etag()))
	writeXML(w, http.StatusOK, x)
	return nil
}

// source is what x-amz-copy-source names.
type source struct{ bucket, key, versionID string }

// parseCopySource reads [/]bucket/key[?versionId=ID], percent-encoded.
func parseCopySource(header string) (source, *apiError) {
	path, version, _ := strings.Cut(strings.TrimPrefix(header, "/"), "?versionId=")
	decoded, unescapeErr := url.PathUnescape(path)
	bucketName, key, ok := strings.Cut(decoded, "/")
	if unescapeErr != nil || !ok || bucketName == "" || key == "" {
		return source{}, invalidArgument("x-amz-copy-source is not BUCKET/KEY: %q", header)
	}
	return source{bucketName, key, version}, nil
}

// copySource finds the source of a copy, on which the conditions in h must
// hold. version is empty in a bucket that never had versioning. The caller
// holds st.writing or st.mu.
func (st *store) copySource(from source, h http.Header) (o *object, version string, err *apiError) {
	b := st.buckets[from.bucket]
	if b == nil {
		return nil, "", errNoSuchBucket(from.bucket)
	}
	o, err = b.find(from.key, from.versionID)
	if o != nil && o.marker && from.versionID != "" {
		return nil, "", badRequest("InvalidRequest",
			"The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err != nil {
		return nil, "", err
	}
	if b.versioning != neverVersioned {
		version = o.versionID()
	}
	return o, version, checkConditions(h, copySource, o)
}
