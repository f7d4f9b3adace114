package search

import (
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// where parses components and binds them.
func where(t *testing.T, path string) Expr {
	t.Helper()
	return walk(t, testSchema, path).Listing(testNow, time.Minute).Where
}

// TestEvaluate holds the three values, for every kind of source.
func TestEvaluate(t *testing.T) {
	row := Object{
		Key: "logs/a.txt", Size: 100, ModTime: time.Date(2024, 5, 1, 12, 0, 0, 500e6, time.UTC), ETag: "abc", ContentType: "text/plain",
		Metadata: NewMetadata(map[string]string{
			"x-amz-meta-color": "red", "x-amz-meta-count": "x", "x-amz-meta-taken": "2024-05-01T12:00:00Z", "Owner": "bob", "CreateTime": "1714564800500",
		}),
	}
	head := row
	head.Partial, head.ModTime = FromHead, row.ModTime.Truncate(time.Second)
	head.Metadata = NewMetadata(map[string]string{"x-amz-meta-color": "red", "x-amz-meta-count": "x", "x-amz-meta-taken": "2024-05-01T12:00:00Z"})
	list := Object{Key: row.Key, Size: row.Size, ModTime: head.ModTime, ETag: row.ETag, Partial: FromList}
	for _, tc := range []struct {
		path             string
		row, head, listT Truth
	}{
		{"size,gt,99", True, True, True},
		{"size,gt,100", False, False, False},
		{"name,prefix,logs%2F", True, True, True},
		{"base,eq,a.txt", True, True, True},
		{"base,missing", False, False, False},
		{"etag,eq,abc", True, True, True},
		{"contenttype,glob,text*", True, True, Unknown},
		{"owner,eq,bob", True, Unknown, Unknown},
		{"owner,ne,bob", False, Unknown, Unknown},
		{"owner,exists", True, Unknown, Unknown},
		{"created,in,2024-05-01", True, Unknown, Unknown},
		{"created,eq,2024-05-01T12:00:00.5Z", True, Unknown, Unknown},
		{"color,eq,red", True, True, Unknown},
		{"color,ne,red", False, False, Unknown},
		{"title,eq,x", False, False, Unknown},
		{"title,ne,x", False, False, Unknown},
		{"title,missing", True, True, Unknown},
		{"count,exists", False, False, Unknown}, // not an integer: as if it were not there
		{"count,missing", True, True, Unknown},
		{"count,ne,5", False, False, Unknown},
		{"taken,eq,2024-05-01T12", True, True, Unknown},
		{"mtime,ge,2024-05-01T12:00:00Z", True, True, True},
		{"mtime,ge,2024-05-01T12:00:00.25Z", True, Unknown, Unknown},
		{"mtime,lt,2024-05-01T12:00:00.75Z", True, Unknown, Unknown},
		{"mtime,lt,2024-05-01T12:00:01Z", True, True, True},
		{"mtime,ge,2024-05-01T12:00:01Z", False, False, False},
		{"mtime,eq,2024-05-01T12:00:00Z", True, True, True},
		{"size,gt,100/owner,eq,bob", False, False, False},
		{"size,gt,99/owner,eq,bob", True, Unknown, Unknown},
		{"(size>99 or owner==bob)", True, True, True},
		{"(size>100 or owner==bob)", True, Unknown, Unknown},
		{"not owner==bob", False, Unknown, Unknown},
	} {
		e := where(t, tc.path)
		for _, o := range []struct {
			name string
			o    Object
			want Truth
		}{{"row", row, tc.row}, {"head", head, tc.head}, {"list", list, tc.listT}} {
			if got := Evaluate(e, &o.o); got != o.want {
				t.Errorf("%s of the %s is %s, want %s", tc.path, o.name, got, o.want)
			}
		}
	}
	if Evaluate(nil, &row) != True || Evaluate(Negation{nil}, &row) != False || Evaluate(Disjunction{}, &row) != False || Evaluate(Conjunction{}, &row) != True {
		t.Error("the empty expressions")
	}
}

// TestSlackIsNeverGuessed: times that are not in normal form compare alike.
func TestSlackIsNeverGuessed(t *testing.T) {
	o := Object{ModTime: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC), Partial: FromHead}
	key, _ := testSchema.Resolve("mtime")
	for _, text := range []string{"2024-05-01T12:00:00.5Z", "2024-05-01T12:00:00Z", "2024-05-01T12:00:00.999Z", "2024-05-01T12:00:01Z", "2024"} {
		for op := OpEq; op <= OpLe; op++ {
			c, err := NewCond(key, op, text)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range []Expr{c, Negation{c}} {
				if got, want := Evaluate(e, &o), Evaluate(Normalize(e), &o); got != want {
					t.Errorf("%s is %s, in normal form %s", e, got, want)
				}
			}
		}
	}
}

