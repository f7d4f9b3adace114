package ecstest

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestParseValue(t *testing.T) {
	for _, tc := range []struct {
		typ  datatype
		text string
		ok   bool
	}{
		{typeInteger, "42", true}, {typeInteger, "-42", true}, {typeInteger, "+42", true}, {typeInteger, "007", true},
		{typeInteger, "9223372036854775807", true}, {typeInteger, "9223372036854775808", false},
		{typeInteger, "-9223372036854775808", true}, {typeInteger, "-9223372036854775809", false},
		{typeInteger, "", false}, {typeInteger, "1.0", false}, {typeInteger, "1e3", false}, {typeInteger, " 1", false},
		{typeInteger, "0x10", false}, {typeInteger, "1_000", false},
		{typeDecimal, "3.14159", true}, {typeDecimal, "6", true}, {typeDecimal, "-0.5", true}, {typeDecimal, "+1.50", true},
		{typeDecimal, "1.", false}, {typeDecimal, ".5", false}, {typeDecimal, "1e3", false}, {typeDecimal, "1,5", false},
		{typeDecimal, "", false}, {typeDecimal, "--1", false}, {typeDecimal, "NaN", false},
		{typeDatetime, "2015-01-01T00:00:00Z", true}, {typeDatetime, "2016-02-29T23:59:59Z", true},
		{typeDatetime, "2015-02-29T00:00:00Z", false}, {typeDatetime, "2015-01-01T00:00:00.000Z", false},
		{typeDatetime, "2015-01-01T00:00:00+01:00", false}, {typeDatetime, "2015-01-01", false},
		{typeDatetime, "2015-01-01 00:00:00Z", false}, {typeDatetime, "", false}, {typeDatetime, "15-01-01T00:00:00.1Z", false},
		{typeString, "", true}, {typeString, "\xff", true},
	} {
		if _, ok := parseValue(tc.typ, tc.text); ok != tc.ok {
			t.Errorf("%s %q: ok is %v", tc.typ, tc.text, ok)
		}
	}
}

func TestDecimalsCompareExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.StringMatching(`[+-]?[0-9]{1,22}(\.[0-9]{1,22})?`)
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		va, okA := parseValue(typeDecimal, a)
		vb, okB := parseValue(typeDecimal, b)
		if !okA || !okB {
			t.Fatalf("%q %v, %q %v", a, okA, b, okB)
		}
		if got, want := compareValues(typeDecimal, va, vb), ra.Cmp(rb); got != want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
	})
}

func TestStringsCompareByUTF16(t *testing.T) {
	// U+FFFD sorts after U+1F600 in UTF-16, before it in UTF-8.
	got := []string{"\uFFFD", "\U0001F600", "\uE000", "\uD7FF", "z", "", "a\U00010000", "a\uFFFF"}
	slices.SortFunc(got, compareUTF16)
	want := []string{"", "a\U00010000", "a\uFFFF", "z", "\uD7FF", "\U0001F600", "\uE000", "\uFFFD"}
	if !slices.Equal(got, want) {
		t.Errorf("got %+q, want %+q", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.StringOf(rapid.RuneFrom([]rune{'a', 'é', 0xD7FF, 0xE000, 0xEFFF, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF}))
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		if got := compareUTF16(a, b); got != want {
			t.Fatalf("%+q against %+q: %d, want %d", a, b, got, want)
		}
	})
}

func TestPrefixEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 0xED, 0xEE, 0xEF, 0xF0, 0xFF}), 0, 3)
		prefix, other := string(gen.Draw(t, "prefix")), string(gen.Draw(t, "other"))
		end, ok := prefixEnd(prefix)
		// Every text is below the prefix's run, in it, or from its end on.
		below := compareUTF16(other, prefix) >= 0 && (!ok || compareUTF16(other, end) < 0)
		if below != strings.HasPrefix(other, prefix) {
			t.Fatalf("prefix %+q, end %+q, other %+q: %v", prefix, end, other, below)
		}
	})
}

func TestShuffleSpreads(t *testing.T) {
	order := func(seed int64) string {
		names := strings.Split("abcdefghijklmnopqrstuvwxyz", "")
		slices.SortFunc(names, func(a, b string) int { return cmp.Compare(tieOf(seed, a, "0"), tieOf(seed, b, "0")) })
		return strings.Join(names, "")
	}
	seen := map[string]bool{"abcdefghijklmnopqrstuvwxyz": true}
	for seed := int64(1); seed <= 20; seed++ {
		if o := order(seed); seen[o] || o != order(seed) {
			t.Errorf("seed %d: order %s", seed, o)
		} else {
			seen[o] = true
		}
	}
}
