package ecstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRuleMatches(t *testing.T) {
	get := Request{Method: "GET", Operation: "GetObject", Bucket: "b", Key: "logs/2026/a.gz"}
	list := Request{Method: "GET", Operation: "ListObjects", Bucket: "b"}
	query := Request{Method: "GET", Operation: "Query", Bucket: "b"}
	root := Request{Method: "GET", Operation: "ListBuckets"}
	for _, tc := range []struct {
		rule                    Rule
		get, list, query, roots bool
	}{
		{Rule{}, true, true, true, true},
		{Rule{Operations: []string{"GetObject", "Query"}}, true, false, true, false},
		{Rule{Operations: []string{"PutObject"}}, false, false, false, false},
		{Rule{Method: "GET"}, true, true, true, true},
		{Rule{Method: "PUT"}, false, false, false, false},
		{Rule{Bucket: "b"}, true, true, true, false},
		{Rule{Bucket: "c"}, false, false, false, false},
		{Rule{Key: "logs/2026/a.gz"}, true, false, false, false},
		{Rule{Key: "logs/2026/a"}, false, false, false, false},
		{Rule{KeyPrefix: "logs/"}, true, false, false, false},
		{Rule{KeyPrefix: "log.*"}, false, false, false, false},
		{Rule{KeyGlob: "logs/*/*.gz"}, true, false, false, false},
		{Rule{KeyGlob: "logs/*.gz"}, false, false, false, false},
		{Rule{KeyGlob: "*"}, false, false, false, false},
		{Rule{Page: 1}, false, false, true, false},
		{Rule{Page: 2}, false, false, false, false},
		{Rule{Operations: []string{"GetObject"}, Bucket: "b", KeyPrefix: "logs", Method: "GET"}, true, false, false, false},
		{Rule{Operations: []string{"GetObject"}, Bucket: "b", KeyPrefix: "logs", Method: "HEAD"}, false, false, false, false},
	} {
		for _, m := range []struct {
			req  Request
			want bool
		}{{get, tc.get}, {list, tc.list}, {query, tc.query}, {root, tc.roots}} {
			if got := tc.rule.matches(&m.req); got != m.want {
				t.Errorf("%+v and %s: %v, want %v", tc.rule, m.req.Operation, got, m.want)
			}
		}
	}
}

// pattern is which of n equal requests a rule hits: "-x-".
func pattern(t *testing.T, r Rule, n int) string {
	t.Helper()
	s := NewUnstartedServer()
	ok(t, s.SetRules(r))
	var hits strings.Builder
	for range n {
		if s.faults.hit(&Request{Operation: "GetObject"}).ids != nil {
			hits.WriteByte('x')
		} else {
			hits.WriteByte('-')
		}
	}
	status := s.Rules()[0]
	if status.Matched != n || status.Hits != strings.Count(hits.String(), "x") {
		t.Errorf("%+v: counted %d and %d", r, status.Matched, status.Hits)
	}
	return hits.String()
}

func TestRuleChoice(t *testing.T) {
	for want, r := range map[string]Rule{
		"xxxxxx": {Status: 500},
		"--xxxx": {Status: 500, Skip: 2},
		"xx----": {Status: 500, Times: 2},
		"-xxx--": {Status: 500, Skip: 1, Times: 3},
	} {
		if got := pattern(t, r, 6); got != want {
			t.Errorf("%+v: %s, want %s", r, got, want)
		}
	}
	const n = 10_000
	for _, p := range []float64{0.01, 0.5, 0.9} {
		one, same, other := pattern(t, Rule{Status: 500, Probability: p, Seed: 1}, n),
			pattern(t, Rule{Status: 500, Probability: p, Seed: 1}, n), pattern(t, Rule{Status: 500, Probability: p, Seed: 2}, n)
		if hits := float64(strings.Count(one, "x")); one != same || one == other || hits < (p-0.03)*n || hits > (p+0.03)*n {
			t.Errorf("probability %v: %v of %d, repeats %v, differs by seed %v", p, hits, n, one == same, one != other)
		}
	}
	if got := pattern(t, Rule{Status: 500, Probability: 1}, 100); strings.Contains(got, "-") {
		t.Errorf("probability 1: %s", got)
	}
	if got := pattern(t, Rule{Status: 500, Probability: 0.5, Times: 3}, 100); strings.Count(got, "x") != 3 {
		t.Errorf("three times: %s", got)
	}
}

