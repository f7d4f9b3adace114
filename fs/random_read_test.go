package fs_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// reading is one setting under which files are read at random.
type reading struct {
	setup
	overwrite bool           // objects get another version while they are read
	faults    []ecstest.Rule // of the store
	damage    bool           // what is on disk is damaged between two mounts
}

// randomReadings are the settings of the cache, and what goes on meanwhile.
func randomReadings(t *testing.T) map[string]reading {
	full := t.TempDir() // smaller than what the cache believes that it may use
	if err := unix.Mount("tmpfs", full, "tmpfs", 0, "size=1536k,mode=0700"); err != nil {
		t.Logf("no small file system here, so none is filled up: %v", err)
	} else {
		t.Cleanup(func() { check(t, unix.Unmount(full, unix.MNT_DETACH)) })
	}
	disk := func(size int64) *cache.DiskOptions { return &cache.DiskOptions{Dir: t.TempDir(), Size: size} }
	faults := []ecstest.Rule{
		{Operations: []string{"GetObject"}, Probability: 0.1, Seed: 1, Status: 503, Code: "SlowDown"},
		{Operations: []string{"GetObject"}, Probability: 0.1, Seed: 2, Cut: ecstest.CutReset, CutAfter: new(int64(1000))},
		{Operations: []string{"GetObject"}, Probability: 0.1, Seed: 3, Cut: ecstest.CutClose, CutAfter: new(int64(50_000))},
		{Operations: []string{"GetObject"}, Probability: 0.05, Seed: 4, LengthOff: -7},
		{Operations: []string{"GetObject"}, Probability: 0.05, Seed: 5, Chunked: true},
		{Operations: []string{"GetObject"}, Probability: 0.05, Seed: 6, Cut: ecstest.CutClose},
	}
	return map[string]reading{
		"usual":                                  {},
		"memory of nothing":                      {setup: setup{memory: -1}},
		"memory of a few blocks":                 {setup: setup{memory: 600 << 10, block: 64 << 10}},
		"small blocks, no lifetime":              {setup: setup{memory: 16 << 20, block: 4 << 10, ttl: -1}},
		"odd blocks":                             {setup: setup{memory: 8 << 20, block: 100_003}},
		"disk":                                   {setup: setup{memory: 4 << 20, disk: disk(1 << 30)}},
		"disk that is full":                      {setup: setup{memory: 1 << 20, block: 64 << 10, disk: &cache.DiskOptions{Dir: full, Size: 1 << 30}}},
		"disk that is damaged":                   {setup: setup{memory: 4 << 20, block: 64 << 10, disk: disk(1 << 30)}, damage: true},
		"disk of a few blocks":                   {setup: setup{memory: 1 << 20, block: 64 << 10, disk: disk(1 << 20)}},
		"overwritten":                            {overwrite: true},
		"overwritten, no lifetime":               {setup: setup{ttl: -1, block: 64 << 10}, overwrite: true},
		"overwritten, memory of nothing":         {setup: setup{memory: -1, block: 64 << 10}, overwrite: true},
		"overwritten, memory of a few blocks":    {setup: setup{memory: 600 << 10, block: 64 << 10}, overwrite: true},
		"overwritten, disk":                      {setup: setup{memory: 1 << 20, block: 64 << 10, disk: disk(1 << 30)}, overwrite: true},
		"overwritten, disk of a few blocks":      {setup: setup{memory: 1 << 20, block: 64 << 10, ttl: -1, disk: disk(1 << 20)}, overwrite: true},
		"broken":                                 {setup: setup{block: 256 << 10}, faults: faults},
		"broken, overwritten":                    {setup: setup{memory: 4 << 20, block: 64 << 10}, overwrite: true, faults: faults},
		"broken, overwritten, disk, no lifetime": {setup: setup{memory: 2 << 20, block: 64 << 10, ttl: -1, disk: disk(8 << 20)}, overwrite: true, faults: faults},
	}
}

// Promises 2, 3 and 7: whatever is read, by whatever call, of a file that may be
// overwritten at any time, over a store that may fail, under every setting of
// the cache, is of the one version whose size the file has, or an error; and the
// cache stays within its budget.
func TestPromise2RandomReads(t *testing.T) {
	for name, r := range randomReadings(t) {
		t.Run(name, func(t *testing.T) { randomReads(t, r) })
	}
}

const versionsOfAFile = 40

