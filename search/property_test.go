package search

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// predicate is a query as text, with its meaning written down a second time,
// apart from the code under test: is and not tell whether a row satisfies it and its opposite.
type predicate struct {
	text    string
	is, not func(row storeRow) bool
}

// genSchema draws a bucket in which each key may or may not be indexed.
func genSchema(t *rapid.T) Schema {
	s := Schema{Bucket: "b", Enabled: true}
	for _, k := range []Key{
		{"LastModified", Datetime, true}, {"ObjectName", String, true}, {"Owner", String, true}, {"Size", Integer, true},
		{"x-amz-meta-color", String, true}, {"x-amz-meta-count", Integer, true},
		{"x-amz-meta-price", Decimal, true}, {"x-amz-meta-taken", Datetime, true},
	} {
		if rapid.IntRange(0, 3).Draw(t, "index "+k.Name) > 0 {
			s.Indexed = append(s.Indexed, k)
		}
	}
	return s
}

var (
	stringPool = []string{"", "a", "ab", "abc", "b", "B", "Foo", "Fop", "Foo bar", "it's", `say "x"`, `it's "x"`, "a/b", "a,b", "a..b", "50%", "%41",
		"\ud7ff", "\ue000", "\ufffd", "\uffff", "\U00010000", "\U0010ffff", "a\ud7ffz", "a\U0010ffffz", "a\xffb", "a\x01b", "(x) and y==1", "é", "e\u0301", "2024", "7"}
	integerPool = []string{"0", "1", "5", "7", "1023", "1024", "1048576", "-3", "9223372036854775807", "-9223372036854775808"}
	decimalPool = []string{"0", "-0.5", "1", "1.5", "1.50", "2.25", "1024", "100000000000000000000.1", "100000000000000000000.2"}
	timePool    = []string{"2024-04-30T23:59:59Z", "2024-05-01T00:00:00Z", "2024-05-01T12:00:00Z", "2024-05-31T23:59:59Z", "2024-06-01T00:00:00Z",
		"2026-11-23T08:00:00Z", "2026-11-23T07:59:59Z", "2026-11-22T08:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}
	junkPool  = []string{"", "x", "1e3", "2024-05-01", "2024-05-01T12:00:00.5Z", "99999999999999999999", " 5", "0x5"}
	fractions = []string{".000", ".001", ".500", ".999"}
	keyPool   = []string{"logs/a.txt", "logs/b.csv", "logs", "logs/", "a", "logs/2024/abc", "é/ab"}
)

// genRow draws an object. System keys have values of their type, as a store has.
func genRow(t *rapid.T) storeRow {
	draw := func(pool []string, label string) string { return rapid.SampledFrom(pool).Draw(t, label) }
	row := storeRow{
		"ObjectName": draw(keyPool, "ObjectName"),
		"Size":       draw(integerPool[:7], "Size"),
	}
	at := draw(timePool, "LastModified")
	row["LastModified"] = at[:19] + draw(fractions, "fraction") + "Z"
	row["Owner"] = draw(stringPool[1:], "Owner")
	for _, k := range []struct {
		name string
		pool []string
	}{
		{"x-amz-meta-color", stringPool}, {"x-amz-meta-count", integerPool}, {"x-amz-meta-price", decimalPool},
		{"x-amz-meta-taken", timePool}, {"x-amz-meta-shape", stringPool}, {"ContentType", stringPool[1:4]},
	} {
		switch rapid.IntRange(0, 5).Draw(t, "has "+k.name) {
		case 0:
		case 1:
			if k.name != "ContentType" {
				row[k.name] = draw(junkPool, k.name)
			}
		default:
			row[k.name] = draw(k.pool, k.name)
		}
	}
	return row
}

// object makes what a query returns of row: the attributes that returned accepts.
func (row storeRow) object(returned func(string) bool) Object {
	size, _ := strconv.ParseInt(row["Size"], 10, 64)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", row["LastModified"])
	if err != nil {
		panic(err)
	}
	o := Object{Key: row["ObjectName"], Size: size, ModTime: at}
	rest := map[string]string{}
	for name, v := range row {
		if returned(name) && name != "Size" && name != "LastModified" && name != "ObjectName" {
			rest[name] = v
		}
	}
	o.ContentType = rest["ContentType"]
	delete(rest, "ContentType")
	o.Metadata = NewMetadata(rest)
	return o
}

// times of the pool, as typed, and what they span.
var typedTimes = []struct{ text, start, end string }{
	{"2024-05", "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z"},
	{"2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"},
	{"2024-05-01T12", "2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z"},
	{"2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z", "2024-05-01T12:00:01Z"},
	{"2024-05-01T12:00:00.5Z", "2024-05-01T12:00:00.5Z", "2024-05-01T12:00:00.6Z"},
	{"2024-05-31T23:59:59.999Z", "2024-05-31T23:59:59.999Z", "2024-06-01T00:00:00Z"},
	{"2024-05-01T00:00:00.001Z", "2024-05-01T00:00:00.001Z", "2024-05-01T00:00:00.002Z"},
	{"9999", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"},
	{"now", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00.001Z"},
	{"1d", "2026-11-22T08:00:00Z", "2026-11-22T08:00:00.001Z"},
	{"today", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"},
}

// ordering compares the stored value of a row with a typed one: -1, 0 or 1; ok is false when it is none of the datatype.
type ordering func(stored string) (order int, ok bool)

// genValue draws a typed value for a key of type typ, and how rows compare with it.
func genValue(t *rapid.T, typ Datatype, user bool) (string, ordering) {
	switch typ {
	case Integer, Decimal:
		pool, unit := integerPool, big.NewRat(1, 1)
		if typ == Decimal {
			pool = decimalPool
		}
		v := rapid.SampledFrom(pool).Draw(t, "number")
		want, _ := new(big.Rat).SetString(v)
		if len(v) < 5 && rapid.Bool().Draw(t, "unit") {
			v, unit = v+"k", big.NewRat(1024, 1)
		}
		want.Mul(want, unit)
		valid := regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
		return v, func(stored string) (int, bool) {
			r, ok := new(big.Rat).SetString(stored)
			if !ok || !valid.MatchString(stored) || typ == Integer && (!r.IsInt() || !r.Num().IsInt64()) {
				return 0, false
			}
			return r.Cmp(want), true
		}
	case Datetime:
		v := rapid.SampledFrom(typedTimes).Draw(t, "time")
		start, _ := time.Parse(time.RFC3339Nano, v.start)
		end, _ := time.Parse(time.RFC3339Nano, v.end)
		return v.text, func(stored string) (int, bool) {
			at, err := time.Parse(time.RFC3339Nano, stored)
			switch {
			case err != nil || user && len(stored) != 20:
				return 0, false
			case at.Before(start):
				return -1, true
			case at.Before(end):
				return 0, true
			}
			return 1, true
		}
	}
	v := rapid.SampledFrom(stringPool).Draw(t, "string")
	return v, func(stored string) (int, bool) {
		if v == stored {
			return 0, true
		}
		if c := slices.Compare(utf16.Encode([]rune(stored)), utf16.Encode([]rune(v))); c != 0 {
			return c, true
		}
		return strings.Compare(stored, v), true // differ in what is no UTF-8
	}
}

// genAtom draws a condition in the comma form, or the infix form if infix is set.
func genAtom(t *rapid.T, s Schema, infix bool) predicate {
	name := rapid.SampledFrom([]string{"LastModified", "Size", "Owner", "x-amz-meta-color", "x-amz-meta-count",
		"x-amz-meta-price", "x-amz-meta-taken", "x-amz-meta-shape", "ContentType", "base", "ObjectName"}).Draw(t, "key")
	key, known := s.Resolve(name)
	if !known {
		t.Fatalf("%s is unknown", name)
	}
	read := func(row storeRow) (string, bool) {
		if name == "base" {
			key := row["ObjectName"]
			return key[strings.LastIndex(key, "/")+1:], true
		}
		v, ok := row[name]
		return v, ok
	}
	test := func(order ordering, f func(int) bool) func(storeRow) bool {
		return func(row storeRow) bool {
			v, ok := read(row)
			if !ok {
				return false
			}
			c, ok := order(v)
			return ok && f(c)
		}
	}
	text, order := genValue(t, key.Type, key.User())
	compare := []struct {
		word, symbol string
		is           func(int) bool
	}{
		{"eq", "==", func(c int) bool { return c == 0 }}, {"ne", "!=", func(c int) bool { return c != 0 }},
		{"gt", ">", func(c int) bool { return c > 0 }}, {"ge", ">=", func(c int) bool { return c >= 0 }},
		{"lt", "<", func(c int) bool { return c < 0 }}, {"le", "<=", func(c int) bool { return c <= 0 }},
	}
	op := rapid.SampledFrom(compare).Draw(t, "op")
	p := predicate{
		is:  test(order, op.is),
		not: test(order, func(c int) bool { return !op.is(c) }),
	}
	short := percentEncode(key.Short(), ",")
	if infix {
		p.text = short + op.symbol + `"` + strings.ReplaceAll(percentEncode(text, ""), `"`, `""`) + `"`
		if rapid.Bool().Draw(t, "blanks") {
			p.text = short + " " + op.symbol + "  '" + strings.ReplaceAll(percentEncode(text, ""), "'", "''") + "'"
		}
		return p
	}
	p.text = short + "," + op.word + "," + percentEncode(text, ",")
	words := []string{"compare", "exists", "missing", "in", "range"}
	if key.Type == String {
		words = append(words, "prefix", "suffix", "contains", "glob")
	}
	has := test(order, func(int) bool { return true })
	str := func(word, v string, f func(string) bool) predicate {
		return predicate{text: short + "," + word + "," + percentEncode(v, ","), is: func(row storeRow) bool {
			v, ok := read(row)
			return ok && f(v)
		}}
	}
	switch rapid.SampledFrom(words).Draw(t, "form") {
	case "exists":
		return predicate{text: short + ",exists", is: has}
	case "missing":
		return predicate{text: short + ",missing", is: func(row storeRow) bool { return !has(row) }}
	case "prefix":
		return str("prefix", text, func(v string) bool { return strings.HasPrefix(v, text) })
	case "suffix":
		return str("suffix", text, func(v string) bool { return strings.HasSuffix(v, text) })
	case "contains":
		return str("contains", text, func(v string) bool { return strings.Contains(v, text) })
	case "glob":
		g := rapid.SampledFrom([][2]string{{"*", ".*"}, {"?", "."}, {"a*", "a.*"}, {"*b*", ".*b.*"}, {"[a-c]?*", "[a-c]..*"},
			{"[!a]*", "[^a].*"}, {"Foo*", "Foo.*"}, {"abc", "abc"}, {"*.txt", `.*\.txt`}, {"[]x]*", `[\]x].*`}}).Draw(t, "glob")
		re := regexp.MustCompile(`(?s)^(?:` + g[1] + `)$`)
		return str("glob", g[0], re.MatchString)
	case "in":
		is, list := []func(storeRow) bool{p.is}, []string{}
		if op.word != "eq" {
			is = nil
		} else {
			list = append(list, listItem(text))
		}
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			text, order := genValue(t, key.Type, key.User())
			list = append(list, listItem(text))
			is = append(is, test(order, func(c int) bool { return c == 0 }))
		}
		return predicate{text: short + ",in," + strings.Join(list, ","), is: func(row storeRow) bool {
			return slices.ContainsFunc(is, func(f func(storeRow) bool) bool { return f(row) })
		}}
	case "range":
		if text == "" { // ".." has no ends
			return p
		}
		if rapid.Bool().Draw(t, "from") {
			return predicate{text: short + ",in," + listItem(text) + "..", is: test(order, func(c int) bool { return c >= 0 })}
		}
		return predicate{text: short + ",in,.." + listItem(text), is: test(order, func(c int) bool { return c <= 0 })}
	}
	return p
}

// listItem writes a value as one of a list.
func listItem(v string) string {
	return strings.ReplaceAll(percentEncode(v, ","), "..", "%2E%2E")
}

// genTree draws an infix expression.
func genTree(t *rapid.T, s Schema, depth int) predicate {
	form := rapid.IntRange(0, 4).Draw(t, "node")
	if depth == 0 || form == 0 {
		return genAtom(t, s, true)
	}
	a := genTree(t, s, depth-1)
	if form == 1 {
		return predicate{"not (" + a.text + ")", a.not, a.is}
	}
	b := genTree(t, s, depth-1)
	all := predicate{"(" + a.text + " and " + b.text + ")",
		func(r storeRow) bool { return a.is(r) && b.is(r) }, func(r storeRow) bool { return a.not(r) || b.not(r) }}
	if form == 2 {
		return all
	}
	return predicate{"(" + a.text + " OR " + b.text + ")",
		func(r storeRow) bool { return a.is(r) || b.is(r) }, func(r storeRow) bool { return a.not(r) && b.not(r) }}
}

// TestWhatIsAskedIsWhatIsFound: for any schema, path and objects, what the store selects by the
// expression, less what Keep drops, is what the path says.
func TestWhatIsAskedIsWhatIsFound(t *testing.T) {
	planned, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t)
		d := Dir{Bucket: "b", Prefix: rapid.SampledFrom([]string{"", "logs/", "é/"}).Draw(t, "prefix")}
		var parts []predicate
		for range rapid.IntRange(1, 3).Draw(t, "components") {
			p := genAtom(t, s, false)
			if rapid.Bool().Draw(t, "infix") {
				p = genTree(t, s, 3)
			}
			c, err := ParseComponent(p.text, s)
			if err != nil || c.Kind != ComponentPredicate {
				t.Fatalf("%q: kind %d, %v", p.text, c.Kind, err)
			}
			d = d.Narrow(c.Where)
			parts = append(parts, p)
		}
		checkRoundTrip(t, s, d.Where)
		l := d.Listing(testNow, time.Minute)
		checkRoundTrip(t, s, l.Where)
		p, err := NewPlan(s, l)
		if err != nil && KindOf(err) != KindUnsupported {
			t.Fatal(err)
		}
		if err == nil {
			planned++
		} else {
			refused++
		}
		returned := func(name string) bool {
			return slices.Contains(p.Attributes, name) || slices.ContainsFunc(s.Indexed, func(k Key) bool { return k.Name == name })
		}
		for range 8 {
			row := genRow(t)
			want := !slices.ContainsFunc(parts, func(p predicate) bool { return !p.is(row) })
			full := row.object(func(string) bool { return true })
			if got := Evaluate(l.Where, &full); got != truth(want) {
				t.Fatalf("%s of %v is %s, want %t", l.Where, row, got, want)
			}
			checkPartial(t, l.Where, full, want)
			if err != nil {
				continue
			}
			checkWeaker(t, s, l, row)
			want = want && strings.HasPrefix(row["ObjectName"], l.Prefix)
			answer := row.object(returned)
			unmixed, another := p.Unmixed()
			if unmixed.tree.mixed() || another != p.tree.mixed() {
				t.Fatalf("%s is sent as %s, and unmixed as %s", l.Where, p.Wire, unmixed.Wire)
			}
			for _, p := range []Plan{p, unmixed} {
				selected, bad := storeMatch(p.Wire, s, row)
				if bad != nil {
					t.Fatalf("%s is sent as %s: %v", l.Where, p.Wire, bad)
				}
				selected = selected && strings.HasPrefix(row["ObjectName"], p.Prefix)
				if kept := selected && p.Keep(&answer); kept != want {
					t.Fatalf("%s is sent as %s, checked %v: %v is found %t (sent %t), want %t", l.Where, p.Wire, p.Check, row, kept, selected, want)
				}
			}
			checkKeys(t, &p, answer, want)
		}
	})
	if planned == 0 || refused == 0 {
		t.Errorf("%d planned and %d refused: the test does not test", planned, refused)
	}
}

