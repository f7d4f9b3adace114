package fs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search"
)

// failure is one operation of the kernel that failed.
type failure struct {
	Op   string // "lookup", "opendir", "read"
	Path string // below the mountpoint, as typed
	Err  error
	// Doubt, of a name that was not found, says why it was not read as a query
	// although it looks like one; else empty.
	Doubt string
}

// consequence is what a kind of error means to the caller and to the log.
type consequence struct {
	errno syscall.Errno
	// silent: part of normal work, as a name that is not there. Neither logged
	// nor recorded.
	silent bool
	level  slog.Level
}

// consequences has one row for each search.Kind. What the user can put right by typing another
// path is a warning, what the store or the operator must, an error.
var consequences = map[search.Kind]consequence{
	search.KindIO:          {errno: syscall.EIO, level: slog.LevelError},
	search.KindNotExist:    {errno: syscall.ENOENT, silent: true},
	search.KindInvalid:     {errno: syscall.EINVAL, level: slog.LevelWarn},
	search.KindUnsupported: {errno: syscall.EOPNOTSUPP, level: slog.LevelWarn},
	search.KindPermission:  {errno: syscall.EACCES, level: slog.LevelError},
	search.KindTooLarge:    {errno: syscall.EFBIG, level: slog.LevelWarn},
	search.KindChanged:     {errno: syscall.ESTALE, level: slog.LevelWarn},
	search.KindTimeout:     {errno: syscall.ETIMEDOUT, level: slog.LevelError},
	search.KindCanceled:    {errno: syscall.EINTR, silent: true},
}

// errnoMapper turns every error of the mount into an errno.
type errnoMapper struct {
	log    *slog.Logger
	errors *ErrorLog
}

// errno returns what the kernel is told about f, and records why in the error
// log and, unless it repeats the failure before, in the program's log. It is
// the only place where an error becomes an errno. A nil error is 0; a kind without a row is EIO.
func (m *errnoMapper) errno(f failure) syscall.Errno {
	if f.Err == nil {
		return 0
	}
	c, ok := consequences[search.KindOf(f.Err)]
	if !ok {
		c = consequences[search.KindIO]
	}
	if c.silent {
		if c.errno == syscall.ENOENT && f.Doubt != "" {
			m.errors.Add(f.Op, f.Path, search.KindNotExist.String()+": "+f.Doubt, "")
		}
		return c.errno
	}
	e, ok := errors.AsType[*search.Error](f.Err)
	if !ok {
		e = &search.Error{Err: f.Err}
	}
	reason := e.Why()
	if e.Key != "" && !strings.HasSuffix(f.Path, e.Key) { // a path need not show the whole key
		reason = (&search.Error{Op: e.Op, Bucket: e.Bucket, Key: e.Key, Reason: reason}).Error()
	}
	if !m.errors.Add(f.Op, f.Path, reason, e.Hint) {
		return c.errno
	}
	attrs := []slog.Attr{
		slog.String("path", f.Path),
		slog.String("errno", unix.ErrnoName(c.errno)),
		slog.Any("error", f.Err),
	}
	if e.Reason != "" && e.Err != nil { // then the error's own text leaves the cause out
		attrs = append(attrs, slog.Any("cause", e.Err))
	}
	m.log.LogAttrs(context.Background(), c.level, f.Op+" failed", attrs...)
	return c.errno
}
