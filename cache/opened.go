package cache

import "sync"

// opened counts the files that are open, by the first block of their object.
type opened struct {
	mu    sync.Mutex
	files map[key]int // guarded by mu
}

func (o *opened) add(k key, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.files == nil {
		o.files = make(map[key]int)
	}
	if o.files[k] += n; o.files[k] == 0 {
		delete(o.files, k)
	}
}

// several reports whether more than one file of the object is open: they share what the kernel keeps, so that what each is asked
// for has gaps.
func (o *opened) several(k key) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.files[k] > 1
}
