package fs

import (
	"strings"
	"sync"
)

// longNames remembers what shortened names stand for, so that a name from a
// listing needs no request when it is looked up later. A name is a function of its text
// alone, so what is remembered is never wrong.
type longNames struct {
	mu sync.Mutex
	// Guarded by mu. Names are added to young; when that is full it becomes
	// old, and old is dropped: a bound that needs no order of use.
	young, old map[string]string
}

// longNamesMax bounds each of the two generations. A key has at most 1,024
// bytes, so all of it is below 6 MiB.
const longNamesMax = 2048

// add remembers that name stands for text, when name is a shortened one.
func (l *longNames) add(name, text string) {
	if len(name) <= shortPrefixLen-maxUnitLen || !strings.Contains(name, mark+"h") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.young == nil || len(l.young) >= longNamesMax {
		l.young, l.old = make(map[string]string), l.young
	}
	l.young[name] = text
}

// text returns what name stands for.
func (l *longNames) text(name string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if text, ok := l.young[name]; ok {
		return text, true
	}
	text, ok := l.old[name]
	return text, ok
}
