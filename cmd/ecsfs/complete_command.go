package main

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// offerWords returns those of names that base begins.
func offerWords(base string, names []string) []candidate {
	var found []candidate
	for _, name := range names {
		found = (&mountPath{base: base}).offerFile(found, name, "")
	}
	return found
}

// offerCommands returns the commands that base begins.
func offerCommands(app *cli.App, base string) []candidate {
	var found []candidate
	for _, c := range app.VisibleCommands() {
		found = (&mountPath{base: base}).offerFile(found, c.Name, c.Usage)
	}
	return found
}

// offerFlags returns the options of a command that base begins; nil stands for the program itself.
func offerFlags(command *cli.Command, base string) []candidate {
	var found []candidate
	flags := []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "tell the version"}}
	if command != nil {
		flags = command.VisibleFlags()
	}
	flags = append(slices.Clone(flags), &cli.BoolFlag{Name: "help", Usage: "tell how it is used"})
	for _, f := range flags {
		name, help := f.Names()[0], ""
		if len(name) == 1 {
			name = f.Names()[1]
		}
		if d, ok := f.(cli.DocGenerationFlag); ok {
			help, _, _ = strings.Cut(strings.ReplaceAll(d.GetUsage(), "`", ""), "\n")
		}
		found = (&mountPath{base: base}).offerFile(found, "--"+name, help)
	}
	return found
}

// completeOption completes the value of an option. ours is false when it may be a file.
func completeOption(command *cli.Command, option, base string) (found []candidate, ours bool) {
	if command == nil {
		return nil, true
	}
	for _, f := range command.Flags {
		if !slices.Contains(f.Names(), option) {
			continue
		}
		if option == "generation" {
			var names []string
			for _, g := range ecstest.Generations() {
				names = append(names, string(g))
			}
			return offerWords(base, names), true
		}
		if g, ok := f.(*cli.GenericFlag); ok {
			// A value that is none changes nothing, and names those that there are.
			if choice, ok := errors.AsType[*choiceError](g.Value.Set("\x00")); ok {
				return offerWords(base, choice.words), true
			}
			return nil, true
		}
		d, ok := f.(cli.DocGenerationFlag)
		return nil, !ok || !strings.Contains(d.GetUsage(), "`FILE`") && !strings.Contains(d.GetUsage(), "`DIR`")
	}
	return nil, true
}

// mountOf returns the mountpoint of the mount that shows the store at endpoint, or at the one that
// the environment names; "" when there is none.
func mountOf(endpoint string, all []mountEntry) string {
	endpoint = cmp.Or(endpoint, os.Getenv("ECSFS_ENDPOINT"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	for _, m := range slices.Backward(all) {
		if m.Type == fsType && strings.TrimSuffix(m.Source, "/") == strings.TrimSuffix(endpoint, "/") {
			return m.Dir
		}
	}
	return ""
}

// completeSearch completes the arguments of a command that asks for a bucket's keys or objects. What there
// is to offer is read from the mount on root, which keeps it: the store itself is not asked.
func (r *mountReader) completeSearch(verb string, args []string, base, root string) []candidate {
	if root == "" {
		return nil
	}
	p := mountPath{root: root, base: base}
	inBucket := len(args) > 0 || verb == "explain" && strings.Contains(base, "/")
	switch {
	case inBucket && verb == "explain" && len(args) == 0:
		names := strings.Split(base, "/")
		p.names, p.base = names[:len(names)-1], names[len(names)-1]
		return r.complete(p)
	case inBucket && verb == "query":
		p.names = strings.Split(strings.Trim(args[0], "/"), "/")
	case inBucket:
		return nil
	}
	found := slices.DeleteFunc(r.complete(p), func(c candidate) bool { return strings.HasPrefix(c.name, "@") })
	for i := range found {
		// An argument of its own, where a path would go on.
		if name, isDir := strings.CutSuffix(found[i].name, "/"); isDir && verb != "explain" {
			found[i].name, found[i].rest, found[i].end = name, strings.TrimSuffix(found[i].rest, "/"), true
		}
	}
	return found
}
