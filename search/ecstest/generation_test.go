package ecstest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// eachGeneration runs f once for every generation, with a server of it.
func eachGeneration(t *testing.T, f func(t *testing.T, g Generation, s *Server, c *client), knobs ...func(*Server)) {
	t.Helper()
	for _, g := range Generations() {
		t.Run(string(g), func(t *testing.T) {
			s, c := startServer(t, append(knobs, func(s *Server) { s.Generation = g })...)
			f(t, g, s, c)
		})
	}
}

// before tells whether g is older than other.
func (g Generation) before(other Generation) bool {
	return slices.Index(Generations(), g) < slices.Index(Generations(), other)
}

func TestParseGeneration(t *testing.T) {
	for text, want := range map[string]Generation{"": ECS38, "2.2": ECS22, "2.2.1": ECS22, "3.0": ECS30, "3.2": ECS30, "3.2.1": ECS30,
		"3.2.2": ECS33, "3.3": ECS33, "3.4": ECS34, "3.5": ECS34, "3.6": ECS36, "3.6.2.1": ECS36, "3.7": ECS37, "3.8": ECS38,
		"3.8.0.3": ECS38, "3.10": ECS38, "4.0": ECS38} {
		if got, err := ParseGeneration(text); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, g := range Generations() {
		if got, err := ParseGeneration(string(g)); got != g || err != nil {
			t.Errorf("%q: got %q, %v", g, got, err)
		}
		if got, err := ParseGeneration(g.Traits().VersionInfo[:3]); got != g || err != nil {
			t.Errorf("VersionInfo of %s is of %s, %v", g, got, err)
		}
	}
	for _, text := range []string{"3", "latest", "3.x", "-1.2", "3.8.beta", "2.1", "0.0", "3.", "99999.1"} {
		if got, err := ParseGeneration(text); err == nil || !strings.Contains(err.Error(), "2.2, 3.0, 3.3, 3.4, 3.6, 3.7, 3.8") {
			t.Errorf("%q: got %q, %v, want an error that lists the generations", text, got, err)
		}
	}
}

func TestUnknownGenerationPanics(t *testing.T) {
	defer func() {
		if r := recover(); !strings.Contains(fmt.Sprint(r), `unknown generation "3.9"`) {
			t.Errorf("recovered %v", r)
		}
	}()
	s := NewUnstartedServer()
	s.Generation = "3.9"
	defer s.Close()
	s.Start()
	t.Error("it started")
}

// TestGenerationSystemKeys: what GET /?searchmetadata lists is what a bucket can
// index and a query can ask for, and nothing else is.
func TestGenerationSystemKeys(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		list := c.get("/?searchmetadata").must(t, 200).xml(t)
		keys, attributes := list.texts("IndexableKeys/Key/Name"), list.texts("OptionalAttributes/Attribute/Name")
		slices.Sort(keys)
		slices.Sort(attributes)
		wantKeys := []string{"CreateTime", "LastModified", "ObjectName", "Owner", "Size"}
		wantAttributes := []string{"ContentEncoding", "ContentType", "CreateTime", "Etag", "Expiration", "Expires", "LastModified",
			"Namespace", "ObjectName", "Owner", "Retention", "Size"}
		switch g {
		case ECS37:
			wantKeys, wantAttributes = with(wantKeys, "ReplicationStatus"), with(wantAttributes, "ReplicationStatus")
		case ECS38:
			wantAttributes = with(wantAttributes, "ObjName")
		}
		slices.Sort(wantKeys)
		slices.Sort(wantAttributes)
		if diff := cmp.Diff([2][]string{wantKeys, wantAttributes}, [2][]string{keys, attributes}); diff != "" {
			t.Error(diff)
		}
		c.do("PUT", "/b", "", "x-emc-metadata-search", strings.Join(keys, ",")).must(t, 200)
		c.do("PUT", "/b/k", "x").must(t, 200)
		row := c.query("b", "Size==1", "attributes", "ALL_SMD").all("ObjectMatches/object")[0]
		if n := len(metadata(row, "SYSMD")); n != len(attributes) {
			t.Errorf("ALL_SMD: %d attributes, want %d", n, len(attributes))
		}
		for name, values := range map[string][2]string{"ReplicationStatus": {"replicationstatus", replicationStatus},
			"ObjName": {"objname", "k"}, "Etag": {"etag", "9dd4e461268c8034f5c8564e155c67a6"}} {
			got := c.get(queryTarget("b", "Size==1", "attributes", name))
			if !slices.Contains(attributes, name) {
				if got.status != 400 || !strings.Contains(got.body, name) {
					t.Errorf("attributes=%s: %d %s", name, got.status, got.body)
				}
			} else if text := metadata(got.must(t, 200).xml(t).all("ObjectMatches/object")[0], "SYSMD")[values[0]]; text != values[1] {
				t.Errorf("%s is %q, want %q", values[0], text, values[1])
			}
			create := c.do("PUT", "/b-"+name, "", "x-emc-metadata-search", name)
			if indexable := slices.Contains(keys, name); indexable != (create.status == 200) {
				t.Errorf("indexing %s: %d %s", name, create.status, create.body)
			} else if indexable {
				c.do("PUT", "/b-"+name+"/k", "").must(t, 200)
				if got := names(c.query("b-"+name, name+"=='"+values[1]+"'")); !slices.Equal(got, []string{"k"}) {
					t.Errorf("query by %s: %q", name, got)
				}
			}
		}
	})
}

