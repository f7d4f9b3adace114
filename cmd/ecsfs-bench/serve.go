package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// served is what serve prints, in one line of JSON, when it is ready.
type served struct {
	Endpoint string  `json:"endpoint"`
	Control  string  `json:"control"`
	Loaded   float64 `json:"loaded"` // seconds that loading took
}

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "run the emulator with data sets, and count what is asked of it",
		Description: `Loads data sets into the emulator, serves it on a loopback port until it is ended, and prints one
line of JSON when it is ready: {"endpoint":"http://...","control":"http://...","loaded":SECONDS}. Objects
are in the bucket ` + bucket + `, below the folder SET and with the indexed metadata ` + setKey + `=SET.

  GET  CONTROL/readings        requests by operation, bytes sent, most requests at once
  POST CONTROL/reset           forget them
  POST CONTROL/latency?d=10ms  wait so long before each answer from now on`,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "latency", Usage: "wait `DURATION` before each answer"},
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "serve on the loopback address `HOST:PORT`"},
			&cli.StringSliceFlag{Name: "sets", Usage: "load the data sets `NAMES`; all by default"},
			&cli.BoolFlag{Name: "smoke", Usage: "small data sets"},
		},
		Action: func(c *cli.Context) error {
			return serve(c.Context, c.App.Writer, c.String("listen"), c.Duration("latency"), c.StringSlice("sets"), c.Bool("smoke"))
		},
	}
}

func serve(ctx context.Context, out io.Writer, listen string, latency time.Duration, sets []string, smoke bool) error {
	start := time.Now()
	m := &meter{server: ecstest.NewUnstartedServer()}
	m.latency.Store(int64(latency))
	m.server.RecordLimit = -1
	m.server.MaxObjectSize = 16 << 30
	if err := load(m.server, sets, smoke); err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(listen); err != nil || !net.ParseIP(host).IsLoopback() {
		return fmt.Errorf("--listen %s: not a loopback address with a port, such as 127.0.0.1:0", listen)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	controlListener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	servers := []*http.Server{{Handler: m, Protocols: new(http.Protocols)}, {Handler: m.control()}}
	servers[0].Protocols.SetHTTP1(true) // as ECS
	failed := make(chan error, len(servers))
	go func() { failed <- servers[0].Serve(listener) }()
	go func() { failed <- servers[1].Serve(controlListener) }()
	err = json.NewEncoder(out).Encode(served{
		Endpoint: "http://" + listener.Addr().String(), Control: "http://" + controlListener.Addr().String(),
		Loaded: time.Since(start).Seconds(),
	})
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	for _, s := range servers {
		_ = s.Close() // the process ends: nothing is left to save
	}
	return err
}

// load fills a server with the data sets of these names, or with all.
func load(s *ecstest.Server, names []string, smoke bool) error {
	if err := s.CreateBucket(bucket, "Size", "LastModified", "x-amz-meta-"+setKey+";string", "x-amz-meta-number;integer"); err != nil {
		return err
	}
	sets := dataSets(smoke)
	if len(names) > 0 {
		sets = nil
		for _, name := range names {
			d, err := findSet(name, smoke)
			if err != nil {
				return err
			}
			sets = append(sets, d)
		}
	}
	for _, d := range sets {
		if err := s.PutObjects(bucket, d.objects()); err != nil {
			return fmt.Errorf("data set %s: %w", d.Name, err)
		}
	}
	return nil
}

// modified is the time of the first object; each further one is a second later.
var modified = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// objects are the objects of a set, as the emulator takes them.
func (d dataset) objects() iter.Seq[ecstest.Object] {
	return func(yield func(ecstest.Object) bool) {
		for i := range d.Count {
			o := ecstest.Object{Key: d.key(i), PutOptions: ecstest.PutOptions{
				Metadata:     map[string]string{setKey: d.Name, "number": strconv.Itoa(i), "color": words[i%len(words)]},
				LastModified: modified.Add(time.Duration(i) * time.Second), // 12 days for a million
				ContentType:  "text/plain",
			}}
			if d.Text {
				o.Data = d.text(i)
			} else {
				o.Generated, o.ContentType = new(d.binary()), "application/octet-stream"
			}
			if !yield(o) {
				return
			}
		}
	}
}
