package main

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"github.com/urfave/cli/v2"
)

func mountCommand(inv *invocation) *cli.Command {
	store, mo, disk, d := defaultStoreOptions(), defaultMountOptions(), defaultDiskOptions(), daemonOptions{}
	return &cli.Command{
		Name:      "mount",
		Usage:     "mount the store on a directory",
		ArgsUsage: "[options] DIR [-- COMMAND...]",
		Description: `Mounts the store on DIR, an empty directory: below it a path is a metadata query, and its
results are read-only files. Runs in the foreground until Ctrl-C or 'ecsfs umount DIR'.

  ecsfs mount --endpoint https://ecs.example.com:9021 /mnt/ecs
  ls -l /mnt/ecs/photos/size,gt,1M/color,eq,red     (in another shell)

With "-- COMMAND" it runs COMMAND with ECSFS_MOUNT set to DIR, unmounts, and exits with the
command's status:

  ecsfs mount /mnt/ecs -- sh -c 'tar cf red.tar -C "$ECSFS_MOUNT/photos/color,eq,red" .'

The key pair comes from ECSFS_ACCESS_KEY_ID and ECSFS_SECRET_ACCESS_KEY, --credentials-file, or
where other S3 tools have it: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, SSO, an
instance's role. An option on the command line wins over its variable.`,
		Flags: slices.Concat(d.flags(), mo.flags(), disk.flags(), store.searchFlags(), store.flags()),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return mount(c, args[0], inv.Command, &store, &mo, &disk, &d)
		},
	}
}

// mount mounts the store on dir and serves it until it is told to end.
func mount(c *cli.Context, dir string, command []string, so *storeOptions, mo *mountOptions, do *diskOptions, d *daemonOptions) error {
	if d.Daemon && command != nil {
		return fail(exitUsage, "--daemon and -- COMMAND exclude each other")
	}
	if d.Daemon && !d.isChild() {
		return d.startChild(c.Context)
	}
	var cmd *exec.Cmd
	if command != nil {
		var err error
		if cmd, err = findCommand(command); err != nil {
			return err
		}
	}
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	if err := checkStore(c.Context, client); err != nil {
		return err
	}
	disk, err := do.open(client.Endpoint(), so)
	if err != nil {
		return err
	}
	m, err := mountStore(client, dir, so, mo, disk)
	if err != nil {
		return err
	}
	defer m.close()
	if cmd != nil {
		return m.runCommand(cmd, c.App.ErrWriter)
	}
	ends := "Ctrl-C or "
	if d.Daemon {
		ends = ""
	}
	fmt.Fprintf(c.App.ErrWriter, "ecsfs: %s is mounted on %s (%secsfs umount %s ends it)\n", client.Endpoint(), m.Dir(), ends, shellQuote(m.Dir()))
	if d.Daemon {
		if err := d.detach(); err != nil {
			return errors.Join(err, m.unmount(c.App.ErrWriter))
		}
	}
	return m.serve(c.Context, c.App.ErrWriter)
}
