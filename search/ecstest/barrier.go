package ecstest

import (
	"context"
	"sync"
)

// barrier holds requests until enough of them are held at once. The nil barrier
// is none.
type barrier struct {
	wanted int           // constant
	opened chan struct{} // closed when it holds no more

	mu   sync.Mutex
	held int  // guarded by mu
	gone bool // opened is closed; guarded by mu
}

// newBarrier returns nil for no barrier, which wanted 0 is.
func newBarrier(wanted int) *barrier {
	if wanted == 0 {
		return nil
	}
	return &barrier{wanted: wanted, opened: make(chan struct{})}
}

// pass waits at the barrier. The ends of ctx and of stop let go.
func (b *barrier) pass(ctx context.Context, stop <-chan struct{}) {
	if b.count(+1) >= b.wanted {
		b.open()
	}
	defer b.count(-1)
	select {
	case <-b.opened:
	case <-ctx.Done():
	case <-stop:
	}
}

// count changes how many requests are held, and returns it.
func (b *barrier) count(change int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held += change
	return b.held
}

// open lets everything pass from now on.
func (b *barrier) open() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.gone {
		b.gone = true
		close(b.opened)
	}
}
