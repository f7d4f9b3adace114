package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// findCommand returns the COMMAND that stood after "--", not yet started. It is
// called before anything is mounted, so that a wrong name mounts nothing.
func findCommand(command []string) (*exec.Cmd, error) {
	cmd := exec.Command(command[0], command[1:]...)
	switch err := cmd.Err; {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return nil, fail(exitNoCommand, "%s: no such command", command[0])
	case err != nil:
		return nil, fail(exitCannotRun, "%s: %w", command[0], err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd, nil
}

// runCommand runs cmd with env added to its environment and returns its status
// as an error, nil for 0. Signals that would end this process go to cmd: what
// is mounted for it must stay until it ends.
func runCommand(cmd *exec.Cmd, env ...string) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, endSignals()...)
	defer signal.Stop(signals)

	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return fail(exitCannotRun, "%s: %w", cmd.Path, pathCause(err))
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	// At a terminal Ctrl-C reaches the command without us.
	terminal := term.IsTerminal(int(os.Stdin.Fd()))
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt || !terminal {
				_ = cmd.Process.Signal(s) // it fails only when the command has ended, which done tells
			}
		case err := <-done:
			return statusOf(err)
		}
	}
}

// statusOf turns what Wait says into the status for this process.
func statusOf(err error) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return toldStatus(exitSignal + exitCode(status.Signal()))
	}
	return toldStatus(exit.ExitCode())
}
