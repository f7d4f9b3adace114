package search

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseInteger(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int64
	}{
		{"0", 0}, {"100", 100}, {"+7", 7}, {"-7", -7}, {"007", 7}, {"5B", 5},
		{"4k", 4096}, {"4K", 4096}, {"100M", 104857600}, {"1.5G", 1610612736}, {"1T", 1 << 40}, {"7P", 7 << 50},
		{"1kB", 1000}, {"1KB", 1000}, {"1MB", 1e6}, {"1GB", 1e9}, {"1TB", 1e12}, {"1PB", 1e15},
		{"1KiB", 1024}, {"1kiB", 1024}, {"1MiB", 1 << 20}, {"1GiB", 1 << 30}, {"1TiB", 1 << 40}, {"1PiB", 1 << 50},
		{"1.5", 1}, {"-1.5", -2}, {"0.0001k", 0}, {"1.9999k", 2047},
		{"9223372036854775807", 1<<63 - 1}, {"-9223372036854775808", -1 << 63}, {"9223372036854775807.9", 1<<63 - 1},
	} {
		if got, bad := parseInteger(tc.text); bad != nil || got != tc.want {
			t.Errorf("parseInteger(%q) = %d, %v; want %d", tc.text, got, bad, tc.want)
		}
	}
	for _, tc := range []struct{ text, why string }{
		{"", "not a number"}, {"abc", "not a number"}, {"1e5", "not a number"}, {"0x10", "not a number"},
		{".5", "not a number"}, {"5.", "not a number"}, {"--5", "not a number"}, {"1 000", "not a number"}, {"M", "not a number"}, {"1_0", "not a number"},
		{"100m", "no size unit"}, {"1E", "no size unit"}, {"1Mb", "no size unit"},
		{"9223372036854775808", "above 9223372036854775807"}, {"8192P", "above 9223372036854775807"},
		{"-9223372036854775809", "below -9223372036854775808"}, {"-9223372036854775808.5", "below"},
		{strings.Repeat("9", maxNumberLen+1), "too long"},
	} {
		if got, bad := parseInteger(tc.text); bad == nil || !strings.Contains(bad.why, tc.why) {
			t.Errorf("parseInteger(%q) = %d, %v; want an error with %q", tc.text, got, bad, tc.why)
		}
	}
	for text, near := range map[string]string{"100m": "100M", "1Mb": "1MB", "1.5mib": "1.5MiB", "7x": ""} {
		if _, bad := parseInteger(text); bad == nil || bad.nearest != near {
			t.Errorf("parseInteger(%q): nearest of %+v, want %q", text, bad, near)
		}
	}
}

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "-0.00": "0", "1.50": "1.5", "+01.5": "1.5", "-0.25": "-0.25", "10": "10", "1.5G": "1610612736", "0.001k": "1.024",
		"0.1": "0.1", "123456789012345678901234567890.5": "123456789012345678901234567890.5",
	} {
		if got, bad := parseDecimal(text); bad != nil || got != want {
			t.Errorf("parseDecimal(%q) = %q, %v; want %q", text, got, bad, want)
		}
	}
}

