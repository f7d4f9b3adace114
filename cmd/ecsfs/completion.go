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
		Description: `Prints a script that makes TAB complete the commands of ecsfs, and in a mount the paths of any
command: buckets, keys, operators, values, directives. Load it at the end of the shell's startup file:

  eval "$(ecsfs completion bash)"        (~/.bashrc)
  eval "$(ecsfs completion zsh)"         (~/.zshrc, after compinit)
  ecsfs completion fish | source         (~/.config/fish/config.fish)

Then TAB goes on from ls MOUNT/photos/si to size, and gt, and 100M/. Values are those of the
results up to there (@by). A bucket is never listed for it, as it may hold millions of objects: folders
and objects are not completed. Outside of mounts TAB does what it did before.`,
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
