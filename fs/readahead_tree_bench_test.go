package fs_test

import (
	"fmt"
	"testing"
	"time"
)

func BenchmarkGrepFolders(b *testing.B) {
	w := newWorld(b, setup{})
	for i := range 1000 {
		w.put(fmt.Sprintf("d/%02d/f%05d", i/10, i), "needle", "color", "red")
	}
	w.ecs.Latency = 10 * time.Millisecond
	for _, c := range []string{"grep -r needle $B/d", "grep -r needle $B/d/color,eq,red/@tree", "cp -r $B/d copy", "grep -r needle $B/d/color,eq,red"} {
		b.Run(c, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				m := w.again()
				w.requests()
				b.StartTimer()
				m.sh("rm -rf copy;" + c + " | wc -l")
				b.StopTimer()
				_, files, _, wasted := m.ahead()
				b.Log(w.requests(), files, wasted)
				m.unmount()
				b.StartTimer()
			}
		})
	}
}
