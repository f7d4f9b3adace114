package ecs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ecsfs/ecsfs/search"
)

// MaxSearchKeys is how many keys a bucket can index (ECS Data Access Guide,
// "Metadata search").
const MaxSearchKeys = 30

const headerSearchKeys = "X-Emc-Metadata-Search"

// CreateBucket makes a bucket that indexes keys (PUT /BUCKET with
// x-emc-metadata-search); without keys, one that has no metadata search, then or
// ever: keys are set when a bucket is created, and only then. Search.Key.Indexed
// is ignored.
//
// A user key is x-amz-meta- and a name, and is sent in lower case with its type.
// A system key, such as Size, is sent in the documentation's spelling and
// without a type, which the server knows. What no server takes is KindInvalid
// and sends nothing: more than MaxSearchKeys keys, one of them twice, a name
// that is neither a system key's nor begins with x-amz-meta-. Which system keys
// can be indexed, the server decides: SystemKeys lists them.
//
// A bucket that exists is KindInvalid, and its keys are unchanged. A server that
// is no ECS makes a bucket without search: SearchKeys tells.
//
// Source: ECS REST API, S3BucketOperations_createBucket;
// EMCECS/ecs-object-client-java, CreateBucketRequest.
func (c *Client) CreateBucket(ctx context.Context, bucket string, keys ...search.Key) error {
	t := target{op: opCreateBucket, bucket: bucket}
	if !validBucket(bucket) {
		return t.fail(search.KindInvalid, "no bucket can have this name", "use letters, digits, '.', '-' and '_'")
	}
	header, err := searchKeysHeader(t, keys)
	if err != nil {
		return err
	}
	defer c.store.forgetSchema(bucket)
	return c.run(ctx, t, kindCreateBucket, func(cl *call) error {
		_, err := c.s3.CreateBucket(cl.ctx, &s3.CreateBucketInput{Bucket: &bucket}, func(o *s3.Options) {
			if header != "" {
				o.APIOptions = append(o.APIOptions, setHeader(headerSearchKeys, header))
			}
			o.APIOptions = append(o.APIOptions, decodeWith(success, &s3.CreateBucketOutput{}))
		})
		return err
	})
}

// searchKeysHeader returns the value of x-emc-metadata-search:
// KEY[;DATATYPE],...
func searchKeysHeader(t target, keys []search.Key) (string, error) {
	if len(keys) > MaxSearchKeys {
		return "", t.fail(search.KindInvalid, fmt.Sprintf("%d keys to index, and ECS takes %d", len(keys), MaxSearchKeys), "")
	}
	var names, parts []string
	for _, k := range keys {
		name := nativeName(k.Name)
		switch {
		case slices.Contains(names, name):
			return "", t.fail(search.KindInvalid, fmt.Sprintf("%s is to be indexed twice", name), "")
		case strings.HasPrefix(name, search.MetaPrefix):
			if !isToken(name[len(search.MetaPrefix):]) {
				return "", t.fail(search.KindInvalid, fmt.Sprintf("%q is no name of user metadata", k.Name),
					"a name is x-amz-meta- and letters, digits, '-', '_' or '.'")
			}
			if k.Type > search.Datetime {
				return "", t.fail(search.KindInvalid, fmt.Sprintf("%s has a datatype that does not exist", name), "")
			}
			parts = append(parts, name+";"+k.Type.String())
		case !isSystemName(name):
			example := "color"
			if isToken(name) {
				example = strings.ToLower(name)
			}
			return "", t.fail(search.KindInvalid, fmt.Sprintf("%q is neither a system key nor user metadata", k.Name),
				"user metadata is named with its prefix, as "+search.MetaPrefix+example)
		default:
			parts = append(parts, name)
		}
		names = append(names, name)
	}
	return strings.Join(parts, ","), nil
}

func isSystemName(name string) bool {
	for _, native := range systemNames {
		if name == native {
			return true
		}
	}
	return false
}

// isToken reports whether s can be the rest of a header's name, and stand
// between the commas and semicolons of x-emc-metadata-search.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}) < 0
}
