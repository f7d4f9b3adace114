package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
)

func TestParseMeta(t *testing.T) {
	got, err := parseMeta([]string{"color=red", "X-Amz-Meta-N=1=2", "meta.Size=", "note=two words, (~!) %41"})
	want := map[string]string{"color": "red", "n": "1=2", "size": "", "note": "two words, (~!) %41"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for assignment, want := range map[string]string{
		"color":          "not NAME=VALUE",
		"=red":           "the key has no name",
		"x-amz-meta-=1":  "the key has no name",
		"two words=1":    "letters, digits",
		"city=Köln 5%":   "percent-encoded it can: --meta 'city=K%C3%B6ln 5%25'",
		"a=x\ny":         "--meta a=x%0Ay",
		"a= x":           "--meta a=%20x",
		"a=\xff":         "--meta a=%FF",
		"n=1":            "n is named twice",
		"meta.N=1":       "n is named twice",
		"a=x\x7f":        "a=x%7F",
		"größe=1":        "letters, digits",
		"x-amz-meta-b:1": "not NAME=VALUE",
	} {
		_, err := parseMeta([]string{"n=0", assignment})
		if err == nil || !strings.Contains(err.Error(), want) || codeOf(err) != exitUsage {
			t.Errorf("--meta %q: %v, want an error of the command line with %q", assignment, err, want)
		}
	}
}

func TestUnfindable(t *testing.T) {
	s := search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{
		{Name: "x-amz-meta-n", Type: search.Integer, Indexed: true}, {Name: "x-amz-meta-due", Type: search.Datetime, Indexed: true},
		{Name: "x-amz-meta-size", Type: search.Decimal, Indexed: true}, {Name: "x-amz-meta-color", Indexed: true},
	}}
	if notes := unfindable(map[string]string{"n": "-3", "due": "2026-01-31T12:00:00Z", "size": "1.5", "color": "1"}, s); notes != nil {
		t.Errorf("values of the right datatypes: %q", notes)
	}
	notes := strings.Join(unfindable(map[string]string{"n": "3.0", "due": "2026-01-31", "size": "1M", "colour": "red"}, s), "\n")
	for _, want := range []string{"n=3.0: bucket b indexes n as integer", "due=2026-01-31: bucket b indexes due as datetime (such as", "size=1M", "colour is no key"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no word of %q in %s", want, notes)
		}
	}
	if notes := unfindable(map[string]string{"n": "x"}, search.Schema{Bucket: "b"}); notes != nil {
		t.Errorf("a bucket without search: %q", notes)
	}
}

func TestContentType(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"a.TXT", "\x00", "text/plain; charset=utf-8"},
		{"dir.png/a", "plain", "text/plain; charset=utf-8"},
		{"photo", "\x89PNG\r\n\x1a\n", "image/png"},
		{"a.b.jsonl", "", "application/x-ndjson"},
		{"empty", "", "application/octet-stream"},
		{"x.unknown", "\x01\x02", "application/octet-stream"},
	} {
		if got := contentType(c.name, []byte(c.head)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, text := range []string{"text", "", "a/b\n", "text/plain; charset", "größe/x"} {
		if checkContentType(text) == nil {
			t.Errorf("--content-type %q is taken", text)
		}
	}
	if err := checkContentType("text/plain; charset=iso-8859-1"); err != nil {
		t.Error(err)
	}
	for ending, text := range contentTypes {
		if err := checkContentType(text); err != nil || !strings.HasPrefix(ending, ".") || ending != strings.ToLower(ending) {
			t.Errorf("%s: %s: %v", ending, text, err)
		}
	}
}
