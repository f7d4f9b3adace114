package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	app := &cli.App{
		Name:            "ecsfs-bench",
		Usage:           "measures ecsfs beside the limits of the wire and of the kernel, and beside other clients",
		HideVersion:     true,
		HideHelpCommand: true,
		Commands: []*cli.Command{
			runCommand(), reportCommand(),
			serveCommand(), rawCommand(), fuseCommand(), preadCommand(), firstByteCommand(), mixCommand(), localCommand(),
		},
	}
	if err := app.RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "ecsfs-bench:", err)
		os.Exit(1)
	}
}
