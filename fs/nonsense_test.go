package fs_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestNonsense types what is no valid query: each is EINVAL or ENOENT, never an
// empty directory, and @explain says where it fails and what is nearest.
func TestNonsense(t *testing.T) {
	w := newGrammarWorld(t)
	data, err := os.ReadFile("testdata/nonsense.tsv")
	check(t, err)
	count := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		count++
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 5 {
			t.Fatalf("%q has %d fields", line, len(fields))
		}
		for i := range fields[2:] {
			fields[2+i], err = strconv.Unquote(fields[2+i])
			check(t, err)
		}
		errno, place, nearest, meant, name := fields[0], fields[1], fields[2], fields[3], fields[4]
		if got := w.agent.stat(name); got != errno {
			t.Errorf("%q: %q, want %s", name, got, errno)
		}
		if strings.HasPrefix(name, "@meta") || strings.HasPrefix(name, "@stats") {
			continue // directives, which are right, of what is not there
		}
		text := w.agent.read("@explain," + name)
		explanation, isLiteral := strings.CutPrefix(text, name+" is the name of a folder or object, no query.\n")
		if isLiteral != (errno == "ENOENT") {
			t.Errorf("%q is %s, and explained as\n%s", name, errno, text)
		}
		if place == "-" {
			if explanation != "" {
				t.Errorf("%q is explained as\n%s", name, text)
			}
			continue
		}
		lines := strings.Split(explanation, "\n")
		if len(lines) < 4 || lines[0] != name || len(lines[2]) > 220 {
			t.Errorf("%q is explained as\n%s", name, text)
			continue
		}
		at, err := strconv.Atoi(place)
		check(t, err)
		if want := strings.Repeat(" ", utf8.RuneCountInString(name[:at])) + "^"; lines[1] != want {
			t.Errorf("%q fails at %d, and is explained as\n%s", name, at, text)
		}
		if !strings.Contains(strings.Join(lines[2:], "\n"), nearest) {
			t.Errorf("%q: nearest is %q, and it is explained as\n%s", name, nearest, text)
		}
		if meant == "" {
			continue
		}
		if got := w.agent.stat(meant); got != "" {
			t.Errorf("%q: what is nearest, %q, is %s", name, meant, got)
		}
	}
	if count < 300 {
		t.Errorf("%d components", count)
	}
}
