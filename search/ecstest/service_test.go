package ecstest

import (
	"encoding/xml"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGenerationEndpoint(t *testing.T) {
	eachGeneration(t, func(t *testing.T, g Generation, _ *Server, c *client) {
		list := c.get("/?endpoint").must(t, 200).xml(t)
		if list.XMLName.Space != s3Namespace || list.XMLName.Local != "ListDataNode" {
			t.Errorf("root is %v", list.XMLName)
		}
		if diff := cmp.Diff([]string{"127.0.0.1"}, list.texts("DataNodes")); diff != "" {
			t.Error(diff)
		}
		if v := list.text("VersionInfo"); !strings.HasPrefix(v, string(g)+".") || v != g.Traits().VersionInfo {
			t.Errorf("VersionInfo %q", v)
		}
	})
}

func TestKnobDataNodes(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.DataNodes = []string{"10.0.0.1", "10.0.0.2"} })
	list := c.get("/?endpoint=").must(t, 200).xml(t)
	if diff := cmp.Diff(s.DataNodes, list.texts("DataNodes")); diff != "" {
		t.Error(diff)
	}
	unsigned, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/?endpoint", nil)
	ok(t, err)
	if got := c.send(unsigned); got.status != 403 {
		t.Errorf("without a signature: %d %s", got.status, got.body)
	}
	if n := s.Count("DataNodes"); n != 2 {
		t.Errorf("counted %d, want 2", n)
	}
}

// ping asks as ECS's own clients do: unsigned, and with no connection kept.
func ping(t *testing.T, s *Server, c *client, target string) node {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+target, nil)
	ok(t, err)
	r.Header.Set("x-emc-namespace", "x")
	r.Close = true
	resp, err := c.http.Do(r)
	ok(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != 200 || !resp.Close {
		t.Errorf("%s: %s, connection to be closed: %v", target, resp.Status, resp.Close)
	}
	var list node
	ok(t, xml.NewDecoder(resp.Body).Decode(&list))
	if list.XMLName.Space != s3Namespace || list.XMLName.Local != "PingList" {
		t.Errorf("%s: root is %v", target, list.XMLName)
	}
	return list
}

func TestPing(t *testing.T) {
	s, c := startServer(t)
	for _, on := range []bool{false, true, false} {
		s.SetMaintenance(on)
		list := ping(t, s, c, "/?ping")
		if diff := cmp.Diff([]string{"LOAD_FACTOR", "MAINTENANCE_MODE"}, list.texts("PingItem/Name")); diff != "" {
			t.Error(diff)
		}
		want := "OFF"
		if on {
			want = "ON"
		}
		if got := list.text("PingItem/Status"); got != want {
			t.Errorf("maintenance %v: status %s", on, got)
		}
		if got := list.text("PingItem/Value"); got != "1" {
			t.Errorf("load factor %s, want 1: the ping itself", got)
		}
	}
	if diff := cmp.Diff([]string{"LOAD_FACTOR"}, ping(t, s, c, "/?ping&item=load-factor").texts("PingItem/Name")); diff != "" {
		t.Error(diff)
	}
	c.get("/?ping").must(t, 200) // signed is as good
	c.do("PUT", "/?ping", "").must(t, 405)
	if n := s.Count("Ping"); n != 5 {
		t.Errorf("counted %d, want 5", n)
	}
}

func TestPingLoadFactor(t *testing.T) {
	const load = 3
	entered, leave := make(chan struct{}), make(chan struct{})
	s, c := startServer(t, func(s *Server) {
		s.Intercept = func(_ http.ResponseWriter, _ *http.Request, req Request) bool {
			if req.Operation == "ListBuckets" {
				entered <- struct{}{}
				<-leave
			}
			return false
		}
	})
	var wg sync.WaitGroup
	for range load {
		wg.Go(func() { c.get("/") })
	}
	for range load {
		<-entered
	}
	if got := ping(t, s, c, "/?ping").text("PingItem/Value"); got != "4" {
		t.Errorf("load factor %s, want 4", got)
	}
	close(leave)
	wg.Wait()
	waitFor(t, func() bool { return s.underWay.Load() == 0 })
}