func TestGenerationEndMarker(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		numbered(t, s, "b", 3)
		var want []string
		if g.before(ECS34) {
			want = []string{"NO MORE PAGES"}
		}
		page := c.query("b", "Size>=0")
		if diff := cmp.Diff(want, page.texts("NextMarker")); diff != "" || page.text("IsTruncated") != "false" {
			t.Errorf("%s IsTruncated %s", diff, page.text("IsTruncated"))
		}
		if next := c.query("b", "Size>=0", "max-keys", "1").text("NextMarker"); len(next) < 20 {
			t.Errorf("a page before the last has NextMarker %q", next)
		}
	})
}

func TestGenerationKeyCase(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		c.do("PUT", "/b", "", "x-emc-metadata-search", "x-amz-meta-Color;string,size").must(t, 200)
		c.do("PUT", "/b/k", "", "x-amz-meta-COLOR", "red").must(t, 200)
		spelled, other := "x-amz-meta-color", http.StatusOK
		if g.before(ECS33) {
			spelled, other = "x-amz-meta-Color", http.StatusBadRequest
		}
		listed := c.get("/b?searchmetadata").must(t, 200).xml(t).texts("IndexableKeys/Key/Name")
		slices.Sort(listed)
		if diff := cmp.Diff([]string{"Size", spelled}, listed); diff != "" {
			t.Error("listed:", diff)
		}
		row := c.query("b", "x-amz-meta-Color=='red'", "sorted", "x-amz-meta-Color").all("ObjectMatches/object")[0]
		if diff := cmp.Diff(map[string]string{spelled: "red"}, metadata(row, "USERMD")); diff != "" {
			t.Error("row:", diff)
		}
		c.get(queryTarget("b", "x-amz-meta-color=='red'")).must(t, other)
		c.get(queryTarget("b", "x-amz-meta-Color=='red'", "sorted", "x-amz-meta-color")).must(t, other)
		c.get(queryTarget("b", "SIZE>=0")).must(t, 200)
	})
}

func TestGenerationAndWithOr(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		numbered(t, s, "b", 5)
		for _, expression := range []string{"Size>1 and Size<9 or Size==0", "(Size>1 and Size<9) or Size==0", "Size>1 and (Size<9 or Size==0)"} {
			got := c.get(queryTarget("b", expression))
			if g == ECS22 {
				if e := got.must(t, 400).xml(t); e.text("Code") != "InvalidArgument" || !strings.Contains(e.text("Message"), `"and"`) {
					t.Errorf("%s: %s", expression, got.body)
				}
			} else {
				got.must(t, 200)
			}
		}
		c.get(queryTarget("b", "Size>1 and (Size<9 and Size>=0)")).must(t, 200)
		c.get(queryTarget("b", "Size>1 or Size<9 or Size==0")).must(t, 200)
	})
}

