package fs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// adversary are readers whose next step reading ahead cannot know, or believes to know wrongly. Each reads a directory
// of its own, $D, of files of 20 KiB or less, or a large file, $L.
var adversary = []struct{ name, program string }{
	{"random files", `
names = os.listdir(D)
random.shuffle(names)
for name in names[:150]: read(name)`},
	{"every third file", `
for name in os.listdir(D)[::3]: read(name)`},
	{"a few in a row, then elsewhere", `
names = os.listdir(D)
for _ in range(25):
	at = random.randrange(len(names))
	for name in names[at:at+5]: read(name)`},
	{"the first byte of all", `
for name in os.listdir(D): read(name, 1)`},
	{"each twice", `
for name in os.listdir(D): read(name); read(name)`},
	{"by time", `
for name in sorted(os.listdir(D), key=lambda n: -os.stat(D + "/" + n).st_mtime): read(name)`},
	{"by size", `
for name in sorted(os.listdir(D), key=lambda n: os.stat(D + "/" + n).st_size): read(name)`},
	{"four at once", `
names = os.listdir(D)
def some(part):
	for name in part: read(name)
threads = [threading.Thread(target=some, args=(names[i*75:(i+1)*75],)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()`},
	{"two greps in turn", `
a, b = os.listdir(D), os.listdir(D)[::-1]
for x, y in zip(a[:100], b[:100]): read(x); read(y)`},
	{"forward, and no further", `
for name in os.listdir(D)[:20]: read(name)`},
	{"a large file at random", `
f = os.open(L, os.O_RDONLY)
for _ in range(60): os.pread(f, 4096, random.randrange(20 << 20))`},
	{"a large file in strides", `
f = os.open(L, os.O_RDONLY)
for off in range(0, 20 << 20, 700_000): os.pread(f, 4096, off)`},
	{"a large file by two at once", `
def all():
	with open(L, "rb", buffering=0) as f:
		while f.read(300_000): pass
threads = [threading.Thread(target=all) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()`},
	{"the beginning of a large file", `
f = os.open(L, os.O_RDONLY)
for _ in range(3): os.read(f, 1 << 20)`},
	{"a large file backward", `
f = os.open(L, os.O_RDONLY)
for off in range((20 << 20) - 200_000, -1, -200_000): os.pread(f, 200_000, off)`},
	{"pieces of a large file", `
f = os.open(L, os.O_RDONLY)
for _ in range(5):
	at = random.randrange(16 << 20)
	for i in range(8): os.pread(f, 128 << 10, at + (i << 17))`},
}

// Who reads in no order that can be known costs little more than what is read: of what was fetched ahead under a mix of
// them all at most 30 % is wasted.
func TestReadAheadAgainstAdversary(t *testing.T) {
	requireTool(t, "python3")
	const files, kib = 300, 1 << 10
	w := newWorld(t, setup{memory: 128 << 20, server: func(s *ecstest.Server) { s.Latency = 2 * time.Millisecond }})
	var got, used int64
	for i, a := range adversary {
		dir := fmt.Sprintf("n,eq,%d", i)
		put := func(key string, n int, size int64, at int) {
			check(t, w.ecs.PutGenerated("b", key, ecstest.Generated{Seed: uint64(i<<16 + at), Size: size}, ecstest.PutOptions{
				Metadata: map[string]string{"n": fmt.Sprint(n)}, LastModified: w.clock.Now().Add(-time.Duration(at*7919%files) * time.Minute)}))
		}
		for at := range files {
			put(fmt.Sprintf("%02d/f%04d", i, at), i, int64(1+at*31%20)*kib, at)
		}
		large := fmt.Sprintf("large%02d", i)
		put(large, -1, 20<<20, files)
		w.python(fmt.Sprintf(`
import os, random, threading
D, L = os.environ["B"] + "/%s/@tree/%02d", os.environ["B"] + "/%s"
random.seed(%d)
def read(name, n=-1):
	with open(D + "/" + name, "rb", buffering=0) as f: f.read(n)
`, dir, i, large, i) + a.program + "\n")
		nowGot, nowUsed := counter(w, "readahead_bytes"), counter(w, "readahead_used_bytes")
		t.Logf("%-32s fetched ahead %9d, used %9d", a.name, nowGot-got, nowUsed-used)
		got, used = nowGot, nowUsed
	}
	if wasted := got - used; wasted*10 > got*3 {
		t.Errorf("%d of %d bytes that were fetched ahead were not used", wasted, got)
	}
}
