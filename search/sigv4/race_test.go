//go:build race

package sigv4_test

// The race detector makes sync.Pool drop items, which costs allocations.
const raceEnabled = true
