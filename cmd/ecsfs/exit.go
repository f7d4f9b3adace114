package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// exitCode is the status that the program ends with.
type exitCode int

// The exit codes. With "-- COMMAND", a command that was started decides: its own
// status, or 128 and the number of the signal that ended it.
const (
	exitOK       exitCode = 0
	exitFailure  exitCode = 1 // the store or the system failed, or the store refuses connections
	exitUsage    exitCode = 2 // the command line is wrong
	exitQuery    exitCode = 3 // the query is wrong, not supported by the bucket or store, or needs more pages than allowed
	exitNotExist exitCode = 4 // no such bucket, object, file or directory
	exitRefused  exitCode = 5 // the store refused: key pair, rights, clock; or there is no key pair
	exitTimeout  exitCode = 6 // the store does not answer within --timeout
	exitMount    exitCode = 7 // the directory cannot be mounted on, or unmounted

	exitCannotRun   exitCode = 126 // the COMMAND after "--" cannot be run
	exitNoCommand   exitCode = 127 // the COMMAND after "--" does not exist
	exitInterrupted exitCode = 130 // Ctrl-C
	exitSignal      exitCode = 128 // plus the signal's number
)

const exitCodesHelp = `Exit codes:
  0  done
  1  the store or the system failed, or the store refuses connections
  2  the command line is wrong
  3  the query is wrong, not supported by the bucket or store, or needs more pages than --max-pages
  4  no such bucket, object, file or directory
  5  the store refused: key pair, rights or clock; or no key pair was found
  6  the store does not answer within --timeout
  7  the directory cannot be mounted on, or unmounted
  130  interrupted
With "-- COMMAND": the command's own status, 128 + N when signal N ended it, 126 when
it cannot be run and 127 when it does not exist.`

// codedError is an error that decides the exit code.
type codedError struct {
	code exitCode
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// fail returns an error that ends the program with code.
func fail(code exitCode, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

// toldStatus is an exit code whose reason has been told already, such as the
// status of the COMMAND after "--": nothing is printed for it.
type toldStatus exitCode

func (toldStatus) Error() string { return "told already" }

// codeOf returns the exit code for err.
func codeOf(err error) exitCode {
	if err == nil {
		return exitOK
	}
	if status, ok := errors.AsType[toldStatus](err); ok {
		return exitCode(status)
	}
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	switch search.KindOf(err) {
	case search.KindInvalid, search.KindUnsupported, search.KindTooLarge:
		return exitQuery
	case search.KindNotExist:
		return exitNotExist
	case search.KindPermission:
		return exitRefused
	case search.KindTimeout:
		return exitTimeout
	case search.KindCanceled:
		return exitInterrupted
	}
	return exitFailure
}

// report prints err on one line of w and returns the exit code.
func report(w io.Writer, verb string, err error) exitCode {
	code := codeOf(err)
	// An interrupted command says nothing: who typed Ctrl-C knows.
	if _, told := errors.AsType[toldStatus](err); told || err == nil || code == exitInterrupted {
		return code
	}
	fmt.Fprintln(w, errorLine(verb, err))
	return code
}

// errorLine is err as it is printed: one line that begins with the command's name.
func errorLine(verb string, err error) string {
	name := "ecsfs"
	if verb != "" {
		name += " " + verb
	}
	return name + ": " + oneLine(err.Error())
}

// reason is err without what was attempted on what, where that is told already.
func reason(err error) string {
	e, ok := errors.AsType[*search.Error](err)
	switch {
	case !ok:
		return err.Error()
	case e.Hint == "":
		return e.Why()
	}
	return e.Why() + ": " + e.Hint
}

// commandError is err with the exit code of a wrong command line, where it says
// that what was asked for cannot be: no query is part of it.
func commandError(err error) error {
	if kind := search.KindOf(err); err != nil && (kind == search.KindInvalid || kind == search.KindUnsupported) {
		return fail(exitUsage, "%w", err)
	}
	return err
}

// errorCode returns the store's own code for an error, "AccessDenied"; "" when
// it has none.
func errorCode(err error) string {
	// What an S3 client's errors can tell beside their text, whatever client it is.
	coded, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err)
	if !ok {
		return ""
	}
	return coded.ErrorCode()
}

// oneLine joins the lines of s.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}