// checkKeys: an object that is found has every key that is told to be sure, and
// the two lists are the keys that the predicate names.
func checkKeys(t *rapid.T, p *Plan, o Object, found bool) {
	sure, others := p.Keys()
	for _, k := range sure {
		if found && Evaluate(Cond{Key: k, Op: OpExists}, &o) != True {
			t.Fatalf("%s finds %v, which has no %s", p.Listing.Where, o, k.Name)
		}
	}
	named := 0
	conditions(p.Listing.Where, func(c Cond) {
		named++
		if !slices.Contains(sure, c.Key) && !slices.Contains(others, c.Key) {
			t.Fatalf("%s names %s, which is in neither list", p.Listing.Where, c.Key.Name)
		}
	})
	if len(sure)+len(others) > named {
		t.Fatalf("%s names fewer keys than %v and %v", p.Listing.Where, sure, others)
	}
}

// checkWeaker: what is sent in place of an expression that is too long is true
// of at least the same objects.
func checkWeaker(t *rapid.T, s Schema, l Listing, row storeRow) {
	strong := s.lower(l.Where, l.Prefix).wire
	weak := strong.weaken()
	if strong.empty() || weak.empty() {
		return
	}
	a, err := storeMatch(strong.expression(), s, row)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := storeMatch(weak.expression(), s, row); err != nil || a && !b {
		t.Fatalf("%s is weakened to %s (%v), which %v does not match", strong, weak, err, row)
	}
}

