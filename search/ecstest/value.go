package ecstest

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// datatype is how an index compares its values.
type datatype uint8

const (
	typeString   datatype = iota // by UTF-16 code units, case-sensitive
	typeInteger                  // signed 64 bit
	typeDecimal                  // exact, "." as the decimal point, no exponent
	typeDatetime                 // yyyy-MM-ddTHH:mm:ssZ, held as epoch milliseconds
)

var datatypeNames = [...]string{"string", "integer", "decimal", "datetime"}

func (t datatype) String() string { return datatypeNames[t] }

// parseDatatype reads a datatype's name in any case.
func parseDatatype(s string) (datatype, bool) {
	for i, n := range datatypeNames {
		if strings.EqualFold(n, s) {
			return datatype(i), true
		}
	}
	return 0, false
}

// value is one comparable value. n holds integers and datetimes, s strings and
// decimals, the latter normalized: sign, no leading or trailing zeros.
type value struct {
	s string
	n int64
}

// parseValue reads text as t compares it. ok is false when text is none; an
// object with such a value is not in the index.
func parseValue(t datatype, text string) (v value, ok bool) {
	switch t {
	case typeInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		return value{n: n}, err == nil
	case typeDecimal:
		s, ok := normalizeDecimal(text)
		return value{s: s}, ok
	case typeDatetime:
		// time.Parse takes fractions that the layout does not have.
		if len(text) != len("2006-01-02T15:04:05Z") {
			return value{}, false
		}
		tm, err := time.Parse("2006-01-02T15:04:05Z", text)
		return value{n: tm.UnixMilli()}, err == nil
	default:
		return value{s: text}, true
	}
}

// normalizeDecimal takes [+-]digits[.digits].
func normalizeDecimal(text string) (string, bool) {
	sign := ""
	switch {
	case strings.HasPrefix(text, "-"):
		sign, text = "-", text[1:]
	case strings.HasPrefix(text, "+"):
		text = text[1:]
	}
	whole, frac, point := strings.Cut(text, ".")
	if !digits(whole) || point && !digits(frac) {
		return "", false
	}
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if whole == "" && frac == "" {
		return ".", true // zero has no sign
	}
	return sign + whole + "." + frac, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// compareValues compares two values of the datatype t.
func compareValues(t datatype, a, b value) int {
	switch t {
	case typeInteger, typeDatetime:
		return cmp.Compare(a.n, b.n)
	case typeDecimal:
		return compareDecimals(a.s, b.s)
	default:
		return compareUTF16(a.s, b.s)
	}
}

func compareDecimals(a, b string) int {
	na, nb := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case na && nb:
		return compareDecimals(b[1:], a[1:])
	case na:
		return -1
	case nb:
		return 1
	}
	wa, fa, _ := strings.Cut(a, ".")
	wb, fb, _ := strings.Cut(b, ".")
	return cmp.Or(cmp.Compare(len(wa), len(wb)), cmp.Compare(wa, wb), cmp.Compare(fa, fb))
}
