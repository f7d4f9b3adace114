package search

import (
	"strings"
	"testing"
	"time"
)

var testNow = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// testSchema is a bucket with indexes of all datatypes.
var testSchema = Schema{
	Bucket:  "b",
	Enabled: true,
	Indexed: []Key{
		{"CreateTime", Datetime, true}, {"LastModified", Datetime, true}, {"Owner", String, true}, {"Size", Integer, true},
		{"x-amz-meta-color", String, true}, {"x-amz-meta-count", Integer, true}, {"x-amz-meta-origin", String, true},
		{"x-amz-meta-price", Decimal, true}, {"x-amz-meta-size", Integer, true}, {"x-amz-meta-taken", Datetime, true},
		{"x-amz-meta-title", String, true}, {"x-amz-meta-year", Integer, true},
	},
}

// walk narrows a Dir by path components.
func walk(t *testing.T, s Schema, path string) Dir {
	t.Helper()
	d := Dir{Bucket: s.Bucket}
	for name := range strings.SplitSeq(path, "/") {
		c, err := ParseComponent(name, s)
		if err != nil {
			t.Fatalf("ParseComponent(%q): %v", name, err)
		}
		switch c.Kind {
		case ComponentLiteral:
			d.Prefix += c.Literal + "/"
		case ComponentPredicate:
			d = d.Narrow(c.Where)
		}
	}
	return d
}

// TestDocumentedExamples holds the rows of the language's own example table.
func TestDocumentedExamples(t *testing.T) {
	for _, tc := range []struct{ path, wire string }{
		{`size,gt,100`, `Size>100`},
		{`size>100`, `Size>100`},
		{`size,ge,100M`, `Size>=104857600`},
		{`color,eq,red`, `x-amz-meta-color=='red'`},
		{`color==red`, `x-amz-meta-color=='red'`},
		{`size,gt,100/color,eq,red`, `Size>100 and x-amz-meta-color=='red'`},
		{`color,in,red,blue`, `(x-amz-meta-color=='red' or x-amz-meta-color=='blue')`},
		{`color,ne,red`, `(x-amz-meta-color<'red' or x-amz-meta-color>'red')`},
		{`size,in,1M..1G`, `Size>=1048576 and Size<=1073741824`},
		{`mtime,newer,7d`, `LastModified>2026-11-16T08:00:00Z`},
		{`mtime,in,2024-05`, `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-01T00:00:00Z`},
		{`mtime,eq,2024-05`, `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-06-01T00:00:00Z`},
		{`mtime,in,2024-05..2024-07`, `LastModified>=2024-05-01T00:00:00Z and LastModified<2024-08-01T00:00:00Z`},
		{`mtime,gt,2024-05`, `LastModified>=2024-06-01T00:00:00Z`},
		{`logs/2024/size,gt,1M`, `Size>1048576`},
		{`year=2024/month=01/size,gt,1M`, `Size>1048576`},
		{`(size>1G or color==red) and not owner==bob`, `((Size>1073741824 or x-amz-meta-color=='red') and (Owner<'bob' or Owner>'bob'))`},
		{`title,prefix,Foo`, `x-amz-meta-title>='Foo' and x-amz-meta-title<'Fop'`},
		{`origin,eq,a%2Fb`, `x-amz-meta-origin=='a/b'`},
		{`title,eq,it's`, `x-amz-meta-title=="it's"`},
		{`size,gt,1M/contenttype,eq,image%2Fpng`, `Size>1048576`},
		{`size,gt,1M/color,exists`, `Size>1048576 and x-amz-meta-color>=''`},
	} {
		p, err := NewPlan(testSchema, walk(t, testSchema, tc.path).Listing(testNow, time.Minute))
		if err != nil {
			t.Errorf("%s: %v", tc.path, err)
		} else if p.Wire != tc.wire {
			t.Errorf("%s:\n got %s\nwant %s", tc.path, p.Wire, tc.wire)
		}
	}
}
