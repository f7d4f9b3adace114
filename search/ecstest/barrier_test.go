package ecstest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
)

// TestBarrier: as many requests as wanted are held until the last of them is
// there, and none after that; Peak tells how many were in flight.
func TestBarrier(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.RecordLimit = -1 })
	ok(t, s.CreateBucket("b"))
	ok(t, s.PutObject("b", "k", []byte("text"), PutOptions{}))
	ok(t, s.SetRules(Rule{Operations: []string{"GetObject"}, Barrier: 3}))
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if got := c.get("/b/k"); got.status != http.StatusOK || got.body != "text" {
				t.Errorf("got %+v", got)
			}
		})
	}
	all.Wait()
	if got := s.Peak("GetObject"); got != 3 {
		t.Errorf("%d in flight, want 3", got)
	}
	c.get("/b/k").must(t, http.StatusOK) // alone
	if got := s.Rules()[0].Hits; got != 4 {
		t.Errorf("%d hits, want 4", got)
	}
	s.ResetRequests()
	c.do("HEAD", "/b/k", "").must(t, http.StatusOK)
	if get, head := s.Peak("GetObject"), s.Peak("HeadObject"); get != 0 || head != 1 {
		t.Errorf("%d and %d in flight after a reset, want 0 and 1", get, head)
	}
}

// TestBarrierHolds: fewer than wanted stay, until the client, the server or the
// rule goes.
func TestBarrierHolds(t *testing.T) {
	for name, end := range map[string]func(b *barrier, cancel func(), stop chan struct{}){
		"client": func(_ *barrier, cancel func(), _ chan struct{}) { cancel() },
		"server": func(_ *barrier, _ func(), stop chan struct{}) { close(stop) },
		"rule":   func(b *barrier, _ func(), _ chan struct{}) { b.open() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, stop := newBarrier(3), make(chan struct{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				passed := make(chan int, 2)
				for i := range 2 {
					go func() {
						b.pass(ctx, stop)
						passed <- i
					}()
				}
				synctest.Wait()
				if len(passed) != 0 {
					t.Fatal("two of three passed")
				}
				end(b, cancel, stop)
				<-passed
				<-passed
				if got := b.count(0); got != 0 {
					t.Errorf("%d are held", got)
				}
			})
		})
	}
}

// TestBarrierRuleGone: a request that waits for others goes on when its rule is
// removed or replaced.
func TestBarrierRuleGone(t *testing.T) {
	for name, end := range map[string]func(*Server){
		"removed":  func(s *Server) { s.RemoveRule("wait") },
		"replaced": func(s *Server) { ok(t, s.SetRules()) },
	} {
		t.Run(name, func(t *testing.T) {
			s, c := startServer(t)
			ok(t, s.CreateBucket("b"))
			ok(t, s.SetRules(Rule{ID: "wait", Barrier: 2}))
			done := make(chan answer)
			go func() { done <- c.get("/b") }()
			for s.Rules()[0].Hits == 0 { // in flight, at the barrier or just before it
				select {
				case got := <-done:
					t.Fatalf("passed alone: %+v", got)
				default:
				}
			}
			end(s)
			(<-done).must(t, http.StatusOK)
		})
	}
}
