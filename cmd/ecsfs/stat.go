package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/fs"
)

func statCommand() *cli.Command {
	var keyOnly, asJSON bool
	return &cli.Command{
		Name:      "stat",
		Usage:     "tell which object a file in a mount is: key, URI, etag, metadata",
		ArgsUsage: "[options] PATH...",
		Description: `Tells which object each file in a mount is: key, URI, etag, version and metadata. It asks the
mount, so it needs neither endpoint nor key pair.

  ecsfs stat /mnt/ecs/photos/size,gt,1M/*`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "key", Destination: &keyOnly, Usage: "print the key and nothing else"},
			&cli.BoolFlag{Name: "json", Destination: &asJSON, Usage: "print one JSON object a line"},
		},
		Action: func(c *cli.Context) error {
			paths, err := arguments(c, 1, -1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			if keyOnly && asJSON {
				return fail(exitUsage, "--key and --json exclude each other")
			}
			for i, path := range paths {
				if i > 0 && !keyOnly && !asJSON {
					fmt.Fprintln(c.App.Writer)
				}
				if err := statFile(c.App.Writer, path, keyOnly, asJSON); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// statFile writes to w which object the file at path is.
func statFile(w io.Writer, path string, keyOnly, asJSON bool) error {
	text, err := readMeta(path)
	if err != nil {
		return err
	}
	if asJSON {
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			return fail(exitFailure, "%s: the mount's answer is no JSON: %w", path, err)
		}
		_, err = fmt.Fprintln(w, line.String())
		return err
	}
	var o fs.ObjectJSON
	if err := json.Unmarshal(text, &o); err != nil {
		return fail(exitFailure, "%s: the mount's answer is no JSON: %w", path, err)
	}
	if !keyOnly {
		return printObject(w, &o)
	}
	key, err := o.ExactKey()
	if err == nil {
		_, err = fmt.Fprintln(w, key)
	}
	return err
}

// readMeta returns what the mount tells about the file at path, as JSON.
func readMeta(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fail(exitUsage, "%s is a directory: name files in it", path)
	case err == nil:
		if below, mountErr := belowOwnMount(path); mountErr == nil && !below {
			return nil, fail(exitMount, "%s is in no ecsfs mount%s", path, ownMounts())
		}
		var text []byte
		if text, err = os.ReadFile(filepath.Dir(path) + "/@meta," + filepath.Base(path)); err == nil {
			return text, nil
		}
	}
	return nil, fail(statCode(err), "%s: %w", path, pathCause(err))
}

// statCode returns the exit code for an error of the mount.
func statCode(err error) exitCode {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return exitNotExist
	case errors.Is(err, os.ErrPermission):
		return exitRefused
	case errors.Is(err, syscall.ETIMEDOUT):
		return exitTimeout
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EFBIG):
		return exitQuery
	}
	return exitFailure
}

// belowOwnMount reports whether path lies in a mount of this program.
func belowOwnMount(path string) (bool, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return false, err
	}
	all, err := mounts()
	if err != nil {
		return false, err
	}
	return ecsfsMount(dir, all) != "", nil
}

// printObject writes o for people.
func printObject(w io.Writer, o *fs.ObjectJSON) error {
	modified := "unknown"
	if o.Modified != nil {
		modified = *o.Modified
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, row := range [][2]string{
		{"key", printable(o.Key)}, {"uri", printable(o.URI)}, {"size", fmt.Sprint(o.Size)}, {"modified", modified},
		{"etag", o.ETag}, {"version", o.Version}, {"content type", o.ContentType},
	} {
		if row[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Metadata)) {
		fmt.Fprintf(t, "%s\t%s\n", printable(name), printable(o.Metadata[name]))
	}
	return t.Flush()
}
