package ecs_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/storetest"
)

// limits are what no client can make up for in a generation.
func limits(g ecstest.Generation) storetest.Options {
	return storetest.Options{
		NamesInXML:   g == ecstest.ECS22 || g == ecstest.ECS30, // no encoding-type
		WholeSeconds: g == ecstest.ECS36,                       // the time of a row may have to come from a HEAD
	}
}

// TestStoreOnEveryGeneration runs the suite on every generation of ECS, at
// several sizes of page, over servers that shuffle whatever ECS leaves open.
func TestStoreOnEveryGeneration(t *testing.T) {
	sizes := []int{1, 2, 7, 1000}
	if testing.Short() {
		sizes = []int{7}
	}
	for i, g := range ecstest.Generations() {
		for j, size := range sizes {
			t.Run(fmt.Sprintf("%s/%d", g, size), func(t *testing.T) {
				t.Parallel()
				storetest.FixedWith(t, func(t storetest.TB, f storetest.Fixture) search.Store {
					srv := startServer(t, func(s *ecstest.Server) {
						s.Generation, s.PageSize, s.Seed, s.MarkFullPage = g, size, int64(10*i+j), j%2 == 1
					})
					load(t, srv, f)
					return newStore(t, srv.URL)
				}, limits(g))
			})
		}
	}
}

// TestStoreOnRandomGenerations runs random queries on random data sets, each on
// a generation that the data set's seed decides.
func TestStoreOnRandomGenerations(t *testing.T) {
	storetest.RandomWith(t, func(t storetest.TB, f storetest.Fixture) search.Store {
		all := ecstest.Generations()
		g := all[rand.New(rand.NewPCG(uint64(f.Seed), 1)).IntN(len(all))]
		srv := startServer(t, func(s *ecstest.Server) { s.Generation, s.Seed, s.PageSize = g, f.Seed, f.PageSize })
		load(t, srv, f)
		t.Logf("generation %s", g)
		return newStore(t, srv.URL)
	}, storetest.Options{WholeSeconds: true})
}
