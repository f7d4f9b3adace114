package ecs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// goodProgress is how much of a body must have come for its end not to count
// as one more failure in a row, in bytes.
const goodProgress = 64 << 10

// ReadRange reads bytes of one object (GET with Range and, for a pinned one,
// If-Match). See search.RangeReader.
//
// A body that breaks off is resumed from the byte it reached, pinned to the
// ETag of the first answer, and so is one that is less than was asked for. When
// the store gives no ETag, the read starts again from off instead: bytes of two
// versions are never put together.
func (s *Store) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	return s.ReadRangeProgress(ctx, ref, p, off, nil)
}

// ReadRangeProgress is ReadRange that tells how far it has come; landed may be nil. See search.ProgressReader.
func (s *Store) ReadRangeProgress(ctx context.Context, ref search.Ref, p []byte, off int64, landed func(n int)) (int, error) {
	t := target{opRead, ref.Bucket, ref.Key}
	if err := checkRef(t); err != nil {
		return 0, err
	}
	switch {
	case off < 0:
		return 0, &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindInvalid, Reason: "a negative offset"}
	case len(p) == 0:
		return 0, nil
	case ref.ETag != "" && off >= ref.Size:
		return 0, io.EOF
	}
	want := p
	if ref.ETag != "" {
		want = p[:min(int64(len(p)), ref.Size-off)]
	}
	c := s.client
	cl, err := c.begin(ctx, kindGet)
	if err != nil {
		return 0, c.failed(ctx, t, nil, err)
	}
	defer cl.end()
	r := &reading{client: c, call: cl, ref: ref, url: c.objectURL(ref), etag: ref.ETag, off: off, p: want, end: -1}
	if ref.ETag != "" {
		r.end, r.landed = ref.Size, landed
	}
	if err := r.run(ctx, t); err != nil && err != io.EOF {
		return r.n, err
	}
	if r.n < len(p) {
		return r.n, io.EOF
	}
	return r.n, nil
}

// reading is one ReadRange under way.
type reading struct {
	client *Client
	call   *call
	ref    search.Ref
	url    *url.URL
	off    int64 // of p[0] in the object
	p      []byte
	n      int         // bytes of p that are filled
	etag   string      // which every answer must have; empty: not known yet
	end    int64       // the object's size; -1: not known yet
	landed func(n int) // told of n as it grows; may be nil
}

// run fills p, or as much of it as the object has. It returns io.EOF or a
// *search.Error when p is not full.
func (r *reading) run(ctx context.Context, t target) error {
	for failures := 0; r.n < len(r.p); {
		before := r.n
		err := r.attempt()
		switch pinned := r.etag != ""; {
		case err == nil && (r.n == len(r.p) || pinned && r.n-before >= goodProgress):
			failures = 0
			continue
		case err == nil:
			err = &brokenBody{errShortAnswer}
		case err == io.EOF:
			return err
		}
		broken, isBroken := errors.AsType[*brokenBody](err)
		if !isBroken || ctx.Err() != nil || r.call.ctx.Err() != nil {
			return r.client.failed(ctx, t, r.call, r.translate(t, err))
		}
		if failures++; r.etag != "" && r.n-before >= goodProgress {
			failures = 1
		}
		if failures >= maxAttempts {
			return &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindIO, Err: broken.err,
				Reason: fmt.Sprintf("the answer broke off %d times, last at byte %d", failures, r.off+int64(r.n))}
		}
		if r.etag == "" {
			r.n = 0
		}
		if err := sleep(r.call.ctx, backoff(r.client.cfg.RetryDelay, failures)); err != nil {
			return r.client.failed(ctx, t, r.call, err)
		}
	}
	return nil
}

// attempt makes one request for what is missing and reads its body. It
// returns nil when the body was whole, although the store may have sent less
// than asked for; io.EOF when there is no more; a *brokenBody when another
// attempt may help.
func (r *reading) attempt() error {
	// A body that ends early is resumed, not asked for again from its start: send must not repeat it.
	var body error
	r.call.asked = int64(len(r.p) - r.n)
	err := r.client.send(r.call, plainRequest{method: http.MethodGet, url: r.url, header: r.header()}, func(resp *http.Response) error {
		length, err := r.check(resp)
		if err != nil {
			return err
		}
		dst := r.p[r.n:]
		if int64(len(dst)) > length {
			dst = dst[:length]
		}
		for len(dst) > 0 && body == nil {
			n, err := resp.Body.Read(dst)
			dst = dst[n:]
			if r.n += n; n > 0 && r.landed != nil {
				r.landed(r.n)
			}
			if err != nil && len(dst) > 0 {
				body = &brokenBody{noEOF(err)}
			}
		}
		return nil
	})
	switch {
	case statusOf(err) == http.StatusRequestedRangeNotSatisfiable && r.end < 0:
		return io.EOF
	case err != nil:
		return err
	case body != nil:
		return body
	case r.end >= 0 && r.off+int64(r.n) >= r.end && r.n < len(r.p):
		return io.EOF
	}
	return nil
}

