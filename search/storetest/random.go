package storetest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

const (
	// predicatesPerSet queries are run on each random data set.
	predicatesPerSet = 50
	// enough queries answered, over all data sets, for the run to count.
	enough = 1000
)

// Random runs random queries on random data sets, 50 on each of 100, and holds
// every answer against search.Evaluate on every object. It opens a store for
// each data set, with a page size of the draw. With -short there are fewer sets.
func Random(t *testing.T, open Open) { RandomWith(t, open, Options{}) }

// RandomWith is Random for a store with limits.
func RandomWith(t *testing.T, open Open, o Options) {
	var sets, answered atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		f := randomFixture(rt)
		s := open(rt, f)
		tr := learn(rt, s, f.Buckets[0], o)
		sets.Add(1)
		for range predicatesPerSet {
			prefix := rapid.SampledFrom(prefixes(tr.objects)).Draw(rt, "prefix")
			where := search.Bind(randomExpr(rt, tr, 3), time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
			if where == nil {
				continue
			}
			if tr.check(rt, s, prefix, where) {
				answered.Add(1)
			}
		}
	})
	t.Logf("%d queries on %d data sets", answered.Load(), sets.Load())
	if !testing.Short() && !t.Failed() && answered.Load() < enough {
		t.Errorf("only %d of %d queries could be answered", answered.Load(), enough)
	}
}

var (
	randomSegments = []string{"a", "b", "logs", "2026", "x y", "ü", "p+q", "100%", "é,è", "'", "z.txt", "a.png", "😀", "ｚ"}
	randomStrings  = []string{"", "a", "aa", "ab", "B", "b", "red", "it's", `"q"`, `'"`, "x y", "1", "10", "9", "é", "ｚ", "😀", "\ue000", "a,b", "a..b", "%41", "+", "&", ";"}
	randomIntegers = []string{"0", "1", "-1", "7", "42", "007", "+3", "1000000", "9223372036854775807", "-9223372036854775808"}
	randomDecimals = []string{"0", "0.5", "-0.5", "1", "1.0", "1.25", "3.14159", "10", "-2.50", "1000000.000001"}
	randomTimes    = []string{"2026-05-01T00:00:00Z", "2026-05-01T12:30:00Z", "2026-05-02T00:00:00Z", "2026-06-01T00:00:00Z", "2025-12-31T23:59:59Z", "1999-01-01T00:00:00Z"}
	junk           = []string{"junk", "12x", "1e3", "0x10", "2026-13-01T00:00:00Z", "2026", "NaN", "--1"}
)

// userKeys are the user keys of random data sets; "other" is never indexed.
var userKeys = map[string]search.Datatype{
	"color": search.String, "title": search.String, "n": search.Integer, "ratio": search.Decimal, "when": search.Datetime,
}

func texts(t search.Datatype) []string {
	switch t {
	case search.Integer:
		return randomIntegers
	case search.Decimal:
		return randomDecimals
	case search.Datetime:
		return randomTimes
	}
	return randomStrings
}

// randomFixture draws one bucket, which indexes Size and some other keys.
func randomFixture(rt *rapid.T) Fixture {
	b := Bucket{Name: "storetest-random", Index: []search.Key{{Name: "Size", Type: search.Integer, Indexed: true}}}
	for _, k := range []search.Key{
		{Name: "ObjectName", Type: search.String}, {Name: "Owner", Type: search.String},
		{Name: "LastModified", Type: search.Datetime}, {Name: "CreateTime", Type: search.Datetime},
	} {
		if rapid.Bool().Draw(rt, "index "+k.Name) {
			k.Indexed = true
			b.Index = append(b.Index, k)
		}
	}
	for _, name := range []string{"color", "title", "n", "ratio", "when"} {
		if rapid.IntRange(0, 3).Draw(rt, "index "+name) > 0 {
			b.Index = append(b.Index, search.Key{Name: search.MetaPrefix + name, Type: userKeys[name], Indexed: true})
		}
	}
	sortKeys(b.Index)
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	taken := make(map[string]bool)
	for range rapid.IntRange(0, 30).Draw(rt, "objects") {
		key := strings.Join(rapid.SliceOfN(rapid.SampledFrom(randomSegments), 1, 3).Draw(rt, "key"), "/")
		if taken[key] {
			continue
		}
		taken[key] = true
		o := Object{
			Key:         key,
			Data:        make([]byte, rapid.SampledFrom([]int{0, 1, 2, 10, 100, 1024, 1025}).Draw(rt, "size")),
			Metadata:    make(map[string]string),
			ContentType: rapid.SampledFrom([]string{"text/plain", "image/png"}).Draw(rt, "type"),
			LastModified: start.Add(time.Duration(rapid.IntRange(-3, 60).Draw(rt, "hours")) * time.Hour).
				Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 500, 999}).Draw(rt, "ms")) * time.Millisecond),
		}
		for _, name := range []string{"color", "title", "n", "ratio", "when", "other"} {
			switch rapid.IntRange(0, 9).Draw(rt, "has "+name) {
			case 0, 1, 2:
			case 3:
				o.Metadata[name] = rapid.SampledFrom(junk).Draw(rt, name)
			default:
				o.Metadata[name] = rapid.SampledFrom(texts(userKeys[name])).Draw(rt, name)
			}
		}
		b.Objects = append(b.Objects, o)
	}
	return Fixture{
		Buckets:  []Bucket{b},
		PageSize: rapid.SampledFrom([]int{1, 2, 3, 7, 10, 1000}).Draw(rt, "page size"),
		Seed:     rapid.Int64().Draw(rt, "seed"),
	}
}

