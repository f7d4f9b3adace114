package ecstest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

func versioningBody(status string) string {
	return `<VersioningConfiguration xmlns="` + s3Namespace + `"><Status>` + status + `</Status></VersioningConfiguration>`
}

func TestVersioningSetting(t *testing.T) {
	_, c := startServer(t)
	c.do("PUT", "/b", "").must(t, 200)
	for _, status := range []string{"Enabled", "Suspended", "Enabled"} {
		c.do("PUT", "/b?versioning", versioningBody(status)).must(t, 200)
		if got := c.get("/b?versioning").must(t, 200).xml(t); got.XMLName.Space != s3Namespace || got.text("Status") != status {
			t.Errorf("got %+v, want %s", got, status)
		}
	}
	for _, tc := range []struct {
		target, body string
		status       int
		code         string
	}{
		{"/b?versioning", versioningBody("Off"), 400, "IllegalVersioningConfigurationException"},
		{"/b?versioning", "<VersioningConfiguration/>", 400, "IllegalVersioningConfigurationException"},
		{"/b?versioning", "<Versioning><Status>Enabled</Status></Versioning>", 400, "MalformedXML"},
		{"/b?versioning", "Enabled", 400, "MalformedXML"},
		{"/b?versioning", "", 400, "MalformedXML"},
		{"/b?versioning", "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>", 501, "NotImplemented"},
		{"/none?versioning", versioningBody("Enabled"), 404, "NoSuchBucket"},
	} {
		if got := c.do("PUT", tc.target, tc.body).must(t, tc.status).xml(t); got.text("Code") != tc.code {
			t.Errorf("%s: %+v, want %s", tc.body, got, tc.code)
		}
	}
}

// TestVersionsOfAnObject walks one key through everything that versioning does
// to it.
func TestVersionsOfAnObject(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "x-amz-meta-n;integer"))
	put := func(body string) string {
		t.Helper()
		return c.do("PUT", "/b/k", body, "x-amz-meta-n", body).must(t, 200).header.Get("x-amz-version-id")
	}
	if id := put("0"); id != "" {
		t.Errorf("version id %q in a bucket without versioning", id)
	}
	ok(t, s.SetVersioning("b", true))
	one, two := put("1"), put("2")
	if one == two || len(one) != 16 || len(two) != 16 {
		t.Errorf("version ids %q, %q", one, two)
	}
	for _, tc := range []struct{ id, body, told string }{
		{"", "2", two}, {one, "1", one}, {two, "2", two}, {"null", "0", "null"}, {"0", "0", "null"},
	} {
		got := c.get("/b/k?versionId="+tc.id).must(t, 200)
		if got.body != tc.body || got.header.Get("x-amz-version-id") != tc.told || got.header.Get("x-amz-meta-n") != tc.body {
			t.Errorf("version %q: %q, %v", tc.id, got.body, got.header)
		}
		if head := c.do("HEAD", "/b/k?versionId="+tc.id, "").must(t, 200); head.header.Get("x-amz-version-id") != tc.told {
			t.Errorf("HEAD %q: %v", tc.id, head.header)
		}
	}

	deleted := c.do("DELETE", "/b/k", "").must(t, 204)
	marker := deleted.header.Get("x-amz-version-id")
	if deleted.header.Get("x-amz-delete-marker") != "true" || marker == "" {
		t.Errorf("DELETE told %v", deleted.header)
	}
	missing := c.get("/b/k").must(t, 404)
	if missing.xml(t).text("Code") != "NoSuchKey" || missing.header.Get("x-amz-delete-marker") != "true" ||
		missing.header.Get("x-amz-version-id") != marker {
		t.Errorf("GET of a deleted key: %+v", missing)
	}
	for _, method := range []string{"GET", "HEAD"} {
		got := c.do(method, "/b/k?versionId="+marker, "").must(t, 405)
		if got.header.Get("x-amz-delete-marker") != "true" || got.header.Get("Last-Modified") == "" ||
			got.header.Get("x-amz-version-id") != marker {
			t.Errorf("%s of a delete marker: %v", method, got.header)
		}
	}
	if keys := c.get("/b").must(t, 200).xml(t).texts("Contents/Key"); len(keys) != 0 {
		t.Errorf("a deleted key is listed: %q", keys)
	}

	undelete := c.do("DELETE", "/b/k?versionId="+marker, "").must(t, 204)
	if undelete.header.Get("x-amz-delete-marker") != "true" || undelete.header.Get("x-amz-version-id") != marker {
		t.Errorf("DELETE of a delete marker told %v", undelete.header)
	}
	if got := c.get("/b/k").must(t, 200); got.body != "2" {
		t.Errorf("without its delete marker the key has %q", got.body)
	}
	c.do("DELETE", "/b/k?versionId="+two, "").must(t, 204)
	if got := c.get("/b/k").must(t, 200); got.body != "1" || got.header.Get("x-amz-version-id") != one {
		t.Errorf("without its newest version the key has %q, %v", got.body, got.header)
	}
	c.do("DELETE", "/b/k?versionId="+two, "").must(t, 204) // as in S3
	if got := c.get("/b/k?versionId="+two).must(t, 404).xml(t); got.text("Code") != "NoSuchVersion" || got.text("VersionId") != two {
		t.Errorf("got %+v", got)
	}

	ok(t, s.SetVersioning("b", false))
	if id := put("3"); id != "null" {
		t.Errorf("a suspended bucket's new version has the id %q", id)
	}
	if got := c.get("/b/k?versionId=null").must(t, 200); got.body != "3" {
		t.Errorf("the null version was not replaced: %q", got.body)
	}
	if got := c.do("DELETE", "/b/k", "").must(t, 204).header; got.Get("x-amz-version-id") != "null" || got.Get("x-amz-delete-marker") != "true" {
		t.Errorf("DELETE in a suspended bucket told %v", got)
	}
	c.get("/b/k?versionId=null").must(t, 405)
	if got := c.get("/b/k?versionId="+one).must(t, 200); got.body != "1" {
		t.Errorf("version 1 has %q", got.body)
	}
	if got := c.do("DELETE", "/b", "").must(t, 409).xml(t); got.text("Code") != "BucketNotEmpty" {
		t.Errorf("got %+v", got)
	}
	c.do("DELETE", "/b/k?versionId="+one, "").must(t, 204)
	c.do("DELETE", "/b", "").must(t, 409) // the delete marker is still there
	if got := c.do("DELETE", "/b/k?versionId=0", "").must(t, 204).header.Get("x-amz-version-id"); got != "null" {
		t.Errorf("told of version %q", got)
	}
	c.do("DELETE", "/b", "").must(t, 204)
}

