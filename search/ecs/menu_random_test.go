package ecs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// menuTexts are values of each datatype, and some that are none.
var menuTexts = map[string][]string{
	"color": {"", "red", "Red", "blue", "it's", `say "no"`, `both ' and "`, "a/b,c", "size,gt,1", "größe", "\U0001f600", "\uff5e", "%41", "..", strings.Repeat("long", 70), strings.Repeat("long", 70) + "!"},
	"n":     {"0", "1", "-1", "10", "12", "123", "129", "-10", "-123", "9223372036854775807", "-9223372036854775808", "none"},
	"ratio": {"0", "0.0", "0.5", "-0.5", "1", "1.5", "1.50", "1.51", "100", "-100.25", "x"},
	"when":  {"2023-05-01T00:00:00Z", "2024-05-01T00:00:00Z", "2024-05-01T12:30:00Z", "2024-05-02T00:00:00Z", "2024-06-30T23:59:59Z", "2024", "soon"},
}

// TestPropertyMenusOfStore: for random objects and queries, the items of a menu are those that one scan of all objects
// makes, each leads to results, and every result that has the key is below one.
func TestPropertyMenusOfStore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		srv := ecstest.NewUnstartedServer()
		srv.Generation = rapid.SampledFrom(ecstest.Generations()).Draw(rt, "generation")
		srv.PageSize = rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(rt, "page size")
		srv.Seed = rapid.Int64().Draw(rt, "seed")
		srv.Start()
		defer srv.Close()
		index := []string{"Size", "LastModified", "x-amz-meta-color;string", "x-amz-meta-n;integer", "x-amz-meta-ratio;decimal", "x-amz-meta-when;datetime"}
		if rapid.Bool().Draw(rt, "index of names") {
			index = append(index, "ObjectName")
		}
		if err := srv.CreateBucket("b", index...); err != nil {
			rt.Fatal(err)
		}
		for i := range rapid.IntRange(0, 25).Draw(rt, "objects") {
			o := ecstest.PutOptions{Metadata: map[string]string{},
				LastModified: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "hours")) * time.Hour)}
			for _, name := range []string{"color", "n", "ratio", "when"} {
				if rapid.IntRange(0, 4).Draw(rt, "has "+name) > 0 {
					o.Metadata[name] = rapid.SampledFrom(menuTexts[name]).Draw(rt, name)
				}
			}
			key := fmt.Sprint(rapid.SampledFrom([]string{"", "x/", "y/"}).Draw(rt, "folder"), i)
			if err := srv.PutObject("b", key, make([]byte, rapid.SampledFrom([]int{0, 1, 9, 100, 1500, 3000}).Draw(rt, "size")), o); err != nil {
				rt.Fatal(err)
			}
		}
		config := ecs.Config{Endpoint: srv.URL, Credentials: demoKeys, RetryDelay: time.Millisecond, Timeout: 10 * time.Second}
		open := func(change func(*ecs.Config)) (search.Store, search.Schema) {
			cfg := config
			change(&cfg)
			c, err := ecs.New(t.Context(), cfg)
			if err != nil {
				rt.Fatal(err)
			}
			s, err := c.Store().Schema(t.Context(), "b")
			if err != nil {
				rt.Fatal(err)
			}
			return c.Store(), s
		}
		searched, schema := open(func(c *ecs.Config) { c.Engine = ecs.EngineECS })
		scanned, scanSchema := open(func(c *ecs.Config) { c.Engine, c.ScanMetadata = ecs.EngineScan, true })

		d := search.Dir{Bucket: "b", Prefix: rapid.SampledFrom([]string{"", "", "x/"}).Draw(rt, "prefix")}
		typed := rapid.SliceOfN(rapid.SampledFrom([]string{"size,gt,1", "color,ge,b", "color,in,red,blue", "color,prefix,l", "n,exists", "n,lt,100", "n,ge,-10",
			"ratio,gt,0", "mtime,ge,2024-05-02", "color,ne,red", "when,eq,2024", "base,contains,1"}), 0, 2).Draw(rt, "query")
		for _, name := range typed {
			c, err := search.ParseComponent(name, schema)
			if err != nil {
				rt.Fatal(err)
			}
			d = d.Narrow(c.Where)
		}
		key := rapid.SampledFrom([]string{"size", "mtime", "color", "n", "ratio", "when"}).Draw(rt, "key")
		menu := func(s search.Store, schema search.Schema) (items []search.MenuItem, k search.Key) {
			k, err := search.MenuKey(schema, key)
			if err != nil {
				rt.Fatal(err)
			}
			for i, err := range search.Values(t.Context(), s, d.Values(k, time.Now(), time.Second)) {
				if err != nil {
					rt.Fatal(err)
				}
				items = append(items, i)
			}
			return items, k
		}
		count := func(d search.Dir) (n int) {
			for _, err := range searched.Query(t.Context(), d.Results(time.Now(), time.Second)) {
				if err != nil {
					rt.Fatal(err)
				}
				n++
			}
			return n
		}
		items, k := menu(searched, schema)
		bare, _ := menu(scanned, scanSchema)
		if diff := cmp.Diff(labelsOf(bare), labelsOf(items)); diff != "" {
			rt.Fatalf("the menu differs from that of a scan (-):\n%s", diff)
		}
		sum, long := 0, false
		for _, i := range items {
			below := search.Dir{Bucket: "b", Prefix: d.Prefix}
			for _, name := range i.Path(schema, k, typed) {
				c, err := search.ParseComponent(name, schema)
				if err != nil {
					rt.Fatal(err)
				}
				below = below.Narrow(c.Where)
			}
			n := count(below)
			if n == 0 {
				rt.Fatalf("%v leads to nothing below %v", i.Path(schema, k, typed), typed)
			}
			sum, long = sum+n, long || i.Begins
		}
		if want := count(d.Narrow(search.Cond{Key: k, Op: search.OpExists})); sum != want && !long {
			rt.Fatalf("the items have %d results, of %d with the key", sum, want)
		}
	})
}

func labelsOf(items []search.MenuItem) (labels []string) {
	for _, i := range items {
		labels = append(labels, i.Entry().Key)
	}
	return labels
}