// TestDecimalOrder compares with exact rationals.
func TestDecimalOrder(t *testing.T) {
	number := rapid.StringMatching(`[+-]?[0-9]{1,4}(\.[0-9]{1,4})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got := compareDecimals(a, b); got != x.Cmp(y) {
			t.Fatalf("compareDecimals(%s, %s) = %d", a, b, got)
		}
		if canonical, bad := parseDecimal(a); bad != nil || compareDecimals(a, canonical) != 0 {
			t.Fatalf("parseDecimal(%s) = %s, %v", a, canonical, bad)
		}
	})
}

func TestParseTime(t *testing.T) {
	for _, tc := range []struct{ text, start, end string }{
		{"2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
		{"2024-05", "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z"},
		{"2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"2024-05-01T12", "2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z"},
		{"2024-05-01T12:30", "2024-05-01T12:30:00Z", "2024-05-01T12:31:00Z"},
		{"2024-05-01T12:30:15", "2024-05-01T12:30:15Z", "2024-05-01T12:30:16Z"},
		{"2024-05-01T12:30:15Z", "2024-05-01T12:30:15Z", "2024-05-01T12:30:16Z"},
		{"2024-05-01t12:30:15z", "2024-05-01T12:30:15Z", "2024-05-01T12:30:16Z"},
		{"2024-05-01 12:30", "2024-05-01T12:30:00Z", "2024-05-01T12:31:00Z"},
		{"2024-05-01T1230Z", "2024-05-01T12:30:00Z", "2024-05-01T12:31:00Z"},
		{"2024-05-01T123015", "2024-05-01T12:30:15Z", "2024-05-01T12:30:16Z"},
		{"2024-05-01T1230+0200", "2024-05-01T10:30:00Z", "2024-05-01T10:31:00Z"},
		{"2024-05-01T12+02", "2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z"},
		{"2024-05-01T12:30:15.5Z", "2024-05-01T12:30:15.500Z", "2024-05-01T12:30:15.600Z"},
		{"2024-05-01T12:30:15.25Z", "2024-05-01T12:30:15.250Z", "2024-05-01T12:30:15.260Z"},
		{"2024-05-01T12:30:15.125Z", "2024-05-01T12:30:15.125Z", "2024-05-01T12:30:15.126Z"},
		{"2024-05-01T12:30:15.1259Z", "2024-05-01T12:30:15.125Z", "2024-05-01T12:30:15.126Z"},
		{"2024-05-01T12:30:15-08:00", "2024-05-01T20:30:15Z", "2024-05-01T20:30:16Z"},
		{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z"},
		{"0001", "0001-01-01T00:00:00Z", "0002-01-01T00:00:00Z"},
		// Bound at 2026-11-23T08:00Z.
		{"now", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00.001Z"},
		{"30m", "2026-11-23T07:30:00Z", "2026-11-23T07:30:00.001Z"},
		{"12h", "2026-11-22T20:00:00Z", "2026-11-22T20:00:00.001Z"},
		{"7d", "2026-11-16T08:00:00Z", "2026-11-16T08:00:00.001Z"},
		{"2w", "2026-11-09T08:00:00Z", "2026-11-09T08:00:00.001Z"},
		{"3mo", "2026-08-23T08:00:00Z", "2026-08-23T08:00:00.001Z"},
		{"1y", "2025-11-23T08:00:00Z", "2025-11-23T08:00:00.001Z"},
		{"today", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"},
		{"yesterday", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
	} {
		v, bad := parseTime(tc.text)
		if bad != nil {
			t.Errorf("parseTime(%q): %+v", tc.text, bad)
			continue
		}
		v = v.bind(testNow)
		if timeText(v.n) != tc.start || timeText(v.end) != tc.end {
			t.Errorf("parseTime(%q) = %s until %s; want %s until %s", tc.text, timeText(v.n), timeText(v.end), tc.start, tc.end)
		}
	}
	for _, tc := range []struct{ text, why, nearest string }{
		{"", "not a time", ""}, {"abc", "not a time", ""}, {"24", "not a time", "24d"}, {"2024-5", "not a time", "2024-05"}, {"20240501", "not a time", "2024-05-01"},
		{"2024-13", "no date", ""}, {"2024-02-30", "no date", ""}, {"2023-02-29", "no date", ""}, {"2024-00", "no date", ""}, {"0000", "no date", ""},
		{"2024-05-01T24", "time of the day", ""}, {"2024-05-01T12:60", "time of the day", ""}, {"2024-05-01T12:3", "time of the day", ""},
		{"2024-05-01T12:30:60", "time of the day", ""}, {"2024-05-01T", "time of the day", ""}, {"2024-05-01T12:30:15.", "time of the day", ""},
		{"2024-05T12", "not a time", ""}, {"2024-05-01T12:30X", "offset", ""}, {"2024-05-01T12:30+25:00", "offset", ""}, {"2024-05-01T12:30+2", "offset", ""},
		{"0001-01-01T00:00+01:00", "years", ""}, {"9999-12-31T23:59-01:00", "years", ""},
		{"1M", "size unit: 1mo or 1m?", "1mo"}, {"2G", "size unit", ""}, {"5D", "no unit of time", "5d"}, {"3MO", "no unit of time", "3mo"}, {"3s", "no unit of time", ""},
		{"1001y", "too long ago", ""}, {"99999999999999999999d", "too long ago", ""}, {"-7d", "not a time", "7d"}, {"1.5h", "not a time", ""},
	} {
		if v, bad := parseTime(tc.text); bad == nil || !strings.Contains(bad.why, tc.why) || bad.nearest != tc.nearest {
			t.Errorf("parseTime(%q) = %v, %+v; want an error with %q, nearest %q", tc.text, v, bad, tc.why, tc.nearest)
		}
	}
}

func TestMonthsKeepWithinTheMonth(t *testing.T) {
	for _, tc := range []struct {
		now  string
		n    int64
		want string
	}{
		{"2026-03-31T10:00:00Z", 1, "2026-02-28T10:00:00Z"}, {"2024-03-31T10:00:00Z", 1, "2024-02-29T10:00:00Z"},
		{"2024-02-29T10:00:00Z", 12, "2023-02-28T10:00:00Z"}, {"2026-01-15T10:00:00Z", 13, "2024-12-15T10:00:00Z"},
	} {
		now, _ := time.Parse(time.RFC3339, tc.now)
		v, bad := parseTime(fmt.Sprintf("%dmo", tc.n))
		if bad != nil {
			t.Fatal(bad)
		}
		if got := timeText(v.bind(now).n); got != tc.want {
			t.Errorf("%d months before %s: %s, want %s", tc.n, tc.now, got, tc.want)
		}
	}
}

func TestStoredTimes(t *testing.T) {
	for _, tc := range []struct {
		text         string
		user, system bool
	}{
		{"2024-05-01T12:30:15Z", true, true}, {"2024-05-01T12:30:15.125Z", false, true}, {"2024-05-01T12:30:15", false, false},
		{"2024-05-01T12:30:15+00:00", false, true}, {"2024-05-01t12:30:15z", false, true}, {"2024-05-01", false, false}, {"1449081778025", false, true},
		{"2024-05-01 12:30:15Z", false, true}, {"2024-02-30T12:30:15Z", false, false}, {"2024-05-01T12:0030Z", false, false}, {"2024-05-01T1:02:03.Z", false, false},
		{"2024-05-01T123015.5Z", false, true}, {"2024-05-01T12:30-08Z", false, false}, {"", false, false}, {"99999999999999999", false, false},
	} {
		if _, ok := storedTime(tc.text); ok != tc.user {
			t.Errorf("storedTime(%q) ok = %t", tc.text, ok)
		}
		if _, ok := storedSystemTime(tc.text); ok != tc.system {
			t.Errorf("storedSystemTime(%q) ok = %t", tc.text, ok)
		}
	}
	if ms, _ := storedSystemTime("1449081778025"); timeText(ms) != "2015-12-02T18:42:58.025Z" {
		t.Errorf("epoch milliseconds read as %s", timeText(ms))
	}
}

// FuzzTime holds what every accepted time promises: a non-empty interval
// within the years 1 to 9999, whose print begins at the same instant, and which is what the
// standard library reads where that reads the text too.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2024", "2024-05", "2024-05-01T1230Z", "2024-05-01T12:30:15.125+02:00", "7d", "3mo", "now", "1M", "today", "9999-12-31", "2024-02-30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, bad := parseTime(s)
		if bad != nil {
			if bad.why == "" {
				t.Fatalf("%q: an error without a reason", s)
			}
			return
		}
		again, bad := parseTime(v.String())
		if bad != nil || again.unit != v.unit || again.n != v.n {
			t.Fatalf("%q prints as %q, read again as %+v, %+v", s, v, again, bad)
		}
		b := v.bind(testNow)
		if b.n >= b.end || b.n < minTime || b.end > maxTime {
			t.Fatalf("%q is the interval %d..%d", s, b.n, b.end)
		}
		if want, err := time.Parse(time.RFC3339Nano, s); err == nil && want.UnixMilli() != v.n {
			t.Fatalf("%q is %s, want %s", s, timeText(v.n), want)
		}
	})
}