func TestRulesTogether(t *testing.T) {
	s := NewUnstartedServer()
	ok(t, s.SetRules(
		Rule{ID: "a", Delay: time.Second, Flip: []int64{1}},
		Rule{ID: "b", Operations: []string{"Query"}, Delay: time.Hour},
		Rule{ID: "c", Delay: 2 * time.Second, Flip: []int64{2}, Status: 503, Code: "First"},
		Rule{ID: "d", Status: 500, Code: "Second", RetryAfter: 3, Cut: CutClose, CutAfter: new(int64(7)), Chunked: true},
	))
	sum := s.faults.hit(&Request{Operation: "GetObject"})
	want := Rule{Delay: 3 * time.Second, Flip: []int64{1}, Status: 503, Code: "First", Cut: CutClose, CutAfter: new(int64(7)), Chunked: true}
	if diff := cmp.Diff(want, sum.Rule); diff != "" || !slices.Equal(sum.ids, []string{"a", "c", "d"}) {
		t.Errorf("%q:\n%s", sum.ids, diff)
	}
}

func TestSetRules(t *testing.T) {
	s := NewUnstartedServer()
	flip := []int64{1}
	ok(t, s.SetRules(Rule{Flip: flip}, Rule{ID: "mine", Status: 500}, Rule{ID: "rule-2", Status: 500}, Rule{Status: 500}))
	flip[0] = 99
	s.Rules()[0].Rule.Flip[0] = 99
	idsOf := func() (ids []string) {
		for _, st := range s.Rules() {
			ids = append(ids, st.Rule.ID)
		}
		return ids
	}
	if got := idsOf(); !slices.Equal(got, []string{"rule-1", "mine", "rule-2", "rule-3"}) || s.Rules()[0].Rule.Flip[0] != 1 {
		t.Errorf("ids %q, flip %v", got, s.Rules()[0].Rule.Flip)
	}
	id, err := s.AddRule(Rule{Status: 500})
	ok(t, err)
	if id != "rule-4" || !s.RemoveRule("mine") || s.RemoveRule("mine") || !slices.Equal(idsOf(), []string{"rule-1", "rule-2", "rule-3", "rule-4"}) {
		t.Errorf("id %s, ids %q", id, idsOf())
	}
	before := s.Rules()
	if err := s.SetRules(Rule{ID: "x", Status: 500}, Rule{ID: "x", Status: 500}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("an id twice: %v", err)
	}
	if _, err := s.AddRule(Rule{ID: "rule-2", Status: 500}); err == nil {
		t.Error("an id that is taken: no error")
	}
	if err := s.SetRules(Rule{Status: 500}, Rule{Status: 1}); err == nil || !strings.Contains(err.Error(), "rule 2: status") {
		t.Errorf("a bad second rule: %v", err)
	}
	if _, err := s.AddRule(Rule{}); err == nil {
		t.Error("a rule that does nothing: no error")
	}
	if diff := cmp.Diff(before, s.Rules()); diff != "" {
		t.Errorf("a refused rule changed them:\n%s", diff)
	}
	many := slices.Repeat([]Rule{{Status: 500}}, maxRules+1)
	if err := s.SetRules(many...); err == nil {
		t.Error("too many rules: no error")
	}
	ok(t, s.SetRules(many[1:]...))
	if _, err := s.AddRule(Rule{Status: 500}); err == nil {
		t.Error("one rule too many: no error")
	}
	ok(t, s.SetRules())
	if len(s.Rules()) != 0 {
		t.Error("SetRules of nothing leaves some")
	}
}

