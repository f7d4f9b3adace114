package search

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exprDiff compares expressions field by field.
func exprDiff(a, b Expr) string {
	return cmp.Diff(a, b, cmp.AllowUnexported(Value{}))
}

// TestNormalForm says what components mean by the print of their normal form.
func TestNormalForm(t *testing.T) {
	for _, tc := range []struct{ name, want string }{
		{"size,gt,100", "size,gt,100"},
		{"SIZE,gt,100", "size,gt,100"},
		{"size > 100", "size,gt,100"},
		{"sys.size>=1k", "size,ge,1024"},
		{"meta.size==5", "meta.size,eq,5"},
		{"x-amz-meta-size==5", "meta.size,eq,5"},
		{"X-Amz-Meta-Color==red", "color,eq,red"},
		{"meta.color==red", "color,eq,red"},
		{"meta.color,eq,", "color,eq,"},
		{"meta.shape,eq,round", "meta.shape,eq,round"},
		{"x-amz-meta-shape,eq,round", "meta.shape,eq,round"},
		{"modified,lt,2024", "mtime,lt,2024-01-01T00:00:00Z"},
		{"LASTMODIFIED,lt,2024", "mtime,lt,2024-01-01T00:00:00Z"},
		{"ContentType,eq,a", "contenttype,eq,a"},
		{"sys.base,eq,a", "base,eq,a"},
		{"color,in,red", "color,eq,red"},
		{"color,in,b,a,b", "(color=='b' or color=='a')"},
		{"size,in,1..2,5..,..0", "(size>=5 or size<=0 or (size>=1 and size<=2))"},
		{"price,in,1.50..2", "price,ge,1.5/price,le,2"},
		{"mtime,in,2024..", "mtime,ge,2024-01-01T00:00:00Z"},
		{"mtime,in,..2024", "mtime,lt,2025-01-01T00:00:00Z"},
		{"mtime,in,7d..2d", "mtime,ge,1w/mtime,le,2d"},
		{"mtime,ne,2024", "(mtime>=2025-01-01T00:00:00Z or mtime<2024-01-01T00:00:00Z)"},
		{"mtime,le,9999", "mtime,le,9999"},
		{"mtime,gt,9999-12-31", "mtime,gt,9999"},
		{"mtime,older,24h", "mtime,lt,1d"},
		{"mtime,eq,0d", "mtime,eq,now"},
		{"mtime,eq,12mo", "mtime,eq,1y"},
		{"mtime,ne,today", "mtime,ne,today"},
		{"color,exists", "color,exists"},
		{"color,missing", "color,missing"},
		{"title,glob,*.t[xy]?", "title,glob,*.t[xy]?"},
		{"title,eq,a%2Cb%2Fc%25d", "title,eq,a%2Cb%2Fc%25d"},
		{"title,eq,100%", "title,eq,100%25"},
		{"title=='it''s'", "title,eq,it's"},
		{`title=="it's"`, "title,eq,it's"},
		{`title=="say ""x"""`, `title,eq,say "x"`},
		{"title=='a%2Fb'", "title,eq,a%2Fb"},
		{"title==it's", "title,eq,it's"},
		{"title=='a)b' and (size>1)", "size,gt,1/title,eq,a)b"},
		{"title==a%20b", "title,eq,a b"},
		{"title==%27", "title,eq,'"},
		{"not color==red", "color,ne,red"},
		{"not (color==red)", "color,ne,red"},
		{"NOT(color==red AND size>1)", "(size<=1 or color!='red')"},
		{"not (size>=1 or not size<9)", "size,lt,9/size,lt,1"},
		{"not (mtime==2024)", "(mtime>=2025-01-01T00:00:00Z or mtime<2024-01-01T00:00:00Z)"},
		{"size>1 and size>1", "size,gt,1"},
		{"size>1 or size>2 and size<3", "(size>1 or (size>2 and size<3))"},
		{"(size>1 or size>2) and size<3", "size,lt,3/(size>2 or size>1)"},
		{"((size>1))", "size,gt,1"},
		{"( size>1 ) ", "size,gt,1"},
		{"(size>1)and(size<2)", "size,gt,1/size,lt,2"},
		{"(size>1)or(size<2)", "(size>1 or size<2)"},
	} {
		c, err := ParseComponent(tc.name, testSchema)
		switch {
		case err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case c.Kind != ComponentPredicate:
			t.Errorf("%s: kind %d", tc.name, c.Kind)
		case c.Where.String() != tc.want:
			t.Errorf("%s:\n got %s\nwant %s", tc.name, c.Where, tc.want)
		}
	}
}

