package fs_test

import (
	"slices"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// everything is what a query that all objects match lists.
var everything = lists("Smith%2Cin,London%2Ff", "bob", "empty", "hello", "log-a", "log-b", "log-c", "pic", "d")

// modelRules are about what a path is.
var modelRules = []rule{
	{section: "1-model/root lists buckets", path: "..", lists: lists("b", "names", "plain", "versions"), sent: "none"},
	{section: "1-model/bucket lists its folders and objects", lists: lists("Smith%2Cin,London", "bob.txt", "empty", "hello.txt", "logs", "pic.png", "year=2024"), sent: "none"},
	{section: "1-model/folder", path: "logs", lists: lists("2024", "2025"), sent: "none"},
	{section: "1-model/folder of a folder", path: "logs/2024", lists: lists("a.log", "b.log"), sent: "none"},
	{section: "1-model/query below a bucket", path: "color,eq,red", lists: lists("bob", "hello", "log-b", "pic"), sent: `x-amz-meta-color=='red'`, with: "-prefix"},
	{section: "1-model/query below a folder", path: "logs/color,eq,red", lists: lists("2024%2Fb.log"), sent: `x-amz-meta-color=='red'`, with: "prefix=logs/"},
	{section: "1-model/query that every object matches", path: "size,ge,0", lists: everything, sent: `Size>=0`},
	{section: "1-model/queries within one another must both hold", path: "color,eq,red/size,lt,100/n,lt,0", lists: lists("log-b"),
		sent: `Size<100 and x-amz-meta-color=='red' and x-amz-meta-n<0`},
	{section: "1-model/predicates commute", path: "n,lt,0/size,lt,100/color,eq,red", lists: lists("log-b"), sent: `Size<100 and x-amz-meta-color=='red' and x-amz-meta-n<0`},
	{section: "1-model/predicates are idempotent", path: "color,eq,red/color==red/color,in,red", lists: lists("bob", "hello", "log-b", "pic"), sent: `x-amz-meta-color=='red'`},
	{section: "1-model/a query directory has no folders", path: "color,eq,red/logs", errno: "ENOENT"},
	{section: "1-model/a result is reached by its whole key", path: "color,eq,red/logs%2F2024%2Fb.log", file: 50},
	{section: "1-model/nothing but a result is reached", path: "color,eq,blue/hello.txt", errno: "ENOENT"},
	{section: "1-model/no such bucket", path: "../nobucket", errno: "ENOENT"},
	{section: "1-model/a literal extends the prefix while there is no modifier", path: "@sort,size/logs", errno: "ENOENT"},
	{section: "1-model/with a modifier all results are in the directory", path: "logs/@limit,9", lists: lists("2024%2Fa.log", "2024%2Fb.log", "2025%2Fc.log")},
	{section: "1-model/a bucket that the list does not name is asked for", check: func(t *testing.T, w *grammarWorld) {
		bob, err := ecs.New(t.Context(), ecs.Config{Endpoint: w.ecs.URL, Credentials: ecs.Credentials{AccessKeyID: "bob", SecretAccessKey: "bob's"}})
		check(t, err)
		defer bob.CloseIdleConnections()
		check(t, bob.CreateBucket(t.Context(), "shared"))
		check(t, w.ecs.PutObject("shared", "x", []byte("1"), ecstest.PutOptions{}))
		if names, _ := w.agent.list(".."); slices.Contains(names, "shared") {
			t.Fatal("the store lists buckets of others")
		}
		if names, errno := w.agent.list("../shared"); errno != "" || !slices.Equal(names, lists("x")) {
			t.Errorf("%q, %s", names, errno)
		}
	}},
	{section: "1-model/two spellings share one listing", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{now: grammarNow})
		w.put("a", "x", "color", "red")
		a := newAgent(w)
		a.list("color,eq,red/size,gt,0")
		w.requests()
		for _, path := range []string{"size,gt,0/color,eq,red", "color==red and size>0", "size>=1/color,in,red/color,eq,red", "meta.color,eq,red/SIZE,gt,0/sys.size,gt,0"} {
			if names, errno := a.list(path); errno != "" || len(names) != 1 {
				t.Errorf("%s lists %q, %s", path, names, errno)
			}
		}
		if got := w.requests(); got != "Query=1" { // of size>=1, which is another query
			t.Errorf("spellings of one query asked for %q", got)
		}
	}},
	{section: "1-model/each path as typed is its own inode", check: func(t *testing.T, w *grammarWorld) {
		inodes := map[uint64]string{}
		for _, path := range []string{"", "color,eq,red", "color==red", "color,eq,red/size,gt,1", "size,gt,1/color,eq,red", "size,gt,1", "logs", "logs/color,eq,red", "color,in,red"} {
			ino := w.agent.do("stat", path).Ino
			if other, dup := inodes[ino]; dup || ino < 2 {
				t.Errorf("%q and %q have the inode %d", path, other, ino)
			}
			inodes[ino] = path
		}
	}},
	{section: "1-model/every prefix of a valid path is a directory", check: func(t *testing.T, w *grammarWorld) {
		for _, path := range []string{"logs", "logs/contenttype,eq,a", "logs/contenttype,eq,a/base,missing", "logs/contenttype,eq,a/base,missing/n,eq,1", "color,missing"} {
			if errno := w.agent.stat(path); errno != "" {
				t.Errorf("stat %q: %s", path, errno)
			}
		}
	}},
	{section: "1-model/a lookup of a query is parse-only", check: func(t *testing.T, w *grammarWorld) {
		w.agent.stat("")
		w.requests()
		for _, path := range []string{"size,gt,100", "size,gt,100/color,eq,red", "color==red", "size,gt,abc", "(size>1 or n<2) and not owner==bob/mtime,newer,7d"} {
			w.agent.stat(path)
		}
		if got := w.requests(); got != "" {
			t.Errorf("names of queries asked for %q", got)
		}
	}},
	{section: "1-model/directories have one link", check: func(t *testing.T, w *grammarWorld) {
		w.want(`stat -c %h $B $B/logs $B/size,gt,1 $B/hello.txt`, "1\n1\n1\n1\n")
	}},
}

