package ecstest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// paint is a bucket with one object for each kind of value.
func paint(t *testing.T, knobs ...func(*Server)) (*Server, *client) {
	t.Helper()
	s, c := startServer(t, knobs...)
	ok(t, s.CreateBucket("b", "Size", "LastModified", "CreateTime", "ObjectName", "Owner",
		"x-amz-meta-STR;String", "x-amz-meta-int;INTEGER", "x-amz-meta-dec;decimal", "x-amz-meta-when;Datetime"))
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for i, m := range []map[string]string{
		{"str": "red", "int": "42", "dec": "3.14159", "when": "2015-01-01T00:00:00Z", "other": "x"},
		{"str": "", "int": "-7", "dec": "-0.5", "when": "2016-02-29T00:00:00Z"},
		{"str": "it's", "int": "no number", "dec": "10", "when": "yesterday"},
		{"STR": "\U0001F600", "int": "9223372036854775807"},
		{"str": "\uFFFD"},
		{},
	} {
		key := string(rune('a' + i))
		ok(t, s.PutObject("b", key, make([]byte, i), PutOptions{Metadata: m, ContentType: "text/plain",
			LastModified: at.Add(time.Duration(i) * 500 * time.Millisecond)}))
	}
	return s, c
}

func TestQueryMatches(t *testing.T) {
	_, c := paint(t)
	for _, tc := range []struct{ fact, expression, want string }{
		{"== on a string", "x-amz-meta-str=='red'", "a"},
		{"strings are case-sensitive", "x-amz-meta-str=='RED'", ""},
		{"key names ignore case", "X-AMZ-META-Str=='red'", "a"},
		{"system key names ignore case", "SIZE==1", "b"},
		{"the empty text is a value", "x-amz-meta-str==''", "b"},
		{"a non-empty value", "x-amz-meta-str>''", "a c d e"},
		{"has this key", "(x-amz-meta-str<='') or (x-amz-meta-str>='')", "a b c d e"},
		{"not equal leaves out objects without the key", "(x-amz-meta-str<'red' or x-amz-meta-str>'red')", "b c d e"},
		{"double quotes", `x-amz-meta-str=="it's"`, "c"},
		{"strings compare by UTF-16 code units", "x-amz-meta-str<'\uFFFD' and x-amz-meta-str>'z'", "d"},
		{"integers compare as numbers", "x-amz-meta-int>5", "a d"},
		{"integers have 64 bits and a sign", "x-amz-meta-int>=-9223372036854775808", "a b d"},
		{"a value that is none of the datatype is not indexed", "x-amz-meta-int<0 or x-amz-meta-int>=0", "a b d"},
		{"decimals are exact", "x-amz-meta-dec==3.141590", "a"},
		{"an integer is a decimal", "x-amz-meta-dec>=6", "c"},
		{"negative decimals", "x-amz-meta-dec<0", "b"},
		{"datetimes", "x-amz-meta-when > 2015-06-01T00:00:00Z", "b"},
		{"a quoted datetime", "x-amz-meta-when=='2015-01-01T00:00:00Z'", "a"},
		{"LastModified has milliseconds", "LastModified==2024-05-01T12:00:00Z", "a"},
		{"LastModified in a second", "LastModified>=2024-05-01T12:00:00Z and LastModified<2024-05-01T12:00:01Z", "a b"},
		{"CreateTime", "CreateTime>2024-05-01T12:00:02Z", "f"},
		{"ObjectName lists all", "ObjectName>''", "a b c d e f"},
		{"ObjectName range", "ObjectName>='b' and ObjectName<'d'", "b c"},
		{"Owner", "Owner=='" + DefaultAccessKeyID + "'", "a b c d e f"},
		{"Size", "Size<=1", "a b"},
		{"and binds tighter than or", "Size==5 or Size<=1 and x-amz-meta-int==42", "a f"},
		{"no range that is empty", "Size>3 and Size<2", ""},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := names(c.query("b", tc.expression))
			slices.Sort(got)
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("%s: got %q, want %q", tc.expression, s, tc.want)
			}
		})
	}
}