// TestLiterals holds the names that must stay names.
func TestLiterals(t *testing.T) {
	for _, tc := range []struct{ name, literal, doubt string }{
		{"", "", ""},
		{"logs", "logs", ""},
		{"a%2Fb%", "a/b%", ""},
		{"year=2024", "year=2024", "year,eq"},
		{"month=01", "month=01", ""},
		{"a=b", "a=b", ""},
		{"size=>5", "size=>5", "size,ge,5 or 'size>=5'"},
		{"Smith,in,London", "Smith,in,London", "meta.Smith"},
		{"colr,eq,red", "colr,eq,red", "color"},
		{"name,phone,mail.csv", "name,phone,mail.csv", "'phone' is no operator"},
		{"size,GT,5", "size,GT,5", "size,gt"},
		{"size,grater,5", "size,grater,5", "is no operator"},
		{"size%2Cgt,100", "size,gt,100", ""},
		{"size,", "size,", ""},
		{"size,eq", "", "!"},
		{"(copy).txt", "(copy).txt", ""},
		{"(size=5)", "(size=5)", ""},
		{"not yet.doc", "not yet.doc", ""},
		{"not%20a>b", "", "!"},
		{"a > b", "", "!"},
		{"a<b>.html", "", "!"},
		{"<b>", "<b>", ""},
		{"=> x", "=> x", ""},
		{"@home", "@home", ""},
		{"@tre", "@tre", "@tree"},
		{"@", "@", ""},
		{"size,gt,5 ", "", "!"},
		{"meta.,eq,5", "meta.,eq,5", "the name of a key is missing"},
		{"meta.a%2Cb,eq,5", "meta.a,b,eq,5", "is no key"},
		{"sys.color,eq,5", "sys.color,eq,5", "is no system key"},
	} {
		c, err := ParseComponent(tc.name, testSchema)
		if tc.doubt == "!" {
			if KindOf(err) != KindInvalid || err == nil {
				t.Errorf("%q: %v, %v; want an invalid query", tc.name, c, err)
			}
			continue
		}
		if err != nil || c.Kind != ComponentLiteral {
			t.Errorf("%q: kind %d, %v; want a literal", tc.name, c.Kind, err)
			continue
		}
		if c.Literal != tc.literal {
			t.Errorf("%q is the literal %q, want %q", tc.name, c.Literal, tc.literal)
		}
		if !strings.Contains(c.Doubt, tc.doubt) || (tc.doubt == "") != (c.Doubt == "") {
			t.Errorf("%q: doubt %q, want %q", tc.name, c.Doubt, tc.doubt)
		}
	}
}