// noEOF is err, or what an end before the end is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// identity is what Accept-Encoding says of a read: ranges and lengths are of the bytes as stored.
var identity = []string{"identity"}

// header returns the headers of a request for what is missing.
func (r *reading) header() http.Header {
	var room [48]byte // for two numbers of 19 digits
	b := strconv.AppendInt(append(room[:0], "bytes="...), r.off+int64(r.n), 10)
	b = strconv.AppendInt(append(b, '-'), r.off+int64(len(r.p))-1, 10)
	values := new([2]string)
	values[0] = string(b)
	h := make(http.Header, 8) // the four of a signature, too
	h["Range"] = values[0:1:1]
	h["Accept-Encoding"] = identity
	if r.etag != "" {
		values[1] = quoteETag(r.etag)
		h["If-Match"] = values[1:2:2]
	}
	return h
}

// check holds the answer against what was asked for and known, and returns
// how many bytes of the range its body has.
func (r *reading) check(resp *http.Response) (int64, error) {
	from, etag, span := r.off+int64(r.n), unquoteETag(resp.Header.Get("Etag")), resp.Header.Get("Content-Range")
	switch {
	case r.etag != "" && etag == "":
		return 0, badf("no ETag, although one was asked for")
	case r.etag != "" && etag != r.etag:
		return 0, errOtherETag
	}
	length := resp.ContentLength
	if length < 0 {
		return 0, badf("no Content-Length")
	}

	// Of an answer that ignores Range the body is the whole object.
	first, size := int64(0), length
	if span != "" {
		from, last, whole, ok := parseContentRange(span)
		if !ok {
			return 0, badf("Content-Range %q", printable(shorten(span)))
		}
		if last-from+1 != length {
			return 0, badf("Content-Range %q with %d bytes", printable(shorten(span)), length)
		}
		first, size = from, whole
	}
	switch {
	case span == "" && resp.StatusCode == http.StatusPartialContent:
		return 0, badf("status 206 without Content-Range")
	case r.end > 0 && length == 0:
		return 0, badf("no bytes, although the object has %d", r.end)
	case length == 0 && span == "" && from == 0:
		r.end = 0
		return 0, nil // an empty object, from a server that ignores Range on it
	case first != from || length == 0:
		return 0, badf("bytes from %d where those from %d were asked for", first, from)
	case size >= 0 && r.end >= 0 && size != r.end:
		if r.ref.ETag != "" {
			return 0, errOtherSize
		}
		return 0, badf("a size of %d, and of %d before", size, r.end)
	}
	if size >= 0 {
		r.end = size
	}
	if r.etag == "" {
		r.etag = etag
	}
	return length, nil
}

var (
	// errShortAnswer is of an answer that is whole but has little of what was
	// asked for, or some of it from a store whose answers cannot be put together.
	errShortAnswer = errors.New("less than was asked for")

	errOtherETag = errors.New("its ETag is another")
	errOtherSize = errors.New("its size is another")
)

// translate finds KindChanged, which depends on what was pinned.
func (r *reading) translate(t target, err error) error {
	status := statusOf(err)
	switch {
	case errors.Is(err, errOtherETag), errors.Is(err, errOtherSize), status == http.StatusPreconditionFailed:
		return changed(t, "it was overwritten", err)
	case r.ref.ETag != "" && status == http.StatusRequestedRangeNotSatisfiable:
		return changed(t, "it is shorter than it was", err)
	case r.etag != "" && status == http.StatusNotFound:
		return changed(t, "it was removed", err)
	}
	if api, ok := errors.AsType[*apiError](err); ok && api.code == "" && status == http.StatusNotFound {
		return notFound(t, err)
	}
	return err
}

// parseContentRange reads "bytes first-last/size"; size is -1 for "*".
func parseContentRange(s string) (first, last, size int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	span, total, _ := strings.Cut(rest, "/")
	from, to, _ := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size = -1
	var err3 error
	if total != "*" {
		size, err3 = strconv.ParseInt(total, 10, 64)
	}
	ok = strings.EqualFold(unit, "bytes") && err1 == nil && err2 == nil && err3 == nil &&
		first >= 0 && first <= last && (total == "*" || last < size)
	return first, last, size, ok
}

// quoteETag puts the quotes back that Object leaves off. A weak one has its own.
func quoteETag(etag string) string {
	if strings.HasPrefix(etag, `W/"`) {
		return etag
	}
	return `"` + etag + `"`
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
