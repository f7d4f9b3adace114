package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// daemonVariable tells the child of --daemon that it is that.
const daemonVariable = "ECSFS_DAEMON_CHILD"

// readyFD is the descriptor in the child of the pipe on which it says that the
// mount is up.
const readyFD = 3

// daemonOptions say whether the mount is served in the background.
type daemonOptions struct {
	Daemon  bool
	LogFile string
}

func (d *daemonOptions) flags() []cli.Flag {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "daemon", Destination: &d.Daemon,
			Usage: "return when the mount is up, or failed, and serve it in the background"},
		&cli.StringFlag{Name: "log-file", Destination: &d.LogFile, EnvVars: []string{"ECSFS_LOG_FILE"},
			Usage: "with --daemon: append the log to `FILE`; without it there is none"},
	}
	setCategory(flags, mountCategory)
	return flags
}

// isChild reports whether this process is the one in the background.
func (d *daemonOptions) isChild() bool { return os.Getenv(daemonVariable) != "" }

// startChild runs this command line again in a session of its own and returns
// when its mount is up. Until then the child shares standard error, so its
// error is told by itself; only its status is passed on.
func (d *daemonOptions) startChild(ctx context.Context) error {
	ready, readyWriter, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it then unmounts
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), daemonVariable+"=1")
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{readyWriter} // becomes readyFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	readyWriter.Close()
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(ready, make([]byte, 1)); err == nil {
		return cmd.Process.Release()
	}
	// It ended without a word on the pipe.
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return statusOf(err)
	}
	return errors.New("the process in the background ended at once")
}

// detach is called in the child when the mount is up: it lets go of the
// terminal and of the directory it was started in, and tells the parent.
func (d *daemonOptions) detach() error {
	ready := os.NewFile(readyFD, "ready")
	defer ready.Close()
	os.Unsetenv(daemonVariable)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	log := null
	if d.LogFile != "" {
		if log, err = os.OpenFile(d.LogFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
			return fail(exitFailure, "--log-file %s: %w", d.LogFile, pathCause(err))
		}
		defer log.Close()
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	for fd, to := range []*os.File{null, null, log} {
		if err := unix.Dup3(int(to.Fd()), fd, 0); err != nil {
			return err
		}
	}
	_, err = ready.Write([]byte{1})
	return err
}