// checkPartial: an answer that leaves attributes out never decides wrongly.
func checkPartial(t *rapid.T, where Expr, full Object, want bool) {
	head := full
	head.Partial = FromHead
	head.ModTime = full.ModTime.Truncate(time.Second)
	users := map[string]string{}
	for k, v := range full.Metadata.All() {
		if strings.HasPrefix(k, MetaPrefix) {
			users[k] = v
		}
	}
	head.Metadata = NewMetadata(users)
	list := Object{Key: full.Key, Size: full.Size, ModTime: head.ModTime, ETag: full.ETag, Partial: FromList}
	for _, o := range []Object{head, list} {
		if got := Evaluate(where, &o); got != Unknown && got != truth(want) {
			t.Fatalf("%s of the partial %+v is %s, want %t", where, o, got, want)
		}
	}
}

// checkRoundTrip: the components of a normal form, read again, give it.
func checkRoundTrip(t interface{ Fatalf(string, ...any) }, s Schema, where Expr) {
	d := Dir{Bucket: s.Bucket}
	for _, name := range Components(where) {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			t.Fatalf("%s has the component %q", where, name)
		}
		c, err := ParseComponent(name, s)
		if err != nil || c.Kind != ComponentPredicate {
			t.Fatalf("%s has the component %q: kind %d, %v", where, name, c.Kind, err)
		}
		d = d.Narrow(c.Where)
	}
	if diff := exprDiff(where, d.Where); diff != "" {
		t.Fatalf("%s is read again as %s: %s", where, d.Where, diff)
	}
	if diff := exprDiff(where, Normalize(where)); diff != "" {
		t.Fatalf("%s is not in normal form: %s", where, diff)
	}
}

