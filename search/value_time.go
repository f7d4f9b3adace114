package search

import (
	"strconv"
	"strings"
	"time"
)

// The times that can be named, in milliseconds since 1970 UTC: from the start
// of year 1 up to, not including, the start of year 10000.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

const tryTime = "2024-05, 2024-05-01T12:00Z, today or 7d"

// ageUnits are the suffixes of ages, the largest of each kind first.
var ageUnits = [...]struct {
	suffix string
	unit   ageUnit
	count  int64
}{
	{"y", unitMonth, 12}, {"mo", unitMonth, 1},
	{"w", unitMinute, 7 * 24 * 60}, {"d", unitMinute, 24 * 60}, {"h", unitMinute, 60}, {"m", unitMinute, 1},
}

// maxAge bounds ages, in years.
const maxAge = 1000

// parseTime reads a time as it is typed.
func parseTime(text string) (Value, *badValue) {
	v, bad := readTime(text)
	if bad == nil || bad.nearest != "" {
		return v, bad
	}
	if meant := timeMeant(text); meant != text {
		if _, worse := readTime(meant); worse == nil {
			bad.nearest, bad.try = meant, meant
		}
	}
	return v, bad
}

// readTime is parseTime without a guess at what a text was meant to be.
func readTime(text string) (Value, *badValue) {
	switch {
	case strings.EqualFold(text, "now"):
		return Value{typ: Datetime, unit: unitMinute}, nil
	case strings.EqualFold(text, "today"):
		return Value{typ: Datetime, unit: unitDay}, nil
	case strings.EqualFold(text, "yesterday"):
		return Value{typ: Datetime, unit: unitDay, n: 1}, nil
	}
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if unit := text[len(number):]; unit != "" && isDigits(number) {
		return parseAge(text, number, unit)
	}
	start, end, why := parseInstant(text)
	if why != "" {
		return Value{}, &badValue{text: text, why: why, try: tryTime}
	}
	return Value{typ: Datetime, n: start, end: end}, nil
}

// parseAge reads "7d".
func parseAge(text, number, unit string) (Value, *badValue) {
	for _, u := range ageUnits {
		if u.suffix != unit {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		limit := int64(maxAge * 12)
		if u.unit == unitMinute {
			limit = maxAge * 365 * 24 * 60
		}
		if err != nil || n > limit/u.count {
			return Value{}, &badValue{text: text, why: "is too long ago: ages go up to 1000y"}
		}
		if n == 0 {
			return Value{typ: Datetime, unit: unitMinute}, nil
		}
		return Value{typ: Datetime, unit: u.unit, n: n * u.count}, nil
	}
	bad := &badValue{text: text, why: "has no unit of time; ages end in m, h, d, w, mo or y"}
	if _, ok := sizeUnits[unit]; ok {
		bad.why = "has a size unit"
		if unit == "M" {
			bad.why += ": " + number + "mo or " + number + "m?"
			bad.nearest = number + "mo"
			return Value{}, bad
		}
	}
	for _, u := range ageUnits {
		if strings.EqualFold(u.suffix, unit) {
			bad.nearest, bad.try = number+u.suffix, number+u.suffix
		}
	}
	if bad.try == "" {
		bad.try = tryTime
	}
	return Value{}, bad
}

// timeReader reads fixed-width digits off the front of a text.
type timeReader struct{ rest string }

// digits reads exactly n digits.
func (t *timeReader) digits(n int) (int, bool) {
	if len(t.rest) < n || !isDigits(t.rest[:n]) {
		return 0, false
	}
	v, _ := strconv.Atoi(t.rest[:n])
	t.rest = t.rest[n:]
	return v, true
}

// skip reads one of the bytes in set.
func (t *timeReader) skip(set string) bool {
	if t.rest == "" || strings.IndexByte(set, t.rest[0]) < 0 {
		return false
	}
	t.rest = t.rest[1:]
	return true
}

// parseInstant reads RFC 3339, its truncations, and times without colons. It
// returns the interval that the text names, in milliseconds, or why it is none.
func parseInstant(text string) (start, end int64, why string) {
	const notTime, notDate = "is not a time", "is no date of the calendar"
	t := &timeReader{text}
	year, ok := t.digits(4)
	if !ok {
		return 0, 0, notTime
	}
	month, day, next := 1, 1, func(x time.Time) time.Time { return x.AddDate(1, 0, 0) }
	if t.skip("-") {
		if month, ok = t.digits(2); !ok {
			return 0, 0, notTime
		}
		next = func(x time.Time) time.Time { return x.AddDate(0, 1, 0) }
		if t.skip("-") {
			if day, ok = t.digits(2); !ok {
				return 0, 0, notTime
			}
			next = func(x time.Time) time.Time { return x.AddDate(0, 0, 1) }
		}
	}
	if year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, time.Month(month)) {
		return 0, 0, notDate
	}
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.rest != "" {
		if len(text)-len(t.rest) != len("2006-01-02") || !t.skip("Tt ") {
			return 0, 0, notTime
		}
		var length time.Duration
		offset, length2, ok := t.clock()
		if !ok {
			return 0, 0, "is not a time of the day"
		}
		length = length2
		at = at.Add(offset)
		zone, ok := t.zone()
		if !ok || t.rest != "" {
			return 0, 0, "has no valid offset, such as Z or +02:00"
		}
		at = at.Add(-zone)
		next = func(x time.Time) time.Time { return x.Add(length) }
	}
	start, end = at.UnixMilli(), next(at).UnixMilli()
	if start < minTime || end > maxTime {
		return 0, 0, "is outside the years 1 to 9999"
	}
	return start, end, ""
}

