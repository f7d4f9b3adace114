package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"
)

// fileFlags are those of the subcommands that read the file of a binary set.
func fileFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "set", Usage: "the data set `NAME`, whose bytes the file must have", Required: true},
		&cli.BoolFlag{Name: "smoke", Usage: "small data sets"},
	}, more...)
}

// openSet opens the file that is the object of a set.
func openSet(c *cli.Context) (*os.File, dataset, error) {
	d, err := findSet(c.String("set"), c.Bool("smoke"))
	if err != nil {
		return nil, d, err
	}
	f, err := os.Open(c.Args().First())
	return f, d, err
}

func preadCommand() *cli.Command {
	return &cli.Command{
		Name:      "pread",
		Usage:     "read a file at random, and check what was read",
		ArgsUsage: "FILE",
		Flags:     fileFlags(append(randomFlags(), &cli.IntFlag{Name: "threads", Value: 1, Usage: "`N` readers"})...),
		Action: func(c *cli.Context) error {
			f, d, err := openSet(c)
			if err != nil {
				return err
			}
			defer f.Close()
			size, n, threads := c.Int64("size"), c.Int("n"), c.Int("threads")
			start := time.Now()
			var g errgroup.Group
			for t := range threads {
				g.Go(func() error {
					buf := make([]byte, size)
					for _, offset := range offsets(n/threads, size, d.Size, c.Uint64("seed")+uint64(t)<<32) {
						if _, err := f.ReadAt(buf, offset); err != nil {
							return err
						}
						if err := d.checkBinary(buf, offset); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				return err
			}
			return json.NewEncoder(c.App.Writer).Encode(figure{
				Seconds: time.Since(start).Seconds(), Done: n / threads * threads, Bytes: int64(n/threads*threads) * size})
		},
	}
}

func firstByteCommand() *cli.Command {
	return &cli.Command{
		Name:      "first-byte",
		Usage:     "open a file, and time its first byte after that",
		ArgsUsage: "FILE",
		Flags:     fileFlags(),
		Action: func(c *cli.Context) error {
			start := time.Now()
			f, d, err := openSet(c)
			if err != nil {
				return err
			}
			defer f.Close()
			opened := time.Now()
			var one [1]byte
			if _, err := f.Read(one[:]); err != nil {
				return err
			}
			fig := figure{Seconds: time.Since(opened).Seconds(), Open: opened.Sub(start).Seconds(), Done: 1, Bytes: 1}
			if err := d.checkBinary(one[:], 0); err != nil {
				return err
			}
			return json.NewEncoder(c.App.Writer).Encode(fig)
		},
	}
}

// mixCommand reads in the ways that reading ahead is fooled by.
func mixCommand() *cli.Command {
	return &cli.Command{
		Name:  "mix",
		Usage: "read files in the ways that fool reading ahead",
		Description: `Goes through the files of DIR in the order of the listing, in turns: reads twenty of them whole,
then stops and jumps on; the first bytes of ten; the last byte of ten; one in three of thirty; a few at random.`,
		ArgsUsage: "DIR",
		Action: func(c *cli.Context) error {
			dir := c.Args().First()
			entries, err := os.ReadDir(dir) // sorted by name
			if err != nil {
				return err
			}
			start := time.Now()
			fig, err := readMix(dir, entries)
			if err != nil {
				return err
			}
			fig.Seconds = time.Since(start).Seconds()
			return json.NewEncoder(c.App.Writer).Encode(fig)
		},
	}
}

// readMix is the work of mixCommand.
func readMix(dir string, entries []os.DirEntry) (figure, error) {
	var fig figure
	buf := make([]byte, 1<<20)
	// read reads up to n bytes of file i from offset on; a negative offset
	// counts from the end.
	read := func(i int, offset int64, n int) error {
		name := filepath.Join(dir, entries[i%len(entries)].Name())
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if offset < 0 {
			info, err := f.Stat()
			if err != nil {
				return err
			}
			offset += info.Size()
		}
		got, err := f.ReadAt(buf[:n], offset)
		if got == 0 && err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fig.Done++
		fig.Bytes += int64(got)
		return nil
	}
	const lap = 150
	for from := 0; from+lap <= len(entries); from += lap {
		for i := range 20 { // whole, in order; then no further
			if err := read(from+i, 0, len(buf)); err != nil {
				return fig, err
			}
		}
		for i := range 10 {
			if err := read(from+40+i, 0, 100); err != nil {
				return fig, err
			}
		}
		for i := range 10 {
			if err := read(from+70+i, -1, 1); err != nil {
				return fig, err
			}
		}
		for i := range 10 { // one in three
			if err := read(from+90+3*i, 0, len(buf)); err != nil {
				return fig, err
			}
		}
		for _, i := range offsets(10, 1, int64(len(entries)), uint64(from)) {
			if err := read(int(i), 0, len(buf)); err != nil {
				return fig, err
			}
		}
	}
	return fig, nil
}
