package main

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "64MiB": 64 << 20, "64M": 64 << 20, "64m": 64 << 20, "1.5G": 3 << 29, "500kB": 500_000, "500 MB": 500_000_000,
		"2T": 2 << 40, "10b": 10, "1e3": 1000,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "M", "lots", "0.1", "NaN", "inf", "9999999999T", "1X", "1 2"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d", text, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "0": 0, "0s": 0, "300ms": 300 * time.Millisecond,
	} {
		if got, err := parseDuration(text); got != want || err != nil {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "30", "-1s", "-2d", "soon", "d", "1e9d"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %v", text, got)
		}
	}
	if _, err := parseTimeout("0"); err == nil {
		t.Error("a timeout of 0 would wait for ever")
	}
}

func TestNearest(t *testing.T) {
	words := []string{"mount", "umount", "query", "searchkeys"}
	for word, want := range map[string]string{"mout": "mount", "mnt": "mount", "unmont": "umount", "qeury": "query", "search": "searchkeys", "frobnicate": "", "x": ""} {
		if got := nearest(word, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestArrangeTakesOptionsAnywhere(t *testing.T) {
	for _, c := range []struct {
		args, want, command string
	}{
		{"mount /mnt --ttl 5s", "mount --ttl 5s -- /mnt", ""},
		{"mount --ttl=5s /mnt", "mount --ttl=5s -- /mnt", ""},
		{"--ttl 5s mount /mnt", "mount --ttl 5s -- /mnt", ""},
		{"mount /mnt --daemon -v", "mount --daemon -v -- /mnt", ""},
		{"mount /mnt -- ls -l -- x", "mount -- /mnt", "ls -l -- x"},
		{"demo -- ls", "demo", "ls"},
		{"query b -0 c --json -- -x", "query -0 --json -- b c -x", ""},
		{"stat -- -x", "stat -- -x", ""},
		{"help mount", "help -- mount", ""},
		{"--version", "version", ""},
		{"-h", "help", ""},
		{"", "", ""},
		{"mount -", "mount -- -", ""},
	} {
		inv := &invocation{}
		got, err := inv.arrange(newApp(inv), append([]string{"ecsfs"}, strings.Fields(c.args)...))
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if text := strings.Join(got[1:], " "); text != c.want || strings.Join(inv.Command, " ") != c.command {
			t.Errorf("%s: arranged as %q with command %q", c.args, text, inv.Command)
		}
	}
}

func TestParseMountinfo(t *testing.T) {
	got := parseMountinfo("36 35 98:0 / / rw,noatime shared:1 - ext4 /dev/root rw\n" +
		"40 36 0:52 / /mnt/two\\040words\\134x ro,nosuid - fuse.ecsfs http://h:9020 ro,user_id=0\n" +
		"a broken line\n")
	want := []mountEntry{{"/", "ext4", "/dev/root"}, {`/mnt/two words\x`, "fuse.ecsfs", "http://h:9020"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{"": "''", "/mnt/a-b_c,eq,1.txt": "/mnt/a-b_c,eq,1.txt", "two words": "'two words'", "it's": `'it'\''s'`, "a>b": "'a>b'"} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for kind, want := range map[search.Kind]exitCode{
		search.KindIO: 1, search.KindNotExist: 4, search.KindInvalid: 3, search.KindUnsupported: 3, search.KindPermission: 5,
		search.KindTooLarge: 3, search.KindChanged: 1, search.KindTimeout: 6, search.KindCanceled: 130,
	} {
		if got := codeOf(&search.Error{Kind: kind}); got != want {
			t.Errorf("%v: exit code %d, want %d", kind, got, want)
		}
	}
	for _, c := range []struct {
		err  error
		want exitCode
		text string
	}{
		{nil, 0, ""},
		{errors.New("two\nlines"), 1, "ecsfs query: two lines\n"},
		{fail(exitMount, "x: %w", &search.Error{Kind: search.KindNotExist}), 7, "ecsfs query: x: : does not exist\n"},
		{toldStatus(9), 9, ""},
		{context.Canceled, 130, ""},
	} {
		var out strings.Builder
		if got := report(&out, "query", c.err); got != c.want || out.String() != c.text {
			t.Errorf("%v: exit code %d, printed %q", c.err, got, out.String())
		}
	}
}

// TestOptionsHaveVariables: what describes the store or limits what is used can
// also be set by a variable of the option's name.
func TestOptionsHaveVariables(t *testing.T) {
	without := []string{"help", "path-style", "daemon", "json", "count", "0", "under", "object", "key", "from",
		"index", "system", "meta", "content-type", "dry-run", "quiet", "expires", "shell"}
	for _, c := range newApp(&invocation{}).Commands {
		for _, f := range c.Flags {
			name := f.Names()[0]
			variable := "ECSFS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
			has := slices.Contains(f.(cli.DocGenerationFlag).GetEnvVars(), variable)
			if want := !slices.Contains(without, name); has != want {
				t.Errorf("%s --%s: has the variable %s: %v", c.Name, name, variable, has)
			}
		}
	}
}

// TestHelpFitsTheTerminal: no line of help is wider than 100 columns.
func TestHelpFitsTheTerminal(t *testing.T) {
	for _, c := range append(newApp(&invocation{}).Commands, nil) {
		var out strings.Builder
		app := newApp(&invocation{})
		app.Writer = &out
		args := []string{"ecsfs", "help"}
		if c != nil {
			args = append(args, c.Name)
		}
		if err := app.Run(args); err != nil {
			t.Fatal(err)
		}
		if out.Len() < 50 {
			t.Errorf("%v prints %q", args, &out)
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 101 {
				t.Errorf("%v: %d columns: %s", args, len(line)-1, line)
			}
		}
	}
}

func TestVersionText(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v0.3.0"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}}
	for _, c := range []struct {
		version string
		info    *debug.BuildInfo
		want    string
	}{
		{"v1.2.3", nil, "ecsfs v1.2.3 (go"},
		{"", nil, "ecsfs (devel) (go"},
		{"", info, "ecsfs v0.3.0 (commit 0123456789ab and changes, go"},
		{"v1.2.3", info, "ecsfs v1.2.3 (commit 0123456789ab and changes, go"},
	} {
		if got := versionText(c.version, c.info); !strings.HasPrefix(got, c.want) {
			t.Errorf("versionText(%q) = %s, want %s...", c.version, got, c.want)
		}
	}
}

func TestBucketName(t *testing.T) {
	for folder, want := range map[string]string{"My Files": "my-files", "x": "files", "été": "files", "-a-b-c-": "a-b-c", strings.Repeat("a", 80): strings.Repeat("a", 63)} {
		if got := bucketName(folder); got != want {
			t.Errorf("bucketName(%q) = %q, want %q", folder, got, want)
		}
	}
}
