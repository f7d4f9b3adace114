package search

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

// Kind says what an error means to a caller that must act on it, such as a
// mount that has to pick an errno. The zero value is KindIO.
type Kind uint8

// The kinds of failure.
const (
	// KindIO is any failure without a better kind: the store failed after
	// all retries, or answered with what is no valid answer.
	KindIO Kind = iota
	// KindNotExist: the store says that there is no such bucket or object.
	KindNotExist
	// KindInvalid: the query itself is wrong; repeating it cannot help.
	KindInvalid
	// KindUnsupported: a valid query that this bucket or engine cannot answer.
	KindUnsupported
	// KindPermission: the store refused the caller (credentials, policy, clock).
	KindPermission
	// KindTooLarge: the listing needs more pages than the caller allows.
	KindTooLarge
	// KindChanged: the object is no longer the version that was asked for.
	KindChanged
	// KindTimeout: no progress within the deadline.
	KindTimeout
	// KindCanceled: the caller gave up.
	KindCanceled
)

var kindNames = [...]string{"I/O error", "does not exist", "invalid query", "not supported",
	"permission denied", "too large", "object changed", "timed out", "interrupted"}

// String returns a short description, "does not exist".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown error"
}

// Error is the one error type of this package and of every Store. Its text is
// one line: what was attempted, on what, why it failed, what to do.
// It never holds a secret.
type Error struct {
	Op     string // what was attempted: "query", "stat", "read", "list", "search keys of", "parse"
	Bucket string // on which bucket; may be empty
	Key    string // object key or prefix; may be empty
	Kind   Kind
	Reason string // why, in words; empty when Err says it
	Hint   string // what the user can do; may be empty
	Err    error  // the cause; may be nil
}

// Error formats e on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Bucket != "" || e.Key != "" {
		b.WriteString(" ")
		b.WriteString(quoteResource(e.Bucket, e.Key))
	}
	b.WriteString(": ")
	b.WriteString(e.Why())
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteString(")")
	}
	return b.String()
}

// Why returns the reason alone: Reason, else the cause's text, else the kind's.
func (e *Error) Why() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Err != nil:
		return e.Err.Error()
	default:
		return e.Kind.String()
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is lets errors.Is(err, fs.ErrNotExist) and fs.ErrPermission hold for the
// kinds that mean the same.
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Kind == KindNotExist
	case fs.ErrPermission:
		return e.Kind == KindPermission
	case fs.ErrInvalid:
		return e.Kind == KindInvalid
	}
	return false
}

// KindOf returns the kind of the outermost *Error in err's chain. A context
// error without one is KindCanceled or KindTimeout; anything else is KindIO.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return KindCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	}
	return KindIO
}

// quoteResource prints bucket and key so that no byte of them can break the
// line or a terminal.
func quoteResource(bucket, key string) string {
	s := bucket
	if key != "" {
		s += "/" + key
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == 0xfffd || (r >= 0x80 && r < 0xa0) || isBidi(r) {
			return quoteASCII(s)
		}
	}
	return s
}
