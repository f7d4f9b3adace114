package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// writeLocal writes a data set as plain files below dir.
func writeLocal(dir string, d dataset) error {
	if err := os.MkdirAll(filepath.Join(dir, d.Name), 0o755); err != nil {
		return err
	}
	for i := range d.Count {
		name := filepath.Join(dir, d.key(i))
		if d.Text {
			if err := os.WriteFile(name, d.text(i), 0o644); err != nil {
				return err
			}
			continue
		}
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		_, err = io.CopyBuffer(f, struct{ io.Reader }{io.NewSectionReader(d.binary(), 0, d.Size)}, make([]byte, 1<<20))
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func localCommand() *cli.Command {
	return &cli.Command{
		Name:      "local",
		Usage:     "write data sets as plain files",
		ArgsUsage: "DIR",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "sets", Usage: "the data sets `NAMES`", Required: true},
			&cli.BoolFlag{Name: "smoke", Usage: "small data sets"},
		},
		Action: func(c *cli.Context) error {
			for _, name := range c.StringSlice("sets") {
				d, err := findSet(name, c.Bool("smoke"))
				if err != nil {
					return err
				}
				if err := writeLocal(c.Args().First(), d); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
