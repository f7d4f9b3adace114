package ecs

import (
	"context"

	"github.com/ecsfs/ecsfs/search"
)

// The operations, as errors name them.
const (
	opBuckets       = "list buckets"
	opSystemKeys    = "search keys"
	opSchema        = "search keys of"
	opList          = "list"
	opQuery         = "query"
	opStat          = "stat"
	opRead          = "read"
	opOpen          = "open"
	opPut           = "put"
	opCreateBucket  = "create bucket"
	opDisableSearch = "disable search"
	opDataNodes     = "list data nodes"
	opPing          = "ping"
	opPresign       = "presign"
)

// target is what an operation was about.
type target struct{ op, bucket, key string }

// fail is an error that needs no request.
func (t target) fail(kind search.Kind, reason, hint string) error {
	return &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Kind: kind, Reason: reason, Hint: hint}
}

// run makes one operation: it waits for a slot, calls f, and words f's error.
func (c *Client) run(ctx context.Context, t target, kind requestKind, f func(cl *call) error) error {
	cl, err := c.begin(ctx, kind)
	if err != nil {
		return c.failed(ctx, t, nil, err)
	}
	defer cl.end()
	return c.failed(ctx, t, cl, f(cl))
}

// checkBucket keeps names that no store can have out of requests.
func checkBucket(t target) error {
	if validBucket(t.bucket) {
		return nil
	}
	return t.fail(search.KindNotExist, "no bucket can have this name", "")
}

// checkRef keeps names that no object can have out of requests.
func checkRef(t target) error {
	if err := checkBucket(t); err != nil {
		return err
	}
	if t.key == "" {
		return t.fail(search.KindNotExist, "no object has an empty key", "")
	}
	return nil
}