func TestQueryOrder(t *testing.T) {
	_, c := paint(t)
	for _, tc := range []struct{ fact, expression, sorted, want string }{
		{"by the first key of the expression", "Size>=0 and ObjectName>''", "", "a b c d e f"},
		{"by the sorted key, numbers as numbers", "ObjectName>'' and x-amz-meta-int>=-100", "x-amz-meta-int", "b a d"},
		{"by the sorted key, in any case", "ObjectName>'' and x-amz-meta-int>=-100", "X-Amz-Meta-INT", "b a d"},
		{"strings by UTF-16 code units", "x-amz-meta-str>=''", "", "b c a d e"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			var params []string
			if tc.sorted != "" {
				params = []string{"sorted", tc.sorted}
			}
			if got := strings.Join(names(c.query("b", tc.expression, params...)), " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestQueryOrderFromAnotherIndex: the order holds when the rows are read from
// the index of a more selective key than the sort key.
func TestQueryOrderFromAnotherIndex(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 100)
	for _, pageSize := range []string{"7", "1000"} {
		var got, want []string
		for marker := ""; marker != "<none>"; {
			page := c.query("b", "x-amz-meta-n>=10 and x-amz-meta-group=='3'", "max-keys", pageSize, "marker", marker)
			got = append(got, names(page)...)
			marker = page.text("NextMarker")
		}
		for i := 13; i < 100; i += 5 {
			want = append(want, fmt.Sprintf("k%03d", i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("max-keys=%s: %s", pageSize, diff)
		}
	}
}

func TestUndefinedOrderIsShuffledBySeed(t *testing.T) {
	orders := map[string]map[string]bool{}
	for seed := range int64(5) {
		s, c := startServer(t, func(s *Server) { s.Seed = seed })
		numbered(t, s, "b", 20)
		for _, q := range []struct {
			name   string
			target string
		}{
			{"or", queryTarget("b", "x-amz-meta-n<10 or x-amz-meta-n>=10")},
			{"prefix", queryTarget("b", "x-amz-meta-n>=0", "prefix", "k")},
			{"ties", queryTarget("b", "x-amz-meta-n>=0 and x-amz-meta-group=='1'", "sorted", "x-amz-meta-group")},
			{"keys", "/b?searchmetadata"},
		} {
			first := c.get(q.target).must(t, 200).xml(t)
			again := c.get(q.target).must(t, 200).xml(t)
			order := strings.Join(append(names(first), first.texts("IndexableKeys/Key/Name")...), " ")
			if o := strings.Join(append(names(again), again.texts("IndexableKeys/Key/Name")...), " "); o != order {
				t.Errorf("%s: %s, then %s", q.name, order, o)
			}
			if orders[q.name] == nil {
				orders[q.name] = map[string]bool{}
			}
			orders[q.name][order] = true
		}
	}
	for name, seen := range orders {
		if len(seen) < 3 { // seeds 0 and 1 are the same
			t.Errorf("%s: %d orders from 4 seeds: %v", name, len(seen), slices.Collect(maps.Keys(seen)))
		}
	}
}

func TestQueryRow(t *testing.T) {
	_, c := paint(t)
	page := c.query("b", "x-amz-meta-int==42")
	if page.XMLName.Space != "" || page.XMLName.Local != "BucketQueryResult" {
		t.Errorf("root is %v, want BucketQueryResult in no namespace", page.XMLName)
	}
	var order []string
	for _, e := range page.Children {
		order = append(order, e.XMLName.Local)
	}
	if diff := cmp.Diff([]string{"Name", "Marker", "IsTruncated", "MaxKeys", "ObjectMatches"}, order); diff != "" {
		t.Error(diff)
	}
	row := page.all("ObjectMatches/object")[0]
	if diff := cmp.Diff(map[string]string{"size": "0", "mtime": "1714564800000", "createtime": "1714564800000",
		"object-name": "a", "owner": DefaultAccessKeyID}, metadata(row, "SYSMD")); diff != "" {
		t.Error(diff)
	}
	// The stored text, of every indexed key, and nothing that is not indexed.
	if diff := cmp.Diff(map[string]string{"x-amz-meta-str": "red", "x-amz-meta-int": "42", "x-amz-meta-dec": "3.14159",
		"x-amz-meta-when": "2015-01-01T00:00:00Z"}, metadata(row, "USERMD")); diff != "" {
		t.Error(diff)
	}
	if id := row.text("objectId"); len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("objectId is %q, want 64 hex digits", id)
	}
	if got := row.text("versionId"); got != "0" {
		t.Errorf("versionId is %q, want 0", got)
	}
	if page.text("MaxKeys") != "1000" || page.text("IsTruncated") != "false" {
		t.Errorf("MaxKeys %s, IsTruncated %s", page.text("MaxKeys"), page.text("IsTruncated"))
	}
	// c's integer and datetime are none, so it has neither in its row.
	row = c.query("b", "ObjectName=='c'").all("ObjectMatches/object")[0]
	if diff := cmp.Diff(map[string]string{"x-amz-meta-str": "it's", "x-amz-meta-dec": "10"}, metadata(row, "USERMD")); diff != "" {
		t.Error(diff)
	}
	// A block without entries is not sent.
	row = c.query("b", "ObjectName=='f'").all("ObjectMatches/object")[0]
	if got := row.texts("queryMds/type"); !slices.Equal(got, []string{"SYSMD"}) {
		t.Errorf("blocks %q, want SYSMD alone", got)
	}
}

func TestQueryAttributes(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "x-amz-meta-n;integer"))
	c.do("PUT", "/b/k", "hello", "x-amz-meta-n", "1", "x-amz-meta-other", "x", "Content-Type", "text/plain",
		"Content-Encoding", "gzip", "Expires", "Wed, 21 Oct 2015 07:28:00 GMT").must(t, 200)
	const etag = "5d41402abc4b2a76b9719d911017c592"
	for _, tc := range []struct {
		attributes   string
		system, user map[string]string
	}{
		{"", nil, map[string]string{"x-amz-meta-n": "1"}},
		{"Size,Etag,ContentType,ContentEncoding,Expires,ObjectName,Namespace,Retention",
			map[string]string{"size": "5", "etag": etag, "ctype": "text/plain", "encoding": "gzip", "Expires": "1445412480000",
				"object-name": "k", "namespace": "ecstest", "retention": ""},
			map[string]string{"x-amz-meta-n": "1"}},
		{"x-amz-meta-OTHER,size", map[string]string{"size": "5"}, map[string]string{"x-amz-meta-n": "1", "x-amz-meta-other": "x"}},
		{"x-amz-meta-missing", nil, map[string]string{"x-amz-meta-n": "1"}},
		{"ALL_UMD", nil, map[string]string{"x-amz-meta-n": "1", "x-amz-meta-other": "x"}},
	} {
		row := c.query("b", "x-amz-meta-n==1", "attributes", tc.attributes).all("ObjectMatches/object")[0]
		if tc.system == nil {
			tc.system = map[string]string{}
		}
		if diff := cmp.Diff(tc.system, metadata(row, "SYSMD")); diff != "" {
			t.Errorf("attributes=%s: %s", tc.attributes, diff)
		}
		if diff := cmp.Diff(tc.user, metadata(row, "USERMD")); diff != "" {
			t.Errorf("attributes=%s: %s", tc.attributes, diff)
		}
	}
	for attributes, users := range map[string]int{"ALL": 2, "ALL_SMD": 1} {
		row := c.query("b", "x-amz-meta-n==1", "attributes", attributes).all("ObjectMatches/object")[0]
		if n, u := len(metadata(row, "SYSMD")), len(metadata(row, "USERMD")); n != 13 || u != users {
			t.Errorf("attributes=%s: %d system and %d user attributes, want 13 and %d", attributes, n, u, users)
		}
	}
}

func TestQueryErrors(t *testing.T) {
	s, c := paint(t)
	ok(t, s.CreateBucket("plain"))
	for _, tc := range []struct {
		fact, target string
		status       int
		code, text   string
	}{
		{"no such bucket", queryTarget("none", "Size>1"), 404, "NoSuchBucket", "does not exist"},
		{"bucket without search", queryTarget("plain", "Size>1"), 400, "Metadata search not enabled", "not enabled for this bucket"},
		{"empty expression", queryTarget("b", " "), 400, "InvalidArgument", "query is empty"},
		{"syntax error", queryTarget("b", "Size="), 400, "InvalidArgument", "offset 4"},
		{"key that is not indexed", queryTarget("b", "x-amz-meta-other=='x'"), 400, "InvalidArgument", "not indexed"},
		{"attribute that cannot be indexed", queryTarget("b", "ContentType=='x'"), 400, "InvalidArgument", "not indexed"},
		{"argument of the wrong type", queryTarget("b", "Size>'big'"), 400, "InvalidArgument", "Size is of datatype integer"},
		{"integer beyond 64 bits", queryTarget("b", "Size>9223372036854775808"), 400, "InvalidArgument", "datatype integer"},
		{"datetime with a fraction", queryTarget("b", "LastModified>2024-05-01T12:00:00.5Z"), 400, "InvalidArgument", "datatype datetime"},
		{"bare string", queryTarget("b", "x-amz-meta-str==red"), 400, "InvalidArgument", "must be quoted"},
		{"sorted not in the expression", queryTarget("b", "Size>1", "sorted", "LastModified"), 400, "InvalidArgument", "sorted names"},
		{"sorted by an unknown key", queryTarget("b", "Size>1", "sorted", "nothing"), 400, "InvalidArgument", "sorted names"},
		{"sorted twice", queryTarget("b", "Size>1", "sorted", "Size", "sorted", "Size"), 400, "InvalidArgument", "2 times"},
		{"unknown attribute", queryTarget("b", "Size>1", "attributes", "Size,Colour"), 400, "InvalidArgument", `"Colour"`},
		{"unknown parameter", queryTarget("b", "Size>1", "max_keys", "5"), 400, "InvalidArgument", `"max_keys"`},
		{"parameter of another operation", queryTarget("b", "Size>1", "list-type", "2"), 400, "InvalidArgument", `"list-type"`},
		{"max-keys no number", queryTarget("b", "Size>1", "max-keys", "many"), 400, "InvalidArgument", "max-keys"},
		{"negative max-keys", queryTarget("b", "Size>1", "max-keys", "-1"), 400, "InvalidArgument", "max-keys"},
		{"bad encoding-type", queryTarget("b", "Size>1", "encoding-type", "base64"), 400, "InvalidArgument", "encoding-type"},
		{"bad include-older-versions", queryTarget("b", "Size>1", "include-older-versions", "yes"), 400, "InvalidArgument", "true or false"},
		{"marker of nowhere", queryTarget("b", "Size>1", "marker", "a"), 400, "InvalidArgument", "marker"},
		{"marker that ends early", queryTarget("b", "Size>1", "marker", "+/+/AAAA"), 400, "InvalidArgument", "marker"},
		{"blanks sent as +", "/b?query=Size+>+1", 400, "InvalidArgument", "expected one of =="},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			got := c.get(tc.target).must(t, tc.status)
			e := got.xml(t)
			if e.XMLName.Local != "Error" || e.text("Code") != tc.code || !strings.Contains(e.text("Message"), tc.text) {
				t.Errorf("got %s, want code %q and %q in the message", got.body, tc.code, tc.text)
			}
			if id := got.header.Get("x-amz-request-id"); id == "" || id != e.text("RequestId") {
				t.Errorf("request id %q in the header, %q in the body", id, e.text("RequestId"))
			}
		})
	}
}

