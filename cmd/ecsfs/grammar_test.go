package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// fixedSchema is a store of one bucket, of which only the keys are asked for.
type fixedSchema search.Schema

func (s fixedSchema) Schema(context.Context, string) (search.Schema, error) {
	return search.Schema(s), nil
}

// TestGrammarIsExplained: for each example of the path grammar, and each way in which a condition is
// put to the store, "ecsfs explain" shows the very expression that is sent.
func TestGrammarIsExplained(t *testing.T) {
	indexed := func(name string, typ search.Datatype) search.Key {
		return search.Key{Name: name, Type: typ, Indexed: true}
	}
	store := fixedSchema{Bucket: "b", Enabled: true, Indexed: []search.Key{
		indexed("CreateTime", search.Datetime), indexed("LastModified", search.Datetime), indexed("ObjectName", search.String),
		indexed("Owner", search.String), indexed("Size", search.Integer), indexed("x-amz-meta-color", search.String),
		indexed("x-amz-meta-count", search.Integer), indexed("x-amz-meta-origin", search.String), indexed("x-amz-meta-price", search.Decimal),
		indexed("x-amz-meta-taken", search.Datetime), indexed("x-amz-meta-title", search.String),
	}}
	manyValues := make([]string, 65)
	for i := range manyValues {
		manyValues[i] = fmt.Sprintf("v%02d", i)
	}
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		path, sent string
		more       []string // what else the explanation says
	}{
		// The examples.
		{`b/size,gt,100/`, `Size>100`, nil},
		{`b/size>100/`, `Size>100`, nil},
		{`b/size,ge,100M/`, `Size>=104857600`, nil},
		{`b/color,eq,red/`, `x-amz-meta-color=='red'`, []string{"objects without color are left out"}},
		{`b/color==red/`, `x-amz-meta-color=='red'`, nil},
		{`b/size,gt,100/color,eq,red/`, `Size>100 and x-amz-meta-color=='red'`, nil},
		{`b/color,in,red,blue/`, `(x-amz-meta-color=='red' or x-amz-meta-color=='blue')`, nil},
		{`b/color,ne,red/`, `(x-amz-meta-color<'red' or x-amz-meta-color>'red')`, []string{"neither a condition on it nor its opposite"}},
		{`b/size,in,1M..1G/`, `Size>=1048576 and Size<=1073741824`, nil},
		{`b/mtime,newer,7d/`, `LastModified>2026-11-16T08:00:00Z`, []string{"2026-11-23T08:00:00Z, from which ages count"}},
		{`b/mtime,in,2024-05/`, `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-01T00:00:00Z`, nil},
		{`b/mtime,eq,2024-05/`, `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-01T00:00:00Z`, nil},
		{`b/mtime,in,2024-05..2024-07/`, `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-08-01T00:00:00Z`, nil},
		{`b/mtime,gt,2024-05/`, `LastModified>=2024-06-01T00:00:00Z`, nil},
		{`b/logs/2024/size,gt,1M/`, `Size>1048576`, []string{"prefix    logs/2024/"}},
		{`b/year=2024/month=01/size,gt,1M/`, `Size>1048576`, []string{"prefix    year=2024/month=01/"}},
		{`b/(size>1G or color==red) and not owner==bob/`, `((Size>1073741824 or x-amz-meta-color=='red') and (Owner<'bob' or Owner>'bob'))`, nil},
		{`b/title,prefix,Foo/`, `x-amz-meta-title>='Foo' and x-amz-meta-title<'Fop'`, []string{"checked here: title,prefix,Foo"}},
		{`b/origin,eq,a%2Fb/`, `x-amz-meta-origin=='a/b'`, nil},
		{`b/title,eq,it's/`, `x-amz-meta-title=="it's"`, nil},
		{`b/size,gt,1M/contenttype,eq,image%2Fpng/`, `Size>1048576`, []string{"ContentType", "checked here: contenttype,eq,image%2Fpng"}},
		{`b/color,eq,red/@sort,-size/@limit,10/`, `x-amz-meta-color=='red'`, []string{"by size, the greatest first", "the first 10 in this order"}},
		{`b/size,gt,1M/@by/color/`, `Size>1048576 and x-amz-meta-color>=''`, []string{"one search for each value", "one search a line"}},
		{`b/size,gt,1M/@by/color/red`, `Size>1048576 and x-amz-meta-color=='red'`, nil},

		// Each row of how conditions are put to the store.
		{`b/count,ne,7/`, `(x-amz-meta-count<7 or x-amz-meta-count>7)`, nil},
		{`b/not (size>1 and color==red)/`, `(Size<=1 or x-amz-meta-color<'red' or x-amz-meta-color>'red')`, nil},
		{`b/color,exists/`, `x-amz-meta-color>=''`, nil},
		{`b/count,exists/`, `x-amz-meta-count>=-9223372036854775808`, nil},
		{`b/taken,exists/`, `x-amz-meta-taken>=0001-01-01T00:00:00Z`, nil},
		{`b/title,prefix,é/`, `x-amz-meta-title>='é' and x-amz-meta-title<'ê'`, nil},
		{"b/title,prefix,a\U0010FFFF/", `x-amz-meta-title>='a\u10ffff' and x-amz-meta-title<'b'`, nil},
		{"b/title,prefix,\U0010FFFF/", `x-amz-meta-title>='\u10ffff'`, nil}, // no bound at the end
		{`b/color,in,a,c..e/`, `(x-amz-meta-color=='a' or (x-amz-meta-color>='c' and x-amz-meta-color<='e'))`, nil},
		{`b/title,suffix,x/`, `x-amz-meta-title>=''`, []string{"checked here: title,suffix,x"}},
		{`b/title,contains,x/`, `x-amz-meta-title>=''`, []string{"checked here: title,contains,x"}},
		{`b/title,glob,Fo*x/`, `x-amz-meta-title>='Fo' and x-amz-meta-title<'Fp'`, []string{"checked here: title,glob,Fo*x"}},
		{`b/size,gt,1/color,missing/`, `Size>1`, []string{"checked here: color,missing"}},
		{`b/title,eq,it's "x"/`, `x-amz-meta-title>="it's " and x-amz-meta-title<"it's!"`, []string{"checked here: title,eq,it's \"x\" (its value has both kinds of quotes"}},
		{`b/size,gt,1/color,in,` + strings.Join(manyValues, ",") + `/`, `Size>1 and x-amz-meta-color>='v00' and x-amz-meta-color<='v64'`, []string{"the expression would exceed 64 comparisons or 4096 bytes"}},
		{`b/size,gt,1/@sort,size/`, `Size>1`, []string{"sorted by the store (sorted=Size)"}},
		{`b/size,gt,1/@sort,color/`, `Size>1`, []string{"sorted here, as the store sorts by a key of the expression only", "objects without color come last"}},
		{`b/(size>1 or color==red)/@sort,size/`, `(Size>1 or x-amz-meta-color=='red')`, []string{"sorted here"}},
		{`b/logs/size,gt,1/@sort,size/`, `Size>1 and ObjectName>='logs/' and ObjectName<'logs0'`, []string{"sorted by the store (sorted=Size)"}},
		{`b/logs/base,prefix,x/`, `ObjectName>='logs/' and ObjectName<'logs0'`, []string{"checked here: base,prefix,x"}},
	} {
		p, err := walk(t.Context(), store, c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		told := p.explain(now, time.Minute)
		sent := ""
		for line := range strings.Lines(told) {
			if label, rest, _ := strings.Cut(line, "  "); label == "sent" || label == "sent first" {
				sent = strings.TrimSpace(rest)
			}
		}
		if sent != c.sent {
			t.Errorf("%s sends\n%s, want\n%s; all:\n%s", c.path, sent, c.sent, told)
		}
		for _, more := range c.more {
			if !strings.Contains(told, more) {
				t.Errorf("%s: the explanation lacks %q:\n%s", c.path, more, told)
			}
		}
	}

	// What is wrong is told with the place and what would be right.
	p, err := walk(t.Context(), store, "b")
	if err != nil {
		t.Fatal(err)
	}
	const want = "size,gt,abc\n        ^\nsize is an integer: 'abc' is not a number (try 100M)\n"
	if told := search.ExplainComponent(p.Schema, p.Dir, "size,gt,abc", now, time.Minute); told != want {
		t.Errorf("size,gt,abc is explained as\n%s", told)
	}
	if _, err := walk(t.Context(), store, "b/size,gt,abc"); codeOf(err) != exitQuery {
		t.Errorf("size,gt,abc: %v", err)
	}
}