// prefixes returns what a query may be limited to: folders, and parts of names.
func prefixes(objects []search.Object) []string {
	out := []string{"", "", "", "none/"}
	for _, o := range objects {
		for i, r := range o.Key {
			if r == '/' {
				out = append(out, o.Key[:i+1])
			}
		}
		out = append(out, o.Key)
	}
	return out
}

var allOps = []search.Op{search.OpEq, search.OpNe, search.OpGt, search.OpGe, search.OpLt, search.OpLe, search.OpPrefix,
	search.OpSuffix, search.OpContains, search.OpGlob, search.OpExists, search.OpMissing}

// randomExpr draws an expression of at most depth levels; nil when it drew
// conditions that cannot be written.
func randomExpr(rt *rapid.T, tr truth, depth int) search.Expr {
	kind := "condition"
	if depth > 0 {
		kind = rapid.SampledFrom([]string{"condition", "condition", "and", "or", "not", "bounded"}).Draw(rt, "kind")
	}
	sub := func() []search.Expr {
		var list []search.Expr
		for range rapid.IntRange(1, 3).Draw(rt, "parts") {
			if e := randomExpr(rt, tr, depth-1); e != nil {
				list = append(list, e)
			}
		}
		return list
	}
	switch kind {
	case "and":
		if list := sub(); len(list) > 0 {
			return search.Conjunction(list)
		}
	case "or":
		if list := sub(); len(list) > 0 {
			return search.Disjunction(list)
		}
	case "not":
		if e := randomExpr(rt, tr, depth-1); e != nil {
			return search.Negation{X: e}
		}
	case "bounded": // an indexed condition, so that what stands beside it may be checked by the client
		return append(search.Conjunction{condition(rt, tr.schema, "Size", search.OpGe, "0")}, sub()...)
	default:
		return randomCond(rt, tr)
	}
	return nil
}

// conditionKeys are the keys of random conditions.
var conditionKeys = []string{"Size", "LastModified", "CreateTime", "ObjectName", "Owner", "ContentType", "base",
	"meta.color", "meta.title", "meta.n", "meta.ratio", "meta.when", "meta.other"}

// randomCond draws a condition whose value is near those of the data.
func randomCond(rt *rapid.T, tr truth) search.Expr {
	name := rapid.SampledFrom(conditionKeys).Draw(rt, "key")
	key, ok := tr.schema.Resolve(name)
	if !ok {
		rt.Fatalf("%s is not known", name)
	}
	values := texts(key.Type)
	for i := range tr.objects {
		if v, ok := tr.objects[i].Value(key); ok {
			values = append(values[:len(values):len(values)], v)
		}
	}
	op := rapid.SampledFrom(allOps).Draw(rt, "op")
	text := rapid.SampledFrom(values).Draw(rt, "value")
	switch op {
	case search.OpPrefix:
		text = cut(text, rapid.IntRange(0, 3).Draw(rt, "cut"))
	case search.OpGlob:
		text = fmt.Sprintf("%s*", cut(text, 2))
	}
	c, err := search.NewCond(key, op, text)
	if err != nil {
		return nil // not an operator or value of this datatype
	}
	return c
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}
