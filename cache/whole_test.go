package cache

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// jumps reads n times 4 KiB all over an object of so many bytes.
func jumps(t *testing.T, c *Cache, size int64, n int) {
	f := mustOpenFile(t, c, bigRef(size))
	defer f.Close()
	at := uint64(12345)
	for range n {
		at = at*6364136223846793005 + 1442695040888963407
		mustRead(t, f, int64(at>>1)%size&^4095, 4096, 4096)
	}
}

// To fetch 100 MiB whole is cheaper than a thousand round trips: it is done once ranges have cost as much.
func TestJumpingReaderGetsTheWhole(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond, rate: 200 << 20}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		began := time.Now()
		jumps(t, c, 100*mib, 1000)
		if took := time.Since(began); took > 350*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if n := w.bytes(); n > 102*mib || c.count.wholes.Load() != 1 {
			t.Errorf("%d bytes, %d times whole", n, c.count.wholes.Load())
		}
	})
}

// A few jumps do not pay for it, and a slow link takes longer to.
func TestJumpingReaderDoesNotGetTheWholeAtOnce(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond, rate: 10 << 20}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		jumps(t, c, 100*mib, 100)
		if n := c.count.wholes.Load(); n != 0 {
			t.Errorf("fetched after 1 s what takes 10 s at %d bytes/s", 10<<20)
		}
	})
}

func TestObjectThatDoesNotFitIsNotFetchedWhole(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond, rate: 1 << 30}
	bubble(t, w, Options{MemoryBudget: 64 * mib}, func(t *testing.T, c *Cache) {
		jumps(t, c, 100*mib, 1000)
		if n := c.count.wholes.Load(); n != 0 {
			t.Error("fetched whole")
		}
	})
}

func TestCloseCancelsTheWhole(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond, rate: 20 << 20}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(100*mib))
		for i := int64(0); c.count.wholes.Load() == 0; i++ {
			mustRead(t, f, i*7919*4096%(100*mib), 4096, 4096)
			synctest.Wait()
		}
		f.Close()
		synctest.Wait()
		if now, _ := w.busy(); now != 0 || w.bytes() > 50*mib {
			t.Errorf("%d requests go on, %d bytes were asked for", now, w.bytes())
		}
	})
}

// Reads that come back to one block have it fetched.
func TestBlockReadOftenIsFetched(t *testing.T) {
	w := &wire{trip: 10 * time.Millisecond}
	bubble(t, w, Options{MemoryBudget: 16 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(10<<30))
		defer f.Close()
		for i := range int64(100) {
			mustRead(t, f, 5000*mib+(i*37%256)*4096, 4096, 4096)
			mustRead(t, f, 70*i*mib+9*mib, 4096, 4096)
		}
		if n := len(w.seen()); n > 1+100+oftenTouched {
			t.Errorf("%d requests", n)
		}
	})
}

// Reads that jump at the same time are under way at the same time, and what they cost together is what they took.
func TestJumpsInParallel(t *testing.T) {
	w := &wire{trip: time.Second}
	bubble(t, w, Options{MemoryBudget: 128 * mib}, func(t *testing.T, c *Cache) {
		f := mustOpenFile(t, c, bigRef(10<<30))
		defer f.Close()
		began := time.Now()
		var wg sync.WaitGroup
		for i := range int64(50) {
			wg.Go(func() { mustRead(t, f, (i+1)*100*mib, 4096, 4096) })
		}
		wg.Wait()
		if took := time.Since(began); took != w.trip {
			t.Errorf("took %v", took)
		}
		if spent := f.(*file).rental.spent; spent != w.trip {
			t.Errorf("spent %v", spent)
		}
	})
}
