package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// value is the value of a flag that is read by parse into target.
type value[T any] struct {
	target *T
	parse  func(string) (T, error)
	text   string
}

var _ cli.Generic = (*value[int])(nil)

// Set reads text.
func (v *value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err != nil {
		return err
	}
	*v.target, v.text = parsed, text
	return nil
}

// String returns the text last set.
func (v *value[T]) String() string { return v.text }

// parseDuration reads a duration of at least 0: "30s", "5m", "1h30m", "2d", "0".
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n * float64(24*time.Hour)), nil
		}
	}
	d, err := time.ParseDuration(text)
	switch {
	case err == nil && d >= 0:
		return d, nil
	case err == nil:
		return 0, fmt.Errorf("a duration cannot be negative")
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("the unit is missing: %ss or %sm", text, text)
	}
	return 0, fmt.Errorf("not a duration: 30s, 5m, 1h30m or 2d")
}

// parseTimeout reads a duration above 0.
func parseTimeout(text string) (time.Duration, error) {
	d, err := parseDuration(text)
	if err == nil && d == 0 {
		return 0, fmt.Errorf("there is always a limit: 30s or 5m")
	}
	return d, err
}

// sizeUnits are the units of sizes, as in the path grammar: K and KiB are 1024
// bytes, kB and KB 1000.
var sizeUnits = []struct {
	suffix string // without the case
	factor float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1},
}

// parseSize reads a number of bytes above 0: "64MiB", "64M", "1.5G", "500kB".
func parseSize(text string) (int64, error) {
	number, factor := strings.ToLower(text), 1.0
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = rest, u.factor
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(n) || n*factor < 1 || n*factor >= 1<<62 {
		return 0, fmt.Errorf("not a size: 64MiB, 500MB or 1G")
	}
	return int64(n * factor), nil
}

// parseSizeOrNone reads a number of bytes, or 0.
func parseSizeOrNone(text string) (int64, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n == 0 {
		return 0, nil
	}
	return parseSize(text)
}

// parseCount reads a whole number above 0.
func parseCount(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("not a whole number above 0")
	}
	return int(n), nil
}

// parseID reads the number of a user or group.
func parseID(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == math.MaxUint32 { // (uint32)-1 means "no one" to the kernel
		return 0, fmt.Errorf("not the number of a user or group ('id -u' and 'id -g' print yours)")
	}
	return uint32(n), nil
}

// parseChoice returns a parser that takes one of words.
func parseChoice(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		text = strings.ToLower(text)
		if slices.Contains(words, text) {
			return text, nil
		}
		hint := ""
		if near := nearest(text, words); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return "", &choiceError{words, hint}
	}
}

// choiceError says that a value is none of words.
type choiceError struct {
	words []string
	hint  string
}

func (e *choiceError) Error() string { return "not one of " + strings.Join(e.words, ", ") + e.hint }

// sortedKeys returns the keys of m in their order.
func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// listValue is the value of a flag that can be given several times.
type listValue struct{ target *[]string }

var _ cli.Generic = (*listValue)(nil)

// Set adds text.
func (v *listValue) Set(text string) error {
	*v.target = append(*v.target, text)
	return nil
}

// String returns "": a list has no default.
func (v *listValue) String() string { return "" }
