package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxChunkLine    = 4 << 10
	maxTrailerLines = 32
	maxChunkSize    = 5 << 30
)

// chain is the signatures of a streaming body: each covers the one before it,
// the first that of the request.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
type chain struct {
	key      *signingKey
	at       time.Time
	scope    string
	previous string
}

func (c *chain) clone() *chain {
	copied := *c
	return &copied
}

// accept tells whether signature is that of the next link, whose string to sign
// ends with the lines tail, and makes it the previous one.
func (c *chain) accept(kind, signature string, tail ...string) bool {
	b := append([]byte(Algorithm), kind...)
	b = append(b, '\n')
	b = append(c.at.UTC().AppendFormat(b, TimeFormat), '\n')
	b = append(append(append(b, c.scope...), '\n'), c.previous...)
	for _, line := range tail {
		b = append(append(b, '\n'), line...)
	}
	want := hex.EncodeToString(c.key.appendSum(nil, b))
	c.previous = want
	return hmac.Equal([]byte(want), []byte(signature))
}

// chunkReader decodes aws-chunked:
//
//	hex-size [;chunk-signature=hex] CRLF  bytes CRLF   (any number)
//	0 [;chunk-signature=hex] CRLF
//	[name:value CRLF]... [x-amz-trailer-signature:hex CRLF]
//	CRLF
type chunkReader struct {
	src       *bufio.Reader
	chain     *chain   // nil: chunks are not signed
	trailers  bool     // the mode has a trailer
	announced []string // x-amz-trailer, canonical
	want      int64    // decoded length, or -1

	started   bool   // inside the chunk that signature and left speak of
	signature string // of this chunk
	left      int64  // its bytes still to be read
	hash      hash.Hash
	total     int64
	trailer   http.Header
	end       error // sticky
}

func newChunkReader(body io.Reader) *chunkReader {
	return &chunkReader{src: bufio.NewReaderSize(body, maxChunkLine), want: -1, hash: sha256.New()}
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for c.end == nil {
		switch {
		case !c.started:
			c.end = c.begin()
		case c.left == 0:
			c.end = c.finish()
		default:
			n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
			if c.chain != nil {
				c.hash.Write(p[:n])
			}
			c.left -= int64(n)
			if c.total += int64(n); c.want >= 0 && c.total > c.want {
				c.end = newError(CodeIncompleteBody, "The body is longer than x-amz-decoded-content-length.")
				return 0, c.end
			}
			if err != nil {
				c.end = truncated(err)
			}
			if n > 0 {
				return n, nil
			}
		}
	}
	return 0, c.end
}

// begin reads a chunk's first line and, after the last chunk, all the rest.
func (c *chunkReader) begin() error {
	line, err := c.line()
	if err != nil {
		return truncated(err)
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 63)
	if err != nil || n > maxChunkSize {
		return newError(CodeInvalidRequest, "A chunk of the body has a bad size.")
	}
	c.signature = ""
	if c.chain != nil {
		var ok bool
		if c.signature, ok = strings.CutPrefix(extension, "chunk-signature="); !ok {
			return newError(CodeInvalidRequest, "A chunk of the body is not signed.")
		}
	}
	c.started, c.left = true, int64(n)
	c.hash.Reset()
	if n > 0 {
		return nil
	}
	if err := c.verifyChunk(); err != nil {
		return err
	}
	return c.readTrailer()
}

// finish reads what ends a chunk's bytes.
func (c *chunkReader) finish() error {
	line, err := c.line()
	if err != nil {
		return truncated(err)
	}
	if line != "" {
		return newError(CodeInvalidRequest, "A chunk of the body is longer than its size.")
	}
	c.started = false
	return c.verifyChunk()
}

func (c *chunkReader) verifyChunk() error {
	if c.chain == nil {
		return nil
	}
	sum := hex.EncodeToString(c.hash.Sum(nil))
	if !c.chain.accept("-PAYLOAD", c.signature, EmptyPayloadHash, sum) {
		return newError(CodeSignatureDoesNotMatch, "The signature of a chunk of the body does not match.")
	}
	return nil
}

// readTrailer reads the lines after the last chunk, to the end of the body.
// Some clients put a blank line before the trailer, some none after it.
func (c *chunkReader) readTrailer() error {
	var signature string
	for n := 0; ; n++ {
		line, err := c.line()
		if err == io.EOF {
			return c.verifyTrailer(signature)
		}
		if err != nil {
			return err
		}
		if n >= maxTrailerLines {
			return newError(CodeMalformedTrailer, "The body's trailer is too long.")
		}
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(value, " \t")
		switch {
		case !c.trailers || !ok || name == "":
			return newError(CodeMalformedTrailer, "The body has a malformed trailer.")
		case name == "x-amz-trailer-signature":
			signature = value
			continue
		}
		if c.trailer == nil {
			c.trailer = make(http.Header)
		}
		c.trailer.Add(name, value)
	}
}

func (c *chunkReader) verifyTrailer(signature string) error {
	for name := range c.trailer {
		if !slices.Contains(c.announced, name) {
			return newError(CodeMalformedTrailer, "The body's trailer has "+name+", which x-amz-trailer does not announce.")
		}
	}
	for _, name := range c.announced {
		if _, ok := c.trailer[name]; !ok {
			return newError(CodeMalformedTrailer, "The body's trailer lacks "+name+", which x-amz-trailer announces.")
		}
	}
	if c.chain != nil && c.trailers {
		var canonical []byte
		for _, name := range slices.Sorted(maps.Keys(c.trailer)) {
			canonical = append(append(canonical, strings.ToLower(name)...), ':')
			canonical = append(append(canonical, strings.Join(c.trailer[name], ",")...), '\n')
		}
		sum := sha256.Sum256(canonical)
		if !c.chain.accept("-TRAILER", signature, hex.EncodeToString(sum[:])) {
			return newError(CodeSignatureDoesNotMatch, "The signature of the body's trailer does not match.")
		}
	}
	if c.want >= 0 && c.total != c.want {
		return newError(CodeIncompleteBody, "The body is shorter than x-amz-decoded-content-length.")
	}
	return io.EOF
}

// line reads up to CRLF, or a lone LF. At the end of the body it returns io.EOF.
func (c *chunkReader) line() (string, error) {
	b, err := c.src.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull:
		return "", newError(CodeInvalidRequest, "A line of the chunked body is too long.")
	case err == io.EOF && len(b) == 0:
		return "", io.EOF
	case err != nil:
		return "", truncated(err)
	}
	return string(bytes.TrimSuffix(b[:len(b)-1], []byte("\r"))), nil
}

func truncated(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return newError(CodeIncompleteBody, "The body ended too soon.")
	}
	return err
}
