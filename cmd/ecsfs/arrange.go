package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// invocation is a command line, taken apart.
type invocation struct {
	// Verb is the command's name; empty when there is none.
	Verb string
	// Command is what stands after "--" for verbs that run a command; nil when
	// there is no "--".
	Command []string
}

// runsCommands are the verbs that take "-- COMMAND".
var runsCommands = []string{"mount", "demo"}

// arrange moves the options of args to the front of the verb's arguments, where
// cli looks for them, and takes "-- COMMAND" off. Options that stand before the
// verb move as well. args begins with the program's name, as os.Args does.
func (inv *invocation) arrange(app *cli.App, args []string) ([]string, error) {
	takesValue := valueFlags(app)
	var options, rest []string
	words := args[1:]
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--" && slices.Contains(runsCommands, inv.Verb):
			inv.Command = words[i+1:]
			if len(inv.Command) == 0 {
				return nil, fail(exitUsage, "no command after --: ecsfs %s DIR -- COMMAND", inv.Verb)
			}
			return inv.join(args[0], options, rest), nil
		case word == "--":
			rest = append(rest, words[i+1:]...)
			return inv.join(args[0], options, rest), nil
		case len(word) > 1 && word[0] == '-':
			options = append(options, word)
			name, _, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if !hasValue && takesValue[name] && i+1 < len(words) {
				i++
				options = append(options, words[i])
			}
		case inv.Verb == "":
			inv.Verb = word
		default:
			rest = append(rest, word)
		}
	}
	return inv.join(args[0], options, rest), nil
}

// join puts the parts in the order that cli wants.
func (inv *invocation) join(program string, options, rest []string) []string {
	out := []string{program}
	if inv.Verb == "" && len(options) == 1 {
		switch options[0] {
		case "--version":
			inv.Verb, options = "version", nil
		case "--help", "-h":
			inv.Verb, options = "help", nil
		}
	}
	if inv.Verb != "" {
		out = append(out, inv.Verb)
	}
	out = append(out, options...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out
}

// valueFlags returns the names of all flags that take a value.
func valueFlags(app *cli.App) map[string]bool {
	takes := map[string]bool{}
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			if _, isBool := f.(*cli.BoolFlag); !isBool {
				for _, name := range f.Names() {
					takes[name] = true
				}
			}
		}
	}
	return takes
}
