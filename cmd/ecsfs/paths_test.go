package main

import (
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search"
)

// TestPaths: every result has the path that a mount shows it under, in each view.
func TestPaths(t *testing.T) {
	objects := []search.Object{
		{Key: "logs/a", Size: 1}, {Key: "logs/a/b.txt", Size: 1}, {Key: "logs/-rf", Size: 1}, {Key: "logs//x", Size: 1},
		{Key: "logs/empty/"}, {Key: "logs/full/", Size: 1}, {Key: "logs/a%~", Size: 1}, {Key: "logs/c.txt", VersionID: "v.1"},
	}
	flat := search.Dir{Bucket: "b", Prefix: "logs/", Where: search.Conjunction{}}
	tree := flat
	tree.Tree = true
	inTree := search.Dir{Bucket: "b", Where: search.Conjunction{}, Tree: true, Below: "logs/"}
	versions, versionsInTree := flat, tree
	versions.Versions, versionsInTree.Versions = true, true
	for _, c := range []struct {
		name string
		dir  search.Dir
		want []string
	}{
		{"flat", flat, []string{"a", "a%2Fb.txt", "%2Drf", "%2Fx", "empty%2F", "full%2F", "a%25~", "c.txt"}},
		{"tree", tree, []string{"a%~", "a/b.txt", "%2Drf", "%2F/x", "empty/", "full/%2F", "a%25~", "c.txt"}},
		{"a folder in a tree", inTree, []string{"a%~", "a/b.txt", "%2Drf", "%2F/x", "empty/", "full/%2F", "a%25~", "c.txt"}},
		{"versions", versions, []string{"a", "a%2Fb.txt", "%2Drf", "%2Fx", "empty%2F", "full%2F", "a%25~", "c%~vv%2E1.txt"}},
		{"versions in a tree", versionsInTree, []string{"a%~", "a/b.txt", "%2Drf", "%2F/x", "empty/", "full/%2F", "a%25~", "c%~vv%2E1.txt"}},
	} {
		p := newPaths("/mnt/", place{Dir: c.dir, Components: []string{"logs", "q"}})
		var got []string
		for o, err := range p.ahead(withoutError(objects)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p.of(&o))
		}
		for i := range c.want {
			c.want[i] = "/mnt/b/logs/q/" + c.want[i]
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func withoutError(objects []search.Object) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
	}
}
