package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

func TestCommandWordsReadsTheLastCommand(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("M", "/mnt/my ecs")
	for _, c := range []struct {
		line, shell string
		words       string // texts, joined by "|"
		literal     string // of the last word
		quote       byte
		opaque      bool
	}{
		{line: "ls ", words: "ls|"},
		{line: "ls -l /mnt/b/si", words: "ls|-l|/mnt/b/si"},
		{line: `cat /mnt/my\ ecs/b`, words: "cat|/mnt/my ecs/b", literal: "/mnt/my ecs/b"},
		{line: `cat "/mnt/my ecs/b`, words: "cat|/mnt/my ecs/b", quote: '"'},
		{line: `cat '/mnt/$M "x`, words: `cat|/mnt/$M "x`, quote: '\''},
		{line: `cat /mnt/'my ecs'/b`, words: "cat|/mnt/my ecs/b"},
		{line: "cat ~/x", words: "cat|/home/me/x", literal: "~/x"},
		{line: "cat x~/x", words: "cat|x~/x"},
		{line: "cat $M/b", words: "cat|/mnt/my ecs/b", literal: "$M/b"},
		{line: `cat "${M}/b`, words: "cat|/mnt/my ecs/b", literal: "${M}/b", quote: '"'},
		{line: "cat /a/$NOT_SET_ANYWHERE/b", words: "cat|/a/", opaque: true},
		{line: "cat /a/$(ls /b/c", words: "ls|/b/c"},
		{line: "cat /a/*/b", words: "cat|/a/", opaque: true},
		{line: "cat ~root/b", words: "cat|", opaque: true},
		{line: `cat /a\`, words: "cat|/a", opaque: true},
		{line: "cd /a; ls b", words: "ls|b"},
		{line: "cd /a && ls | grep x", words: "grep|x"},
		{line: "cat <b", words: "cat|b"},
		{line: "cat x 2>&1 >b", words: "cat|x|2|1|b"},
		{line: "cat x &>b", words: "cat|x|b"},
		{line: `cat "a\$b\c`, words: `cat|a$b\c`, quote: '"'},
		{line: `cat 'a\'b`, words: `cat|a\b`},
		{line: `cat 'a\'b`, shell: "fish", words: `cat|a'b`, quote: '\''},
		{line: "", words: ""},
	} {
		words := commandWords(c.line, c.shell)
		last := words[len(words)-1]
		var texts []string
		for _, w := range words {
			texts = append(texts, w.text)
		}
		if got := strings.Join(texts, "|"); got != c.words || last.quote != c.quote || last.opaque != c.opaque {
			t.Errorf("%s: %s, quote %q, opaque %v; want %s, %q, %v", c.line, got, last.quote, last.opaque, c.words, c.quote, c.opaque)
		}
		if c.literal != "" && last.literal != c.literal {
			t.Errorf("%s: literally %s, want %s", c.line, last.literal, c.literal)
		}
	}
}

func TestPathPart(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for text, want := range map[string]string{
		"--file=/a/b": "/a/b", "--file=b": "b", "if=/a": "/a", "if=./a": "./a", "P=~/a": "/home/me/a", "P=/a:/b/c": "/b/c",
		"year=2024/x": "year=2024/x", "/b/year=/x": "/b/year=/x", "color,eq,a=/b": "color,eq,a=/b", "a": "a", "": "", "-l": "-l",
	} {
		w := typedWord{text: text}
		if w.pathPart(); w.text != want {
			t.Errorf("%s: %s, want %s", text, w.text, want)
		}
	}
}

// TestShellSuffixIsReadAsItself: what is appended to a word is what the shell then has of it.
func TestShellSuffixIsReadAsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begun := rapid.SampledFrom([]string{"x/", `"x/`, "'x/"}).Draw(t, "begun")
		suffix := rapid.StringMatching(`[ -~é]*`).Draw(t, "suffix")
		w := commandWords("ls "+begun, "bash")[1]
		words := commandWords("ls "+begun+w.shellSuffix(suffix, true), "bash")
		if len(words) != 3 || words[1].text != "x/"+suffix || words[1].opaque || words[2].text != "" {
			t.Fatalf("%q after %s is typed as %q, which is read as %+v", suffix, begun, w.shellSuffix(suffix, true), words)
		}
	})
}

