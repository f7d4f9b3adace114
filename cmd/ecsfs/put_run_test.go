package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// putStore starts a store with an empty bucket b.
func putStore(t *testing.T) *ecstest.Server {
	t.Helper()
	s := ecstest.NewUnstartedServer()
	s.Start()
	t.Cleanup(s.Close)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	return s
}

// ecsfsCommand is this program with s for its store.
func ecsfsCommand(ctx context.Context, s *ecstest.Server, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ecsfs", args...)
	cmd.Env = append(append(os.Environ(), keyPair...), "ECSFS_ENDPOINT="+s.URL)
	return cmd
}

// TestPutInterrupted: Ctrl-C ends an upload at once, tells how far it is, and
// leaves no object that is not whole.
func TestPutInterrupted(t *testing.T) {
	s := putStore(t)
	held := make(chan struct{})
	var once sync.Once
	s.SetIntercept(func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "PutObject" || strings.HasSuffix(req.Key, "/a") {
			return false
		}
		io.Copy(io.Discard, r.Body) // only then the server looks whether the client is still there
		once.Do(func() { close(held) })
		<-r.Context().Done()
		return true
	})
	tree(t, "d/a", "d/b", "d/c")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := ecsfsCommand(ctx, s, "put", "d", "s3://b", "--parallel", "1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-held:
	case <-ctx.Done():
		t.Fatalf("no upload: %s", &stderr)
	}
	cmd.Process.Signal(os.Interrupt)
	began := time.Now()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 130 || time.Since(began) > 10*time.Second {
		t.Errorf("ended with %v after %v", err, time.Since(began))
	}
	const want = "ecsfs: interrupted: 1 uploaded, 0 skipped (same ETag), 0 failed; the same command goes on from there\n"
	if stderr.String() != want {
		t.Errorf("told %q, want %q", &stderr, want)
	}
	s.SetIntercept(nil)
	s.ResetRequests()
	out, err := ecsfsCommand(ctx, s, "put", "d", "s3://b").CombinedOutput()
	if got := string(out); err != nil || got != "2 uploaded, 1 skipped (same ETag), 0 failed\n" {
		t.Errorf("the same command again: %v %q", err, got)
	}
	if n := s.Counts()["PutObject"]; n != 2 {
		t.Errorf("%d objects were sent, want 2", n)
	}
}

// TestPutInterruptedInParts: the parts that were sent are removed.
func TestPutInterruptedInParts(t *testing.T) {
	s := putStore(t)
	held := make(chan struct{})
	var once sync.Once
	s.SetIntercept(func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "UploadPart" || req.Query.Get("partNumber") == "1" {
			return false
		}
		io.Copy(io.Discard, r.Body)
		once.Do(func() { close(held) })
		<-r.Context().Done()
		return true
	})
	tree(t, "big")
	if err := os.Truncate("big", 20<<20); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := ecsfsCommand(ctx, s, "put", "big", "s3://b")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-held:
	case <-ctx.Done():
		t.Fatal("no second part")
	}
	cmd.Process.Signal(os.Interrupt)
	if exit, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok || exit.ExitCode() != 130 {
		t.Errorf("ended with %v", exit)
	}
	if counts := s.Counts(); counts["AbortMultipartUpload"] != 1 || counts["CompleteMultipartUpload"] != 0 {
		t.Errorf("requests: %v", counts)
	}
	s.SetIntercept(nil)
	for _, want := range []string{"1 uploaded, 0 skipped (same ETag), 0 failed\n", "0 uploaded, 1 skipped (same ETag), 0 failed\n"} {
		if out, err := ecsfsCommand(ctx, s, "put", "big", "s3://b").CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%v %s, want %s", err, out, want)
		}
	}
}

// TestPutInterruptedWaitingForInput: a read of standard input that waits is no
// reason to go on.
func TestPutInterruptedWaitingForInput(t *testing.T) {
	s := putStore(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := ecsfsCommand(ctx, s, "put", "-", "s3://b/k")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, strings.Repeat("x", 1<<20)); err != nil { // more than a pipe holds: it reads
		t.Fatal(err)
	}
	cmd.Process.Signal(os.Interrupt)
	if exit, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok || exit.ExitCode() != 130 {
		t.Errorf("ended with %v", exit)
	}
	if n := s.Counts()["PutObject"]; n != 0 {
		t.Errorf("%d objects", n)
	}
}

