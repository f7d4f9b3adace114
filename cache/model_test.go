package cache

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"pgregory.net/rapid"
)

// Random calls over a store whose objects are overwritten meanwhile: the
// accounting holds after each, reads give the bytes of their ETag or
// KindChanged, listings and attributes are no older than their lifetime.
func TestRandomCalls(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) { randomCalls(t, rt) })
	})
}

func randomCalls(t *testing.T, rt *rapid.T) {
	st := newStore(4)
	st.fill("b", 20)
	c := New(st, Options{TTL: 10 * time.Second, NegativeTTL: 2 * time.Second, SchemaTTL: time.Minute, PageRows: 4,
		BlockSize: 64, MemoryBudget: int64(rapid.IntRange(-1, 200_000).Draw(rt, "budget"))})
	defer c.Close()
	ctx := context.Background()

	var open []search.Snapshot
	written := map[string]string{} // bytes by ETag
	var refs []search.Ref
	version := 0
	at := map[string]map[string]time.Time{} // by key and ETag ("" for none): until when the store had it

	key := func() string { return fmt.Sprintf("k%06d", rapid.IntRange(0, 19).Draw(rt, "key")) }
	current := func(k string) string {
		o, err := st.get("", "b", k)
		if err != nil {
			return ""
		}
		return o.ETag
	}
	retire := func(k string) {
		if at[k] == nil {
			at[k] = map[string]time.Time{}
		}
		at[k][current(k)] = time.Now()
	}
	rt.Repeat(map[string]func(*rapid.T){
		"": func(rt *rapid.T) {
			synctest.Wait()
			c.mem.check(rt)
		},
		"write": func(rt *rapid.T) {
			k := key()
			retire(k)
			version++
			text := fmt.Sprint(version, " ") + sequence(rapid.IntRange(0, 300).Draw(rt, "size"))
			ref := st.put("b", k, text)
			written[ref.ETag] = text
			refs = append(refs, ref)
		},
		"delete": func(rt *rapid.T) {
			k := key()
			retire(k)
			st.delete("b", k)
		},
		"stat": func(rt *rapid.T) {
			k := key()
			o, err := c.Stat(ctx, search.Ref{Bucket: "b", Key: k})
			if err != nil && search.KindOf(err) != search.KindNotExist {
				rt.Fatal(err)
			}
			life := c.opt.TTL
			if err != nil {
				life = c.opt.NegativeTTL
			}
			if o.ETag != current(k) && time.Since(at[k][o.ETag]) >= life {
				rt.Fatalf("Stat of %s is %q, gone for %v", k, o.ETag, time.Since(at[k][o.ETag]))
			}
		},
		"read": func(rt *rapid.T) {
			if len(refs) == 0 {
				rt.Skip()
			}
			ref := rapid.SampledFrom(refs).Draw(rt, "ref")
			p := make([]byte, rapid.IntRange(0, 320).Draw(rt, "length"))
			off := int64(rapid.IntRange(0, 320).Draw(rt, "offset"))
			n, err := c.ReadRange(ctx, ref, p, off)
			switch {
			case search.KindOf(err) == search.KindChanged && err != nil:
				if current(ref.Key) == ref.ETag {
					rt.Fatal("changed, it says: ", err)
				}
			default:
				q := make([]byte, len(p))
				m, wantErr := strings.NewReader(written[ref.ETag]).ReadAt(q, off)
				if len(p) == 0 {
					wantErr = nil
				}
				if n != m || err != wantErr || string(p[:n]) != string(q[:m]) {
					rt.Fatalf("read %d at %d: %d %q, %v, want %d %q, %v", len(p), off, n, p[:n], err, m, q[:m], wantErr)
				}
			}
		},
		"open": func(rt *rapid.T) {
			s, err := c.Open(ctx, query("b", fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "query"))))
			if err != nil {
				rt.Fatal(err)
			}
			if age := time.Since(s.Taken()); age >= c.opt.TTL {
				rt.Fatalf("opened a listing %v old", age)
			}
			open = append(open, s)
		},
		"row": func(rt *rapid.T) {
			if len(open) == 0 {
				rt.Skip()
			}
			s := rapid.SampledFrom(open).Draw(rt, "snapshot")
			e, err := s.Row(ctx, rapid.IntRange(0, 22).Draw(rt, "row"))
			if err != nil && err != io.EOF {
				rt.Fatal(err)
			}
			if found, ok := s.Find(e.Key); err == nil && (!ok || found.ETag != e.ETag) {
				rt.Fatalf("row %q is not found: %+v", e.Key, found)
			}
		},
		"close": func(rt *rapid.T) {
			if len(open) == 0 {
				rt.Skip()
			}
			i := rapid.IntRange(0, len(open)-1).Draw(rt, "snapshot")
			open[i].Close()
			open = append(open[:i], open[i+1:]...)
		},
		"peek": func(rt *rapid.T) {
			if s := c.Peek(query("b", fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "query")))); s != nil {
				if !s.Expires().After(time.Now()) {
					rt.Fatal("peeked at an expired listing")
				}
				s.Close()
			}
		},
		"forget": func(rt *rapid.T) {
			k := key()
			c.Forget("b", k)
			for i := range 4 {
				if s := c.Peek(query("b", fmt.Sprint(i))); s != nil {
					if _, ok := s.Find(k); ok {
						rt.Fatal("a forgotten object is in a kept listing")
					}
					s.Close()
				}
			}
			if o, err := c.Stat(ctx, search.Ref{Bucket: "b", Key: k}); o.ETag != current(k) {
				rt.Fatalf("Stat after Forget: %+v, %v, want %q", o, err, current(k))
			}
		},
		"wait": func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 6).Draw(rt, "seconds")) * time.Second) },
	})
	for _, s := range open {
		s.Close()
	}
	time.Sleep(leftTime)
	synctest.Wait()
	c.mem.check(rt)
	if u := c.mem.usage(); u.open != 0 || u.flying != 0 {
		rt.Fatalf("left over: %+v", u)
	}
	if n := len(c.Running()); n != 0 {
		rt.Fatalf("%d listings run on", n)
	}
}

