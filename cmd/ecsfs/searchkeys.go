package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
)

func searchkeysCommand() *cli.Command {
	store := defaultStoreOptions()
	return &cli.Command{
		Name:      "searchkeys",
		Usage:     "list the keys that can be searched, of one bucket or all",
		ArgsUsage: "[options] [BUCKET]",
		Description: `Lists the keys that can be searched in BUCKET, or in every bucket: the name to type, the
store's own name, the datatype, and whether the store's index has it or it is checked here.

  ecsfs searchkeys photos`,
		Flags: store.flags(),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return searchkeys(c, &store, args)
		},
	}
}

// searchkeys prints the keys of the bucket named in args, or of all buckets.
func searchkeys(c *cli.Context, so *storeOptions, args []string) error {
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		schema, err := client.SearchKeys(c.Context, args[0])
		if err != nil {
			return err
		}
		if !schema.Enabled {
			return fail(exitQuery, "bucket %s has no metadata search: ECS enables it only when a bucket is created", args[0])
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
		schema, err := client.SearchKeys(c.Context, b.Name)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(c.App.Writer)
		}
		fmt.Fprintln(c.App.Writer, b.Name+":")
		if schema.Enabled {
			fmt.Fprint(c.App.Writer, search.SearchKeysTable(schema))
		} else {
			fmt.Fprintln(c.App.Writer, "no metadata search")
		}
	}
	return nil
}
