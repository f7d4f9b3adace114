package ecstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// TestPagingWhileWriting: whatever comes and goes between the pages, no page of
// a listing or a search repeats a row, and none skips one that stays. Writers do
// all that changes a bucket, each to keys of its own and to one of all.
func TestPagingWhileWriting(t *testing.T) {
	for _, tc := range []struct {
		name, dir, versioning string
	}{
		{"never versioned", "", ""}, {"versioned", "", "Enabled"}, {"suspended", "", "Suspended"}, {"on disk", memoryDir(t), "Enabled"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := startServer(t, smallParts, onDisk(tc.dir))
			c.do("PUT", "/b", "", "x-emc-metadata-search", "ObjectName,Size,x-amz-meta-n;integer").must(t, 200)
			if tc.versioning != "" {
				c.do("PUT", "/b?versioning", versioningBody(tc.versioning)).must(t, 200)
			}
			pageWhileWriting(t, s, c)
		})
	}
}

func pageWhileWriting(t *testing.T, s *Server, c *client) {
	const staying, writers, rounds = 20, 3, 12
	for i := range staying {
		key := "/b/" + []string{"", "d/", "d/e/", "x/"}[i%4] + "stays" + strconv.Itoa(i)
		c.do("PUT", key, "staying", "x-amz-meta-n", strconv.Itoa(i%3)).must(t, 200)
		c.begin(key)
	}
	walks := walksOf(c)
	stay := map[string][]string{}
	for name, walk := range walks {
		stay[name] = walk()
		if len(stay[name]) == 0 {
			t.Fatalf("%s has no rows", name)
		}
	}

	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		writing.Go(func() { writeAround(t, s.testClient(t), w, rounds) })
	}
	for name, walk := range walks {
		reading.Go(func() {
			for last := false; !last; {
				select {
				case <-done:
					last = true
				default:
				}
				count := map[string]int{}
				for _, row := range walk() {
					if count[row]++; count[row] > 1 {
						t.Errorf("%s: the row %s came %d times", name, row, count[row])
					}
				}
				for _, row := range stay[name] {
					if count[row] != 1 {
						t.Errorf("%s: the row %s, which stays, came %d times", name, row, count[row])
					}
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	for name, walk := range walks {
		got := walk()
		slices.Sort(got)
		slices.Sort(stay[name])
		if !slices.Equal(got, stay[name]) {
			t.Errorf("%s: %d rows in the end, want %d: %q", name, len(got), len(stay[name]), got)
		}
	}
}

// walksOf returns ways to see all of the bucket b page by page: each returns
// the rows as they came.
func walksOf(c *client) map[string]func() []string {
	list := func(v2 bool, params ...string) func() []string {
		return func() []string {
			keys, prefixes := listAll(c.t, c, "b", v2, params...)
			return append(keys, prefixes...)
		}
	}
	search := func(expression string, params ...string) func() []string {
		return func() []string { return c.allRows(expression, params...) }
	}
	return map[string]func() []string{
		"ListObjects":                   list(false, "max-keys", "3"),
		"ListObjects, delimiter":        list(false, "max-keys", "1", "delimiter", "/"),
		"ListObjectsV2":                 list(true, "max-keys", "2", "prefix", "d/"),
		"ListObjectsV2, delimiter":      list(true, "max-keys", "1", "delimiter", "e/"),
		"ListObjectVersions":            func() []string { return c.allVersions("/b?versions&max-keys=3") },
		"ListObjectVersions, delimiter": func() []string { return c.allVersions("/b?versions&max-keys=1&delimiter=/") },
		"ListMultipartUploads":          func() []string { return c.allVersions("/b?uploads&max-uploads=2") },
		"Query, or":                     search("Size>0 or x-amz-meta-n<=1", "max-keys", "3"),
		"Query, sorted":                 search("x-amz-meta-n>=0 and Size>0", "max-keys", "4"),
		"Query, versions":               search("x-amz-meta-n>=0", "max-keys", "3", "include-older-versions", "true"),
		"Query, delimiter":              search("ObjectName>''", "max-keys", "1", "delimiter", "/", "include-older-versions", "true"),
	}
}

// allVersions returns the rows of a listing of versions or of uploads.
func (c *client) allVersions(base string) (rows []string) {
	target := base
	for range 1000 {
		page := c.get(target).must(c.t, 200).xml(c.t)
		for _, n := range page.Children {
			switch n.XMLName.Local {
			case "Version", "DeleteMarker":
				rows = append(rows, n.text("Key")+" "+n.text("VersionId"))
			case "Upload":
				rows = append(rows, n.text("Key")+" "+n.text("UploadId"))
			case "CommonPrefixes":
				rows = append(rows, n.text("Prefix"))
			}
		}
		if page.text("IsTruncated") == "false" {
			return rows
		}
		target = base + "&key-marker=" + sigv4.Escape(page.text("NextKeyMarker"))
		for _, name := range [][2]string{{"version-id-marker", "NextVersionIdMarker"}, {"upload-id-marker", "NextUploadIdMarker"}} {
			if id := page.text(name[1]); id != "<none>" {
				target += "&" + name[0] + "=" + id
			}
		}
	}
	c.t.Fatalf("%s does not end", base)
	return nil
}

// allRows returns the rows of a search of the bucket b.
func (c *client) allRows(expression string, params ...string) (rows []string) {
	marker := ""
	for range 1000 {
		page := c.query("b", expression, append(slices.Clip(params), "marker", marker)...)
		for _, o := range page.all("ObjectMatches/object") {
			rows = append(rows, o.text("objectName")+" "+o.text("versionId"))
		}
		rows = append(rows, page.texts("CommonPrefixMatches/PrefixGroups")...)
		if marker = page.text("NextMarker"); marker == "<none>" {
			return rows
		}
	}
	c.t.Fatalf("the search %s does not end", expression)
	return nil
}

// writeAround makes all kinds of changes and takes all of them back. The value
// of a key never changes: a search may show a row again whose place has moved.
func writeAround(t *testing.T, c *client, w, rounds int) {
	defer c.http.CloseIdleConnections()
	random := rand.New(rand.NewPCG(uint64(w), 1))
	var made []string // key, version ...
	for i := range rounds {
		keys := []string{fmt.Sprintf("d/own%d", w), fmt.Sprintf("d/e/own%d-%d", w, i%4), fmt.Sprintf("own%d", w), "shared"}
		key := keys[random.IntN(len(keys))]
		n := strconv.Itoa(len(key) % 3)
		note := func(a answer) {
			if id := a.header.Get("x-amz-version-id"); id != "" {
				made = append(made, key, id)
			}
		}
		note(c.do("PUT", "/b/"+key, n, "x-amz-meta-n", n).must(t, 200))
		note(c.do("PUT", "/b/"+key, n, "x-amz-meta-n", n).must(t, 200))
		id := c.begin("/b/"+key, "x-amz-meta-n", n)
		c.sendPart("/b/"+key, id, 1, "part")
		part := c.sendPart("/b/"+key, id, 1, "again")
		if i%2 == 0 {
			note(c.do("POST", "/b/"+key+"?uploadId="+id, completeBody(1, part)).must(t, 200))
		} else {
			c.do("DELETE", "/b/"+key+"?uploadId="+id, "").must(t, 204)
		}
		note(c.do("DELETE", "/b/"+key, "").must(t, 204))
		if len(made) > 8 {
			c.deleteMany(true, made...).must(t, 200)
			made = nil
		}
	}
	if len(made) > 0 {
		c.deleteMany(true, made...).must(t, 200)
	}
}
