package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// printFile writes the virtual file or the menu that p ends in, with what a
// mount's would hold.
func printFile(c *cli.Context, store search.Store, p place) error {
	now, lifetime := time.Now(), defaultMountOptions().TTL
	switch d := p.File; d.Word {
	case "help":
		printText(c, search.Help(p.Schema))
	case "searchkeys":
		printText(c, search.SearchKeysTable(p.Schema))
	case "explain":
		if d.Rest != "" {
			printText(c, search.ExplainComponent(p.Schema, p.Dir, d.Rest, now, lifetime))
		} else {
			printText(c, search.Explain(p.Schema, p.Dir, now, lifetime))
		}
	case "by":
		if p.Menu.Name != "" {
			return printMenu(c, store, p)
		}
		for _, k := range search.MenuKeys(p.Schema) {
			printText(c, printable(k.Short()))
		}
	case "manifest.jsonl":
		return printManifest(c, store, p, fs.ManifestJSONL)
	case "manifest.csv":
		return printManifest(c, store, p, fs.ManifestCSV)
	case "meta":
		return printMeta(c.Context, c.App.Writer, store, p)
	default:
		return fail(exitQuery, "@%s belongs to a mount: read it there, as in 'cat /mnt/ecs/%s'", d.Word,
			strings.Join(append([]string{p.Dir.Bucket}, p.Components...), "/"))
	}
	return nil
}

// printManifest writes all results of p in one format.
func printManifest(c *cli.Context, store search.Querier, p place, format fs.ManifestFormat) error {
	n, broken := 0, error(nil)
	err := fs.WriteManifest(c.App.Writer, format, p.Dir, p.Schema, func(yield func(search.Object, error) bool) {
		for o, err := range results(c.Context, store, p.Dir) {
			if broken = err; err == nil {
				n++
			}
			if !yield(o, err) {
				return
			}
		}
	})
	if broken != nil {
		return brokeOff(err, n, "object")
	}
	return err // of the output
}

// printMenu writes the values of a menu, each with the path of the results that have it.
func printMenu(c *cli.Context, store search.Searcher, p place) error {
	l := p.Dir.Values(p.Menu, time.Now(), time.Second)
	n := 0
	for item, err := range search.Values(c.Context, store, l) {
		if err == nil {
			n++
			path := strings.Join(append([]string{p.Dir.Bucket}, item.Path(p.Schema, p.Menu, p.typed())...), "/")
			_, err = fmt.Fprintf(c.App.Writer, "%-20s  %s\n", fs.EncodeMenuItem(item), printable(path))
		}
		if err != nil {
			return brokeOff(err, n, "value")
		}
	}
	return nil
}

// printMeta writes @meta,NAME: the object of this name in p, as JSON.
func printMeta(ctx context.Context, w io.Writer, store search.Store, p place) error {
	if p.File.Rest == "" {
		return fail(exitQuery, "@meta needs the name of a file: @meta,NAME")
	}
	o, err := objectNamed(ctx, store, p.Dir, p.File.Rest)
	if err != nil {
		return err
	}
	meta := fs.NewObjectJSON(p.Dir.Bucket, &o)
	_, err = w.Write(meta.Text())
	return err
}

// objectNamed returns the object that has this name in a mount's view of d, as
// a HEAD tells it.
func objectNamed(ctx context.Context, store search.Store, d search.Dir, name string) (search.Object, error) {
	none := fail(exitNotExist, "%s: no such file", printable(name))
	l := d.Results(time.Now(), time.Second)
	decoded := fs.DecodeSegment(name)
	if d.IsFlat() {
		decoded = fs.DecodeFlat(name)
	}
	// Of a shortened name, and below a limit, only the results tell.
	if decoded.Hash == "" && l.Limit == 0 {
		ref := search.Ref{Bucket: d.Bucket, Key: d.Prefix + d.Below + decoded.Text, VersionID: decoded.Version}
		if !named(d, decoded.Text, decoded.Version, name) {
			return search.Object{}, none
		}
		o, err := store.Stat(ctx, ref)
		if err != nil || search.Evaluate(l.Where, &o) == search.True {
			return o, err
		}
		if search.Evaluate(l.Where, &o) == search.False {
			return search.Object{}, none
		}
	}
	for o, err := range store.Query(ctx, l) {
		if err != nil {
			return search.Object{}, err
		}
		if rel, below := strings.CutPrefix(o.Key, d.Prefix+d.Below); below && named(d, rel, o.VersionID, name) {
			return store.Stat(ctx, search.Ref{Bucket: d.Bucket, Key: o.Key, VersionID: o.VersionID})
		}
	}
	return search.Object{}, none
}

// named reports whether the object with this key relative to d has this name
// in d, where a folder may have it as well.
func named(d search.Dir, rel, version, name string) bool {
	if !d.IsFlat() && strings.Contains(rel, "/") {
		return false
	}
	return fs.ResultName(d, rel, version, false) == name || fs.ResultName(d, rel, version, true) == name
}
