package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

func (u suite) testBuckets(t *testing.T, s search.Store) {
	buckets, err := s.Buckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(buckets))
	for i, b := range buckets {
		names[i] = b.Name
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not ordered by name, or not each once: %q", names)
	}
	for _, want := range []string{plainBucket, indexedBucket, emptyBucket} {
		if !slices.Contains(names, want) {
			t.Errorf("%q lacks %q", names, want)
		}
	}
}

func (u suite) testSchema(t *testing.T, s search.Store) {
	got, err := s.Schema(t.Context(), indexedBucket)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bucket != indexedBucket || !got.Enabled {
		t.Errorf("Schema = bucket %q, enabled %v", got.Bucket, got.Enabled)
	}
	if d := diff(fixedIndex(), got.Indexed); d != "" {
		t.Errorf("indexed keys (-want +got):\n%s", d)
	}
	if !slices.IsSortedFunc(got.Attributes, func(a, b search.Key) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("attributes are not ordered by name: %v", got.Attributes)
	}
	plain, err := s.Schema(t.Context(), plainBucket)
	if err != nil {
		t.Fatalf("a bucket without metadata search: %v", err)
	}
	if plain.Enabled || len(plain.Indexed) > 0 {
		t.Errorf("a bucket without metadata search: %+v", plain)
	}
}

// wantEntries lists objects as List should: key, and "/" for folders.
func wantEntries(objects []Object, o search.ListOptions) []string {
	var want []string
	for _, obj := range objects {
		rest, ok := strings.CutPrefix(obj.Key, o.Prefix)
		if !ok {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 && !o.Recursive {
			want = append(want, "folder "+o.Prefix+rest[:i+1])
		} else {
			want = append(want, "object "+obj.Key)
		}
	}
	slices.Sort(want)
	return slices.Compact(want)
}

func gotEntries(entries []search.Entry) []string {
	got := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Folder {
			got = append(got, "folder "+e.Key)
		} else {
			got = append(got, "object "+e.Key)
		}
	}
	return got
}

func (u suite) testList(t *testing.T, s search.Store) {
	for _, bucket := range []string{plainBucket, indexedBucket, emptyBucket} {
		objects := u.bucketOf(bucket).Objects
		byKey := make(map[string]Object)
		prefixes := []string{"", "nothing-here/"}
		for _, obj := range objects {
			byKey[obj.Key] = obj
			for i := range obj.Key {
				if obj.Key[i] == '/' && i < 60 {
					prefixes = append(prefixes, obj.Key[:i+1])
				}
			}
			prefixes = append(prefixes, obj.Key[:min(2, len(obj.Key))])
		}
		slices.Sort(prefixes)
		for _, prefix := range slices.Compact(prefixes) {
			if strings.ToValidUTF8(prefix, "") != prefix {
				continue // cut within a character
			}
			for _, recursive := range []bool{false, true} {
				o := search.ListOptions{Prefix: prefix, Recursive: recursive}
				entries := mustCollect(t, s.List(t.Context(), bucket, o))
				if !slices.IsSortedFunc(entries, func(a, b search.Entry) int { return strings.Compare(a.Key, b.Key) }) {
					t.Errorf("List(%s, %+q): not in ascending order: %q", bucket, prefix, gotEntries(entries))
				}
				got := gotEntries(entries)
				slices.Sort(got) // an object and a folder may have one name
				if d := diff(wantEntries(objects, o), got); d != "" {
					t.Errorf("List(%s, %+q, recursive %v) (-want +got):\n%s", bucket, prefix, recursive, d)
				}
				for _, e := range entries {
					checkRow(t, e, byKey[e.Key])
				}
				if !recursive {
					continue
				}
				o.Versions = true // of which there are none: nothing changes
				if d := diff(entries, mustCollect(t, s.List(t.Context(), bucket, o))); d != "" {
					t.Errorf("List(%s, %+q) of versions (-without +with):\n%s", bucket, prefix, d)
				}
			}
		}
	}
}

// checkRow holds what a plain row says against the object.
func checkRow(t *testing.T, e search.Entry, want Object) {
	t.Helper()
	switch {
	case e.Folder:
		if d := diff(search.Entry{Folder: true, Object: search.Object{Key: e.Key}}, e); d != "" {
			t.Errorf("a folder with attributes (-want +got):\n%s", d)
		}
	case e.Size != int64(len(want.Data)), e.ModTime.IsZero(), strings.Contains(e.ETag, `"`):
		t.Errorf("row %q: size %d, time %v, ETag %s; the object has %d bytes", e.Key, e.Size, e.ModTime, e.ETag, len(want.Data))
	case e.Partial != search.FromList:
		t.Errorf("row %q: Partial = %v, want FromList", e.Key, e.Partial)
	}
}

// testListStops limits and breaks off listings.
func (u suite) testListStops(t *testing.T, s search.Store) {
	all := gotEntries(mustCollect(t, s.List(t.Context(), plainBucket, search.ListOptions{Recursive: true})))
	for _, limit := range []int{1, 2, 3, len(all), len(all) + 1} {
		got := gotEntries(mustCollect(t, s.List(t.Context(), plainBucket, search.ListOptions{Recursive: true, Limit: limit})))
		if d := diff(all[:min(limit, len(all))], got); d != "" {
			t.Errorf("Limit %d (-want +got):\n%s", limit, d)
		}
	}
	var broken []search.Entry
	for e, err := range s.List(t.Context(), plainBucket, search.ListOptions{Recursive: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if broken = append(broken, e); len(broken) == 5 {
			break
		}
	}
	if d := diff(all[:5], gotEntries(broken)); d != "" {
		t.Errorf("broken off after 5 (-want +got):\n%s", d)
	}
}
