// Package storetest is the conformance suite of search.Store: what every
// implementation has in common, from a client of a real store to a cache
// before one. A test of an implementation is one call:
//
//	storetest.Run(t, func(t storetest.TB, f storetest.Fixture) search.Store {
//		... load f into a store of its own and return a client of it ...
//	})
//
// Run asserts the contracts written on the interfaces of package search:
// complete listings, each element once, at most one error and that last,
// kinds of errors, cancellation, io.ReaderAt. That the objects a query yields
// are those which satisfy its predicate is asserted against search.Evaluate on
// every object of the fixture, for fixed and for random data and predicates.
//
// Engines does the same for listings with order, limit and versions, of two Stores of one service: one that
// searches by the index and one that scans.
//
// What a store decides itself, such as times, ETags and owners, is learnt from
// a query for everything and then held to be constant.
package storetest

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ecsfs/ecsfs/search"
)

// TB is what of a *testing.T or *rapid.T an Open may use.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Open loads a fixture into a store and returns the Store under test. It is
// called several times, about a hundred in all; what an earlier call loaded
// may still be there or be gone, but a bucket of the fixture holds the
// fixture's objects and no others. It reports what it cannot do by t.Fatalf,
// and ends what it began by t.Cleanup.
type Open func(t TB, f Fixture) search.Store

// Fixture is what a store must hold.
type Fixture struct {
	Buckets []Bucket
	// PageSize is the page size that the store should use where that can be
	// chosen; 0: any. Nothing but speed may depend on it.
	PageSize int
	// Seed should shuffle whatever the store leaves undefined.
	Seed int64
}

// Bucket is one bucket to be made. Its name is one that S3 allows.
type Bucket struct {
	Name    string
	Index   []search.Key // keys to index; empty: no metadata search
	Objects []Object
}

// Object is one object to be put.
type Object struct {
	Key  string // valid UTF-8; may hold control characters
	Data []byte
	// Metadata is user metadata by name without "x-amz-meta-", in lower case.
	// Values can stand in an HTTP header as they are.
	Metadata    map[string]string
	ContentType string
	// LastModified is the time that the object should have, where it can be chosen.
	LastModified time.Time

	// Kept and Deleted are for the fixtures of Engines alone, whose Objects are changes, one after
	// the other: a key may be there again. With Kept the change is made while the bucket keeps versions, with Deleted
	// it deletes the key.
	Kept, Deleted bool
}

// Options are what a store cannot do through no fault of its client.
type Options struct {
	// NamesInXML: it cannot tell names that hold what XML 1.0 cannot carry; the
	// fixed data have none then.
	NamesInXML bool
	// WholeSeconds: ModTime may be rounded down to the second, unless the query
	// names LastModified.
	WholeSeconds bool
}

// suite is one run over the fixed data.
type suite struct {
	fixture Fixture
	Options
}

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	t.Run("Fixed", func(t *testing.T) { Fixed(t, open) })
	t.Run("Random", func(t *testing.T) { Random(t, open) })
}

// Fixed runs every test on one data set that has what stores get wrong: it
// opens one store and is quick, so it can be run for many configurations.
func Fixed(t *testing.T, open Open) { FixedWith(t, open, Options{}) }

// FixedWith is Fixed for a store with limits.
func FixedWith(t *testing.T, open Open, o Options) {
	u := suite{fixedFixture(o), o}
	s := open(t, fixedFixture(o))
	tests := []struct {
		name string
		run  func(*testing.T, search.Store)
	}{
		{"Buckets", u.testBuckets},
		{"Schema", u.testSchema},
		{"List", u.testList},
		{"ListStops", u.testListStops},
		{"Query", u.testQuery},
		{"QueryRefuses", u.testQueryRefuses},
		{"Stat", u.testStat},
		{"ReadRange", u.testReadRange},
		{"ReadRangeEdges", u.testReadRangeEdges},
		{"Missing", u.testMissing},
		{"Canceled", u.testCanceled},
		{"Concurrent", u.testConcurrent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, s) })
	}
}

// collect returns what seq yields before its error, and the error. It fails
// the test when anything follows the error.
func collect[V any](t TB, seq iter.Seq2[V, error]) ([]V, error) {
	t.Helper()
	var values []V
	var failed error
	for v, err := range seq {
		if failed != nil {
			t.Fatalf("the iterator goes on after its error %v", failed)
		}
		if failed = err; err == nil {
			values = append(values, v)
		}
	}
	return values, failed
}

// mustCollect is collect where no error is due.
func mustCollect[V any](t TB, seq iter.Seq2[V, error]) []V {
	t.Helper()
	values, err := collect(t, seq)
	if err != nil {
		t.Fatalf("unexpected error after %d elements: %v", len(values), err)
	}
	return values
}

// wantKind fails the test unless err is a *search.Error of this kind.
func wantKind(t TB, what string, err error, kind search.Kind) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatalf("%s: no error, want %v", what, kind)
	case search.KindOf(err) != kind:
		t.Fatalf("%s: %v (%v), want %v", what, err, search.KindOf(err), kind)
	}
}

// diff compares with empty and nil slices alike.
func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(search.Metadata{}))
}
