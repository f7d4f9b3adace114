package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The words of x-amz-content-sha256 for bodies in aws-chunked form that
// Verified.Body decodes.
const (
	StreamingPayload         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingPayloadTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// Body is a request's body, decoded and checked while it is read. Trust no byte
// of it before Read has returned io.EOF. It is for one goroutine.
type Body struct {
	io.Reader
	io.Closer
	chunks *chunkReader // nil unless aws-chunked
}

// Trailer is what followed the last chunk, without the trailer's signature;
// complete after Read has returned io.EOF, and nil if nothing followed.
func (b *Body) Trailer() http.Header {
	if b.chunks == nil {
		return nil
	}
	return b.chunks.trailer
}

// Body is r's body as v says it is to be read; r is the request that was
// verified.
//
//   - A SHA-256 is compared at the end: XAmzContentSHA256Mismatch.
//   - UNSIGNED-PAYLOAD, or no hash (PayloadAssumed), is the body as it is.
//   - The three STREAMING- words above are decoded. Signed chunks and trailers
//     are verified (SignatureDoesNotMatch), the trailer must have the names
//     that x-amz-trailer announces and no others (MalformedTrailerError), and
//     the length must be x-amz-decoded-content-length, if given
//     (IncompleteBody). Bad framing is InvalidRequest. A checksum in a trailer
//     is the caller's to compare.
//   - Other words are NotImplemented.
//
// Errors of Body and of reading are *Error, but for those of r.Body itself.
func (v Verified) Body(r *http.Request) (*Body, error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	b := &Body{Reader: body, Closer: body}
	switch {
	case v.PayloadAssumed, v.PayloadHash == UnsignedPayload:
		return b, nil
	case isHash(v.PayloadHash):
		b.Reader = CheckPayload(body, v.PayloadHash)
		return b, nil
	}
	c := newChunkReader(body)
	if v.chain == nil && (v.PayloadHash == StreamingPayload || v.PayloadHash == StreamingPayloadTrailer) {
		return nil, newError(CodeInvalidArgument, v.PayloadHash+" needs a request that was verified as version 4.")
	}
	switch v.PayloadHash {
	case StreamingPayload:
		c.chain = v.chain.clone()
	case StreamingPayloadTrailer:
		c.chain, c.trailers = v.chain.clone(), true
	case StreamingUnsignedTrailer:
		c.trailers = true
	default:
		return nil, newError(CodeNotImplemented, "Bodies sent as "+v.PayloadHash+" cannot be read.")
	}
	if text := r.Header.Get("X-Amz-Decoded-Content-Length"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, newError(CodeInvalidArgument, "x-amz-decoded-content-length must be a number of bytes.")
		}
		c.want = n
	}
	if c.trailers {
		for name := range strings.SplitSeq(strings.Join(r.Header.Values("X-Amz-Trailer"), ","), ",") {
			if name = strings.TrimSpace(name); name != "" {
				c.announced = append(c.announced, http.CanonicalHeaderKey(name))
			}
		}
	}
	b.Reader, b.chunks = c, c
	return b, nil
}

// CheckPayload reads body and, at its end, returns XAmzContentSHA256Mismatch in
// place of io.EOF if its SHA-256 is not payloadHash, in lower-case hexadecimal.
func CheckPayload(body io.Reader, payloadHash string) io.Reader {
	return &hashReader{body: body, want: payloadHash, hash: sha256.New()}
}

type hashReader struct {
	body io.Reader
	want string
	hash hash.Hash
	end  error // what Read returns once the body has ended
}

func (h *hashReader) Read(p []byte) (int, error) {
	if h.end != nil {
		return 0, h.end
	}
	n, err := h.body.Read(p)
	h.hash.Write(p[:n])
	if err == io.EOF {
		if h.end = io.EOF; hex.EncodeToString(h.hash.Sum(nil)) != h.want {
			h.end = newError(CodeContentSHA256Mismatch, "The body's SHA-256 is not the x-amz-content-sha256 that was signed.")
		}
		err = h.end
	}
	return n, err
}
