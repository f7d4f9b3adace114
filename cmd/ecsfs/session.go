package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/fs"
)

// mounted is a mount that this process serves.
type mounted struct {
	server *fs.Server
	cache  *cache.Cache
}

// Dir returns the absolute path of the mountpoint.
func (m *mounted) Dir() string { return m.server.Dir() }

// close ends what served the mount, once it is unmounted.
func (m *mounted) close() { m.cache.Close() }

// runCommand runs cmd with the mount, unmounts, and returns cmd's status.
func (m *mounted) runCommand(cmd *exec.Cmd, errw io.Writer) error {
	err := runCommand(cmd, "ECSFS_MOUNT="+m.Dir())
	if unmountErr := m.unmount(errw); unmountErr != nil {
		fmt.Fprintln(errw, errorLine("", unmountErr))
	}
	return err
}

// serve returns when ctx ends, having unmounted, or when someone else has unmounted.
func (m *mounted) serve(ctx context.Context, errw io.Writer) error {
	ended := make(chan struct{})
	go func() {
		m.server.Wait()
		close(ended)
	}()
	select {
	case <-ctx.Done():
		return m.unmount(errw)
	case <-ended:
		fmt.Fprintf(errw, "ecsfs: %s was unmounted\n", m.Dir())
		return nil
	}
}

// unmount unmounts; where the mount is in use, lazily and with a word about it.
func (m *mounted) unmount(errw io.Writer) error {
	err := m.server.Unmount()
	if errors.Is(err, fs.ErrBusy) {
		fmt.Fprintf(errw, "ecsfs: %s is in use: it is unmounted all the same, and those who use it get errors from now on\n", m.Dir())
		err = m.server.UnmountLazy()
	}
	return mountError(err)
}

// mountError words an error of package fs for the command line.
func mountError(err error) error {
	e, ok := errors.AsType[*fs.Error](err)
	switch {
	case !ok:
		return err
	case e.Hint == "":
		return fail(exitMount, "%s: %s", e.Dir, e.Reason)
	}
	return fail(exitMount, "%s: %s: %s", e.Dir, e.Reason, e.Hint)
}
