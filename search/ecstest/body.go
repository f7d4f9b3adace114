package ecstest

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// payload is a request's body, decoded, checked against its signature while it
// is read, and of a bounded length.
type payload struct {
	io.Reader
	decoded *sigv4.Body
}

// Trailer is what came after the body, once it is read.
func (p payload) Trailer() http.Header { return p.decoded.Trailer() }

// body returns the request's body, at most limit bytes.
func (c *call) body(w http.ResponseWriter, limit int64) (payload, *apiError) {
	// The framing of signed chunks is less than the body again for chunks of
	// any reasonable size.
	c.r.Body = http.MaxBytesReader(w, c.r.Body, 2*limit+maxConfigBody)
	body, err := c.verified.Body(c.r)
	if err != nil {
		return payload{}, bodyError(err)
	}
	return payload{http.MaxBytesReader(w, body, limit), body}, nil
}

// configuration reads the XML document in a request's body, at most limit bytes,
// into v, whose XMLName has the name of its root, in any namespace, and checks
// what the request says of the body.
func (c *call) configuration(w http.ResponseWriter, limit int64, v any) *apiError {
	want, err := announcedChecksum(c.Header, "")
	if err != nil {
		return err
	}
	body, err := c.body(w, limit)
	if err != nil {
		return err
	}
	data, readErr := io.ReadAll(body)
	if readErr != nil {
		return bodyError(readErr)
	}
	if err := checkMD5(c.Header.Get("Content-MD5"), md5.Sum(data)); err != nil {
		return err
	}
	if want.hash != nil {
		want.hash.Write(data)
	}
	if _, err := want.verify(body.Trailer()); err != nil {
		return err
	}
	return parseXML(data, v)
}

// parseXML is for documents that clients send.
func parseXML(data []byte, v any) *apiError {
	if xml.Unmarshal(data, v) != nil {
		return errMalformedXML
	}
	return nil
}

var errMalformedXML = &apiError{status: http.StatusBadRequest, code: "MalformedXML",
	message: "The XML you provided was not well-formed or did not validate against our published schema"}

// staged is bytes that are stored and not yet an object's or a part's.
type staged struct {
	content  content
	md5      [md5.Size]byte
	checksum checksum
}

// giveTo makes the bytes those of o.
func (s staged) giveTo(o *object) {
	o.content, o.md5 = s.content, s.md5
	if s.checksum.algorithm != "" {
		o.details = &details{checksum: s.checksum}
	}
}

// stage stores what r has. size is a hint, -1 when there is none; extra, when
// not nil, sees the bytes as well.
func (st *store) stage(r io.Reader, size int64, extra hash.Hash) (staged, error) {
	sum := md5.New()
	var seen io.Writer = sum
	if extra != nil {
		seen = io.MultiWriter(sum, extra)
	}
	content, err := st.storage.stage(io.TeeReader(r, seen), size)
	return staged{content: content, md5: [md5.Size]byte(sum.Sum(nil))}, err
}

// receive stores a request's body and checks what the request says of it.
// algorithm, when not empty, is that of a checksum to compute in any case.
func (s *Server) receive(w http.ResponseWriter, c *call, algorithm string) (staged, *apiError) {
	size := c.r.ContentLength
	if text := c.Header.Get("X-Amz-Decoded-Content-Length"); text != "" {
		var err error
		if size, err = strconv.ParseInt(text, 10, 64); err != nil {
			return staged{}, invalidArgument("x-amz-decoded-content-length must be a number of bytes, not %q", text)
		}
	}
	if size < 0 {
		return staged{}, &apiError{status: http.StatusLengthRequired, code: "MissingContentLength",
			message: "You must provide the Content-Length HTTP header."}
	}
	want, err := announcedChecksum(c.Header, algorithm)
	if err != nil {
		return staged{}, err
	}
	body, err := c.body(w, s.maxObjectSize())
	if err != nil {
		return staged{}, err
	}
	in := &failNoting{r: body}
	st := s.data()
	received, stageErr := st.stage(in, size, want.hash)
	switch {
	case in.err != nil:
		return staged{}, bodyError(in.err)
	case stageErr != nil:
		return staged{}, errStorage(stageErr)
	}
	err = checkMD5(c.Header.Get("Content-MD5"), received.md5)
	if err == nil {
		received.checksum, err = want.verify(body.Trailer())
	}
	if err != nil {
		st.storage.discard(received.content)
		return staged{}, err
	}
	return received, nil
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
