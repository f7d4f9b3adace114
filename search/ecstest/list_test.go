package ecstest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// listAll pages through a listing: keys and common prefixes as they came.
func listAll(t tester, c *client, bucket string, v2 bool, params ...string) (keys, prefixes []string) {
	t.Helper()
	base := "/" + bucket + "?encoding-type=url"
	if v2 {
		base += "&list-type=2"
	}
	for i := 0; i < len(params); i += 2 {
		base += "&" + params[i] + "=" + sigv4.Escape(params[i+1])
	}
	decode := func(texts []string) []string {
		for i, s := range texts {
			params, err := parseQuery("x=" + s)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = params.Get("x")
		}
		return texts
	}
	target := base
	for range 1000 {
		page := c.get(target).must(t, 200).xml(t)
		pageKeys, pagePrefixes := decode(page.texts("Contents/Key")), decode(page.texts("CommonPrefixes/Prefix"))
		keys, prefixes = append(keys, pageKeys...), append(prefixes, pagePrefixes...)
		if v2 && page.text("KeyCount") != strconv.Itoa(len(pageKeys)+len(pagePrefixes)) {
			t.Fatalf("KeyCount %s", page.text("KeyCount"))
		}
		if page.text("IsTruncated") == "false" {
			return keys, prefixes
		}
		switch next := decode(page.texts("NextMarker")); {
		case v2:
			target = base + "&continuation-token=" + sigv4.Escape(page.text("NextContinuationToken"))
		case len(next) > 0:
			target = base + "&marker=" + sigv4.Escape(next[0])
		default: // without a delimiter the last key serves
			target = base + "&marker=" + sigv4.Escape(pageKeys[len(pageKeys)-1])
		}
	}
	t.Fatal("the listing does not end")
	return nil, nil
}

// TestListProperty: both versions of the listing, at any page size, give what
// prefix and delimiter say of the keys, in the order of UTF-16 code units.
func TestListProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, c := directServer(rt)
		ok(rt, s.CreateBucket("b"))
		gen := rapid.StringOfN(rapid.RuneFrom([]rune("ab//éÿ\uFFFD\U0001F600\x01 %+")), 1, 6, -1)
		all := rapid.SliceOfNDistinct(gen, 0, 30, rapid.ID[string]).Draw(rt, "keys")
		for i := range all {
			all[i] = strings.ReplaceAll(all[i], "ÿ", "\xff") // which is no UTF-8
			ok(rt, s.PutObject("b", all[i], nil, PutOptions{}))
		}
		prefix := rapid.SampledFrom([]string{"", "a", "a/", "/", "\uFFFD", "\xff", "none"}).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "//", "b"}).Draw(rt, "delimiter")
		var keys, prefixes []string
		slices.SortFunc(all, compareUTF16)
		for _, k := range all {
			below, ok := strings.CutPrefix(k, prefix)
			if !ok {
				continue
			}
			if i := strings.Index(below, delimiter); delimiter != "" && i >= 0 {
				prefixes = append(prefixes, prefix+below[:i+len(delimiter)])
			} else {
				keys = append(keys, k)
			}
		}
		slices.SortFunc(prefixes, compareUTF16)
		prefixes = slices.Compact(prefixes)
		size := strconv.Itoa(rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(rt, "page size"))
		for _, v2 := range []bool{false, true} {
			gotKeys, gotPrefixes := listAll(rt, c, "b", v2, "prefix", prefix, "delimiter", delimiter, "max-keys", size)
			if diff := cmp.Diff(keys, gotKeys) + cmp.Diff(prefixes, gotPrefixes); diff != "" {
				rt.Fatalf("v2 %v: %s", v2, diff)
			}
		}
	})
}