// TestEmptyExpressions: nothing and everything survive every operator.
func TestEmptyExpressions(t *testing.T) {
	x := where(t, "size,gt,1")
	for _, tc := range []struct {
		e    Expr
		want string
	}{
		{Conjunction{}, "all"}, {Conjunction{nil}, "all"}, {Disjunction{Conjunction{}, x}, "all"}, {Negation{Disjunction{}}, "all"},
		{Disjunction{}, "none"}, {Negation{nil}, "none"}, {Conjunction{Disjunction{}, x}, "none"}, {Negation{Conjunction{}}, "none"},
		{Disjunction{Disjunction{}, x}, "x"}, {Conjunction{Conjunction{}, x}, "x"}, {Negation{Negation{x}}, "x"}, {Conjunction{x, nil, x}, "x"},
	} {
		var want Expr
		switch tc.want {
		case "none":
			want = Disjunction(nil)
		case "x":
			want = x
		}
		got := Normalize(tc.e)
		if or, ok := got.(Disjunction); ok && len(or) == 0 {
			got = Disjunction(nil)
		}
		if diff := exprDiff(want, got); diff != "" {
			t.Errorf("%#v: %s", tc.e, diff)
		}
	}
}

func TestNotOfPrefix(t *testing.T) {
	key, _ := testSchema.Resolve("title")
	c, err := NewCond(key, OpPrefix, "Foo")
	if err != nil {
		t.Fatal(err)
	}
	e := Normalize(Negation{Conjunction{c}})
	for title, want := range map[string]Truth{"Foo bar": False, "Bar": True} {
		o := Object{Metadata: NewMetadata(map[string]string{key.Name: title})}
		if got := Evaluate(e, &o); got != want {
			t.Errorf("%s of %q is %s", e, title, got)
		}
	}
	if Evaluate(e, &Object{}) != False {
		t.Error("an object without the key satisfies the opposite")
	}
	p, err := NewPlan(testSchema, Listing{Bucket: "b", Where: e})
	if err != nil || p.Wire != "x-amz-meta-title>=''" || exprDiff(p.Check, e) != "" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestEvaluateUnboundPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an age was compared without a time to count from")
		}
	}()
	Evaluate(walk(t, testSchema, "mtime,newer,7d").Where, &Object{ModTime: testNow})
}

func TestValue(t *testing.T) {
	o := Object{Key: "a/b/", Size: 7, ModTime: time.Date(2024, 5, 1, 12, 0, 0, 5e6, time.UTC),
		Metadata: NewMetadata(map[string]string{"CreateTime": "1714564800500", "X-Amz-Meta-Color": "red", "x-amz-meta-taken": "soon"})}
	for name, want := range map[string]string{
		"size": "7", "mtime": "2024-05-01T12:00:00.005Z", "created": "2024-05-01T12:00:00.500Z", "name": "a/b/", "base": "", "color": "red",
		"taken": "soon", "etag": "-", "contenttype": "-", "owner": "-", "title": "-",
	} {
		k, _ := testSchema.Resolve(name)
		got, ok := o.Value(k)
		if ok != (want != "-") || ok && got != want {
			t.Errorf("%s is %q, %t; want %q", name, got, ok, want)
		}
	}
	if _, ok := (&Object{}).Value(Key{Name: keyLastModified, Type: Datetime}); ok {
		t.Error("an object without a time has one")
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b", true}, {"?", "", false}, {"?", "é", true}, {"?", "\xff", true}, {"??", "é", false},
		{"*.txt", "a.txt", true}, {"*.txt", "a.TXT", false}, {"a*b*c", "aXbYbc", true}, {"a*b*c", "aXbYb", false}, {"**a**", "xay", true},
		{"[abc]", "b", true}, {"[a-c]", "d", false}, {"[!a-c]", "d", true}, {"[^a-c]", "a", false}, {"[]]", "]", true}, {"[!]]", "]", false}, {"[!]]", "x", true},
		{"[a-]", "-", true}, {"[*]", "*", true}, {"[*]", "x", false}, {"[[]", "[", true}, {"[é-ü]", "ö", true}, {`\*`, `\x`, true}, {"*[ab]", "xxb", true}, {"*a?", "aaab", true},
	} {
		if err := checkGlob(tc.pattern); err != nil {
			t.Errorf("checkGlob(%q): %v", tc.pattern, err)
		} else if got := matchGlob(tc.pattern, tc.s); got != tc.want {
			t.Errorf("matchGlob(%q, %q) = %t", tc.pattern, tc.s, got)
		}
	}
	for _, bad := range []string{"[", "[a", "[]", "[!]", "a[]b", "[!"} {
		if checkGlob(bad) == nil {
			t.Errorf("checkGlob(%q) accepts it", bad)
		}
	}
	element := rapid.SampledFrom([][2]string{{"*", ".*"}, {"?", "."}, {"a", "a"}, {"b", "b"}, {"[ab]", "[ab]"}, {"[!a]", "[^a]"}, {"é", "é"}, {".", `\.`}})
	rapid.Check(t, func(t *rapid.T) {
		glob, re := "", "(?s)^"
		for _, e := range rapid.SliceOfN(element, 0, 7).Draw(t, "pattern") {
			glob, re = glob+e[0], re+e[1]
		}
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abé.")), 0, 8, -1).Draw(t, "s")
		if got, want := matchGlob(glob, s), regexp.MustCompile(re+"$").MatchString(s); got != want {
			t.Fatalf("matchGlob(%q, %q) = %t", glob, s, got)
		}
	})
}