// TestNarrowCommutes: order and repetition of components do not matter.
func TestNarrowCommutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t)
		a, err := ParseComponent(genTree(t, s, 3).text, s)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseComponent(genAtom(t, s, false).text, s)
		if err != nil {
			t.Fatal(err)
		}
		ab, ba := Dir{}.Narrow(a.Where).Narrow(b.Where).Narrow(a.Where), Dir{}.Narrow(b.Where).Narrow(a.Where)
		if diff := exprDiff(ab.Where, ba.Where); diff != "" {
			t.Fatal(diff)
		}
		or, ro := Normalize(Disjunction{a.Where, b.Where}), Normalize(Disjunction{b.Where, Disjunction{a.Where, b.Where}})
		if diff := exprDiff(or, ro); diff != "" {
			t.Fatal(diff)
		}
		twice := Normalize(Negation{Negation{a.Where}})
		for range 4 {
			row := genRow(t)
			o := row.object(func(string) bool { return true })
			if x, y := Evaluate(Bind(twice, testNow), &o), Evaluate(Bind(a.Where, testNow), &o); x != y {
				t.Fatalf("not not %s is %s, want %s", a.Where, x, y)
			}
			raw := Negation{Disjunction{a.Where, Conjunction{b.Where, Negation{a.Where}}}}
			if x, y := Evaluate(Bind(raw, testNow), &o), Evaluate(bind(raw, testNow), &o); x != y {
				t.Fatalf("%s is %s in normal form, %s as it is", fmt.Sprint(raw), x, y)
			}
		}
	})
}
