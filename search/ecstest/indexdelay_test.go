package ecstest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// delayed is a server whose searches lag by ten seconds, and its clock's hand.
func delayed(t *testing.T) (s *Server, c *client, advance func(time.Duration)) {
	t.Helper()
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	s, c = directServer(t)
	s.IndexDelay = 10 * time.Second
	s.Now = func() time.Time { return now }
	return s, c, func(d time.Duration) { now = now.Add(d) }
}

func TestKnobIndexDelay(t *testing.T) {
	_, c, advance := delayed(t)
	c.do("PUT", "/b", "", "x-emc-metadata-search", "ObjectName,x-amz-meta-color;string").must(t, 200)
	found := func(want string, params ...string) {
		t.Helper()
		var got []string
		page := c.query("b", "ObjectName>''", params...)
		for _, row := range page.all("ObjectMatches/object") {
			got = append(got, row.text("objectName")+"="+metadata(row, "USERMD")["x-amz-meta-color"])
		}
		got = append(got, page.texts("CommonPrefixMatches/PrefixGroups")...)
		slices.Sort(got)
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%v: searches find %q, want %q", params, s, want)
		}
	}
	listed := func(want string) {
		t.Helper()
		if got := strings.Join(c.get("/b").must(t, 200).xml(t).texts("Contents/Key"), " "); got != want {
			t.Errorf("listed %q, want %q", got, want)
		}
	}

	c.do("PUT", "/b/a", "", "x-amz-meta-color", "red").must(t, 200)
	advance(4 * time.Second)
	c.do("PUT", "/b/dir/b", "", "x-amz-meta-color", "red").must(t, 200)
	listed("a dir/b")
	c.do("HEAD", "/b/a", "").must(t, 200)
	found("")
	found("", "prefix", "a")
	found("", "delimiter", "/")
	advance(6*time.Second - time.Nanosecond)
	found("")
	advance(time.Nanosecond)
	found("a=red")
	found("", "prefix", "dir/")
	advance(4 * time.Second)
	found("a=red dir/b=red")
	found("a=red dir/", "delimiter", "/")

	// What is written over or deleted is found as it was for as long.
	c.do("PUT", "/b/a", "", "x-amz-meta-color", "blue").must(t, 200)
	c.do("DELETE", "/b/dir/b", "").must(t, 204)
	listed("a")
	found("a=red dir/b=red")
	found("dir/b=red", "prefix", "dir/")
	advance(10 * time.Second)
	found("a=blue")

	// An object that is gone before its time is never found, nor is one that
	// comes back found twice.
	c.do("PUT", "/b/c", "").must(t, 200)
	c.do("DELETE", "/b/c", "").must(t, 204)
	c.do("DELETE", "/b/a", "").must(t, 204)
	c.do("PUT", "/b/a", "", "x-amz-meta-color", "green").must(t, 200)
	found("a=blue")
	advance(time.Minute)
	found("a=green")

	// The clock set back: nothing overtakes.
	c.do("DELETE", "/b/a", "").must(t, 204)
	advance(-5 * time.Second)
	c.do("PUT", "/b/a", "", "x-amz-meta-color", "grey").must(t, 200)
	advance(10 * time.Second)
	found("a=green")
	advance(5 * time.Second)
	found("a=grey")
}

// TestIndexDelayIsBounded: when too many changes wait, the oldest do not wait
// any longer.
func TestIndexDelayIsBounded(t *testing.T) {
	s, c, advance := delayed(t)
	s.data().lag.limit = 3
	ok(t, s.CreateBucket("b", "ObjectName"))
	for i := range 5 {
		ok(t, s.PutObject("b", fmt.Sprint(i), nil, PutOptions{}))
	}
	if got := names(c.query("b", "ObjectName>''")); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("found %q", got)
	}
	advance(10 * time.Second)
	if got := names(c.query("b", "ObjectName>''")); len(got) != 5 {
		t.Errorf("found %q", got)
	}
}

// TestIndexDelayOfVersions: a search for all versions has each version once,
// whatever is due.
func TestIndexDelayOfVersions(t *testing.T) {
	s, c, advance := delayed(t)
	ok(t, s.CreateBucket("b", "ObjectName"))
	ok(t, s.SetVersioning("b", true))
	put := func() { c.do("PUT", "/b/k", "x").must(t, 200); advance(time.Second) }
	versions := func(older string) int {
		ids := c.query("b", "ObjectName=='k'", "include-older-versions", older).texts("ObjectMatches/object/versionId")
		distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
		if len(distinct) != len(ids) {
			t.Errorf("versions %q", ids)
		}
		return len(ids)
	}
	put()
	put()
	put()
	for seconds := 3; seconds < 14; seconds++ {
		want := min(max(0, seconds-9), 3) // they were written at 0, 1 and 2
		if got, current := versions("true"), versions("false"); got != want || current != min(want, 1) {
			t.Errorf("after %d seconds: %d versions, %d current, want %d", seconds, got, current, want)
		}
		advance(time.Second)
	}
	c.do("DELETE", "/b/k", "").must(t, 204) // a delete marker
	if got, current := versions("true"), versions("false"); got != 3 || current != 1 {
		t.Errorf("after the deletion: %d versions, %d current", got, current)
	}
	advance(10 * time.Second)
	if got, current := versions("true"), versions("false"); got != 3 || current != 0 {
		t.Errorf("in the end: %d versions, %d current", got, current)
	}
}

// TestIndexDelayConcurrency lets writers and searches that settle run against
// each other, for the race detector; the machine's clock brings in all in the end.
func TestIndexDelayConcurrency(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.IndexDelay = time.Millisecond })
	numbered(t, s, "b", 20)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 20 {
				key := fmt.Sprintf("w%d-%d", worker, i)
				ok(t, s.PutObject("b", key, nil, PutOptions{Metadata: map[string]string{"group": "w"}}))
				c.query("b", "x-amz-meta-group=='w'", "prefix", "w")
				if i%2 == 0 {
					ok(t, s.DeleteObject("b", key))
				}
			}
		})
	}
	wg.Wait()
	waitFor(t, func() bool { return len(names(c.query("b", "x-amz-meta-group=='w'"))) == 40 })
}
