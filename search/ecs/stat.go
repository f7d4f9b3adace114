package ecs

import (
	"context"
	"net/http"
	"strings"

	smithytime "github.com/aws/smithy-go/time"

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
	var o search.Object
	err = c.send(cl, plainRequest{method: http.MethodHead, url: c.objectURL(ref)}, func(resp *http.Response) (err error) {
		o, err = objectOf(resp)
		return err
	})
	if err != nil {
		// A HEAD has no body to say more. 405 is for the version of a key that is a delete marker.
		if status := statusOf(err); status == 404 || status == 405 && ref.VersionID != "" {
			return search.Object{}, notFound(t, err)
		}
		return search.Object{}, c.failed(ctx, t, cl, err)
	}
	if o.Key = ref.Key; ref.ETag != "" && o.ETag != ref.ETag {
		return search.Object{}, changed(t, "its ETag is another", nil)
	}
	return o, nil
}

// objectOf reads the headers of an answer to HEAD.
func objectOf(resp *http.Response) (search.Object, error) {
	if resp.ContentLength < 0 {
		return search.Object{}, badf("no Content-Length")
	}
	h := resp.Header
	o := search.Object{
		Size:        resp.ContentLength,
		ETag:        unquoteETag(h.Get("Etag")),
		VersionID:   versionID(h.Get("X-Amz-Version-Id")),
		ContentType: h.Get("Content-Type"),
		Partial:     search.FromHead,
	}
	if value := h.Get("Last-Modified"); value != "" {
		modified, err := smithytime.ParseHTTPDate(value)
		if err != nil {
			return search.Object{}, badf("Last-Modified %q", printable(shorten(value)))
		}
		o.ModTime = modified.UTC()
	}
	user := make(map[string]string)
	for name, values := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, search.MetaPrefix) {
			user[name] = values[0]
		}
	}
	o.Metadata = search.NewMetadata(user)
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
