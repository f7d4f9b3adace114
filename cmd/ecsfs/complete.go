package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// completeTime is how long TAB may wait.
const completeTime = 2 * time.Second

// completeCommand is what the scripts of "ecsfs completion" ask for candidates. It prints one a line:
//
//	bash, zsh   what is to be appended, as this shell wants it typed; TAB; what then stands there; TAB; help
//	fish        the whole word, without quotes; TAB; help
//
// and ends with status 0 when the word is the program's to complete, be it with nothing, else with 1.
func completeCommand() *cli.Command {
	shell := "bash"
	return &cli.Command{
		Name:      "__complete",
		Hidden:    true,
		Usage:     "print how a command line can go on, for the scripts of 'ecsfs completion'",
		ArgsUsage: "[--shell SHELL] -- LINE",
		Description: `Prints how the last word of LINE, a command line, can go on: a path in an ecsfs mount, of any
command; or a word of ecsfs itself. Ends with status 1 when it is neither.`,
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: "shell", Value: &value[string]{&shell, parseChoice("bash", "zsh", "fish"), ""}, Usage: "print for `SHELL`: bash, zsh or fish"},
		},
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return complete(c, args[0], shell)
		},
	}
}

// complete prints the candidates for the word at the end of line.
func complete(c *cli.Context, line, shell string) error {
	type answer struct {
		ours  bool
		found []candidate
	}
	words := commandWords(line, shell)
	// What hangs is left behind: the process ends.
	answers := make(chan answer, 1)
	go func() {
		found, ours := candidates(words, newMountReader())
		answers <- answer{ours, found}
	}()
	select {
	case a := <-answers:
		if !a.ours {
			return toldStatus(exitFailure)
		}
		printCandidates(c, words[len(words)-1], a.found, shell)
	case <-time.After(completeTime):
	case <-c.Context.Done():
	}
	return nil
}

// assignment is a word before a command's name that sets a variable for it.
var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// candidates returns how the last of words can go on. ours is false when that is the shell's to say.
func candidates(words []typedWord, r *mountReader) (found []candidate, ours bool) {
	last := words[len(words)-1]
	all, err := mounts()
	if err != nil {
		return nil, false
	}
	for len(words) > 1 && assignment.MatchString(words[0].text) {
		words = words[1:]
	}
	if len(words) > 1 && filepath.Base(words[0].text) == "ecsfs" && !last.opaque {
		if found, ours := completeWords(words[1:], r, all); ours {
			return found, true
		}
	} else if len(words) == 1 && !strings.Contains(last.text, "/") {
		return nil, false // the name of a command
	}
	if last.opaque && !strings.Contains(last.text, "/") {
		return nil, false // the name of a variable or user, or a pattern
	}
	p, ours := locateWord(last, all)
	if !ours || last.opaque {
		return nil, ours
	}
	return r.complete(p), true
}

func printCandidates(c *cli.Context, w typedWord, found []candidate, shell string) {
	for _, one := range found {
		help := strings.ReplaceAll(one.help, "\t", " ")
		if shell == "fish" {
			fmt.Fprintf(c.App.Writer, "%s%s\t%s\n", w.literal, one.rest, help)
			continue
		}
		fmt.Fprintf(c.App.Writer, "%s\t%s\t%s\n", w.shellSuffix(one.rest, one.end), one.name, help)
	}
	if shell == "bash" && w.quote != 0 && len(found) == 1 && !found[0].end {
		// Readline closes the quote after the one candidate there is: so there are two.
		fmt.Fprintf(c.App.Writer, "%s\t%s\t\n", w.shellSuffix(found[0].rest+" ", false), found[0].name)
	}
}

// completeWords completes the command line of ecsfs itself; words are those after its name.
func completeWords(words []typedWord, r *mountReader, all []mountEntry) (found []candidate, ours bool) {
	app := newApp(&invocation{})
	takesValue := valueFlags(app)
	base := words[len(words)-1].text
	var verb, option, endpoint string
	var args []string
	for _, w := range words[:len(words)-1] {
		name, value, hasValue := strings.Cut(strings.TrimLeft(w.text, "-"), "=")
		switch {
		case option != "":
			if strings.HasPrefix(option, "endpoint") {
				endpoint = w.text
			}
			option = ""
		case w.text == "--" && slices.Contains(runsCommands, verb):
			return nil, false // another command
		case w.text == "--":
		case strings.HasPrefix(w.text, "-") && hasValue && strings.HasPrefix(name, "endpoint"):
			endpoint = value
		case strings.HasPrefix(w.text, "-") && !hasValue && takesValue[name]:
			option = name
		case strings.HasPrefix(w.text, "-"):
		case verb == "":
			verb = w.text
		default:
			args = append(args, w.text)
		}
	}
	offer := func(names ...string) []candidate { return offerWords(base, names) }
	command := app.Command(verb)
	switch {
	case verb != "" && command == nil:
		return nil, true
	case option != "":
		return completeOption(command, option, base)
	case strings.HasPrefix(base, "-"):
		name, value, hasValue := strings.Cut(strings.TrimLeft(base, "-"), "=")
		if hasValue {
			return completeOption(command, name, value)
		}
		return offerFlags(command, base), true
	case command == nil:
		return offerCommands(app, base), true
	}
	switch command.Name {
	case "umount":
		var dirs []string
		for _, m := range all {
			if m.Type == fsType && !slices.Contains(args, m.Dir) {
				dirs = append(dirs, m.Dir)
			}
		}
		return offer(dirs...), true
	case "help":
		return offerCommands(app, base), true
	case "completion":
		return offer("bash", "zsh", "fish"), true
	case "query", "searchkeys", "explain":
		return r.completeSearch(command.Name, args, base, mountOf(endpoint, all)), true
	case "mount", "demo", "stat", "put":
		return nil, false // files
	}
	return nil, true
}
