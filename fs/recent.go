package fs

import (
	"maps"
	"strings"
	"sync"
)

// recentMax bounds each of the two generations of a recent map. A key has at
// most 1,024 bytes, so with keys on both sides all of it is below 10 MiB.
const recentMax = 2048

// recent is a bounded map of what was added last. The zero value is empty. It
// is safe for concurrent use.
type recent[K comparable, V any] struct {
	mu sync.Mutex
	// Guarded by mu. What is added goes into young; when that is full it becomes
	// old, and old is dropped: a bound that needs no order of use.
	young, old map[K]V
}

func (r *recent[K, V]) add(key K, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= recentMax {
		r.young, r.old = make(map[K]V), r.young
	}
	r.young[key] = value
}

func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if value, ok := r.young[key]; ok {
		return value, true
	}
	value, ok := r.old[key]
	return value, ok
}

// deleteFunc forgets what del is true of.
func (r *recent[K, V]) deleteFunc(del func(K, V) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.young, del)
	maps.DeleteFunc(r.old, del)
}

// longNames remembers what shortened names stand for, so that a name from a
// listing needs no request when it is looked up later: a text, or the versionText of a version. A name is
// a function of that alone, so what is remembered is never wrong.
type longNames struct {
	texts recent[string, string]
}

// add remembers that name stands for text, when name is a shortened one.
func (l *longNames) add(name, text string) {
	if mayBeShortened(name) {
		l.texts.add(name, text)
	}
}

// mayBeShortened reports whether name may be a shortened one: where it is not, it is not.
func mayBeShortened(name string) bool {
	return len(name) > shortPrefixLen-maxUnitLen && strings.Contains(name, mark+"h") || strings.Contains(name, shortVersionMark)
}

// text returns what name stands for.
func (l *longNames) text(name string) (string, bool) { return l.texts.get(name) }

// objectID names an object of the store, or one version of it.
type objectID struct{ bucket, key, version string }
