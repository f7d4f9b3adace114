package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
)

func explainCommand() *cli.Command {
	store, key := defaultStoreOptions(), ""
	return &cli.Command{
		Name:      "explain",
		Usage:     "tell what a path means, and why an object is in it or not",
		ArgsUsage: "[options] BUCKET/PATH",
		Description: `Tells what PATH means: what would be sent to the store, what would be checked here, or where
a query is wrong; and what it costs. Nothing is searched. What cannot be answered ends as the
query would. With --object, tells for each condition whether the object with that key meets it.
PATH may as well be that of a mount, /mnt/ecs/BUCKET/...

  ecsfs explain photos/2026/size,gt,1M
  ecsfs explain photos/size,gt,1M --object 2026/IMG_0001.png`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "object", Destination: &key, Usage: "tell why the object with this `KEY` is among the results or not"},
		}, append(store.searchFlags(), store.flags()...)...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return explain(c, &store, args[0], key)
		},
	}
}

// explain prints what path means; with a key, why that object is there or not.
func explain(c *cli.Context, so *storeOptions, path, key string) error {
	client, err := connect(c.Context, so)
	if err != nil {
		return err
	}
	now, lifetime := time.Now(), defaultMountOptions().TTL
	p, err := walk(c.Context, client.Store(), path)
	if bad, ok := errors.AsType[*badComponent](err); ok {
		if bad.At.File.Word == "" {
			printText(c, search.ExplainComponent(bad.At.Schema, bad.At.Dir, bad.Name, now, lifetime))
		}
		if _, ok := errors.AsType[*search.SyntaxError](err); ok {
			return toldStatus(codeOf(err)) // the explanation was the error's text, with the place
		}
		return err
	}
	if err != nil {
		return err
	}
	if key == "" {
		return explainPlace(c, p, now, lifetime)
	}
	object, err := client.Store().Stat(c.Context, search.Ref{Bucket: p.Dir.Bucket, Key: key})
	if err != nil {
		return err
	}
	printText(c, search.ExplainObject(p.Schema, p.Dir, &object, now, lifetime))
	return nil
}

// explainPlace prints what p is. What cannot be answered is told in the
// explanation, and by the status that a query would end with.
func explainPlace(c *cli.Context, p place, now time.Time, lifetime time.Duration) error {
	printText(c, p.explain(now, lifetime))
	for _, doubt := range p.Doubts {
		printText(c, "note      "+doubt)
	}
	if p.File.Word != "" || p.Dir.IsPlain() {
		return nil
	}
	if _, err := search.NewPlan(p.Schema, p.Dir.Listing(now, lifetime)); err != nil {
		return toldStatus(codeOf(err))
	}
	return nil
}

// explain says what p means at now.
func (p place) explain(now time.Time, lifetime time.Duration) string {
	switch {
	case p.Menu.Name != "":
		return search.ExplainMenu(p.Schema, p.Dir, p.Menu, now, lifetime)
	case p.File.Word == "by":
		return search.ExplainMenus(p.Schema, p.Dir)
	case p.File.Word != "":
		return search.ExplainComponent(p.Schema, p.Dir, p.Components[len(p.Components)-1], now, lifetime)
	}
	return search.Explain(p.Schema, p.Dir, now, lifetime)
}

// printText writes text and ends it with a newline.
func printText(c *cli.Context, text string) {
	fmt.Fprintln(c.App.Writer, strings.TrimRight(text, "\n"))
}
