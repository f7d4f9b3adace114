package search

import (
	"math/big"
	"strconv"
	"strings"
)

// maxNumberLen bounds the text of a number, typed or stored, in bytes.
const maxNumberLen = 256

// sizeUnits are the factors that may follow a number.
var sizeUnits = func() map[string]int64 {
	units := map[string]int64{"": 1, "B": 1}
	binary, decimal := int64(1), int64(1)
	for _, letter := range "KMGTP" {
		binary, decimal = binary*1024, decimal*1000
		for _, l := range []string{string(letter), strings.ToLower(string(letter))} {
			if l == "k" || l == string(letter) {
				units[l], units[l+"iB"], units[l+"B"] = binary, binary, decimal
			}
		}
	}
	return units
}()

// parseInteger reads a whole number with an optional size unit. A fraction is
// rounded down after the unit was applied.
func parseInteger(text string) (int64, *badValue) {
	n, scale, bad := parseNumber(text, "100M")
	if bad != nil {
		return 0, bad
	}
	n.Div(n, pow10(scale)) // Euclidean: rounds down for a positive divisor
	if !n.IsInt64() {
		limit := "is above 9223372036854775807, the largest integer"
		if n.Sign() < 0 {
			limit = "is below -9223372036854775808, the smallest integer"
		}
		return 0, &badValue{text: text, why: limit}
	}
	return n.Int64(), nil
}

// parseDecimal reads a number with an optional size unit and returns its
// canonical text.
func parseDecimal(text string) (string, *badValue) {
	n, scale, bad := parseNumber(text, "1.5")
	if bad != nil {
		return "", bad
	}
	return decimalText(n, scale), nil
}

// parseNumber reads [+-]digits[.digits][unit] as n / 10^scale.
func parseNumber(text, try string) (n *big.Int, scale int, bad *badValue) {
	n, scale, bad = readNumber(text, try)
	if bad == nil || bad.nearest != "" {
		return n, scale, bad
	}
	if meant := numberMeant(text); meant != text {
		if _, _, worse := readNumber(meant, ""); worse == nil {
			bad.nearest, bad.try = meant, meant
		}
	}
	return n, scale, bad
}

// readNumber is parseNumber without a guess at what a text was meant to be.
func readNumber(text, try string) (n *big.Int, scale int, bad *badValue) {
	if len(text) > maxNumberLen {
		return nil, 0, &badValue{text: text, why: "is too long for a number"}
	}
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := text[len(number):]
	neg, whole, fraction, ok := splitDecimal(number)
	if !ok {
		return nil, 0, &badValue{text: text, why: "is not a number", try: try}
	}
	factor, ok := sizeUnits[unit]
	if !ok {
		bad := &badValue{text: text, why: "ends in no size unit", try: "k M G T P, kB MB, KiB MiB"}
		for _, u := range []string{strings.ToUpper(unit), strings.ToUpper(unit[:1]) + "iB", "B"} {
			if _, ok := sizeUnits[u]; ok && (strings.EqualFold(u, unit) || u == "B" && strings.EqualFold("bytes", unit)) {
				bad.nearest, bad.try = number+u, number+u
				break
			}
		}
		return nil, 0, bad
	}
	n, _ = new(big.Int).SetString("0"+whole+fraction, 10)
	n.Mul(n, big.NewInt(factor))
	if neg {
		n.Neg(n)
	}
	return n, len(fraction), nil
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// decimalText writes n / 10^scale without needless zeros: "-0.25", "3", "0".
func decimalText(n *big.Int, scale int) string {
	digits := new(big.Int).Abs(n).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	whole, fraction := digits[:len(digits)-scale], strings.TrimRight(digits[len(digits)-scale:], "0")
	if fraction != "" {
		whole += "." + fraction
	}
	if n.Sign() < 0 {
		whole = "-" + whole
	}
	return whole
}

// splitDecimal splits [+-]digits[.digits] and drops the zeros that do not count.
func splitDecimal(s string) (neg bool, whole, fraction string, ok bool) {
	if len(s) > maxNumberLen {
		return false, "", "", false
	}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	whole, fraction, point := strings.Cut(s, ".")
	if !isDigits(whole) || point && !isDigits(fraction) {
		return false, "", "", false
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	return neg && whole+fraction != "", whole, fraction, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// compareDecimals compares two valid decimals exactly.
func compareDecimals(a, b string) int {
	an, aw, af, _ := splitDecimal(a)
	bn, bw, bf, _ := splitDecimal(b)
	switch {
	case an && !bn:
		return -1
	case bn && !an:
		return 1
	case an:
		aw, bw, af, bf = bw, aw, bf, af
	}
	if len(aw) != len(bw) {
		if len(aw) < len(bw) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(aw, bw); c != 0 {
		return c
	}
	return strings.Compare(af, bf)
}

// storedInteger reads the stored text of an integer: [+-]digits of 64 bits.
func storedInteger(s string) (int64, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || !isDigits(digits) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
