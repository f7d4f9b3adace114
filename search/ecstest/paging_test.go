package ecstest

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// direct lets a client call a handler without a network.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host = cmp.Or(r.Host, r.URL.Host)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, in)
	return w.Result(), nil
}

// directServer is a server without a network; its client fails t.
func directServer(t tester) (*Server, *client) {
	s := NewUnstartedServer()
	s.URL = "http://ecs.test"
	c := s.testClient(t)
	c.http = &http.Client{Transport: direct{s}}
	return s, c
}

// predicate of the model: an expression with its meaning, worked out by other
// means than the server's.
type modelExpr struct {
	text string
	hit  func(key string, meta map[string]string) bool
	keys []string
}

var modelKeys = []string{"ObjectName", "x-amz-meta-s", "x-amz-meta-i", "x-amz-meta-d"}

func genModel(depth int) *rapid.Generator[modelExpr] {
	return rapid.Custom(func(t *rapid.T) modelExpr {
		if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
			return genModelCondition(t)
		}
		word := rapid.SampledFrom([]string{"and", "or"}).Draw(t, "word")
		terms := rapid.SliceOfN(genModel(depth-1), 2, 3).Draw(t, "terms")
		m := modelExpr{}
		var texts []string
		for _, e := range terms {
			texts = append(texts, "("+e.text+")")
			m.keys = append(m.keys, e.keys...)
		}
		m.text = strings.Join(texts, " "+word+" ")
		m.hit = func(key string, meta map[string]string) bool {
			hits := 0
			for _, e := range terms {
				if e.hit(key, meta) {
					hits++
				}
			}
			return hits == len(terms) || word == "or" && hits > 0
		}
		return m
	})
}

func genModelCondition(t *rapid.T) modelExpr {
	key := rapid.SampledFrom(modelKeys).Draw(t, "key")
	op := rapid.SampledFrom(opTexts[:]).Draw(t, "op")
	var argument string
	switch key {
	case "x-amz-meta-i":
		argument = strconv.Itoa(rapid.IntRange(-3, 12).Draw(t, "i"))
	case "x-amz-meta-d":
		argument = fmt.Sprintf("%d.%d", rapid.IntRange(-3, 3).Draw(t, "d"), rapid.IntRange(0, 99).Draw(t, "f"))
	default:
		argument = rapid.SampledFrom(modelTexts).Draw(t, "s")
	}
	m := modelExpr{text: key + op + argument, keys: []string{key}}
	if key == "ObjectName" || key == "x-amz-meta-s" {
		m.text = key + op + "'" + argument + "'"
	}
	m.hit = func(name string, meta map[string]string) bool {
		text, there := meta[strings.TrimPrefix(key, metaPrefix)]
		if key == "ObjectName" {
			text, there = name, true
		}
		if !there || text == "none" || text == "x" { // no numbers, see genMeta
			return false
		}
		c := modelOrder(key)(text, argument)
		return (c == 0 && strings.Contains(op, "=") || c < 0 && op[0] == '<' || c > 0 && op[0] == '>')
	}
	return m
}

// modelOrder compares two texts of a key.
func modelOrder(key string) func(a, b string) int {
	if key == "ObjectName" || key == "x-amz-meta-s" {
		return func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) }
	}
	return func(a, b string) int {
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		return ra.Cmp(rb)
	}
}

var modelTexts = []string{"", "a", "a/b", "ab", "b", "p/q/r", "p/s", "\uFFFD", "\U0001F600"}

func genMeta(t *rapid.T) map[string]string {
	meta := map[string]string{}
	for _, k := range []string{"s", "i", "d"} {
		if !rapid.Bool().Draw(t, "has "+k) {
			continue
		}
		switch k {
		case "s":
			meta[k] = rapid.SampledFrom(modelTexts).Draw(t, k)
		case "i":
			meta[k] = rapid.SampledFrom([]string{"-3", "0", "1", "1", "1", "7", "12", "none"}).Draw(t, k)
		case "d":
			meta[k] = rapid.SampledFrom([]string{"-2.5", "-0.05", "0", "1", "1.0", "2.50", "3", "x"}).Draw(t, k)
		}
	}
	return meta
}

func genKey(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a/", "p/q/", "p/"}).Draw(t, "folder") +
		rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "name")
}

