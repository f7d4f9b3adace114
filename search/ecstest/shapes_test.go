package ecstest

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// shape is one request as a public client of ECS sends it, byte for byte.
type shape struct {
	client  string // and what it does
	request string // method and target; {marker} and {marker%} are a marker, raw and encoded
	headers string // lines; x-amz-date and Host come from sign
	body    string
	sign    func(s *shape) []string // the lines of headers that sign it
	status  int                     // 0: 200
	want    string                  // what describe says of the answer

	marker    string // what {marker} stands for
	signature string // what {signature} stands for; sign sets it for a presigned request
}

// fill puts the marker and the signature into a text.
func (s *shape) fill(text string) string {
	return strings.NewReplacer("{marker}", s.marker, "{marker%}", sigv4.Escape(s.marker), "{signature}", s.signature).Replace(text)
}

// The clock of the shapes, as the clients write it.
const (
	shapeTime = "20261103T120000Z"
	shapeDate = "Tue, 03 Nov 2026 12:00:00 GMT"
	// An hour later.
	shapeExpires = "1793710800"
)

// header returns a header of the shape.
func (s *shape) header(name string) string {
	for line := range strings.Lines(s.headers) {
		if n, value, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// signedLines are "name:value" of the headers that begin with one of prefixes,
// and of more, in order.
func (s *shape) signedLines(more []string, prefixes ...string) []string {
	lines := slices.Clone(more)
	for line := range strings.Lines(s.headers) {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			lines = append(lines, name+":"+strings.TrimSpace(value))
		}
	}
	slices.Sort(lines)
	return lines
}

// v2 signs under version 2: resource is the last line of the string to sign.
// date is the Date header's text, or that of x-amz-date where it begins so.
func v2(resource, date string) func(*shape) []string { return v2To("ecs.example.com", resource, date) }

func v2To(host, resource, date string) func(*shape) []string {
	return func(s *shape) []string {
		method, _, _ := strings.Cut(s.request, " ")
		dateLine, sent, more := date, "Date: "+date, []string(nil)
		if amz, ok := strings.CutPrefix(date, "x-amz-date:"); ok {
			dateLine, sent, more = "", "x-amz-date: "+amz, []string{"x-amz-date:" + amz}
		}
		lines := append([]string{method, s.header("Content-MD5"), s.header("Content-Type"), dateLine},
			append(s.signedLines(more, "x-amz-", "x-emc-"), resource)...)
		return []string{"Host: " + host, sent,
			"Authorization: AWS " + DefaultAccessKeyID + ":" + signV2(DefaultSecretAccessKey, strings.Join(lines, "\n"))}
	}
}

// v4 signs under version 4: resource is the canonical path and query as the
// client computes them, with a "?" between. hash is what the last line of the
// canonical request is: that "of the body", which is sent as
// x-amz-content-sha256, or "assumed" to be of no body, and not sent.
func v4(resource, hash, host string) func(*shape) []string {
	return func(s *shape) []string {
		method, _, _ := strings.Cut(s.request, " ")
		path, query, _ := strings.Cut(s.fill(resource), "?")
		sent := []string{"Host: " + host, "x-amz-date: " + shapeTime}
		more := []string{"host:" + host, "x-amz-date:" + shapeTime}
		payload := sigv4.EmptyPayloadHash
		if hash == "of the body" {
			sum := sha256.Sum256([]byte(s.body))
			payload = hex.EncodeToString(sum[:])
			sent = append(sent, "x-amz-content-sha256: "+payload)
			more = append(more, "x-amz-content-sha256:"+payload)
		}
		lines := s.signedLines(more, "content-type", "content-md5", "x-amz-", "x-emc-")
		var names []string
		for _, line := range lines {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
		signed := strings.Join(names, ";")
		canonical := strings.Join([]string{method, path, query, strings.Join(lines, "\n"), "", signed, payload}, "\n")
		at, _ := time.Parse(sigv4.TimeFormat, shapeTime)
		scope := sigv4.Scope(at, "us-east-1", "s3")
		sum := sigv4.Signature(sigv4.SigningKey(DefaultSecretAccessKey, at, "us-east-1", "s3"), sigv4.StringToSign(canonical, at, scope))
		return append(sent, "Authorization: AWS4-HMAC-SHA256 Credential="+DefaultAccessKeyID+"/"+scope+", SignedHeaders="+signed+", Signature="+sum)
	}
}

// presignedV2 makes the signature of a URL that is good until shapeExpires.
func presignedV2(host, resource string) func(*shape) []string {
	return func(s *shape) []string {
		s.signature = signV2(DefaultSecretAccessKey, "GET\n\n\n"+shapeExpires+"\n"+resource)
		return []string{"Host: " + host}
	}
}

// presignedV4 makes the signature of a URL whose query is in order but for the
// signature.
func presignedV4(host string) func(*shape) []string {
	return func(s *shape) []string {
		path, query, _ := strings.Cut(strings.TrimPrefix(s.request, "GET "), "?")
		query = strings.TrimSuffix(query, "&X-Amz-Signature={signature}")
		at, _ := time.Parse(sigv4.TimeFormat, shapeTime)
		canonical := strings.Join([]string{"GET", path, query, "host:" + host, "", "host", sigv4.UnsignedPayload}, "\n")
		s.signature = sigv4.Signature(sigv4.SigningKey(DefaultSecretAccessKey, at, "us-east-1", "s3"),
			sigv4.StringToSign(canonical, at, sigv4.Scope(at, "us-east-1", "s3")))
		return []string{"Host: " + host}
	}
}

// unsigned sends no signature.
func unsigned(*shape) []string { return []string{"Host: ecs.example.com"} }

// send writes the shape to a connection of its own.
func (s *shape) send(t *testing.T, address string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	ok(t, err)
	defer conn.Close()
	ok(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	method, target, _ := strings.Cut(s.request, " ")
	signed := s.sign(s)
	lines := append([]string{method + " " + s.fill(target) + " HTTP/1.1"}, signed...)
	if s.headers != "" {
		lines = append(lines, strings.Split(s.headers, "\n")...)
	}
	lines = append(lines, fmt.Sprint("Content-Length: ", len(s.body)), "Connection: close", "", s.body)
	_, err = io.WriteString(conn, strings.Join(lines, "\r\n"))
	ok(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	ok(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	ok(t, err)
	return answer{resp.StatusCode, resp.Header, string(data)}
}

var hex64 = regexp.MustCompile("^[0-9a-f]{64}$")

// describe writes every element of an answer, a line each, in an order that
// does not depend on what ECS leaves undefined.
func describe(n node) string {
	lines := []string{}
	var walk func(path string, n node)
	walk = func(path string, n node) {
		text := n.Text
		switch local := n.XMLName.Local; {
		case local == "queryMds":
			for _, e := range n.all("mdMap/entry") {
				lines = append(lines, path+" "+n.text("type")+" "+e.text("key")+"="+e.text("value"))
			}
			return
		case local == "Key" && len(n.Children) > 0, local == "Attribute":
			lines = append(lines, path+" "+n.text("Name")+" "+n.text("Datatype"))
			return
		case local == "objectId" && hex64.MatchString(text):
			text = "64 hex digits"
		}
		if len(n.Children) == 0 {
			lines = append(lines, path+" "+text)
		}
		for _, c := range n.Children {
			walk(path+"/"+c.XMLName.Local, c)
		}
	}
	for _, c := range n.Children {
		walk(c.XMLName.Local, c)
	}
	slices.Sort(lines)
	return strings.Join(append([]string{"{" + n.XMLName.Space + "}" + n.XMLName.Local}, lines...), "\n") + "\n"
}

// rowOf describes a page that has one match; more are further lines of it.
func rowOf(name, size, color, n string, more ...string) string {
	lines := append([]string{"IsTruncated false", "Marker ", "MaxKeys 1000", "Name b",
		"ObjectMatches/object/indexKey ", "ObjectMatches/object/objectId 64 hex digits", "ObjectMatches/object/objectName " + name,
		"ObjectMatches/object/queryMds SYSMD mtime=1793707200000", "ObjectMatches/object/queryMds SYSMD size=" + size,
		"ObjectMatches/object/queryMds USERMD x-amz-meta-color=" + color, "ObjectMatches/object/queryMds USERMD x-amz-meta-n=" + n,
		"ObjectMatches/object/versionId 0"}, more...)
	slices.Sort(lines)
	return "{}BucketQueryResult\n" + strings.Join(lines, "\n") + "\n"
}

// instead replaces lines of a description.
func instead(description string, oldNew ...string) string {
	return strings.NewReplacer(oldNew...).Replace(description)
}

const bucketKeys = `{http://s3.amazonaws.com/doc/2006-03-01/}MetadataSearchList
IndexableKeys/Key LastModified datetime
IndexableKeys/Key Size integer
IndexableKeys/Key x-amz-meta-color string
IndexableKeys/Key x-amz-meta-n integer
MetadataSearchEnabled true
OptionalAttributes 
`

const systemKeys = `{http://s3.amazonaws.com/doc/2006-03-01/}MetadataSearchList
IndexableKeys/Key CreateTime datetime
IndexableKeys/Key LastModified datetime
IndexableKeys/Key ObjectName string
IndexableKeys/Key Owner string
IndexableKeys/Key Size integer
OptionalAttributes/Attribute ContentEncoding string
OptionalAttributes/Attribute ContentType string
OptionalAttributes/Attribute CreateTime datetime
OptionalAttributes/Attribute Etag string
OptionalAttributes/Attribute Expiration datetime
OptionalAttributes/Attribute Expires datetime
OptionalAttributes/Attribute LastModified datetime
OptionalAttributes/Attribute Namespace string
OptionalAttributes/Attribute ObjName string
OptionalAttributes/Attribute ObjectName string
OptionalAttributes/Attribute Owner string
OptionalAttributes/Attribute Retention integer
OptionalAttributes/Attribute Size integer
`

var (
	red  = rowOf("o1", "5", "red", "42")
	blue = rowOf("o 2/x", "2", "light blue", "7")
	none = "{}BucketQueryResult\nIsTruncated false\nMarker \nMaxKeys 1000\nName b\nObjectMatches \n"
)

// shapes have the clients' forms from their published source:
// EMCECS/ecs-object-client-java (S3SignerV2, S3SignerV4, RestUtil),
// EMCECS/objectscale-s3-client-python, EMCECS/ecs-object-client-go,
// EMCECS/ecs-object-client-dotnet-new, EMCECS/ecs-object-client-windows-cpp
// (ECSConnection.cpp), EMCECS/s3curl, EMCECS/ecs-browser (config.json),
// EMCECS/smart-client-java; the demos are a Go "API explorer" and a Flask
// application that searches.
var shapes = []shape{
	{client: "Java V4, search", request: "GET /b?query=x-amz-meta-color%3D%3D%27red%27&include-older-versions=false",
		sign: v4("/b?include-older-versions=false&query=x-amz-meta-color%3D%3D%27red%27", "assumed", "ecs.example.com:9020"), want: red},
	{client: "Java V4, search with a blank, attributes, sorted and max-keys",
		request: "GET /b?query=x-amz-meta-color%3D%3D%27light%20blue%27%20and%20Size%3E0&attributes=Etag%2CContentType&sorted=Size&include-older-versions=false&max-keys=10",
		sign: v4("/b?attributes=Etag%2CContentType&include-older-versions=false&max-keys=10&query=x-amz-meta-color%3D%3D%27light%20blue%27%20and%20Size%3E0&sorted=Size",
			"assumed", "ecs.example.com"),
		want: instead(rowOf("o 2/x", "2", "light blue", "7", "ObjectMatches/object/queryMds SYSMD ctype=text/plain",
			"ObjectMatches/object/queryMds SYSMD etag=49f68a5c8493ec2c0bf489821c21fc3b"), "MaxKeys 1000", "MaxKeys 10")},
	{client: "Java V4, URLEncoder leaves * bare and encodes ~", request: "GET /b?query=x-amz-meta-color%3D%3D%27*%7E%27",
		sign: v4("/b?query=x-amz-meta-color%3D%3D%27*%7E%27", "assumed", "ecs.example.com"), want: none},
	{client: "Java V4, \"Signature= \" of 2021", request: "GET /b?searchmetadata", want: bucketKeys,
		sign: func(s *shape) []string {
			lines := v4("/b?searchmetadata=", "assumed", "ecs.example.com")(s)
			return strings.Split(strings.Replace(strings.Join(lines, "\n"), "Signature=", "Signature= ", 1), "\n")
		}},
	{client: "Java V4, keys of the service", request: "GET /?searchmetadata", sign: v4("/?searchmetadata=", "assumed", "ecs.example.com"), want: systemKeys},
	{client: "Java V4, keys of a bucket", request: "GET /b?searchmetadata", headers: "x-emc-namespace: ns1",
		sign: v4("/b?searchmetadata=", "assumed", "ecs.example.com"), want: bucketKeys},
	{client: "Java V4, prefix, delimiter and encoding-type",
		request: "GET /b?query=Size%3E0&prefix=o&delimiter=%2F&encoding-type=url", sign: v4("/b?delimiter=%2F&encoding-type=url&prefix=o&query=Size%3E0", "assumed", "ecs.example.com"),
		want: instead(rowOf("o1", "5", "red", "42", "CommonPrefixMatches/PrefixGroups o%202/"))},
	{client: "Java V4, create bucket", request: "PUT /java4", headers: "Content-Type: application/xml\nx-emc-metadata-search: x-amz-meta-datetime1;datetime,x-amz-meta-decimal1;decimal,x-amz-meta-integer1;integer,x-amz-meta-string1;string,ObjectName;string,LastModified;datetime",
		sign: v4("/java4", "assumed", "ecs.example.com")},
	{client: "Java V4, put without x-amz-content-sha256, signed as empty", request: "PUT /b/java%20key", headers: "Content-Type: text/plain\nx-amz-meta-color: green",
		body: "body", sign: v4("/b/java%20key", "assumed", "ecs.example.com")},
	{client: "Java V4, put of a key that begins with a slash", request: "PUT /b/%2Fslash~", body: "body", sign: v4("/b//slash~", "assumed", "ecs.example.com")},
	{client: "Java V2, search", request: "GET /b?query=x-amz-meta-color%3D%3D%27light%20blue%27&attributes=Size&include-older-versions=false",
		sign: v2("/b?query=x-amz-meta-color=='light blue'", "Tue, 3 Nov 2026 12:00:00 UTC"), want: blue},
	{client: "Java V2, keys of the service", request: "GET /?searchmetadata", sign: v2("/?searchmetadata", "Tue, 3 Nov 2026 12:00:00 UTC"), want: systemKeys},
	{client: "Java V2, keys of a bucket", request: "GET /b?searchmetadata", headers: "x-emc-namespace: ns1",
		sign: v2("/b?searchmetadata", "Tue, 3 Nov 2026 12:00:00 UTC"), want: bucketKeys},
	{client: "Java V2, create bucket", request: "PUT /java2", headers: "x-emc-metadata-search: x-amz-meta-STR;String,Size",
		sign: v2("/java2", "Tue, 3 Nov 2026 12:00:00 UTC")},
	{client: "Java V2, data nodes", request: "GET /?endpoint", sign: v2("/?endpoint", "Tue, 3 Nov 2026 12:00:00 UTC"),
		want: "{http://s3.amazonaws.com/doc/2006-03-01/}ListDataNode\nDataNodes 10.0.0.1\nDataNodes 10.0.0.2\nVersionInfo 3.8.0.0.1.ecstest\n"},
	{client: "Java smart client, ping", request: "GET /?ping", headers: "x-emc-namespace: x", sign: unsigned,
		want: "{http://s3.amazonaws.com/doc/2006-03-01/}PingList\nPingItem/Name LOAD_FACTOR\nPingItem/Name MAINTENANCE_MODE\nPingItem/Status OFF\nPingItem/Text Data Node is Available\nPingItem/Value 1\n"},
	{client: "Java V4, next page, marker encoded", request: "GET /b?query=x-amz-meta-n%3E%3D0&marker={marker%}&max-keys=1",
		sign: v4("/b?marker={marker%}&max-keys=1&query=x-amz-meta-n%3E%3D0", "assumed", "ecs.example.com"),
		want: instead(red, "MaxKeys 1000", "MaxKeys 1", "Marker ", "Marker {marker}")},

	{client: "Java V4, bucket and namespace in the host", request: "GET /?query=x-amz-meta-n%3E20", sign: v4("/?query=x-amz-meta-n%3E20", "assumed", "b.ns1.ecs.example.com"), want: red},
	{client: "Java V2, bucket and namespace in the host, both signed", request: "GET /?query=x-amz-meta-n%3E20",
		sign: v2To("b.ns1.ecs.example.com", "/ns1/b/?query=x-amz-meta-n>20", "Tue, 3 Nov 2026 12:00:00 UTC"), want: red},
	{client: "Java V2, bucket in the host", request: "GET /?searchmetadata", sign: v2To("b.ecs.example.com", "/b/?searchmetadata", "Tue, 3 Nov 2026 12:00:00 UTC"), want: bucketKeys},
	{client: "Java V4, presigned", request: "GET /b/o1?Action=GET&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ecsfs-demo-key%2F20261103%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261103T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}",
		sign: presignedV4("ecs.example.com"), want: "hello"},
	{client: "Java V2, presigned, with the signature first", request: "GET /b/o1?AWSAccessKeyId=ecsfs-demo-key&Expires=" + shapeExpires + "&Signature={signature}",
		sign: presignedV2("ecs.example.com", "/b/o1"), want: "hello"},

	{client: "Python, create bucket in a region", request: "PUT /TESTBUCKET1", headers: "x-emc-metadata-search: Size,CreateTime,LastModified,x-amz-meta-STR;String,x-amz-meta-INT;Integer",
		body: `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>`,
		sign: v4("/TESTBUCKET1", "of the body", "ecs.example.com")},
	{client: "Python, search", request: "GET /b/?query=LastModified%20%3E%202018-03-01T11%3A22%3A00Z%20and%20x-amz-meta-n%3D%3D42&attributes=Size&sorted=LastModified&include_older_version=true&max-keys=1000",
		sign: v4("/b/?attributes=Size&include_older_version=true&max-keys=1000&query=LastModified%20%3E%202018-03-01T11%3A22%3A00Z%20and%20x-amz-meta-n%3D%3D42&sorted=LastModified",
			"of the body", "ecs.example.com"), want: red},
	{client: "Python, next page", request: "GET /b/?query=x-amz-meta-n%3E%3D0&max-keys=1&marker={marker%}",
		sign: v4("/b/?marker={marker%}&max-keys=1&query=x-amz-meta-n%3E%3D0", "of the body", "ecs.example.com"),
		want: instead(red, "MaxKeys 1000", "MaxKeys 1", "Marker ", "Marker {marker}")},
	{client: "Python, keys of a bucket", request: "GET /b/?searchmetadata", sign: v4("/b/?searchmetadata=", "of the body", "ecs.example.com"), want: bucketKeys},
	{client: "Python, keys of the service", request: "GET /?searchmetadata", sign: v4("/?searchmetadata=", "of the body", "ecs.example.com"), want: systemKeys},
	{client: "Python, disable search", request: "DELETE /python?searchmetadata", sign: v4("/python?searchmetadata=", "of the body", "ecs.example.com"), status: 204},

	{client: "Go, search", request: "GET /b?attributes=Size&include-older-version=true&max-keys=10&query=x-amz-meta-n%3E20",
		sign: v4("/b?attributes=Size&include-older-version=true&max-keys=10&query=x-amz-meta-n%3E20", "of the body", "ecs.example.com"),
		want: instead(red, "MaxKeys 1000", "MaxKeys 10")},
	{client: "Go, keys of a bucket, with an equals sign", request: "GET /b?searchmetadata=", sign: v4("/b?searchmetadata=", "of the body", "ecs.example.com"), want: bucketKeys},
	{client: "Go, keys of the service, with an equals sign", request: "GET /?searchmetadata=", sign: v4("/?searchmetadata=", "of the body", "ecs.example.com"), want: systemKeys},
	{client: "Go, create bucket", request: "PUT /go", headers: "x-emc-metadata-search: Size,CreateTime,x-amz-meta-STR;String,x-amz-meta-INT;Integer,x-amz-meta-D;Datetime,x-amz-meta-F;Decimal\nx-emc-vpool: urn:storageos:ReplicationGroupInfo:1\nx-emc-retention-period: 0\nx-emc-is-stale-allowed: true",
		sign: v4("/go", "of the body", "ecs.example.com")},
	{client: "Go, disable search", request: "DELETE /go?searchmetadata=", sign: v4("/go?searchmetadata=", "of the body", "ecs.example.com"), status: 204},

	{client: ".NET, search in double quotes", request: "GET /b?attributes=ContentType&include-older-versions=true&max-keys=1000&query=x-amz-meta-color%3D%3D%22red%22&sorted=x-amz-meta-color",
		sign: v4("/b?attributes=ContentType&include-older-versions=true&max-keys=1000&query=x-amz-meta-color%3D%3D%22red%22&sorted=x-amz-meta-color", "of the body", "ecs.example.com"),
		want: rowOf("o1", "5", "red", "42", "ObjectMatches/object/queryMds SYSMD ctype=application/octet-stream")},
	{client: ".NET, decimal argument with an integer", request: "GET /b?query=x-amz-meta-n%3E%3D42", sign: v4("/b?query=x-amz-meta-n%3E%3D42", "of the body", "ecs.example.com"), want: red},
	{client: ".NET, create bucket", request: "PUT /net", headers: "x-emc-metadata-search: x-amz-meta-decimalvalue;decimal,x-amz-meta-stringvalue;string\nx-emc-dataservice-vpool: urn:storageos:ReplicationGroupInfo:1",
		sign: v4("/net", "of the body", "ecs.example.com")},

	{client: "C++ V2, search, all but letters and digits encoded, marker bare",
		request: "GET /b/?query=x%2damz%2dmeta%2dn%3e%3d0&attributes=Size&sorted=x%2damz%2dmeta%2dn&include-older-versions=false&max-keys=1&marker={marker}",
		sign:    v2("/b/?query=x-amz-meta-n>=0", shapeDate), want: instead(red, "MaxKeys 1000", "MaxKeys 1", "Marker ", "Marker {marker}")},
	{client: "C++ V4, search", request: "GET /b/?query=x%2Damz%2Dmeta%2Dcolor%3D%3D%22light%20blue%22&include-older-versions=false",
		sign: v4("/b/?include-older-versions=false&query=x-amz-meta-color%3D%3D%22light%20blue%22", "of the body", "ecs.example.com"), want: blue},
	{client: "C++ V2, keys of a bucket", request: "GET /b/?searchmetadata", sign: v2("/b/?searchmetadata", shapeDate), want: bucketKeys},
	{client: "C++ V2, create bucket", request: "PUT /cpp/", headers: "x-emc-metadata-search: Size,x-amz-meta-name;String,x-amz-meta-date;Datetime", sign: v2("/cpp/", shapeDate)},

	{client: "s3curl, search with bare operators", request: "GET /b?query=x-amz-meta-color==%27light%20blue%27&attributes=Size",
		sign: v2("/b?query=x-amz-meta-color=='light blue'", "Tue, 03 Nov 2026 12:00:00 +0000"), want: blue},
	{client: "s3curl, keys of a bucket", request: "GET /b?searchmetadata", sign: v2("/b?searchmetadata", "Tue, 03 Nov 2026 12:00:00 +0000"), want: bucketKeys},
	{client: "s3curl, create bucket", request: "PUT /s3curl", headers: "x-emc-metadata-search: LastModified,x-amz-meta-a;String", sign: v2("/s3curl", "Tue, 03 Nov 2026 12:00:00 +0000")},

	{client: "s3curl, query string authentication", request: "GET /b?query=x-amz-meta-n>20&AWSAccessKeyId=ecsfs-demo-key&Expires=" + shapeExpires + "&Signature={signature}",
		sign: presignedV2("ecs.example.com", "/b?query=x-amz-meta-n>20"), want: red},

	{client: "ecs-browser, search with a bare operator", request: "GET /b?query=x-amz-meta-n>20&attributes=ALL&include-older-versions=false&max-keys=1000",
		sign: v2("/b?query=x-amz-meta-n>20", "x-amz-date:"+shapeDate),
		want: rowOf("o1", "5", "red", "42", sysmd("ctype=application/octet-stream", "encoding=", "expiration=", "Expires=", "retention=",
			"etag=5d41402abc4b2a76b9719d911017c592", "namespace=ns1", "object-name=o1", "objname=o1", "owner=ecsfs-demo-key", "createtime=1793707200000")...)},
	{client: "ecs-browser, system metadata, marker bare", request: "GET /b?query=x-amz-meta-n>=0&attributes=Size&include-older-versions=false&max-keys=1&marker={marker}",
		sign: v2("/b?query=x-amz-meta-n>=0", shapeDate), want: instead(red, "MaxKeys 1000", "MaxKeys 1", "Marker ", "Marker {marker}")},
	{client: "ecs-browser, create bucket", request: "PUT /browser", headers: "x-emc-metadata-search: Size,CreateTime,LastModified,x-amz-meta-username;String,x-amz-meta-age;Integer",
		sign: v2("/browser", shapeDate)},

	{client: "Go demo, keys, signed without the equals sign that it sends", request: "GET /b/?searchmetadata=", headers: "x-emc-namespace: ns1",
		sign: v2("/b/?searchmetadata", "x-amz-date:Tue, 03 Nov 2026 12:00:00 UTC"), want: bucketKeys},
	{client: "Go demo, search", request: "GET /b/?max-keys=5&query=x-amz-meta-color%3D%3D%27red%27&sorted=x-amz-meta-color",
		sign: v2("/b/?query=x-amz-meta-color=='red'", "x-amz-date:Tue, 03 Nov 2026 12:00:00 UTC"), want: instead(red, "MaxKeys 1000", "MaxKeys 5")},
	{client: "Go demo, presigned with bucket and namespace in the host", request: "GET /o1?AWSAccessKeyId=ecsfs-demo-key&Expires=" + shapeExpires + "&Signature={signature}",
		sign: presignedV2("b.ns1.ecs.example.com", "/b/o1"), want: "hello"},
	{client: "Flask demo, or of tags and words, equals signs bare", request: "GET /b?query=x-amz-meta-color==%27light%20blue%27%20or%20x-amz-meta-color==%27pink%27",
		sign: v2("/b?query=x-amz-meta-color=='light blue' or x-amz-meta-color=='pink'", shapeDate), want: blue},
	{client: "Flask demo, quotes bare", request: "GET /b?query=x-amz-meta-color=='light%20blue'", sign: v2("/b?query=x-amz-meta-color=='light blue'", shapeDate), want: blue},
	{client: "Flask demo, a bucket without search", request: "GET /plain?searchmetadata", sign: v2("/plain?searchmetadata", shapeDate), status: 400,
		want: "{}Error\nCode Metadata search not enabled\nMessage Metadata search is not enabled for this bucket.\nRequestId \nResource /plain\n"},
}

func sysmd(entries ...string) []string {
	for i := range entries {
		entries[i] = "ObjectMatches/object/queryMds SYSMD " + entries[i]
	}
	return entries
}

// TestClientShapes: the emulator answers the requests of ECS's public clients,
// and the answers have exactly the elements that those clients read.
func TestClientShapes(t *testing.T) {
	at, err := time.Parse(sigv4.TimeFormat, shapeTime)
	ok(t, err)
	s, c := startServer(t, func(s *Server) {
		s.Now = func() time.Time { return at }
		s.VirtualHost, s.Namespace = "ecs.example.com", "ns1"
		s.DataNodes = []string{"10.0.0.1", "10.0.0.2"}
	})
	ok(t, s.CreateBucket("b", "Size", "LastModified", "x-amz-meta-color;String", "x-amz-meta-n;Integer"))
	ok(t, s.CreateBucket("python", "Size"))
	ok(t, s.CreateBucket("plain"))
	ok(t, s.PutObject("b", "o1", []byte("hello"), PutOptions{Metadata: map[string]string{"Color": "red", "n": "42"}}))
	ok(t, s.PutObject("b", "o 2/x", []byte("hi"), PutOptions{ContentType: "text/plain", Metadata: map[string]string{"color": "light blue", "n": "7"}}))
	marker := c.query("b", "x-amz-meta-n>=0", "max-keys", "1").text("NextMarker")
	for _, special := range []string{"+", "/", "="} {
		if !strings.Contains(marker, special) {
			t.Errorf("the marker %q has no %s", marker, special)
		}
	}
	for _, shape := range shapes {
		t.Run(shape.client, func(t *testing.T) {
			shape.marker = marker
			got := shape.send(t, s.Listener.Addr().String())
			got.must(t, cmp.Or(shape.status, http.StatusOK))
			description := got.body
			if strings.HasPrefix(got.body, "<") {
				description = describe(got.xml(t))
			}
			if id := got.header.Get("X-Amz-Request-Id"); got.status >= 400 {
				description = strings.ReplaceAll(description, id, "")
			}
			if diff := gocmp.Diff(shape.fill(shape.want), description); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := c.get("/b/java%20key").must(t, 200); got.body != "body" || got.header.Get("x-amz-meta-color") != "green" {
		t.Errorf("Java's PUT is %+v", got)
	}
	c.get("/b//slash~").must(t, 200)
	for bucket, want := range map[string][]string{"TESTBUCKET1": {"CreateTime", "LastModified", "Size", "x-amz-meta-int", "x-amz-meta-str"},
		"java2": {"Size", "x-amz-meta-str"}, "net": {"x-amz-meta-decimalvalue", "x-amz-meta-stringvalue"}} {
		if got := c.get("/" + bucket + "?searchmetadata").xml(t).texts("IndexableKeys/Key/Name"); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s has %q, want %q", bucket, got, want)
		}
	}
	for _, bucket := range []string{"go", "python"} {
		c.get("/"+bucket+"?searchmetadata").must(t, 400)
	}
}
