package ecs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ecsfs/ecsfs/search"
)

// Stat asks for one object's attributes (HEAD). See search.Statter.
func (s *Store) Stat(ctx context.Context, ref search.Ref) (search.Object, error) {
	t := target{opStat, ref.Bucket, ref.Key}
	if err := checkRef(t); err != nil {
		return search.Object{}, err
	}
	c := s.client
	cl, err := c.begin(ctx, kindHead)
	if err != nil {
		return search.Object{}, c.failed(ctx, t, nil, err)
	}
	defer cl.end()
	out, err := c.s3.HeadObject(cl.ctx, &s3.HeadObjectInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: optional(ref.VersionID)})
	if err != nil {
		// A HEAD has no body to say more. 405 is for the version of a key that is a delete marker.
		if status := statusOf(err); status == 404 || status == 405 && ref.VersionID != "" {
			return search.Object{}, notFound(t, err)
		}
		return search.Object{}, c.failed(ctx, t, cl, err)
	}
	if out.ContentLength == nil || *out.ContentLength < 0 {
		return search.Object{}, c.failed(ctx, t, cl, badf("no Content-Length"))
	}
	o := search.Object{
		Key:         ref.Key,
		Size:        *out.ContentLength,
		ETag:        unquoteETag(aws.ToString(out.ETag)),
		VersionID:   versionID(aws.ToString(out.VersionId)),
		ContentType: aws.ToString(out.ContentType),
		Partial:     search.FromHead,
	}
	if out.LastModified != nil {
		o.ModTime = out.LastModified.UTC()
	}
	user := make(map[string]string, len(out.Metadata))
	for name, value := range out.Metadata {
		user[search.MetaPrefix+strings.ToLower(name)] = value
	}
	o.Metadata = search.NewMetadata(user)
	if ref.ETag != "" && o.ETag != ref.ETag {
		return search.Object{}, changed(t, "its ETag is another", nil)
	}
	return o, nil
}

func notFound(t target, cause error) error {
	return &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindNotExist, Reason: "no such object", Err: cause}
}

func changed(t target, reason string, cause error) error {
	return &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindChanged, Reason: reason,
		Hint: "open it again", Err: cause}
}

// optional returns nil for the empty string, which the SDK would send.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
