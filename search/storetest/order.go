package storetest

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/ecsfs/ecsfs/search"
)

// The order of results, written down once more in other terms than package search has it: by
// math/big, package time and package utf16.

// byName is an order of versions.
func byName(a, b search.Object) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), b.ModTime.Compare(a.ModTime))
}

// compareInOrder is search.Order.
func compareInOrder(o search.Order, a, b *search.Object) int {
	return cmp.Or(compareByValue(o, a, b), byName(*a, *b))
}

// compareByValue is search.Order without the order of equal values.
func compareByValue(o search.Order, a, b *search.Object) int {
	has := func(x *search.Object) bool {
		y := *x
		y.Partial = search.FromQuery // what it has not got it does not have
		return search.Evaluate(search.Cond{Key: o.Key, Op: search.OpExists}, &y) == search.True
	}
	switch hasA, hasB := has(a), has(b); {
	case hasA && !hasB:
		return -1
	case hasB && !hasA:
		return 1
	case !hasA:
		return 0
	}
	v, _ := a.Value(o.Key)
	w, _ := b.Value(o.Key)
	c := compareTexts(o.Key.Type, v, w)
	if o.Descending {
		return -c
	}
	return c
}

// compareTexts compares two values that are of this datatype.
func compareTexts(t search.Datatype, a, b string) int {
	switch t {
	case search.Integer, search.Decimal:
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if okX && okY {
			return x.Cmp(y)
		}
	case search.Datetime:
		x, errX := time.Parse(time.RFC3339Nano, a)
		y, errY := time.Parse(time.RFC3339Nano, b)
		if errX == nil && errY == nil {
			return x.Compare(y)
		}
	default:
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	}
	panic("no " + t.String() + ": " + a + ", " + b)
}
