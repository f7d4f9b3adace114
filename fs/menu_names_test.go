package fs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

// TestPropertyMenuNames: the name of every link is a file name and no query, and tells what it leads to, or that
// only the menu does.
func TestPropertyMenuNames(t *testing.T) {
	color := search.Key{Name: search.MetaPrefix + "color", Indexed: true}
	taken := map[string]search.MenuItem{}
	check := func(t fataler, k search.Key, i search.MenuItem) {
		t.Helper()
		name := EncodeMenuItem(i)
		if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00<>") || name[0] == '-' || name == NameIncomplete {
			t.Fatalf("%+v has the name %q", i, name)
		}
		checkLiteral(t, name, DecodeFlat(name))
		if other, ok := taken[name]; ok && other.Entry().Key != i.Entry().Key {
			t.Fatalf("%+v and %+v have the name %q", i, other, name)
		}
		taken[name] = i
		got, known, ok := DecodeMenuItem(k, name)
		switch {
		case !ok:
			t.Fatalf("%q, the name of %+v, is none", name, i)
		case known && !cmp.Equal(got, i):
			t.Fatalf("%q, the name of %+v, is taken for %+v", name, i, got)
		case !known && !i.More && !i.Begins && len(name) < 200:
			t.Fatalf("%q does not tell %+v", name, i)
		}
	}
	all := func(t fataler, label string) {
		t.Helper()
		if i, ok := search.MenuItemNamed(color, label); ok {
			check(t, color, i)
		}
		if label != "" {
			check(t, color, search.MenuItem{Label: label, Begins: true, Components: []string{"x"}})
		}
	}
	for _, label := range trapKeys {
		all(t, label)
	}
	check(t, color, search.MenuItem{More: true, Components: []string{"color,gt,a", "@by", "color"}})
	for _, c := range []struct {
		key    search.Key
		labels []string
	}{
		{search.Key{Name: "Size", Type: search.Integer, Indexed: true}, []string{"0..1", "1M..10M", "1.1M..1.2M", "1000P.."}},
		{search.Key{Name: search.MetaPrefix + "n", Type: search.Integer, Indexed: true}, []string{"-10..-1", "..-1000", "-1..0"}},
		{search.Key{Name: search.MetaPrefix + "ratio", Type: search.Decimal, Indexed: true}, []string{"0", "-1.5", "0.1..1", "-1..-0.1", "0..0.001"}},
		{search.Key{Name: "LastModified", Type: search.Datetime, Indexed: true}, []string{"2024", "2024-05", "2024-05-01", "2024-05-01T12"}},
	} {
		clear(taken)
		for _, label := range c.labels {
			i, ok := search.MenuItemNamed(c.key, label)
			if !ok {
				t.Fatalf("%q is no label of %s", label, c.key.Name)
			}
			check(t, c.key, i)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		clear(taken)
		for _, label := range rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom(trapKeys),
			rapid.StringMatching(`[a-z@%~,.<>=/-]{0,12}(gt|eq|exists|tree|empty|more)?,?`)), 1, 5).Draw(rt, "labels") {
			all(rt, label)
		}
	})
}