// clock reads HH[:MM[:SS[.f]]], also without colons, and returns the time since
// midnight and the length of what was named.
func (t *timeReader) clock() (since, length time.Duration, ok bool) {
	hour, ok := t.digits(2)
	if !ok || hour > 23 {
		return 0, 0, false
	}
	since, length = time.Duration(hour)*time.Hour, time.Hour
	colon := t.skip(":")
	for _, unit := range []time.Duration{time.Minute, time.Second} {
		if !colon && (t.rest == "" || t.rest[0] < '0' || t.rest[0] > '9') {
			return since, length, true
		}
		n, ok := t.digits(2)
		if !ok || n > 59 {
			return 0, 0, false
		}
		since, length = since+time.Duration(n)*unit, unit
		if unit == time.Minute && colon && !t.skip(":") {
			return since, length, true
		}
	}
	if t.skip(".") {
		length = time.Second
		n := 0
		for ; n < len(t.rest) && t.rest[n] >= '0' && t.rest[n] <= '9'; n++ {
			if n < 3 { // the store keeps milliseconds
				length /= 10
				since += time.Duration(t.rest[n]-'0') * length
			}
		}
		t.rest = t.rest[n:]
		if n == 0 {
			return 0, 0, false
		}
	}
	return since, length, true
}

// zone reads Z, ±HH, ±HHMM, ±HH:MM or nothing, which is UTC.
func (t *timeReader) zone() (time.Duration, bool) {
	if t.rest == "" || t.skip("Zz") {
		return 0, true
	}
	sign := time.Duration(1)
	if t.skip("-") {
		sign = -1
	} else if !t.skip("+") {
		return 0, false
	}
	hour, ok := t.digits(2)
	if !ok || hour > 23 {
		return 0, false
	}
	minute := 0
	if t.rest != "" {
		t.skip(":")
		if minute, ok = t.digits(2); !ok || minute > 59 {
			return 0, false
		}
	}
	return sign * (time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute), true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// monthsBefore returns the same day and time n months before t, or the last
// day of that month when it is shorter.
func monthsBefore(t time.Time, n int64) time.Time {
	first := time.Date(t.Year(), t.Month()-time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	return first.AddDate(0, 0, min(t.Day(), daysIn(first.Year(), first.Month()))-1)
}

// timeText writes milliseconds since 1970 as RFC 3339, with a fraction only
// when there is one.
func timeText(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if ms%1000 != 0 {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05Z")
}

// storedTime reads the stored text of a datetime as milliseconds since 1970:
// yyyy-MM-ddTHH:mm:ssZ, the one form that the index takes.
func storedTime(s string) (int64, bool) {
	if len(s) != len("2006-01-02T15:04:05Z") || s[10] != 'T' || s[13] != ':' || s[19] != 'Z' {
		return 0, false
	}
	start, _, why := parseInstant(s)
	return start, why == ""
}

// storedSystemTime reads a system datetime: epoch milliseconds, as query
// results carry them, or RFC 3339.
func storedSystemTime(s string) (int64, bool) {
	if isDigits(strings.TrimPrefix(s, "-")) {
		n, err := strconv.ParseInt(s, 10, 64)
		return n, err == nil && n >= minTime && n < maxTime
	}
	if len(s) < len("2006-01-02T15:04:05Z") {
		return 0, false
	}
	start, _, why := parseInstant(s)
	return start, why == ""
}
