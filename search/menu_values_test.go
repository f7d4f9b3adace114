package search

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMenuIsCapped(t *testing.T) {
	k := userKey("color", String)
	var values []string
	for i := range 450 {
		values = append(values, fmt.Sprintf("v%03d", i))
	}
	for _, engine := range []Engine{EngineSearch, EngineScan} {
		s := storeOf(k, values...)
		s.schema.Engine = engine
		first := menuOf(t, s, k, nil)
		if len(first) != MaxMenuItems+1 {
			t.Fatalf("%d items", len(first))
		}
		want := MenuItem{More: true, Components: []string{"color,gt,v199", "@by", "color"}}
		if diff := cmp.Diff(want, first[MaxMenuItems]); diff != "" {
			t.Error(diff)
		}
		if engine == EngineSearch && s.queries != MaxMenuItems+1 {
			t.Errorf("%d searches", s.queries)
		}
		next := menuOf(t, s, k, itemExpr(t, s.schema, first[MaxMenuItems]))
		last := menuOf(t, s, k, itemExpr(t, s.schema, next[MaxMenuItems]))
		if next[0].Label != "v200" || len(last) != 50 || last[49].Label != "v449" {
			t.Errorf("the menus behind begin with %q and have %d items at last", next[0].Label, len(last))
		}
	}
}

// itemExpr returns what the predicates among the components of i mean.
func itemExpr(t interface{ Fatalf(string, ...any) }, s Schema, i MenuItem) Expr {
	var parts Conjunction
	for _, name := range i.Components {
		if len(name) > 255 {
			t.Fatalf("component of %d bytes: %s", len(name), name)
		}
		c, err := ParseComponent(name, s)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if c.Kind == ComponentPredicate {
			parts = append(parts, c.Where)
		}
	}
	return Normalize(parts)
}

// TestMenuOfLongValues: values too long for a component share one item where they begin alike.
func TestMenuOfLongValues(t *testing.T) {
	k := userKey("title", String)
	a, b := strings.Repeat("a", 300), strings.Repeat("ä", 200)
	s := storeOf(k, a+"1", a+"2", a, "a", "b", b+"x", b+"y", b[:200])
	items := menuOf(t, s, k, nil)
	var got []string
	for _, i := range items {
		got = append(got, fmt.Sprintf("%s %d %t", i.Label[:1], len(i.Label), i.Begins))
	}
	want := []string{"a 1 false", "a 230 true", "b 1 false", "\xc3 200 false", "\xc3 230 true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.queries != len(items)+1 {
		t.Errorf("%d searches", s.queries)
	}
}

// TestMenuWithoutOrder: where the store does not sort, one pass makes the menu whole.
func TestMenuWithoutOrder(t *testing.T) {
	k := userKey("color", String)
	s := storeOf(k, "c", "a", "b", "a")
	s.disorder = true
	s.repeats = true
	if diff := cmp.Diff([]string{"c -> color,eq,c", "a -> color,eq,a", "b -> color,eq,b"}, menuLines(menuOf(t, s, k, nil))); diff != "" {
		t.Error(diff)
	}
	if s.queries != 3 {
		t.Errorf("%d searches", s.queries)
	}
}

