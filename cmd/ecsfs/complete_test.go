package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	{Name: "x-amz-meta-color", Type: search.String}, {Name: "x-amz-meta-stars", Type: search.Integer}, {Name: "x-amz-meta-size", Type: search.String},
}}

// fakeReader reads a mount of bucket b, and records what is asked of it.
func fakeReader(asked *[]string) *mountReader {
	return &mountReader{
		now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC),
		readFile: func(name string) ([]byte, error) {
			*asked = append(*asked, name)
			if name == "/m/b/@searchkeys" {
				return []byte(search.SearchKeysTable(completionSchema)), nil
			}
			return nil, os.ErrNotExist
		},
		readDir: func(dir string) ([]string, error) {
			*asked = append(*asked, dir)
			switch {
			case dir == "/m":
				return []string{"logs", "b"}, nil
			case strings.HasSuffix(dir, "/@by/color"):
				return []string{"red", "blue", "in review", "a%2Fb,c", "%~empty", "%~more", "größe&<'"}, nil
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
		{"/b/stars,gt,", "0/ 1/ 10/ 100/ 1000/", "/m/b/@searchkeys"},
		{"/b/size,gt,1/color,eq,", "/ a%2Fb%2Cc/ blue/ größe%26%3C%27/ in%20review/ red/", "/m/b/@searchkeys /m/b/size,gt,1/@by/color"},
		{"/b/color,eq,in", "%20review/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,eq,in r", "eview/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,eq,a%2", "Fb%2Cc/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,eq,a%2f", "b%2Cc/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,in,red,b", "lue, lue/", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,in,red,r", "", "/m/b/@searchkeys /m/b/@by/color"},
		{"/b/color,glob,", "", "/m/b/@searchkeys"},
		{"/b/contenttype,eq,", "", "/m/b/@searchkeys"},
		{"/b/@tr", "ee/", ""},
		{"/b/@man", "ifest.csv. ifest.jsonl.", ""},
		{"/b/@sort,", "- base/ color/ contenttype/ contentencoding/ created/ etag/ expiration/ expires/ meta.size/ mtime/ name/ namespace/ owner/ retention/ size/ stars/", "/m/b/@searchkeys"},
		{"/b/@sort,-si", "ze/", "/m/b/@searchkeys"},
		{"/b/@limit,", "10/ 100/ 1000/", ""},
		{"/b/@explain,size,gt,100", "M.", "/m/b/@searchkeys"},
		{"/b/@by/", "color/ meta.size/ mtime/ size/ stars/", "/m/b/@searchkeys"},
		{"/b/@by/color/r", "ed/", "/m/b/@by/color"},
		{"/b/@by/color/red/si", "ze,", "/m/b/@searchkeys"},
		{"/b/..", "/", ""},
	} {
		var asked, got []string
		p, _ := locate("/m"+c.path, "/", []mountEntry{{Dir: "/m", Type: fsType}})
		for _, one := range fakeReader(&asked).complete(p) {
			if one.end {
				one.rest += "."
			}
			got = append(got, one.rest)
		}
		want := strings.Fields(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got, cmp.Transformer("nil", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
		if got := strings.Join(asked, " "); got != c.asked {
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
		var asked, got []string
		found, ours := completeWords(commandWords(c.line, "bash"), fakeReader(&asked), all)
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