func TestQuerySpellings(t *testing.T) {
	_, c := paint(t)
	for _, target := range []string{
		queryTarget("b", "Size==1", "include-older-versions", "true"),
		queryTarget("b", "Size==1", "include_older_version", "false"),
		queryTarget("b", "Size==1", "include-older-version", "TRUE"),
		"/b/?query=Size%3D%3D1", // a slash before the query
		"/b?query=Size==1",      // operators as they are
	} {
		got := c.get(target)
		if n := names(got.must(t, 200).xml(t)); !slices.Equal(n, []string{"b"}) {
			t.Errorf("%s: got %q", target, n)
		}
	}
	// ";" ends no parameter: it belongs to the expression.
	if got := c.get("/b?query=x-amz-meta-str=='a;b'&max-keys=5").must(t, 200); len(names(got.xml(t))) != 0 {
		t.Errorf("got %s", got.body)
	}
	c.get("/b?query=Size==1;sorted=Size").must(t, http.StatusBadRequest)
}

func TestQueryEndMarkers(t *testing.T) {
	for _, tc := range []struct {
		marker EndMarker
		want   []string
	}{{EndAbsent, nil}, {EndNoMorePages, []string{"NO MORE PAGES"}}, {EndNull, []string{"null"}}, {EndEmpty, []string{""}}} {
		_, c := paint(t, func(s *Server) { s.EndMarker = tc.marker })
		page := c.query("b", "Size>=0")
		if diff := cmp.Diff(tc.want, page.texts("NextMarker")); diff != "" || page.text("IsTruncated") != "false" {
			t.Errorf("EndMarker %d: %s, IsTruncated %s", tc.marker, diff, page.text("IsTruncated"))
		}
	}
}

