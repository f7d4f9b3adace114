package main

import (
	_ "embed"
	"fmt"

	"github.com/urfave/cli/v2"
)

// The scripts, by shell. They ask "ecsfs __complete" and leave all else to the shell.
var (
	//go:embed completion/ecsfs.bash
	bashCompletion string
	//go:embed completion/ecsfs.zsh
	zshCompletion string
	//go:embed completion/ecsfs.fish
	fishCompletion string
)

func completionCommand() *cli.Command {
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	return &cli.Command{
		Name:      "completion",
		Usage:     "print what makes TAB complete queries, for bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		Description: `Prints a script that makes TAB complete the words of ecsfs, and the paths in a mount for every
command: buckets, then keys, operators, values and directives. Load it at the end of the startup
file of your shell:

  eval "$(ecsfs completion bash)"      (in ~/.bashrc; bash 4.4 or later)
  eval "$(ecsfs completion zsh)"       (in ~/.zshrc, after compinit)
  ecsfs completion fish | source       (in ~/.config/fish/config.fish)

TAB then goes on from 'ls MOUNT/photos/si' to size, and gt, and 100M/. Values of text are those
that the objects up to there have (@by), the others examples. What is offered needs no quotes.

Nothing is listed for TAB, since a bucket may hold millions of objects: names of folders and objects
are completed only where the mount has the listing already, after an ls. Outside of mounts TAB does
what it did before.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			script, ok := scripts[args[0]]
			if !ok {
				return fail(exitUsage, "no completion for %q: there is one for bash, zsh and fish", args[0])
			}
			fmt.Fprint(c.App.Writer, script)
			return nil
		},
	}
}
