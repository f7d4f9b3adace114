package ecstest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCreateBucketHeaders: the headers that ECS's clients send when they make a
// bucket are taken, the storage pool under its old name too, and have no effect.
func TestCreateBucketHeaders(t *testing.T) {
	_, c := startServer(t)
	for header, text := range map[string]string{
		"x-emc-namespace":                          "ns1",
		"x-emc-dataservice-vpool":                  "urn:storageos:ReplicationGroupInfo:1:global",
		"x-emc-vpool":                              "urn:storageos:ReplicationGroupInfo:1:global",
		"x-emc-file-system-access-enabled":         "false",
		"x-emc-is-stale-allowed":                   "true",
		"x-emc-server-side-encryption-enabled":     "false",
		"x-emc-retention-period":                   "0",
		"x-emc-compliance-enabled":                 "false",
		"x-emc-autocommit-period":                  "0",
		"x-emc-metadata-search":                    "Size",
		"x-emc-a-header-that-is-yet-to-be-thought": "of",
	} {
		bucket := "B-" + strings.ToUpper(strings.TrimPrefix(header, "x-emc-"))
		headers := []string{header, text}
		if header != "x-emc-metadata-search" {
			headers = append(headers, "x-emc-metadata-search", "Size")
		}
		c.do("PUT", "/"+bucket, "", headers...).must(t, 200)
		if diff := cmp.Diff([]string{"Size integer"}, keyRows(c.get("/"+bucket+"?searchmetadata").must(t, 200).xml(t), "IndexableKeys/Key")); diff != "" {
			t.Errorf("%s: %s", header, diff)
		}
		c.do("PUT", "/"+bucket+"/k", "x").must(t, 200)
		if got := names(c.query(bucket, "Size==1")); len(got) != 1 {
			t.Errorf("%s: %q", header, got)
		}
	}
	// Names that differ in case are different buckets.
	c.do("PUT", "/b-vpool", "").must(t, 200)
}

// TestSearchKeyHeaderErrors: what is wrong with the header is in the message.
func TestSearchKeyHeaderErrors(t *testing.T) {
	_, c := startServer(t)
	for header, text := range map[string]string{
		"x-amz-meta-a; string":               `" string" is no datatype (string, integer, decimal, datetime)`,
		"x-amz-meta-a ;string":               "characters that a query cannot name",
		"x-amz-meta-a;string;integer":        `"string;integer" is no datatype`,
		"Size,Size":                          "Size is there twice",
		"Size,SIZE":                          "Size is there twice",
		"LastModified;string":                "LastModified is of datatype datetime, not string",
		"Etag":                               "Etag cannot be indexed",
		"x-amz-meta-\xc3\xb6;string":         "characters that a query cannot name",
		strings.Repeat("Size,", 30) + "Size": "Size is there twice",
	} {
		e := c.do("PUT", "/b", "", "x-emc-metadata-search", header).must(t, 400).xml(t)
		if e.text("Code") != "InvalidArgument" || !strings.Contains(e.text("Message"), text) {
			t.Errorf("%q: %s: %s", header, e.text("Code"), e.text("Message"))
		}
		c.do("HEAD", "/b", "").must(t, 404)
	}
}
