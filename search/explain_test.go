package search

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestExplain(t *testing.T) {
	for _, tc := range []struct{ path, want string }{
		{"logs/size,gt,1M/mtime,newer,7d/contenttype,eq,image%2Fpng/color,ne,red", `
bucket    b
engine    metadata search
query     contenttype,eq,image%2Fpng/mtime,gt,1w/size,gt,1048576/color,ne,red
now       2026-11-23T08:00:00Z, from which ages count
sent      LastModified>2026-11-16T08:00:00Z and Size>1048576 and (x-amz-meta-color<'red' or x-amz-meta-color>'red')
prefix    logs/  (names are relative to it)
returned  the indexed keys, and Etag, ContentType
note      checked here: contenttype,eq,image%2Fpng (contenttype is not indexed)
note      objects without color are left out: they match neither a condition on it nor its opposite
order     as the store returns them
cost      one search for every 1000 objects that match what is sent; those that fail the check are dropped here
`},
		{"color,missing", `
bucket  b
engine  metadata search
query   color,missing
cannot  nothing that the store compares bounds this search: color,missing is checked here, as the index has only objects with the key
try     add a condition on an indexed key: size, mtime, created, owner, color; --engine scan lists every object instead
`},
		{"logs", `
bucket  b
engine  listing: folders and objects, one level
prefix  logs/  (names are relative to it)
cost    one request for every 1000 entries
`},
	} {
		if diff := cmp.Diff(tc.want[1:], Explain(testSchema, walk(t, testSchema, tc.path), testNow, time.Minute)); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
	}
	if got := Explain(Schema{}, Dir{}, testNow, time.Minute); got != "engine  list of buckets\n" {
		t.Errorf("the root: %q", got)
	}
}

func TestExplainComponent(t *testing.T) {
	d := Dir{Bucket: "b"}
	for _, tc := range []struct{ name, want string }{
		{"size,gt,abc", `
size,gt,abc
        ^
size is an integer: 'abc' is not a number (try 100M)
`},
		{"size>1 and größe==2", `
size>1 and größe==2
             ^
expected == != > >= < or <= after 'gr', found 'ö'
`},
		{"title=='é\x01' and size>x", `
title=='é\x01' and size>x
                        ^
size is an integer: 'x' is not a number (try 100M)
`},
		{"colour,eq,red", `
colour,eq,red is the name of a folder or object, no query.
colour,eq,red
^
'colour' is no key that is indexed in bucket b; did you mean color?
`},
		{"@sort,size", `
@sort,size is a directive:
  @sort,KEY  ordered by KEY; -KEY descends
`},
		{"not (color==red or mtime<2024)", `
not (color==red or mtime<2024) is a query:
  the opposite of:
    any of:
      color == 'red'  [x-amz-meta-color, string, indexed]
      mtime is before 2024-01-01T00:00:00Z  [LastModified, datetime, indexed]
Below it:
    bucket    b
    engine    metadata search
    query     mtime,ge,2024-01-01T00:00:00Z/color,ne,red
    sent      LastModified>=2024-01-01T00:00:00Z and (x-amz-meta-color<'red' or x-amz-meta-color>'red')
    prefix    none: the whole bucket
    returned  the indexed keys, and Etag, ContentType
    note      objects without color are left out: they match neither a condition on it nor its opposite
    order     as the store returns them
    cost      one search for every 1000 results
`},
	} {
		if diff := cmp.Diff(tc.want[1:], ExplainComponent(testSchema, d, tc.name, testNow, time.Minute)); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
	long := "size>1 and " + strings.Repeat("size>1 and ", 50) + "size>x"
	lines := strings.Split(ExplainComponent(testSchema, d, long, testNow, time.Minute), "\n")
	if at := strings.Index(lines[1], "^"); at < 0 || at >= len(lines[0]) || lines[0][at] != 'x' {
		t.Errorf("the mark is not on the x:\n%s", strings.Join(lines, "\n"))
	}
}

func TestExplainWords(t *testing.T) {
	for name, want := range map[string]string{
		"color,exists": "color is there", "color,missing": "color is not there", "color,prefix,a": "color starts with 'a'",
		"color,suffix,a": "color ends with 'a'", "color,contains,a": "color has in it 'a'", "color,glob,a*": "color matches the pattern 'a*'",
		"size,le,1.5k": "size <= 1536", "price,ne,1.50": "price != 1.5", "mtime,newer,7d": "mtime > 1w", "mtime,eq,yesterday": "mtime == yesterday",
		"mtime,eq,2024": "mtime is from 2024-01-01T00:00:00Z until before 2025-01-01T00:00:00Z",
		"mtime,ne,2024": "mtime is before 2024-01-01T00:00:00Z, or from 2025-01-01T00:00:00Z on",
		"mtime,gt,2024": "mtime is from 2025-01-01T00:00:00Z on", "mtime,ge,2024": "mtime is from 2024-01-01T00:00:00Z on",
		"mtime,lt,2024": "mtime is before 2024-01-01T00:00:00Z", "mtime,le,9999": "mtime is before the end of 9999",
	} {
		if got := ExplainComponent(testSchema, Dir{Bucket: "b"}, name, testNow, time.Minute); !strings.Contains(got, "\n  "+want+"  [") {
			t.Errorf("%s: no %q in\n%s", name, want, got)
		}
	}
	long := ExplainComponent(testSchema, Dir{Bucket: "b"}, "color,eq,"+strings.Repeat("é", 200), testNow, time.Minute)
	if first, _, _ := strings.Cut(long, "\n"); len(first) > maxShown+30 || !utf8.ValidString(first) {
		t.Errorf("a long name is shown as %q", first)
	}
}

func TestExplainObject(t *testing.T) {
	d := walk(t, testSchema, "logs/size,gt,1M/(color==red or count==2024)/mtime,ge,2024")
	o := Object{Key: "logs/a", Size: 5 << 20, ModTime: testNow, Metadata: NewMetadata(map[string]string{"x-amz-meta-count": "x", "x-amz-meta-color": "red"})}
	want := `
object logs/a
  below logs/  (names are relative to it)                                               true
  all of                                                                                true
    mtime is from 2024-01-01T00:00:00Z on  is '2026-11-23T08:00:00.000Z'                true
    size > 1048576                         is '5242880'                                 true
    any of                                                                              true
      color == 'red'                       is 'red'                                     true
      count == 2024                        is 'x', which is not an integer              false
It is in this directory.
`
	squeeze := func(s string) string { // the widths are the longest cell's
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			lines[i] = strings.Join(strings.Fields(l), " ")
		}
		return strings.Join(lines, "\n")
	}
	if diff := cmp.Diff(squeeze(want[1:]), squeeze(ExplainObject(testSchema, d, &o, testNow, time.Minute))); diff != "" {
		t.Error(diff)
	}
	o.Key = "other/a"
	if got := ExplainObject(testSchema, d, &o, testNow, time.Minute); !strings.Contains(got, "It is not in this directory.") {
		t.Errorf("an object of another folder:\n%s", got)
	}
	list := Object{Key: "logs/a", Size: 5 << 20, ModTime: testNow, Partial: FromList}
	got := ExplainObject(testSchema, d, &list, testNow, time.Minute)
	if !strings.Contains(got, "not carried by this answer") || !strings.Contains(got, "does not decide") {
		t.Errorf("an object of a plain listing:\n%s", got)
	}
}