func TestLocate(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.MkdirAll(dir+"/a/mnt", 0o700), os.Symlink("a/mnt", dir+"/link"), os.Symlink(dir+"/link", dir+"/a/again"),
		os.Symlink("loop", dir+"/loop")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all := []mountEntry{{Dir: "/", Type: "ext4"}, {Dir: dir + "/a/mnt", Type: fsType}}
	for _, c := range []struct{ text, cwd, names, base string }{
		{dir + "/a/mnt/", "/", "", ""},
		{dir + "/a/mnt/b/si", "/", "b", "si"},
		{dir + "/a//./mnt/b/size,gt,1/x/../@by/", "/", "b|size,gt,1|@by", ""},
		{"a/mnt/b/", dir, "b", ""},
		{"../a/mnt/b/", dir + "/a", "b", ""},
		{"si", dir + "/a/mnt/b/c", "b|c", "si"},
		{"../si", dir + "/a/mnt/b/c", "b", "si"},
		{"link/b/si", dir, "b", "si"},
		{dir + "/a/again/b/si", "/", "b", "si"},
	} {
		p, ok := locate(c.text, c.cwd, all)
		if !ok || p.root != dir+"/a/mnt" || strings.Join(p.names, "|") != c.names || p.base != c.base {
			t.Errorf("%s in %s: %+v, %v", c.text, c.cwd, p, ok)
		}
	}
	for _, text := range []string{dir + "/a/mnt", dir + "/a/mnt/../x", dir + "/a/mntx/b", dir + "/loop/x", "x", "/"} {
		if p, ok := locate(text, "/", all); ok {
			t.Errorf("%s is in %+v", text, p)
		}
	}
	covered := append(all, mountEntry{Dir: dir + "/a/mnt", Type: "tmpfs"})
	if p, ok := locate(dir+"/a/mnt/b/", "/", covered); ok {
		t.Errorf("below another mount: %+v", p)
	}
}

var completionSchema = search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{
	{Name: "Size", Type: search.Integer}, {Name: "LastModified", Type: search.Datetime},
	{Name: "x-amz-meta-color", Type: search.String, Indexed: true}, {Name: "x-amz-meta-stars", Type: search.Integer}, {Name: "x-amz-meta-size", Type: search.String},
}}

// asked records what is asked of a mount, but for @explain.
type asked struct {
	mu    sync.Mutex
	paths []string // guarded by mu
}

func (a *asked) add(path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths = append(a.paths, path)
}

func (a *asked) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.paths, " ")
}

// fakeReader reads a mount on /m. Its buckets b and kept have the keys of completionSchema, and it
// has the listings of some directories in kept.
func fakeReader(t *testing.T, asked *asked) *mountReader {
	return &mountReader{
		now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), patience: 50 * time.Millisecond,
		readFile: func(name string) ([]byte, error) {
			if !strings.HasSuffix(name, "/@explain") {
				asked.add(name)
			}
			switch {
			case strings.HasPrefix(name, "/m/b/pass/@by/"):
				return []byte(search.ExplainMenu(search.Schema{Engine: search.EngineScan}, search.Dir{}, search.Key{Name: "Size", Type: search.Integer}, time.Now(), time.Second)), nil
			case strings.HasPrefix(name, "/m/b/") && strings.Contains(name, "/@by/"):
				return []byte(search.ExplainMenu(completionSchema, search.Dir{}, completionSchema.Indexed[2], time.Now(), time.Second)), nil
			}
			switch name {
			case "/m/b/@searchkeys", "/m/kept/@searchkeys":
				return []byte(search.SearchKeysTable(completionSchema)), nil
			case "/m/kept/@explain", "/m/kept/size,gt,1/@explain", "/m/kept/folder/@explain":
				return []byte("engine    x\nlast run: 3 rows complete, begun 1s ago, used for another 1m57s\n"), nil
			case "/m/kept/other/@explain":
				return []byte("last run: 3 rows so far, begun 1s ago, used for another 1m57s\n"), nil
			case "/m/kept/old/@explain":
				return []byte("last run: 1 row complete, begun 59s ago, used for another 1s\n"), nil
			case "/m/kept/long/@explain":
				return []byte("last run: 51 rows complete, begun 1s ago, used for another 59s\n"), nil
			case "/m/kept/longest/@explain":
				return []byte("last run: 5001 rows complete, begun 1s ago, used for another 59s\n"), nil
			}
			return nil, os.ErrNotExist
		},
		readDir: func(dir string) ([]string, error) {
			asked.add(dir)
			switch {
			case dir == "/m":
				return []string{"b/", "logs/"}, nil
			case strings.HasSuffix(dir, "/@by/stars"):
				return []string{"1..10", "10..100"}, nil
			case dir == "/m/b/@by":
				return []string{"color/", "size/"}, nil
			case dir == "/m/b/many/@by/color":
				return []string{"%~more", "red1", "red2"}, nil
			case dir == "/m/b/many/color,prefix,rot/@by/color":
				return []string{"rot"}, nil
			case strings.HasSuffix(dir, "/slow/@by/color"):
				<-t.Context().Done()
			case strings.HasSuffix(dir, "/@by/color"):
				return []string{"%~empty", "a%2Fb,c", "blue", "größe&%3C'", "in review", "red", "too-long%~"}, nil
			case strings.HasPrefix(dir, "/m/kept/"), dir == "/m/kept":
				return []string{"folder/", "my file", "photo.jpg"}, nil
			}
			return nil, errors.New("listed " + dir)
		},
	}
}

