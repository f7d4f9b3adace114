package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
)

func TestParseIndex(t *testing.T) {
	for _, c := range []struct {
		lists []string
		want  []search.Key
	}{
		{nil, nil},
		{[]string{"Size,LastModified,color:string,n:integer"}, []search.Key{
			{Name: "Size", Type: search.Integer, Indexed: true}, {Name: "LastModified", Type: search.Datetime, Indexed: true},
			{Name: "x-amz-meta-color", Indexed: true}, {Name: "x-amz-meta-n", Type: search.Integer, Indexed: true},
		}},
		{[]string{"mtime", "meta.size:Decimal", " x-amz-meta-Color:STRING , Owner:string"}, []search.Key{
			{Name: "LastModified", Type: search.Datetime, Indexed: true}, {Name: "x-amz-meta-size", Type: search.Decimal, Indexed: true},
			{Name: "x-amz-meta-color", Indexed: true}, {Name: "Owner", Indexed: true},
		}},
		{[]string{"replicationstatus,sys.size,d:datetime"}, []search.Key{
			{Name: "ReplicationStatus", Indexed: true}, {Name: "Size", Type: search.Integer, Indexed: true},
			{Name: "x-amz-meta-d", Type: search.Datetime, Indexed: true},
		}},
	} {
		got, err := parseIndex(c.lists)
		if err != nil {
			t.Errorf("%q: %v", c.lists, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: %s", c.lists, diff)
		}
	}
}

func TestParseIndexErrors(t *testing.T) {
	var many []string
	for i := range 31 {
		many = append(many, fmt.Sprintf("k%d:string", i))
	}
	for list, want := range map[string]string{
		"color":                              "color:string",
		"size:string":                        "Size is a system key of datatype integer; user metadata of that name is meta.size:string",
		"ContentType":                        "ECS can return ContentType, not index it",
		"base":                               "meta.base:string",
		"sys.etag":                           "meta.etag:string",
		"n:int":                              "did you mean integer?",
		"n:strng":                            "did you mean string?",
		"n:blob":                             `"blob" is no datatype: string, integer, decimal, datetime`,
		"n:":                                 `"" is no datatype`,
		"":                                   "a key is missing",
		"Size,,n:integer":                    "a key is missing",
		"Size,size":                          "Size is named twice",
		"c:string,meta.C:integer":            "x-amz-meta-c is named twice",
		"color;string":                       "color:string",
		"color=red":                          "NAME:DATATYPE",
		"x-amz-meta-:string":                 "no name",
		"two words:string":                   "letters, digits",
		"größe:integer":                      "letters, digits",
		strings.Join(many, ","):              "31 keys, and ECS indexes at most 30",
		strings.Repeat("x", 256) + ":string": "at most 255",
	} {
		_, err := parseIndex([]string{list})
		if err == nil || !strings.Contains(err.Error(), want) || codeOf(err) != exitUsage {
			t.Errorf("--index %s: %v, want an error of the command line with %q", list, err, want)
		}
	}
}

// TestExampleQuery: what is shown to be typed is a query of that bucket.
func TestExampleQuery(t *testing.T) {
	for _, list := range []string{"Size", "Owner,LastModified", "Size,color:string", "n:integer", "p:decimal", "due:datetime,Size", "meta.size:integer"} {
		keys, err := parseIndex([]string{list})
		if err != nil {
			t.Fatal(err)
		}
		example := exampleQuery(keys)
		c, err := search.ParseComponent(example, search.Schema{Bucket: "b", Enabled: true, Indexed: keys})
		if err != nil || c.Kind != search.ComponentPredicate {
			t.Errorf("--index %s: %s is no query: %+v %v", list, example, c, err)
		}
	}
}
