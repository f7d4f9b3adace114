package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// shellMount is a mount of an emulator whose bucket b is for use by shells.
type shellMount struct {
	server *ecstest.Server
	dir    string // the mountpoint
	home   string // an empty home directory
	env    []string
}

func startShellMount(t *testing.T, options ...string) *shellMount {
	t.Helper()
	if !canMount() {
		t.Skip("no FUSE mount is possible here")
	}
	server := ecstest.NewUnstartedServer()
	server.Start()
	t.Cleanup(server.Close)
	if err := server.CreateBucket("b", "Size", "LastModified", "x-amz-meta-color;string", "x-amz-meta-origin;string"); err != nil {
		t.Fatal(err)
	}
	for key, o := range map[string]struct {
		size  int
		color string
	}{
		"big-red": {3000, "red"}, "small-red": {10, "red"}, "big-blue": {4000, "blue"}, "huge-green": {9000, "green"},
		"odd": {5000, "in review & done"}, "year=2024/month=01/x": {2000, "red"},
	} {
		err := server.PutObject("b", key, []byte(strings.Repeat("x", o.size)), ecstest.PutOptions{Metadata: map[string]string{"color": o.color, "origin": "a/b"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	m := &shellMount{server: server, dir: filepath.Join(t.TempDir(), "mnt"), home: t.TempDir()}
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	m.env = append([]string{"HOME=" + m.home, "ZDOTDIR=" + m.home, "XDG_CONFIG_HOME=" + m.home, "XDG_DATA_HOME=" + m.home, "INPUTRC=/dev/null",
		"TERM=dumb", "LC_ALL=C.UTF-8", "TZ=UTC", "HISTFILE=", "ECSFS_ENDPOINT=" + server.URL}, keyPair...)
	cmd := exec.Command("ecsfs", append([]string{"mount", "--daemon", m.dir}, options...)...)
	cmd.Env = append(os.Environ(), m.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ecsfs mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := unmount(m.dir, true); err != nil {
			t.Error(err)
		}
	})
	return m
}

// run runs a command of a shell that is not interactive.
func (m *shellMount) run(t *testing.T, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), terminalTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), m.env...), m.home
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", argv, err, out)
	}
	return string(out)
}

// nothingAsked fails the test when the store was asked for more than which buckets and keys
// there are.
func (m *shellMount) nothingAsked(t *testing.T, what string) {
	t.Helper()
	for operation, n := range m.server.Counts() {
		if operation != "ListBuckets" && operation != "SearchKeys" {
			t.Errorf("%s: %d requests %s", what, n, operation)
		}
	}
	m.server.ResetRequests()
}