func TestCompletePath(t *testing.T) {
	for _, c := range []struct{ path, want, asked string }{
		{"/", "b/ logs/", "/m"},
		{"/l", "ogs/", "/m"},
		{"/@", "errors. help. stats.", ""},
		{"/b/", "color, meta.size, mtime, size, stars, @", "/m/b/@searchkeys"},
		{"/b/si", "ze,", "/m/b/@searchkeys"},
		{"/b/SI", "ze,", "/m/b/@searchkeys"},
		{"/b/LastM", "odified,", "/m/b/@searchkeys"},
		{"/b/contentt", "ype,", "/m/b/@searchkeys"},
		{"/b/nothing", "", "/m/b/@searchkeys"},
		{"/nobucket/", "@", "/m/nobucket/@searchkeys"},
		{"/b/folder/size,gt,1/st", "ars,", "/m/b/@searchkeys"},
		{"/b/size,", "eq, exists/ ge, gt, in, le, lt, missing/ ne,", "/m/b/@searchkeys"},
		{"/b/size,g", "e, t,", "/m/b/@searchkeys"},
		{"/b/color,p", "refix,", "/m/b/@searchkeys"},
		{"/b/mtime,n", "e, ewer,", "/m/b/@searchkeys"},
		{"/b/nokey,", "", "/m/b/@searchkeys"},
		{"/b/size,gt,", "100M/ 1G/ 1M/ 4k/", "/m/b/@searchkeys"},
		{"/b/size,gt,100", "M/", "/m/b/@searchkeys"},
		{"/b/size,in,1M..", "100M 1G 1M 4k", "/m/b/@searchkeys"},
		{"/b/mtime,newer,7", "d/", "/m/b/@searchkeys"},
		{"/b/mtime,in,2026-11-", "23, 23/", "/m/b/@searchkeys"},
		{"/b/stars,gt,", "1/ 10/ 100/", "/m/b/@searchkeys /m/b/@by/stars"},
		{"/b/stars,in,", "1..10 10..100", "/m/b/@searchkeys /m/b/@by/stars"},
		{"/b/name,eq,", "", "/m/b/@searchkeys"},
		{"/b/size,gt,1/color,eq,", "/ a%2Fb%2Cc/ blue/ größe%26%3C%27/ in%20review/ red/", "/m/b/@searchkeys /m/b/size,gt,1/@by/color"},
		{"/b/color,eq,in", "%20review/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,eq,in r", "eview/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,eq,a%2", "Fb%2Cc/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,eq,a%2f", "b%2Cc/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,in,red,b", "lue, lue/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,in,red,r", "", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/many/color,eq,", ". red1/ red2/", "/m/b/@searchkeys /m/b/many/@by/color"},
		{"/b/many/color,eq,rot", "/", "/m/b/@searchkeys /m/b/many/@by/color /m/b/many/color,prefix,rot/@by/color"},
		{"/b/slow/color,eq,r", "ed/", "/m/b/@searchkeys /m/b/slow/@by/color /m/b/slow/color,prefix,r/@by/color"},
		{"/b/pass/color,eq,r", "ed/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/pass/@by/color/r", "", ""},
		{"/b/color,glob,", "", "/m/b/@searchkeys"},
		{"/b/contenttype,eq,", "", "/m/b/@searchkeys"},
		{"/b/@tr", "ee/", ""},
		{"/b/@man", "ifest.csv. ifest.jsonl.", ""},
		{"/b/@sort,", "- base/ color/ contenttype/ contentencoding/ created/ etag/ expiration/ expires/ meta.size/ mtime/ name/ namespace/ owner/ retention/ size/ stars/", "/m/b/@searchkeys"},
		{"/b/@sort,-si", "ze/", "/m/b/@searchkeys"},
		{"/b/@limit,", "10/ 100/ 1000/", ""},
		{"/b/@explain,size,gt,100", "M.", "/m/b/@searchkeys"},
		{"/b/@by/", "color/ size/", "/m/b/@by"},
		{"/b/@by/color/r", "ed/", "/m/b/@by/color"},
		{"/b/@by/color/red/si", "ze,", "/m/b/@searchkeys"},
		{"/b/..", "/", ""},
		// Names, where the mount has the listing.
		{"/kept/p", "hoto.jpg.", "/m/kept/@searchkeys /m/kept"},
		{"/kept/my", "_file.", "/m/kept/@searchkeys /m/kept"},
		{"/kept/folder/f", "older/", "/m/kept/@searchkeys /m/kept/folder"},
		{"/kept/size,gt,1/s", "ize, tars,", "/m/kept/@searchkeys /m/kept/size,gt,1"},
		{"/kept/unknown/@tree/p", "", "/m/kept/@searchkeys"},
		{"/kept/other/p", "", "/m/kept/@searchkeys"},
		{"/kept/old/p", "", "/m/kept/@searchkeys"},
		{"/kept/long/p", "hoto.jpg.", "/m/kept/@searchkeys /m/kept/long"},
		{"/kept/long/", "color, meta.size, mtime, size, stars, @", "/m/kept/@searchkeys"},
		{"/kept/longest/p", "", "/m/kept/@searchkeys"},
		{"/kept/size,", "eq, exists/ ge, gt, in, le, lt, missing/ ne,", "/m/kept/@searchkeys"},
		{"/kept/@p", "", ""},
	} {
		var asked asked
		var got []string
		p, _ := locate("/m"+c.path, "/", []mountEntry{{Dir: "/m", Type: fsType}})
		for _, one := range fakeReader(t, &asked).complete(p) {
			if one.end || one.name == "..." {
				one.rest += "."
			}
			got = append(got, strings.ReplaceAll(one.rest, " ", "_"))
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got, cmp.Transformer("nil", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if got := asked.String(); got != c.asked {
			t.Errorf("%s: asked for %s, want %s", c.path, got, c.asked)
		}
	}
}

// TestEncodeArgument: a value that is offered needs no quotes in any shell, and means itself.
func TestEncodeArgument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		text := encodeArgument(value)
		if i := strings.IndexAny(text, " \t\n!\"#$&'()*;<=>?[\\]^`{|}~,/"); i >= 0 {
			t.Fatalf("%q is written as %s, with %q in it", value, text, text[i])
		}
		c, err := search.ParseComponent("color,eq,"+text, completionSchema)
		want, wantErr := search.NewCond(search.Key{Name: "x-amz-meta-color", Indexed: true}, search.OpEq, value)
		if err != nil || wantErr != nil || c.Where != search.Expr(want) {
			t.Fatalf("%q is written as %s, which means %+v, %v", value, text, c.Where, err)
		}
	})
}

