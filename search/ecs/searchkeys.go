package ecs

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/smithy-go"

	"github.com/ecsfs/ecsfs/search"
)

// searchKeysQuery is the query string of every call about search keys.
var searchKeysQuery = []parameter{{name: "searchmetadata"}}

// SystemKeys asks which system keys this server can index, and which
// attributes a query on it can return (GET /?searchmetadata). Both lists are
// ordered by name; they differ between generations of ECS.
//
// A server without metadata search gives a Schema whose Enabled is false. Its
// Bucket is always empty.
//
// Source: ECS REST API, S3MetadataKeySystemListOperation_getSystemMetadataSearchKeys.
func (c *Client) SystemKeys(ctx context.Context) (search.Schema, error) {
	return c.keys(ctx, target{op: opSystemKeys})
}

// SearchKeys asks which keys the bucket's index has, and which attributes a
// query can return beside them (GET /BUCKET?searchmetadata). Both lists are
// ordered by name, since the server's order says nothing; user keys are in lower case.
//
// A bucket or server without metadata search gives a Schema whose Enabled is
// false, whichever way the server says so. A bucket that does not exist is
// KindNotExist.
//
// Source: ECS REST API, S3MetadataKeyListOperations_getBucketMetadataSearchKeys.
func (c *Client) SearchKeys(ctx context.Context, bucket string) (search.Schema, error) {
	t := target{op: opSchema, bucket: bucket}
	if err := checkBucket(t); err != nil {
		return search.Schema{}, err
	}
	return c.keys(ctx, t)
}

func (c *Client) keys(ctx context.Context, t target) (search.Schema, error) {
	var schema search.Schema
	err := c.run(ctx, t, kindSearchKeys, func(cl *call) error {
		err := c.ride(cl, t.bucket, searchKeysQuery, func(r io.Reader) (err error) {
			schema, err = decodeSchema(r, t.bucket)
			return err
		})
		if isNoSearch(err) {
			schema = search.Schema{Bucket: t.bucket}
			return nil
		}
		return err
	})
	if err != nil {
		return search.Schema{}, err
	}
	return schema, nil
}

// isNoSearch reports whether the store says, in whichever way, that the bucket
// or the server has no metadata search.
func isNoSearch(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	switch foldCode(api.ErrorCode()) {
	case "metadatasearchnotenabled", "notimplemented", "methodnotallowed", "invalidargument", "invalidrequest", "invaliduri", "unsupportedoperation":
		return true
	}
	status := statusOf(err)
	return status == 405 || status == 501
}

// DisableSearch gives up the bucket's search keys (DELETE
// /BUCKET?searchmetadata, answered by 204). There is no way back: keys are set
// when a bucket is created, and only then. The objects stay.
//
// Two requests are sent: a server that does not know the parameter would take
// the DELETE for one of the bucket itself, so the keys are asked for first, and
// a bucket without any is KindUnsupported and left alone.
//
// Do not rely on the effect. It is documented as disabling the keys, but a
// server of 2023 is reported to have listed them still (a test of
// EMCECS/objectscale-s3-client-python): ask SearchKeys again.
func (c *Client) DisableSearch(ctx context.Context, bucket string) error {
	t := target{op: opDisableSearch, bucket: bucket}
	schema, err := c.SearchKeys(ctx, bucket)
	if err != nil {
		return err
	}
	if !schema.Enabled {
		return &search.Error{Op: t.op, Bucket: bucket, Kind: search.KindUnsupported, Reason: "the bucket has no metadata search"}
	}
	c.store.forgetSchema(bucket)
	return c.run(ctx, t, kindDisableSearch, func(cl *call) error {
		u := c.url(bucket, "")
		u.RawQuery = encodeParameters(searchKeysQuery)
		return c.send(cl, plainRequest{method: http.MethodDelete, url: u}, discard)
	})
}

// discard reads an answer that has nothing to say.
func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
