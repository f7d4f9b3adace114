package search

import (
	"strings"
	"testing"
	"time"
)

// FuzzParse reads any bytes as a component. It never panics; what is a query
// prints as components that give it back; what can be planned is an
// expression that a store can read; and every explanation is plain text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"size,gt,100M", "size>100", "color,in,red,blue,a..b,..c,d..", "not (size>1 or color!='it''s') and mtime>=2024-05",
		"mtime,newer,7d", "mtime,eq,9999", "title,glob,*[!a-]?", "price,ne,-0.50", "meta.x%20,eq,1", "meta.x,eq,%00%FF%25%2F,", "base,suffix,.csv",
		"@explain,size,gt,abc", "@tre", "((((", "(size>1", "a=b", "size=>1", `title=="a""b"`, "sys.mtime,lt,T", "colour,eq,red", "\xff\xfe>1", "size\x00>1",
		"owner,le,\U0010ffff'\"", "taken,ge,2024-05-01T00:00:00.001Z", "mtime,lt,0001", "meta.%6eot==1 and meta.and==2",
		"@by,\x1b[31m", "@sort,si\x1bze,desc", "@tre,\x1b", "size,\x1b,\x1b", "size,between,\x1b,2", "size~=\x1b", "!size>\x1b", "size,gt,1,\x1b", "size,in,1-\x1b", "\"color>\x1b\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, s := range []Schema{testSchema, {Bucket: "plain"}} {
			fuzzParse(t, s, name)
		}
	})
}

func fuzzParse(t *testing.T, s Schema, name string) {
	d := Dir{Bucket: s.Bucket, Prefix: "p/"}
	text := ExplainComponent(s, d, name, testNow, time.Minute)
	for _, r := range text {
		if r < 0x20 && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			t.Fatalf("the explanation of %q has %q in it", name, r)
		}
	}
	c, err := ParseComponent(name, s)
	if err != nil {
		if KindOf(err) != KindInvalid {
			t.Fatalf("%q: kind %s", name, KindOf(err))
		}
		return
	}
	if c.Kind != ComponentPredicate {
		return
	}
	checkRoundTrip(t, s, c.Where)
	l := d.Narrow(c.Where).Listing(testNow, time.Minute)
	checkRoundTrip(t, s, l.Where)
	p, err := NewPlan(s, l)
	if err != nil {
		if KindOf(err) != KindUnsupported {
			t.Fatalf("%q: %v", name, err)
		}
		return
	}
	if strings.ContainsAny(p.Wire, "\x00\x01\x1f") || len(p.Wire) > maxWireLen+2 {
		t.Fatalf("%q is sent as %q", name, p.Wire)
	}
	if _, err := storeMatch(p.Wire, s, storeRow{}); err != nil {
		t.Fatalf("%q is sent as %q: %v", name, p.Wire, err)
	}
	o := Object{Key: "p/x", ModTime: testNow}
	p.Keep(&o)
	ExplainObject(s, d.Narrow(c.Where), &o, testNow, time.Minute)
}
