package fs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// viewRules are about views and modifiers.
var viewRules = []rule{
	{section: "5-order/@sort never changes what matches", path: "size,ge,0/@sort,n", lists: everything},
	{section: "5-order/@sort puts what is without the key last", path: "size,ge,0/@sort,n", order: true,
		lists: lists("log-b", "hello", "log-a", "smith", "bob", "empty", "log-c", "pic", "d")},
	{section: "5-order/descending too", path: "size,ge,0/@sort,-n", order: true,
		lists: lists("log-a", "hello", "log-b", "smith", "bob", "empty", "log-c", "pic", "d")},
	{section: "5-order/ties are ordered by name", path: "color,exists/@sort,color", order: true,
		lists: lists("empty", "smith", "log-a", "log-c", "bob", "hello", "log-b", "pic")},
	{section: "5-order/ties ascend in descending order", path: "color,exists/@sort,-color", order: true,
		lists: lists("bob", "hello", "log-b", "pic", "log-c", "log-a", "smith", "empty")},
	{section: "5-order/with or, the order is made here", path: "n,in,5,7,-3/@sort,n", order: true, sent: `(x-amz-meta-n==7 or x-amz-meta-n==5 or x-amz-meta-n==-3)`, with: "-sorted",
		lists: lists("log-b", "hello", "log-a")},
	{section: "5-order/with a prefix, the order is that of a range of names", path: "logs/n,exists/@sort,n", order: true, with: "sorted=x-amz-meta-n -prefix",
		sent: `x-amz-meta-n>=-9223372036854775808 and ObjectName>='logs/' and ObjectName<'logs0'`, lists: lists("2024%2Fb.log", "2024%2Fa.log")},
	{section: "5-order/with a prefix where names are not indexed, the order is made here", path: "../names/ordered/size,ge,0/@sort,-size", order: true, with: "prefix=ordered/ -sorted",
		sent: `Size>=0`, lists: lists("b", "a")},
	{section: "5-order/@limit never changes what matches", path: "color,eq,red/@limit,2/hello.txt%~", errno: "ENOENT"},

	{section: "6-directives/@sort ascends", path: "color,eq,red/@sort,size", order: true, lists: lists("bob", "log-b", "hello", "pic")},
	{section: "6-directives/@sort descends", path: "color,eq,red/@sort,-size", order: true, lists: lists("pic", "hello", "log-b", "bob")},
	{section: "6-directives/@sort by a key that is not indexed", path: "color,eq,red/@sort,-contenttype", order: true, with: "attributes~ContentType", lists: lists("bob", "hello", "pic", "log-b"),
		sent: `x-amz-meta-color=='red'`},
	{section: "6-directives/@sort is asked of the store where it can", path: "n,exists/@sort,n", order: true, sent: `x-amz-meta-n>=-9223372036854775808`, with: "sorted=x-amz-meta-n",
		lists: lists("log-b", "hello", "log-a")},
	{section: "6-directives/@sort by name", path: "color,eq,red/@sort,-name", order: true, lists: lists("pic", "log-b", "hello", "bob")},
	{section: "6-directives/@sort by times", path: "logs/@sort,-mtime", order: true, lists: lists("2025%2Fc.log", "2024%2Fb.log", "2024%2Fa.log")},
	{section: "6-directives/@sort without a query", path: "@sort,-size", order: true, lists: lists("log-a", "pic", "d", "log-c", "hello", "log-b", "bob", "smith", "empty")},
	{section: "6-directives/@sort without a key", path: "@sort", errno: "EINVAL"},
	{section: "6-directives/@sort by an unknown key", path: "@sort,sise", errno: "EINVAL"},
	{section: "6-directives/@limit", path: "color,eq,red/@sort,-size/@limit,2", order: true, lists: lists("pic", "hello")},
	{section: "6-directives/@limit alone", path: "n,gt,5/@limit,1", lists: lists("log-a")},
	{section: "6-directives/@limit stops asking", path: "n,gt,-9/@limit,1", sent: `x-amz-meta-n>-9`, with: "max-keys=1"},
	{section: "6-directives/@limit without a query", path: "@sort,-mtime/@limit,3", order: true, lists: lists("bob", "hello", "pic")},
	{section: "6-directives/@limit above what there is", path: "n,gt,5/@limit,100", lists: lists("log-a")},
	{section: "6-directives/@limit of nothing", path: "n,gt,5/@limit,0", errno: "EINVAL"},
	{section: "6-directives/modifiers apply after all predicates, sort before limit", path: "@limit,2/color,eq,red/@sort,-size/size,gt,10", order: true, sent: `Size>10 and x-amz-meta-color=='red'`, lists: lists("pic", "hello")},
	{section: "6-directives/of two of one kind the last wins: @limit", path: "@limit,1/color,eq,red/@sort,-size/@limit,3", order: true, lists: lists("pic", "hello", "log-b")},
	{section: "6-directives/of two of one kind the last wins: @sort", path: "color,eq,red/@sort,size/@sort,-size", order: true, lists: lists("pic", "hello", "log-b", "bob")},
	{section: "6-directives/a lookup below @limit is answered from the snapshot", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{})
		for i := range 5 {
			w.put(fmt.Sprintf("f%d", i), strings.Repeat("x", i+1))
		}
		a := newAgent(w)
		const dir = "size,gt,0/@sort,-size/@limit,2"
		names, errno := a.list(dir)
		if diff := cmp.Diff(lists("f4", "f3"), names); diff != "" || errno != "" {
			t.Errorf("%s: %s%s", dir, errno, diff)
		}
		w.requests()
		if in, out := a.stat(dir+"/f3"), a.stat(dir+"/f2"); in != "" || out != "ENOENT" {
			t.Errorf("f3, a result: %q; f2, none: %q", in, out)
		}
		w.wantRequests("lookups below @limit", "")
	}},

	{section: "6-directives/flat is the default view", path: "color,eq,red", lists: lists("bob", "hello", "log-b", "pic")},
	{section: "6-directives/@tree", path: "color,eq,red/@tree", lists: lists("bob.txt", "hello.txt", "logs", "pic.png")},
	{section: "6-directives/@tree: folders", path: "color,eq,red/@tree/logs", lists: lists("2024")},
	{section: "6-directives/@tree: folders of folders", path: "color,eq,red/@tree/logs/2024", lists: lists("b.log")},
	{section: "6-directives/@tree: a result", path: "color,eq,red/@tree/logs/2024/b.log", file: 50},
	{section: "6-directives/@tree: what is no result", path: "color,eq,red/@tree/logs/2024/a.log", errno: "ENOENT"},
	{section: "6-directives/@tree: a folder without results", path: "color,eq,red/@tree/year=2024", errno: "ENOENT"},
	{section: "6-directives/@tree may stand before the query", path: "@tree/color,eq,red/logs/2024", lists: lists("b.log")},
	{section: "6-directives/@tree: literals after a query extend the prefix", path: "color,exists/@tree/logs/n,lt,0", sent: `x-amz-meta-color>='' and x-amz-meta-n<0`, with: "prefix=logs/", lists: lists("2024")},
	{section: "6-directives/@tree below a folder", path: "logs/n,gt,-9/@tree/2024", lists: lists("a.log", "b.log")},
	{section: "6-directives/@tree with modifiers", path: "size,ge,0/@sort,-size/@limit,3/@tree/logs/2024", lists: lists("a.log")},
	{section: "6-directives/@tree of a folder without a query", path: "logs/@tree", lists: lists("2024", "2025"), sent: "none"},

	{section: "6-directives/@versions", check: func(t *testing.T, w *grammarWorld) {
		put := func(data, color string) {
			check(t, w.ecs.PutObject("versions", "d/scan.dcm", []byte(data), ecstest.PutOptions{Metadata: map[string]string{"color": color}}))
		}
		put("first", "red")
		put("second!", "blue")
		put("the third", "red")
		check(t, w.ecs.PutObject("versions", "gone.txt", []byte("old"), ecstest.PutOptions{Metadata: map[string]string{"color": "red"}}))
		check(t, w.ecs.DeleteObject("versions", "gone.txt"))
		name := regexp.MustCompile(`^(d%2F|d/|)(scan|gone)%~v[^.]+\.(dcm|txt)$`)
		for _, c := range []struct {
			dir  string
			want []string // what is read
		}{
			{"color,eq,red", lists("the third")}, // the current ones
			{"color,eq,red/@versions", lists("first", "old", "the third")},
			{"@versions/color,eq,blue", lists("second!")},
			{"@versions", lists("first", "old", "second!", "the third")},
			{"d/@versions", lists("first", "second!", "the third")},
			{"d/color,ne,blue/@versions/@sort,-size/@limit,1", lists("the third")},
		} {
			names, errno := w.agent.list("../versions/" + c.dir)
			var read []string
			for _, n := range names {
				read = append(read, w.agent.read("../versions/"+c.dir+"/"+n))
				if strings.Contains(c.dir, "@versions") && !name.MatchString(n) {
					t.Errorf("%s lists %q", c.dir, n)
				}
			}
			slices.Sort(read)
			if diff := cmp.Diff(c.want, read); diff != "" || errno != "" {
				t.Errorf("%s: %s (-want +got):\n%s", c.dir, errno, diff)
			}
		}
	}},
	{section: "7-names/versions", check: func(t *testing.T, w *grammarWorld) {
		names, _ := w.agent.list("../versions/d/@versions")
		for _, n := range names {
			id := strings.TrimSuffix(strings.TrimPrefix(n, "scan%~v"), ".dcm")
			if got := w.agent.read("../versions/d/@versions/@meta," + n); !strings.Contains(got, `"version": "`+id+`"`) || !strings.Contains(got, `"key": "d/scan.dcm"`) {
				t.Errorf("%s is\n%s", n, got)
			}
		}
		if len(names) != 3 {
			t.Errorf("versions: %q", names)
		}
	}},
	{section: "10-errors/EOPNOTSUPP bucket without metadata search, by its own engine", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{ecs: func(c *ecs.Config) { c.Engine = ecs.EngineECS }, server: func(s *ecstest.Server) { check(t, s.CreateBucket("plain")) }})
		if _, errno := newAgent(w).list("../plain/size,gt,1"); errno != "EOPNOTSUPP" {
			t.Errorf("%q", errno)
		}
	}},
	{section: "3-keys/scan of a bucket without metadata search", check: func(t *testing.T, w *grammarWorld) {
		for key, size := range map[string]int{"small": 1, "d/big": 100} {
			check(t, w.ecs.PutObject("plain", key, make([]byte, size), ecstest.PutOptions{Metadata: map[string]string{"color": "red"}, LastModified: grammarNow.Add(-24 * time.Hour)}))
		}
		for _, c := range []struct {
			path, errno string
			want        []string
		}{
			{"size,gt,10", "", lists("d%2Fbig")},
			{"mtime,newer,7d/base,glob,s*", "", lists("small")},
			{"size,ge,0/@sort,-size", "", lists("d%2Fbig", "small")},
			{"meta.color,eq,red", "EOPNOTSUPP", lists()}, // without --scan-metadata
		} {
			if names, errno := w.agent.list("../plain/" + c.path); errno != c.errno || !slices.Equal(names, c.want) {
				t.Errorf("%s lists %q, %q; want %q, %q", c.path, names, errno, c.want, c.errno)
			}
		}
	}},
}

