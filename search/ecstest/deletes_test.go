package ecstest

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func digestOf(body string) string {
	sum := md5.Sum([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// deleteMany sends a DeleteObjects of key, version, key, version ...
func (c *client) deleteMany(quiet bool, objects ...string) answer {
	var b strings.Builder
	fmt.Fprintf(&b, `<Delete xmlns="%s"><Quiet>%v</Quiet>`, s3Namespace, quiet)
	for i := 0; i < len(objects); i += 2 {
		fmt.Fprintf(&b, "<Object><Key>%s</Key>", objects[i])
		if objects[i+1] != "" {
			fmt.Fprintf(&b, "<VersionId>%s</VersionId>", objects[i+1])
		}
		b.WriteString("</Object>")
	}
	body := b.String() + "</Delete>"
	return c.do("POST", "/b?delete", body, "Content-MD5", digestOf(body))
}

func TestDeleteObjects(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "Size"))
	for _, key := range []string{"a", "b", "c&amp;d", "c&d", "stays"} {
		ok(t, s.PutObject("b", key, nil, PutOptions{}))
	}
	long := strings.Repeat("k", 1025)
	got := c.deleteMany(false, "a", "", "a", "", "missing", "", "c&amp;d", "null", long, "", "b", "").must(t, 200).xml(t)
	if got.XMLName.Space != s3Namespace || got.XMLName.Local != "DeleteResult" {
		t.Errorf("got %+v", got.XMLName)
	}
	if diff := cmp.Diff([]string{"a", "a", "missing", "c&d", "b"}, got.texts("Deleted/Key")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{long, "KeyTooLongError"}, []string{got.text("Error/Key"), got.text("Error/Code")}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"c&amp;d", "stays"}, c.get("/b").must(t, 200).xml(t).texts("Contents/Key")); diff != "" {
		t.Error(diff)
	}
	if n := names(c.query("b", "Size>=0")); len(n) != 2 {
		t.Errorf("found %q", n)
	}
	quiet := c.deleteMany(true, "stays", "", long, "").must(t, 200).xml(t)
	if len(quiet.all("Deleted")) != 0 || len(quiet.all("Error")) != 1 {
		t.Errorf("quietly: %+v", quiet)
	}
}

func TestDeleteObjectsWithVersions(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	ok(t, s.SetVersioning("b", true))
	one := c.do("PUT", "/b/k", "1").must(t, 200).header.Get("x-amz-version-id")
	c.do("PUT", "/b/k", "2").must(t, 200)
	got := c.deleteMany(false, "k", one, "k", "", "k", "").must(t, 200).xml(t).all("Deleted")
	if len(got) != 3 || got[0].text("VersionId") != one || got[0].text("DeleteMarker") != "<none>" ||
		got[1].text("DeleteMarker") != "true" || got[1].text("VersionId") != "<none>" ||
		got[1].text("DeleteMarkerVersionId") == got[2].text("DeleteMarkerVersionId") {
		t.Errorf("got %+v", got)
	}
	versions := c.get("/b?versions").must(t, 200).xml(t)
	if len(versions.all("DeleteMarker")) != 2 || len(versions.all("Version")) != 1 {
		t.Errorf("left: %+v", versions)
	}
	marker := got[2].text("DeleteMarkerVersionId")
	undelete := c.deleteMany(false, "k", marker).must(t, 200).xml(t).all("Deleted")[0]
	if undelete.text("DeleteMarker") != "true" || undelete.text("DeleteMarkerVersionId") != marker || undelete.text("VersionId") != marker {
		t.Errorf("got %+v", undelete)
	}
}

// counting is storage that counts its commits.
type counting struct {
	storage
	commits int
}

func (s *counting) commit(c *change) error {
	s.commits++
	return s.storage.commit(c)
}

