package ecstest

import (
	"net/http"
	"slices"
	"testing"
)

func TestCore(t *testing.T) {
	s, c := startServer(t)
	c.do("PUT", "/b", "", "x-emc-metadata-search", "Size,x-amz-meta-color;String").must(t, 200)
	c.do("PUT", "/b/dir/a%20b", "hello", "x-amz-meta-color", "red").must(t, 200)
	c.do("PUT", "/b/c", "hello world", "x-amz-meta-color", "blue").must(t, 200)
	if got := c.get("/b/dir/a%20b").must(t, 200); got.body != "hello" || got.header.Get("x-amz-meta-color") != "red" {
		t.Errorf("got %+v", got)
	}
	if got := names(c.query("b", "x-amz-meta-color=='red' and Size>1")); !slices.Equal(got, []string{"dir/a b"}) {
		t.Errorf("got %q", got)
	}
	list := c.get("/b?list-type=2&delimiter=/").must(t, 200).xml(t)
	if got := list.texts("CommonPrefixes/Prefix"); !slices.Equal(got, []string{"dir/"}) {
		t.Errorf("got %q", got)
	}
	c.do("DELETE", "/b/c", "").must(t, http.StatusNoContent)
	c.get("/b/c").must(t, http.StatusNotFound)
	if n := s.Count("Query"); n != 1 {
		t.Errorf("%d queries counted, want 1", n)
	}
}
