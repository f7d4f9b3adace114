package fs

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestErrorLogText(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	l := NewErrorLog(func() time.Time { return now })
	if got, want := l.Text(), "no errors so far\n"; got != want {
		t.Errorf("empty log: %q, want %q", got, want)
	}
	l.Add("lookup", "b/size,gt,abc", "size is an integer", "try 100M")
	now = now.Add(time.Second)
	l.Add("opendir", "", "store is down", "")
	now = now.Add(time.Second)
	l.Add("opendir", "", "store is down", "")
	now = now.Add(time.Second).In(time.FixedZone("", 3600))
	l.Add("read", "b/a\nb\x1b[31m\u202e\xff\u009b", "Zoë said \"no\"", "")
	want := `2026-11-23T08:00:03Z  read "b/a\nb\x1b[31m\u202e\xff\u009b": Zoë said "no"
2026-11-23T08:00:02Z  opendir: store is down (2 times since 2026-11-23T08:00:01Z)
2026-11-23T08:00:00Z  lookup b/size,gt,abc: size is an integer
    try 100M
`
	if diff := cmp.Diff(want, l.Text()); diff != "" {
		t.Errorf("Text (-want +got):\n%s", diff)
	}
}

func TestErrorLogIsBounded(t *testing.T) {
	l := NewErrorLog(time.Now)
	for i := range 250 {
		l.Add("read", fmt.Sprint(i), strings.Repeat("é", 1<<16), "")
	}
	records := l.Records()
	if len(records) != 100 || records[0].Path != "249" || records[99].Path != "150" {
		t.Fatalf("%d records, from %q to %q, want 249 to 150", len(records), records[0].Path, records[len(records)-1].Path)
	}
	for _, r := range records {
		if len(r.Reason) > errorFieldMax || !utf8.ValidString(r.Reason) || !strings.HasSuffix(r.Reason, "é...") {
			t.Fatalf("a reason of %d bytes: %q", len(r.Reason), r.Reason[len(r.Reason)-10:])
		}
	}
}

func TestErrorLogCountsOnlyWhatIsIdentical(t *testing.T) {
	l := NewErrorLog(time.Now)
	adds := []struct {
		fields [4]string
		first  bool
	}{
		{[4]string{"a", "b", "c", "d"}, true},
		{[4]string{"a", "b", "c", "d"}, false},
		{[4]string{"x", "b", "c", "d"}, true},
		{[4]string{"a", "x", "c", "d"}, true},
		{[4]string{"a", "b", "x", "d"}, true},
		{[4]string{"a", "b", "c", "x"}, true},
		{[4]string{"a", "b", "c", "d"}, true}, // not consecutive
	}
	for i, a := range adds {
		if got := l.Add(a.fields[0], a.fields[1], a.fields[2], a.fields[3]); got != a.first {
			t.Errorf("add %d: %v, want %v", i, got, a.first)
		}
	}
	if n := len(l.Records()); n != 6 {
		t.Errorf("%d records, want 6", n)
	}
}

func TestErrorLogConcurrently(t *testing.T) {
	l := NewErrorLog(time.Now)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 500 {
				l.Add("read", fmt.Sprint(i), "reason", "")
				_ = l.Text()
			}
		})
	}
	wg.Wait()
	if n := len(l.Records()); n == 0 || n > 100 {
		t.Errorf("%d records", n)
	}
}