func TestListRow(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 3)
	for _, target := range []string{"/b", "/b/", "/b?list-type=2&fetch-owner=true"} {
		page := c.get(target).must(t, 200).xml(t)
		if page.XMLName.Space != s3Namespace || page.text("Name") != "b" || page.text("MaxKeys") != "1000" {
			t.Errorf("%s: %+v", target, page)
		}
		row := page.all("Contents")[1]
		if row.text("Key") != "k001" || row.text("Size") != "1" || row.text("ETag") != `"93b885adfe0da089cdf634904fd59f71"` ||
			row.text("StorageClass") != "STANDARD" || row.text("Owner/ID") != DefaultAccessKeyID ||
			!strings.HasSuffix(row.text("LastModified"), "Z") {
			t.Errorf("%s: %+v", target, row)
		}
	}
	if row := c.get("/b?list-type=2").must(t, 200).xml(t).all("Contents")[0]; row.text("Owner/ID") != "<none>" {
		t.Errorf("v2 tells the owner unasked: %+v", row)
	}
}

func TestListParameters(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.PageSize = 5 })
	numbered(t, s, "b", 10)
	keys := func(target string) string {
		t.Helper()
		return strings.Join(c.get(target).must(t, 200).xml(t).texts("Contents/Key"), " ")
	}
	for target, want := range map[string]string{
		"/b":                                     "k000 k001 k002 k003 k004",
		"/b?max-keys=1000":                       "k000 k001 k002 k003 k004",
		"/b?max-keys=2":                          "k000 k001",
		"/b?max-keys=0":                          "",
		"/b?marker=k007":                         "k008 k009",
		"/b?marker=k0075":                        "k008 k009",
		"/b?marker=z":                            "",
		"/b?prefix=k00&marker=a&max-keys=1":      "k000",
		"/b?list-type=2&start-after=k007":        "k008 k009",
		"/b?list-type=2&prefix=k009&start-after": "k009",
	} {
		if got := keys(target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	if page := c.get("/b?max-keys=0").must(t, 200).xml(t); page.text("IsTruncated") != "false" {
		t.Errorf("max-keys=0 is truncated")
	}
	if page := c.get("/b?max-keys=2").must(t, 200).xml(t); page.text("NextMarker") != "<none>" {
		t.Errorf("NextMarker without a delimiter: %s", page.text("NextMarker"))
	}
	token := c.get("/b?list-type=2&max-keys=2").must(t, 200).xml(t).text("NextContinuationToken")
	if got := keys("/b?list-type=2&max-keys=2&start-after=k008&continuation-token=" + sigv4.Escape(token)); got != "k002 k003" {
		t.Errorf("a continuation token does not win over start-after: %q", got)
	}
	for _, target := range []string{"/b?list-type=1", "/b?list-type=2&continuation-token=x", "/b?max-keys=x", "/b?max-keys=-1",
		"/b?encoding-type=xml", "/b?start-after=k", "/b?list-type=2&marker=k", "/b?Prefix=x", "/b?prefix=a&prefix=b"} {
		if got := c.get(target).must(t, 400).xml(t); got.text("Code") != "InvalidArgument" {
			t.Errorf("%s: %+v", target, got)
		}
	}
	if got := c.get("/none").must(t, 404).xml(t); got.text("Code") != "NoSuchBucket" {
		t.Errorf("got %+v", got)
	}
}

// TestMarkerBelowACommonPrefix: a marker that is rolled up stands for its common
// prefix, which is not listed again though more keys follow below it. Of
// start-after S3 says that the listing begins after that key.
func TestMarkerBelowACommonPrefix(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	for _, key := range []string{"a/1", "a/2", "b/1", "b/2", "c"} {
		ok(t, s.PutObject("b", key, nil, PutOptions{}))
		c.begin("/b/" + key)
	}
	for target, want := range map[string]string{
		"/b?marker=a/1": "b/", "/b?marker=a/2": "b/", "/b?marker=a/": "b/", "/b?marker=a": "a/ b/", "/b?marker=b/1": "",
		"/b?versions&key-marker=a/1": "b/", "/b?versions&key-marker=a/1&version-id-marker=null": "b/",
		"/b?uploads&key-marker=a/1": "b/", "/b?list-type=2&start-after=a/1": "a/ b/", "/b?list-type=2&start-after=a/2": "b/",
	} {
		page := c.get(target+"&delimiter=/").must(t, 200).xml(t)
		if got := strings.Join(page.texts("CommonPrefixes/Prefix"), " "); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
		if m := page.text("Marker"); m != "<none>" && m != strings.TrimPrefix(target, "/b?marker=") {
			t.Errorf("%s: the answer names the marker %q", target, m)
		}
	}
}

func TestListNamesThatAreNoXML(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	for _, key := range []string{"a\x1db", "c\nd", "<&>\"'", "\xff"} {
		ok(t, s.PutObject("b", key, nil, PutOptions{}))
	}
	raw := c.get("/b").must(t, 200).body
	for _, want := range []string{"<Key>a&#x1D;b</Key>", "<Key>c&#xA;d</Key>", "<Key>&lt;&amp;&gt;&quot;'</Key>", "<Key>\uFFFD</Key>"} {
		if !strings.Contains(raw, want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	encoded := c.get("/b?encoding-type=url").must(t, 200).xml(t)
	if diff := cmp.Diff([]string{"%3C%26%3E%22%27", "a%1Db", "c%0Ad", "%FF"}, encoded.texts("Contents/Key")); diff != "" {
		t.Error(diff)
	}
	if encoded.text("EncodingType") != "url" {
		t.Errorf("EncodingType %s", encoded.text("EncodingType"))
	}
}

func TestBuckets(t *testing.T) {
	s, c := startServer(t)
	for _, name := range []string{"b", "UPPER.case_1", strings.Repeat("x", 255), "with%2Descape"} {
		c.do("PUT", "/"+name, "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>").must(t, 200)
	}
	for name, status := range map[string]int{".b": 400, "b.": 400, "b..c": 400, "b%20c": 400, strings.Repeat("x", 256): 400, "b": 409} {
		c.do("PUT", "/"+name, "").must(t, status)
	}
	list := c.get("/").must(t, 200).xml(t)
	if diff := cmp.Diff([]string{"UPPER.case_1", "b", "with-escape", strings.Repeat("x", 255)}, list.texts("Buckets/Bucket/Name")); diff != "" {
		t.Error(diff)
	}
	c.do("HEAD", "/b", "").must(t, 200)
	c.do("HEAD", "/b/", "").must(t, 200)
	c.do("HEAD", "/none", "").must(t, 404)
	if got := c.get("/b?location").must(t, 200).xml(t); got.XMLName.Local != "LocationConstraint" || got.Text != "" {
		t.Errorf("location: %+v", got)
	}
	if got := c.get("/b?versioning").must(t, 200).xml(t); got.XMLName.Local != "VersioningConfiguration" || got.text("Status") != "<none>" {
		t.Errorf("versioning: %+v", got)
	}
	ok(t, s.PutObject("b", "k", nil, PutOptions{}))
	if got := c.do("DELETE", "/b", "").must(t, 409).xml(t); got.text("Code") != "BucketNotEmpty" {
		t.Errorf("got %+v", got)
	}
	ok(t, s.DeleteObject("b", "k"))
	c.do("DELETE", "/b", "").must(t, 204)
	c.do("DELETE", "/b", "").must(t, 404)
	for _, target := range []string{"/none?location", "/none?versioning", "/none?searchmetadata"} {
		c.get(target).must(t, 404)
	}
	for _, target := range []string{"/UPPER.case_1?tagging", "/?policy"} {
		if got := c.get(target).must(t, 501).xml(t); got.text("Code") != "NotImplemented" {
			t.Errorf("%s: %+v", target, got)
		}
	}
	c.get("/?unknown").must(t, 400)
}

func TestSearchKeys(t *testing.T) {
	s, c := startServer(t)
	c.do("PUT", "/b", "", "x-emc-metadata-search", "Size,CreateTime,LastModified;DateTime,x-amz-meta-STR;String,x-amz-meta-INT;Integer").must(t, 200)
	want := []string{"CreateTime datetime", "LastModified datetime", "Size integer", "x-amz-meta-int integer", "x-amz-meta-str string"}
	for _, target := range []string{"/b?searchmetadata", "/b/?searchmetadata", "/b?searchmetadata=", "/b/?searchmetadata="} {
		got := c.get(target).must(t, 200).xml(t)
		if got.XMLName.Space != s3Namespace || got.text("MetadataSearchEnabled") != "true" {
			t.Errorf("%s: %+v", target, got)
		}
		if diff := cmp.Diff(want, keyRows(got, "IndexableKeys/Key")); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
	system := c.get("/?searchmetadata").must(t, 200).xml(t)
	if diff := cmp.Diff([]string{"CreateTime datetime", "LastModified datetime", "ObjectName string", "Owner string", "Size integer"},
		keyRows(system, "IndexableKeys/Key")); diff != "" {
		t.Error(diff)
	}
	if rows := keyRows(system, "OptionalAttributes/Attribute"); len(rows) != 13 || !slices.Contains(rows, "Etag string") {
		t.Errorf("optional attributes %q", rows)
	}

	ok(t, s.PutObject("b", "k", []byte("x"), PutOptions{}))
	c.do("DELETE", "/b?searchmetadata", "").must(t, 204)
	for _, a := range []answer{c.get("/b?searchmetadata"), c.do("DELETE", "/b?searchmetadata", ""), c.get(queryTarget("b", "Size>=0"))} {
		if e := a.must(t, 400).xml(t); e.text("Code") != "Metadata search not enabled" {
			t.Errorf("got %s", a.body)
		}
	}
	ok(t, s.DeleteObject("b", "k"))
	c.do("DELETE", "/b", "").must(t, 204)
}

// keyRows returns "name datatype" of each key at path, sorted.
func keyRows(n node, path string) []string {
	var rows []string
	for _, k := range n.all(path) {
		rows = append(rows, k.text("Name")+" "+k.text("Datatype"))
	}
	slices.Sort(rows)
	return rows
}

func TestSearchKeyHeader(t *testing.T) {
	many := func(n int) string {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("x-amz-meta-k%d;string", i))
		}
		return strings.Join(keys, ",")
	}
	_, c := startServer(t)
	for i, tc := range []struct {
		fact, header string
		status       int
	}{
		{"30 keys", many(30), 200},
		{"31 keys", many(31), 400},
		{"no key", "", 200},
		{"a system key with its datatype", "ObjectName;String", 200},
		{"a system key with another datatype", "Size;string", 400},
		{"a system key in lower case", "lastmodified", 200},
		{"a system attribute that cannot be indexed", "ContentType;string", 400},
		{"a user key without a datatype", "x-amz-meta-color", 400},
		{"an unknown datatype", "x-amz-meta-color;text", 400},
		{"no datatype after the semicolon", "x-amz-meta-color;", 400},
		{"a user key without a name", "x-amz-meta-;string", 400},
		{"a user key without the prefix", "color;string", 400},
		{"a name that no expression can have", "x-amz-meta-a*b;string", 400},
		{"a key twice, in another case", "x-amz-meta-a;string,x-amz-meta-A;string", 400},
		{"an empty key", "Size,,Owner", 400},
		{"blanks after commas", "Size, x-amz-meta-a;string", 200},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := c.do("PUT", fmt.Sprintf("/b%d", i), "", "x-emc-metadata-search", tc.header).must(t, tc.status)
			if tc.status == 400 && got.xml(t).text("Code") != "InvalidArgument" {
				t.Errorf("got %s", got.body)
			}
		})
	}
}
