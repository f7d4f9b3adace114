package ecs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

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
	listed, err := c.keys(ctx, target{op: opSystemKeys})
	return listed.schema, err
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
	listed, err := c.searchKeys(ctx, bucket)
	return listed.schema, err
}

func (c *Client) searchKeys(ctx context.Context, bucket string) (listedKeys, error) {
	t := target{op: opSchema, bucket: bucket}
	if err := checkBucket(t); err != nil {
		return listedKeys{}, err
	}
	return c.keys(ctx, t)
}

// listedKeys is a list of search keys.
type listedKeys struct {
	schema search.Schema
	// spelled has the server's spelling of user keys that are not in lower case.
	spelled map[string]string
}

func (c *Client) keys(ctx context.Context, t target) (listedKeys, error) {
	var listed listedKeys
	err := c.run(ctx, t, kindSearchKeys, func(cl *call) error {
		err := c.ride(cl, t.bucket, searchKeysQuery, func(r io.Reader) (err error) {
			listed, err = decodeSchema(r, t.bucket)
			return err
		})
		if isNoSearch(err) {
			listed = listedKeys{schema: search.Schema{Bucket: t.bucket}}
			return nil
		}
		return err
	})
	if err != nil {
		return listedKeys{}, err
	}
	return listed, nil
}

// respell writes the user keys of an expression, which are in lower case, as
// the server lists them: before ECS 3.3 it takes no other spelling
// (STORAGE-18866 in the tests of EMCECS/ecs-object-client-java).
func (l listedKeys) respell(expression string) string {
	if len(l.spelled) == 0 {
		return expression
	}
	var b strings.Builder
	for rest := expression; rest != ""; {
		n := 1
		switch quote := rest[0]; {
		case quote == '\'' || quote == '"':
			n = strings.IndexByte(rest[1:], quote) + 2
		case strings.HasPrefix(rest, search.MetaPrefix):
			if n = strings.IndexAny(rest, "=<>"); n < 0 {
				n = len(rest)
			}
			if key, ok := l.spelled[rest[:n]]; ok {
				b.WriteString(key)
				rest = rest[n:]
				continue
			}
		}
		b.WriteString(rest[:n])
		rest = rest[n:]
	}
	return b.String()
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

// isDenied reports whether err says that the caller may not do this, and not that the key pair or the clock is wrong.
func isDenied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && foldCode(api.ErrorCode()) == "accessdenied"
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
	defer c.store.forgetSchema(bucket)
	return c.run(ctx, t, kindDisableSearch, func(cl *call) error {
		u := c.url(bucket, "")
		u.RawQuery = encodeParameters(searchKeysQuery)
		return c.send(cl, plainRequest{method: http.MethodDelete, url: u}, document(success))
	})
}

// success reads an answer that has nothing to say, unless it is an error under
// a status of success.
func success(r io.Reader) error {
	_, err := newWalker(r).root()
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return nil
}
