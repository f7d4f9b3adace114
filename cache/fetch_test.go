package cache

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/ecsfs/ecsfs/search"
)

// drip is a store whose answers come a part at a time, as the test wants.
type drip struct {
	search.Store
	parts chan int // how many bytes have come so far; closed: the answer breaks off
}

func (s drip) ReadRangeProgress(ctx context.Context, ref search.Ref, p []byte, off int64, landed func(n int)) (int, error) {
	for done := 0; done < len(p); {
		select {
		case n, ok := <-s.parts:
			if !ok {
				return done, io.ErrUnexpectedEOF
			}
			pattern(p[done:n], off+int64(done))
			done = n
			landed(n)
		case <-ctx.Done():
			return done, ctx.Err()
		}
	}
	return len(p), nil
}

// The first bytes of a block are read while the rest is under way.
func TestPartOfABlockIsReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := drip{parts: make(chan int)}
		c := newCache(t, s, Options{})
		opened := make(chan search.File)
		go func() { opened <- mustOpenFile(t, c, bigRef(mib)) }()
		synctest.Wait()
		select {
		case <-opened:
			t.Error("opened before anything came")
		default:
		}
		s.parts <- 4096
		f := <-opened
		mustRead(t, f, 0, 4096, 4096)
		ended := make(chan bool)
		go func() { mustRead(t, f, 100_000, 1000, 1000); ended <- true }()
		go func() { mustRead(t, f, 0, mib, mib); ended <- true }()
		s.parts <- 50_000
		synctest.Wait()
		select {
		case <-ended:
			t.Error("read what has not come")
		default:
		}
		s.parts <- 101_000
		<-ended
		s.parts <- mib
		<-ended
		f.Close()
		c.Close()
		if n := stat(t, c, "cache_block_misses"); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// A view of what came before the answer broke off is right; what did not come is an error, and nothing is kept.
func TestBlockThatBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := drip{parts: make(chan int)}
		c := newCache(t, s, Options{MemoryBudget: 32 * mib})
		go func() { s.parts <- 4096 }()
		f := mustOpenFile(t, c, bigRef(mib))
		v, err := f.View(t.Context(), make([]byte, 4096), 0)
		if err != nil {
			t.Fatal(err)
		}
		failed := make(chan error)
		go func() {
			_, err := f.View(t.Context(), make([]byte, 4096), 8192)
			failed <- err
		}()
		synctest.Wait()
		close(s.parts)
		if err := <-failed; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		synctest.Wait()
		if u := c.mem.usage(); u.kept != 0 || u.lent != mib || u.flying != 0 {
			t.Errorf("%+v", u)
		}
		want := make([]byte, 4096)
		if pattern(want, 0); string(v.Bytes) != string(want) {
			t.Error("what came has changed")
		}
		v.Release()
		if u := c.mem.usage(); u.lent != 0 {
			t.Errorf("%+v", u)
		}
		f.Close()
		c.Close()
	})
}

// A panic in the store is an error for all who wait, and leaves nothing behind.
func TestBlockOfAStoreThatPanics(t *testing.T) {
	st := newStore(10)
	ref := st.put("b", "k", sequence(64))
	st.on = func(context.Context, string, string, string) error { panic("the store broke") }
	c := newCache(t, st, minute)
	if _, err := c.OpenFile(t.Context(), ref); search.KindOf(err) != search.KindIO {
		t.Error(err)
	}
	c.Close()
	if u := c.mem.usage(); u.kept != 0 || u.flying != 0 || u.lent != 0 {
		t.Errorf("%+v", u)
	}
}