func randomReads(t *testing.T, r reading) {
	w := newWorld(t, r.setup)
	edges := int64(1 << 20)
	if r.block != 0 {
		edges = r.block
	}
	plan := readerPlan{Edges: edges, Seed: 1, Workers: 4, Opens: 60, Limit: 4 * time.Second}
	if testing.Short() {
		plan.Opens = 15
	}
	for i, size := range []int64{0, 1, 4095, 4096, 4097, 65_537, edges - 1, edges, edges + 1, 3*edges + 17, 2<<20 + 5, 9 << 20} {
		f := readerFile{Name: fmt.Sprintf("f%02d", i)}
		for v := range int64(versionsOfAFile) {
			if v > 0 && !r.overwrite {
				break
			}
			f.Versions = append(f.Versions, ecstest.Generated{Seed: uint64(i)<<32 | uint64(v), Size: max(0, size-v%3)})
		}
		plan.Files = append(plan.Files, f)
	}
	put := func(f readerFile, v int) {
		check(t, w.ecs.PutGenerated("b", f.Name, f.Versions[v], ecstest.PutOptions{LastModified: time.Now().Add(-time.Hour), Metadata: map[string]string{"color": "red"}}))
	}
	for _, f := range plan.Files {
		put(f, 0)
	}

	var mu sync.Mutex // guards all below
	gets, at := 0, map[string]int{}
	var over int64
	w.ecs.SetIntercept(func(_ http.ResponseWriter, _ *http.Request, req ecstest.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		over = max(over, budgetExceeded(w.cache))
		if req.Operation != "GetObject" || !r.overwrite {
			return false
		}
		if gets++; gets%5 == 0 { // the object that is being read
			i := slices.IndexFunc(plan.Files, func(f readerFile) bool { return f.Name == req.Key })
			at[req.Key] = min(at[req.Key]+1, versionsOfAFile-1)
			put(plan.Files[i], at[req.Key])
		}
		return false
	})
	check(t, w.ecs.SetRules(r.faults...))

	rounds := 1
	if r.disk != nil {
		rounds = 2
	}
	for round := range rounds {
		if round > 0 { // from what the first round left on disk
			w.remount(func() {
				if r.damage {
					damageFiles(t, r.disk.Dir)
				}
			})
			plan.Seed++
		}
		checkReport(t, r, runReader(w, plan))
	}
	if r.damage && counter(w, "disk_damaged") == 0 {
		t.Error("nothing damaged was found")
	}
	hits := 0
	for _, rule := range w.ecs.Rules() {
		hits += rule.Hits
	}
	if r.faults != nil && hits == 0 {
		t.Error("nothing broke")
	}
	mu.Lock()
	defer mu.Unlock()
	if over > 0 {
		t.Errorf("the cache held %d bytes more than its budget", over)
	}
}

// damageFiles changes one byte of each file below dir.
func damageFiles(t *testing.T, dir string) {
	random, n := rand.New(rand.NewPCG(1, 0)), 0
	check(t, filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil || len(data) == 0 {
			return err
		}
		data[random.IntN(len(data))] ^= 0xFF
		n++
		return os.WriteFile(name, data, 0o600)
	}))
	if n == 0 {
		t.Error("there was nothing to damage")
	}
}

// counter returns one of the cache's counters.
func counter(w *world, name string) int64 {
	w.t.Helper()
	for _, c := range w.cache.Stats() {
		if c.Name == name {
			return c.Value
		}
	}
	w.t.Fatalf("there is no counter %s", name)
	return 0
}

// checkReport tells what should not have come of reading.
func checkReport(t *testing.T, r reading, report readerReport) {
	t.Helper()
	t.Logf("%d opens, %d MB, reads %v, errors %v", report.Opens, report.Bytes/1e6, report.Reads, report.Errors)
	for _, m := range methods {
		if report.Reads[m.name] == 0 {
			t.Errorf("nothing was read by %s", m.name)
		}
	}
	var allowed []string
	if r.overwrite {
		allowed = append(allowed, "ESTALE", "EIO", errFault.Error())
	}
	if r.faults != nil {
		allowed = append(allowed, "EIO", errFault.Error())
	}
	for _, errno := range slices.Sorted(maps.Keys(report.Errors)) {
		if !slices.Contains(allowed, errno) {
			t.Errorf("%d times %s, of which only %q may be", report.Errors[errno], errno, allowed)
		}
	}
}

// budgetExceeded returns by how many bytes the cache's own sums are above its
// budget: what is kept and what is open, or what is kept and what is on its way.
// The two together may be above it for as long as a listing grows, by no more
// than that, since what is on its way then was admitted before.
func budgetExceeded(c *cache.Cache) int64 {
	sums := map[string]int64{}
	for _, counter := range c.Stats() {
		sums[counter.Name] = counter.Value
	}
	kept := sums["cache_kept_bytes"] + sums["cache_free_bytes"]
	way := sums["cache_flying_bytes"] + sums["cache_lent_bytes"]
	return max(kept+sums["cache_open_bytes"], kept+way) - sums["cache_budget_bytes"]
}