func TestRuleErrors(t *testing.T) {
	for want, r := range map[string]Rule{
		"does nothing": {Operations: []string{"Query"}},
		`operations: "Querry" is not known; did you mean "Query"?`: {Operations: []string{"Querry"}, Status: 500},
		`did you mean "GetObject"?`:                                {Operations: []string{"getobject"}, Status: 500},
		"known are ListBuckets, ":                                  {Operations: []string{"zzz"}, Status: 500},
		"method: ":                                                 {Method: "get", Status: 500},
		"key, key_prefix, key_glob: ":                              {Key: "a", KeyGlob: "b", Status: 500},
		"key_glob: ":                                               {KeyGlob: "[", Status: 500},
		"page: -1":                                                 {Page: -1, Status: 500},
		"page: only Query":                                         {Page: 1, Operations: []string{"GetObject"}, Status: 500},
		"skip: ":                                                   {Skip: -1, Status: 500},
		"times: ":                                                  {Times: -1, Status: 500},
		"probability: 1.5":                                         {Probability: 1.5, Status: 500},
		"probability: -1":                                          {Probability: -1, Status: 500},
		"delay: -1s":                                               {Delay: -time.Second},
		"barrier: -1":                                              {Barrier: -1},
		"barrier: 10001":                                           {Barrier: 10_001},
		"delay: 25h":                                               {Delay: 25 * time.Hour},
		"clock_skew: ":                                             {ClockSkew: -1 << 62},
		"status: 302":                                              {Status: 302},
		"status: 600":                                              {Status: 600},
		"status: etag":                                             {Status: 500, ETag: "x"},
		"code, message: ":                                          {Code: "SlowDown", Delay: 1},
		"retry_after: ":                                            {RetryAfter: 1, Delay: 1},
		`cut: "rest" is not known; did you mean "reset"?`: {Cut: "rest"},
		"cut_after: given without cut":                    {CutAfter: new(int64(1)), Delay: 1},
		"cut_after: -1":                                   {Cut: CutClose, CutAfter: new(int64(-1))},
		"cut: without cut_after":                          {Cut: CutClose, Status: 500},
		"execute: ":                                       {Execute: true, Delay: 1},
		"drip: ":                                          {Drip: &Drip{Bytes: 1}},
		"length_off: an answer in chunks":                 {LengthOff: 1, Chunked: true},
		"length_off: 2199023255552":                       {LengthOff: 1 << 41},
		"flip: ":                                          {Flip: []int64{0, -1}},
		"etag: ":                                          {ETag: "a\nb"},
		"xml: ":                                           {XML: "bad"},
		"paging: ":                                        {Paging: "same"},
		"id: ":                                            {ID: "a/b", Status: 500},
		"message: at most":                                {Message: strings.Repeat("x", maxRuleText+1), Status: 500},
		"bucket: at most":                                 {Bucket: "\xFF", Status: 500},
	} {
		if err := r.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", r, err, want)
		}
	}
	for _, r := range []Rule{
		{Status: 200}, {Status: 503, Cut: CutClose, CutAfter: new(int64(0))}, {Cut: CutReset, Execute: true, Delay: time.Second},
		{Status: 500, XML: XMLBadChar}, {Status: 500, Drip: &Drip{1, 1}}, {Probability: 1, Delay: 1}, {LengthOff: -1},
		{Page: 2, Operations: []string{"GetObject", "Query"}, Paging: PagingSamePage},
	} {
		if err := r.check(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestRuleJSON(t *testing.T) {
	full := Rule{ID: "i", Operations: []string{"Query"}, Method: "GET", Bucket: "b", Key: "k", KeyPrefix: "p", KeyGlob: "g",
		Page: 1, Skip: 2, Times: 3, Probability: 0.5, Seed: 4, Delay: 1500 * time.Millisecond, Barrier: 2, ClockSkew: -time.Hour,
		Status: 503, Code: "c", Message: "m", RetryAfter: 5, Cut: CutClose, CutAfter: new(int64(0)), Execute: true,
		Drip: &Drip{Bytes: 6, Every: time.Minute}, Chunked: true, LengthOff: -7, Flip: []int64{8}, ETag: "e", XML: XMLBadChar,
		Paging: PagingSamePage}
	const text = `{"id":"i","operations":["Query"],"method":"GET","bucket":"b","key":"k","key_prefix":"p","key_glob":"g",` +
		`"page":1,"skip":2,"times":3,"probability":0.5,"seed":4,"barrier":2,"status":503,"code":"c","message":"m","retry_after":5,` +
		`"cut":"close","cut_after":0,"execute":true,"drip":{"bytes":6,"every":"1m0s"},"chunked":true,"length_off":-7,` +
		`"flip":[8],"etag":"e","xml":"bad-char","paging":"same-page","delay":"1.5s","clock_skew":"-1h0m0s"}`
	got, err := json.Marshal(full)
	ok(t, err)
	if string(got) != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	var back Rule
	ok(t, json.Unmarshal([]byte(text), &back))
	if diff := cmp.Diff(full, back); diff != "" {
		t.Error(diff)
	}
	if got, err := json.Marshal(Rule{}); err != nil || string(got) != "{}" {
		t.Errorf("%s, %v", got, err)
	}
	for text, want := range map[string]string{
		`{"dely":"1s"}`:          `field: "dely" is not known; did you mean "delay"?`,
		`{"Delay":"1s"}`:         `did you mean "delay"?`,
		`{"delay":5}`:            "delay: a JSON number does not fit here: a duration as \"250ms\" is wanted",
		`{"delay":"5"}`:          `"5" is not a duration`,
		`{"drip":{"byte":1}}`:    `did you mean "bytes"?`,
		`{"drip":{"every":"x"}}`: `"x" is not a duration`,
		`{"skip":"1"}`:           "skip: a JSON string does not fit here: a whole number is wanted",
		`{"operations":"Query"}`: "operations: a JSON string does not fit here: a list [...] is wanted",
		`{"status":1e99}`:        "status: a JSON number",
		`{"cut":7}`:              "cut: a JSON number does not fit here: a \"text\" is wanted",
		`{"flip":50}`:            "flip: a JSON number does not fit here: a list [...] is wanted",
		`{"execute":1}`:          "execute: a JSON number does not fit here: true or false is wanted",
		`[]`:                     "an object",
		`null`:                   "an object",
		`7`:                      "an object",
		`{"` + strings.Repeat("x", 1<<10) + `":1}`: "is not known; known are",
	} {
		var r Rule
		if err := json.Unmarshal([]byte(text), &r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", text, err, want)
		}
	}
}

// Every operation of the router can be named in a rule.
func TestRuleOperations(t *testing.T) {
	named := []string{"Unknown", pingName}
	files, err := filepath.Glob("*.go")
	ok(t, err)
	literal := regexp.MustCompile(`operation\{(?:name: )?"([A-Za-z0-9]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		ok(t, err)
		for _, m := range literal.FindAllSubmatch(text, -1) {
			named = append(named, string(m[1]))
		}
	}
	slices.Sort(named)
	if diff := cmp.Diff(slices.Compact(named), slices.Sorted(slices.Values(operationNames))); diff != "" {
		t.Errorf("operationNames in faultcheck.go are not the operations of the router (-):\n%s", diff)
	}
}

// Rules change while requests run: each is answered by one set or the other.
func TestRulesWhileRunning(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 10)
	ok(t, s.PutObject("b", "text", []byte(letters), PutOptions{}))
	flipped := []byte(letters)
	flipped[3] ^= 0xFF
	var clients, changers sync.WaitGroup
	stop := make(chan struct{})
	changers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			ok(t, s.SetRules(Rule{ID: "flip", Flip: []int64{3}}))
			id, err := s.AddRule(Rule{Operations: []string{"Query"}, Status: 503, Code: fmt.Sprint("C", i)})
			ok(t, err)
			s.Rules()
			s.RemoveRule(id)
			ok(t, s.SetRules())
		}
	})
	for range 3 {
		clients.Go(func() {
			for range 100 {
				if got := c.get("/b/text").must(t, 200).body; got != letters && got != string(flipped) {
					t.Errorf("got %q", got)
				}
				if got := c.get(queryTarget("b", "Size>=0")); got.status != 503 && got.status != http.StatusOK {
					t.Errorf("got %d", got.status)
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	changers.Wait()
}

// A request under way keeps the rules that it began with.
func TestRulesOfARequestUnderWay(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 3)
	entered, leave := make(chan struct{}), make(chan struct{})
	s.SetIntercept(func(http.ResponseWriter, *http.Request, Request) bool {
		close(entered)
		<-leave
		return false
	})
	ok(t, s.SetRules(Rule{ETag: "spoiled"}))
	got := make(chan answer)
	go func() { got <- c.get("/b/k001") }()
	<-entered
	s.SetIntercept(nil)
	ok(t, s.SetRules())
	close(leave)
	if etag := (<-got).must(t, 200).header.Get("ETag"); etag != `"spoiled"` {
		t.Errorf("ETag %s", etag)
	}
	if etag := c.get("/b/k001").must(t, 200).header.Get("ETag"); etag == `"spoiled"` {
		t.Error("the next request has the rule, too")
	}
}

// Rules spoil what an Intercept answers as well.
func TestRulesAndIntercept(t *testing.T) {
	s, c := startServer(t, func(s *Server) {
		s.Intercept = func(w http.ResponseWriter, _ *http.Request, _ Request) bool {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write([]byte(letters))
			return true
		}
	})
	ok(t, s.CreateBucket("b"))
	ok(t, s.SetRules(Rule{Flip: []int64{0}}))
	if got := c.get("/b").must(t, 200); got.body != "\x9e"+letters[1:] {
		t.Errorf("got %q", got.body)
	}
}

// FuzzRuleJSON: a rule that is accepted is written as it was read, and every
// request can meet it.
func FuzzRuleJSON(f *testing.F) {
	f.Add(`{"operations":["Query"],"page":2,"status":503,"code":"SlowDown","retry_after":1}`)
	f.Add(`{"key_glob":"a/*","cut":"reset","cut_after":100,"probability":0.5,"seed":-1}`)
	f.Add(`{"delay":"1.5s","clock_skew":"-1h","drip":{"bytes":1,"every":"1ms"},"flip":[0,1],"etag":"x","xml":"bad-char"}`)
	f.Add(`{"paging":"same-page","skip":1,"times":2,"id":"x","length_off":-1}`)
	f.Fuzz(func(t *testing.T, text string) {
		var r Rule
		if json.Unmarshal([]byte(text), &r) != nil {
			return
		}
		s := NewUnstartedServer()
		if s.SetRules(r) != nil {
			return
		}
		set := s.Rules()[0].Rule
		data, err := json.Marshal(set)
		ok(t, err)
		var back Rule
		ok(t, json.Unmarshal(data, &back))
		again, err := json.Marshal(back)
		ok(t, err)
		if string(data) != string(again) {
			t.Fatalf("%s became %s", data, again)
		}
		ok(t, back.check())
		s.faults.hit(&Request{Operation: "Query", Key: "a/b", Query: map[string][]string{"marker": {text}}})
	})
}
