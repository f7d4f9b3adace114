package ecs

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/ecsfs/ecsfs/search"
)

// Bounds of an object that is stored, in bytes. Source: Amazon S3, "Multipart
// upload limits".
const (
	// DefaultPartSize is the size of a part where none is chosen.
	DefaultPartSize = 8 << 20
	// MinPartSize is the least size of a part that servers take, but for the last.
	MinPartSize = 5 << 20
	// MaxParts is how many parts an object can have.
	MaxParts = 10_000

	maxObjectSize      = 5 << 40
	maxPartsMemory     = 512 << 20
	defaultConcurrency = 4
)

// PartSize returns the size of the parts in which PutObject stores an object of
// size bytes, all but the last: partSize (0: DefaultPartSize), but at least
// MinPartSize, and as much as it takes to stay below MaxParts, rounded up to
// whole MiB. An object smaller than one part is not stored in parts.
func PartSize(size, partSize int64) int64 {
	if partSize == 0 {
		partSize = DefaultPartSize
	}
	partSize = max(partSize, MinPartSize)
	if size/partSize >= MaxParts {
		const unit = 1 << 20
		partSize = (size/MaxParts/unit + 1) * unit
	}
	return partSize
}

// ETagOf returns the ETag that S3 servers give an object of the size bytes that
// r begins with, once PutObject stored them with this PartSize: the hexadecimal
// MD5 of the bytes or, of an object in parts, the MD5 of the MD5s of its parts, "-"
// and how many they are. An object with this ETag and size is the same one; another
// ETag proves nothing, since the object may have been stored in other parts, or
// encrypted.
//
// Data that ends before size bytes is io.ErrUnexpectedEOF.
func ETagOf(r io.Reader, size, partSize int64) (string, error) {
	if size < 0 {
		return "", fmt.Errorf("a size of %d bytes", size)
	}
	part := PartSize(size, partSize)
	whole, sum := md5.New(), md5.New()
	parts := 0
	for left := size; ; {
		n, err := io.CopyN(sum, r, min(part, left))
		if err == io.EOF {
			return "", io.ErrUnexpectedEOF
		} else if err != nil {
			return "", err
		}
		left -= n
		if size < part {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		whole.Write(sum.Sum(nil))
		sum.Reset()
		if parts++; left == 0 {
			return fmt.Sprintf("%x-%d", whole.Sum(nil), parts), nil
		}
	}
}

// signBody has the SHA-256 of the body in the signature under https as well,
// where the SDK would leave it out: no other checksum is sent.
func signBody(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		hash := &v4.ComputePayloadSHA256{}
		_, err := stack.Finalize.Swap(hash.ID(), hash)
		return err
	})
}

// upload is one PutObject under way: the S3 API as the transfer manager sees
// it. Each of its requests is a call of the client.
type upload struct {
	client *Client
	target target
	// id is that of an upload in parts whose completion failed, with the error.
	id     *string
	failed error
	left   error // why the parts could not be removed
}

// PutObject stores an object at once.
func (u *upload) PutObject(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (out *s3.PutObjectOutput, err error) {
	err = u.client.run(ctx, u.target, kindPut, func(cl *call) (err error) {
		out, err = u.client.s3.PutObject(cl.ctx, in, append(options, signBody)...)
		return err
	})
	return out, err
}

// CreateMultipartUpload begins an upload in parts.
func (u *upload) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, options ...func(*s3.Options)) (out *s3.CreateMultipartUploadOutput, err error) {
	err = u.multipart(ctx, func(cl *call) (err error) {
		out, err = u.client.s3.CreateMultipartUpload(cl.ctx, in, options...)
		if err == nil && (out.UploadId == nil || *out.UploadId == "") {
			err = badf("no upload id")
		}
		return err
	})
	return out, err
}

// UploadPart sends one part.
func (u *upload) UploadPart(ctx context.Context, in *s3.UploadPartInput, options ...func(*s3.Options)) (out *s3.UploadPartOutput, err error) {
	err = u.multipart(ctx, func(cl *call) (err error) {
		out, err = u.client.s3.UploadPart(cl.ctx, in, append(options, signBody)...)
		return err
	})
	return out, err
}

// CompleteMultipartUpload makes an object of the parts. It returns no error but
// keeps it for abandoned, as the transfer manager would write it to the
// standard logger.
func (u *upload) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, options ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	in.MpuObjectSize = nil // a header that ECS does not know
	var out *s3.CompleteMultipartUploadOutput
	err := u.multipart(ctx, func(cl *call) (err error) {
		out, err = u.client.s3.CompleteMultipartUpload(cl.ctx, in, options...)
		return err
	})
	if err != nil {
		u.id, u.failed = in.UploadId, err
		return &s3.CompleteMultipartUploadOutput{}, nil
	}
	return out, nil
}

// AbortMultipartUpload removes the parts. Its error is kept for explain, as the
// transfer manager would put it in place of the one that matters.
func (u *upload) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, options ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	u.left = u.multipart(ctx, func(cl *call) error {
		_, err := u.client.s3.AbortMultipartUpload(cl.ctx, in, options...)
		return err
	})
	return &s3.AbortMultipartUploadOutput{}, nil
}

func (u *upload) multipart(ctx context.Context, f func(cl *call) error) error {
	return u.client.run(ctx, u.target, kindMultipart, f)
}

// abandoned removes the parts of an upload whose completion failed, and returns
// why it did.
func (u *upload) abandoned(ctx context.Context) error {
	if u.failed == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout(u.client))
	defer cancel()
	_, _ = u.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.target.bucket, Key: &u.target.key, UploadId: u.id})
	return u.failed
}

// removeTimeout is for the removal of parts, when the caller's context is over
// too.
func removeTimeout(c *Client) time.Duration { return min(c.cfg.Timeout, 10*time.Second) }

// explain adds to err what is left on the server.
func (u *upload) explain(err error) error {
	if e, ok := errors.AsType[*search.Error](err); ok && u.left != nil {
		told := *e
		told.Hint = "parts of it may be left on the store, which could not be told to remove them"
		return &told
	}
	return err
}

// What the transfer manager could do but uploads do not need.

func (u *upload) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return nil, errors.ErrUnsupported
}

func (u *upload) HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return nil, errors.ErrUnsupported
}

func (u *upload) ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return nil, errors.ErrUnsupported
}
