package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
)

// maxPings is how many nodes are asked at once.
const maxPings = 32

func nodesCommand() *cli.Command {
	store, asJSON := defaultStoreOptions(), false
	return &cli.Command{
		Name:      "nodes",
		Usage:     "list the store's data nodes: health, load, round trip",
		ArgsUsage: "[options]",
		Description: `Lists the data nodes that an ECS names, and asks each how it is: whether it is in maintenance,
its load (the connections it serves) and the time that its answer took. A node that does not
answer within --timeout is listed with the reason; only when none answers the command fails.

  ecsfs nodes --endpoint https://ecs.example.com:9021 --timeout 5s`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "json", Destination: &asJSON, Usage: "print one JSON object a line: version, node, state, load, round_trip_ms, error"},
		}, store.flags()...),
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, c.Command.ArgsUsage); err != nil {
				return err
			}
			return nodes(c, &store, asJSON)
		},
	}
}

// nodeState is what a node said of itself. Its fields are those of --json.
type nodeState struct {
	Version   string  `json:"version"` // of the store
	Node      string  `json:"node"`
	State     string  `json:"state"` // "up", "maintenance" or "down"
	Load      int     `json:"load"`  // connections; -1 when it does not tell
	RoundTrip float64 `json:"round_trip_ms"`
	Error     string  `json:"error,omitempty"`
}

// nodes prints the data nodes of the store, and how they are.
func nodes(c *cli.Context, so *storeOptions, asJSON bool) error {
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	found, err := client.DataNodes(c.Context)
	if err != nil {
		return err
	}
	states, alive := pingAll(c.Context, client, found)
	if err := c.Context.Err(); err != nil {
		return err
	}
	if err := printNodes(c.App.Writer, found.Version, states, asJSON); err != nil {
		return err
	}
	if alive == 0 {
		return fail(exitFailure, "no data node answers")
	}
	return nil
}

// pingAll asks every node, and counts those that answer.
func pingAll(ctx context.Context, client *ecs.Client, found ecs.DataNodes) ([]nodeState, int64) {
	states := make([]nodeState, len(found.Endpoints))
	var alive atomic.Int64
	var g errgroup.Group
	g.SetLimit(maxPings)
	for i, endpoint := range found.Endpoints {
		g.Go(func() error {
			s := &states[i]
			*s = nodeState{Version: found.Version, Node: endpoint, State: "up"}
			health, err := client.Ping(ctx, endpoint)
			if err != nil {
				s.State, s.Error = "down", reason(err)
				return nil
			}
			alive.Add(1)
			s.Load, s.RoundTrip = health.LoadFactor, float64(health.Latency.Microseconds())/1000
			if health.Maintenance {
				s.State = "maintenance"
			}
			return nil
		})
	}
	_ = g.Wait() // what fails is in the states
	return states, alive.Load()
}

// printNodes writes the table, or a line of JSON for each node.
func printNodes(w io.Writer, version string, states []nodeState, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(w)
		for i := range states {
			if err := out.Encode(&states[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if version == "" {
		version = "that it does not tell"
	}
	fmt.Fprintf(w, "%s, version %s\n", search.Plural(len(states), "data node"), printable(version))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i := range states {
		s := &states[i]
		fmt.Fprintf(t, "%s\t%s", printable(s.Node), s.State)
		if s.State == "down" {
			fmt.Fprintf(t, "\t%s\n", printable(s.Error))
		} else {
			load := "?"
			if s.Load >= 0 {
				load = strconv.Itoa(s.Load)
			}
			fmt.Fprintf(t, "\tload %s\t%.1f ms\n", load, s.RoundTrip)
		}
	}
	return t.Flush()
}
