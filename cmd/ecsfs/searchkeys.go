package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
)

func searchkeysCommand() *cli.Command {
	store, system, asJSON := defaultStoreOptions(), false, false
	return &cli.Command{
		Name:      "searchkeys",
		Usage:     "list the keys that can be searched, of one bucket or all",
		ArgsUsage: "[options] [BUCKET]",
		Description: `Lists the keys that can be searched in BUCKET, or in every bucket: the name to type, the
store's own name, the datatype, and whether the store's index has it or it is checked here. In a
bucket without metadata search, which is searched by listing it, they are those that a listing
has, and with --scan-metadata those that cost one request for each object.
With --system, the system keys that the store can index in a new bucket, and those that a
search can only return.

  ecsfs searchkeys photos
  ecsfs searchkeys --system`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "system", Destination: &system, Usage: "list what this store can index, and return, of any bucket"},
			&cli.BoolFlag{Name: "json", Destination: &asJSON, Usage: "print one JSON object a line: bucket, key, name, datatype, indexed (or indexable)"},
		}, append(store.searchFlags(), store.flags()...)...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1, c.Command.ArgsUsage)
			switch {
			case err != nil:
				return err
			case system && len(args) > 0:
				return fail(exitUsage, "--system is about the store: it goes without a bucket")
			case system:
				return systemKeys(c, &store, asJSON)
			}
			return searchkeys(c, &store, args, asJSON)
		},
	}
}

// searchkeys prints the keys of the bucket named in args, or of all buckets.
func searchkeys(c *cli.Context, so *storeOptions, args []string, asJSON bool) error {
	bucket := ""
	if len(args) == 1 {
		var err error
		if bucket, err = bucketArgument(args[0]); err != nil {
			return err
		}
	}
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	if bucket != "" {
		schema, err := client.Store().Schema(c.Context, bucket)
		switch {
		case err != nil:
			return err
		case len(search.SearchableKeys(schema)) == 0:
			return fail(exitQuery, "bucket %s has no metadata search: ECS enables it only when a bucket is created; --engine scan lists every object instead", bucket)
		case asJSON:
			return printKeysJSON(c.App.Writer, schema)
		}
		fmt.Fprint(c.App.Writer, search.SearchKeysTable(schema))
		return nil
	}
	buckets, err := client.Store().Buckets(c.Context)
	if err != nil {
		return err
	}
	if len(buckets) == 0 {
		fmt.Fprintln(c.App.ErrWriter, "ecsfs: there are no buckets")
	}
	for i, b := range buckets {
		schema, err := client.Store().Schema(c.Context, b.Name)
		if err != nil {
			return err
		}
		if asJSON {
			if err := printKeysJSON(c.App.Writer, schema); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(c.App.Writer)
		}
		fmt.Fprint(c.App.Writer, b.Name+":\n"+search.SearchKeysTable(schema))
	}
	return nil
}

// systemKeys prints what the store can index, and what a search can return.
func systemKeys(c *cli.Context, so *storeOptions, asJSON bool) error {
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	schema, err := client.SystemKeys(c.Context)
	switch {
	case err != nil:
		return err
	case !schema.Enabled:
		return fail(exitQuery, "%s has no metadata search: it is no ECS", client.Endpoint())
	case asJSON:
		return printSystemKeysJSON(c.App.Writer, schema)
	}
	t := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, k := range schema.Indexed {
		fmt.Fprintf(t, "%s\t%s\t%s\tindexable\n", printable(k.Short()), printable(k.Name), k.Type)
	}
	for _, k := range returnedOnly(schema) {
		fmt.Fprintf(t, "%s\t%s\t%s\treturned\n", printable(k.Short()), printable(k.Name), k.Type)
	}
	return t.Flush()
}

// returnedOnly returns the attributes that are not indexed, or indexable.
func returnedOnly(s search.Schema) []search.Key {
	return slices.DeleteFunc(slices.Clone(s.Attributes), func(k search.Key) bool {
		return slices.ContainsFunc(s.Indexed, func(i search.Key) bool { return i.Name == k.Name })
	})
}

// keyJSON is one key as JSON.
type keyJSON struct {
	Bucket    string `json:"bucket,omitempty"` // "": what the store can do in any
	Key       string `json:"key"`              // as it is typed
	Name      string `json:"name"`             // the store's own
	Datatype  string `json:"datatype"`
	Indexed   *bool  `json:"indexed,omitempty"`
	Indexable *bool  `json:"indexable,omitempty"`
}

// printKeysJSON prints the keys that can be searched in a bucket.
func printKeysJSON(w io.Writer, s search.Schema) error {
	out := json.NewEncoder(w)
	for _, k := range search.SearchableKeys(s) {
		if err := out.Encode(keyJSON{Bucket: s.Bucket, Key: k.Short(), Name: k.Name, Datatype: k.Type.String(), Indexed: &k.Indexed}); err != nil {
			return err
		}
	}
	return nil
}

// printSystemKeysJSON prints the keys that the store can index, and return.
func printSystemKeysJSON(w io.Writer, s search.Schema) error {
	out := json.NewEncoder(w)
	for i, k := range slices.Concat(s.Indexed, returnedOnly(s)) {
		indexable := i < len(s.Indexed)
		if err := out.Encode(keyJSON{Key: k.Short(), Name: k.Name, Datatype: k.Type.String(), Indexable: &indexable}); err != nil {
			return err
		}
	}
	return nil
}
