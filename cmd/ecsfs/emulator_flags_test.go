package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
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

// TestEveryKnobHasAnOption: what a server can be told, its command line can tell.
func TestEveryKnobHasAnOption(t *testing.T) {
	otherwise := map[string]string{ // field: option or reason
		"URL": "set by Start", "Certificate": "set by StartTLS", "ControlURL": "set by Start",
		"Listener": "listen", "ControlListener": "control", "Now": "clock-skew", "Logf": "verbose",
		"AccessKeyID": "ECSFS_ACCESS_KEY_ID", "SecretAccessKey": "ECSFS_SECRET_ACCESS_KEY",
		"Credentials": "for Go", "RecordLimit": "for Go", "Intercept": "for Go, --rules for others",
	}
	options := map[string]bool{}
	for _, f := range newEmulatorOptions().flags() {
		options[f.Names()[0]] = true
	}
	words := regexp.MustCompile("[A-Z][a-z]+")
	for field := range reflect.TypeFor[ecstest.Server]().Fields() {
		if _, ok := otherwise[field.Name]; ok || !field.IsExported() {
			continue
		}
		option := strings.ToLower(strings.Join(words.FindAllString(field.Name, -1), "-"))
		if !options[option] {
			t.Errorf("Server.%s has no option --%s", field.Name, option)
		}
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