func TestDirectives(t *testing.T) {
	size, _ := testSchema.Resolve("size")
	for name, want := range map[string]Directive{
		"@tree":                {Word: "tree"},
		"@sort,size":           {Word: "sort", Rest: "size", Order: Order{Key: size}},
		"@sort,-size":          {Word: "sort", Rest: "-size", Order: Order{Key: size, Descending: true}},
		"@limit,10":            {Word: "limit", Rest: "10", Limit: 10},
		"@explain":             {Word: "explain"},
		"@explain,size,gt,abc": {Word: "explain", Rest: "size,gt,abc"},
		"@meta,a%2Cb.txt":      {Word: "meta", Rest: "a%2Cb.txt"},
		"@meta,":               {Word: "meta"},
		"@manifest.jsonl":      {Word: "manifest.jsonl"},
	} {
		c, err := ParseComponent(name, testSchema)
		if err != nil || c.Kind != ComponentDirective {
			t.Errorf("%s: kind %d, %v", name, c.Kind, err)
		} else if diff := cmp.Diff(want, c.Directive); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for name, pos := range map[string]int{
		"@sort": 5, "@sort,": 6, "@sort,-": 6, "@sort,sise": 6, "@limit": 6, "@limit,0": 7, "@limit,-1": 7, "@limit,ten": 7, "@tree,x": 6, "@by,color": 4,
	} {
		_, err := ParseComponent(name, testSchema)
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok || syntax.Pos != pos || KindOf(err) != KindInvalid || syntax.Nearest == "" {
			t.Errorf("%s: %v, %+v; want a syntax error at %d", name, err, syntax, pos)
		}
	}
}

// TestSyntaxErrors holds text, place and nearest of errors.
func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct {
		name, msg string
		pos       int
		nearest   string
	}{
		{"size,gt,abc", "size is an integer: 'abc' is not a number (try 100M)", 8, ""},
		{"size,gt,100m", "size is an integer: '100m' ends in no size unit (try 100M)", 8, "100M"},
		{"size,gt", "gt takes a value: size,gt,100M", 7, ""},
		{"size,gt,1,2", "gt takes one value; a comma in it is written %2C, and a list is asked for with in", 9, ""},
		{"color,exists,x", "exists takes no value: color,exists", 12, "color,exists"},
		{"size,prefix,1", "prefix works on strings, and size is an integer", 5, ""},
		{"size,newer,1d", "newer works on times, and size is an integer; did you mean gt?", 5, "gt"},
		{"size,in,1,x", "size is an integer: 'x' is not a number (try 100M)", 10, ""},
		{"size,in,1..x", "size is an integer: 'x' is not a number (try 100M)", 11, ""},
		{"size,in,..", "a range needs an end", 8, "size,exists"},
		{"size,in,1..2..3", "a range has two ends", 11, ""},
		{"size,in,1,9..2", "the range '9..2' is empty: it goes from the lower to the higher, 2..9", 10, "2..9"},
		{"mtime,in,2d..7d", "the greater age is the earlier time", 9, "7d..2d"},
		{"mtime,newer,1M", "mtime is a time: '1M' has a size unit: 1mo or 1m?", 12, "1mo"},
		{"title,glob,[a", "the pattern has a [ without its ]", 11, ""},
		{"colour==red", "'colour' is no key that is indexed in bucket b; did you mean color?", 0, "color"},
		{"size>1 and colour==red", "did you mean color?", 11, "color"},
		{"not==x", "'not' is no key", 0, ""},
		{"price,eq,1.5..2", "a range is asked for with in: price,in,1.5..2", 9, "price,in,1.5..2"},
		{"price,gt,1.5..2", "price is a decimal: '1.5..2' is not a number (try 1.5)", 9, ""},
		{"shape==round", "'shape' is no key that is indexed in bucket b; metadata that is not indexed is asked for as meta.shape", 0, ""},
		{"size>", "a value is missing after >", 5, ""},
		{"size> ", "a value is missing after >", 6, ""},
		{"size<>5", "<> is no operator: write !=", 4, "!="},
		{"color===red", "=== is no operator: write ==", 5, "=="},
		{"color=='red", "the quote ' is not closed", 7, ""},
		{"(size>1", `a ")" is missing`, 7, ""},
		{"(size>1 size<2)", `expected "and", "or" or ")", found 'size'`, 8, ""},
		{"size>1 size<2", `expected "and", "or" or the end, found 'size'`, 7, ""},
		{"title==a b", `a value with blanks needs quotes`, 9, ""},
		{"size>1)", `this ")" closes nothing`, 6, ""},
		{"size>1 and", "the expression ends where a key is expected", 10, ""},
		{"size>1 and ,", "expected a key, found ','", 11, ""},
		{"size>1 and color", "expected == != > >= < or <= after 'color'", 16, ""},
		{"size>1 and color=red", "a single = is no operator: equal is ==", 16, "=="},
		{"size>1 and size=>3", "=> is no operator: write >=", 15, ">="},
		{"(((" + strings.Repeat("(", 100) + "size>1", "more than 64 parentheses", 65, ""},
		{"size,in," + strings.Repeat("1,", 2000), "more than 1024 values", 8 + 2*1024, ""},
		{"size,in," + strings.TrimSuffix(rangeList(600), ","), "more than 1024 conditions", 0, ""},
		{"size>1" + strings.Repeat(" or size>1", 1024), "more than 1024 conditions", 6 + 10*1024 - 6, ""},
	} {
		_, err := ParseComponent(tc.name, testSchema)
		e, ok := errors.AsType[*SyntaxError](err)
		if !ok || KindOf(err) != KindInvalid {
			t.Errorf("%.60s: %v, not an invalid query", tc.name, err)
			continue
		}
		if !strings.Contains(e.Msg, tc.msg) || e.Pos != tc.pos || e.Nearest != tc.nearest || e.Input != tc.name {
			t.Errorf("%.60s:\n got %q at %d, nearest %q\nwant %q at %d, nearest %q", tc.name, e.Msg, e.Pos, e.Nearest, tc.msg, tc.pos, tc.nearest)
		}
		if !strings.Contains(err.Error(), e.Msg) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60s: the error reads %q", tc.name, err)
		}
	}
}

