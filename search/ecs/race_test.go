//go:build race

package ecs

// The race detector makes sync.Pool drop items, which costs allocations.
const raceEnabled = true