// TestVersionsConcurrency lets writers of versions and of uploads and readers
// run against each other, for the race detector.
func TestVersionsConcurrency(t *testing.T) {
	s, c := startServer(t, smallParts)
	ok(t, s.CreateBucket("b", "Size", "x-amz-meta-n;integer"))
	ok(t, s.SetVersioning("b", true))
	const workers, rounds = 4, 10
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			own := fmt.Sprintf("/b/own%d", worker)
			for i := range rounds {
				c.do("PUT", "/b/shared", "x", "x-amz-meta-n", strconv.Itoa(i)).must(t, 200)
				version := c.do("PUT", own, "x").must(t, 200).header.Get("x-amz-version-id")
				c.query("b", "x-amz-meta-n>=0 or Size>0", "include-older-versions", "true", "delimiter", "/")
				id := c.begin(own)
				part := c.sendPart(own, id, 1, "part")
				c.get("/b?uploads").must(t, 200)
				c.get(own+"?uploadId="+id).must(t, 200)
				c.do("POST", own+"?uploadId="+id, completeBody(1, part)).must(t, 200)
				c.get("/b?versions").must(t, 200)
				c.do("DELETE", own+"?versionId="+version, "").must(t, 204)
				c.do("DELETE", own, "").must(t, 204)
			}
		})
	}
	wg.Wait()
	all := c.get("/b?versions").must(t, 200).xml(t)
	// Of each round the version in parts and the delete marker stay.
	if v, d := len(all.all("Version")), len(all.all("DeleteMarker")); v != 2*workers*rounds || d != workers*rounds {
		t.Errorf("%d versions and %d delete markers", v, d)
	}
	rows, _ := queryRows(t, c, "x-amz-meta-n>=0", "include-older-versions", "true")
	if len(rows) != workers*rounds {
		t.Errorf("found %d versions", len(rows))
	}
}

