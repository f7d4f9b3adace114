package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// requireShell skips the test unless the shell is there.
func requireShell(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	requireTool(t, name, err)
}

// requireTool skips the test when the tool is missing. In ECSFS_REQUIRE_TOOLS are the names of tools
// that must be there, separated by blanks, or "1" for all: without one of them the test fails.
func requireTool(t *testing.T, name string, missing error) {
	t.Helper()
	if missing == nil {
		return
	}
	required := strings.Fields(os.Getenv("ECSFS_REQUIRE_TOOLS"))
	if slices.Contains(required, name) || slices.Contains(required, "1") {
		t.Fatalf("ECSFS_REQUIRE_TOOLS wants %s, which is not there: %v", name, missing)
	}
	t.Skipf("%s is not on this machine: %v", name, missing)
}

// terminalTime is how long a terminal waits for what is expected.
const terminalTime = time.Minute

// terminal is a program on a pseudo-terminal, and what it has written.
type terminal struct {
	t      *testing.T
	master *os.File

	mu     sync.Mutex
	output []byte        // guarded by mu: since the last send
	more   chan struct{} // guarded by mu: closed when output grows or the program ends
	ended  bool          // guarded by mu
}

// startTerminal runs a program on a terminal of 400 columns, until the test ends.
func startTerminal(t *testing.T, dir string, env []string, argv ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 60, Col: 400}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	term := &terminal{t: t, master: master, more: make(chan struct{})}
	read := make(chan struct{})
	go func() { defer close(read); term.read() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it fails only when the program has ended
		_ = cmd.Wait()
		_ = master.Close()
		<-read
	})
	return term
}

// read collects what the program writes until it ends.
func (term *terminal) read() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := term.master.Read(buffer)
		term.mu.Lock()
		term.output = append(term.output, buffer[:n]...)
		term.ended = err != nil
		close(term.more)
		term.more = make(chan struct{})
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// send types text, and forgets what was written before.
func (term *terminal) send(text string) {
	term.t.Helper()
	term.mu.Lock()
	term.output = nil
	term.mu.Unlock()
	if _, err := term.master.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// controls are what a terminal acts on and does not show.
var controls = regexp.MustCompile("\x1b\\[[0-9;?>=]*[A-Za-z]|\x1b\\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x1b[=>]|[\x00\x07\x0f]|⏎ *")

// shown returns what was written since the last send, without control sequences.
func (term *terminal) shown() (text string, more <-chan struct{}, ended bool) {
	term.mu.Lock()
	defer term.mu.Unlock()
	text = controls.ReplaceAllString(string(term.output), "")
	return strings.ReplaceAll(text, "\r\n", "\n"), term.more, term.ended
}

// expect waits until pattern matches what was written since the last send, and returns that.
func (term *terminal) expect(pattern string) string {
	term.t.Helper()
	re, deadline := regexp.MustCompile(pattern), time.After(terminalTime)
	for {
		text, more, ended := term.shown()
		switch {
		case re.MatchString(text):
			return text
		case ended:
			term.t.Fatalf("the program has ended without %s: %q", pattern, text)
		}
		select {
		case <-more:
		case <-deadline:
			term.t.Fatalf("no %s in %q", pattern, text)
		}
	}
}
