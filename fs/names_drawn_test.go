package fs

import (
	"math/rand/v2"

	"github.com/ecsfs/ecsfs/search"
)

// DrawKeys returns a set of keys as TestPropertyKeySets draws them, for tests of a mount.
func DrawKeys(seed uint64, n int) []search.Object {
	r := rand.New(rand.NewPCG(seed, 0))
	var s keySet
	for seen := map[string]bool{}; len(s.objects) < n; {
		for _, o := range drawKeySet(r).objects {
			if !seen[o.Key] && len(s.objects) < n {
				seen[o.Key] = true
				s.objects = append(s.objects, o)
			}
		}
	}
	return s.objects
}
