package cache

import (
	"testing"
	"time"
)

func TestLinkIsMeasured(t *testing.T) {
	var l link
	now := time.Unix(0, 0)
	if _, known := l.cost(mib, mib, 1); known || l.product() != 0 {
		t.Error("known before any request")
	}
	about := func(what string, got, want float64) {
		t.Helper()
		if got < want*0.7 || got > want*1.4 {
			t.Errorf("%s is %.4g, want about %.4g", what, got, want)
		}
	}
	// One request at a time: 10 ms, and 100 MiB/s.
	for range 20 {
		l.note(4096, now, now.Add(10*time.Millisecond), false)
		now = now.Add(10 * time.Millisecond)
		l.note(mib, now, now.Add(20*time.Millisecond), false)
		now = now.Add(20 * time.Millisecond)
	}
	cost, _ := l.cost(100*mib, mib, 32)
	about("100 MiB by what one request does", cost.Seconds(), 4*0.010+100/(guessedShare*100.0))
	// 32 at a time share 1 GiB/s.
	for range 20 {
		for range 32 {
			l.note(mib, now, now.Add(41*time.Millisecond), false)
		}
		now = now.Add(31 * time.Millisecond)
	}
	cost, _ = l.cost(100*mib, mib, 32)
	about("100 MiB by what many do", cost.Seconds(), 4*0.010+0.1)
	about("the product", float64(l.product()), 0.010*float64(1<<30))
	// The first bytes tell the round trip as well: it grows to 100 ms.
	for range 40 {
		l.noteTrip(100 * time.Millisecond)
	}
	about("the product over a longer way", float64(l.product()), 0.1*float64(1<<30))
}
