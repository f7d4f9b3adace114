package cache

import (
	"sync"
	"time"
)

// link estimates what the way to the store can do, from the fetches that went over it. The zero value knows nothing yet.
type link struct {
	mu      sync.Mutex
	trip    time.Duration // of a short request: what each costs however little it brings; 0: not known
	short   bool          // whether trip is of short requests, not of the quickest block
	rate    float64       // bytes a second with as many requests as there were; 0: not known
	since   time.Time     // of the sample being taken; zero: none is
	until   time.Time     // the end of the last one
	brought int64         // bytes since
}

const (
	shortRequest = 64 << 10              // bytes, up to which a request tells the round trip
	sampleTime   = 50 * time.Millisecond // after which a sample of the rate is complete
	sampleBytes  = 32 << 20              // or after so many bytes
)

// note tells of a request that brought n bytes.
func (l *link) note(n int64, began, ended time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := ended.Sub(began)
	switch {
	case n <= shortRequest && l.short:
		l.trip += (took - l.trip) / 8
	case n <= shortRequest:
		l.trip, l.short = took, true
	case !l.short && (l.trip == 0 || took < l.trip):
		l.trip = took
	}
	if l.since.IsZero() {
		l.since, l.brought = began, 0
		if began.Before(l.until) {
			l.since = l.until
		}
	}
	l.brought += n
	if span := ended.Sub(l.since); span >= sampleTime || l.brought >= sampleBytes && span > 0 {
		rate := float64(l.brought) / span.Seconds()
		// Most samples are of a link that was not full: a high one says more.
		l.rate = max(rate, l.rate+(rate-l.rate)/8)
		l.since, l.until = time.Time{}, ended
	}
}

// product is how many bytes must be under way to keep the link full; 0 when that is not known.
func (l *link) product() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(l.rate * l.trip.Seconds())
}
