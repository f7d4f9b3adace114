package fs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// directiveRules are about virtual files and manifests.
var directiveRules = []rule{
	{section: "6-directives/@meta", path: "@meta,hello.txt", text: []string{`"key": "hello.txt"`, `"uri": "s3://b/hello.txt"`, `"etag": "`, `"version": "`, `"size": 150`, `"x-amz-meta-color": "red"`}},
	{section: "6-directives/@meta below a query", path: "color,eq,red/@meta,logs%2F2024%2Fb.log", text: []string{`"key": "logs/2024/b.log"`}},
	{section: "6-directives/@meta of what is not there", path: "@meta,nothing", errno: "ENOENT"},
	{section: "6-directives/@searchkeys", path: "@searchkeys", text: []string{"size", "Size", "integer", "indexed", "x-amz-meta-ratio", "decimal", "x-amz-meta-shot", "datetime", "contenttype", "checked"}},
	{section: "6-directives/@explain", path: "logs/size,gt,1M/contenttype,eq,image%2Fpng/@explain", text: []string{"engine", "Size>1048576", "logs/", "checked here: contenttype,eq,image%2Fpng", "order", "cost"}},
	{section: "6-directives/@explain sends no search", path: "n,gt,6/@explain", text: []string{"x-amz-meta-n>6"}, sent: "none"},
	{section: "6-directives/@explain,REST of a query", path: "@explain,color,ne,red", text: []string{"color,ne,red is a query", "objects without color are left out"}, sent: "none"},
	{section: "6-directives/@explain,REST of a bad value", path: "@explain,size,gt,abc", text: []string{"size,gt,abc\n        ^\n", "100M"}},
	{section: "6-directives/@explain,REST of a literal", path: "@explain,hello.txt", text: []string{"hello.txt is the name of a folder or object"}},
	{section: "6-directives/@explain: sort and cost", path: "color,eq,red/@sort,-size/@limit,2/@explain", text: []string{"size", "first 2", "cost"}},
	{section: "6-directives/@explain of a scan", path: "../plain/size,gt,10/@explain", text: []string{"scan"}, sent: "none"},
	{section: "6-directives/@manifest.jsonl", path: "color,eq,blue/@manifest.jsonl", text: []string{`"key":"logs/2024/a.log"`, `"path":"logs%2F2024%2Fa.log"`, `"size":2097152`, `"modified":"2024-05-15T10:00:00Z"`, `"etag":"`,
		`"version":"`, `"x-amz-meta-color":"blue"`, `"x-amz-meta-title":"it's"`, "not:hello"}, sent: `x-amz-meta-color=='blue'`},
	{section: "6-directives/@manifest.csv", path: "color,eq,blue/@manifest.csv", text: []string{"size,modified,created,etag,version,path,key,content_type,", ",x-amz-meta-color,", "\n2097152,2024-05-15T10:00:00Z,", ",logs%2F2024%2Fa.log,logs/2024/a.log,", ",blue,"}},
	{section: "6-directives/@manifest of a folder", path: "logs/@manifest.jsonl", text: []string{`"path":"2024/a.log"`, `"path":"2024/b.log"`, `"path":"2025/c.log"`}},
	{section: "6-directives/@manifest of a tree", path: "color,eq,blue/@tree/@manifest.jsonl", text: []string{`"path":"logs/2024/a.log"`}},
	{section: "6-directives/@manifest in the order of @sort", path: "color,eq,red/@sort,-size/@limit,2/@manifest.csv", text: []string{"not:bob", "not:b.log"}, check: func(t *testing.T, w *grammarWorld) {
		text := w.agent.read("color,eq,red/@sort,-size/@limit,2/@manifest.csv")
		if at := strings.Index(text, "pic.png"); at < 0 || at > strings.Index(text, "hello.txt") {
			t.Error(text)
		}
	}},
	{section: "6-directives/@refresh", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{})
		w.put("old", "x")
		a := newAgent(w)
		a.list("size,gt,0")
		w.put("new", "x")
		w.clock.advance(7 * time.Second)
		if names, _ := a.list("size,gt,0"); len(names) != 1 {
			t.Errorf("within its lifetime the listing is %q", names)
		}
		w.requests()
		if text := a.read("size,gt,0/@refresh"); !strings.Contains(text, "1 row, 7s old") {
			t.Errorf("@refresh says %q", text)
		}
		w.wantRequests("@refresh", "")
		if names, _ := a.list("size,gt,0"); len(names) != 2 {
			t.Errorf("after @refresh the listing is %q", names)
		}
	}},
	{section: "6-directives/@errors", path: "@errors", text: []string{"size,gt,abc"}},
	{section: "6-directives/@help", path: "logs/@help", text: []string{"size,gt,100M", "color,eq,red", "@manifest.csv", "Keys of bucket b"}},
	{section: "6-directives/@help below a query", path: "size,gt,1/@help", text: []string{"Keys of bucket b"}},
	{section: "6-directives/@stats is at the root", path: "../@stats", text: []string{"requests", "no search is running"}},
	{section: "6-directives/@stats elsewhere", path: "@stats", errno: "ENOENT"},
	{section: "6-directives/@help at the root", path: "../@help", text: []string{"The directories here are buckets"}},
	{section: "6-directives/@errors at the root", path: "../@errors", text: []string{"size,gt,abc"}},
	{section: "6-directives/virtual files have their exact size", check: func(t *testing.T, w *grammarWorld) {
		for _, path := range []string{"@help", "@searchkeys", "@explain", "@explain,size,gt,1", "@meta,hello.txt", "size,gt,1/@explain", "../@help"} {
			if stat, data := w.agent.do("stat", path), w.agent.read(path); stat.Size != int64(len(data)) || len(data) == 0 {
				t.Errorf("%s has the size %d and %d bytes", path, stat.Size, len(data))
			}
		}
	}},
	{section: "6-directives/directives are never listed", check: func(t *testing.T, w *grammarWorld) {
		for _, path := range []string{"", "logs", "size,gt,100", ".."} {
			w.agent.stat(path + "/@help")
			w.agent.stat(path + "/size,gt,1")
			names, _ := w.agent.list(path)
			if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "@") || strings.Contains(n, ",gt,") }) {
				t.Errorf("%q lists %q", path, names)
			}
		}
	}},
	{section: "6-directives/CACHEDIR.TAG and its like are at the root, not listed", check: func(t *testing.T, w *grammarWorld) {
		w.requests()
		for _, name := range []string{"CACHEDIR.TAG", ".nomedia", ".trackerignore"} {
			if errno := w.agent.stat("../" + name); errno != "" {
				t.Errorf("%s: %s", name, errno)
			}
		}
		for _, name := range []string{".git", ".hidden", ".Trash", ".Trash-1000", ".DS_Store", "._x", "desktop.ini", "autorun.inf", ".directory"} {
			for _, dir := range []string{"../", "", "logs/", "size,gt,1/"} {
				if errno := w.agent.stat(dir + name); errno != "ENOENT" {
					t.Errorf("%s%s: %q", dir, name, errno)
				}
			}
		}
		if got := w.requests(); strings.Contains(got, "Head") || strings.Contains(got, "Query") || strings.Contains(got, ".git") {
			t.Errorf("looking for noise asked for %q", got)
		}
	}},
}

