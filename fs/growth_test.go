package fs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// newGrown returns a world with n small objects, all of a query "color,eq,red".
func newGrown(t testing.TB, n int, s setup) *world {
	t.Helper()
	w := newWorld(t, s)
	check(t, w.ecs.PutObjects("b", func(yield func(ecstest.Object) bool) {
		for i := range n {
			o := ecstest.Object{Key: fmt.Sprintf("run-%03d/part-%06d.txt", i%7, i), Data: fmt.Appendf(nil, "line %d\nneedle\n", i)}
			o.Metadata = map[string]string{"color": "red"}
			if !yield(o) {
				return
			}
		}
	}))
	return w
}

// What a result costs, in requests and in memory, does not grow with the number of results.
func TestGrowth(t *testing.T) {
	sizes := []int{2000, 8000, 32_000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	perResult := map[string][]float64{}
	for _, n := range sizes {
		w := newGrown(t, n, setup{memory: 128 << 20, server: func(s *ecstest.Server) { s.RecordLimit = -1 }})
		w.want(`ls -f $B/color,eq,red | wc -l`, fmt.Sprintln(n+2))
		w.wantRequests("ls -f", fmt.Sprintf("ListBuckets=1 Query=%d SearchKeys=1", n/1000))
		w.want(`ls -f $B/color,eq,red | wc -l`, fmt.Sprintln(n+2))
		w.wantRequests("ls -f again", "")
		kept := counter(w, "cache_kept_bytes") + counter(w, "cache_open_bytes")
		perResult["bytes kept of a listing"] = append(perResult["bytes kept of a listing"], float64(kept)/float64(n))
		if n > 8000 {
			continue
		}
		w.want(`grep -rl needle $B/color,eq,red | wc -l`, fmt.Sprintln(n))
		w.wantRequests("grep -r", fmt.Sprintf("GetObject=%d", n))
		w.want(`grep -rl needle $B/color,eq,red | wc -l`, fmt.Sprintln(n))
		w.wantRequests("grep -r again", "")
	}
	for what, figures := range perResult {
		t.Logf("%s: %.1f", what, figures)
		for _, f := range figures[1:] {
			if f > figures[0]*1.2 {
				t.Errorf("%s: %.1f for %v results", what, figures, sizes)
				break
			}
		}
	}
}

// BenchmarkGrowth is listings and greps of ever more results, through a mount, with the server on the same machine:
// time a result, and what the cache has of it.
func BenchmarkGrowth(b *testing.B) {
	for _, g := range []struct {
		name, script string
		sizes        []int
	}{
		{"ls -f", `ls -f $B/color,eq,red | wc -l`, []int{10_000, 100_000, 1_000_000}},
		{"ls -l", `ls -l $B/color,eq,red | wc -l`, []int{10_000, 100_000}},
		{"grep -r", `grep -rl needle $B/color,eq,red | wc -l`, []int{1000, 10_000, 100_000}},
	} {
		for _, n := range g.sizes {
			b.Run(fmt.Sprintf("%s of %d", g.name, n), func(b *testing.B) {
				w := newGrown(b, n, setup{memory: 128 << 20, server: func(s *ecstest.Server) { s.RecordLimit = -1 }})
				ctx := b.Context()
				for b.Loop() {
					b.StopTimer()
					w.remount()
					w.ecs.ResetRequests()
					b.StartTimer()
					out, err := w.command(ctx, "sh", "-c", g.script).CombinedOutput()
					check(b, err)
					if lines := strings.TrimSpace(string(out)); len(lines) < len(fmt.Sprint(n)) {
						b.Fatalf("%s lines of %d results", lines, n)
					}
				}
				kept := counter(w, "cache_kept_bytes") + counter(w, "cache_open_bytes")
				requests := 0
				for _, c := range w.ecs.Counts() {
					requests += c
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/result")
				b.ReportMetric(float64(kept)/float64(n), "cache-B/result")
				b.ReportMetric(float64(requests)/float64(n), "requests/result")
			})
		}
	}
}
