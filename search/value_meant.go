package search

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a text that is no value was probably meant to be, for messages. What is returned
// may be no value either: the caller looks.

// around are characters that stand around a value where it was quoted, listed or compared
// another way than here.
const around = " \t'\"`[](){}=<>$"

// numberMeant guesses at a number.
func numberMeant(text string) string {
	s := strings.NewReplacer(" ", "", "_", "", "'", "").Replace(strings.Trim(text, around))
	if groups := strings.Split(s, ","); len(groups) > 1 && isDigits(groups[0]) && len(groups[0]) <= 3 &&
		!slices.ContainsFunc(groups[1:], func(g string) bool { return len(g) != 3 || !isDigits(g) }) {
		s = strings.Join(groups, "")
	}
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	s = strings.TrimSuffix(s, ".")
	if n, err := strconv.ParseInt(s, 0, 64); err == nil && !isDigits(s) {
		return strconv.FormatInt(n, 10) // 0x10
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && strings.ContainsAny(s, "eE") && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatFloat(f, 'f', 0, 64) // 1e6
	}
	return s
}

// otherAges are the units of ages as others write them.
var otherAges = map[string]string{
	"min": "m", "mins": "m", "minute": "m", "minutes": "m", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
	"day": "d", "days": "d", "wk": "w", "week": "w", "weeks": "w", "mon": "mo", "month": "mo", "months": "mo",
	"yr": "y", "yrs": "y", "year": "y", "years": "y",
}

// timeMeant guesses at a time.
func timeMeant(text string) string {
	s := strings.ToLower(strings.Trim(text, around))
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "-"), "last "), " ago"))
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	unit := s[len(number):]
	number = strings.TrimSpace(number)
	switch {
	case unit != "" && (number == "" || isDigits(number)):
		if number == "" && otherAges[unit] != "" {
			number = "1" // "last week"
		}
		if other := otherAges[unit]; other != "" {
			unit = other
		}
		if number == "" {
			for _, word := range []string{"now", "today", "yesterday"} {
				if s[0] == word[0] && nearest(s, []string{word}) != "" {
					return word
				}
			}
			return s
		}
		return number + unit
	case !isDigits(s):
		return paddedDate(s)
	case len(s) <= 3:
		return s + "d"
	case len(s) == len("20240501"):
		return s[:4] + "-" + s[4:6] + "-" + s[6:]
	case len(s) == len("1714521600"), len(s) == len("1714521600000"): // since 1970
		n, _ := strconv.ParseInt(s[:10], 10, 64)
		return time.Unix(n, 0).UTC().Format(time.RFC3339)
	}
	return s
}

// paddedDate writes a date that begins with its year as times are written here.
func paddedDate(s string) string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("-./:", r) })
	if len(parts) < 2 || len(parts) > 3 || len(parts[0]) != 4 {
		return s
	}
	for i, p := range parts {
		if len(p) == 1 {
			parts[i] = "0" + p
		}
	}
	return strings.Join(parts, "-")
}
