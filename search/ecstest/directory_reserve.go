package ecstest

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// reserveSize is the room, in bytes, that a data directory keeps for deletions
// on a full disk: the database writes what is left before it frees what was.
const reserveSize = 1 << 20

// reserveRemovals is how many small contents are removed with a deletion on a
// full disk: each may be on a page of its own, of 4 KiB.
const reserveRemovals = 64

// noRoom tells whether an error says that the disk is full.
func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// keepReserve takes up the room, unless it has it. Where there is none, the
// directory goes without until there is.
func (d *directory) keepReserve() {
	if d.reserved {
		return
	}
	room := make([]byte, reserveSize)
	_, err := rand.Read(room) // zeros may take up none
	if err == nil {
		err = os.WriteFile(d.reserveFile(), room, 0o600)
	}
	if d.reserved = err == nil; !d.reserved {
		_ = os.Remove(d.reserveFile()) // the part that was written
	}
}

// giveReserve frees the room.
func (d *directory) giveReserve() {
	_ = os.Remove(d.reserveFile()) // if it stays there, what needs the room fails again
	d.reserved = false
}

func (d *directory) reserveFile() string { return filepath.Join(d.path, "reserve") }
