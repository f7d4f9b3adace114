package fs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// BenchmarkGrep is grep -r over results that nothing is kept of, from a store that takes 10 ms for each answer. One by
// one, 1,000 of them take 10 s.
func BenchmarkGrep(b *testing.B) {
	for _, c := range []struct{ files, bytes int }{{1000, 64 << 10}, {10000, 4 << 10}} {
		b.Run(fmt.Sprintf("%dx%d", c.files, c.bytes), func(b *testing.B) {
			w := newWorld(b, setup{server: func(s *ecstest.Server) { s.Latency = 10 * time.Millisecond }, memory: 256 << 20})
			data := strings.Repeat("needle in hay\n", c.bytes/14)
			for i := range c.files {
				w.put(fmt.Sprintf("d%d/f%05d", i%10, i), data, "color", "red")
			}
			w.requests()
			for b.Loop() {
				b.StopTimer()
				m := w.again()
				m.sh(`ls -f $B/color,eq,red | wc -l`)
				w.requests()
				b.StartTimer()
				m.sh(`grep -r needle $B/color,eq,red | wc -l`)
				b.StopTimer()
				b.ReportMetric(float64(w.ecs.Count("GetObject")), "gets/op")
				m.unmount()
				b.StartTimer()
			}
			b.ReportMetric(float64(c.files)*float64(b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
}

// BenchmarkGrepAgain is grep -r over results that all is kept of, in this process and in the kernel.
func BenchmarkGrepAgain(b *testing.B) {
	const files = 10_000
	w := newWorld(b, setup{memory: 256 << 20})
	data := strings.Repeat("needle in hay\n", 290)
	for i := range files {
		w.put(fmt.Sprintf("d%d/f%05d", i%10, i), data, "color", "red")
	}
	w.sh(`grep -r needle $B/color,eq,red | wc -l`)
	w.requests()
	for b.Loop() {
		w.sh(`grep -r needle $B/color,eq,red | wc -l`)
	}
	if got := w.requests(); got != "" {
		b.Errorf("it asked the store for %q", got)
	}
	b.ReportMetric(files*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}