// TestPagingProperty: for any data, expression, sort key, prefix, delimiter and
// page size, the pages together are what the expression says of each object,
// each row once, in every generation; and an object that stays while others are written between the
// pages is neither skipped nor repeated.
func TestPagingProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, c := directServer(rt)
		s.Seed = rapid.Int64Range(0, 5).Draw(rt, "seed")
		now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return now }
		s.IndexDelay = rapid.SampledFrom([]time.Duration{0, 0, time.Second, 90 * time.Second}).Draw(rt, "index delay")
		s.MarkFullPage = rapid.Bool().Draw(rt, "mark full page")
		e := genModel(2).Draw(rt, "expression")
		s.Generation = rapid.SampledFrom(Generations()).Draw(rt, "generation")
		if s.Generation == ECS22 && strings.Contains(e.text, " or ") && strings.Contains(e.text, " and ") {
			s.Generation = ECS30
		}
		ok(rt, s.CreateBucket("b", "ObjectName", "x-amz-meta-s;string", "x-amz-meta-i;integer", "x-amz-meta-d;decimal"))
		objects := map[string]map[string]string{}
		var due []func() // what searches will see of the server's and the model's changes
		var at []time.Time
		seen := func() {} // after each of them
		change := func(f func()) {
			due, at = append(due, f), append(at, now.Add(s.IndexDelay))
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Minute}).Draw(rt, "passes"))
			for len(at) > 0 && !at[0].After(now) {
				due[0]()
				seen()
				due, at = due[1:], at[1:]
			}
		}
		// written has the keys of the server's objects, and as false those that it
		// had: another object of that name may be a row again, elsewhere.
		written := map[string]bool{}
		put := func() {
			key, meta := genKey(rt), genMeta(rt)
			if _, ever := written[key]; ever {
				return
			}
			written[key] = true
			ok(rt, s.PutObject("b", key, nil, PutOptions{Metadata: meta}))
			change(func() { objects[key] = meta })
		}
		for range rapid.IntRange(0, 40).Draw(rt, "objects") {
			put()
		}

		prefix := rapid.SampledFrom([]string{"", "", "p/", "a", "none"}).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "", "/"}).Draw(rt, "delimiter")
		pageSize := rapid.SampledFrom([]int{1, 2, 3, 7, 1000}).Draw(rt, "page size")
		params := []string{"prefix", prefix, "delimiter", delimiter, "max-keys", strconv.Itoa(pageSize)}
		sorted := e.keys[0]
		if rapid.Bool().Draw(rt, "sorted") {
			sorted = rapid.SampledFrom(e.keys).Draw(rt, "sorted by")
			params = append(params, "sorted", sorted)
		}

		if s.Generation.before(ECS36) {
			prefix, delimiter = "", "" // sent and ignored
		}
		expect := func() map[string]bool {
			rows := map[string]bool{}
			for key, meta := range objects {
				below, ok := strings.CutPrefix(key, prefix)
				if !ok || !e.hit(key, meta) {
					continue
				}
				if i := strings.Index(below, "/"); delimiter != "" && i >= 0 {
					key = prefix + below[:i+1]
				}
				rows[key] = true
			}
			return rows
		}
		always, ever := expect(), expect()
		seen = func() {
			rows := expect()
			maps.DeleteFunc(always, func(r string, _ bool) bool { return !rows[r] })
			maps.Copy(ever, rows)
		}
		got := map[string]int{}
		var sequence []string // the texts of the sort key
		changing := rapid.Bool().Draw(rt, "changing")
		for marker, pages := "", 0; ; pages++ {
			page := c.query("b", e.text, append(params, "marker", marker)...)
			rows := append(names(page), page.texts("CommonPrefixMatches/PrefixGroups")...)
			for _, r := range rows {
				got[r]++
			}
			for _, o := range page.all("ObjectMatches/object") {
				key := strings.Replace(sorted, "ObjectName", "object-name", 1)
				sequence = append(sequence, metadata(o, "SYSMD")[key]+metadata(o, "USERMD")[key])
			}
			if len(rows) > pageSize || pages > 200 {
				rt.Fatalf("page %d has %d rows", pages, len(rows))
			}
			marker = page.text("NextMarker")
			if truncated := page.text("IsTruncated"); (marker == "<none>" || marker == "NO MORE PAGES") == (truncated == "true") {
				rt.Fatalf("IsTruncated %s, NextMarker %s", truncated, marker)
			}
			if marker == "<none>" || marker == "NO MORE PAGES" {
				break
			}
			if !strings.Contains(marker, "+") || !strings.Contains(marker, "/") || !strings.HasSuffix(marker, "=") {
				rt.Fatalf("marker %q", marker)
			}
			if changing {
				put()
				keys := slices.DeleteFunc(slices.Sorted(maps.Keys(written)), func(key string) bool { return !written[key] })
				if len(keys) > 0 {
					key := rapid.SampledFrom(keys).Draw(rt, "removed")
					written[key] = false
					ok(rt, s.DeleteObject("b", key))
					change(func() { delete(objects, key) })
				}
			}
		}
		if ordered := !strings.Contains(e.text, " or ") && prefix == "" && delimiter == ""; ordered &&
			!slices.IsSortedFunc(sequence, modelOrder(sorted)) {
			rt.Fatalf("%s, sorted by %s: %q", e.text, sorted, sequence)
		}
		for r := range always {
			if got[r] != 1 {
				rt.Fatalf("%s: %q came %d times", e.text, r, got[r])
			}
		}
		for r, n := range got {
			if n != 1 || !ever[r] {
				rt.Fatalf("%s: %q came %d times, and did ever match: %v", e.text, r, n, ever[r])
			}
		}
	})
}