func TestCopyOfAVersion(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	ok(t, s.SetVersioning("b", true))
	one := c.do("PUT", "/b/k", "1", "x-amz-meta-n", "1").must(t, 200).header.Get("x-amz-version-id")
	two := c.do("PUT", "/b/k", "2", "x-amz-meta-n", "2").must(t, 200).header.Get("x-amz-version-id")
	restored := c.do("PUT", "/b/k", "", "x-amz-copy-source", "/b/k?versionId="+one).must(t, 200).header
	if restored.Get("x-amz-copy-source-version-id") != one || restored.Get("x-amz-version-id") == "" {
		t.Errorf("got %v", restored)
	}
	if got := c.get("/b/k").must(t, 200); got.body != "1" || got.header.Get("x-amz-meta-n") != "1" {
		t.Errorf("got %+v", got)
	}
	if got := c.do("PUT", "/b/c", "", "x-amz-copy-source", "/b/k?versionId="+two).must(t, 200); got.header.Get("x-amz-copy-source-version-id") != two {
		t.Errorf("got %+v", got)
	}
	marker := c.do("DELETE", "/b/k", "").must(t, 204).header.Get("x-amz-version-id")
	c.do("PUT", "/b/c", "", "x-amz-copy-source", "/b/k").must(t, 404)
	c.do("PUT", "/b/c", "", "x-amz-copy-source", "/b/k?versionId=0123456789abcdef").must(t, 404)
	if got := c.do("PUT", "/b/c", "", "x-amz-copy-source", "/b/k?versionId="+marker).must(t, 400).xml(t); got.text("Code") != "InvalidRequest" {
		t.Errorf("got %+v", got)
	}
}

func TestListVersionsParameters(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	ok(t, s.PutObject("b", "k", nil, PutOptions{}))
	page := c.get("/b?versions").must(t, 200).xml(t)
	if v := page.all("Version"); page.XMLName.Space != s3Namespace || len(v) != 1 || v[0].text("VersionId") != "null" ||
		v[0].text("IsLatest") != "true" || v[0].text("ETag") != `"d41d8cd98f00b204e9800998ecf8427e"` || v[0].text("Size") != "0" ||
		v[0].text("StorageClass") != "STANDARD" || v[0].text("Owner/ID") != DefaultAccessKeyID {
		t.Errorf("got %+v", page)
	}
	if page := c.get("/b?versions&max-keys=0").must(t, 200).xml(t); page.text("IsTruncated") != "false" || len(page.all("Version")) != 0 {
		t.Errorf("got %+v", page)
	}
	for _, target := range []string{"/b?versions&version-id-marker=null", "/b?versions&key-marker=k&version-id-marker=none",
		"/b?versions&key-marker=none&version-id-marker=null", "/b?versions&marker=k"} {
		if got := c.get(target).must(t, 400).xml(t); got.text("Code") != "InvalidArgument" {
			t.Errorf("%s: %+v", target, got)
		}
	}
	c.get("/none?versions").must(t, 404)
}

// modelVersion is a version in the model of TestVersionsProperty.
type modelVersion struct {
	key, id string
	marker  bool
	n       int
}

