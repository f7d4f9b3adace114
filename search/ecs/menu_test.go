package ecs_test

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// menuOf returns the labels of the menu that l lists, and how many searches it took.
func menuOf(t *testing.T, srv *ecstest.Server, c *store, d search.Dir, key string) (labels []string, searches int) {
	t.Helper()
	s, err := c.Schema(t.Context(), d.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	k, err := search.MenuKey(s, key)
	if err != nil {
		t.Fatal(err)
	}
	srv.ResetRequests()
	for i, err := range search.Values(t.Context(), c, d.Values(k, time.Now(), time.Second)) {
		if err != nil {
			t.Fatal(err)
		}
		labels = append(labels, i.Label)
	}
	return labels, srv.Counts()["Query"]
}

// TestSkipScanOfAMillionObjects: a menu of 40 values costs at most 42 searches of one row each, however many
// objects have them. It is of fewer objects with -short.
func TestSkipScanOfAMillionObjects(t *testing.T) {
	const values = 40
	objects := 1_000_000
	if testing.Short() {
		objects = 20_000
	}
	srv := startServer(t)
	if err := srv.CreateBucket("b", "x-amz-meta-color;string"); err != nil {
		t.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // half the time to build it
	for i := range objects {
		err := srv.PutObject("b", fmt.Sprintf("%07d", i), nil, ecstest.PutOptions{Metadata: map[string]string{"color": fmt.Sprintf("color%02d", i*7%values)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := newStore(t, srv.URL)
	labels, searches := menuOf(t, srv, c, search.Dir{Bucket: "b"}, "color")
	if len(labels) != values || labels[0] != "color00" || labels[values-1] != "color39" {
		t.Errorf("%d values: %q", len(labels), labels)
	}
	if searches > values+2 {
		t.Errorf("%d searches for %d values", searches, values)
	}
	asked := 0
	for _, r := range srv.Requests() {
		if r.Operation != "Query" {
			continue
		}
		asked++
		if r.Query.Get("max-keys") != "1" || r.Query.Get("sorted") != "x-amz-meta-color" {
			t.Errorf("asked for %v", r.Query)
		}
	}
	if asked != searches {
		t.Errorf("%d of %d searches are on record", asked, searches)
	}
}

// TestMenusOfBuckets: what a menu asks of a bucket, by the way that its engine and its query allow.
func TestMenusOfBuckets(t *testing.T) {
	srv := startServer(t)
	for name, keys := range map[string][]string{
		"names": {"Size", "LastModified", "ObjectName", "x-amz-meta-color;string", "x-amz-meta-score;decimal"},
		"plain": {"Size", "LastModified", "x-amz-meta-color;string"},
		"none":  nil,
	} {
		if err := srv.CreateBucket(name, keys...); err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			err := srv.PutObject(name, fmt.Sprintf("%s/%02d", []string{"even", "odd"}[i%2], i), make([]byte, i), ecstest.PutOptions{
				LastModified: time.Date(2020+i%3, 1, 1, 0, 0, 0, 0, time.UTC),
				Metadata:     map[string]string{"color": []string{"red", "green", "blue"}[i%3], "score": fmt.Sprint(float64(i%4) / 2)}})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	c := newStore(t, srv.URL)
	for _, tt := range []struct {
		bucket, prefix, where, key string
		want                       string
		searches                   int
	}{
		{"names", "", "", "color", "blue green red", 4},
		{"names", "odd/", "", "color", "blue green red", 4}, // by a range of names
		{"plain", "odd/", "", "color", "blue green red", 1}, // by one pass, as a prefix has no order
		{"names", "", "color,in,red,blue", "color", "blue red", 1},
		{"names", "", "color,gt,blue", "color", "green red", 3},
		{"names", "", "size,lt,3", "color", "blue green red", 4},
		{"names", "", "name,suffix,3", "color", "blue green red", 6},
		{"names", "", "", "score", "0 0.1..1 1..10", 5},
		{"names", "", "size,ge,10", "size", "10..20 20..30", 5},
		{"names", "odd/", "", "name", "odd/01 odd/03 odd/05 odd/07 odd/09 odd/11 odd/13 odd/15 odd/17 odd/19 odd/21 odd/23 odd/25 odd/27 odd/29", 16},
		{"names", "", "", "mtime", "2020 2021 2022", 4},
		{"none", "", "", "mtime", "2020 2021 2022", 0},
		{"none", "odd/", "size,ge,10", "size", "10..20 20..30", 0},
	} {
		d := search.Dir{Bucket: tt.bucket, Prefix: tt.prefix}
		if tt.where != "" {
			d = d.Narrow(where(t, c, tt.bucket, tt.where))
		}
		labels, searches := menuOf(t, srv, c, d, tt.key)
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt, got, tt.want)
		}
		if searches != tt.searches {
			t.Errorf("%v: %d searches", tt, searches)
		}
	}
}
