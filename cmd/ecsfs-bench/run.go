package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:  "run",
		Usage: "run the jobs on every client, and append a line of JSON for each run to OUT/results.jsonl",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "ecsfs", Usage: "the program `FILE` to measure", Required: true},
			&cli.StringFlag{Name: "out", Usage: "the directory `OUT` of the results; what is in it already is not run again", Required: true},
			&cli.StringFlag{Name: "scratch", Usage: "a directory `DIR` on a disk, for mounts and caches; default: below OUT"},
			&cli.StringFlag{Name: "memory", Value: "/dev/shm", Usage: "a directory `DIR` in memory"},
			&cli.StringSliceFlag{Name: "latency", Value: cli.NewStringSlice("10ms", "0s", "100ms"), Usage: "`DURATIONS` that each request takes; the first is the main one"},
			&cli.StringSliceFlag{Name: "clients", Usage: "only the clients `NAMES`"},
			&cli.StringSliceFlag{Name: "jobs", Usage: "only the jobs `NAMES`"},
			&cli.IntFlag{Name: "runs", Value: 3, Usage: "`N` runs of each job; fewer of those that take long, and 2 at most at all latencies but the first"},
			&cli.DurationFlag{Name: "limit", Value: time.Minute, Usage: "a step ends after `DURATION`"},
			&cli.DurationFlag{Name: "rival-limit", Value: 20 * time.Second, Usage: "a step of another file system ends after `DURATION`"},
			&cli.DurationFlag{Name: "budget", Value: 10 * time.Second, Usage: "no further run of a job on a client after `DURATION`; three times that for ecsfs and the limits"},
			&cli.BoolFlag{Name: "smoke", Usage: "small data sets: does everything work?"},
		},
		Action: func(c *cli.Context) error {
			r := &runner{out: c.App.Writer, smoke: c.Bool("smoke"), runs: c.Int("runs"), limit: c.Duration("limit"),
				rivalLimit: c.Duration("rival-limit"), budget: c.Duration("budget").Seconds()}
			for _, text := range c.StringSlice("latency") {
				d, err := time.ParseDuration(text)
				if err != nil {
					return fmt.Errorf("--latency %s: not a duration, such as 10ms", text)
				}
				r.latencies = append(r.latencies, d)
			}
			var err error
			if r.clients, err = selectClients(c.StringSlice("clients")); err != nil {
				return err
			}
			if r.jobs, err = selectJobs(c.StringSlice("jobs")); err != nil {
				return err
			}
			return r.run(c.Context, c.String("ecsfs"), c.String("out"), c.String("scratch"), c.String("memory"))
		},
	}
}

