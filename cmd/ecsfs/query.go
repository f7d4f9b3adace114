package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// queryOptions say how results are printed.
type queryOptions struct {
	JSON, Count, Null bool
	Under             string // a mountpoint: print paths in it
}

func queryCommand() *cli.Command {
	store, o := defaultStoreOptions(), queryOptions{}
	return &cli.Command{
		Name:      "query",
		Usage:     "search without a mount: print the objects that match",
		ArgsUsage: "[options] BUCKET[/FOLDER] COMPONENT...",
		Description: `Prints the objects below FOLDER that match every COMPONENT: size in bytes, time of last
modification, key. A component is what a name in a path would be in a mount: a query; @sort,KEY,
@limit,N or @versions (which adds a column, the version); or, as the last one, a file or menu
such as @manifest.csv, @by/color or @explain, which is printed.

  ecsfs query photos size,gt,1M color,in,red,blue
  ecsfs query photos color,eq,red @sort,-size @limit,10
  ecsfs query photos/2026 '(size>1M or color==red) and not owner==bob'
  ecsfs query logs errors,gt,0 -0 --under /mnt/ecs | xargs -0 grep -l timeout`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "json", Destination: &o.JSON, Usage: "print one JSON object a line: key, uri, etag, version, size, times, metadata"},
			&cli.BoolFlag{Name: "count", Destination: &o.Count, Usage: "print how many objects match, and nothing else"},
			&cli.BoolFlag{Name: "0", Aliases: []string{"null"}, Destination: &o.Null, Usage: "print keys (or paths) alone, each ended by a NUL byte, for xargs -0"},
			&cli.StringFlag{Name: "under", Destination: &o.Under, Usage: "print paths in the mount on `DIR` instead of keys"},
		}, append(store.searchFlags(), store.flags()...)...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return query(c, &store, &o, args[0], args[1:])
		},
	}
}

// query prints the objects at path that match every component.
func query(c *cli.Context, so *storeOptions, o *queryOptions, path string, components []string) error {
	if err := o.check(); err != nil {
		return err
	}
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	p, err := walkQuery(c.Context, client.Store(), path, components)
	if err != nil {
		return err
	}
	switch {
	case p.File.Word != "" && *o != queryOptions{}:
		return fail(exitUsage, "@%s is printed as it is: --json, --count, -0 and --under are for results", p.File.Word)
	case p.File.Word != "":
		return printFile(c, client.Store(), p)
	case p.Dir.IsPlain() && !p.Dir.Tree:
		return fail(exitUsage, "no query given: name at least one, such as size,gt,100M ('ecsfs searchkeys %s' lists the keys)", p.Dir.Bucket)
	}
	return o.print(c, results(c.Context, client.Store(), p.Dir), p)
}

// results returns the objects that d and the folders in it show.
func results(ctx context.Context, store search.Querier, d search.Dir) iter.Seq2[search.Object, error] {
	l := d.Results(time.Now(), time.Second)
	if l.Limit == 0 { // else the first ones are those of the whole tree
		l.Prefix += d.Below
	}
	return func(yield func(search.Object, error) bool) {
		for o, err := range store.Query(ctx, l) {
			// A folder of a tree shows a part of the tree's results.
			if (err != nil || strings.HasPrefix(o.Key, d.Prefix+d.Below)) && !yield(o, err) {
				return
			}
		}
	}
}

func (o *queryOptions) check() error {
	switch {
	case o.JSON && o.Count, o.JSON && o.Null, o.Count && o.Null:
		return fail(exitUsage, "--json, --count and -0 exclude each other")
	case o.Under != "" && (o.JSON || o.Count):
		return fail(exitUsage, "--under prints paths: it goes with -0 or alone")
	case o.Under == "":
		return nil
	}
	abs, err := resolveDir(o.Under)
	if err != nil {
		return fail(exitNotExist, "--under %s: %w", o.Under, pathCause(err))
	}
	if entry, mounted, err := mountedOn(abs); err != nil {
		return err
	} else if !mounted || entry.Type != fsType {
		return fail(exitMount, "--under %s: no ecsfs mount is there%s", o.Under, ownMounts())
	}
	return nil
}

// print writes the results as o says. A search that breaks off is an error that
// tells how much was printed.
func (o *queryOptions) print(c *cli.Context, results iter.Seq2[search.Object, error], p place) error {
	out := bufio.NewWriter(c.App.Writer)
	n, paths := 0, newPaths(o.Under, p)
	if o.Under != "" {
		results = paths.ahead(results)
	}
	for object, err := range results {
		if err == nil {
			n++
			err = o.printOne(out, &object, p, &paths)
		}
		if err != nil {
			if flushErr := out.Flush(); flushErr != nil {
				return err
			}
			return brokeOff(err, n, "object")
		}
	}
	if o.Count {
		fmt.Fprintln(out, n)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if n == 0 && !o.Count {
		fmt.Fprintln(c.App.ErrWriter, "ecsfs: nothing matches")
	}
	return nil
}

// brokeOff is err, by which a listing broke off, with how many things were printed before.
func brokeOff(err error, n int, thing string) error {
	if err == nil || n == 0 {
		return err
	}
	return fail(codeOf(err), "incomplete, broke off after %s: %w", search.Plural(n, thing), err)
}

// printOne writes one result.
func (o *queryOptions) printOne(w io.Writer, object *search.Object, p place, paths *paths) error {
	end := "\n"
	if o.Null {
		end = "\x00"
	}
	var err error
	switch {
	case o.Count:
	case o.JSON:
		line := fs.NewObjectJSON(p.Dir.Bucket, object)
		_, err = w.Write(line.Line())
	case o.Under != "":
		_, err = io.WriteString(w, paths.of(object)+end)
	case o.Null:
		_, err = io.WriteString(w, object.Key+end)
	default:
		version := ""
		if p.Dir.Versions {
			version = cmp.Or(object.VersionID, "-") + "  "
		}
		_, err = fmt.Fprintf(w, "%12d  %s  %s%s\n", object.Size, metaTime(object.ModTime), version, printable(object.Key))
	}
	return err
}

// printable returns s as it can be shown in a line of a table: quoted where a
// character could break the line or act on a terminal.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(s)
		}
	}
	return s
}