// TestDeleteObjectsAtOnce: versions are deleted in one change, of which a disk
// makes one sync, but for a deletion that needs another's outcome.
func TestDeleteObjectsAtOnce(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, c := startServer(t, onDisk(dir))
		ok(t, s.CreateBucket("b"))
		c.do("PUT", "/b/k", "null").must(t, 200)
		ok(t, s.SetVersioning("b", true))
		var objects []string
		for range 5 {
			for _, key := range []string{"k", "l"} {
				objects = append(objects, key, c.do("PUT", "/b/"+key, "x").must(t, 200).header.Get("x-amz-version-id"))
			}
		}
		counted := &counting{storage: s.store.storage}
		s.store.storage = counted
		objects = append(objects, "k", "null", "m", "", "n", "") // one change
		objects = append(objects, "k", "0", "k", "")             // the null version again, which is gone; the key: one change
		objects = append(objects, "l", objects[3], "k", "")      // a version that is gone; the key again: one
		if n := len(c.deleteMany(false, objects...).must(t, 200).xml(t).all("Deleted")); n != len(objects)/2 {
			t.Errorf("%d deletions told of %d", n, len(objects)/2)
		}
		left := c.get("/b?versions").must(t, 200).xml(t)
		if v, m := len(left.all("Version")), strings.Join(left.texts("DeleteMarker/Key"), ""); v != 0 || m != "kkmn" {
			t.Errorf("%d versions are left, and delete markers of %q", v, m)
		}
		if counted.commits != 3 {
			t.Errorf("%d commits, want 3", counted.commits)
		}
	}
}

func TestDeleteObjectsErrors(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	many := func(n int) string {
		return "<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", n) + "</Delete>"
	}
	// Each byte of a key may be a character reference.
	longest := strings.ReplaceAll(many(1000), "<Key>k", "<Key>"+strings.Repeat("&quot;", 1024))
	for _, tc := range []struct {
		fact, target, body, digest string
		status                     int
		code                       string
	}{
		{"1000 keys", "/b?delete", many(1000), digestOf(many(1000)), 200, "<none>"},
		{"1000 long keys", "/b?delete", longest, digestOf(longest), 200, "<none>"},
		{"1001 keys", "/b?delete", many(1001), digestOf(many(1001)), 400, "MalformedXML"},
		{"no key", "/b?delete", many(0), digestOf(many(0)), 400, "MalformedXML"},
		{"no document", "/b?delete", "", digestOf(""), 400, "MalformedXML"},
		{"no digest", "/b?delete", many(1), "", 400, "InvalidRequest"},
		{"another digest", "/b?delete", many(1), digestOf("x"), 400, "BadDigest"},
		{"no bucket", "/none?delete", many(1), digestOf(many(1)), 404, "NoSuchBucket"},
		{"a bucket's POST without delete", "/b", many(1), digestOf(many(1)), 405, "MethodNotAllowed"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			headers := []string{"Content-MD5", tc.digest}
			if tc.digest == "" {
				headers = nil
			}
			if got := c.do("POST", tc.target, tc.body, headers...).must(t, tc.status).xml(t); got.text("Code") != tc.code {
				t.Errorf("got %+v, want %s", got, tc.code)
			}
		})
	}
}

func TestACL(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	ok(t, s.PutObject("b", "k", nil, PutOptions{}))
	for _, target := range []string{"/b?acl", "/b/k?acl", "/b/k?acl&versionId=null"} {
		got := c.get(target).must(t, 200).xml(t)
		if got.XMLName.Local != "AccessControlPolicy" || got.text("Owner/ID") != DefaultAccessKeyID ||
			got.text("AccessControlList/Grant/Grantee/ID") != DefaultAccessKeyID || got.text("AccessControlList/Grant/Permission") != "FULL_CONTROL" {
			t.Errorf("%s: %+v", target, got)
		}
	}
	c.get("/none?acl").must(t, 404)
	c.get("/b/none?acl").must(t, 404)
	c.do("PUT", "/b?acl", "").must(t, 501)
	c.do("PUT", "/b/k?acl", "").must(t, 501)
}