// TestHelp: the page has every operator, directive and key that the parser
// knows, fits a terminal, and its examples work.
func TestHelp(t *testing.T) {
	help := Help(testSchema)
	for i := range operators {
		if o := operators[i]; !strings.Contains(help, "    "+o.word+" ") || !strings.Contains(help, o.try) {
			t.Errorf("help lacks %s", o.word)
		}
		c, err := ParseComponent(operators[i].try, testSchema)
		if err != nil || c.Kind != ComponentPredicate {
			t.Errorf("the example %s: kind %d, %v", operators[i].try, c.Kind, err)
		}
	}
	for i := range directives {
		if !strings.Contains(help, "@"+directives[i].word) || !IsDirective(directives[i].word) {
			t.Errorf("help lacks @%s", directives[i].word)
		}
	}
	for line := range strings.Lines(help) {
		if utf8.RuneCountInString(line) > 88 {
			t.Errorf("a line of %d columns: %s", utf8.RuneCountInString(line), line)
		}
		words, found := strings.CutPrefix(line, "    ls ")
		if !found {
			continue
		}
		path, _, _ := strings.Cut(strings.TrimSpace(words), "  ")
		for name := range strings.SplitSeq(strings.Trim(path, "'"), "/") {
			if c, err := ParseComponent(name, testSchema); err != nil || c.Kind != ComponentPredicate {
				t.Errorf("the example %s: kind %d, %v", name, c.Kind, err)
			}
		}
	}
	for _, want := range []string{"meta.size", "x-amz-meta-size", "contenttype", "checked", "indexed"} {
		if !strings.Contains(SearchKeysTable(testSchema), want) {
			t.Errorf("the table of keys lacks %s", want)
		}
	}
	if got := SearchKeysTable(Schema{Bucket: "plain"}); !strings.Contains(got, "no metadata search") {
		t.Errorf("a bucket without search: %q", got)
	}
}
