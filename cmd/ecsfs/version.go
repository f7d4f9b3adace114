package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the linker in releases: -ldflags "-X main.version=v1.2.3".
var version string

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		Description: "Prints the version, the commit it was built from, and the Go version.",
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			info, _ := debug.ReadBuildInfo()
			fmt.Fprintln(c.App.Writer, versionText(version, info))
			return nil
		},
	}
}

// versionText is "ecsfs v1.2.3 (commit 0123456789ab, go1.26.0 linux/amd64)".
// info may be nil.
func versionText(version string, info *debug.BuildInfo) string {
	commit := ""
	if info != nil {
		if version == "" && info.Main.Version != "" {
			version = info.Main.Version
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if revision := settings["vcs.revision"]; revision != "" {
			commit = "commit " + revision[:min(12, len(revision))]
			if settings["vcs.modified"] == "true" {
				commit += " and changes"
			}
			commit += ", "
		}
	}
	if version == "" {
		version = "(devel)"
	}
	return fmt.Sprintf("ecsfs %s (%s%s %s/%s)", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
