package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
)

// The longest and shortest life of a signed URL: what signature version 4 takes.
const (
	minExpires     = time.Second
	maxExpires     = 7 * 24 * time.Hour
	defaultExpires = time.Hour
)

// maxAnswer is the most rows of one answer of the store.
const maxAnswer = 1000

func presignCommand() *cli.Command {
	store, expires := defaultStoreOptions(), defaultExpires
	return &cli.Command{
		Name:      "presign",
		Usage:     "print a URL by which anyone can get an object, or the answer of a search",
		ArgsUsage: "[options] s3://BUCKET/KEY, or BUCKET[/FOLDER] COMPONENT...",
		Description: `Prints a URL that is signed with your key pair: whoever has it can get the object, or send the
search, without a key pair, until it expires. Nothing else can be done with it. The object need
not exist yet. A search answers with the store's own XML, one page; its components are those of
"ecsfs query", ages counting from now; what the store cannot compare is told, since nobody will
check it.

  curl -o red.png "$(ecsfs presign s3://photos/2026/red.png --expires 1d)"
  curl "$(ecsfs presign photos size,gt,1M color,eq,red)"`,
		Flags: append([]cli.Flag{
			&cli.GenericFlag{Name: "expires", Value: &value[time.Duration]{&expires, parseExpires, ""}, DefaultText: "1h",
				Usage: "the URL works for `DURATION`: from 1s to 7d"},
		}, store.flags()...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return presign(c, &store, args, expires)
		},
	}
}

// parseExpires reads the life of a URL.
func parseExpires(text string) (time.Duration, error) {
	d, err := parseDuration(text)
	if err == nil && (d < minExpires || d > maxExpires) {
		return 0, fmt.Errorf("a signed URL works for 1s to 7d")
	}
	return d.Truncate(time.Second), err
}

// presign prints the URL for the object or the search that args name.
func presign(c *cli.Context, so *storeOptions, args []string, expires time.Duration) error {
	bucket, key, isObject := cutURI(args[0])
	switch {
	case isObject && len(args) > 1:
		return fail(exitUsage, "unexpected argument %q: one object a URL; a search is BUCKET[/FOLDER] COMPONENT..., without s3://", args[1])
	case isObject && (bucket == "" || key == ""):
		return fail(exitUsage, "%s names no object: s3://BUCKET/KEY", args[0])
	case isObject:
		if err := checkKey(key); err != nil {
			return fail(exitUsage, "%s: %w", printable(args[0]), err)
		}
	}
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	var url string
	if isObject {
		url, err = client.Presign(c.Context, bucket, key, expires)
		err = commandError(err)
	} else {
		url, err = presignQuery(c, client, args[0], args[1:], expires)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, url)
	return nil
}

// takesPrefix reports whether the server says that it is an ECS that searches
// below a prefix. Whoever gets the URL sees what another one finds.
func takesPrefix(ctx context.Context, client *ecs.Client) bool {
	nodes, err := client.DataNodes(ctx)
	return err == nil && nodes.AtLeast(3, 6)
}

// presignQuery returns the URL of the server's part of a search, and says on
// standard error what is not in it.
func presignQuery(c *cli.Context, client *ecs.Client, path string, components []string, expires time.Duration) (string, error) {
	p, err := walkQuery(c.Context, client.Store(), path, components)
	if err != nil {
		return "", err
	}
	switch {
	case p.File.Word != "":
		return "", fail(exitUsage, "@%s is no search: only what the store answers can be signed", p.File.Word)
	case p.Dir.Where == nil:
		object := path
		if !strings.Contains(path, "/") {
			object += "/KEY"
		}
		return "", fail(exitUsage, "no query given: name at least one, such as size,gt,100M, or an object as s3://%s", object)
	}
	p.Schema.Engine = search.EngineSearch // whoever gets the URL has no other
	plan, err := search.NewPlan(p.Schema, p.Dir.Results(time.Now(), time.Second))
	switch {
	case search.KindOf(err) == search.KindUnsupported:
		e, _ := errors.AsType[*search.Error](err)
		return "", fail(exitQuery, "%s: only what the store itself can answer can be signed", e.Why())
	case err != nil:
		return "", err
	}
	order, limit := plan.Listing.Order, plan.Listing.Limit
	if plan.Check != nil {
		fmt.Fprintf(c.App.ErrWriter, "ecsfs: the answer will have more than was asked for: the store cannot check %s; 'ecsfs explain' tells why\n", plan.Check)
	}
	if plan.Prefix != "" && !takesPrefix(c.Context, client) {
		fmt.Fprintf(c.App.ErrWriter, "ecsfs: the answer may have objects outside %s: ECS before 3.6.2, which this one may be, searches the whole bucket\n", printable(plan.Prefix))
	}
	if !order.IsZero() && plan.SortBy == "" {
		fmt.Fprintf(c.App.ErrWriter, "ecsfs: the answer will be in the store's own order: the store cannot order by %s here; 'ecsfs explain' tells why\n", order)
	}
	if plan.Check != nil || !order.IsZero() && plan.SortBy == "" || limit > maxAnswer {
		limit = 0 // the first of the answer need not be the first of the results
	}
	return client.PresignQuery(c.Context, ecs.QueryInput{
		Bucket: p.Dir.Bucket, Expression: plan.Wire, Prefix: plan.Prefix, Attributes: plan.Attributes,
		Sorted: plan.SortBy, MaxKeys: limit, OlderVersions: plan.Listing.Versions,
	}, expires)
}