// Many goroutines at once, callers that give up among them: for the race
// detector, and for what must be zero when all have left.
func TestConcurrentCalls(t *testing.T) {
	st := newStore(10)
	st.fill("b", 95)
	text := sequence(2000)
	ref := st.put("b", "big", text)
	o := minute
	o.MemoryBudget = 60_000
	c := newCache(t, st, o)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(4) == 0 {
					go cancel()
				}
				switch r.IntN(5) {
				case 0:
					c.Stat(ctx, search.Ref{Bucket: "b", Key: fmt.Sprintf("k%06d", r.IntN(100))})
				case 1:
					off := r.IntN(1900)
					p := make([]byte, 100)
					if n, err := c.ReadRange(ctx, ref, p, int64(off)); err == nil && string(p[:n]) != text[off:off+100] {
						t.Errorf("wrong bytes at %d", off)
					}
				case 2:
					s, err := c.Open(ctx, query("b", fmt.Sprint(r.IntN(5))))
					if err != nil {
						break
					}
					for i := range r.IntN(100) {
						if e, err := s.Row(ctx, i); err == nil {
							s.Find(e.Key)
						}
					}
					s.Close()
				case 3:
					if s := c.Peek(query("b", fmt.Sprint(r.IntN(5)))); s != nil {
						s.Find("k000050")
						s.Len()
						s.Close()
					}
				case 4:
					if r.IntN(10) == 0 {
						c.Forget("b", "k000050")
					}
					c.Stats()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	c.Close() // the abandoned flights have landed
	c.mem.check(t)
	if u := c.mem.usage(); u.open != 0 || u.flying != 0 {
		t.Errorf("left over: %+v", u)
	}
}