func TestGenerationEncodingType(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		ok(t, s.CreateBucket("b", "ObjectName"))
		ok(t, s.PutObject("b", "a b", nil, PutOptions{}))
		want := "a%20b"
		if g.before(ECS33) {
			want = "a b"
		}
		if got := names(c.query("b", "ObjectName>''", "encoding-type", "url")); !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, want %q", got, want)
		}
		want = "a%20b" // listings have it in every generation
		if got := c.get("/b?encoding-type=url").must(t, 200).xml(t).text("Contents/Key"); got != want {
			t.Errorf("listed %q, want %q", got, want)
		}
	})
}

func TestGenerationPrefix(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		ok(t, s.CreateBucket("b", "ObjectName", "Size", "x-amz-meta-a;string", "x-amz-meta-b;string"))
		for i := range 20 {
			ok(t, s.PutObject("b", fmt.Sprintf("p/%02d", i), nil, PutOptions{Metadata: map[string]string{"a": "1", "b": "2"}}))
		}
		ok(t, s.PutObject("b", "p/q/r", nil, PutOptions{}))
		ok(t, s.PutObject("b", "z", nil, PutOptions{}))

		// An older server takes prefix and delimiter and heeds neither: the order
		// is that of the expression's first key, as without them.
		got := names(c.query("b", "ObjectName>''", "prefix", "p/0"))
		inOrder := slices.IsSorted(got)
		slices.Sort(got)
		want := 10
		if g.before(ECS36) {
			want = 22
		}
		if len(got) != want || inOrder != g.before(ECS36) {
			t.Errorf("prefix: %d rows, in order: %v", len(got), inOrder)
		}
		page := c.query("b", "ObjectName>''", "prefix", "p/", "delimiter", "/")
		groups := page.texts("CommonPrefixMatches/PrefixGroups")
		if g.before(ECS36) && groups != nil || !g.before(ECS36) && !slices.Equal(groups, []string{"p/q/"}) {
			t.Errorf("delimiter: groups %q", groups)
		}

		// The requests are on record as they were sent.
		reqs := s.Requests()
		if p := reqs[len(reqs)-1].Query.Get("prefix"); p != "p/" {
			t.Errorf("the prefix on record is %q", p)
		}

		encoded := c.get(queryTarget("b", "ObjectName>''", "prefix", "p/0", "encoding-type", "url"))
		if g == ECS36 {
			encoded.must(t, 400)
		} else {
			encoded.must(t, 200)
		}
		c.get(queryTarget("b", "ObjectName>''", "encoding-type", "url")).must(t, 200)
	})
}

// TestGenerationPrefixRows: ECS 3.6 leaves metadata out of rows under a prefix,
// the same for the same seed.
func TestGenerationPrefixRows(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		numbered(t, s, "b", 40)
		for _, params := range [][]string{nil, {"prefix", "k"}} {
			page := c.query("b", "Size>=0", append(params, "attributes", "Etag")...)
			complete, empty := 0, 0
			for _, row := range page.all("ObjectMatches/object") {
				n := len(metadata(row, "SYSMD")) + len(metadata(row, "USERMD"))
				if n == 6 { // Size, LastModified, ObjectName, Etag, n, group
					complete++
				}
				for _, block := range row.all("queryMds") {
					if len(block.all("mdMap/entry")) == 0 {
						empty++
					}
				}
			}
			if want := g != ECS36 || params == nil; (complete == 40) != want || empty > 0 {
				t.Errorf("%v: %d of 40 rows complete, %d empty blocks", params, complete, empty)
			}
			again := c.get(queryTarget("b", "Size>=0", append(params, "attributes", "Etag")...)).must(t, 200)
			if diff := cmp.Diff(page, again.xml(t)); diff != "" {
				t.Error("the second answer differs:", diff)
			}
		}
	})
}