// componentRules are about how a component is read.
var componentRules = slices.Concat(
	[]rule{
		{section: "2-components/order: a directive before all", path: "@help", text: []string{"A path is a query"}},
		{section: "2-components/any other @word is a literal", path: "@alice", errno: "ENOENT"},
		{section: "2-components/directive words are in lower case", path: "@HELP", errno: "ENOENT"},
	},
	// comma: key "," op *( "," arg )
	[]rule{
		{section: "2-components/eq", path: "n,eq,5", sent: `x-amz-meta-n==5`, lists: lists("hello")},
		{section: "2-components/ne", path: "n,ne,5", sent: `(x-amz-meta-n<5 or x-amz-meta-n>5)`, lists: lists("log-a", "log-b")},
		{section: "2-components/gt", path: "n,gt,5", sent: `x-amz-meta-n>5`, lists: lists("log-a")},
		{section: "2-components/ge", path: "n,ge,5", sent: `x-amz-meta-n>=5`, lists: lists("hello", "log-a")},
		{section: "2-components/lt", path: "n,lt,5", sent: `x-amz-meta-n<5`, lists: lists("log-b")},
		{section: "2-components/le", path: "n,le,5", sent: `x-amz-meta-n<=5`, lists: lists("hello", "log-b")},
		{section: "2-components/in: values", path: "n,in,5,-3,9", sent: `(x-amz-meta-n==9 or x-amz-meta-n==5 or x-amz-meta-n==-3)`, lists: lists("hello", "log-b")},
		{section: "2-components/in: a..b", path: "n,in,-3..5", sent: `x-amz-meta-n>=-3 and x-amz-meta-n<=5`, lists: lists("hello", "log-b")},
		{section: "2-components/in: a..", path: "n,in,5..", sent: `x-amz-meta-n>=5`, lists: lists("hello", "log-a")},
		{section: "2-components/in: ..b", path: "n,in,..5", sent: `x-amz-meta-n<=5`, lists: lists("hello", "log-b")},
		{section: "2-components/in: values and ranges", path: "n,in,-3,6..", sent: `(x-amz-meta-n==-3 or x-amz-meta-n>=6)`, lists: lists("log-a", "log-b")},
		{section: "2-components/prefix", path: "title,prefix,it", lists: lists("log-a", "log-b")},
		{section: "2-components/suffix", path: "title,suffix,one", lists: lists("hello")},
		{section: "2-components/contains", path: "title,contains,o", lists: lists("hello", "log-c", "pic")},
		{section: "2-components/glob", path: "title,glob,Fo[op]*", lists: lists("hello", "log-c", "pic")},
		{section: "2-components/glob ?", path: "title,glob,Fo?", lists: lists("log-c", "pic")},
		{section: "2-components/glob is case-sensitive", path: "title,glob,fo*", lists: lists()},
		{section: "2-components/glob: * matches any bytes", path: "name,glob,logs*log", lists: lists("log-a", "log-b", "log-c")},
		{section: "2-components/newer: of a time", path: "mtime,newer,2024-06", sent: `LastModified>=2024-07-01T00:00:00Z`, lists: lists("hello", "log-c", "pic", "bob")},
		{section: "2-components/older: of a time", path: "mtime,older,2024-05", sent: `LastModified<2024-05-01T00:00:00Z`, lists: lists("d", "empty", "smith")},
		{section: "2-components/older: of an age", path: "mtime,older,3y", sent: `LastModified<2023-11-23T08:00:00Z`, lists: lists("empty", "smith")},
		{section: "2-components/exists", path: "color,exists", sent: `x-amz-meta-color>=''`, lists: lists("hello", "log-a", "log-b", "log-c", "pic", "empty", "smith", "bob")},
		{section: "2-components/missing", path: "size,ge,0/color,missing", sent: `Size>=0`, lists: lists("d")},
		{section: "2-components/an empty argument", path: "color,eq,", sent: `x-amz-meta-color==''`, lists: lists("empty")},
		{section: "2-components/key in any case", path: "CoLoR,eq,red", sent: `x-amz-meta-color=='red'`},
		{section: "2-components/op in lower case", path: "color,EQ,red", errno: "ENOENT"},
		{section: "2-components/pct in a key", path: "colo%72,eq,red", sent: `x-amz-meta-color=='red'`},
		{section: "2-components/pct in an argument", path: "origin,eq,a%2Fb", sent: `x-amz-meta-origin=='a/b'`, lists: lists("hello")},
		{section: "2-components/arguments are split before they are decoded", path: "title,in,a%2Cb,c%2E%2Ed", sent: `(x-amz-meta-title=='c..d' or x-amz-meta-title=='a,b')`},
		{section: "2-components/pct in a literal is no second name", path: "hello%2Etxt", errno: "ENOENT"},
		{section: "2-components/no args", path: "color,exists,x", errno: "EINVAL"},
		{section: "2-components/one arg", path: "size,gt,1,2", errno: "EINVAL"},
		{section: "2-components/an arg is missing", path: "size,gt", errno: "EINVAL"},
	},
	// infix: iff it starts with "(", "not" and a blank or "(", or KEY [blanks] SOP
	[]rule{
		{section: "2-components/infix ==", path: "color==red", sent: `x-amz-meta-color=='red'`, lists: lists("bob", "hello", "log-b", "pic")},
		{section: "2-components/infix !=", path: "n!=5", sent: `(x-amz-meta-n<5 or x-amz-meta-n>5)`, lists: lists("log-a", "log-b")},
		{section: "2-components/infix >=", path: "n>=5", sent: `x-amz-meta-n>=5`},
		{section: "2-components/infix <=", path: "n<=5", sent: `x-amz-meta-n<=5`},
		{section: "2-components/infix >", path: "n>5", sent: `x-amz-meta-n>5`},
		{section: "2-components/infix <", path: "n<5", sent: `x-amz-meta-n<5`},
		{section: "2-components/infix: blanks are free", path: " n  >\t5 ", errno: "ENOENT"}, // at the start they make it a literal
		{section: "2-components/infix: blanks within", path: "n  >\t5 ", sent: `x-amz-meta-n>5`},
		{section: "2-components/infix: parentheses", path: "(n>5)", sent: `x-amz-meta-n>5`},
		{section: "2-components/infix: not and a blank", path: "not n>5", sent: `x-amz-meta-n<=5`},
		{section: "2-components/infix: not and a parenthesis", path: "not(n>5)", sent: `x-amz-meta-n<=5`},
		{section: "2-components/infix: and binds tighter", path: "n>100 or n>5 and color==blue", sent: `(x-amz-meta-n>100 or (x-amz-meta-color=='blue' and x-amz-meta-n>5))`, lists: lists("log-a")},
		{section: "2-components/infix: words in any case", path: "n>5 AND NOT color==red Or n<0", sent: `(x-amz-meta-n<0 or (x-amz-meta-n>5 and (x-amz-meta-color<'red' or x-amz-meta-color>'red')))`, lists: lists("log-a", "log-b")},
		{section: "2-components/infix: single quotes, doubled within", path: "title=='it''s'", sent: `x-amz-meta-title=="it's"`, lists: lists("log-a")},
		{section: "2-components/infix: double quotes", path: `title=="it's"`, sent: `x-amz-meta-title=="it's"`, lists: lists("log-a")},
		{section: "2-components/infix: double quotes, doubled within", path: `title=="a""b"`, sent: `x-amz-meta-title=='a"b'`},
		{section: "2-components/infix: a bare value ends at a blank or )", path: "(title==it's)", sent: `x-amz-meta-title=="it's"`},
		{section: "2-components/infix: pct is decoded after the tokens are cut", path: "title==Foo%20one", sent: `x-amz-meta-title=='Foo one'`, lists: lists("hello")},
		{section: "2-components/infix: an unknown key is EINVAL", path: "colour==red", errno: "EINVAL"},
		{section: "2-components/a single = is never an operator", path: "year=2024", lists: lists("month=01"), sent: "none"},
		{section: "2-components/a single = of a known key", path: "color=red", errno: "ENOENT"},
	},
	// known keys
	[]rule{
		{section: "2-components/a system attribute that the store returns", path: "size,gt,1M/etag,exists", sent: `Size>1048576`, with: "attributes~Etag", lists: lists("log-a", "d", "pic")},
		{section: "2-components/base is derived", path: "size,ge,0/base,eq,a.log", lists: lists("log-a")},
		{section: "2-components/meta.NAME is known", path: "size,ge,0/meta.shape,eq,round", sent: `Size>=0`, with: "attributes~x-amz-meta-shape", lists: lists("hello")},
		{section: "2-components/an unknown key in the comma form is a literal", path: "Smith%2Cin,London", lists: lists("f"), sent: "none"},
		{section: "2-components/names that only begin as an expression", path: "(copy).txt", errno: "ENOENT"},
		{section: "2-components/names that only begin with not", path: "not yet.doc", errno: "ENOENT"},
		{section: "2-components/typed as it is, such a name is found as well", path: "Smith,in,London", lists: lists("f"), sent: "none"},
		{section: "2-components/such a file below a query", check: func(t *testing.T, w *grammarWorld) {
			w.want(`cat $M/b/size,ge,0/Smith,in,London%2Ff $M/b/Smith,in,London/f | sort -u | wc -l`, "1\n")
		}},
		{section: "2-components/and is in @errors with the nearest key", check: func(t *testing.T, w *grammarWorld) {
			if errno := w.agent.stat("colour,eq,red"); errno != "ENOENT" {
				t.Errorf("colour,eq,red: %s", errno)
			}
			w.want(`grep -c 'colour,eq,red.*did you mean color?' $M/@errors`, "1\n")
		}},
	},
)