// TestVersionsProperty: whatever is written, deleted and switched, gets,
// listings and searches at any page size say what a plain list of versions says.
func TestVersionsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, c := directServer(rt)
		ok(rt, s.CreateBucket("b", "ObjectName", "x-amz-meta-n;integer"))
		var all []modelVersion // the newest last
		state := ""            // of versioning
		latest := func(key string) int {
			for i := len(all) - 1; i >= 0; i-- {
				if all[i].key == key {
					return i
				}
			}
			return -1
		}
		add := func(v modelVersion) {
			if v.id == "" {
				v.id = "null"
			}
			if v.id == "null" {
				all = slices.DeleteFunc(all, func(have modelVersion) bool { return have.key == v.key && have.id == "null" })
			}
			all = append(all, v)
		}
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			key := genKey(rt)
			target := "/b/" + key
			switch rapid.SampledFrom([]string{"put", "put", "put", "delete", "delete version", "switch"}).Draw(rt, "step") {
			case "put":
				n := rapid.IntRange(0, 9).Draw(rt, "n")
				got := c.do("PUT", target, strconv.Itoa(n), "x-amz-meta-n", strconv.Itoa(n)).must(rt, 200)
				add(modelVersion{key: key, id: got.header.Get("x-amz-version-id"), n: n})
			case "delete":
				got := c.do("DELETE", target, "").must(rt, 204)
				if state == "" {
					all = slices.DeleteFunc(all, func(v modelVersion) bool { return v.key == key })
				} else {
					add(modelVersion{key: key, id: got.header.Get("x-amz-version-id"), marker: true})
				}
			case "delete version":
				if len(all) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(all)-1).Draw(rt, "version")
				c.do("DELETE", "/b/"+all[i].key+"?versionId="+all[i].id, "").must(rt, 204)
				all = slices.Delete(all, i, i+1)
			case "switch":
				state = rapid.SampledFrom([]string{"Enabled", "Enabled", "Suspended"}).Draw(rt, "state")
				c.do("PUT", "/b?versioning", versioningBody(state)).must(rt, 200)
			}
		}

		for i, v := range all {
			got := c.get("/b/" + v.key + "?versionId=" + v.id)
			if v.marker {
				got.must(rt, 405)
			} else if got.must(rt, 200).body != strconv.Itoa(v.n) {
				rt.Fatalf("version %+v has %q", v, got.body)
			}
			if latest(v.key) == i {
				if got := c.get("/b/" + v.key); (got.status == 404) != v.marker || got.status == 200 && got.body != strconv.Itoa(v.n) {
					rt.Fatalf("key %s, latest %+v: %d %q", v.key, v, got.status, got.body)
				}
			}
		}

		// The listing.
		prefix := rapid.SampledFrom([]string{"", "p/", "a", "none"}).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "/q"}).Draw(rt, "delimiter")
		size := strconv.Itoa(rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(rt, "page size"))
		var wantRows []string
		groups := map[string]bool{}
		byName := slices.Clone(all)
		slices.Reverse(byName)
		slices.SortStableFunc(byName, func(a, b modelVersion) int { return compareUTF16(a.key, b.key) })
		for _, v := range byName {
			below, ok := strings.CutPrefix(v.key, prefix)
			if !ok {
				continue
			}
			if i := strings.Index(below, delimiter); delimiter != "" && i >= 0 {
				groups[prefix+below[:i+len(delimiter)]] = true
				continue
			}
			wantRows = append(wantRows, fmt.Sprint(v.key, v.id, v.marker, all[latest(v.key)] == v))
		}
		base := "/b?versions&prefix=" + prefix + "&delimiter=" + delimiter + "&max-keys=" + size
		var gotRows, gotGroups []string
		for target, pages := base, 0; ; pages++ {
			page := c.get(target).must(rt, 200).xml(rt)
			for _, v := range page.Children {
				if name := v.XMLName.Local; name == "Version" || name == "DeleteMarker" {
					gotRows = append(gotRows, fmt.Sprint(v.text("Key"), v.text("VersionId"), name == "DeleteMarker", v.text("IsLatest") == "true"))
				}
			}
			gotGroups = append(gotGroups, page.texts("CommonPrefixes/Prefix")...)
			if page.text("IsTruncated") == "false" {
				break
			}
			target = base + "&key-marker=" + page.text("NextKeyMarker")
			if id := page.text("NextVersionIdMarker"); id != "<none>" {
				target += "&version-id-marker=" + id
			}
			if pages > 100 {
				rt.Fatal("the listing does not end")
			}
		}
		wantGroups := slices.SortedFunc(maps.Keys(groups), compareUTF16)
		if diff := cmp.Diff(wantRows, gotRows) + cmp.Diff(wantGroups, gotGroups); diff != "" {
			rt.Fatal(diff)
		}

		// The search.
		limit := rapid.IntRange(0, 9).Draw(rt, "limit")
		for _, older := range []bool{false, true} {
			for _, delimiter := range []string{"", delimiter} {
				for _, word := range []string{" and ", " or "} {
					want := map[string]int{}
					for i, v := range all {
						below, ok := strings.CutPrefix(v.key, prefix)
						if v.marker || v.n < limit || !ok || !older && latest(v.key) != i {
							continue
						}
						if i := strings.Index(below, delimiter); delimiter != "" && i >= 0 {
							want[prefix+below[:i+len(delimiter)]] = 1
							continue
						}
						id := v.id
						if state == "" {
							id = "0"
						}
						want[v.key+" "+id]++
					}
					expression := fmt.Sprintf("x-amz-meta-n>=%d%sx-amz-meta-n>=%d", limit, word, limit)
					spelling := rapid.SampledFrom(olderVersionsParams).Draw(rt, "spelling")
					got, order := queryRows(rt, c, expression, "prefix", prefix, "delimiter", delimiter, "max-keys", size,
						spelling, strconv.FormatBool(older))
					if diff := cmp.Diff(want, got); diff != "" {
						rt.Fatalf("older %v, delimiter %q%s: %s", older, delimiter, word, diff)
					}
					if prefix == "" && delimiter == "" && word == " and " && !slices.IsSorted(order) {
						rt.Fatalf("not in the order of n: %v", order)
					}
				}
			}
		}
	})
}

