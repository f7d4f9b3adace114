package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// writeFiles writes files into a directory, which it makes.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCompletionLeavesOthersAlone: outside of mounts TAB does what it did, whoever had set it, and
// in a mount the same commands complete queries.
func TestCompletionLeavesOthersAlone(t *testing.T) {
	const bashLoader = "source /usr/share/bash-completion/bash_completion"
	lazy := `_lazy() { COMPREPLY=($(compgen -W 'loaded-late' -- "$2")); }; complete -F _lazy lazy`
	for name, c := range map[string]struct {
		shell, before string
		lazy          bool // what completes the command "lazy" is loaded at its first TAB
	}{
		"bash":            {"bash", `_mine() { COMPREPLY=(mine-$1-$2-$3); }; complete -o nospace -F _mine frob; complete -W 'word-list' words; complete -d dirs; complete -c -f sudoer`, false},
		"bash-completion": {"bash", bashLoader + `; _mine() { COMPREPLY=(mine-$1-$2-$3); }; complete -o nospace -F _mine frob; complete -W 'word-list' words; complete -d dirs; complete -c -f sudoer`, true},
		"zsh":             {"zsh", `_mine() { compadd -U mine-$words[1]-$PREFIX-$words[CURRENT-1] }; compdef _mine frob; compdef '_values x word-list' words; compdef '_files -/' dirs`, false},
		"fish":            {"fish", `complete -c frob -f -a '(echo (commandline -ct)mine)'; complete -c words -f -a word-list; complete -c dirs -x -a '(__fish_complete_directories)'`, false},
	} {
		t.Run(name, func(t *testing.T) {
			requireShell(t, c.shell)
			if c.lazy {
				_, err := os.Stat("/usr/share/bash-completion/bash_completion")
				requireTool(t, "bash-completion", err)
			}
			m := startShellMount(t)
			writeFiles(t, m.home, map[string]string{
				"out/alpha-one.txt": "", "out/alpha two": "", "out/folder-x/file": "", "bash-completion/completions/lazy": lazy,
			})
			m.env = append(m.env, "BASH_COMPLETION_USER_DIR="+m.home+"/bash-completion")
			sh := m.startShell(t, c.shell, c.before, interactiveShells[c.shell].load)
			sh.press("ls out/alpha-\t", "out/alpha-one.txt ")
			sh.press("ls "+m.home+"/out/fo\t", "out/folder-x/")
			sh.press("unheard-of-command out/alpha-\t", "out/alpha-one.txt ")
			sh.press("cat <out/alpha-\t", "out/alpha-one.txt ")
			sh.press("cat out/alpha\\ \t", `out/alpha\\ two `)
			sh.press("cd out/fo\t", "out/folder-x/")
			sh.press("ls $HOM\t", `\$HOME`)
			sh.press("words wo\t", "word-list ")
			sh.press("dirs out/fo\t", "out/folder-x/")
			if c.shell != "fish" {
				sh.press("frob x\t", "mine-frob-x-frob")
			} else {
				sh.press("frob x\t", "xmine")
			}
			if c.lazy {
				sh.press("lazy lo\t", "loaded-late ") // the loader begins anew
				sh.press("lazy lo\t", "loaded-late ")
				sh.press("ls --siz\t", "--size ")
			}
			if c.shell == "bash" {
				writeFiles(t, m.home, map[string]string{"out/folder y/file": ""})
				sh.press("dirs out/folder\\ \t", `out/folder\\ y/`)
				sh.press("sudoer out/alpha-\t", "out/alpha-one.txt ")
				sh.press("sudoer fals\t", "false ")
				sh.press("dirs "+m.dir+"/b/si\t", "/b/size,")
				sh.press("sudoer "+m.dir+"/b/si\t", "/b/size,")
			}
			for _, command := range []string{"ls", "cd", "frob", "lazy", "unheard-of-command"} {
				if command == "frob" && c.shell == "fish" {
					continue // what a command of fish offers by itself is offered too
				}
				sh.press(command+" "+m.dir+"/b/si\t", "/b/size,")
			}
			if c.shell != "fish" { // see TestFishCandidates
				m.nothingAsked(t, "TABs in the mount")
			}
		})
	}
}

// TestFishCandidates counts what candidates cost: on a terminal fish also lists the directory
// of what is typed, to highlight it.
func TestFishCandidates(t *testing.T) {
	requireShell(t, "fish")
	m := startShellMount(t, "--ttl", "0")
	for line, want := range map[string]string{
		"ls " + m.dir + "/b/": "size,\tinteger\n", "cd " + m.dir + "/b/s": "size,\tinteger\n", "ls " + m.dir + "/b/size,g": "size,gt,\t",
		"unheard-of-command " + m.dir + "/b/year=2024/@t": "@tree/\t", "ls " + m.dir + "/b/zzz": "", "tar cf x " + m.dir + "/b/": "color,\tstring\n",
	} {
		got := m.run(t, "fish", "--no-config", "-c", "ecsfs completion fish | source; complete -C '"+line+"'")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", line, got)
		}
		m.nothingAsked(t, line)
	}
}

// TestTabWithoutCompletion: a query that is typed survives TAB in bash as it comes.
func TestTabWithoutCompletion(t *testing.T) {
	m := startShellMount(t)
	sh := m.startShell(t, "bash")
	sh.send("ls " + m.dir + "/b/size,gt,4k/color,eq,green\t")
	if shown := sh.command(""); !strings.Contains(shown, "huge-green\n") {
		t.Errorf("after TAB: %s", shown)
	}
	sh.send("ls " + m.dir + "/b/size,gt,4k/hu\t")
	if shown := sh.command(""); !strings.Contains(shown, "/b/size,gt,4k/huge-green\n") {
		t.Errorf("TAB in a query: %s", shown)
	}
}

// TestCompletionWithoutACommand: a script that is loaded without ecsfs in PATH harms nothing.
func TestCompletionWithoutACommand(t *testing.T) {
	m := startShellMount(t)
	writeFiles(t, m.home, map[string]string{"out/alpha-one.txt": ""})
	for name, s := range interactiveShells {
		t.Run(name, func(t *testing.T) {
			sh := m.startShell(t, name, s.load, map[string]string{"fish": "set PATH /usr/bin /bin"}[name]+map[bool]string{true: "PATH=/usr/bin:/bin"}[name != "fish"])
			sh.press("ls out/alpha-\t", "out/alpha-one.txt ")
		})
	}
}

// TestCompletionOfADeadStore: TAB gives up soon, without a word, when the store does not answer.
func TestCompletionOfADeadStore(t *testing.T) {
	m := startShellMount(t, "--schema-ttl", "0")
	release := make(chan struct{})
	defer close(release)
	m.server.SetIntercept(func(http.ResponseWriter, *http.Request, ecstest.Request) bool {
		<-release
		return false
	})
	for _, path := range []string{"/b/", "/b/color,eq,"} {
		cmd := exec.Command("ecsfs", "__complete", "--", "ls "+m.dir+path)
		cmd.Env = append(os.Environ(), m.env...)
		begun := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", path, err, out)
		}
		if took := time.Since(begun); took < completeTime || took > 20*time.Second {
			t.Errorf("%s took %v, want %v and a little", path, took, completeTime)
		}
	}
}
