package fs_test

import (
	"context"
	"fmt"
	"iter"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// canned is a store whose one bucket has a query of n results, told without a network or XML in
// the way: what a listing of it takes is the mount's own. It counts pages.
type canned struct {
	search.Store
	n     int
	pages atomic.Int64
}

const cannedPage = 1000

func (s *canned) Buckets(context.Context) ([]search.Bucket, error) {
	return []search.Bucket{{Name: "b"}}, nil
}

func (s *canned) Schema(context.Context, string) (search.Schema, error) {
	return search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{{Name: "Size", Type: search.Integer}}}, nil
}

func (s *canned) Query(context.Context, search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		for i := range s.n {
			if i%cannedPage == 0 {
				s.pages.Add(1)
			}
			if !yield(cannedObject(i), nil) {
				return
			}
		}
	}
}

// cannedObject has a key of 40 bytes and an ETag as of MD5, and no structure that a mount could profit from.
func cannedObject(i int) search.Object {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	return search.Object{Key: fmt.Sprintf("data/run-%06x/part-%016x.parq", i/4096, h), Size: int64(h % (1 << 30)),
		ETag: fmt.Sprintf("%016x%016x", h*h, ^h), ModTime: time.UnixMilli(1_764_000_000_000 + int64(i))}
}

// mountCanned mounts a canned store of n results, with the sizes that the program mounts with.
func mountCanned(b *testing.B, n int) (s *canned, dir string) {
	b.Helper()
	requireMount(b)
	s = &canned{n: n}
	c := cache.New(s, cache.Options{TTL: time.Hour, SchemaTTL: time.Hour, MemoryBudget: 128 << 20})
	b.Cleanup(c.Close)
	m, err := fs.Mount(b.TempDir(), fs.Options{Store: c, TTL: time.Hour})
	check(b, err)
	b.Cleanup(func() {
		check(b, m.Unmount())
		m.Wait()
	})
	return s, m.Dir()
}

// shell runs a script that prints a number of lines or entries, which must be want.
func shell(b *testing.B, dir, script string, want int) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "sh", "-c", script)
	cmd.Dir, cmd.Env = "/", append(cmd.Environ(), "Q="+dir+"/b/size,ge,0", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	check(b, err)
	if got, _ := strconv.Atoi(strings.TrimSpace(string(out))); got != want {
		b.Fatalf("%s printed %q, want %d", script, out, want)
	}
}

// What a listing costs the mount and the programs that read it, the store aside: the first time and
// again, by name and with attributes, for sizes that the time and memory an entry must not depend on.
func BenchmarkListing(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		for _, c := range []struct {
			name, script string
			extra        int
		}{{"names", `ls -f "$Q" | wc -l`, 2}, {"attributes", `ls -lU "$Q" | wc -l`, 1}} {
			if n > 100_000 && c.name == "attributes" {
				continue // ls holds all of them, and each is looked up by itself
			}
			b.Run(fmt.Sprintf("%s/cold/%d", c.name, n), func(b *testing.B) {
				var pages int64
				var took usage
				for range b.N {
					s, dir := mountCanned(b, n)
					began := used()
					shell(b, dir, c.script, n+c.extra)
					took.add(used().since(began))
					pages += s.pages.Load()
				}
				took.report(b, n, pages)
			})
			b.Run(fmt.Sprintf("%s/warm/%d", c.name, n), func(b *testing.B) {
				s, dir := mountCanned(b, n)
				shell(b, dir, c.script, n+c.extra)
				s.pages.Store(0)
				began := used()
				b.ResetTimer()
				for range b.N {
					shell(b, dir, c.script, n+c.extra)
				}
				used().since(began).report(b, n, s.pages.Load())
			})
		}
	}
}

// usage is time on the clock, and of the processors' by this process and by those that it waited for.
type usage struct{ real, mount, readers time.Duration }

func used() usage {
	cpu := func(who int) time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(who, &r); err != nil {
			panic(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	return usage{time.Duration(time.Now().UnixNano()), cpu(syscall.RUSAGE_SELF), cpu(syscall.RUSAGE_CHILDREN)}
}

func (u usage) since(t usage) usage {
	return usage{u.real - t.real, u.mount - t.mount, u.readers - t.readers}
}

func (u *usage) add(t usage) {
	u.real, u.mount, u.readers = u.real+t.real, u.mount+t.mount, u.readers+t.readers
}

// report reports u for b.N listings of n entries each. Where others use the processors too, their time tells more than the clock.
func (u usage) report(b *testing.B, n int, pages int64) {
	entries := float64(b.N) * float64(n)
	b.ReportMetric(float64(u.real)/entries, "ns/entry")
	b.ReportMetric(float64(u.mount)/entries, "mount-cpu-ns/entry")
	b.ReportMetric(float64(u.readers)/entries, "reader-cpu-ns/entry")
	b.ReportMetric(float64(pages)/float64(b.N), "requests/op")
}
