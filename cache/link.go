package cache

import (
	"sync"
	"time"
)

// link estimates what the way to the store can do, from the requests that went over it. The zero value knows nothing yet.
type link struct {
	mu      sync.Mutex
	trip    time.Duration // what a short request takes, or the first bytes of a long one; 0: not known
	quick   time.Duration // what the quickest long request of late took
	quickN  int64         // and the bytes it brought
	rate    float64       // bytes a second with as many requests as there were; 0: not known
	since   time.Time     // of the sample being taken; zero: none is
	until   time.Time     // the end of the last one
	brought int64         // bytes since
	busy    time.Duration // of all requests of the sample
	wide    bool          // whether rate is of many requests at the same time
}

const (
	shortRequest = 64 << 10              // bytes, up to which a request tells the round trip
	sampleTime   = 50 * time.Millisecond // after which a sample of the rate is complete
	sampleBytes  = 32 << 20              // or after so many bytes
	manyRequests = 4                     // at the same time tell the rate of the link, not of one request
	guessedShare = 8                     // how much faster than one request the link is taken to be until that was seen
)

// note tells of a request that brought n bytes. One that was sent ahead may have been held back: it tells nothing of
// the round trip.
func (l *link) note(n int64, began, ended time.Time, ahead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := max(ended.Sub(began), 1)
	if n <= shortRequest {
		if !ahead {
			l.learnTripLocked(took)
		}
	} else if l.quick == 0 || float64(took)/float64(n) < float64(l.quick)/float64(l.quickN) {
		l.quick, l.quickN = took, n
	} else {
		l.quick += l.quick / 128 // the link may have changed
	}
	if l.since.IsZero() {
		l.since, l.brought, l.busy = began, 0, 0
		if began.Before(l.until) {
			l.since = l.until
		}
	}
	l.brought += n
	l.busy += took
	if span := ended.Sub(l.since); span >= sampleTime || l.brought >= sampleBytes && span > 0 {
		rate := float64(l.brought) / span.Seconds()
		// Most samples are of a link that was not full: a high one says more.
		l.rate = max(rate, l.rate+(rate-l.rate)/8)
		l.wide = l.wide || l.busy >= manyRequests*span
		l.since, l.until = time.Time{}, ended
	}
}

// noteTrip tells how long the first bytes of an answer took.
func (l *link) noteTrip(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.learnTripLocked(took)
}

func (l *link) learnTripLocked(took time.Duration) {
	if l.trip == 0 {
		l.trip = took
	}
	l.trip += (took - l.trip) / 8
}

// roundTripLocked is that of short requests and first bytes; without any, it is not longer than the quickest long request.
func (l *link) roundTripLocked() time.Duration {
	if l.trip == 0 {
		return l.quick
	}
	return l.trip
}

// product is how many bytes must be under way to keep the link full; 0 when that is not known.
func (l *link) product() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(l.rate * l.roundTripLocked().Seconds())
}

// cost is how long it takes to fetch so many bytes in pieces, so many at once; known is false when there was no long
// request yet. The rate is the best one seen, or until there were many requests at the same time, guessedShare
// times that of one apart from its round trip.
func (l *link) cost(bytes, piece, atOnce int64) (_ time.Duration, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quick == 0 {
		return 0, false
	}
	trip := l.roundTripLocked()
	rate := l.rate
	if !l.wide {
		rate = max(rate, guessedShare*float64(l.quickN)/max(l.quick-trip, l.quick/16).Seconds())
	}
	rounds := (bytes + piece*atOnce - 1) / (piece * atOnce)
	return time.Duration(rounds)*trip + time.Duration(float64(bytes)/rate*float64(time.Second)), true
}
