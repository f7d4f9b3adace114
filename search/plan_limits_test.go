package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// planOf plans a path against s.
func planOf(t *testing.T, s Schema, path string) (Plan, error) {
	t.Helper()
	return NewPlan(s, walk(t, s, path).Listing(testNow, time.Minute))
}

// TestPlan holds what is sent, asked for and checked.
func TestPlan(t *testing.T) {
	named := testSchema
	named.Indexed = append(slices.Clone(testSchema.Indexed), Key{"ObjectName", String, true})
	noMtime := testSchema
	noMtime.Indexed = slices.DeleteFunc(slices.Clone(testSchema.Indexed), func(k Key) bool { return k.Name == "LastModified" })
	for _, tc := range []struct {
		s          Schema
		path, wire string
		check      string
		attributes string
		prefix     string
	}{
		{testSchema, "size,gt,1", "Size>1", "", "Etag,ContentType", ""},
		{noMtime, "size,gt,1", "Size>1", "", "LastModified,Etag,ContentType", ""},
		{testSchema, "a%20b/é/size,gt,1", "Size>1", "", "Etag,ContentType", "a b/é/"},
		{testSchema, "a/\xff/size,gt,1", "Size>1", "", "Etag,ContentType", "a/"},
		{noMtime, "size,gt,1/mtime,newer,7d", "Size>1", "mtime,ge,2026-11-16T08:00:00.001Z", "LastModified,Etag,ContentType", ""},
		{testSchema, "size,gt,1/meta.shape,eq,x/contenttype,eq,y", "Size>1", "contenttype,eq,y/meta.shape,eq,x", "Etag,ContentType,x-amz-meta-shape", ""},
		{testSchema, "size,gt,1/name,suffix,x/base,glob,*x", "Size>1", "name,suffix,x/base,glob,*x", "Etag,ContentType", ""},
		{testSchema, "size,gt,1/color,missing", "Size>1", "color,missing", "Etag,ContentType", ""},
		{named, "logs/base,suffix,.csv", "ObjectName>='logs/' and ObjectName<'logs0'", "base,suffix,.csv", "Etag,ContentType", "logs/"},
		{named, "base,suffix,.csv", "ObjectName>=''", "base,suffix,.csv", "Etag,ContentType", ""},
		{testSchema, "title,prefix,Foo/title,suffix,x/title,exists", "x-amz-meta-title>='Foo' and x-amz-meta-title<'Fop'", "title,prefix,Foo/title,suffix,x", "Etag,ContentType", ""},
		{testSchema, "title,suffix,x/title,contains,y", "x-amz-meta-title>=''", "title,suffix,x/title,contains,y", "Etag,ContentType", ""},
		{testSchema, "title,glob,Foo*", "x-amz-meta-title>='Foo' and x-amz-meta-title<'Fop'", "title,glob,Foo*", "Etag,ContentType", ""},
		{testSchema, "title,glob,Foo", "x-amz-meta-title=='Foo'", "", "Etag,ContentType", ""},
		{testSchema, `title,eq,it's "x"`, `x-amz-meta-title>="it's " and x-amz-meta-title<"it's!"`, `title,eq,it's "x"`, "Etag,ContentType", ""},
		{testSchema, "title,le,a%01", "x-amz-meta-title<'b'", "title,le,a%01", "Etag,ContentType", ""},
		{testSchema, "title,gt,a%01", "x-amz-meta-title>='a'", "title,gt,a%01", "Etag,ContentType", ""},
		{testSchema, "title,ne,a%01", "x-amz-meta-title>=''", "title,ne,a%01", "Etag,ContentType", ""},
		{testSchema, "color,exists", "x-amz-meta-color>=''", "", "Etag,ContentType", ""},
		{testSchema, "size,exists", "Size>=0", "", "Etag,ContentType", ""},
		{testSchema, "count,exists", "x-amz-meta-count>=-9223372036854775808", "", "Etag,ContentType", ""},
		{testSchema, "price,exists", "(x-amz-meta-price<0 or x-amz-meta-price>=0)", "", "Etag,ContentType", ""},
		{testSchema, "mtime,exists", "LastModified>=1970-01-01T00:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "taken,exists", "x-amz-meta-taken>=0001-01-01T00:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "mtime,ge,2024-05-01T00:00:00.5Z", "LastModified>2024-05-01T00:00:00Z", "mtime,ge,2024-05-01T00:00:00.500Z", "Etag,ContentType", ""},
		{testSchema, "taken,ge,2024-05-01T00:00:00.5Z", "x-amz-meta-taken>2024-05-01T00:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "mtime,lt,2024-05-01T00:00:00.5Z", "LastModified<2024-05-01T00:00:01Z", "mtime,lt,2024-05-01T00:00:00.500Z", "Etag,ContentType", ""},
		{testSchema, "mtime,le,9999", "LastModified>=1970-01-01T00:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "mtime,older,1y", "LastModified<2025-11-23T08:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "mtime,le,1y", "LastModified<=2025-11-23T08:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "mtime,ge,1y", "LastModified>=2025-11-23T08:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "mtime,eq,1y", "LastModified>=2025-11-23T08:00:00Z and LastModified<=2025-11-23T08:00:00Z", "", "Etag,ContentType", ""},
		{testSchema, "(size>1 and color==a or size<0)", "(Size<0 or (Size>1 and x-amz-meta-color=='a'))", "", "Etag,ContentType", ""},
		{testSchema, "(size>1 and meta.x==a or size<0)", "(Size<0 or Size>1)", "(size<0 or (size>1 and meta.x=='a'))", "Etag,ContentType,x-amz-meta-x", ""},
	} {
		p, err := planOf(t, tc.s, tc.path)
		if err != nil {
			t.Errorf("%s: %v", tc.path, err)
			continue
		}
		check := ""
		if p.Check != nil {
			check = p.Check.String()
		}
		got := []string{p.Wire, check, strings.Join(p.Attributes, ","), p.Prefix}
		if diff := cmp.Diff([]string{tc.wire, tc.check, tc.attributes, tc.prefix}, got); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
		if (check != "") != slices.ContainsFunc(p.Notes, func(n string) bool { return strings.HasPrefix(n, "checked here: ") }) {
			t.Errorf("%s: checks %q but notes %q", tc.path, check, p.Notes)
		}
	}
}

func TestAttributesThatTheServerNames(t *testing.T) {
	s := Schema{Bucket: "b", Enabled: true, Indexed: []Key{{"Size", Integer, true}}, Attributes: []Key{{"Size", Integer, false}, {"Etag", String, false}}}
	p, err := planOf(t, s, "size,gt,1")
	if err != nil || !slices.Equal(p.Attributes, []string{"Etag"}) {
		t.Errorf("attributes %q, %v", p.Attributes, err)
	}
	_, err = planOf(t, s, "size,gt,1/contenttype,eq,x")
	if KindOf(err) != KindUnsupported || !strings.Contains(err.Error(), "contenttype is not indexed, and this store cannot return it") {
		t.Errorf("a key that cannot be returned: %v", err)
	}
}

// TestKeepChecksThePrefix: also what of it could not be sent.
func TestKeepChecksThePrefix(t *testing.T) {
	p, err := planOf(t, testSchema, "a/\xff/size,gt,1")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"a/\xff/x": true, "a/\xfe/x": false, "a/x": false, "b": false} {
		if got := p.Keep(&Object{Key: key, Size: 2}); got != want {
			t.Errorf("%q is kept: %t", key, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for path, reason := range map[string]string{
		"contenttype,eq,x":          "contenttype,eq,x is checked here, as contenttype is not indexed",
		"meta.shape,eq,x/base,eq,y": "base,eq,y is checked here, as base is the end of the object's name",
		"color,missing":             "color,missing is checked here, as the index has only objects with the key",
		"(size>1 or meta.shape==x)": "meta.shape,eq,x is checked here, as meta.shape is not indexed",
		"name,prefix,logs%2F":       "name is not indexed",
	} {
		_, err := planOf(t, testSchema, path)
		if KindOf(err) != KindUnsupported || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "add a condition on an indexed key: size, mtime") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := NewPlan(testSchema, Listing{Bucket: "b"}); KindOf(err) != KindInvalid {
		t.Errorf("a plain folder: %v", err)
	}
	if _, err := NewPlan(testSchema, Listing{Bucket: "b", Where: walk(t, testSchema, "mtime,newer,7d").Where}); KindOf(err) != KindInvalid {
		t.Errorf("an unbound age: %v", err)
	}
}

// TestExpressionLimits: what does not fit is sent as a range and checked.
func TestExpressionLimits(t *testing.T) {
	colors := make([]string, 65)
	for i := range colors {
		colors[i] = fmt.Sprintf("c%03d", i)
	}
	long := strings.Repeat("x", 3000)
	for _, tc := range []struct{ path, wire, check string }{
		{"color,in," + strings.Join(colors, ","), "x-amz-meta-color>='c000' and x-amz-meta-color<='c064'", "color"},
		{"size,gt,1/color,in," + strings.Join(colors, ","), "Size>1 and x-amz-meta-color>='c000' and x-amz-meta-color<='c064'", "color"},
		{"size,gt,1/color,eq," + long + "/title,eq," + long, "Size>1 and x-amz-meta-color=='" + long + "'", "title"},
		{"size,in," + numbers(40) + "/count,in," + numbers(40), "(" + clauses("Size", 40) + ") and x-amz-meta-count>=0 and x-amz-meta-count<=39", "count"},
	} {
		// Straight, as a list is one component and the walk splits at "/".
		p, err := planOf(t, testSchema, tc.path)
		if err != nil {
			t.Errorf("%.40s: %v", tc.path, err)
			continue
		}
		if p.Wire != tc.wire && !sameClauses(p.Wire, tc.wire) {
			t.Errorf("%.40s:\n got %s\nwant %s", tc.path, p.Wire, tc.wire)
		}
		if p.Check == nil || !strings.Contains(p.Check.String(), tc.check) || strings.Contains(p.Check.String(), "size") {
			t.Errorf("%.40s: checks %v", tc.path, p.Check)
		}
	}
	if p, err := planOf(t, testSchema, "color,in,"+strings.Join(colors[:64], ",")); err != nil || p.Check != nil || strings.Count(p.Wire, "==") != 64 {
		t.Errorf("64 values: %v, checks %v", err, p.Check)
	}
	_, err := planOf(t, testSchema, "color,eq,"+strings.Repeat("x", 5000))
	if KindOf(err) != KindUnsupported || !strings.Contains(err.Error(), "too long for the store") {
		t.Errorf("a value of 5000 bytes: %v", err)
	}
}

// sameClauses compares conjunctions without regard to order.
func sameClauses(a, b string) bool {
	x, y := strings.Split(a, " and "), strings.Split(b, " and ")
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func numbers(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i)
	}
	return strings.Join(out, ",")
}

// clauses is the group for numbers(n), in the order of a normal form.
func clauses(key string, n int) string {
	out := make([]string, n)
	for i := range out {
		out[n-1-i] = fmt.Sprintf("%s==%d", key, i)
	}
	return strings.Join(out, " or ")
}

// TestHostileSchema: names from outside cannot change an expression.
func TestHostileSchema(t *testing.T) {
	s := Schema{Bucket: "b", Enabled: true, Indexed: []Key{
		{"Size", Integer, true}, {"x-amz-meta-a|b", String, true}, {"x-amz-meta-c or d", String, true}, {"E,F", String, true},
	}}
	if p, err := planOf(t, s, "size,gt,1/a%7cb,eq,x"); err != nil || p.Wire != "Size>1" || p.Check == nil {
		t.Errorf("a|b: %+v, %v", p, err)
	}
	for _, name := range []string{"c%20or%20d,eq,x", "e%2Cf,eq,x", "sys.e%2Cf,eq,x"} {
		if c, err := ParseComponent(name, s); err != nil || c.Kind != ComponentLiteral {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestListingFloorsNow(t *testing.T) {
	d := walk(t, testSchema, "mtime,newer,1h")
	at := func(now time.Time, lifetime time.Duration) string { return d.Listing(now, lifetime).ID() }
	if at(testNow, time.Minute) != at(testNow.Add(59*time.Second), time.Minute) {
		t.Error("two listings within one lifetime differ")
	}
	if at(testNow, time.Minute) == at(testNow.Add(60*time.Second), time.Minute) {
		t.Error("two listings of two lifetimes are one")
	}
	if at(testNow, 0) != at(testNow.Add(999*time.Millisecond), 0) || at(testNow, 0) == at(testNow.Add(time.Second), 0) {
		t.Error("without a lifetime, now is not floored to the second")
	}
	plain := Dir{Bucket: "b", Prefix: "p/"}.Listing(testNow, time.Minute)
	if plain.Where != nil || plain.ID() == at(testNow, time.Minute) {
		t.Error("a plain folder has a predicate")
	}
}
