package ecs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"

	"github.com/ecsfs/ecsfs/search"
)

// PutOptions says how an object is stored. The zero value is usable.
type PutOptions struct {
	// Metadata is user metadata, by names with or without x-amz-meta-. Names
	// are sent in lower case. A value must be what a header can carry: no
	// control characters, and no blank at its ends. What the bucket's index has
	// of it can be searched for at once.
	Metadata map[string]string
	// ContentType is the media type; empty: the server's own default.
	ContentType string
	// IfNoneMatch stores the object only if there is none of this key yet;
	// otherwise the error is KindChanged. Servers that do not know it overwrite.
	IfNoneMatch bool
	// PartSize is the least size of a part in bytes; 0: DefaultPartSize. See PartSize.
	PartSize int64
	// Concurrency is how many parts are under way at once; 0: 4. It is lowered
	// so that all parts in memory have at most 512 MiB, or one does.
	Concurrency int
}

// PutResult is what the server says of an object that it stored.
type PutResult struct {
	ETag      string // without quotes; what ETagOf gives
	VersionID string // empty in a bucket without versions
}

// PutObject stores an object of size bytes, which are read from body from
// where it stands; what is behind them is not read. Data that ends early is an
// error, and stores nothing.
//
// An object below one part (see PartSize) is one PUT; any other is sent in
// parts, a few at once, each repeated on its own when it fails. One part is read ahead of those under
// way: memory is PartSize times Concurrency+1. When an upload in parts fails, the
// parts are removed again; where that fails too the error says so. The object
// appears whole or not at all.
//
// Neither part nor object carries a checksum in a trailer, as ECS knows none:
// the SHA-256 of every body is in its signature. Config.Timeout counts from the
// last byte that was sent or received, so a long upload is not a dead one.
//
// Errors: KindInvalid for a size, name or metadata that cannot be; KindChanged,
// see IfNoneMatch; KindTooLarge over 5 TiB. The mount has no way to call this:
// it is given a Store.
//
// Source: Amazon S3 API, PutObject and CreateMultipartUpload, which ECS has.
func (c *Client) PutObject(ctx context.Context, bucket, key string, body io.Reader, size int64, o PutOptions) (PutResult, error) {
	t := target{opPut, bucket, key}
	if err := checkRef(t); err != nil {
		return PutResult{}, err
	}
	metadata, err := checkPut(t, size, o)
	if err != nil {
		return PutResult{}, err
	}
	part := PartSize(size, o.PartSize)
	concurrency := o.Concurrency
	if concurrency == 0 {
		concurrency = defaultConcurrency
	}
	concurrency = max(1, min(concurrency, int(maxPartsMemory/part)-1))

	u := &upload{client: c, target: t}
	manager := transfermanager.New(u, func(m *transfermanager.Options) {
		m.PartSizeBytes, m.MultipartUploadThreshold, m.Concurrency = part, part, concurrency
		m.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		m.FailTimeout = removeTimeout(c)
	})
	input := &transfermanager.UploadObjectInput{Bucket: &bucket, Key: &key, Body: &exactReader{r: body, left: size, size: size},
		ContentType: optional(o.ContentType), Metadata: metadata}
	if o.IfNoneMatch {
		input.IfNoneMatch = aws.String("*")
	}
	out, err := manager.UploadObject(ctx, input)
	if err == nil {
		err = u.abandoned(ctx)
	}
	if err == nil && aws.ToString(out.ETag) == "" {
		err = badf("no ETag of what was stored")
	}
	if err != nil {
		return PutResult{}, u.explain(c.failed(ctx, t, nil, err))
	}
	return PutResult{ETag: unquoteETag(aws.ToString(out.ETag)), VersionID: versionID(aws.ToString(out.VersionID))}, nil
}

// checkPut keeps out what no request could carry, and returns the metadata as
// it is sent.
func checkPut(t target, size int64, o PutOptions) (map[string]string, error) {
	switch {
	case size < 0:
		return nil, t.fail(search.KindInvalid, fmt.Sprintf("a size of %d bytes", size), "")
	case size > maxObjectSize:
		return nil, t.fail(search.KindTooLarge, fmt.Sprintf("%d bytes are more than the %d that an object can have", size, int64(maxObjectSize)), "")
	case o.PartSize < 0 || o.PartSize > maxPartsMemory || o.Concurrency < 0:
		return nil, t.fail(search.KindInvalid, "the part size or the concurrency is negative or too large", fmt.Sprintf("parts have at most %d bytes", maxPartsMemory))
	case !isHeaderValue(o.ContentType):
		return nil, t.fail(search.KindInvalid, fmt.Sprintf("the content type %q is no header's", o.ContentType), "")
	}
	metadata := make(map[string]string, len(o.Metadata))
	for _, given := range slices.Sorted(maps.Keys(o.Metadata)) {
		name := strings.TrimPrefix(search.CanonicalName(search.MetaPrefix+strings.TrimPrefix(search.CanonicalName(given), search.MetaPrefix)), search.MetaPrefix)
		value := o.Metadata[given]
		switch _, twice := metadata[name]; {
		case !isToken(name):
			return nil, t.fail(search.KindInvalid, fmt.Sprintf("%q is no name of user metadata", given), "use letters, digits, '-', '_' and '.'")
		case twice:
			return nil, t.fail(search.KindInvalid, fmt.Sprintf("the metadata %s is given twice", name), "names are the same in upper and lower case")
		case !isHeaderValue(value):
			return nil, t.fail(search.KindInvalid, fmt.Sprintf("no header can carry the value of the metadata %s", name),
				"it holds a control character, or a blank at an end")
		}
		metadata[name] = value
	}
	return metadata, nil
}

// isHeaderValue reports whether s arrives as it is sent in a header.
func isHeaderValue(s string) bool {
	return s == strings.Trim(s, " ") && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// exactReader reads size bytes of r, of which left are to come, and fails when
// there are fewer.
type exactReader struct {
	r          io.Reader
	left, size int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if err != nil && e.left > 0 {
		cause := err
		if errors.Is(err, io.EOF) {
			cause = io.ErrUnexpectedEOF
		}
		return n, &dataError{fmt.Sprintf("the data ended after %d of %d bytes", e.size-e.left, e.size), cause}
	}
	return n, nil
}

// dataError says that what was to be stored could not be read.
type dataError struct {
	reason string
	err    error
}

func (e *dataError) Error() string { return e.reason + ": " + e.err.Error() }
func (e *dataError) Unwrap() error { return e.err }