// TestShellsNeedNoQuotes: the forms that are taught are plain words to every shell.
func TestShellsNeedNoQuotes(t *testing.T) {
	m := startShellMount(t)
	for name, argv := range map[string][]string{
		"bash": {"bash", "--norc", "-c"}, "zsh": {"zsh", "-f", "-c"}, "fish": {"fish", "--no-config", "-c"},
		"dash": {"dash", "-c"}, "tcsh": {"tcsh", "-f", "-c"}, "ksh": {"ksh", "-c"},
	} {
		t.Run(name, func(t *testing.T) {
			requireShell(t, name)
			got := m.run(t, append(argv, "ls -U "+m.dir+"/b/size,gt,1k/color,in,red,blue/@sort,-size/@limit,10")...)
			if want := "big-blue\nbig-red\nyear=2024%2Fmonth=01%2Fx\n"; got != want {
				t.Errorf("the three largest are\n%swant\n%s", got, want)
			}
			for _, path := range []string{
				"size,gt,100M", "size,in,1M..1G", "size,ge,1.5k/size,lt,4k", "mtime,newer,7d", "mtime,in,2024-05..2024-07", "mtime,lt,2024-05-01T12:30Z",
				"color,in,red,blue", "color,ne,red", "color,exists", "origin,eq,a%2Fb", "contenttype,eq,image%2Fpng", "color,eq,in%20review%20%26%20done",
				"year=2024/month=01/size,gt,1", "color,eq,red/@sort,-size/@limit,10", "color,eq,red/@tree", "size,gt,1/@explain", "@explain,size,gt,1M", "@searchkeys",
			} {
				if got := m.run(t, append(argv, "ls -d "+m.dir+"/b/"+path)...); got != m.dir+"/b/"+path+"\n" {
					t.Errorf("%s: %s", path, got)
				}
			}
			// No ">" of a query has become a file.
			left, err := os.ReadDir(m.home)
			left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return e.IsDir() }) // fish's own
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// interactive is a shell on a terminal, to press TAB in.
type interactive struct {
	*terminal
	clear string // takes the typed line away
}

// The shells that are used with a terminal. The first command must come back with MARK before any other is typed.
var interactiveShells = map[string]struct {
	argv  []string
	setup string
	clear string
	load  string
}{
	"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; PS1='$ '", "\x15",
		`eval "$(ecsfs completion bash)"`},
	"zsh": {[]string{"zsh", "-f", "-i"}, "unset zle_bracketed_paste; PS1='$ '; unsetopt prompt_sp beep; autoload -Uz compinit && compinit -D", "\x15",
		`eval "$(ecsfs completion zsh)"`},
	"fish": {[]string{"fish", "--no-config", "-i"}, "set -g fish_autosuggestion_enabled 0; function fish_prompt; echo '$ '; end", "\x15", "ecsfs completion fish | source"},
}

// startShell starts an interactive shell in the mount's home, and runs the commands in it.
func (m *shellMount) startShell(t *testing.T, name string, commands ...string) *interactive {
	t.Helper()
	requireShell(t, name)
	s := interactiveShells[name]
	sh := &interactive{startTerminal(t, m.home, m.env, s.argv...), s.clear}
	for _, command := range append([]string{s.setup}, commands...) {
		sh.command(command)
	}
	return sh
}

// command runs a command line and returns what is shown until it has ended.
func (sh *interactive) command(line string) string {
	sh.t.Helper()
	// The quotes tell the mark from its own echo.
	sh.send(line + "; echo MA''RK\n")
	return sh.expect(`(?s)MARK\n.*\$ $`)
}

// press types text that ends in TABs, waits for pattern and for all that the TABs do, and takes
// the line away. It returns what was shown.
func (sh *interactive) press(text, pattern string) string {
	sh.t.Helper()
	sh.send(text)
	shown := sh.expect(pattern)
	sh.command(sh.clear + "true")
	return shown
}

func TestCompletionInShells(t *testing.T) {
	for name, s := range interactiveShells {
		t.Run(name, func(t *testing.T) {
			m := startShellMount(t)
			sh := m.startShell(t, name, s.load)
			sh.press("ls "+m.dir+"/\t", regexp.QuoteMeta(m.dir)+"/b/")
			sh.send("ls " + m.dir + "/b/si\t")
			sh.expect("/b/size,")
			sh.send("gt,100\t")
			sh.expect("100M/")
			sh.send("col\t")
			sh.expect("color,")
			sh.send("eq,red/@so\t")
			sh.expect("@sort,")
			sh.send("-si\t")
			sh.expect("-size/")
			sh.command("")
			m.server.ResetRequests()
			// fish lists the directory of a path that is typed, to highlight it: TestFishCandidates counts.
			if name != "fish" {
				tabs := map[string]string{"bash": "\t\t", "zsh": "\t"}[name] // the first lists in zsh
				sh.press("ls "+m.dir+"/b/"+tabs, `(?s)color,.*size,|size,.*color,`)
				m.nothingAsked(t, "TABs")
				sh.send("ls " + m.dir + "/b/zzz\t\t")
				if shown := sh.command(sh.clear + "true"); strings.Contains(shown, "big-red") {
					t.Errorf("TAB lists the bucket: %s", shown)
				}
				m.nothingAsked(t, "TABs after what is no key")
			}
			// Quotes, and places.
			sh.press(`ls "`+m.dir+"/b/si\t", `/b/size,`)
			sh.press(`ls '`+m.dir+"/b/si\t", `/b/size,`)
			if name != "fish" { // fish completes files there, whatever completions there are
				sh.press("cat <"+m.dir+"/b/@searchk\t", `/b/@searchkeys`)
			}
			sh.press("dd if="+m.dir+"/b/si\t", `/b/size,`)
			sh.press("unheard-of-command "+m.dir+"/b/si\t", `/b/size,`)
			sh.command("cd " + m.dir + "/b")
			sh.press("ls si\t", `ls size,`)
			sh.press("ls size,gt,1/../col\t", `color,`)
			sh.press("cd ../b/si\t", `size,`)
			sh.press("echo $HOM\t", `\$HOME`)
			sh.press("ls --si\t", `--siz?`)
			sh.command("cd")
			// What is typed so is run so.
			sh.send("ls " + m.dir + "/b/size,gt,4\tcol\t")
			sh.expect(`/b/size,gt,4k/color,`)
			sh.send("eq,gre\t") // a value that there is
			sh.expect("green/")
			if shown := sh.command(""); !strings.Contains(shown, "huge-green\n") {
				t.Errorf("it is not run as it was completed: %s", shown)
			}
			// ecsfs itself.
			sh.press("ecsfs mo\t", "ecsfs mount")
			sh.press("ecsfs mount --addressing vi\t", "virtual")
			sh.press("ecsfs umount "+strings.TrimSuffix(m.dir, "mnt")+"\t", regexp.QuoteMeta(m.dir))
			sh.press("ecsfs query b col\t", "color,")
		})
	}
}
