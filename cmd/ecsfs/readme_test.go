package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// readmeBlocks returns the fenced blocks of README of one language.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(m[1]))
	}
	return blocks
}

// readmeCommand is a line "$ COMMAND" of README and the lines shown below it.
type readmeCommand struct {
	line  string
	shown []string
}

func readmeCommands(block string) []readmeCommand {
	var all []readmeCommand
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, readmeCommand{line: command})
		} else if n := len(all); n > 0 && line != "..." && line != "" {
			all[n-1].shown = append(all[n-1].shown, line)
		}
	}
	return all
}

// missing returns the first shown line that output does not have, in order;
// "…" stands for any text, as names and times of the demo follow the date.
func (c readmeCommand) missing(output string) string {
	lines := strings.Split(output, "\n")
	for _, want := range c.shown {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		for {
			if len(lines) == 0 {
				return want
			}
			line := lines[0]
			lines = lines[1:]
			if pattern.MatchString(line) {
				break
			}
		}
	}
	return ""
}

// TestReadmeDemo runs the demo of README and every command that README shows
// in it, from README's own text.
func TestReadmeDemo(t *testing.T) {
	if !canMount() {
		t.Skip("no FUSE mount is possible here")
	}
	blocks := readmeBlocks(t, "console")
	if len(blocks) < 3 {
		t.Fatalf("README has %d console blocks, want the demo, a session in it, and the quoting trap", len(blocks))
	}
	demo := readmeCommands(blocks[0])
	if len(demo) != 1 || demo[0].line != "go run ./cmd/ecsfs demo" {
		t.Fatalf("README's first command: %+v", demo)
	}
	// The demo mounts below TMPDIR: a place of the test's own, so that a demo
	// of the user's is not disturbed.
	tmp := t.TempDir()
	here := strings.NewReplacer("/tmp/", tmp+"/")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, "bash", "-c", "exec "+demo[0].line)
	server.Dir = "../.."
	server.Env = append(os.Environ(), "TMPDIR="+tmp, "LC_ALL=C.UTF-8", "TZ=UTC")
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	server.Stdout, server.Stderr = output, output
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run and the program it runs get the signal
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-server.Process.Pid, syscall.SIGKILL); unmount(tmp+"/ecsfs-demo", true) })
	printed := func() string {
		text, err := os.ReadFile(output.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for !strings.Contains(printed(), "Ctrl-C ends it") {
		if ctx.Err() != nil {
			t.Fatalf("the demo is not up: %s", printed())
		}
		time.Sleep(20 * time.Millisecond)
	}
	shown := demo[0]
	for i := range shown.shown {
		shown.shown[i] = here.Replace(shown.shown[i])
	}
	if line := shown.missing(printed()); line != "" {
		t.Errorf("the demo does not print what README shows: %q; it prints\n%s", line, printed())
	}

	var commands []readmeCommand
	for _, block := range blocks[1:] {
		commands = append(commands, readmeCommands(block)...)
	}
	const mark = "@@@ end of a command, status"
	var script strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&script, "%s\necho '%s' $?\n", here.Replace(c.line), mark)
	}
	shell := exec.CommandContext(ctx, "bash")
	shell.Stdin = strings.NewReader("exec 2>&1\n" + script.String())
	shell.Env = server.Env
	out, err := shell.Output()
	if err != nil {
		t.Errorf("bash: %v", err)
	}
	parts := strings.Split(string(out), mark)
	if len(parts) != len(commands)+1 {
		t.Fatalf("%d commands ran, want %d:\n%s", len(parts)-1, len(commands), out)
	}
	for i, c := range commands {
		_, got, _ := strings.Cut("\n"+parts[i], "\n") // what follows the status of the one before
		if i > 0 {
			_, got, _ = strings.Cut(parts[i], "\n")
		}
		status, _, _ := strings.Cut(parts[i+1], "\n")
		if line := c.missing(got); line != "" {
			t.Errorf("$ %s\ndoes not print %q but\n%s", c.line, line, got)
		}
		if len(c.shown) == 0 && status != " 0" {
			t.Errorf("$ %s\nends with status%s:\n%s", c.line, status, got)
		}
	}

	syscall.Kill(-server.Process.Pid, syscall.SIGINT)
	// go run itself ends with 1 on an interrupt, whatever the program ends with.
	_ = server.Wait()
	if all, err := mounts(); err != nil || strings.Contains(fmt.Sprint(all), tmp) {
		t.Errorf("the demo left its mount: %v %v", all, err)
	}
}

// TestReadmeRealECS runs README's lines for a real ECS, from README's own
// text, with the emulator in its place.
func TestReadmeRealECS(t *testing.T) {
	if !canMount() {
		t.Skip("no FUSE mount is possible here")
	}
	blocks := readmeBlocks(t, "sh")
	if len(blocks) != 1 {
		t.Fatalf("README has %d sh blocks, want the one that mounts a real ECS", len(blocks))
	}
	const id, secret = "123@ecstestdrive.emc.com", "only-for-this-test"
	if !strings.Contains(blocks[0], id) {
		t.Fatal("README shows another key id than this test knows")
	}
	s := ecstest.NewUnstartedServer()
	s.Credentials = map[string]string{id: secret}
	s.Start()
	defer s.Close()
	if err := s.CreateBucket("photos", "Size"); err != nil {
		t.Fatal(err)
	}
	dir, bin := filepath.Join(t.TempDir(), "ecs"), t.TempDir()
	lines := strings.NewReplacer("https://ecs.example.com:9021", s.URL, "/mnt/ecs", dir).Replace(blocks[0])
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-ec", lines)
	shell.Dir = "../.."
	shell.Env = append(os.Environ(), "GOBIN="+bin, "PATH="+bin+":"+os.Getenv("PATH"))
	shell.Stdin = strings.NewReader(secret + "\n")
	var output bytes.Buffer
	shell.Stdout, shell.Stderr = &output, &output
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- shell.Wait() }()
	t.Cleanup(func() { unmount(dir, true) })
	for {
		if ls, err := exec.CommandContext(ctx, "ls", dir).Output(); err == nil && string(ls) == "photos\n" {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("README's lines ended: %v\n%s", err, &output)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if out, err := exec.CommandContext(ctx, "ecsfs", "umount", dir).CombinedOutput(); err != nil {
		t.Errorf("umount: %v %s", err, out)
	}
	if err := <-ended; err != nil {
		t.Errorf("after umount README's lines ended with %v", err)
	}
	if strings.Contains(output.String(), secret) {
		t.Error("the secret was printed")
	}
}