func TestCompleteWords(t *testing.T) {
	t.Setenv("ECSFS_ENDPOINT", "http://h:9020")
	all := []mountEntry{{Dir: "/m", Type: fsType, Source: "http://h:9020"}, {Dir: "/n", Type: fsType, Source: "http://other"}, {Dir: "/o", Type: "ext4"}}
	for _, c := range []struct{ line, want string }{
		{"mo", "unt"},
		{"", "completion demo emulator explain help mb mount nodes presign put query searchkeys stat umount version"},
		{"--v", "ersion"},
		{"umount ", "/m /n"},
		{"umount /m ", "/n"},
		{"help mo", "unt"},
		{"completion ", "bash fish zsh"},
		{"mount --addressing ", "path virtual"},
		{"mount --addressing=v", "irtual"},
		{"mount --log-level i", "nfo"},
		{"mount --endpoi", "nt"},
		{"mount --timeout ", ""},
		{"emulator --generation 3.8", ""},
		{"query ", "b logs"},
		{"query b si", "ze,"},
		{"query b color,eq,r", "ed"},
		{"query b/folder size,ex", "ists"},
		{"query --endpoint http://other b si", ""},
		{"explain b/si", "ze,"},
		{"explain b", "/"},
		{"searchkeys l", "ogs"},
		{"searchkeys b x", ""},
		{"nonsense x", ""},
		{"mount d", "files"},
		{"put --ca-bundle x", "files"},
		{"mount /d -- ls x", "files"},
	} {
		var asked asked
		var got []string
		found, ours := completeWords(commandWords(c.line, "bash"), fakeReader(t, &asked), all)
		for _, one := range found {
			got = append(got, one.rest)
		}
		if !ours {
			got = []string{"files"}
		}
		slices.Sort(got)
		if text := strings.TrimSpace(strings.Join(got, " ")); text != c.want {
			t.Errorf("ecsfs %s: %s, want %s", c.line, text, c.want)
		}
	}
}
