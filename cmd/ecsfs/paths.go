package main

import (
	"iter"
	"strings"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// paths gives results the paths that they have in a mount.
type paths struct {
	dir  search.Dir
	base string // of the directory, with a "/" at the end
	// folders has, of a tree, every folder that has results, by its prefix: an object beside the
	// folder of its name has another.
	folders map[string]bool
}

// newPaths returns the paths of p's results in the mount on under.
func newPaths(under string, p place) paths {
	base := append([]string{strings.TrimRight(under, "/"), p.Dir.Bucket}, p.Components...)
	return paths{dir: p.Dir, base: strings.Join(base, "/") + "/", folders: map[string]bool{}}
}

// ahead returns results as they are. Of a tree it reads all of them first, since
// the name of one depends on the others.
func (p *paths) ahead(results iter.Seq2[search.Object, error]) iter.Seq2[search.Object, error] {
	if p.dir.IsFlat() {
		return results
	}
	return func(yield func(search.Object, error) bool) {
		var all []search.Object
		var broken error
		for o, err := range results {
			if err != nil {
				broken = err
				break
			}
			all = append(all, o)
			for prefix := range prefixes(o.Key) {
				p.folders[prefix] = true
			}
		}
		for _, o := range all {
			if !yield(o, nil) {
				return
			}
		}
		if broken != nil {
			yield(search.Object{}, broken)
		}
	}
}

// prefixes yields every prefix of key that ends in "/".
func prefixes(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(key) {
			if key[i] == '/' && !yield(key[:i+1]) {
				return
			}
		}
	}
}

// of returns the path of o.
func (p *paths) of(o *search.Object) string {
	return p.base + strings.TrimPrefix(fs.ResultPath(p.dir, o, p.folders[o.Key+"/"]), "./")
}