// keyRules are about the names of keys.
var keyRules = []rule{
	{section: "3-keys/size", path: "size,gt,1M", sent: `Size>1048576`},
	{section: "3-keys/mtime", path: "mtime,ge,2024-08", sent: `LastModified>=2024-08-01T00:00:00Z`, lists: lists("hello", "pic", "bob")},
	{section: "3-keys/modified", path: "modified,ge,2024-08", sent: `LastModified>=2024-08-01T00:00:00Z`},
	{section: "3-keys/created", path: "created,lt,2023", sent: `CreateTime<2023-01-01T00:00:00Z`, lists: lists("smith")},
	{section: "3-keys/name is the whole key", path: "name,eq,logs%2F2024%2Fa.log", sent: `ObjectName=='logs/2024/a.log'`, lists: lists("log-a")},
	{section: "3-keys/base is the last segment", path: "base,eq,a.log/size,gt,1", lists: lists("log-a")},
	{section: "3-keys/owner", path: "owner,eq,bob", sent: `Owner=='bob'`, lists: lists("bob")},
	{section: "3-keys/anything else is user metadata", path: "color,eq,red", sent: `x-amz-meta-color=='red'`},
	{section: "3-keys/a native system name, in any case", path: "lastMODIFIED,lt,2023", sent: `LastModified<2023-01-01T00:00:00Z`},
	{section: "3-keys/a native user name", path: "x-amz-meta-color,eq,red", sent: `x-amz-meta-color=='red'`},
	{section: "3-keys/meta. forces user metadata", path: "size,ge,0/meta.size,exists", sent: `Size>=0`, with: "attributes~x-amz-meta-size", lists: lists()},
	{section: "3-keys/sys. forces the system key", path: "sys.size,gt,1M", sent: `Size>1048576`},
	{section: "3-keys/datatypes are the index's: integer", path: "n,lt,40", sent: `x-amz-meta-n<40`, lists: lists("hello", "log-a", "log-b")},
	{section: "3-keys/datatypes are the index's: decimal", path: "ratio,eq,2.5", sent: `x-amz-meta-ratio==2.5`, lists: lists("log-a")},
	{section: "3-keys/datatypes are the index's: datetime", path: "shot,in,2024-05-10", sent: `x-amz-meta-shot>=2024-05-10T00:00:00Z and x-amz-meta-shot<2024-05-11T00:00:00Z`, lists: lists("hello")},
	{section: "3-keys/datatypes are the index's: string", path: "color,eq,5", sent: `x-amz-meta-color=='5'`, lists: lists()},
	{section: "3-keys/a value that is not of the datatype is not there", path: "size,gt,1M/n,missing", lists: lists("d", "pic")},
	{section: "3-keys/not indexed, beside an indexed condition", path: "color,eq,red/contenttype,eq,text%2Fplain", sent: `x-amz-meta-color=='red'`, with: "attributes~ContentType", lists: lists("hello", "bob")},
	{section: "3-keys/not indexed, alone", path: "meta.shape,eq,round", errno: "list:EOPNOTSUPP", sent: "none"},
	{section: "3-keys/not indexed, alone: the reason", path: "meta.shape,eq,round/@explain", text: []string{"nothing that the store compares bounds this search", "add a condition on an indexed key"}},
}

