package ecs

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/smithy-go"

	"github.com/ecsfs/ecsfs/search"
)

// The operations, as errors name them.
const (
	opBuckets = "list buckets"
	opSchema  = "schema"
	opList    = "list"
	opQuery   = "query"
	opStat    = "stat"
	opRead    = "read"
)

const (
	// schemaLifetime is how long Query plans by a schema without asking again. The
	// keys of a bucket are set when it is created; they can only be disabled.
	schemaLifetime = 10 * time.Minute
	// maxKnownSchemas bounds the schemas kept; beyond it one is dropped at random.
	maxKnownSchemas = 1024
)

// knownSchema is an answer to Schema.
type knownSchema struct {
	schema search.Schema
	taken  time.Time
}

// Schema asks which keys the bucket's index has (GET /bucket?searchmetadata).
// The answer is kept for Query. See search.Schemer.
func (c *Client) Schema(ctx context.Context, bucket string) (search.Schema, error) {
	t := target{op: opSchema, bucket: bucket}
	if err := checkBucket(t); err != nil {
		return search.Schema{}, err
	}
	cl, err := c.begin(ctx, kindSearchKeys)
	if err != nil {
		return search.Schema{}, c.failed(ctx, t, nil, err)
	}
	defer cl.end()
	var schema search.Schema
	err = c.ride(cl, bucket, []parameter{{name: "searchmetadata"}}, func(r io.Reader) (err error) {
		schema, err = decodeSchema(r, bucket)
		return err
	})
	if isNoSearch(err) {
		schema, err = search.Schema{Bucket: bucket}, nil
	}
	if err != nil {
		c.forgetSchema(bucket)
		return search.Schema{}, c.failed(ctx, t, cl, err)
	}
	c.keepSchema(schema)
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

// checkBucket keeps names that no store can have out of requests.
func checkBucket(t target) error {
	if validBucket(t.bucket) {
		return nil
	}
	return &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: search.KindNotExist, Reason: "no bucket can have this name"}
}

// schemaFor returns the kept schema, or asks.
func (c *Client) schemaFor(ctx context.Context, bucket string) (search.Schema, error) {
	c.schemaMu.Lock()
	known, ok := c.schemas[bucket]
	c.schemaMu.Unlock()
	if ok && time.Since(known.taken) < schemaLifetime {
		return known.schema, nil
	}
	return c.Schema(ctx, bucket)
}

func (c *Client) keepSchema(s search.Schema) {
	c.schemaMu.Lock()
	defer c.schemaMu.Unlock()
	if _, ok := c.schemas[s.Bucket]; !ok && len(c.schemas) >= maxKnownSchemas {
		for bucket := range c.schemas {
			delete(c.schemas, bucket)
			break
		}
	}
	c.schemas[s.Bucket] = knownSchema{s, time.Now()}
}

// forgetSchema is called when the store contradicts the kept schema.
func (c *Client) forgetSchema(bucket string) {
	c.schemaMu.Lock()
	defer c.schemaMu.Unlock()
	delete(c.schemas, bucket)
}
