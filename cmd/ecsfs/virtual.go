package main

import (
	"context"
	"encoding/json"
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
	case "meta":
		return printMeta(c.Context, c.App.Writer, store, p)
	default:
		return fail(exitQuery, "@%s belongs to a mount: read it there, as in 'cat /mnt/ecs/%s'", d.Word,
			strings.Join(append([]string{p.Dir.Bucket}, p.Components...), "/"))
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
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(newObjectJSON(p.Dir.Bucket, &o))
}

// objectNamed returns the object that has this name in a mount's view of d, as
// a HEAD tells it.
func objectNamed(ctx context.Context, store search.Store, d search.Dir, name string) (search.Object, error) {
	none := fail(exitNotExist, "%s: no such file", printable(name))
	decoded, canonical := fs.DecodeSegment(name), fs.CanonicalSegment(name)
	if d.IsFlat() {
		decoded, canonical = fs.DecodeFlat(name), fs.CanonicalFlat(name)
	}
	ref := search.Ref{Bucket: d.Bucket, Key: d.Prefix + d.Below + decoded.Text}
	if !canonical {
		return search.Object{}, none
	}
	l := d.Results(time.Now(), time.Second)
	// A shortened name, a version, a limit: only the results tell.
	if decoded.Hash == "" && !l.Versions && l.Limit == 0 {
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
		if named(d, &o, name) {
			ref.Key, ref.VersionID = o.Key, o.VersionID
			return store.Stat(ctx, ref)
		}
	}
	return search.Object{}, none
}

// named reports whether o has this name in d, in which folders may stand.
func named(d search.Dir, o *search.Object, name string) bool {
	rel, below := strings.CutPrefix(o.Key, d.Prefix+d.Below)
	switch {
	case !below:
		return false
	case d.IsFlat():
		return fs.EncodeFlat(rel) == name
	}
	return !strings.Contains(rel, "/") && (fs.EncodeSegment(rel) == name || fs.EncodeTwin(rel) == name)
}
