package search

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestErrorText(t *testing.T) {
	for _, tc := range []struct {
		err  Error
		want string
	}{
		{Error{Op: "query", Bucket: "b", Kind: KindUnsupported, Reason: "bucket has no metadata search", Hint: "list it"}, "query b: bucket has no metadata search (list it)"},
		{Error{Op: "stat", Bucket: "b", Key: "a/é", Kind: KindNotExist}, "stat b/a/é: does not exist"},
		{Error{Op: "read", Bucket: "b", Key: "x\n\x1b[2J", Err: errors.New("reset")}, `read "b/x\n\x1b[2J": reset`},
		{Error{Op: "read", Bucket: "b", Key: "\xff"}, `read "b/\xff": I/O error`},
		{Error{Op: "read", Bucket: "b", Key: "txt.\u202eexe"}, `read "b/txt.\u202eexe": I/O error`},
		{Error{Op: "list", Kind: Kind(200)}, "list: unknown error"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %s\nwant %s", got, tc.want)
		}
	}
}

func TestErrorKinds(t *testing.T) {
	wrapped := func(k Kind) error { return fmt.Errorf("open: %w", &Error{Op: "stat", Kind: k}) }
	for err, want := range map[error]Kind{
		wrapped(KindChanged): KindChanged, context.Canceled: KindCanceled, fmt.Errorf("x: %w", context.DeadlineExceeded): KindTimeout, errors.New("x"): KindIO,
		&Error{Kind: KindPermission, Err: context.Canceled}: KindPermission,
	} {
		if got := KindOf(err); got != want {
			t.Errorf("KindOf(%v) = %s, want %s", err, got, want)
		}
	}
	for kind, target := range map[Kind]error{KindNotExist: fs.ErrNotExist, KindPermission: fs.ErrPermission, KindInvalid: fs.ErrInvalid} {
		if !errors.Is(wrapped(kind), target) || errors.Is(wrapped(KindIO), target) {
			t.Errorf("%s and %v", kind, target)
		}
	}
}

func TestDatatypes(t *testing.T) {
	for word, want := range map[string]Datatype{"string": String, "Integer": Integer, "DECIMAL": Decimal, "DateTime": Datetime} {
		if got, ok := ParseDatatype(word); got != want || !ok {
			t.Errorf("ParseDatatype(%q) = %s, %t", word, got, ok)
		}
	}
	if _, ok := ParseDatatype("date"); ok {
		t.Error("date is a datatype")
	}
}
