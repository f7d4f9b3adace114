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
view      flat: each result by its whole key below the folder; @tree shows folders
cost      search, checked here: one request for every 1000 objects that match what is sent; those that fail the check are dropped here
`},
		{"color,missing", `
bucket  b
engine  metadata search
query   color,missing
cannot  nothing that the store compares bounds this search: color,missing is checked here, as the index has only objects with the key
try     add a condition on an indexed key: size, mtime, created, owner, color; --engine scan --scan-metadata lists every object, and asks each for its metadata, instead
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
@sort,size is a modifier:
  @sort,KEY  ordered by KEY; @sort,-KEY descends
Below it:
    bucket  b
    engine  listing: every object below the folder, in whatever folder
    sent    no query: all names of the bucket are listed
    prefix  none: the whole bucket
    order   by size, the least first, sorted here, as a listing comes in the order of names; equal ones by name
    view    flat: each result by its whole key below the folder; @tree shows folders
    cost    listing, sorted here: lists every object in the bucket: one request for every 1000, up to --max-pages; all before the first result is shown
`},
		{"@sort,colour", `
@sort,colour
      ^
'colour' is no key that can be sorted by; did you mean @sort,color?
`},
		{"@sort,-", `
@sort,-
      ^
@sort needs a key: @sort,size ascends, @sort,-size descends
`},
		{"@limit,0", `
@limit,0
       ^
@limit needs a number from 1 on: @limit,10
`},
		{"@explain", `
@explain is a file:
  @explain  what is asked here, and what it costs
`},
		{"@explain,size,gt,1", `
@explain,size,gt,1 is a file:
  @explain,NAME  how NAME is read here, or why it fails
`},
		{"@by", `
@by is a menu:
  @by  @by/KEY/ has a link for every value of KEY
Below it:
    bucket  b
    menus   one a key: size, mtime, created, owner, color, count, origin, price, meta.size, taken, title, year
    cost    nothing is asked until a menu is read
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
    view      flat: each result by its whole key below the folder; @tree shows folders
    cost      exact search: one request for every 1000 results
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
	limited := d
	limited.Limit = 3
	o.Key = "logs/a"
	if got := ExplainObject(testSchema, limited, &o, testNow, time.Minute); !strings.Contains(got, "if it is one of the first 3.") {
		t.Errorf("an object below @limit:\n%s", got)
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
		if o := operators[i]; !strings.Contains(help, "  "+o.word+" ") {
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
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("a line of %d columns: %s", utf8.RuneCountInString(line), line)
		}
		words, found := strings.CutPrefix(line, "  ls ")
		if !found {
			continue
		}
		path, _, _ := strings.Cut(strings.TrimSpace(words), "  ")
		for name := range strings.SplitSeq(strings.Trim(path, "'"), "/") {
			if c, err := ParseComponent(name, testSchema); err != nil || c.Kind == ComponentLiteral {
				t.Errorf("the example %s: kind %d, %v", name, c.Kind, err)
			}
		}
	}
	for _, want := range []string{"meta.size", "x-amz-meta-size", "contenttype", "checked", "indexed"} {
		if !strings.Contains(SearchKeysTable(testSchema), want) {
			t.Errorf("the table of keys lacks %s", want)
		}
	}
	if got := SearchKeysTable(Schema{Bucket: "plain"}); !strings.Contains(got, "no metadata search; --engine scan") {
		t.Errorf("a bucket without search: %q", got)
	}
}

// TestHelpOfKeys: every key of a bucket has an example that works there.
func TestHelpOfKeys(t *testing.T) {
	for _, s := range []Schema{testSchema, scanSchema, headSchema} {
		help := Help(s)
		for i := range operators {
			try := s.exampleOf(&operators[i])
			if c, err := ParseComponent(try, s); err != nil || c.Kind != ComponentPredicate || !strings.Contains(help, try) {
				t.Errorf("the example %s: kind %d, %v", try, c.Kind, err)
			}
		}
		for _, k := range SearchableKeys(s) {
			if !strings.Contains(help, "  "+k.example()+"\n") {
				t.Errorf("help lacks %s", k.example())
			}
			c, err := ParseComponent(k.example(), s)
			if err != nil || c.Kind != ComponentPredicate {
				t.Errorf("the example %s: kind %d, %v", k.example(), c.Kind, err)
				continue
			}
			if s.Engine == EngineScan {
				if _, err := NewPlan(s, Dir{Bucket: "b"}.Narrow(c.Where).Listing(testNow, 0)); err != nil {
					t.Errorf("the example %s: %v", k.example(), err)
				}
			}
		}
		for line := range strings.Lines(help) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("a line of %d columns: %s", utf8.RuneCountInString(line), line)
			}
		}
	}
	if got := Help(Schema{Bucket: "plain"}); !strings.Contains(got, "Keys of bucket plain\n  This bucket has no metadata search") {
		t.Errorf("help of a bucket without engine:\n%s", got)
	}
	const want = `size          Size          integer   listed
mtime         LastModified  datetime  listed
name          ObjectName    string    listed
base          base          string    listed
etag          Etag          string    listed
storageclass  StorageClass  string    listed
`
	if diff := cmp.Diff(want, SearchKeysTable(scanSchema)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want+"contenttype   ContentType   string    one HEAD\n", SearchKeysTable(headSchema)); diff != "" {
		t.Error(diff)
	}
	indexed := testSchema
	indexed.Engine, indexed.ScanMetadata = EngineScan, true
	if got := SearchKeysTable(indexed); !strings.Contains(got, "\ncolor         x-amz-meta-color   string    one HEAD\n") || strings.Contains(got, "owner") {
		t.Errorf("a bucket with an index that is scanned:\n%s", got)
	}
}

