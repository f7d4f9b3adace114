package fs

import (
	"context"
	"fmt"
	"strings"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// directive finds a name that begins with "@". schemaErr says that the schema
// could not be had; @errors must be readable then above all.
func (n *dirNode) directive(ctx context.Context, name string, d search.Directive, schema search.Schema, schemaErr error, out *fuse.EntryOut) (*gofuse.Inode, error) {
	if dir, ok := n.dir.Modify(d); ok {
		if schemaErr != nil {
			return nil, schemaErr
		}
		return n.fs.directory(ctx, &n.Inode, name, dir, n.mtime, n.fs.TTL, out), nil
	}
	var text string
	switch d.Word {
	case "by":
		if schemaErr != nil {
			return nil, schemaErr
		}
		return n.menus(ctx, name, schema, out)
	case "manifest.jsonl", "manifest.csv":
		if schemaErr != nil {
			return nil, schemaErr
		}
		format := ManifestJSONL
		if d.Word == "manifest.csv" {
			format = ManifestCSV
		}
		return n.manifest(ctx, name, format, schema, out)
	case "errors":
		text = n.fs.errors.Text()
	case "help", "explain", "searchkeys":
		if schemaErr != nil {
			return nil, schemaErr
		}
		text = n.render(d, schema)
	case "meta":
		var err error
		if text, err = n.meta(ctx, d); err != nil {
			return nil, err
		}
	case "refresh":
		return n.refresh(ctx, name, schema, out), nil // without a schema too
	case "stats":
		return nil, &search.Error{Op: "lookup", Kind: search.KindNotExist, Reason: "@stats is at the root of the mount"}
	}
	return n.fs.virtual(ctx, &n.Inode, name, []byte(text), out), nil
}

// render returns the text of a virtual file that the schema and the path alone decide.
func (n *dirNode) render(d search.Directive, schema search.Schema) string {
	now := n.fs.Now()
	switch {
	case d.Word == "help":
		return search.Help(schema)
	case d.Word == "searchkeys":
		return search.SearchKeysTable(schema)
	case d.Rest != "":
		return search.ExplainComponent(schema, n.dir, d.Rest, now, n.fs.TTL)
	}
	return search.Explain(schema, n.dir, now, n.fs.TTL) + n.lastRun(now)
}

// lastRun tells about the kept listing, if there is one.
func (n *dirNode) lastRun(now time.Time) string {
	snapshot := n.fs.Store.Peek(n.listing())
	if snapshot == nil {
		return ""
	}
	defer snapshot.Close()
	rows, complete := snapshot.Len()
	state := "complete"
	if !complete {
		state = "so far"
	}
	return fmt.Sprintf("last run: %s %s, begun %s ago, used for another %s\n", search.Plural(rows, "row"), state,
		now.Sub(snapshot.Taken()).Round(time.Second), n.fs.until(snapshot.Expires()).Round(time.Second))
}

// meta returns the content of @meta,NAME.
func (n *dirNode) meta(ctx context.Context, d search.Directive) (string, error) {
	if d.Rest == "" {
		return "", &search.Error{Op: "lookup", Kind: search.KindInvalid, Reason: "@meta needs the name of a file here",
			Hint: "@meta,NAME"}
	}
	t, err := n.resolve(ctx, d.Rest, true)
	if err != nil {
		return "", err
	}
	t.objectOnly = true // of an object and a folder of one name, only the object has metadata
	found, err := n.find(ctx, t, true)
	if err != nil {
		return "", err
	}
	o, err := n.fs.Store.Stat(ctx, search.Ref{Bucket: n.dir.Bucket, Key: found.object.Key, VersionID: t.version})
	if err != nil {
		return "", err
	}
	meta := NewObjectJSON(n.dir.Bucket, &o)
	return string(meta.Text()), nil
}

// cacheDirTag marks the mount for backup programs as one to leave out
// (bford.info/cachedir): what is in it is in the store.
var cacheDirTag = strings.Join([]string{
	"Signature: 8a477f597d28d172789f06886806bc55",
	"# This is a mount of an object store by ecsfs, not data of this machine.",
	"# See https://bford.info/cachedir/",
	"",
}, "\n")
