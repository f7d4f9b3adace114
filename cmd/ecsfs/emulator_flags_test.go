package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestExampleRules: what is shown as a file of rules is one.
func TestExampleRules(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(name, []byte(exampleRules), 0o644); err != nil {
		t.Fatal(err)
	}
	rules, err := loadRules(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := newEmulatorOptions().Server.SetRules(rules...); err != nil || len(rules) != 1 || rules[0].Status != 503 {
		t.Errorf("%+v: %v", rules, err)
	}
}

func TestParseSkew(t *testing.T) {
	for text, want := range map[string]time.Duration{"1h": time.Hour, "-15m": -15 * time.Minute, "+2d": 48 * time.Hour, "0": 0} {
		if got, err := parseSkew(text); got != want || err != nil {
			t.Errorf("parseSkew(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "--1h", "-5", "soon"} {
		if got, err := parseSkew(text); err == nil {
			t.Errorf("parseSkew(%q) = %v", text, got)
		}
	}
}
