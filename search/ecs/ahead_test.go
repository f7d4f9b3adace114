package ecs_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// TestNextPageIsUnderWay holds each page back, where its head tells what follows, until the request
// of the next has come; where it does not, each is followed by that while its first row is consumed. Pages are asked for once.
func TestNextPageIsUnderWay(t *testing.T) {
	const pages = 4
	object := func(n int) string {
		return fmt.Sprintf("<Contents><Key>%d</Key><Size>1</Size><ETag>e</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>", n)
	}
	version := func(n int) string {
		return strings.NewReplacer("Contents>", "Version>", "<Size>", "<VersionId>v</VersionId><Size>").Replace(object(n))
	}
	tests := []struct {
		name string
		// head and rows of page n of 0 to pages-1; param is where a request has its number.
		head, rows func(n int) string
		root       string
		param      string
		early      bool // the head says what follows
		firstHeld  int  // page from which it is held back
		query      bool
		options    search.ListOptions
	}{
		{name: "query", root: "BucketQueryResult", param: "marker", early: true, query: true,
			head: func(n int) string { return fmt.Sprintf("<NextMarker>%d</NextMarker>", n+1) },
			rows: func(n int) string { return matches(fmt.Sprint(n)) }},
		{name: "folders", root: "ListBucketResult", param: "marker", early: true,
			head: func(n int) string {
				return fmt.Sprintf("<NextMarker>%%%02x</NextMarker><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>", '1'+n)
			},
			rows: object},
		{name: "objects", root: "ListBucketResult", param: "marker", options: search.ListOptions{Recursive: true},
			head: func(int) string { return "<IsTruncated>true</IsTruncated>" },
			rows: func(n int) string { return object(n + 1) }},
		{name: "marker behind the rows", root: "ListBucketResult", param: "marker",
			head: func(int) string { return "<IsTruncated>true</IsTruncated>" },
			rows: func(n int) string { return object(n) + fmt.Sprintf("<NextMarker>%d</NextMarker>", n+1) }},
		{name: "encoding not told in time", root: "ListBucketResult", param: "marker",
			head: func(n int) string {
				return fmt.Sprintf("<NextMarker>%%%02x</NextMarker><IsTruncated>true</IsTruncated>", '1'+n)
			},
			rows: func(n int) string { return object(n) + "<EncodingType>url</EncodingType>" }},
		// How versions are read is known by the first page.
		{name: "versions", root: "ListVersionsResult", param: "key-marker", early: true, firstHeld: 1, options: search.ListOptions{Recursive: true, Versions: true},
			head: func(n int) string {
				return fmt.Sprintf("<NextKeyMarker>%d</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker><IsTruncated>true</IsTruncated>", n+1)
			},
			rows: version},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := make([]chan struct{}, pages)
			for i := range asked {
				asked[i] = make(chan struct{})
			}
			wait := func(n int, where string) {
				select {
				case <-asked[n]:
				case <-time.After(10 * time.Second):
					t.Errorf("%s: page %d was not asked for", where, n)
				}
			}
			url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if q.Has("searchmetadata") {
					io.WriteString(w, "<MetadataSearchList><IndexableKeys><Key><Name>Size</Name></Key></IndexableKeys></MetadataSearchList>")
					return
				}
				n := 0
				fmt.Sscan(q.Get(tt.param), &n)
				close(asked[n]) // a second time is a panic
				io.WriteString(w, "<"+tt.root+">")
				if n+1 < pages {
					io.WriteString(w, tt.head(n))
				}
				if n+1 < pages && tt.early && n >= tt.firstHeld {
					io.WriteString(w, tt.rows(n)[:strings.IndexByte(tt.rows(n)[1:], '<')+1]) // the first row begins
					_ = http.NewResponseController(w).Flush()
					wait(n+1, fmt.Sprintf("while page %d is sent", n))
					io.WriteString(w, tt.rows(n)[strings.IndexByte(tt.rows(n)[1:], '<')+1:])
				} else if n+1 < pages {
					io.WriteString(w, tt.rows(n))
				} else {
					io.WriteString(w, lastRow(tt.rows(n)))
				}
				io.WriteString(w, "</"+tt.root+">")
			})
			s := newStore(t, url)
			n := 0
			if tt.query {
				for _, err := range s.Query(t.Context(), search.Listing{Bucket: "b", Where: where(t, s, "b", "size,ge,0")}) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n < pages {
						wait(n, "while a row is consumed")
					}
				}
			} else {
				for _, err := range s.List(t.Context(), "b", tt.options) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; n < pages {
						wait(n, "while a row is consumed")
					}
				}
			}
			if n != pages {
				t.Errorf("%d rows, want %d", n, pages)
			}
		})
	}
}

// lastRow returns rows without a marker among them.
func lastRow(rows string) string {
	if i := strings.Index(rows, "<NextMarker>"); i >= 0 {
		return rows[:i]
	}
	return rows
}