// TestMarkerBelongsToItsQuery: a marker is refused by every other query.
func TestMarkerBelongsToItsQuery(t *testing.T) {
	s, c := directServer(t)
	numbered(t, s, "b", 10)
	numbered(t, s, "other", 10)
	marker := c.query("b", "Size>=0", "max-keys", "3").text("NextMarker")
	c.get(queryTarget("b", "Size>=0", "max-keys", "5", "attributes", "Etag", "marker", marker)).must(t, 200)
	for _, target := range []string{
		queryTarget("b", "Size>=1", "marker", marker),
		queryTarget("other", "Size>=0", "marker", marker),
		queryTarget("b", "Size>=0", "prefix", "k", "marker", marker),
		queryTarget("b", "Size>=0", "delimiter", "/", "marker", marker),
		queryTarget("b", "Size>=0 and ObjectName>''", "sorted", "ObjectName", "marker", marker),
		queryTarget("b", "Size>=0", "marker", marker[:len(marker)-4]),
		queryTarget("b", "Size>=0", "marker", strings.ReplaceAll(marker, "+", " ")),
	} {
		if got := c.get(target).must(t, http.StatusBadRequest); got.xml(t).text("Code") != "InvalidArgument" {
			t.Errorf("%s: %s", target, got.body)
		}
	}
}

func TestMaxKeys(t *testing.T) {
	s, c := directServer(t)
	s.PageSize = 4
	numbered(t, s, "b", 10)
	for asked, want := range map[string]string{"": "4", "2": "2", "4": "4", "5": "4", "1000000": "4", "0": "4"} {
		page := c.query("b", "Size>=0", "max-keys", asked)
		if n := strconv.Itoa(len(names(page))); n != want || page.text("MaxKeys") != want {
			t.Errorf("max-keys=%s: %s rows, MaxKeys %s, want %s", asked, n, page.text("MaxKeys"), want)
		}
	}
}

// FuzzMarker: no text makes decodeMarker panic, and a text that it takes is one
// that encodeMarker makes.
func FuzzMarker(f *testing.F) {
	f.Add(encodeMarker("q", cursor{name: "k", version: "0", value: value{n: -5}}), "q")
	f.Add(encodeMarker("q", cursor{name: "größer", value: value{s: "1.5"}}), "q")
	f.Add("+/+/AAAAAAAAAAAAAAAAAAAA", "")
	f.Fuzz(func(t *testing.T, marker, binding string) {
		c, err := decodeMarker(binding, marker)
		if err != nil {
			return
		}
		again, err := decodeMarker(binding, encodeMarker(binding, *c))
		if err != nil || *again != *c {
			t.Fatalf("%+v, then %+v, %v", c, again, err)
		}
	})
}
