package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// findFusermount returns the path of the set-user-ID helper by which ordinary
// users mount and unmount; "" when there is none.
func findFusermount() string {
	for _, name := range []string{"fusermount3", "fusermount"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// fusermount unmounts dir for an ordinary user.
func fusermount(dir string, lazy bool) error {
	helper := findFusermount()
	if helper == "" {
		return errors.New("only root can unmount without fusermount3: install the package fuse3")
	}
	args := []string{"-u"}
	if lazy {
		args = append(args, "-z")
	}
	out, err := exec.Command(helper, append(args, "--", dir)...).CombinedOutput()
	switch text := strings.TrimSpace(string(out)); {
	case err == nil:
		return nil
	case strings.Contains(text, "busy"):
		return unix.EBUSY
	case text != "":
		return errors.New(text)
	default:
		return fmt.Errorf("%s: %w", helper, err)
	}
}
