package ecstest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// opaque are texts that have a form but say nothing.
var opaque = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`<objectId>[0-9a-f]{64}<`), "<objectId>64 hex digits<"},
	{regexp.MustCompile(`<NextMarker>\+/\+/[0-9A-Za-z+/]+={1,2}<`), "<NextMarker>base64<"},
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestGenerationXML holds the whole answers of each generation to the same
// requests. Line breaks between elements are the files' only; so are the words
// for what is opaque.
func TestGenerationXML(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	eachGeneration(t, func(t *testing.T, g Generation, s *Server, c *client) {
		ok(t, s.CreateBucket("b", "Size", "LastModified", "x-amz-meta-Color;String", "x-amz-meta-n;integer"))
		for i, key := range []string{"a <&>.txt", "dir/1", "dir/2", "dir/sub/3", "other"} {
			ok(t, s.PutObject("b", key, make([]byte, i), PutOptions{ContentType: "text/plain", LastModified: now.Add(time.Duration(i) * time.Millisecond),
				Metadata: map[string]string{"color": "red", "n": fmt.Sprint(i), "note": "not indexed"}}))
		}
		ok(t, s.PutObject("b", "none", nil, PutOptions{LastModified: now}))
		var got strings.Builder
		for _, target := range []string{
			"/?searchmetadata",
			"/b?searchmetadata",
			queryTarget("b", "x-amz-meta-Color=='red' and Size>=0", "sorted", "Size", "max-keys", "2"),
			queryTarget("b", "Size>=0 and x-amz-meta-Color=='red'", "attributes", "ContentType,Etag,x-amz-meta-note", "prefix", "dir/", "delimiter", "/"),
			queryTarget("b", "Size>9"),
			"/?endpoint",
		} {
			body := c.get(target).must(t, 200).body
			for _, o := range opaque {
				body = o.form.ReplaceAllString(body, o.as)
			}
			fmt.Fprintf(&got, "GET %s\n%s\n\n", target, strings.ReplaceAll(body, "><", ">\n<"))
		}
		file := filepath.Join("testdata", "generations", string(g)+".txt")
		if *update {
			ok(t, os.MkdirAll(filepath.Dir(file), 0o755))
			ok(t, os.WriteFile(file, []byte(got.String()), 0o644))
		}
		want, err := os.ReadFile(file)
		ok(t, err)
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, diff)
		}
	}, func(s *Server) { s.Now = func() time.Time { return now } })
}
