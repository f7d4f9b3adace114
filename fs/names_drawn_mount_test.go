package fs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// TestDrawnKeys shows keys of any bytes in every view of a mount: each is one file, which
// reads back the bytes of its key, whether its directory was listed before or not.
func TestDrawnKeys(t *testing.T) {
	const n = 200
	for _, c := range []struct {
		seed uint64
		ttl  time.Duration
	}{{1, 0}, {2, -1}} {
		t.Run(fmt.Sprintf("seed %d, ttl %d", c.seed, c.ttl), func(t *testing.T) {
			w := newWorld(t, setup{ttl: c.ttl, server: func(s *ecstest.Server) { s.PageSize = 37 }})
			check(t, w.ecs.SetVersioning("b", true))
			objects := fs.DrawKeys(c.seed, n)
			markers := 0
			for _, o := range objects {
				data := "bytes of " + o.Key
				if o.Size == 0 && strings.HasSuffix(o.Key, "/") {
					data = ""
					markers++
				}
				w.put(o.Key, data)
			}
			a := newAgent(w)
			for dir, want := range map[string]int{"": n - markers, "size,ge,0": n, "size,ge,0/@tree": n - markers, "@versions": n, "size,ge,0/@tree/@versions": n - markers} {
				if c.ttl < 0 && strings.Contains(dir, "@tree") {
					continue // where each step down is a search
				}
				got := a.do("walk", dir)
				if got.Errno != "" || len(got.Names) != want {
					t.Errorf("%q has %d files, %s, want %d", dir, len(got.Names), got.Errno, want)
				}
				read := map[string]string{}
				for i, name := range got.Names {
					data := string(got.Files[i])
					if other, dup := read[data]; dup && data != "" {
						t.Errorf("%q: %q and %q have the bytes of one object", dir, other, name)
					}
					read[data] = string(name)
				}
				for _, o := range objects {
					if _, ok := read["bytes of "+o.Key]; !ok && (o.Size > 0 || !strings.HasSuffix(o.Key, "/")) {
						t.Errorf("%q does not show %q", dir, o.Key)
					}
				}
				w.want(`cd "$B/`+dir+`" && find . -print0 | sort -z | uniq -zd`, "")
			}
		})
	}
}