func selectJobs(names []string) ([]job, error) {
	all := jobs()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []job
	for _, name := range names {
		i := slices.IndexFunc(all, func(j job) bool { return j.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no job %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// runner is one call of run.
type runner struct {
	out               io.Writer
	smoke             bool
	latencies         []time.Duration
	clients           []client
	jobs              []job
	runs              int
	limit, rivalLimit time.Duration
	budget            float64 // seconds

	places   places
	emulator *emulator
	file     *os.File
	results  []result
	sessions int // so far: each has a disk cache of its own
}

// run prepares everything, runs the jobs, and removes what it made but the
// results.
func (r *runner) run(ctx context.Context, ecsfs, out, scratch, memory string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("root is needed, to empty the kernel's caches between jobs")
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if scratch == "" {
		scratch = out
	}
	if r.places, err = newPlaces(ecsfs, scratch, memory); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, os.RemoveAll(r.places.memory), os.RemoveAll(r.places.work))
	}()
	r.places.smoke = r.smoke
	if err := r.adaptToProgram(); err != nil {
		return err
	}
	name := filepath.Join(out, "results.jsonl")
	if r.results, err = readResults(name); err != nil {
		return err
	}
	r.results = slices.DeleteFunc(r.results, func(res result) bool { return res.Failed != "" }) // they are tried again
	if r.file, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	defer r.file.Close()
	if err := r.load(ctx); err != nil {
		return err
	}
	defer r.emulator.end()
	if err := thisHost(r.places, r.clients).write(filepath.Join(out, "host.json")); err != nil {
		return err
	}
	return r.all(ctx)
}

// newPlaces makes the directories of a run.
func newPlaces(ecsfs, scratch, memory string) (places, error) {
	var p places
	self, err := os.Executable()
	if err != nil {
		return p, err
	}
	if ecsfs, err = filepath.Abs(ecsfs); err != nil {
		return p, err
	}
	work, err := os.MkdirTemp(scratch, "work-")
	if err != nil {
		return p, err
	}
	if work, err = filepath.Abs(work); err != nil {
		return p, err
	}
	p = places{work: work, mount: filepath.Join(work, "mount"), disk: filepath.Join(work, "disk"),
		passwd: filepath.Join(work, "passwd-s3fs"), ecsfs: ecsfs, self: self}
	if p.memory, err = os.MkdirTemp(memory, "ecsfs-bench-"); err != nil {
		return p, err
	}
	return p, os.WriteFile(p.passwd, []byte(ecstest.DefaultAccessKeyID+":"+ecstest.DefaultSecretAccessKey+"\n"), 0o600)
}

// adaptToProgram leaves out what the ecsfs to be measured does not have.
func (r *runner) adaptToProgram() error {
	help, err := exec.Command(r.places.ecsfs, "mount", "--help").Output()
	if err != nil {
		return fmt.Errorf("%s mount --help: %w", r.places.ecsfs, err)
	}
	if strings.Contains(string(help), "--cache-dir") {
		return nil
	}
	fmt.Fprintln(r.out, "this ecsfs has no disk cache: remounting is not measured")
	r.jobs = slices.DeleteFunc(r.jobs, func(j job) bool { return j.Fill != nil })
	for i, c := range r.clients {
		if c.Kind == kindECSFS {
			r.clients[i].Args = slices.DeleteFunc(slices.Clone(c.Args), func(a string) bool { return a == "--cache-dir" || a == "{cache}" })
		}
	}
	return nil
}

// load starts the emulator with the sets that the jobs need, and writes those
// that are read as local files.
func (r *runner) load(ctx context.Context) error {
	var sets []string
	memory, disk := map[string]bool{}, map[string]bool{}
	for _, j := range r.jobs {
		for _, st := range append([]step{{}}, j.Steps...) {
			set := st.Set
			if set == "" {
				set = j.Set
			}
			if !slices.Contains(sets, set) {
				sets = append(sets, set)
			}
			for _, c := range r.clients {
				if j.wants(c) && (c.Kind == kindBare || c.Kind == kindLocal) {
					where := memory
					if strings.Contains(c.Name, "disk") {
						where = disk
					}
					where[set] = true
				}
			}
		}
	}
	for dir, names := range map[string]map[string]bool{r.places.memory: memory, r.places.disk: disk} {
		for name := range names {
			d, err := findSet(name, r.smoke)
			if err == nil {
				err = writeLocal(dir, d)
			}
			if err != nil {
				return err
			}
		}
	}
	log, err := os.Create(filepath.Join(r.places.work, "emulator.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	if r.emulator, err = startEmulator(r.places.self, sets, r.smoke, log); err != nil {
		return err
	}
	r.places.endpoint = r.emulator.Endpoint
	fmt.Fprintf(r.out, "%d data sets loaded in %.1f s\n", len(sets), r.emulator.Loaded)
	return ctx.Err()
}

// all runs every job on every client, so many times, in turn: what else the
// machine does then hits all alike.
func (r *runner) all(ctx context.Context) error {
	for i, latency := range r.latencies {
		if err := r.emulator.setLatency(latency); err != nil {
			return err
		}
		runs := r.runs
		if i > 0 {
			runs = min(runs, 2)
		}
		for run := range runs {
			for _, j := range r.jobs {
				for _, c := range r.clients {
					if !j.wants(c) || i > 0 && (j.MainOnly || c.MainOnly) || !r.due(latency, j, c, run) {
						continue
					}
					if err := r.once(ctx, latency, j, c, run); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// due reports whether a job still has to be run on a client.
func (r *runner) due(latency time.Duration, j job, c client, run int) bool {
	spent := 0.0
	for _, old := range r.results {
		if old.Latency != latency.String() || old.Job != j.Name || old.Client != c.Name {
			continue
		}
		if old.Run == run || old.TimedOut || old.Failed != "" {
			return false
		}
		spent += old.Seconds
	}
	budget := r.budget
	if c.Kind != kindRival {
		budget *= 3
	}
	return spent < budget
}

// once runs a job on a client, one time.
func (r *runner) once(ctx context.Context, latency time.Duration, j job, c client, run int) error {
	results, err := r.steps(ctx, j, c, run)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // of this client, not of the others
		results = append(results, result{Step: "cold", Failed: err.Error()})
	}
	for _, res := range results {
		res.Time, res.Latency, res.Job, res.Client, res.Run = time.Now().UTC().Format(time.RFC3339), latency.String(), j.Name, c.Name, run
		r.results = append(r.results, res)
		if err := json.NewEncoder(r.file).Encode(res); err != nil {
			return err
		}
		r.tell(res)
	}
	return nil
}

// tell prints one result.
func (r *runner) tell(res result) {
	note := res.Failed
	if res.TimedOut {
		note = fmt.Sprintf("TIME IS OVER, %d of %d", res.Done, res.Expected)
	}
	fmt.Fprintf(r.out, "%-6s %-11s %-6s %-12s %8.3f s  cpu %6.2f  peak %5d MiB  foreign %4.2f  %s %s\n", res.Latency, res.Job, res.Step, res.Client,
		res.Seconds, res.CPU, res.PeakKiB>>10, res.Foreign, requestText(res.Server.Requests), note)
}

// steps runs the steps of a job in a fresh mount.
func (r *runner) steps(ctx context.Context, j job, c client, run int) (results []result, err error) {
	d, err := findSet(j.Set, r.smoke)
	if err != nil {
		return nil, err
	}
	limit := r.limit
	if j.Limit != 0 {
		limit = j.Limit
	}
	if c.Kind == kindRival {
		limit = r.rivalLimit
	}
	if c.Kind == kindRaw {
		args := append([]string{r.places.self, "raw"}, j.Raw[c.Name]...)
		args = append(args, "--endpoint", r.places.endpoint, "--set", d.Name)
		if r.smoke {
			args = append(args, "--smoke")
		}
		res, err := r.emulator.measure(ctx, &session{client: c, places: r.places}, step{Reads: readFigure}, args, d, limit)
		res.Step = "cold"
		return []result{res}, err
	}
	r.sessions++
	r.places.cache = filepath.Join(r.places.work, fmt.Sprintf("cache-%d", r.sessions))
	defer func() { err = errors.Join(err, removeIfLarge(r.places.cache)) }()
	if j.Fill != nil && c.Kind == kindECSFS {
		for range 2 { // the disk may have been too slow for all that was read the first time
			if _, err := r.mountAndRun(ctx, j, c, j.Fill, run, limit); err != nil {
				return nil, fmt.Errorf("filling the cache: %w", err)
			}
		}
	}
	return r.mountAndRun(ctx, j, c, j.Steps, run, limit)
}

// removeIfLarge removes a disk cache that takes much room in few files. The
// others stay until the end of the run: for seconds after thousands of files were
// removed, ext4 is slow to make new ones, which the next client would pay for.
func removeIfLarge(dir string) error {
	files, bytes := 0, int64(0)
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			files++
			bytes += info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // a client without a mount
		return nil
	}
	if err != nil || bytes < 200<<20 || files > 3000 {
		return err
	}
	return os.RemoveAll(dir)
}

// mountAndRun runs steps in one mount, on the disk cache that there is.
func (r *runner) mountAndRun(ctx context.Context, j job, c client, steps []step, run int, limit time.Duration) (results []result, err error) {
	s, err := begin(ctx, r.places, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	for _, st := range steps {
		set := st.Set
		if set == "" {
			set = j.Set
		}
		d, err := findSet(set, r.smoke)
		if err != nil {
			return results, err
		}
		seed := uint64(run + 1)
		if st.Prepare != nil {
			args := s.fill(st.Prepare, d, seed, r.smoke)
			if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
				return results, fmt.Errorf("%s: %w: %.200s", strings.Join(args, " "), err, out)
			}
		}
		if st.Drop {
			if err := s.places.dropCaches(); err != nil {
				return results, err
			}
		}
		res, err := r.emulator.measure(ctx, s, st, s.fill(st.Args, d, seed, r.smoke), d, limit)
		if err != nil {
			return results, err
		}
		res.Step = st.Name
		results = append(results, res)
		if res.TimedOut || res.Failed != "" {
			return results, nil // what follows would not be warm
		}
	}
	if j.Verify {
		d, err := findSet(j.Set, r.smoke)
		if err != nil {
			return results, err
		}
		args := s.fill([]string{"{self}", "pread", "--n", "64", "--seed", "7", "{file}"}, d, 0, r.smoke)
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			for i := range results {
				results[i].Failed = fmt.Sprintf("the bytes are not right: %.200s", out)
			}
		}
	}
	return results, nil
}