func TestMenuThatBreaks(t *testing.T) {
	k := userKey("color", String)
	bad := &Error{Op: "query", Kind: KindTimeout}
	s := storeOf(k, "a", "b", "c")
	s.failAt, s.fails = 3, bad
	var labels []string
	var got error
	for i, err := range Values(t.Context(), s, Listing{Bucket: "b", Menu: k}) {
		if got = err; err == nil {
			labels = append(labels, i.Label)
		}
	}
	if got != error(bad) || len(labels) != 2 {
		t.Errorf("%q, then %v", labels, got)
	}

	s = storeOf(k, "a", "b", "c")
	for range Values(t.Context(), s, Listing{Bucket: "b", Menu: k}) {
		break
	}
	if s.queries != 1 {
		t.Errorf("breaking out after one item took %d searches", s.queries)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range Values(ctx, storeOf(k, "a"), Listing{Bucket: "b", Menu: k}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
}

// TestMenuPath holds what stays of the components typed.
func TestMenuPath(t *testing.T) {
	s := menuSchema(userKey("color", String), userKey("n", Integer))
	size, mtime, color := s.Indexed[0], s.Indexed[1], s.Indexed[2]
	for _, c := range []struct {
		key         Key
		item, typed string
		want        string
	}{
		{color, "blue", "size,gt,1", "size,gt,1/color,eq,blue"},
		{color, "blue", "color,exists/size,gt,1/color,ge,a/@tree/f", "size,gt,1/@tree/f/color,eq,blue"},
		{color, "blue", "color,in,red,blue", "color,eq,blue"},
		{color, "blue", "color=='blue'", "color=='blue'/color,eq,blue"},
		{color, "", "color,lt,x", "color,eq,"},
		{size, "1M..10M", "size,gt,1", "size,ge,1M/size,lt,10M"},
		{size, "1M..10M", "size,gt,1M", "size,gt,1M/size,ge,1M/size,lt,10M"},
		{size, "1M..10M", "size,ge,1M/SIZE,le,10M/sys.size,lt,9M", "sys.size,lt,9M/size,ge,1M/size,lt,10M"},
		{size, "1000P..", "size,lt,1000000P", "size,lt,1000000P/size,ge,1000P"},
		{mtime, "2024-05", "mtime,in,2024/modified,gt,2023", "mtime,eq,2024-05"},
		{mtime, "2024-05", "mtime,gt,2024-05-03", "mtime,gt,2024-05-03/mtime,eq,2024-05"},
		{mtime, "2024-05", "mtime,older,1d", "mtime,older,1d/mtime,eq,2024-05"},
	} {
		i, ok := MenuItemNamed(c.key, c.item)
		if !ok {
			t.Fatalf("%q is no item", c.item)
		}
		if got := strings.Join(i.Path(s, c.key, strings.Split(c.typed, "/")), "/"); got != c.want {
			t.Errorf("%s at %s:\ngot  %s\nwant %s", c.item, c.typed, got, c.want)
		}
	}
	for _, c := range []struct {
		key  Key
		name string
	}{{size, "5"}, {size, ".."}, {size, "a..b"}, {size, "1..2..3"}, {size, strings.Repeat("0", 250) + "1.."}, {mtime, "7d"}, {mtime, "today"}, {mtime, "2024-5"}, {mtime, "2024-05-01T12:00"}} {
		if i, ok := MenuItemNamed(c.key, c.name); ok {
			t.Errorf("%s of %s is %v", c.name, c.key.Name, i)
		}
	}
}

func TestMenuKeys(t *testing.T) {
	s := menuSchema(userKey("color", String))
	var names []string
	for _, k := range MenuKeys(s) {
		names = append(names, k.Short())
	}
	if got := strings.Join(names, " "); got != "size mtime color" {
		t.Error(got)
	}
	for name, want := range map[string]Kind{"Size": 99, "meta.color": 99, "x-amz-meta-COLOR": 99, "colour": KindNotExist, "owner": KindUnsupported} {
		_, err := MenuKey(s, name)
		if want == 99 && err != nil || want != 99 && (err == nil || KindOf(err) != want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := MenuKey(s, "colour"); !strings.Contains(err.Error(), "did you mean color?") {
		t.Error(err)
	}
}

// TestPropertyMenus: every object that has the key is below exactly one item of the menu (of texts
// that are too long, at least one), no item is without, and one pass gives the same as a search an item.
func TestPropertyMenus(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		typ := rapid.SampledFrom([]Datatype{String, Integer, Decimal, Datetime}).Draw(rt, "type")
		k := userKey("k", typ)
		sizes := typ == Integer && rapid.Bool().Draw(rt, "size")
		if sizes {
			k = Key{Name: keySize, Type: Integer, Indexed: true}
		}
		values := rapid.SliceOfN(menuValue(typ, sizes), 0, 30).Draw(rt, "values")
		s := storeOf(k, values...)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(s.objects), func(i, j int) { s.objects[i], s.objects[j] = s.objects[j], s.objects[i] })
		items := menuOf(t, s, k, nil)
		if bound := len(items) + 8; s.queries > bound {
			rt.Fatalf("%d searches for %d items", s.queries, len(items))
		}
		s.schema.Engine = EngineScan
		if diff := cmp.Diff(items, menuOf(t, s, k, nil)); diff != "" {
			rt.Fatalf("one pass (+) differs:\n%s", diff)
		}
		s.schema.Engine = EngineSearch
		below := make([]int, len(s.objects))
		labels := map[string]bool{}
		for _, i := range items {
			if id := i.Entry().Key; labels[id] {
				rt.Fatalf("two items %q", id)
			} else {
				labels[id] = true
			}
			if diff := cmp.Diff(i, MenuItemOf(i.Entry())); diff != "" {
				rt.Fatal(diff)
			}
			e := itemExpr(rt, s.schema, i)
			n := 0
			for j := range s.objects {
				if Evaluate(e, &s.objects[j]) == True {
					n++
					below[j]++
				}
			}
			if n == 0 {
				rt.Fatalf("%v leads to nothing", i)
			}
			if !i.Begins {
				named, ok := MenuItemNamed(k, i.Label)
				if diff := cmp.Diff(i, named); !ok || diff != "" {
					rt.Fatalf("the item named %q: %s", i.Label, diff)
				}
			}
		}
		begins := slices.ContainsFunc(items, func(i MenuItem) bool { return i.Begins })
		for j := range s.objects {
			has := s.objects[j].operand(k).state == present
			if has && below[j] == 0 || !has && below[j] > 0 || below[j] > 1 && !begins {
				rt.Fatalf("%v is below %d items of %v", s.objects[j], below[j], menuLines(items))
			}
		}
	})
}

func menuValue(typ Datatype, sizes bool) *rapid.Generator[string] {
	switch {
	case sizes:
		return rapid.Custom(func(rt *rapid.T) string {
			return fmt.Sprint(rapid.Int64Min(0).Draw(rt, "n") >> rapid.IntRange(0, 63).Draw(rt, "shift"))
		})
	case typ == Integer:
		return rapid.Custom(func(rt *rapid.T) string {
			n := rapid.Int64().Draw(rt, "n") >> rapid.IntRange(0, 63).Draw(rt, "shift")
			return rapid.SampledFrom([]string{fmt.Sprint(n), "none", "-", fmt.Sprint(n / 1000 * 1000)}).Draw(rt, "text")
		})
	case typ == Decimal:
		return rapid.StringMatching(`[+-]?0{0,2}[0-9]{1,3}(\.0{0,35}[0-9]{1,6})?|-?[0-9]{28,33}|1\.5|x`)
	case typ == Datetime:
		return rapid.StringMatching(`(2024|2024|[0-9]{4})-0[57]-(01|0[1-9])T(12|0[0-9]):00:00Z|bad`)
	}
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "it's", `both ' and "`, "a,b", "\xff", strings.Repeat("long", 70), strings.Repeat("long", 70) + "x", "-"}))
}
