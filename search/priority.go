package search

import (
	"context"
	"sync"
)

// ahead marks a context as that of a request for bytes which nobody waits for yet.
type ahead struct {
	promoted <-chan struct{} // closed when somebody does
}

type aheadKey struct{}

// WithReadAhead returns a context for a request that reads ahead: a store lets it wait behind all others, and never the other
// way about. promote, which may be called any number of times, says that somebody waits for the answer now.
func WithReadAhead(ctx context.Context) (_ context.Context, promote func()) {
	promoted := make(chan struct{})
	return context.WithValue(ctx, aheadKey{}, ahead{promoted}), sync.OnceFunc(func() { close(promoted) })
}

// ReadAhead reports whether ctx is that of a request which reads ahead and was not promoted; the channel is
// closed when it is.
func ReadAhead(ctx context.Context) (promoted <-chan struct{}, ok bool) {
	a, ok := ctx.Value(aheadKey{}).(ahead)
	if !ok {
		return nil, false
	}
	select {
	case <-a.promoted:
		return a.promoted, false
	default:
		return a.promoted, true
	}
}
