package ecs

import (
	"cmp"
	"context"
	"io"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ecsfs/ecsfs/search"
)

// Buckets lists the buckets of the account (GET /). See search.BucketLister.
func (s *Store) Buckets(ctx context.Context) ([]search.Bucket, error) {
	var buckets []search.Bucket
	for page, err := range s.client.bucketPages(ctx) {
		if err != nil {
			return nil, err
		}
		buckets = append(buckets, page...)
	}
	buckets = slices.DeleteFunc(buckets, func(b search.Bucket) bool { return !validBucket(b.Name) })
	slices.SortStableFunc(buckets, func(a, b search.Bucket) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(buckets, func(a, b search.Bucket) bool { return a.Name == b.Name }), nil
}

func (c *Client) bucketPages(ctx context.Context) iter.Seq2[[]search.Bucket, error] {
	p := &pager[[]search.Bucket]{op: opBuckets, maxPages: c.cfg.MaxPages}
	p.fetch = func(ctx context.Context, _ int, marker string, _ func(string)) ([]search.Bucket, string, error) {
		t := target{op: opBuckets}
		cl, err := c.begin(ctx, kindListBuckets)
		if err != nil {
			return nil, "", c.failed(ctx, t, nil, err)
		}
		defer cl.end()
		var page bucketPage
		input := &s3.ListBucketsInput{}
		if marker != "" {
			input.ContinuationToken = &marker
		}
		_, err = c.s3.ListBuckets(cl.ctx, input, func(o *s3.Options) {
			o.APIOptions = append(o.APIOptions, decodeWith(func(r io.Reader) (err error) {
				page, err = decodeBuckets(r)
				return err
			}, &s3.ListBucketsOutput{}))
		})
		return page.buckets, page.next, c.failed(ctx, t, cl, err)
	}
	return p.pages(ctx)
}
