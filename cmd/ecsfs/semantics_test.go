package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSemanticsNamesItsTests holds docs/semantics.md to its word: each test
// that it names exists.
func TestSemanticsNamesItsTests(t *testing.T) {
	checkNamedTests(t, "../../docs/semantics.md")
}

// TestCompatibilityNamesItsTests does the same for docs/compatibility.md, of
// which each row of a table names a test.
func TestCompatibilityNamesItsTests(t *testing.T) {
	text := checkNamedTests(t, "../../docs/compatibility.md")
	for line := range strings.Lines(text) {
		row := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") && !strings.HasSuffix(strings.TrimSpace(line), "| test |")
		if row && !strings.Contains(line, "`Test") {
			t.Errorf("docs/compatibility.md has a row that names no test: %s", line)
		}
	}
}

// checkNamedTests fails the test unless each test that the page names exists,
// and returns the page.
func checkNamedTests(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			exists[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			code, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range function.FindAllSubmatch(code, -1) {
				exists[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+|\\w+\\.txtar)`").FindAllSubmatch(text, -1)
	if len(named) < 20 {
		t.Errorf("only %d tests are named: has the form of the page changed?", len(named))
	}
	for _, m := range named {
		if name := string(m[1]); name != "TestName" && name != "name.txtar" && !exists[name] {
			t.Errorf("%s names %s, which does not exist", page, name)
		}
	}
	return string(text)
}
