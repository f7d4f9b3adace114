package cache

import (
	"context"
	"slices"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// answer is a kept answer of the store: a value, or an error of KindNotExist.
type answer[V any] struct {
	val V
	err error
}

// keptAnswer returns what memory has under k.
func keptAnswer[V any](c *Cache, k key) (answer[V], bool) {
	if v, ok := c.mem.get(k); ok {
		return v.(answer[V]), true
	}
	return answer[V]{}, false
}

// ask answers k from memory if accept allows it, else by the flight of k.
// joined is true when the answer is that of a flight begun before the call.
// ttl is the lifetime of a value; bytes weighs it.
func ask[V any](ctx context.Context, c *Cache, g *flights[V], k key, accept func(answer[V]) bool,
	fetch func(context.Context) (V, error), ttl time.Duration, bytes func(V) int64) (val V, joined bool, err error) {
	kept := func() (V, error, bool) {
		a, ok := keptAnswer[V](c, k)
		if !ok || !accept(a) {
			return val, nil, false
		}
		c.count.hits[k.kind].Add(1)
		return a.val, a.err, true
	}
	if val, err, ok := kept(); ok {
		return val, false, err
	}
	if err := ctx.Err(); err != nil {
		return val, false, err
	}
	var begun time.Time // set by the flight before it lands
	f, joined, err := g.begin(ctx, k, trip[V]{
		kept: kept,
		fetch: func(ctx context.Context) (V, error) {
			c.count.misses[k.kind].Add(1)
			begun = c.opt.Now()
			return fetch(ctx)
		},
		land: func(val V, err error, current bool) {
			life := ttl
			switch {
			case !current:
				return
			case err == nil:
			case search.KindOf(err) == search.KindNotExist:
				life = c.opt.NegativeTTL
			default:
				return
			}
			if life > 0 {
				n := int64(len(k.bucket) + len(k.object) + len(k.version))
				c.mem.put(k, answer[V]{val, err}, n+bytes(val), begun.Add(life))
			}
		},
	})
	if err != nil {
		return val, false, err
	}
	if joined {
		c.count.shared[k.kind].Add(1)
	}
	val, err = g.wait(ctx, f)
	return val, joined, err
}

func acceptAny[V any](answer[V]) bool { return true }

// Buckets implements search.BucketLister, from memory for SchemaTTL. The slice
// is the caller's own.
func (c *Cache) Buckets(ctx context.Context) ([]search.Bucket, error) {
	b, _, err := ask(ctx, c, c.buckets, key{kind: kindBuckets}, acceptAny, c.store.Buckets, c.opt.SchemaTTL,
		func(bs []search.Bucket) int64 {
			n := int64(cap(bs)) * 48
			for _, b := range bs {
				n += int64(len(b.Name))
			}
			return n
		})
	return slices.Clone(b), err
}

// Schema implements search.Schemer, from memory for SchemaTTL.
func (c *Cache) Schema(ctx context.Context, bucket string) (search.Schema, error) {
	s, _, err := ask(ctx, c, c.schemas, key{kind: kindSchema, bucket: bucket}, acceptAny,
		func(ctx context.Context) (search.Schema, error) { return c.store.Schema(ctx, bucket) }, c.opt.SchemaTTL,
		func(s search.Schema) int64 {
			n := int64(cap(s.Indexed)+cap(s.Attributes)) * 24
			for _, k := range slices.Concat(s.Indexed, s.Attributes) {
				n += int64(len(k.Name))
			}
			return n
		})
	return s, err
}

// Stat implements search.Statter, from memory for TTL, or NegativeTTL where
// there is no object.
//
// The store is always asked without ref.ETag, so that its answer serves
// everyone, and ETags are compared here. A caller that names an ETag has it
// from elsewhere, and that may be newer than what is kept: so kept attributes
// answer it only if their ETag is the same one, and only a request that began
// after the call can tell it KindChanged or KindNotExist.
func (c *Cache) Stat(ctx context.Context, ref search.Ref) (search.Object, error) {
	same := func(o search.Object) bool { return ref.ETag == "" || o.ETag == ref.ETag }
	k := key{kind: kindStat, bucket: ref.Bucket, object: ref.Key, version: ref.VersionID}
	for again := true; ; again = false {
		o, joined, err := ask(ctx, c, c.stats, k,
			func(a answer[search.Object]) bool { return ref.ETag == "" || a.err == nil && same(a.val) },
			func(ctx context.Context) (search.Object, error) {
				return c.store.Stat(ctx, search.Ref{Bucket: ref.Bucket, Key: ref.Key, VersionID: ref.VersionID})
			}, c.opt.TTL, objectBytes)
		missing := err != nil && search.KindOf(err) == search.KindNotExist
		changed := err == nil && !same(o)
		switch {
		case again && joined && (changed || missing && ref.ETag != ""):
			// Once is enough: a flight joined the second time began after the first ended.
			continue
		case changed:
			c.Forget(ref.Bucket, ref.Key)
			return search.Object{}, &search.Error{Op: "stat", Bucket: ref.Bucket, Key: ref.Key, Kind: search.KindChanged}
		}
		return o, err
	}
}

// objectBytes weighs an object apart from its key, which is counted with the item.
func objectBytes(o search.Object) int64 {
	return 160 + int64(len(o.Key)+len(o.ETag)+len(o.VersionID)+len(o.ContentType)) + o.Metadata.Bytes()
}