func TestQueryKnobs(t *testing.T) {
	_, c := paint(t, func(s *Server) { s.KeyCase, s.NoSearchAttributes = KeysAsWritten, true })
	row := c.query("b", "Size==0", "attributes", "Etag,x-amz-meta-other").all("ObjectMatches/object")[0]
	if _, there := metadata(row, "USERMD")["x-amz-meta-STR"]; !there {
		t.Errorf("KeysAsWritten: %v", metadata(row, "USERMD"))
	}
	if _, there := metadata(row, "SYSMD")["etag"]; there {
		t.Errorf("NoSearchAttributes: %v", metadata(row, "SYSMD"))
	}
	if _, there := metadata(row, "USERMD")["x-amz-meta-other"]; there {
		t.Errorf("NoSearchAttributes: %v", metadata(row, "USERMD"))
	}
}

func TestQueryEncodingType(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "ObjectName", "x-amz-meta-f;string"))
	key := "bad\x1dname/ +%ö"
	ok(t, s.PutObject("b", key, nil, PutOptions{Metadata: map[string]string{"f": "bad%1Dfield"}}))
	page := c.query("b", "x-amz-meta-f=='bad%1Dfield'", "encoding-type", "url")
	row := page.all("ObjectMatches/object")[0]
	if got, want := row.text("objectName"), "bad%1Dname/%20%2B%25%C3%B6"; got != want {
		t.Errorf("objectName %q, want %q", got, want)
	}
	if got, want := metadata(row, "USERMD")["x-amz-meta-f"], "bad%251Dfield"; got != want {
		t.Errorf("value %q, want %q", got, want)
	}
	if got, want := metadata(row, "SYSMD")["object-name"], "bad%1Dname/%20%2B%25%C3%B6"; got != want {
		t.Errorf("object-name %q, want %q", got, want)
	}
	// Without it the name goes out as it is, which is no XML 1.0.
	raw := c.get(queryTarget("b", "ObjectName>''")).must(t, 200)
	if !strings.Contains(raw.body, "bad&#x1D;name/ +%ö") {
		t.Errorf("got %s", raw.body)
	}
}