// nameRules are about the names of results: each key has this name in the flat view, and this path in its folders.
var nameRules = func() (rules []rule) {
	long := strings.Repeat("k", 256)
	for _, n := range []struct{ rule, key, flat, folders string }{
		{"/ in the flat view", "d/e", "d%2Fe", "d/e"},
		{"C0", "c0\x01\n\x1f", "c0%01%0A%1F", "c0%01%0A%1F"},
		{"DEL", "del\x7f", "del%7F", "del%7F"},
		{"C1", "c1\u0085", "c1%C2%85", "c1%C2%85"},
		{"bidi control", "bidi\u202e", "bidi%E2%80%AE", "bidi%E2%80%AE"},
		{"% before two hex digits", "p%41", "p%2541", "p%2541"},
		{"% before ~", "p%~", "p%25~", "p%25~"},
		{"any other %", "100%", "100%", "100%"},
		{"segment .", "./x", "%2E%2Fx", "%2E/x"},
		{"segment ..", "../x", "%2E%2E%2Fx", "%2E%2E/x"},
		{"leading -", "-rf", "%2Drf", "%2Drf"},
		{"leading - of a segment", "m/-rf", "m%2F-rf", "m/%2Drf"},
		{"< and >", "a<b>c", "a%3Cb%3Ec", "a%3Cb%3Ec"},
		{"==", "a==b", "a%3D=b", "a%3D=b"},
		{"!=", "a!=b", "a%21=b", "a%21=b"},
		{"a single =", "year=2024/x", "year=2024%2Fx", "year=2024/x"},
		{"@ of a directive", "@sort,x", "%40sort,x", "%40sort,x"},
		{"@ of another", "@alice", "@alice", "@alice"},
		{"KEY,OP,", "size,gt,100", "size%2Cgt,100", "size%2Cgt,100"},
		{"KEY,OP at the end", "color,exists", "color%2Cexists", "color%2Cexists"},
		{"KEY,OP of no operator", "a,b,c", "a,b,c", "a,b,c"},
		{"bytes that are not UTF-8", "bad\xff\xfe", "bad\xff\xfe", "bad\xff\xfe"},
		{"longer than 255 bytes", long + ".txt", long[:200] + "%~he9d4af21be8329b3.txt", long[:200] + "%~he9d4af21be8329b3.txt"},
		{"object beside a folder", "twin", "twin", "twin%~"},
		{"folder beside an object", "twin/in", "twin%2Fin", "twin/in"},
		{"an object is always NAME%~ too", "alone", "alone", "alone%~"},
		{"empty segment", "e//x", "e%2F%2Fx", "e/%2F/x"},
		{"marker with content", "marker/", "marker%2F", "marker/%2F"},
	} {
		rules = append(rules, rule{section: "7-names/" + n.rule, check: func(t *testing.T, w *grammarWorld) {
			check(t, w.ecs.PutObject("names", n.key, []byte("bytes of "+n.key), ecstest.PutOptions{}))
			for _, path := range []string{"../names/size,ge,0/" + n.flat, "../names/" + n.folders} {
				if got := w.agent.read(path); got != "bytes of "+n.key { // without a listing
					t.Errorf("%q reads %q", path, got)
				}
			}
			if flat, errno := w.agent.list("../names/size,ge,0"); !slices.Contains(flat, n.flat) || errno != "" {
				t.Errorf("the flat view lists %q, %s, without %q", flat, errno, n.flat)
			}
			dir, name := "", n.folders
			if i := strings.LastIndexByte(name, '/'); i >= 0 {
				dir, name = name[:i], name[i+1:]
			}
			if listed, errno := w.agent.list("../names/" + dir); n.key != "alone" && (!slices.Contains(listed, name) || errno != "") && n.key != "twin" {
				t.Errorf("%q lists %q, %s, without %q", dir, listed, errno, name)
			}
		}})
	}
	return append(rules, []rule{
		{section: "7-names/object beside a folder is listed so", check: func(t *testing.T, w *grammarWorld) {
			names, _ := w.agent.list("../names")
			if !slices.Contains(names, "twin") || !slices.Contains(names, "twin%~") || slices.Contains(names, "alone%~") {
				t.Errorf("listed: %q", names)
			}
		}},
		{section: "7-names/zero-byte marker is only its folder", check: func(t *testing.T, w *grammarWorld) {
			check(t, w.ecs.PutObject("names", "hollow/", nil, ecstest.PutOptions{}))
			if names, errno := w.agent.list("../names/hollow"); len(names) > 0 || errno != "" {
				t.Errorf("it lists %q, %s", names, errno)
			}
			if errno := w.agent.stat("../names/hollow/%2F"); errno != "ENOENT" {
				t.Errorf("hollow/%%2F: %q", errno)
			}
		}},
		{section: "7-names/another spelling is no name", check: func(t *testing.T, w *grammarWorld) {
			for _, name := range []string{"%61lone", "alone%~x", "size,ge,0/%61lone", "size,ge,0/d%2fe", "size,ge,0/alone%~", "%~", "%~INCOMPLETE"} {
				if errno := w.agent.stat("../names/" + name); errno != "ENOENT" {
					t.Errorf("%s: %q", name, errno)
				}
			}
		}},
		{section: "7-names/one object is one inode", check: func(t *testing.T, w *grammarWorld) {
			paths := []string{"logs/2024/b.log", "color,eq,red/logs%2F2024%2Fb.log", "logs/size,gt,1/2024%2Fb.log", "logs/2024/n,lt,0/b.log", "logs/2024/b.log%~"}
			first := w.agent.do("stat", paths[0]).Ino
			for _, path := range paths[1:] {
				if ino := w.agent.do("stat", path).Ino; ino != first || ino < 2 {
					t.Errorf("%s is %d, %s is %d", paths[0], first, path, ino)
				}
			}
		}},
		{section: "7-names/an overwritten object is a new inode", check: func(t *testing.T, w *grammarWorld) {
			ino := func() uint64 { return w.agent.do("stat", "../names/size,ge,0/again").Ino }
			check(t, w.ecs.PutObject("names", "again", []byte("old"), ecstest.PutOptions{}))
			old := ino()
			check(t, w.ecs.PutObject("names", "again", []byte("new"), ecstest.PutOptions{}))
			if now := ino(); now == old || old == 0 || now == 0 {
				t.Errorf("inode %d, and after it was written over %d", old, now)
			}
		}},
		{section: "7-names/a result is looked up by HEAD", check: func(t *testing.T, w *grammarWorld) {
			w.requests()
			w.agent.stat("n,eq,5/hello.txt")
			// A HEAD for a folder's name, given up when its LIST told first, may come in as late as now.
			var asked []string
			for _, r := range w.ecs.Requests() {
				if !strings.HasPrefix(r.Key, "logs") {
					asked = append(asked, r.Operation+" "+r.Key)
				}
			}
			if want := []string{"HeadObject hello.txt"}; !slices.Equal(asked, want) {
				t.Errorf("looking up a result asked the store for %q, want %q", asked, want)
			}
		}},
		{section: "7-names/a result is evaluated on its metadata", path: "n,eq,6/hello.txt", errno: "ENOENT"},
	}...)
}()