// menuRules are about menus.
var menuRules = []rule{
	{section: "6-directives/@by", path: "size,gt,1M/@by", lists: lists("color", "created", "mtime", "n", "name", "origin", "owner", "ratio", "shot", "size", "title"), sent: "none"},
	{section: "11-examples/size,gt,1M/@by/color", path: "size,gt,1M/@by/color", lists: lists("blue", "red"), order: true, sent: `Size>1048576 and x-amz-meta-color>=''`, with: "sorted=x-amz-meta-color max-keys=1"},
	{section: "8-menus/@by: the target of a link", check: wantLinks("size,gt,1/@by/color", "Red ../../../size,gt,1/color,eq,Red", "blue ../../../size,gt,1/color,eq,blue", "green ../../../size,gt,1/color,eq,green", "red ../../../size,gt,1/color,eq,red")},
	{section: "8-menus/the components on the key are taken out", check: wantLinks("color,in,blue,red/size,gt,1/@by/color", "blue ../../../../size,gt,1/color,eq,blue", "red ../../../../size,gt,1/color,eq,red")},
	{section: "8-menus/the empty value", check: wantLinks("size,lt,1/@by/color", "%~empty ../../../size,lt,1/color,eq,")},
	{section: "8-menus/numbers: ranges that fit the data", check: wantLinks("color,eq,red/@by/size", "1..10 ../../../color,eq,red/size,ge,1/size,lt,10", "10..100 ../../../color,eq,red/size,ge,10/size,lt,100",
		"100..1k ../../../color,eq,red/size,ge,100/size,lt,1k", "1M..10M ../../../color,eq,red/size,ge,1M/size,lt,10M")},
	{section: "8-menus/times: years", check: wantLinks("mtime,lt,2025/@by/mtime", "2022 ../../../mtime,eq,2022", "2023 ", "2024 ")},
	{section: "8-menus/times: months of one year", check: wantLinks("mtime,in,2024/@by/mtime", "2024-04 ", "2024-05 ", "2024-06 ", "2024-07 ", "2024-08 ")},
	{section: "8-menus/below a folder", check: wantLinks("logs/@by/color", "blue ../../color,eq,blue", "green ../../color,eq,green", "red ../../color,eq,red")},
	{section: "8-menus/one request a value", path: "n,exists/@by/title", lists: lists("Foo one", "it's", `it's "it"`), check: func(t *testing.T, w *grammarWorld) {
		w.requests()
		w.agent.list("size,gt,1/@by/color")
		searches := w.searches()
		if len(searches) > 5 {
			t.Errorf("4 values cost %d searches", len(searches))
		}
		for _, q := range searches {
			if q.Get("sorted") != "x-amz-meta-color" || q.Get("max-keys") != "1" || q.Has("prefix") {
				t.Errorf("a search for a value: %v", q)
			}
		}
	}},
	{section: "8-menus/no such key", path: "@by/colour", errno: "ENOENT"},
	{section: "8-menus/a key that is not indexed", path: "@by/contenttype", errno: "EOPNOTSUPP"},
	{section: "8-menus/at most 200, then %~more", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{})
		for i := range 210 {
			w.put(fmt.Sprintf("f%03d", i), "x", "color", fmt.Sprintf("c%03d", i))
		}
		a := newAgent(w)
		names, errno := a.list("@by/color")
		if len(names) != 201 || names[199] != "c199" || names[200] != "%~more" || errno != "" {
			t.Fatalf("%d names, %s, to %q", len(names), errno, names[max(0, len(names)-2):])
		}
		more, errno := a.list("@by/color/%~more")
		if len(more) != 10 || more[0] != "c200" || errno != "" {
			t.Errorf("%%~more -> %s lists %q, %s", a.do("link", "@by/color/%~more").Data, more, errno)
		}
	}},
}

// wantLinks checks the links of a menu, each "NAME TARGET" or "NAME " for any target. All lead
// to directories that have results.
func wantLinks(menu string, want ...string) func(*testing.T, *grammarWorld) {
	return func(t *testing.T, w *grammarWorld) {
		names, errno := w.agent.list(menu)
		if errno != "" {
			t.Errorf("%s: %s", menu, errno)
		}
		var got []string
		for _, n := range names {
			target := string(w.agent.do("link", menu+"/"+n).Data)
			if slices.Contains(want, n+" ") {
				target = ""
			}
			got = append(got, n+" "+target)
			if results, errno := w.agent.list(menu + "/" + n); errno != "" || len(results) == 0 {
				t.Errorf("%s/%s -> %s lists %q, %s", menu, n, target, results, errno)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", menu, diff)
		}
	}
}
