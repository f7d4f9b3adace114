package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"
)

// figure is what the measuring subcommands print, in one line of JSON.
type figure struct {
	Seconds float64 `json:"seconds"` // without the start of the process
	Done    int     `json:"done"`    // objects, rows or reads
	Bytes   int64   `json:"bytes"`
	// Open is how long opening took, where Seconds begins after it.
	Open float64 `json:"open,omitempty"`
}

// rawFlags are the flags of all raw measurements.
func rawFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "endpoint", Usage: "the emulator at `URL`", Required: true},
		&cli.StringFlag{Name: "set", Usage: "the data set `NAME`", Required: true},
		&cli.BoolFlag{Name: "smoke", Usage: "small data sets"},
		&cli.IntFlag{Name: "c", Value: 1, Usage: "`N` requests at once"},
	}, more...)
}

func rawCommand() *cli.Command {
	measure := func(name, usage string, f func(context.Context, *cli.Context, *rawClient, dataset) (figure, error), flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, HideHelpCommand: true, Flags: rawFlags(flags...), Action: func(c *cli.Context) error {
			d, err := findSet(c.String("set"), c.Bool("smoke"))
			if err != nil {
				return err
			}
			client := newRawClient(c.String("endpoint"), c.Int("c")+1)
			start := time.Now()
			fig, err := f(c.Context, c, client, d)
			if err != nil {
				return err
			}
			if fig.Seconds == 0 {
				fig.Seconds = time.Since(start).Seconds()
			}
			return json.NewEncoder(c.App.Writer).Encode(fig)
		}}
	}
	return &cli.Command{
		Name:            "raw",
		Usage:           "what plain HTTP takes: the limit for every client of the same server",
		HideHelpCommand: true,
		Subcommands: []*cli.Command{
			measure("search", "fetch all pages of the search of a set, one after the other", rawSearch,
				&cli.BoolFlag{Name: "ahead", Usage: "ask for the next page when the marker is read, before the rows are"}),
			measure("gets", "fetch all objects of a set", rawGets),
			measure("stream", "fetch the object of a set by ranges", rawStream,
				&cli.Int64Flag{Name: "part", Value: 8 << 20, Usage: "ranges of `BYTES`"}),
			measure("random", "fetch random ranges of the object of a set", rawRandom, randomFlags()...),
			measure("first", "fetch the first byte of the object of a set, on a warm connection", rawFirst),
		},
	}
}

// randomFlags are those of random reads, raw or of a file.
func randomFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "n", Value: 1000, Usage: "`N` reads"},
		&cli.Int64Flag{Name: "size", Value: 4096, Usage: "`BYTES` a read, and their alignment"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`NUMBER` that decides where"},
	}
}

// offsets returns where n random reads of size bytes are within a file.
func offsets(n int, size, fileSize int64, seed uint64) []int64 {
	r := rand.New(rand.NewPCG(seed, 0))
	all := make([]int64, n)
	for i := range all {
		all[i] = r.Int64N(fileSize/size) * size
	}
	return all
}

// rawSearch reads the pages of a search and counts their rows.
func rawSearch(ctx context.Context, c *cli.Context, client *rawClient, d dataset) (figure, error) {
	type page struct {
		rows int
		err  error
	}
	var fig figure
	ahead := c.Bool("ahead")
	// fetch reads the page behind a marker, and says as early as it can where
	// the next begins.
	fetch := func(marker string, next chan<- string, done chan<- page) {
		tell := func(m string) { next <- m; close(next) }
		res, err := client.get(ctx, "", searchQuery(d.Name, marker), "")
		if err != nil {
			tell("")
			done <- page{err: err}
			return
		}
		defer res.Body.Close()
		var body bytes.Buffer
		told := false
		for err == nil {
			_, err = io.CopyN(&body, res.Body, 16<<10)
			if m, known := nextMarker(body.Bytes()[:min(body.Len(), 4096)]); ahead && known && !told {
				tell(m)
				told = true
			}
		}
		if !told {
			m, _ := nextMarker(body.Bytes())
			tell(m)
		}
		if err == io.EOF {
			err = nil
		}
		done <- page{rows: bytes.Count(body.Bytes(), []byte("<object>")), err: err}
	}
	pending := make(chan chan page, 2) // in order; a second is under way with --ahead alone
	go func() {
		defer close(pending)
		for marker := ""; ; {
			next, done := make(chan string, 1), make(chan page, 1)
			pending <- done
			go fetch(marker, next, done)
			if marker = <-next; marker == "" {
				return
			}
		}
	}()
	for done := range pending {
		p := <-done
		if p.err != nil {
			return fig, p.err
		}
		fig.Done += p.rows
	}
	if fig.Done != d.Count {
		return fig, fmt.Errorf("%d rows of %d", fig.Done, d.Count)
	}
	return fig, nil
}

// inParallel runs f for 0 to n-1, so many at once, each with a buffer of its
// own of size bytes.
func inParallel(ctx context.Context, n, parallel int, size int64, f func(ctx context.Context, i int, buf []byte) error) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range parallel {
		g.Go(func() error {
			buf := make([]byte, size)
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := f(ctx, i, buf); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

func rawGets(ctx context.Context, c *cli.Context, client *rawClient, d dataset) (figure, error) {
	var total atomic.Int64
	err := inParallel(ctx, d.Count, c.Int("c"), d.Size, func(ctx context.Context, i int, buf []byte) error {
		got, err := client.read(ctx, d.key(i), "", buf)
		total.Add(int64(len(got)))
		return err
	})
	return figure{Done: d.Count, Bytes: total.Load()}, err
}

func rawStream(ctx context.Context, c *cli.Context, client *rawClient, d dataset) (figure, error) {
	part := c.Int64("part")
	parts := int((d.Size + part - 1) / part)
	var total atomic.Int64
	err := inParallel(ctx, parts, c.Int("c"), part, func(ctx context.Context, i int, buf []byte) error {
		offset := int64(i) * part
		got, err := client.read(ctx, d.key(0), rangeOf(offset, min(part, d.Size-offset)), buf)
		total.Add(int64(len(got)))
		return err
	})
	return figure{Done: parts, Bytes: total.Load()}, err
}

func rawRandom(ctx context.Context, c *cli.Context, client *rawClient, d dataset) (figure, error) {
	size := c.Int64("size")
	where := offsets(c.Int("n"), size, d.Size, c.Uint64("seed"))
	err := inParallel(ctx, len(where), c.Int("c"), size, func(ctx context.Context, i int, buf []byte) error {
		got, err := client.read(ctx, d.key(0), rangeOf(where[i], size), buf)
		if err != nil {
			return err
		}
		return d.checkBinary(got, where[i])
	})
	return figure{Done: len(where), Bytes: int64(len(where)) * size}, err
}

func rawFirst(ctx context.Context, _ *cli.Context, client *rawClient, d dataset) (figure, error) {
	buf := make([]byte, 4096)
	if _, err := client.read(ctx, d.key(0), rangeOf(d.Size-1, 1), buf); err != nil { // warms the connection
		return figure{}, err
	}
	start := time.Now()
	got, err := client.read(ctx, d.key(0), rangeOf(0, int64(len(buf))), buf)
	if err != nil {
		return figure{}, err
	}
	return figure{Seconds: time.Since(start).Seconds(), Done: 1, Bytes: int64(len(got))}, d.checkBinary(got, 0)
}
