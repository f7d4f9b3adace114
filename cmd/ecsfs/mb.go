package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
)

func mbCommand() *cli.Command {
	store, index := defaultStoreOptions(), []string(nil)
	return &cli.Command{
		Name:      "mb",
		Usage:     "make a bucket, with the keys that can be searched in it",
		ArgsUsage: "[options] BUCKET",
		Description: `Makes BUCKET (or s3://BUCKET), and with --index an index of these metadata keys. What is not
named now can never be indexed in this bucket: ECS takes no key later.

  ecsfs mb photos --index Size,LastModified,color:string,stars:integer
  ecsfs mb plain                          (without metadata search)

A system key stands alone: Size, LastModified, CreateTime, ObjectName or Owner, also as size,
mtime, created, name or owner. A key of user metadata (color, the same as x-amz-meta-color)
needs its datatype: string, integer, decimal or datetime. At most ` + fmt.Sprint(maxIndexKeys) + ` keys. "ecsfs searchkeys
--system" asks a store what it can index.`,
		Flags: append([]cli.Flag{
			&cli.GenericFlag{Name: "index", Value: &listValue{target: &index},
				Usage: "index these `KEYS`, separated by commas: SYSTEMKEY or NAME:DATATYPE; also several times"},
		}, store.flags()...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return mb(c, &store, args[0], index)
		},
	}
}

// mb makes the bucket that name tells, with the keys of every list in index.
func mb(c *cli.Context, so *storeOptions, name string, index []string) error {
	bucket, err := bucketArgument(name)
	if err != nil {
		return err
	}
	keys, err := parseIndex(index)
	if err != nil {
		return err
	}
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	if err := client.CreateBucket(c.Context, bucket, keys...); err != nil {
		return bucketError(bucket, err)
	}
	if len(keys) > 0 {
		if err := checkIndex(c.Context, client, bucket, keys); err != nil {
			return err
		}
	}
	printBucket(c, bucket, keys)
	return nil
}

// bucketArgument reads BUCKET or s3://BUCKET[/].
func bucketArgument(name string) (string, error) {
	bucket, key, ok := cutURI(name)
	switch {
	case name == "":
		return "", fail(exitUsage, "the name of the bucket is empty")
	case !ok:
		return name, nil
	case bucket == "":
		return "", fail(exitUsage, "%s names no bucket: s3://BUCKET", name)
	case key != "":
		return "", fail(exitUsage, "%s names an object: a bucket is s3://%s", name, bucket)
	}
	return bucket, nil
}

// bucketError words an error of making a bucket for the command line.
func bucketError(bucket string, err error) error {
	switch errorCode(err) {
	case "BucketAlreadyOwnedByYou", "BucketAlreadyExists":
		return fail(exitFailure, "bucket %s exists already, and what it indexes stays as it is: take another name ('ecsfs searchkeys %s' lists its keys)", bucket, bucket)
	}
	return commandError(err)
}

// checkIndex asks for what the new bucket indexes: a store that is no ECS makes
// it without a word about the keys.
func checkIndex(ctx context.Context, client *ecs.Client, bucket string, keys []search.Key) error {
	schema, err := client.SearchKeys(ctx, bucket)
	if err != nil {
		return fail(codeOf(err), "bucket %s is made, and what it indexes cannot be asked for: %w", bucket, err)
	}
	if !schema.Enabled {
		return fail(exitQuery, "bucket %s is made, and nothing is indexed in it: %s has no metadata search", bucket, client.Endpoint())
	}
	for _, k := range keys {
		has := func(i search.Key) bool { return strings.EqualFold(i.Name, k.Name) && i.Type == k.Type }
		if !slices.ContainsFunc(schema.Indexed, has) {
			return fail(exitFailure, "bucket %s is made, and %s is not indexed in it as %s: 'ecsfs searchkeys %s' tells what is", bucket, k.Name, k.Type, bucket)
		}
	}
	return nil
}

// printBucket tells what was made, and how it is searched.
func printBucket(c *cli.Context, bucket string, keys []search.Key) {
	w := c.App.Writer
	if len(keys) == 0 {
		fmt.Fprintf(w, "bucket %s is made, without metadata search: --index would have enabled it, and only then\n", bucket)
		return
	}
	fmt.Fprintf(w, "bucket %s is made; it indexes\n", bucket)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, k := range keys {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", k.Short(), k.Name, k.Type)
	}
	t.Flush()
	fmt.Fprintf(w, "Search it with:  ecsfs query %s %s\n", bucket, exampleQuery(keys))
}

// exampleQuery is a query to try on a bucket with these keys, which are not none:
// one of its own where it has any.
func exampleQuery(keys []search.Key) string {
	key := keys[0]
	for _, k := range keys {
		if k.User() {
			key = k
			break
		}
	}
	switch key.Type {
	case search.Integer:
		if key.Name == "Size" {
			return key.Short() + ",gt,1M"
		}
		return key.Short() + ",gt,3"
	case search.Decimal:
		return key.Short() + ",gt,0.5"
	case search.Datetime:
		return key.Short() + ",newer,7d"
	}
	if key.User() {
		return key.Short() + ",exists"
	}
	return key.Short() + ",prefix,a"
}
