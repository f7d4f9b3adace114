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
	data, readErr := readAll(body, c.r.ContentLength)
	if readErr != nil {
		return bodyError(readErr)
	}
	if err := checkMD5(c.Header.Get("Content-MD5"), data); err != nil {
		return err
	}
	o := newObject(c.Key, data, s.now())
	o.owner = c.verified.AccessKeyID
	o.describe(c.Header)
	err = s.store.put(c.Bucket, o, s.seed(), func(old *object) *apiError {
		return checkWriteConditions(c.Header, c.Key, old)
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", quote(o.etag))
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

// readAll reads r to its end. size is a hint, not to be trusted.
func readAll(r io.Reader, size int64) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, min(max(size, 0), 8<<20)+bytes.MinRead))
	_, err := buf.ReadFrom(r)
	return bytes.Clone(buf.Bytes()), err
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

func checkMD5(header string, data []byte) *apiError {
	if header == "" {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(want) != md5.Size {
		return badRequest("InvalidDigest", "The Content-MD5 you specified is not valid.")
	}
	if got := md5.Sum(data); !bytes.Equal(got[:], want) {
		return badRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	return nil
}

// getObject answers GET and HEAD of /bucket/key.
func (s *Server) getObject(w http.ResponseWriter, c *call) *apiError {
	if err := checkVersion(c.Query.Get("versionId")); err != nil {
		return err
	}
	o, err := s.store.get(c.Bucket, c.Key)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("ETag", quote(o.etag))
	h.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	if err := checkConditions(c.Header, "", o); err != nil {
		return err
	}
	size := int64(len(o.data))
	part, partial, err := parseRange(c.Range, size)
	if err != nil {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return err
	}
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.offset, part.offset+part.length-1, size))
	} else {
		part = byteRange{0, size}
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
	if c.Method != http.MethodHead {
		// A failed write is the client's doing: it went away.
		_, _ = w.Write(o.data[part.offset : part.offset+part.length])
	}
	return nil
}

// checkVersion accepts the version ids of a bucket without versions.
func checkVersion(id string) *apiError {
	if id == "" || id == "null" || id == unversionedID {
		return nil
	}
	return &apiError{http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.",
		[][2]string{{"VersionId", id}}}
}

// deleteObject answers DELETE /bucket/key.
func (s *Server) deleteObject(w http.ResponseWriter, c *call) *apiError {
	if err := checkVersion(c.Query.Get("versionId")); err != nil {
		return err
	}
	if err := s.store.remove(c.Bucket, c.Key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// copyObject answers PUT /bucket/key with x-amz-copy-source.
func (s *Server) copyObject(w http.ResponseWriter, c *call) *apiError {
	bucketName, key, err := parseCopySource(c.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return err
	}
	source, err := s.store.get(bucketName, key)
	if err != nil {
		return err
	}
	if err := checkConditions(c.Header, copySource, source); err != nil {
		return err
	}
	o := newObject(c.Key, source.data, s.now())
	o.owner = c.verified.AccessKeyID
	switch d := c.Header.Get("X-Amz-Metadata-Directive"); d {
	case "", "COPY":
		if bucketName == c.Bucket && key == c.Key {
			return badRequest("InvalidRequest", "This copy request is illegal because it is trying to copy an object to "+
				"itself without changing the object's metadata.")
		}
		o.headers, o.meta = source.headers, source.meta
	case "REPLACE":
		o.describe(c.Header)
	default:
		return invalidArgument("x-amz-metadata-directive is COPY or REPLACE, not %q", d)
	}
	err = s.store.put(c.Bucket, o, s.seed(), func(old *object) *apiError {
		return checkWriteConditions(c.Header, c.Key, old)
	})
	if err != nil {
		return err
	}
	x := newS3XML("CopyObjectResult")
	x.time("LastModified", o.modified)
	x.elem("ETag", quote(o.etag))
	writeXML(w, http.StatusOK, x)
	return nil
}

// parseCopySource reads [/]bucket/key[?versionId=ID], percent-encoded.
func parseCopySource(header string) (bucketName, key string, err *apiError) {
	path, version, _ := strings.Cut(strings.TrimPrefix(header, "/"), "?versionId=")
	decoded, unescapeErr := url.PathUnescape(path)
	bucketName, key, ok := strings.Cut(decoded, "/")
	if unescapeErr != nil || !ok || bucketName == "" || key == "" {
		return "", "", invalidArgument("x-amz-copy-source is not BUCKET/KEY: %q", header)
	}
	return bucketName, key, checkVersion(version)
}
