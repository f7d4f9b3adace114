package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
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
modification, key. A component is what a directory's name would be in a mount.

  ecsfs query photos size,gt,1M color,in,red,blue
  ecsfs query photos/2026 '(size>1M or color==red) and not owner==bob'
  ecsfs query logs errors,gt,0 -0 --under /mnt/ecs | xargs -0 grep -l timeout`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "json", Destination: &o.JSON, Usage: "print one JSON object a line: key, uri, etag, version, size, times, metadata"},
			&cli.BoolFlag{Name: "count", Destination: &o.Count, Usage: "print how many objects match, and nothing else"},
			&cli.BoolFlag{Name: "0", Aliases: []string{"null"}, Destination: &o.Null, Usage: "print keys (or paths) alone, each ended by a NUL byte, for xargs -0"},
			&cli.StringFlag{Name: "under", Destination: &o.Under, Usage: "print paths in the mount on `DIR` instead of keys"},
		}, store.flags()...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return query(c, &store, o, args[0], args[1:])
		},
	}
}

// query prints the objects at path that match every component.
func query(c *cli.Context, so *storeOptions, o queryOptions, path string, components []string) error {
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
	if p.Dir.Where == nil {
		return fail(exitUsage, "no query given: name at least one, such as size,gt,100M ('ecsfs searchkeys %s' lists the keys)", p.Dir.Bucket)
	}
	return o.print(c, client.Store().Query(c.Context, p.Dir.Listing(time.Now(), time.Second)), p)
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
func (o *queryOptions) print(c *cli.Context, results func(func(search.Object, error) bool), p place) error {
	out := bufio.NewWriter(c.App.Writer)
	n := 0
	for object, err := range results {
		if err == nil {
			n++
			err = o.printOne(out, &object, p)
		}
		if err != nil {
			if flushErr := out.Flush(); flushErr != nil || n == 0 {
				return err
			}
			return fail(codeOf(err), "incomplete, broke off after %s: %w", search.Plural(n, "object"), err)
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

// printOne writes one result.
func (o *queryOptions) printOne(w io.Writer, object *search.Object, p place) error {
	end := "\n"
	if o.Null {
		end = "\x00"
	}
	var err error
	switch {
	case o.Count:
	case o.JSON:
		err = json.NewEncoder(w).Encode(newObjectJSON(p.Dir.Bucket, object))
	case o.Under != "":
		name := fs.EncodeFlat(strings.TrimPrefix(object.Key, p.Dir.Prefix))
		path := strings.Join(append(append([]string{strings.TrimRight(o.Under, "/"), p.Dir.Bucket}, p.Components...), name), "/")
		_, err = io.WriteString(w, path+end)
	case o.Null:
		_, err = io.WriteString(w, object.Key+end)
	default:
		_, err = fmt.Fprintf(w, "%12d  %s  %s\n", object.Size, metaTime(object.ModTime), printable(object.Key))
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