// TestExplainScan: what a bucket without metadata search can do, and what it costs.
func TestExplainScan(t *testing.T) {
	indexed := testSchema
	indexed.Engine = EngineScan
	for _, tc := range []struct {
		s          Schema
		path, want string
	}{
		{scanSchema, "logs/size,gt,1M/@sort,-size/@limit,10", `
bucket  b
engine  scan: lists every object and checks it here, as the bucket has no metadata search
query   size,gt,1048576
sent    no query: all names that begin with logs/ are listed
prefix  logs/  (names are relative to it)
order   by size, the greatest first, sorted here, as a listing comes in the order of names; equal ones by name
limit   the first 10 in this order
view    flat: each result by its whole key below the folder; @tree shows folders
cost    listing, sorted here: lists every object below logs/: one request for every 1000, up to --max-pages; all before the first result is shown
`},
		{scanSchema, "name,glob,logs%2F2024*.csv/@tree", `
bucket  b
engine  scan: lists every object and checks it here, as the bucket has no metadata search
query   name,glob,logs%2F2024*.csv
sent    no query: all names that begin with logs/2024 are listed
prefix  none: the whole bucket
order   by name, as the store lists them
view    tree: the results in their folders
cost    listing, filtered here: lists every object below logs/2024: one request for every 1000, up to --max-pages
`},
		{indexed, "meta.color,eq,red", `
bucket  b
engine  scan: lists every object and checks it here, as --engine scan says
query   color,eq,red
cannot  a listing does not carry color, only name, size, mtime, etag and storageclass
try     --scan-metadata asks for it, with one more request for each object
`},
		{headSchema, "meta.color,eq,red/@versions/@sort,meta.n", `
bucket    b
engine    scan: lists every object and checks it here, as the bucket has no metadata search
query     meta.color,eq,red
sent      no query: all names of the bucket are listed
prefix    none: the whole bucket
note      asked for by HEAD: meta.color
note      asked for by HEAD: meta.n
note      objects without meta.color are left out: they match neither a condition on it nor its opposite
order     by meta.n, ascending, sorted here, as a listing comes in the order of names; equal ones by name
note      objects without meta.n come last
versions  every version of each object, by its own metadata
view      flat: each result by its whole key below the folder; @tree shows folders
cost      listing, and one HEAD an object: lists every version in the bucket: one request for every 1000, up to --max-pages; and one more for each version that its row in the listing does not decide; all before the first result is shown
`},
		{Schema{Bucket: "b"}, "size,gt,1", `
bucket  b
engine  none: the bucket has no metadata search, and --engine ecs does without a scan
query   size,gt,1
cannot  bucket has no metadata search
try     it is set up when a bucket is created; --engine scan lists every object and checks each here
`},
		{scanSchema, "name,eq,a/name,eq,b", `
bucket  b
engine  none: no name meets the conditions on it
query   name,eq,b/name,eq,a
sent    nothing
prefix  none: the whole bucket
view    flat: each result by its whole key below the folder; @tree shows folders
cost    nothing to ask
`},
		{testSchema, "size,gt,1/@sort,size/@limit,3", `
bucket    b
engine    metadata search
query     size,gt,1
sent      Size>1
prefix    none: the whole bucket
returned  the indexed keys, and Etag, ContentType
order     by size, the least first, sorted by the store (sorted=Size); equal ones by name
limit     the first 3 in this order
view      flat: each result by its whole key below the folder; @tree shows folders
cost      exact search: one request for every 1000 results; it ends when the first 3 are found
`},
		{testSchema, "@limit,3", `
bucket  b
engine  listing: every object below the folder, in whatever folder
sent    no query: all names of the bucket are listed
prefix  none: the whole bucket
order   by name, as the store lists them
limit   the first 3, as the store returns them
view    flat: each result by its whole key below the folder; @tree shows folders
cost    listing: one request for every 1000 results; it ends when the first 3 are found
`},
	} {
		if diff := cmp.Diff(tc.want[1:], Explain(tc.s, walkAll(t, tc.s, tc.path), testNow, time.Minute)); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
	}
	tree := walkAll(t, testSchema, "size,gt,1/@tree")
	tree.Below = "logs/"
	if got := Explain(testSchema, tree, testNow, time.Minute); !strings.Contains(got, "this one is logs/\n") {
		t.Errorf("a folder of a tree:\n%s", got)
	}
	d := Dir{Bucket: "b"}
	for name, want := range map[string]string{
		"size,gt,1":         "[Size, integer, listed]",
		"meta.color,eq,red": "[x-amz-meta-color, string, not told]",
		"color,eq,red":      "'color' is no key that can be asked for in bucket b, where objects are listed and checked: size, mtime, name, base, etag, storageclass, and under --scan-metadata meta.color\n",
		"sise,gt,1":         "did you mean size?",
		"ownr==bob":         "'ownr' is no key that can be asked for",
	} {
		if got := ExplainComponent(scanSchema, d, name, testNow, time.Minute); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", name, want, got)
		}
	}
}
