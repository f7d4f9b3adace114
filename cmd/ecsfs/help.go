package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// The templates of "ecsfs help" and "ecsfs COMMAND --help". They fit into 100
// columns, as all texts of flags do.
const (
	appHelp = `{{.Name}} {{.Usage}}

Usage: {{.UsageText}}

Commands:{{range .VisibleCommands}}
  {{printf "%-10s" .Name}}  {{.Usage}}{{end}}

{{.Description}}
`
	commandHelp = `Usage: ecsfs {{.Name}}{{with .ArgsUsage}} {{.}}{{end}}

{{.Description}}
{{range .VisibleFlagCategories}}
{{if .Name}}{{.Name}}{{else}}Options{{end}}:
{{range .Flags}}{{flagHelp .}}{{end}}{{else}}{{with .VisibleFlags}}
Options:
{{range .}}{{flagHelp .}}{{end}}{{end}}{{end}}`
)

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:        "help",
		Usage:       "tell about ecsfs, or one command",
		ArgsUsage:   "[COMMAND]",
		Description: "Tells about ecsfs, or one command.",
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return cli.ShowAppHelp(c.Lineage()[1])
			}
			if c.App.Command(args[0]) == nil {
				return unknown("command", args[0], verbNames(c.App))
			}
			return cli.ShowCommandHelp(c.Lineage()[1], args[0])
		},
	}
}

// printHelp renders a help template for data.
func printHelp(w io.Writer, template string, data any) {
	cli.HelpPrinterCustom(w, template, data, map[string]any{"flagHelp": flagHelp})
}

// flagHelp describes one flag: its names, then what it does, its default and
// the variables that set it.
func flagHelp(f cli.Flag) (string, error) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "", fmt.Errorf("flag %v has no help", f.Names())
	}
	usage := d.GetUsage()
	placeholder := ""
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		name, after, _ := strings.Cut(rest, "`")
		placeholder, usage = " "+name, before+name+after
	}
	var names []string
	for _, n := range f.Names() {
		if dashes := "--"; len(n) == 1 {
			names = append(names, "-"+n)
		} else {
			names = append(names, dashes+n)
		}
	}
	var notes []string
	if _, isBool := f.(*cli.BoolFlag); !isBool && d.GetDefaultText() != "" {
		notes = append(notes, "default "+strings.Trim(d.GetDefaultText(), `"`))
	}
	if len(d.GetEnvVars()) > 0 {
		notes = append(notes, "$"+strings.Join(d.GetEnvVars(), ", $"))
	}
	text := "  " + strings.Join(names, ", ") + placeholder + "\n" + indent(usage)
	if len(notes) > 0 {
		text += indent("[" + strings.Join(notes, "; ") + "]")
	}
	return text, nil
}

// indent puts every line of s under the name of its flag.
func indent(s string) string {
	return "        " + strings.ReplaceAll(s, "\n", "\n        ") + "\n"
}
