package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

func TestErrnoOfEveryKind(t *testing.T) {
	tests := map[search.Kind]struct {
		errno    syscall.Errno
		recorded bool
	}{
		search.KindIO:          {syscall.EIO, true},
		search.KindNotExist:    {syscall.ENOENT, false},
		search.KindInvalid:     {syscall.EINVAL, true},
		search.KindUnsupported: {syscall.EOPNOTSUPP, true},
		search.KindPermission:  {syscall.EACCES, true},
		search.KindTooLarge:    {syscall.EFBIG, true},
		search.KindChanged:     {syscall.ESTALE, true},
		search.KindTimeout:     {syscall.ETIMEDOUT, true},
		search.KindCanceled:    {syscall.EINTR, false},
	}
	unknown := search.Kind(255).String()
	kinds := 0
	for k := search.Kind(0); k.String() != unknown; k++ {
		kinds++
		tt, ok := tests[k]
		if !ok {
			t.Errorf("kind %d (%s) has no errno", k, k)
			continue
		}
		if _, ok := consequences[k]; !ok {
			t.Errorf("kind %d (%s) has no consequence", k, k)
		}
		m, logged := newTestMapper()
		err := fmt.Errorf("while testing: %w", &search.Error{Op: "query", Bucket: "b", Kind: k, Reason: "because", Hint: "do this"})
		if got := m.errno(failure{Op: "opendir", Path: "b/x", Err: err}); got != tt.errno {
			t.Errorf("%s: errno %v, want %v", k, got, tt.errno)
		}
		if (len(m.errors.Records()) == 1) != tt.recorded || (logged.Len() > 0) != tt.recorded {
			t.Errorf("%s: recorded %v, logged %q, want recorded %v", k, m.errors.Records(), logged, tt.recorded)
		}
	}
	if kinds != len(tests) {
		t.Errorf("%d kinds, %d rows in this test", kinds, len(tests))
	}
}

func TestErrnoOfOtherErrors(t *testing.T) {
	tests := []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{errors.New("anything"), syscall.EIO},
		{syscall.ENOSPC, syscall.EIO}, // a full cache disk is no business of the reader
		{context.Canceled, syscall.EINTR},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), syscall.ETIMEDOUT},
		{&search.Error{Kind: search.Kind(200)}, syscall.EIO},
		// The outermost kind counts: the store knows better than its cause.
		{&search.Error{Kind: search.KindPermission, Err: context.Canceled}, syscall.EACCES},
	}
	for _, tt := range tests {
		m, _ := newTestMapper()
		if got := m.errno(failure{Op: "read", Path: "b/k", Err: tt.err}); got != tt.want {
			t.Errorf("errno(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestErrnoRecordsTheReason(t *testing.T) {
	cause := errors.New("signature expired")
	tests := []struct {
		why  string
		f    failure
		want ErrorRecord // without times
		log  []string
	}{
		{
			"a query that is wrong",
			failure{Op: "lookup", Path: "b/size,gt,abc", Err: &search.Error{Op: "parse", Bucket: "b", Key: "size,gt,abc", Kind: search.KindInvalid, Reason: "size is an integer: 'abc' is not a number", Hint: "try 100M"}},
			ErrorRecord{Count: 1, Op: "lookup", Path: "b/size,gt,abc", Reason: "size is an integer: 'abc' is not a number", Hint: "try 100M"},
			[]string{"level=WARN", `msg="lookup failed"`, "path=b/size,gt,abc", "errno=EINVAL", "try 100M"},
		},
		{
			"an object whose key the path does not show",
			failure{Op: "read", Path: "b/size,gt,1/x", Err: &search.Error{Op: "read", Bucket: "b", Key: "dir/x", Kind: search.KindPermission, Reason: "refused for key id AKI1", Err: cause}},
			ErrorRecord{Count: 1, Op: "read", Path: "b/size,gt,1/x", Reason: "read b/dir/x: refused for key id AKI1"},
			[]string{"level=ERROR", "errno=EACCES", `cause="signature expired"`},
		},
		{
			"an error of no kind",
			failure{Op: "opendir", Path: "b", Err: errors.New("boom")},
			ErrorRecord{Count: 1, Op: "opendir", Path: "b", Reason: "boom"},
			[]string{"level=ERROR", "errno=EIO", "error=boom"},
		},
		{
			"a name that was nearly a query",
			failure{Op: "lookup", Path: "b/colour,eq,red", Err: &search.Error{Kind: search.KindNotExist}, Doubt: "colour is no key of this bucket (nearest: color)"},
			ErrorRecord{Count: 1, Op: "lookup", Path: "b/colour,eq,red", Reason: "does not exist: colour is no key of this bucket (nearest: color)"},
			nil,
		},
	}
	for _, tt := range tests {
		m, logged := newTestMapper()
		m.errno(tt.f)
		records := m.errors.Records()
		if len(records) != 1 {
			t.Errorf("%s: records %v", tt.why, records)
			continue
		}
		got := records[0]
		got.First, got.Last = time.Time{}, time.Time{}
		if got != tt.want {
			t.Errorf("%s: recorded %+v, want %+v", tt.why, got, tt.want)
		}
		if tt.log == nil && logged.Len() > 0 {
			t.Errorf("%s: logged %q", tt.why, logged)
		}
		for _, want := range tt.log {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("%s: the log lacks %q: %s", tt.why, want, logged)
			}
		}
	}
}

// A listing that broke gives its error to each reader, at each row.
func TestErrnoLogsARepeatedErrorOnce(t *testing.T) {
	m, logged := newTestMapper()
	for range 50 {
		m.errno(failure{Op: "readdir", Path: "b", Err: &search.Error{Op: "list", Bucket: "b", Reason: "page 3 failed"}})
	}
	if n := strings.Count(logged.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log, want 1", n)
	}
	if r := m.errors.Records(); len(r) != 1 || r[0].Count != 50 {
		t.Errorf("records %+v, want one with Count 50", r)
	}
}

func newTestMapper() (*errnoMapper, *bytes.Buffer) {
	var logged bytes.Buffer
	return &errnoMapper{
		log:    slog.New(slog.NewTextHandler(&logged, nil)),
		errors: NewErrorLog(time.Now),
	}, &logged
}