// valueRules are about sizes, times and texts.
var valueRules = []rule{
	{section: "4-values/k K M G T P are 1024^n", path: "size,in,1k,1K,1M,1G,1T,1P", sent: `(Size==1125899906842624 or Size==1099511627776 or Size==1073741824 or Size==1048576 or Size==1024)`},
	{section: "4-values/kB MB are 1000^n", path: "size,in,1kB,1MB,1GB", sent: `(Size==1000000000 or Size==1000000 or Size==1000)`},
	{section: "4-values/KiB MiB are 1024^n", path: "size,in,1KiB,1MiB,1GiB", sent: `(Size==1073741824 or Size==1048576 or Size==1024)`},
	{section: "4-values/decimals", path: "size,gt,1.5G", sent: `Size>1610612736`},
	{section: "4-values/decimals are rounded down", path: "size,gt,1.0009k", sent: `Size>1024`},
	{section: "4-values/units on decimal keys", path: "ratio,lt,1.5k", sent: `x-amz-meta-ratio<1536`},
	{section: "4-values/no units on strings", path: "color,eq,1k", sent: `x-amz-meta-color=='1k'`},
	{section: "4-values/a size unit on a time asks back", path: "mtime,newer,1M", errno: "EINVAL"},
	{section: "4-values/a size unit on a time: the question", path: "@explain,mtime,newer,1M", text: []string{"1mo or 1m?"}},
	{section: "4-values/RFC 3339", path: "mtime,eq,2024-05-15T10:00:00Z", sent: `LastModified>=2024-05-15T10:00:00Z and LastModified<2024-05-15T10:00:01Z`, lists: lists("log-a")},
	{section: "4-values/an offset", path: "mtime,eq,2024-05-15T12:00:00%2B02:00", sent: `LastModified>=2024-05-15T10:00:00Z and LastModified<2024-05-15T10:00:01Z`, lists: lists("log-a")},
	{section: "4-values/a year", path: "mtime,eq,2023", sent: `LastModified>=2023-01-01T00:00:00Z and LastModified<2024-01-01T00:00:00Z`, lists: lists("empty")},
	{section: "4-values/a month", path: "mtime,eq,2024-02", sent: `LastModified>=2024-02-01T00:00:00Z and LastModified<2024-03-01T00:00:00Z`},
	{section: "4-values/a day", path: "mtime,eq,2024-05-15", sent: `LastModified>=2024-05-15T00:00:00Z and LastModified<2024-05-16T00:00:00Z`, lists: lists("log-a")},
	{section: "4-values/an hour", path: "mtime,eq,2024-05-15T10", sent: `LastModified>=2024-05-15T10:00:00Z and LastModified<2024-05-15T11:00:00Z`, lists: lists("log-a")},
	{section: "4-values/compact", path: "mtime,lt,2024-05-15T1230Z", sent: `LastModified<2024-05-15T12:30:00Z`},
	{section: "4-values/now", path: "mtime,le,now", sent: `LastModified<=2026-11-23T08:00:00Z`},
	{section: "4-values/today", path: "mtime,lt,today", sent: `LastModified<2026-11-23T00:00:00Z`},
	{section: "4-values/yesterday", path: "mtime,in,yesterday", sent: `LastModified>=2026-11-22T00:00:00Z and LastModified<2026-11-23T00:00:00Z`},
	{section: "4-values/30m", path: "mtime,newer,30m", sent: `LastModified>2026-11-23T07:30:00Z`},
	{section: "4-values/12h", path: "mtime,newer,12h", sent: `LastModified>2026-11-22T20:00:00Z`},
	{section: "4-values/7d", path: "mtime,newer,7d", sent: `LastModified>2026-11-16T08:00:00Z`},
	{section: "4-values/2w", path: "mtime,newer,2w", sent: `LastModified>2026-11-09T08:00:00Z`},
	{section: "4-values/3mo", path: "mtime,newer,3mo", sent: `LastModified>2026-08-23T08:00:00Z`},
	{section: "4-values/1y", path: "mtime,newer,1y", sent: `LastModified>2025-11-23T08:00:00Z`},
	{section: "4-values/gt is after the end", path: "mtime,gt,2024-05", sent: `LastModified>=2024-06-01T00:00:00Z`},
	{section: "4-values/ge is from the start", path: "mtime,ge,2024-05", sent: `LastModified>=2024-05-01T00:00:00Z`},
	{section: "4-values/lt is before the start", path: "mtime,lt,2024-05", sent: `LastModified<2024-05-01T00:00:00Z`},
	{section: "4-values/le is before the end", path: "mtime,le,2024-05", sent: `LastModified<2024-06-01T00:00:00Z`},
	{section: "4-values/A..B is from the start of A to the end of B", path: "mtime,in,2024-05..2024-06-01", sent: `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-02T00:00:00Z`, lists: lists("log-a", "log-b")},
	{section: "4-values/an age is one instant for every operator", path: "mtime,le,7d", sent: `LastModified<=2026-11-16T08:00:00Z`},
	{section: "4-values/strings are case-sensitive", path: "color,eq,Red", sent: `x-amz-meta-color=='Red'`, lists: lists("smith")},
	{section: "4-values/strings are not normalized", path: "title,eq,e\u0301", sent: "x-amz-meta-title=='e\u0301'"},
	{section: "4-values/now is floored to the lifetime", check: func(t *testing.T, _ *grammarWorld) {
		w := newWorld(t, setup{now: grammarNow.Add(59_900_000_000), keys: grammarKeys})
		w.want(`ls $B/mtime,newer,7d`, "")
		searches := w.searches()
		if len(searches) != 1 || searches[0].Get("query") != "LastModified>2026-11-16T08:00:00Z" {
			t.Errorf("sent %v", searches)
		}
	}},
}

