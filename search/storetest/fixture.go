package storetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// The buckets of the fixed fixture. Their names are unlikely enough for an
// account that has others.
const (
	plainBucket   = "storetest-plain"
	indexedBucket = "storetest-indexed"
	emptyBucket   = "storetest-empty"
	missingBucket = "storetest-missing" // never made
)

// bigSize spans many network packets, in bytes.
const bigSize = 1<<20 + 17

// awkwardKeys are names that encoders, parsers and cleaners of paths get wrong.
var awkwardKeys = []string{
	"a b", "a+b", "a%2Bb", "a%b", "a%", "100%25", "a&b=c", "a?b", "a#b", "a;b", "a:b@c", "a\\b", "a'b\"c", "<a>&amp;",
	"*", "~", "(x)!$,", "-leading", "trailing ", " leading",
	"/slash/first", "double//slash", "dots/../up", "dots/./here", "..", ".", "end/", "end/.", "deep/a/b/c/d",
	"ünïcode/übung", "日本語/鍵.txt", "emoji-😀", "combining-e\u0301", "bidi-\u202eabc",
	"tab\there", "line\nbreak", "return\rhere", "control-\x01", "control-\x1d/below", "del-\x7f",
	"size,gt,100", "@explain", "year=2024/month=01/x", "null", "NO MORE PAGES", "searchmetadata",
	strings.Repeat("long/", 200) + "x",
}

func fixedFixture(o Options) Fixture {
	f := Fixture{Seed: 7, Buckets: []Bucket{
		{Name: plainBucket, Objects: plainObjects()},
		{Name: indexedBucket, Index: fixedIndex(), Objects: indexedObjects()},
		{Name: emptyBucket, Index: fixedIndex()},
	}}
	if o.NamesInXML {
		for i := range f.Buckets {
			f.Buckets[i].Objects = slices.DeleteFunc(f.Buckets[i].Objects, func(o Object) bool {
				return strings.ContainsFunc(o.Key, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r", r) })
			})
		}
	}
	return f
}

func plainObjects() []Object {
	objects := []Object{
		{Key: "zero", ContentType: "text/plain"},
		{Key: "folder/", ContentType: "application/x-directory"},
		{Key: "folder/big", Data: pattern(bigSize), ContentType: "application/octet-stream",
			Metadata: map[string]string{"origin": "pattern", "empty": ""}},
		{Key: "folder/sub/one", Data: []byte("one")},
		{Key: "folder/sub/two", Data: []byte("two")},
		{Key: "folder", Data: []byte("an object named like a folder")},
		{Key: "folder2/x", Data: []byte("x")},
	}
	for _, key := range awkwardKeys {
		objects = append(objects, Object{Key: key, Data: []byte("data of " + key)})
	}
	return objects
}

// pattern returns n bytes in which no run repeats, so that misplaced bytes show.
func pattern(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		h := sha256.Sum256(fmt.Appendf(nil, "%d", i))
		b.Write(h[:])
	}
	return b.Bytes()[:n]
}

// fixedIndex is ordered by name, as Schema.Indexed is.
func fixedIndex() []search.Key {
	keys := []search.Key{
		{Name: "ObjectName", Type: search.String}, {Name: "Owner", Type: search.String},
		{Name: "Size", Type: search.Integer},
		{Name: "CreateTime", Type: search.Datetime}, {Name: "LastModified", Type: search.Datetime},
		{Name: "x-amz-meta-color", Type: search.String}, {Name: "x-amz-meta-title", Type: search.String},
		{Name: "x-amz-meta-n", Type: search.Integer}, {Name: "x-amz-meta-ratio", Type: search.Decimal},
		{Name: "x-amz-meta-when", Type: search.Datetime},
	}
	for i := range keys {
		keys[i].Indexed = true
	}
	sortKeys(keys)
	return keys
}

func sortKeys(keys []search.Key) {
	slices.SortFunc(keys, func(a, b search.Key) int { return strings.Compare(a.Name, b.Name) })
}

var titles = []string{"", "a", "A", "it's", `say "hi"`, `both ' and "`, "a b", "100%", "x+y&z=1;2", "<tag>", "größe", "😀 smile", "comma,slash/"}

func indexedObjects() []Object {
	colors := []string{"red", "green", "blue", "Red"}
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	objects := make([]Object, 0, 80)
	for i := range 60 {
		meta := map[string]string{
			"n":     fmt.Sprint(i - 20),
			"title": titles[i%len(titles)],
			"when":  start.AddDate(0, 0, i).Format("2006-01-02T15:04:05Z"),
			"ratio": fmt.Sprintf("%d.%d", i/4, i%4*25),
		}
		if i%3 > 0 {
			meta["color"] = colors[i%len(colors)]
		}
		if i%7 == 0 {
			meta["n"] = "not a number" // in no index
		}
		if i%5 == 0 {
			meta["note"] = fmt.Sprintf("unindexed %d", i%10)
		}
		objects = append(objects, Object{
			Key:          fmt.Sprintf("%s/%02d.%s", []string{"logs", "logs/2026", "img", "a b+c"}[i%4], i, []string{"txt", "png"}[i%2]),
			Data:         bytes.Repeat([]byte("x"), i*i),
			Metadata:     meta,
			ContentType:  []string{"text/plain", "image/png"}[i%2],
			LastModified: start.Add(time.Duration(i) * 36 * time.Hour).Add(time.Duration(i%3) * 250 * time.Millisecond),
		})
	}
	for i, key := range awkwardKeys {
		objects = append(objects, Object{Key: "awkward/" + key, Data: []byte(key), Metadata: map[string]string{"color": "odd", "n": fmt.Sprint(1000 + i)}})
	}
	return objects
}

// bucketOf returns a bucket of the fixture.
func (u suite) bucketOf(name string) Bucket {
	for _, b := range u.fixture.Buckets {
		if b.Name == name {
			return b
		}
	}
	panic("no bucket " + name + " in the fixture")
}