// TestPutWithoutAStore: a store that is gone is told, not tried for every file.
func TestPutWithoutAStore(t *testing.T) {
	s := putStore(t)
	var files []string
	for i := range 200 {
		files = append(files, fmt.Sprintf("d/%03d", i))
	}
	tree(t, files...)
	s.SetIntercept(func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation == "PutObject" || req.Operation == "HeadObject" {
			panic(http.ErrAbortHandler) // the connection ends
		}
		return false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := ecsfsCommand(ctx, s, "put", "d", "s3://b", "--parallel", "16")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	if n := strings.Count(stderr.String(), "\n"); n > 2*(maxUnanswered+16) || !strings.Contains(stderr.String(), "ecsfs put: gave up, since the store answered for none") {
		t.Errorf("%d lines of error:\n%s", n, &stderr)
	}
	if !strings.HasPrefix(string(stdout), "0 uploaded, 0 skipped (same ETag), ") {
		t.Errorf("prints %q", stdout)
	}
}

// TestPutParallel: so many files are uploaded at once, and no more.
func TestPutParallel(t *testing.T) {
	s := putStore(t)
	var files []string
	for i := range 12 {
		files = append(files, fmt.Sprintf("d/%d", i))
	}
	tree(t, files...)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex // guards now and most
	now, most := 0, 0
	full := make(chan struct{})
	s.SetIntercept(func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "PutObject" {
			return false
		}
		mu.Lock()
		now++
		if most = max(most, now); most == 3 && now == 3 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		select {
		case <-full: // the first three wait for each other
		case <-ctx.Done():
		}
		s.Answer(w, r)
		mu.Lock()
		now--
		mu.Unlock()
		return true
	})
	out, err := ecsfsCommand(ctx, s, "put", "d", "s3://b", "--parallel", "3").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "12 uploaded, ") {
		t.Errorf("%v %s", err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	if most != 3 {
		t.Errorf("%d uploads at once, want 3", most)
	}
}

// TestPutProgress: a bar is shown on a terminal, taken away at the end, and
// shown nowhere else.
func TestPutProgress(t *testing.T) {
	s := putStore(t)
	tree(t, "d/a", "d/b", "d/c")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, quiet := range []bool{false, true} {
		terminal, screen, hangUp := openTerminal(t)
		s.SetIntercept(func(w http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
			for req.Operation == "PutObject" && req.Key == "d/c" && !quiet && ctx.Err() == nil && !strings.Contains(screen(), "2/3 files") {
				time.Sleep(10 * time.Millisecond)
			}
			return false
		})
		cmd := ecsfsCommand(ctx, s, "put", "d", "s3://b", fmt.Sprintf("--quiet=%v", quiet), "--content-type", fmt.Sprintf("x/%v", quiet))
		cmd.Stderr = terminal
		stdout, err := cmd.Output()
		hangUp()
		shown := screen()
		if err != nil {
			t.Fatalf("%v: %s", err, shown)
		}
		if quiet {
			if shown != "" || len(stdout) > 0 {
				t.Errorf("--quiet shows %q and prints %q", shown, stdout)
			}
			continue
		}
		// The bar is gone: a line of blanks, and the cursor at its start.
		if last := lastLine(shown); strings.TrimSpace(last) != "" || !strings.Contains(shown, "%") {
			t.Errorf("the last it shows is %q of %q", last, shown)
		}
		if !strings.Contains(string(stdout), "3 uploaded") {
			t.Errorf("prints %q", stdout)
		}
	}
	s.SetIntercept(nil)
	cmd := ecsfsCommand(ctx, s, "put", "d", "s3://b")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("where there is no terminal: %v %q", err, &stderr)
	}
}

// TestPutProgressNarrow: a terminal on which the bar would wrap gets none.
func TestPutProgressNarrow(t *testing.T) {
	s := putStore(t)
	tree(t, "d/a")
	terminal, screen, hangUp := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: minBarWidth - 1}); err != nil {
		t.Fatal(err)
	}
	cmd := ecsfsCommand(t.Context(), s, "put", "d", "s3://b")
	cmd.Stderr = terminal
	stdout, err := cmd.Output()
	hangUp()
	if err != nil || screen() != "" || !strings.Contains(string(stdout), "1 uploaded") {
		t.Errorf("%v: shows %q, prints %q", err, screen(), stdout)
	}
}

// lastLine is what a terminal has on its last line after shown.
func lastLine(shown string) string {
	shown = strings.TrimSuffix(shown, "\r")
	return shown[strings.LastIndex(shown, "\r")+1:]
}

// openTerminal returns the end of a new terminal that programs write to, what
// was shown on it so far, and how to close it and wait for the rest.
func openTerminal(t *testing.T) (terminal *os.File, screen func() string, hangUp func()) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	conn, err := master.SyscallConn() // not Fd: it would make reads wait for ever
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var setupErr error
	err = conn.Control(func(fd uintptr) {
		if n, setupErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); setupErr == nil {
			setupErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		}
	})
	if err = errors.Join(err, setupErr); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards shown
	var shown strings.Builder
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			mu.Lock()
			shown.Write(buf[:n])
			mu.Unlock()
			if err != nil { // EIO: the other end is closed
				return
			}
		}
	}()
	hangUp = sync.OnceFunc(func() {
		terminal.Close()
		<-read
		master.Close()
	})
	t.Cleanup(hangUp)
	return terminal, func() string {
		mu.Lock()
		defer mu.Unlock()
		return shown.String()
	}, hangUp
}
