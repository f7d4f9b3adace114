package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"
)

// run is the program: it runs the command line args, which begin with the
// program's name, and returns the exit code.
func run(args []string) int {
	inv := &invocation{}
	app := newApp(inv)
	out := &output{w: os.Stdout}
	app.Writer = out
	forgetEmptyVariables(app)
	args, err := inv.arrange(app, args)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
		defer stop()
		context.AfterFunc(ctx, stop) // a second Ctrl-C ends what does not end by itself
		if slices.Contains(runsCommands, inv.Verb) {
			// A closed pipe must not kill the process behind a mount. Not Ignore:
			// a COMMAND would inherit that.
			signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		}
		if err = app.RunContext(ctx, args); err == nil {
			err = out.failed()
		}
	}
	verb := inv.Verb
	if app.Command(verb) == nil {
		verb = ""
	}
	return int(report(os.Stderr, verb, err))
}

// output is standard output. It remembers that it failed, for a status of 0 to
// mean that everything was written. It is safe for concurrent use.
type output struct {
	w   io.Writer
	mu  sync.Mutex // guards err
	err error      // the first
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// failed returns the error of a write that failed, but for a reader that has
// read enough.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil || errors.Is(o.err, syscall.EPIPE) {
		return nil
	}
	return fail(exitFailure, "writing to standard output: %w", pathCause(o.err))
}

// endSignals are the signals that ask the program to end: what is mounted is then
// unmounted. Under nohup, a terminal that closes is none.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// newApp returns the application; its verbs take "-- COMMAND" from inv.
func newApp(inv *invocation) *cli.App {
	// The library has no other way to give templates a function, and to hide --help.
	cli.HelpPrinter = printHelp
	cli.HelpFlag = &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Hidden: true}
	app := &cli.App{
		Name:                  "ecsfs",
		Usage:                 "mounts an object store so that a path is a metadata query",
		UsageText:             "ecsfs COMMAND [options] [arguments]\n\n\"ecsfs COMMAND --help\" tells about one command. Begin with \"ecsfs demo\".",
		Description:           exitCodesHelp,
		CustomAppHelpTemplate: appHelp,
		HideVersion:           true,
		HideHelpCommand:       true,
		Commands: []*cli.Command{
			mountCommand(inv), umountCommand(), demoCommand(inv), emulatorCommand(),
			queryCommand(), searchkeysCommand(), explainCommand(), statCommand(),
			mbCommand(), putCommand(), presignCommand(), nodesCommand(), completionCommand(), completeCommand(),
			versionCommand(), helpCommand(),
		},
		Action:         noVerb,
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // run decides, after all is cleaned up
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true // "help" could be the name of a bucket
		c.OnUsageError = usageError
		c.CustomHelpTemplate = commandHelp
	}
	return app
}

// noVerb runs when no command of that name exists, or none was given.
func noVerb(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		c.App.Writer = c.App.ErrWriter
		if err := cli.ShowAppHelp(c); err != nil {
			return err
		}
		return fail(exitUsage, "no command given")
	}
	return unknown("command", name, verbNames(c.App))
}

// unknown is the error for a word that does not exist, with the nearest that does.
func unknown(what, word string, candidates []string) error {
	if near := nearest(word, candidates); near != "" {
		return fail(exitUsage, "unknown %s %q: did you mean %q?", what, word, near)
	}
	return fail(exitUsage, "unknown %s %q: 'ecsfs help' lists what there is", what, word)
}

func verbNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}

// secretWords are the parts of option names by which other tools take secrets.
var secretWords = []string{"access-key", "accesskey", "secret", "password", "token", "credential"}

// usageError turns what the flag parser says into one line that says what to do.
func usageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	help := "'ecsfs help' lists the commands"
	if c.Command.Name != "" && c.Command.Name != c.App.Name {
		help = fmt.Sprintf("'ecsfs %s --help' lists the options", c.Command.Name)
	}
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		name = strings.TrimLeft(name, "-")
		if slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) }) {
			return fail(exitUsage, "no option --%s: every user of this machine can read arguments, so key pairs come from ECSFS_ACCESS_KEY_ID and ECSFS_SECRET_ACCESS_KEY, --credentials-file or ~/.aws", name)
		}
		if near := nearest(name, flagNames(c.Command.Flags)); near != "" {
			return fail(exitUsage, "unknown option --%s: did you mean --%s? (%s)", name, near, help)
		}
		return fail(exitUsage, "unknown option --%s: %s", name, help)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return fail(exitUsage, "--%s needs a value: %s", strings.TrimLeft(name, "-"), help)
	}
	// invalid value "x" for flag -name: why
	if value, rest, ok := cutBetween(text, "invalid value ", " for flag -"); ok {
		name, why, _ := strings.Cut(rest, ": ")
		return fail(exitUsage, "--%s %s: %s", name, strings.Trim(value, `"`), why)
	}
	if value, rest, ok := cutBetween(text, "invalid boolean value ", " for -"); ok {
		name, _, _ := strings.Cut(rest, ":")
		return fail(exitUsage, "--%s %s: it takes no value, or =true or =false", name, strings.Trim(value, `"`))
	}
	// could not parse "x" from environment variable "NAME" as value for flag name: why
	if value, rest, ok := cutBetween(text, "could not parse ", ` environment variable "`); ok {
		variable, rest, _ := strings.Cut(rest, `"`)
		_, why, _ := strings.Cut(rest, ": ")
		value, _, _ = strings.Cut(strings.TrimPrefix(value, `"`), `"`)
		if strings.HasPrefix(why, "strconv.ParseBool") {
			why = "not true or false"
		}
		return fail(exitUsage, "%s=%s: %s", variable, value, why)
	}
	return fail(exitUsage, "%s: %s", text, help)
}

// cutBetween returns what stands between the prefix and sep, and what follows.
func cutBetween(s, prefix, sep string) (between, after string, ok bool) {
	s, ok = strings.CutPrefix(s, prefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, sep)
}

// flagNames returns the names of flags that are worth suggesting.
func flagNames(flags []cli.Flag) []string {
	names := []string{"help"}
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return slices.DeleteFunc(names, func(n string) bool { return len(n) == 1 })
}

// forgetEmptyVariables unsets the variables of flags that are set to nothing:
// "ECSFS_ENDPOINT= ecsfs ..." means that it is not given.
func forgetEmptyVariables(app *cli.App) {
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			if d, ok := f.(cli.DocGenerationFlag); ok {
				for _, name := range d.GetEnvVars() {
					if os.Getenv(name) == "" {
						os.Unsetenv(name)
					}
				}
			}
		}
	}
}

// arguments returns the arguments of c when their number is within bounds; names
// is how the help calls them. most < 0: any number.
func arguments(c *cli.Context, least, most int, names string) ([]string, error) {
	args := c.Args().Slice()
	switch {
	case len(args) < least:
		return nil, fail(exitUsage, "missing argument: ecsfs %s %s", c.Command.Name, names)
	case most >= 0 && len(args) > most:
		return nil, fail(exitUsage, "unexpected argument %q: ecsfs %s %s", args[most], c.Command.Name, names)
	}
	return args, nil
}