// queryRows pages through a query: how often each "key version" and common
// prefix came, and the x-amz-meta-n in their order.
func queryRows(t tester, c *client, expression string, params ...string) (rows map[string]int, order []int) {
	t.Helper()
	rows = map[string]int{}
	marker := ""
	for range 200 {
		page := c.query("b", expression, append(params, "marker", marker)...)
		for _, o := range page.all("ObjectMatches/object") {
			rows[o.text("objectName")+" "+o.text("versionId")]++
			n, err := strconv.Atoi(metadata(o, "USERMD")["x-amz-meta-n"])
			ok(t, err)
			order = append(order, n)
		}
		for _, p := range page.texts("CommonPrefixMatches/PrefixGroups") {
			rows[p]++
		}
		marker = page.text("NextMarker")
		if marker == "<none>" {
			return rows, order
		}
	}
	t.Fatal("the query does not end")
	return nil, nil
}

// TestListVersionsWhileWriting: the versions that stay come exactly once,
// though others come and go between the pages.
func TestListVersionsWhileWriting(t *testing.T) {
	s, c := directServer(t)
	ok(t, s.CreateBucket("b"))
	var stay []string
	for i := range 10 {
		key := fmt.Sprintf("k%d", i)
		ok(t, s.PutObject("b", key, nil, PutOptions{})) // a null version, replaced below
	}
	ok(t, s.SetVersioning("b", true))
	for i := range 10 {
		for range 3 {
			id := c.do("PUT", fmt.Sprintf("/b/k%d", i), "").must(t, 200).header.Get("x-amz-version-id")
			stay = append(stay, id)
		}
	}
	ok(t, s.SetVersioning("b", false))
	got := map[string]int{}
	target := "/b?versions&max-keys=1"
	for range 200 {
		page := c.get(target).must(t, 200).xml(t)
		for _, id := range page.texts("Version/VersionId") {
			got[id]++
		}
		if page.text("IsTruncated") == "false" {
			break
		}
		key := page.text("NextKeyMarker")
		ok(t, s.PutObject("b", key, nil, PutOptions{})) // a newer null version
		target = "/b?versions&max-keys=1&key-marker=" + key + "&version-id-marker=" + sigv4.Escape(page.text("NextVersionIdMarker"))
	}
	for _, id := range stay {
		if got[id] != 1 {
			t.Errorf("version %s came %d times", id, got[id])
		}
	}
	if got["null"] > 10 {
		t.Errorf("%d null versions of 10 keys", got["null"])
	}
}

// TestVersionIDs: no text but a version's own finds it.
func TestVersionIDs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seq := rapid.Uint64Min(1).Draw(rt, "seq")
		id := formatID(seq)
		if back, ok := parseID(id); !ok || back != seq || len(id) != 16 {
			rt.Fatalf("%d is %q is %d, %v", seq, id, back, ok)
		}
	})
	for _, id := range []string{"", "0", "+000000000000001", "00000000000000000", "ABCDEF0123456789", "null", strings.Repeat("f", 17)} {
		if seq, ok := parseID(id); ok {
			t.Errorf("%q is version %d", id, seq)
		}
	}
}