// loweringRules are about what is sent, and what is checked here.
var loweringRules = []rule{
	{section: "9-sent/ne", path: "color,ne,red", sent: `(x-amz-meta-color<'red' or x-amz-meta-color>'red')`, lists: lists("log-a", "log-c", "empty", "smith")},
	{section: "9-sent/ne: @explain says whom it leaves out", path: "color,ne,red/@explain", text: []string{"objects without color are left out"}},
	{section: "9-sent/not", path: "not (color==red and n>=5)", sent: `(x-amz-meta-n<5 or x-amz-meta-color<'red' or x-amz-meta-color>'red')`, lists: lists("log-a", "log-b", "log-c", "empty", "smith")},
	{section: "9-sent/not of exists", path: "size,ge,0/color,missing", sent: `Size>=0`},
	{section: "9-sent/exists of strings", path: "title,exists", sent: `x-amz-meta-title>=''`, lists: lists("hello", "log-a", "log-b", "log-c", "pic")},
	{section: "9-sent/exists of integers", path: "n,exists", sent: `x-amz-meta-n>=-9223372036854775808`, lists: lists("hello", "log-a", "log-b")},
	{section: "9-sent/exists of decimals", path: "ratio,exists", lists: lists("hello", "log-a")},
	{section: "9-sent/exists of times", path: "shot,exists", sent: `x-amz-meta-shot>=0001-01-01T00:00:00Z`, lists: lists("hello", "d")},
	{section: "9-sent/prefix", path: "title,prefix,Fo", sent: `x-amz-meta-title>='Fo' and x-amz-meta-title<'Fp'`, lists: lists("hello", "log-c", "pic")},
	{section: "9-sent/prefix is checked again", path: "title,prefix,Fo/@explain", text: []string{"checked here: title,prefix,Fo"}},
	{section: "9-sent/prefix: surrogates are skipped", path: "title,prefix,\ud7ff", sent: "x-amz-meta-title>='\ud7ff' and x-amz-meta-title<'\U00010000'"},
	{section: "9-sent/prefix: no bound at the end", path: "title,prefix,\U0010ffff", sent: "x-amz-meta-title>='\U0010ffff'"},
	{section: "9-sent/in", path: "color,in,blue,green", sent: `(x-amz-meta-color=='green' or x-amz-meta-color=='blue')`, lists: lists("log-a", "log-c")},
	{section: "9-sent/a..b", path: "ratio,in,1.5..2.5", sent: `x-amz-meta-ratio>=1.5 and x-amz-meta-ratio<=2.5`, lists: lists("hello", "log-a")},
	{section: "9-sent/suffix", path: "title,suffix,s", sent: `x-amz-meta-title>=''`, lists: lists("log-a")},
	{section: "9-sent/contains", path: "title,contains,'", sent: `x-amz-meta-title>=''`, lists: lists("log-a", "log-b")},
	{section: "9-sent/glob: the strongest range", path: "title,glob,Fo*e", sent: `x-amz-meta-title>='Fo' and x-amz-meta-title<'Fp'`, lists: lists("hello")},
	{section: "9-sent/glob without a beginning", path: "title,glob,*e", sent: `x-amz-meta-title>=''`, lists: lists("hello")},
	{section: "9-sent/missing beside", path: "color,eq,red/title,missing", sent: `x-amz-meta-color=='red'`, lists: lists("bob")},
	{section: "9-sent/missing alone", path: "title,missing", errno: "list:EOPNOTSUPP"},
	{section: "9-sent/base", path: "base,glob,*.log/size,gt,0", lists: lists("log-a", "log-b", "log-c")},
	{section: "9-sent/base alone, where names are indexed", path: "base,suffix,.log", sent: `ObjectName>=''`, lists: lists("log-a", "log-b", "log-c")},
	{section: "9-sent/both kinds of quotes", path: `title,eq,it's "it"`, sent: `x-amz-meta-title>="it's " and x-amz-meta-title<"it's!"`, lists: lists("log-b")},
	{section: "9-sent/prefix P", path: "logs/color,exists", sent: `x-amz-meta-color>=''`, with: "prefix=logs/", lists: lists("2024%2Fa.log", "2024%2Fb.log", "2025%2Fc.log")},
	{section: "9-sent/always parenthesised", path: "(color==red or color==blue) and (n>5 or n<0)",
		sent: `((x-amz-meta-color=='red' or x-amz-meta-color=='blue') and (x-amz-meta-n>5 or x-amz-meta-n<0))`, lists: lists("log-a", "log-b")},
	{section: "9-sent/duplicates are dropped", path: "color,in,red,red/color==red or color==red", sent: `x-amz-meta-color=='red'`},
	{section: "9-sent/64 clauses", path: "n,in," + numbers(64), lists: lists("hello", "log-a")},
	{section: "9-sent/65 clauses are checked here", path: "size,ge,0/n,in," + numbers(65), sent: `Size>=0 and x-amz-meta-n>=0 and x-amz-meta-n<=64`, lists: lists("hello", "log-a")},
	{section: "9-sent/65 clauses: @explain says so", path: "size,ge,0/n,in," + numbers(65) + "/@explain", text: []string{"the expression would exceed 64 comparisons"}},
}

