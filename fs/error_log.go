package fs

import (
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	errorLogLen = 100 // records kept
	// errorFieldMax bounds each text of a record, in bytes: a store may put
	// anything into its messages. A whole key always fits.
	errorFieldMax = 1200
)

// ErrorRecord is one failure, or several identical ones in a row.
type ErrorRecord struct {
	First, Last time.Time
	Count       int // at least 1

	Op     string // what was attempted: "lookup", "opendir", "read"
	Path   string // on what: a path below the mountpoint, or bucket and key; may be empty
	Reason string // why it failed
	Hint   string // what the user can do; may be empty
}

// ErrorLog keeps the last 100 failures for the virtual file @errors.
// It is safe for concurrent use.
type ErrorLog struct {
	now func() time.Time

	mu   sync.Mutex
	ring [errorLogLen]ErrorRecord // guarded by mu
	n    int                      // guarded by mu: records ever added; the newest is ring[(n-1)%errorLogLen]
}

// NewErrorLog returns an empty log that takes times from now.
func NewErrorLog(now func() time.Time) *ErrorLog {
	return &ErrorLog{now: now}
}

// Add records a failure. It reports false when it only counted one more of
// the newest record, which was the same.
func (l *ErrorLog) Add(op, path, reason, hint string) bool {
	r := ErrorRecord{Count: 1, Op: clip(op), Path: clip(path), Reason: clip(reason), Hint: clip(hint)}
	r.First = l.now()
	r.Last = r.First

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n > 0 {
		newest := &l.ring[(l.n-1)%errorLogLen]
		if newest.Op == r.Op && newest.Path == r.Path && newest.Reason == r.Reason && newest.Hint == r.Hint {
			newest.Count++
			newest.Last = r.Last
			return false
		}
	}
	l.ring[l.n%errorLogLen] = r
	l.n++
	return true
}

// Records returns the failures, newest first.
func (l *ErrorLog) Records() []ErrorRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	records := make([]ErrorRecord, 0, min(l.n, errorLogLen))
	for i := l.n - 1; i >= 0 && len(records) < errorLogLen; i-- {
		records = append(records, l.ring[i%errorLogLen])
	}
	return records
}

// Text returns the content of @errors: a line for each failure, newest first, and below it, indented,
// what to do about it.
func (l *ErrorLog) Text() string {
	records := l.Records()
	if len(records) == 0 {
		return "no errors so far\n"
	}
	var b strings.Builder
	for _, r := range records {
		b.WriteString(stamp(r.Last))
		b.WriteString("  ")
		b.WriteString(printable(r.Op))
		if r.Path != "" {
			b.WriteByte(' ')
			b.WriteString(printable(r.Path))
		}
		b.WriteString(": ")
		b.WriteString(printable(r.Reason))
		if r.Count > 1 {
			b.WriteString(" (" + strconv.Itoa(r.Count) + " times since " + stamp(r.First) + ")")
		}
		b.WriteByte('\n')
		if r.Hint != "" {
			b.WriteString("    " + printable(r.Hint) + "\n")
		}
	}
	return b.String()
}

// stamp prints a time as all texts of this package do: UTC, to the second.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// printable returns s, in double quotes and with escapes where a byte of it
// could break the line, act on a terminal or hide other text.
func printable(s string) string {
	for i, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return strconv.Quote(s)
		}
	}
	return s
}

// clip cuts s to errorFieldMax bytes, not inside a character.
func clip(s string) string {
	if len(s) <= errorFieldMax {
		return s
	}
	n := errorFieldMax - len("...")
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			n = i
			break
		}
	}
	return s[:n] + "..."
}
