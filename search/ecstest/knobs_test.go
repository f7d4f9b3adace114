package ecstest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKnobsOverrideGeneration: an end marker or key case that is set counts,
// whatever the generation has.
func TestKnobsOverrideGeneration(t *testing.T) {
	eachGeneration(t, func(t *testing.T, _ Generation, s *Server, c *client) {
		ok(t, s.CreateBucket("b", "x-amz-meta-N;integer"))
		ok(t, s.PutObject("b", "k", nil, PutOptions{Metadata: map[string]string{"n": "1"}}))
		page := c.query("b", "x-amz-meta-N==1")
		if got := page.text("NextMarker"); got != "null" {
			t.Errorf("NextMarker %q, want null", got)
		}
		if got := metadata(page.all("ObjectMatches/object")[0], "USERMD"); got["x-amz-meta-n"] != "1" {
			t.Errorf("USERMD %v, want x-amz-meta-n", got)
		}
	}, func(s *Server) { s.EndMarker, s.KeyCase = EndNull, LowerKeys })
}

func TestKnobZeroMaxKeys(t *testing.T) {
	for zero, want := range map[bool][]string{false: {"1000", "2", "1000"}, true: {"0", "2", "1000"}} {
		s, c := startServer(t, func(s *Server) { s.ZeroMaxKeys = zero })
		numbered(t, s, "b", 3)
		var got []string
		for _, params := range [][]string{nil, {"max-keys", "2"}, {"max-keys", "0"}} {
			page := c.query("b", "Size>=0", params...)
			got = append(got, page.text("MaxKeys"))
			if n := len(names(page)); n < 2 {
				t.Errorf("%v: %d rows", params, n)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ZeroMaxKeys %v: %s", zero, diff)
		}
	}
}

func TestKnobKeepSearchKeys(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s, c := startServer(t, func(s *Server) { s.KeepSearchKeys = keep })
		numbered(t, s, "b", 3)
		ok(t, s.CreateBucket("plain"))
		c.do("DELETE", "/b?searchmetadata", "").must(t, 204)
		want := 400
		if keep {
			want = 200
		}
		list := c.get("/b?searchmetadata").must(t, want)
		if keep && len(list.xml(t).all("IndexableKeys/Key")) != 5 {
			t.Errorf("listed: %s", list.body)
		}
		c.get(queryTarget("b", "Size>=0")).must(t, want)
		c.do("DELETE", "/plain?searchmetadata", "").must(t, 400)
		c.do("DELETE", "/none?searchmetadata", "").must(t, 404)
	}
}

func TestKnobListWithoutSearch(t *testing.T) {
	for _, list := range []bool{false, true} {
		s, c := startServer(t, func(s *Server) { s.ListWithoutSearch = list })
		ok(t, s.CreateBucket("plain"))
		got := c.get("/plain?searchmetadata")
		if !list {
			if e := got.must(t, 400).xml(t); e.text("Code") != "Metadata search not enabled" {
				t.Errorf("got %s", got.body)
			}
			continue
		}
		if x := got.must(t, 200).xml(t); x.text("MetadataSearchEnabled") != "false" || len(x.all("IndexableKeys/Key")) != 0 {
			t.Errorf("got %s", got.body)
		}
		c.get(queryTarget("plain", "Size>=0")).must(t, 400)
		c.get("/none?searchmetadata").must(t, 404)
	}
}

func TestKnobCapitalDatatypes(t *testing.T) {
	for capital, want := range map[bool][]string{false: {"datetime", "decimal", "integer", "string"},
		true: {"Datetime", "Decimal", "Integer", "String"}} {
		s, c := startServer(t, func(s *Server) { s.CapitalDatatypes = capital })
		ok(t, s.CreateBucket("b", "x-amz-meta-d;DECIMAL", "Size", "LastModified", "Owner"))
		words := c.get("/b?searchmetadata").must(t, 200).xml(t).texts("IndexableKeys/Key/Datatype")
		slices.Sort(words)
		if diff := cmp.Diff(want, words); diff != "" {
			t.Errorf("bucket: %s", diff)
		}
		for _, w := range c.get("/?searchmetadata").must(t, 200).xml(t).texts("OptionalAttributes/Attribute/Datatype") {
			if !slices.Contains(want, w) {
				t.Errorf("service: %q", w)
			}
		}
	}
}

func TestKnobErrorNamespace(t *testing.T) {
	for on, want := range map[bool]string{false: "", true: s3Namespace} {
		_, c := startServer(t, func(s *Server) { s.ErrorNamespace = on })
		e := c.get("/none?query=Size==1").must(t, 404).xml(t)
		if e.XMLName.Space != want || e.XMLName.Local != "Error" || e.text("Code") != "NoSuchBucket" {
			t.Errorf("ErrorNamespace %v: %v %s", on, e.XMLName, e.text("Code"))
		}
	}
}

// TestSeedShufflesMetadata: blocks and their entries come in any order, the same
// for the same seed.
func TestSeedShufflesMetadata(t *testing.T) {
	blocks, entries := map[string]bool{}, map[string]bool{}
	for seed := range int64(8) {
		s, c := startServer(t, func(s *Server) { s.Seed = seed })
		numbered(t, s, "b", 2)
		target := queryTarget("b", "x-amz-meta-n==0", "attributes", "Etag,Owner")
		first := c.get(target).must(t, 200).xml(t).all("ObjectMatches/object")[0]
		again := c.get(target).must(t, 200).xml(t).all("ObjectMatches/object")[0]
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
		if n, u := len(metadata(first, "SYSMD")), len(metadata(first, "USERMD")); n != 5 || u != 2 {
			t.Errorf("seed %d: %d system and %d user entries", seed, n, u)
		}
		blocks[strings.Join(first.texts("queryMds/type"), " ")] = true
		entries[strings.Join(first.texts("queryMds/mdMap/entry/key"), " ")] = true
	}
	if !blocks["SYSMD USERMD"] || !blocks["USERMD SYSMD"] || len(blocks) != 2 {
		t.Errorf("blocks come as %v", blocks)
	}
	if len(entries) < 4 {
		t.Errorf("entries come as %v", entries)
	}
}

func TestKnobOmitNoMatches(t *testing.T) {
	for omit, want := range map[bool]int{false: 1, true: 0} {
		s, c := startServer(t, func(s *Server) { s.OmitNoMatches = omit })
		numbered(t, s, "b", 3)
		for expression, blocks := range map[string]int{"Size>100": want, "Size>=0": 1} {
			if n := len(c.query("b", expression).all("ObjectMatches")); n != blocks {
				t.Errorf("OmitNoMatches %v: %s: %d ObjectMatches, want %d", omit, expression, n, blocks)
			}
		}
	}
}

func TestKnobOlderVersionsParam(t *testing.T) {
	for _, param := range append([]string{""}, olderVersionsParams...) {
		s, c := startServer(t, func(s *Server) { s.OlderVersionsParam = param })
		ok(t, s.CreateBucket("b", "Size"))
		ok(t, s.SetVersioning("b", true))
		ok(t, s.PutObject("b", "k", nil, PutOptions{}))
		ok(t, s.PutObject("b", "k", nil, PutOptions{}))
		for _, sent := range olderVersionsParams {
			want := 1
			if param == "" || sent == param {
				want = 2
			}
			if got := len(names(c.query("b", "Size==0", sent, "true"))); got != want {
				t.Errorf("OlderVersionsParam %q: with %s=true %d rows, want %d", param, sent, got, want)
			}
			c.get(queryTarget("b", "Size==0", sent, "perhaps")).must(t, 400)
		}
	}
}