// numbers returns "0,1,2" up to n numbers.
func numbers(n int) string {
	var b []byte
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if i >= 10 {
			b = append(b, byte('0'+i/10))
		}
		b = append(b, byte('0'+i%10))
	}
	return string(b)
}

// exampleRules are paths as people type them.
var exampleRules = []rule{
	{section: "11-examples/size,gt,100", path: "size,gt,100", sent: `Size>100`, lists: lists("hello", "log-a", "log-c", "d", "pic")},
	{section: "11-examples/size>100", path: "size>100", sent: `Size>100`, lists: lists("hello", "log-a", "log-c", "d", "pic")},
	{section: "11-examples/size,ge,100M", path: "size,ge,100M", sent: `Size>=104857600`, lists: lists()},
	{section: "11-examples/color,eq,red", path: "color,eq,red", sent: `x-amz-meta-color=='red'`, lists: lists("hello", "log-b", "pic", "bob")},
	{section: "11-examples/color==red", path: "color==red", sent: `x-amz-meta-color=='red'`, lists: lists("hello", "log-b", "pic", "bob")},
	{section: "11-examples/size,gt,100/color,eq,red", path: "size,gt,100/color,eq,red", sent: `Size>100 and x-amz-meta-color=='red'`, lists: lists("hello", "pic")},
	{section: "11-examples/color,in,red,blue", path: "color,in,red,blue", sent: `(x-amz-meta-color=='red' or x-amz-meta-color=='blue')`, lists: lists("hello", "log-a", "log-b", "pic", "bob")},
	{section: "11-examples/color,ne,red", path: "color,ne,red", sent: `(x-amz-meta-color<'red' or x-amz-meta-color>'red')`, lists: lists("log-a", "log-c", "empty", "smith")},
	{section: "11-examples/size,in,1M..1G", path: "size,in,1M..1G", sent: `Size>=1048576 and Size<=1073741824`, lists: lists("log-a", "log-c", "d", "pic")},
	{section: "11-examples/mtime,newer,7d", path: "mtime,newer,7d", sent: `LastModified>2026-11-16T08:00:00Z`, lists: lists("hello", "bob")},
	{section: "11-examples/mtime,in,2024-05", path: "mtime,in,2024-05", sent: `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-01T00:00:00Z`, lists: lists("log-a")},
	{section: "11-examples/mtime,eq,2024-05", path: "mtime,eq,2024-05", sent: `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-01T00:00:00Z`, lists: lists("log-a")},
	{section: "11-examples/mtime,in,2024-05..2024-07", path: "mtime,in,2024-05..2024-07", sent: `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-08-01T00:00:00Z`, lists: lists("log-a", "log-b", "log-c")},
	{section: "11-examples/mtime,gt,2024-05", path: "mtime,gt,2024-05", sent: `LastModified>=2024-06-01T00:00:00Z`, lists: lists("hello", "log-b", "log-c", "pic", "bob")},
	{section: "11-examples/logs/2024/size,gt,1M", path: "logs/2024/size,gt,1M", sent: `Size>1048576`, with: "prefix=logs/2024/", lists: lists("a.log")},
	{section: "11-examples/year=2024/month=01/size,gt,1M", path: "year=2024/month=01/size,gt,1M", sent: `Size>1048576`, with: "prefix=year=2024/month=01/", lists: lists("d.bin")},
	{section: "11-examples/(size>1G or color==red) and not owner==bob", path: "(size>1G or color==red) and not owner==bob",
		sent: `((Size>1073741824 or x-amz-meta-color=='red') and (Owner<'bob' or Owner>'bob'))`, lists: lists("hello", "log-b", "pic")},
	{section: "11-examples/title,prefix,Foo", path: "title,prefix,Foo", sent: `x-amz-meta-title>='Foo' and x-amz-meta-title<'Fop'`, lists: lists("hello", "log-c")},
	{section: "11-examples/title,prefix,Foo is checked again", path: "title,prefix,Foo/@explain", text: []string{"checked here: title,prefix,Foo"}},
	{section: "11-examples/origin,eq,a%2Fb", path: "origin,eq,a%2Fb", sent: `x-amz-meta-origin=='a/b'`, lists: lists("hello")},
	{section: "11-examples/title,eq,it's", path: "title,eq,it's", sent: `x-amz-meta-title=="it's"`, lists: lists("log-a")},
	{section: "11-examples/size,gt,1M/contenttype,eq,image%2Fpng", path: "size,gt,1M/contenttype,eq,image%2Fpng", sent: `Size>1048576`, with: "attributes~ContentType", lists: lists("d", "pic")},
	{section: "11-examples/size,gt,abc", path: "size,gt,abc", sent: "none", errno: "EINVAL"},
	{section: "11-examples/@explain,size,gt,abc", path: "@explain,size,gt,abc", text: []string{"size is an integer: 'abc' is not a number (try 100M)"}},
}
