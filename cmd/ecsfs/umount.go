package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func umountCommand() *cli.Command {
	return &cli.Command{
		Name:      "umount",
		Aliases:   []string{"unmount"},
		Usage:     "unmount what 'ecsfs mount' has mounted",
		ArgsUsage: "DIR...",
		Description: `Unmounts DIR; the process that served it then ends. Where DIR is in use, it disappears
at once all the same, and those who use it keep it until they end.

  ecsfs umount /mnt/ecs`,
		Action: func(c *cli.Context) error {
			dirs, err := arguments(c, 1, -1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			for _, dir := range dirs {
				if err := umount(c, dir); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// umount unmounts the ecsfs mount on dir.
func umount(c *cli.Context, dir string) error {
	abs, err := resolveDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fail(exitNotExist, "%s does not exist", dir)
	case err != nil:
		return fail(exitMount, "%s: %w", dir, pathCause(err))
	}
	entry, mounted, err := mountedOn(abs)
	switch {
	case err != nil:
		return err
	case !mounted:
		return fail(exitMount, "%s is no ecsfs mount: nothing is mounted there%s", abs, ownMounts())
	case entry.Type != fsType:
		return fail(exitMount, "%s is no ecsfs mount but one of type %s: umount %s", abs, entry.Type, shellQuote(abs))
	}
	err = unmount(abs, false)
	if errors.Is(err, unix.EBUSY) {
		fmt.Fprintf(c.App.ErrWriter, "ecsfs: %s is in use: it is unmounted now, and those who use it keep it until they end\n", abs)
		err = unmount(abs, true)
	}
	switch {
	case errors.Is(err, syscall.EPERM):
		return fail(exitMount, "%s: %w: only root and the user who mounted it may unmount it", abs, err)
	case err != nil:
		return fail(exitMount, "%s: %w", abs, err)
	}
	return nil
}

// ownMounts names the ecsfs mounts that there are, for an error.
func ownMounts() string {
	all, err := mounts()
	text := ""
	for _, m := range all {
		if err == nil && m.Type == fsType {
			text += " " + m.Dir
		}
	}
	if text == "" {
		return ""
	}
	return " (ecsfs mounts:" + text + ")"
}
