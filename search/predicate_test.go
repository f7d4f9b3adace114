package search

import (
	"errors"
	"testing"
	"time"
)

func predicateSchema() Schema {
	return Schema{Bucket: "b", Enabled: true, Indexed: []Key{
		{"LastModified", Datetime, true}, {"Size", Integer, true},
		{"x-amz-meta-color", String, true}, {"x-amz-meta-n", Integer, true},
		{"x-amz-meta-ratio", Decimal, true}, {"x-amz-meta-when", Datetime, true},
	}, Attributes: []Key{{Name: "ContentType"}}}
}

// TestPredicates asks that a predicate built in Go is the one that its text is.
func TestPredicates(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	tests := []struct {
		p    Predicate
		want string
	}{
		{And(Gt("Size", 100), Eq("color", "red")), "size,gt,100/color,eq,red"},
		{And(Eq("meta.color", "red"), Gt("sys.Size", int64(100))), "size,gt,100/color,eq,red"},
		{Text("size > 100 and color == 'red'"), "size,gt,100/color,eq,red"},
		{Text("(size > 100) and (color == \"red\")"), "size,gt,100/color,eq,red"},
		{Text("size,gt,100"), "size,gt,100"},
		{Eq("color", "it's \"both\" & 100%/x,y"), "color,eq,it's \"both\" & 100%25%2Fx%2Cy"},
		{Eq("color", ""), "color,eq,"},
		{Or(Lt("n", -1), Ge("ratio", 1.25)), "(n < -1 or ratio >= 1.25)"},
		{Ge("ratio", 1e21), "ratio,ge,1000000000000000000000"},
		{Not(Or(Eq("color", "red"), Lt("n", 3))), "n,ge,3/color,ne,red"},
		{In("color", "a,b", "c"), "(color == 'a%2Cb' or color == 'c')"},
		{Gt("size", "1M"), "size,gt,1M"},
		{Le("when", noon), "when,le,2026-05-01T11:00:00Z"},
		{Ge("mtime", noon.Add(250*time.Millisecond)), "mtime,ge,2026-05-01T11:00:00.25Z"},
		{HasPrefix("color", "re"), "color,prefix,re"},
		{HasSuffix("color", "ed"), "color,suffix,ed"},
		{Contains("color", "e"), "color,contains,e"},
		{Glob("color", "r*"), "color,glob,r*"},
		{And(Exists("n"), Missing("color"), Ne("n", 7)), "n,exists/color,missing/n,ne,7"},
		{Eq("meta.note", "x"), "meta.note,eq,x"},
	}
	s := predicateSchema()
	for _, tt := range tests {
		got, err := tt.p(s)
		if err != nil {
			t.Errorf("%s: %v", tt.want, err)
			continue
		}
		if want := walk(t, s, tt.want).Where; got.String() != want.String() {
			t.Errorf("%s: is %s, want %s", tt.want, got, want)
		}
	}
}

func TestPredicateErrors(t *testing.T) {
	for _, tt := range []struct {
		p    Predicate
		text string
	}{
		{Eq("colour", "red"), `parse b: 'colour' is no key that is indexed in bucket b; did you mean color?`},
		{And(Exists("n"), Gt("n", "many")), `parse b: n is an integer: 'many' is not a number (try 100M)`},
		{Text("size >"), ""},
		{Text(""), ""},
		{Text("colour,eq,red"), `parse b: 'colour' is no key that is indexed in bucket b; did you mean color?`},
		{Text("just words"), ""},
		{HasPrefix("n", "1"), ""},
	} {
		e, err := tt.p(predicateSchema())
		var syntax *SyntaxError
		if KindOf(err) != KindInvalid || !errors.As(err, &syntax) || e != nil {
			t.Errorf("%q: %v, %v", tt.text, e, err)
			continue
		}
		if tt.text != "" && err.Error() != tt.text {
			t.Errorf("error %q, want %q", err, tt.text)
		}
		t.Log(err)
	}
}
