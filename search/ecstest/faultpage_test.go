package ecstest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// pages are the searches and listings that Paging spoils: a target without its
// marker, the parameter for it, and where the next one and the rows are.
var pages = []struct{ target, param, next, rows string }{
	{queryTarget("b", "x-amz-meta-n>=0", "max-keys", "3"), "marker", "NextMarker", "ObjectMatches/object/objectName"},
	{"/b?max-keys=3&delimiter=%2F", "marker", "NextMarker", "Contents/Key"},
	{"/b?max-keys=3&delimiter=%2F&encoding-type=url", "marker", "NextMarker", "Contents/Key"},
	{"/b?list-type=2&max-keys=3", "continuation-token", "NextContinuationToken", "Contents/Key"},
}

// walk asks for n pages, each by the marker of the one before, and returns
// their rows and markers. A page without a marker is the last.
func (c *client) walk(i, n int) (rows [][]string, markers []string) {
	c.t.Helper()
	p, marker := pages[i], ""
	for len(rows) < n {
		target := p.target
		if marker != "" {
			target += "&" + p.param + "=" + percentEncode(marker)
		}
		page := c.get(target).must(c.t, http.StatusOK).xml(c.t)
		rows = append(rows, page.texts(p.rows))
		next := page.texts(p.next)
		if (len(next) == 1) != (page.text("IsTruncated") == "true") || len(next) > 1 {
			c.t.Fatalf("IsTruncated is %s with the markers %q", page.text("IsTruncated"), next)
		}
		if len(next) == 0 {
			break
		}
		marker = next[0]
		if strings.HasSuffix(p.target, "=url") {
			marker = unescaped(c.t, marker)
		}
		markers = append(markers, marker)
	}
	return rows, markers
}

func unescaped(t tester, s string) string {
	t.Helper()
	values, err := parseQuery("x=" + s)
	if err != nil {
		t.Fatal(err)
	}
	return values.Get("x")
}

func TestFaultPaging(t *testing.T) {
	first, second := []string{"k000", "k001", "k002"}, []string{"k003", "k004", "k005"}
	for i, p := range pages {
		s, c := startServer(t)
		numbered(t, s, "b", 8)

		ok(t, s.SetRules(Rule{Paging: PagingSameMarker}))
		rows, markers := c.walk(i, 4)
		if want := [][]string{first, second, second, second}; !slices.EqualFunc(rows, want, slices.Equal) ||
			markers[0] != markers[1] || markers[1] != markers[3] {
			t.Errorf("%s: the same marker: %q, %q", p.target, rows, markers)
		}

		for fault, want := range map[PagingFault][]string{PagingSamePage: first, PagingEmptyPages: nil} {
			ok(t, s.SetRules(Rule{Paging: fault}))
			rows, markers = c.walk(i, 5)
			if slices.Sort(markers); len(slices.Compact(markers)) != 5 || len(rows) != 5 ||
				slices.ContainsFunc(rows, func(page []string) bool { return !slices.Equal(page, want) }) {
				t.Errorf("%s: %s: %q, %q", p.target, fault, rows, markers)
			}
		}

		// A rule that ends lets the walk go on from where it stood.
		ok(t, s.SetRules(Rule{Paging: PagingEmptyPages, Skip: 1, Times: 3}))
		rows, _ = c.walk(i, 100)
		if want := [][]string{first, nil, nil, nil, second, {"k006", "k007"}}; !slices.EqualFunc(rows, want, slices.Equal) {
			t.Errorf("%s: three empty pages: %q", p.target, rows)
		}
	}

	s, c := startServer(t)
	numbered(t, s, "b", 8)
	ok(t, s.SetRules(Rule{Paging: PagingSamePage}))
	// What has no pages is left alone.
	if got := c.get("/b?list-type=2&max-keys=x").must(t, 400); got.xml(t).XMLName.Local != "Error" {
		t.Errorf("got %s", got.body)
	}
	if got := c.get("/none").must(t, 404); got.xml(t).XMLName.Local != "Error" {
		t.Errorf("got %s", got.body)
	}
	// Markers are encoded where the server's are.
	ok(t, s.SetRules(Rule{Paging: PagingSameMarker}))
	for target, want := range map[string]string{"/b?marker=a%2525": "a%25", "/b?marker=a%2525&encoding-type=url": "a%2525"} {
		if next := c.get(target).must(t, 200).xml(t).text("NextMarker"); next != want {
			t.Errorf("%s: NextMarker is %s, want %s", target, next, want)
		}
	}
	// A page with common prefixes is emptied of them, too.
	ok(t, s.PutObject("b", "dir/x", nil, PutOptions{Metadata: map[string]string{"n": "100"}}))
	ok(t, s.SetRules(Rule{Paging: PagingEmptyPages}))
	for _, target := range []string{"/b?delimiter=/", "/b?list-type=2&delimiter=/", queryTarget("b", "x-amz-meta-n>=0", "delimiter", "/")} {
		got := c.get(target).must(t, 200)
		if strings.Contains(got.body, "dir/") || strings.Contains(got.body, "k001") {
			t.Errorf("%s: %s", target, got.body)
		}
	}
	if n := c.get("/b?list-type=2").must(t, 200).xml(t).text("KeyCount"); n != "0" {
		t.Errorf("KeyCount is %s", n)
	}
}

// A rule may be for one page of a search, by whatever client it is walked.
func TestFaultPage(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 10)
	ok(t, s.SetRules(Rule{Page: 3, Status: 503}))
	walk := func() (failed []int) {
		marker := ""
		for page := 1; ; page++ {
			target := queryTarget("b", "x-amz-meta-n>=0", "max-keys", "2")
			if marker != "" {
				target += "&marker=" + percentEncode(marker)
			}
			got := c.get(target)
			if got.status == 503 {
				failed = append(failed, page)
				ok(t, s.SetRules())
				got = c.get(target)
				ok(t, s.SetRules(Rule{Page: 3, Status: 503}))
			}
			next := got.must(t, 200).xml(t).texts("NextMarker")
			if len(next) == 0 {
				return failed
			}
			marker = next[0]
		}
	}
	for range 2 {
		if failed := walk(); !slices.Equal(failed, []int{3}) {
			t.Errorf("the pages %d failed, want 3 alone", failed)
		}
	}
	ok(t, s.SetRules(Rule{Page: 1, Status: 503}))
	c.get(queryTarget("b", "x-amz-meta-n>=0")).must(t, 503)
	c.get(queryTarget("b", "x-amz-meta-n>=0", "marker", "nonsense")).must(t, 400)
	c.get("/b").must(t, 200)
}