// rangeList returns n different ranges.
func rangeList(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(Value{typ: Integer, n: int64(10 * i)}.String() + ".." + Value{typ: Integer, n: int64(10*i + 5)}.String() + ",")
	}
	return b.String()
}

// TestSchemaWithoutSearch: system keys stay known, user keys do not.
func TestSchemaWithoutSearch(t *testing.T) {
	s := Schema{Bucket: "plain"}
	c, err := ParseComponent("size,gt,1", s)
	if err != nil || c.Kind != ComponentPredicate {
		t.Fatalf("size: %v, %v", c, err)
	}
	_, err = NewPlan(s, Dir{Bucket: "plain"}.Narrow(c.Where).Listing(testNow, 0))
	if KindOf(err) != KindUnsupported || !strings.Contains(err.Error(), "bucket has no metadata search") {
		t.Errorf("plan: %v", err)
	}
	c, err = ParseComponent("color,eq,red", s)
	if err != nil || c.Kind != ComponentLiteral || c.Doubt == "" {
		t.Errorf("color: %+v, %v", c, err)
	}
}

func TestResolve(t *testing.T) {
	s := testSchema
	s.Indexed = append([]Key{{"Weird", String, true}, {"x-amz-meta-weird", Decimal, true}, {"x-amz-meta-meta.x", Integer, true},
		{"x-amz-meta-objname", String, true}, {"x-amz-meta-a b", String, true}, {"x-amz-meta-Mixed", Integer, true}}, s.Indexed...)
	s.Attributes = []Key{{"ObjName", String, false}, {"Strange", Integer, false}}
	for _, tc := range []struct {
		name, native string
		typ          Datatype
		indexed      bool
		known        bool
	}{
		{"size", "Size", Integer, true, true},
		{"Name", "ObjectName", String, false, true},
		{"objectname", "ObjectName", String, false, true},
		{"created", "CreateTime", Datetime, true, true},
		{"retention", "Retention", Integer, false, true},
		{"price", "x-amz-meta-price", Decimal, true, true},
		{"meta.price", "x-amz-meta-price", Decimal, true, true},
		{"meta.Nope", "x-amz-meta-nope", String, false, true},
		{"x-amz-meta-nope", "x-amz-meta-nope", String, false, true},
		{"nope", "x-amz-meta-nope", String, false, false},
		{"sys.nope", "nope", String, false, false},
		{"base", "base", String, false, true},
		{"objname", "ObjName", String, false, true},
		{"meta.objname", "x-amz-meta-objname", String, true, true},
		{"replicationstatus", "x-amz-meta-replicationstatus", String, false, false},
		{"weird", "x-amz-meta-weird", Decimal, true, true},
		{"sys.weird", "Weird", String, true, true},
		{"strange", "Strange", Integer, false, true},
		{"meta.meta.x", "x-amz-meta-meta.x", Integer, true, true},
		{"mixed", "x-amz-meta-mixed", Integer, true, true},
		{"a b", "x-amz-meta-a b", String, true, false},
		{"meta.", "x-amz-meta-", String, false, false},
	} {
		k, known := s.Resolve(tc.name)
		if want := (Key{tc.native, tc.typ, tc.indexed}); k != want || known != tc.known {
			t.Errorf("Resolve(%q) = %+v, %t; want %+v, %t", tc.name, k, known, want, tc.known)
		}
		if known {
			if again, ok := s.Resolve(k.Short()); again != k || !ok {
				t.Errorf("%q is short for %+v, but means %+v, %t", k.Short(), k, again, ok)
			}
		}
	}
	for _, k := range knownKeys(s) {
		if again, ok := s.Resolve(k.Short()); again != k || !ok {
			t.Errorf("%q is short for %+v, but means %+v, %t", k.Short(), k, again, ok)
		}
	}
}
