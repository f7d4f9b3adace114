package fs_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// Many programs list and read while objects are overwritten under their hands,
// one at every third GET: whatever they read is one version from its first
// byte to its last, of the size that fstat tells.
func TestPromise3NoMixUnderChange(t *testing.T) {
	const objects, readers = 8, 4
	w := newWorld(t, setup{})
	put := func(key string, version int64) {
		w.put(key, strings.Repeat(string(rune('a'+version%26)), 3<<20+int(version%26)), "color", "red")
	}
	for i := range objects {
		put(fmt.Sprintf("o%d", i), 0)
	}
	var gets, lists atomic.Int64
	w.ecs.SetIntercept(func(_ http.ResponseWriter, _ *http.Request, req ecstest.Request) bool {
		switch req.Operation {
		case "GetObject":
			if n := gets.Add(1); n%3 == 0 {
				put(req.Key, n/3)
			}
		case "HeadObject":
			// Listings grow old. Not without end: signatures are of the real time, and good for a quarter of an hour.
			if n := lists.Add(1); n%4 == 0 && n < 48 {
				w.clock.advance(time.Minute)
			}
		}
		return false
	})
	const program = `
import errno, os
whole = 0
for round in range(4):
    for top in "/color,eq,red", "/size,gt,0", "":
        names = os.listdir(os.environ["B"] + top)
        if len(names) != 8: raise SystemExit("%d names" % len(names))
        for n in names:
            try:
                with open(os.environ["B"] + top + "/" + n, "rb") as f:
                    size = os.fstat(f.fileno()).st_size
                    data = f.read()
            except OSError as e:
                if e.errno != errno.ESTALE: raise SystemExit("read: %s" % e)
                continue
            if data.count(data[0]) != len(data): raise SystemExit("a mix of %s" % set(data))
            if len(data) != size or size != (3 << 20) + data[0] - 97: raise SystemExit("%d bytes of %d" % (len(data), size))
            whole += 1
print(whole > 0)
`
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			if out, err := w.tryShell("python3", program); err != nil || out != "True\n" {
				t.Errorf("a reader said %q, %v", out, err)
			}
		})
	}
	wg.Wait()
	if gets.Load() < 30 || lists.Load() < 4 {
		t.Errorf("only %d GETs and %d HEADs: little was overwritten", gets.Load(), lists.Load())
	}
	w.want(`sed -n 's/^mount_panics *//p' $M/@stats; test $(sed -n 's/^mount_stale *//p' $M/@stats) -gt 5 && echo yes`, "0\nyes\n")
}
