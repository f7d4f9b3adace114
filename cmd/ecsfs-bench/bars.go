package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// bar is one line of what ecsfs has to reach, beside what it reached.
type bar struct {
	Job  string // what is done
	Bar  string // what is to be reached
	Got  string // empty: it was not measured
	Met  bool
	Near bool // not met, but by no more than noise
}

// noise is the difference that two runs of the same may have on a shared machine.
const noise = 1.2

// figures are the summaries of one latency, as the bars look at them.
type figures struct {
	all     map[id]summary
	latency string
}

// of returns a summary that is a time: runs that failed, and those that were
// ended, are none.
func (f figures) of(job, step, client string) (summary, bool) {
	s, ok := f.all[id{f.latency, job, step, client}]
	return s, ok && s.Failed == "" && !s.TimedOut
}

// best returns the fastest other file system. When time was over for all, it is
// the one that came furthest, by the time that it would have taken.
func (f figures) best(job, step string) (name string, seconds float64) {
	seconds = math.Inf(1)
	for _, c := range clients {
		s, ok := f.all[id{f.latency, job, step, c.Name}]
		if c.Kind != kindRival || !ok || s.Failed != "" {
			continue
		}
		if t := s.whole(); t < seconds {
			name, seconds = c.Name, t
		}
	}
	return name, seconds
}

// whole is how long the step takes, or would have taken at the pace that it had
// when time was over; infinite when it had done nothing.
func (s summary) whole() float64 {
	if !s.TimedOut {
		return s.Median
	}
	if s.Last.Done == 0 || s.Last.Expected == 0 {
		return math.Inf(1)
	}
	return s.Median * float64(s.Last.Expected) / float64(s.Last.Done)
}

// list makes bars of the figures of one latency.
type list struct {
	figures
	bars []bar
}

// add adds the bar of a step of ecsfs, which is met if value is at most limit.
// got and value count only if ok; what came of the step otherwise is said in
// their place.
func (l *list) add(title, text, job, step string, ok bool, got string, value, limit float64) {
	b := bar{Job: title, Bar: text}
	s := l.all[id{l.latency, job, step, "ecsfs"}]
	switch {
	case s.TimedOut || s.Failed != "":
		b.Got = s.time()
	case ok:
		b.Got, b.Met, b.Near = got, value <= limit, value <= noise*limit
	}
	l.bars = append(l.bars, b)
}

// atMost says that a step takes at most so many times what a client takes for
// the same step.
func (l *list) atMost(title, job, step string, factor float64, what, client string) {
	s, ok := l.of(job, step, "ecsfs")
	o, has := l.of(job, step, client)
	ratio := s.Median / o.Median
	l.add(title, fmt.Sprintf("at most %g × %s", factor, what), job, step, ok && has,
		fmt.Sprintf("%s to %s: %.2f ×", seconds(s.Median), seconds(o.Median), ratio), ratio, factor)
}

// faster says that a step is so many times faster than the best of the others in
// ofJob.
func (l *list) faster(title, job, ofJob string, factor float64) {
	s, ok := l.of(job, "cold", "ecsfs")
	name, t := l.best(ofJob, "cold")
	ratio := t / s.Median
	l.add(title, fmt.Sprintf("at least %g × faster than the best rival", factor), job, "cold", ok && !math.IsInf(t, 1),
		fmt.Sprintf("%s to %s of %s: %.1f ×", seconds(s.Median), seconds(t), name, ratio), factor, ratio)
}

// asGood says that a step takes at most so many times the best of the others.
func (l *list) asGood(title, job, step string, factor float64) {
	s, ok := l.of(job, step, "ecsfs")
	name, t := l.best(job, step)
	ratio := s.Median / t
	l.add(title, fmt.Sprintf("at most %g × the best rival", factor), job, step, ok && !math.IsInf(t, 1),
		fmt.Sprintf("%s to %s of %s: %.2f ×", seconds(s.Median), seconds(t), name, ratio), ratio, factor)
}

// bars compares what was measured with what is to be reached. main is the
// latency of most bars; at the others, ecsfs is compared with the other file
// systems.
func bars(all map[id]summary, main string, others []string, smoke bool) []bar {
	l := &list{figures: figures{all, main}}
	l.listings()
	l.reads()
	l.million()
	const bare = "bare go-fuse over the disk"
	l.atMost("`cat` 1 GiB, mounted again", "remount", "cat", 1.3, bare, "bare-disk")
	l.atMost("`grep -r` 1,000 × 64 KiB, mounted again", "remount", "grep", 1.3, bare, "bare-disk")
	l.bars = append(l.bars, memoryBar(all),
		l.waste("the jobs above", 0.10, func(job string) bool { return job != "mix" }),
		l.waste("an adversarial mix", 0.30, func(job string) bool { return job == "mix" }))
	for _, latency := range others {
		o := &list{figures: figures{all, latency}}
		o.nowhereSlower()
		if d, err := time.ParseDuration(latency); err == nil && d >= 100*time.Millisecond {
			o.atMost("`grep -r`, 1,000 × 64 KiB, at "+latency, "grep-text", "cold", 2, "raw with 64 at once", "raw-64")
		}
		l.bars = append(l.bars, o.bars...)
	}
	l.growth("`ls -f` of 10,000, 100,000, 1,000,000", []string{"ls-f-10k", "ls-f-100k", "ls-f-1m"}, smoke)
	l.growth("`grep -r` of 1,000, 10,000, 100,000 small files", []string{"grep-1k", "grep-10k", "grep-100k"}, smoke)
	return l.bars
}

// listings are the bars of 10,000 results.
func (l *list) listings() {
	for _, j := range []struct{ title, job string }{{"`ls -l`", "ls-l"}, {"`find -size`", "find-size"}, {"`ls -f`", "ls-f"}} {
		l.atMost(j.title+" of 10,000, cold", j.job, "cold", 1.3, "the raw pages", "raw")
		l.faster(j.title+" of 10,000, cold", j.job, "ls-l", 2)
	}
	s, ok := l.of("ls-l", "again", "ecsfs")
	l.add("`ls -l` of 10,000, again", "no request", "ls-l", "again", ok, grouped(requests(s)), float64(requests(s)), 0)
	l.asGood("`ls -l` of 10,000, again", "ls-l", "again", 1.2)
}

// reads are the bars of reading files.
func (l *list) reads() {
	const text, small = "`grep -r`, 1,000 × 64 KiB", "`grep -r`, 10,000 × 4 KiB"
	l.atMost(text+", cold", "grep-text", "cold", 1.6, "raw with 32 at once", "raw")
	l.faster(text+", cold", "grep-text", "grep-text", 12)
	s, ok := l.of("grep-small", "cold", "ecsfs")
	rate := float64(s.Last.Expected) / s.Median
	l.add(small+", cold", "at least 2,500 files a second", "grep-small", "cold", ok, grouped(int(rate)), 2500, rate)
	l.faster(small+", cold", "grep-small", "grep-small", 20)
	l.atMost(text+", again", "grep-text", "again", 1.2, "bare go-fuse", "bare")
	l.atMost(small+", again", "grep-small", "again", 1.2, "bare go-fuse", "bare")

	s, ok = l.of("cat", "cold", "ecsfs")
	raw, hasRaw := l.of("cat", "cold", "raw")
	bare, hasBare := l.of("cat", "cold", "bare")
	sum := raw.Median + bare.Median
	l.add("`cat` 1 GiB, cold", "at most 1.0 × (raw + bare go-fuse)", "cat", "cold", ok && hasRaw && hasBare,
		fmt.Sprintf("%s to %s: %.2f ×", seconds(s.Median), seconds(sum), s.Median/sum), s.Median, sum)
	l.faster("`cat` 1 GiB, cold", "cat", "cat", 1.2)
	l.atMost("`cat` 1 GiB, again", "cat", "again", 1.3, "the page cache", "disk")

	l.asGood("random reads in 100 MiB", "random-mid", "cold", 1.2)
	l.atMost("random reads in 10 GiB", "random-huge", "cold", 1.05, "raw", "raw-1")
	s, ok = l.of("random-huge", "cold", "ecsfs")
	fetched := float64(s.Last.Server.ObjectBytes) / float64(max(s.Last.Bytes, 1))
	l.add("random reads in 10 GiB", "at most 2 × the bytes asked for", "random-huge", "cold", ok,
		fmt.Sprintf("%.2f ×, from the first read on", fetched), fetched, 2)
	s, ok = l.of("first-byte", "cold", "ecsfs")
	trip, hasTrip := l.of("first-byte", "cold", "raw")
	trips := (s.Median + s.Last.Open) / trip.Median
	l.add("first byte of 1 GiB", "at most 1.5 round trips, the open included", "first-byte", "cold", ok && hasTrip,
		fmt.Sprintf("%s to %s: %.2f", seconds(s.Median+s.Last.Open), seconds(trip.Median), trips), trips, 1.5)
}

// million are the bars of a million results.
func (l *list) million() {
	const title, job = "`ls -f` of 1,000,000", "ls-f-1m"
	l.atMost(title+", cold", job, "cold", 1.3, "the raw pages", "raw")
	s, ok := l.of(job, "cold", "ecsfs")
	raw, has := l.of(job, "cold", "raw")
	page := raw.Median / float64(max(raw.Last.Server.Requests["Query"], 1))
	// Before the first page two requests tell the buckets and what is indexed.
	l.add(title+", cold", "the first entry after the first page", job, "cold", ok && has,
		fmt.Sprintf("after %s; a page takes %s", seconds(s.Last.FirstLine), seconds(page)), s.Last.FirstLine, 4*page)
	l.add(title+", cold", "at most 450 MiB", job, "cold", ok, fmt.Sprintf("%d MiB", s.PeakKiB>>10), float64(s.PeakKiB>>10), 450)
	s, ok = l.of(job, "again", "ecsfs")
	rate := float64(s.Last.Expected) / s.Median
	l.add(title+", again", "at least 0.8 M entries a second", job, "again", ok, fmt.Sprintf("%.2f M", rate/1e6), 0.8e6, rate)
}

// requests is how many requests a step made.
func requests(s summary) int {
	n := 0
	for _, count := range s.Last.Server.Requests {
		n += count
	}
	return n
}

// memoryBar holds all jobs but the million to the default budget.
func memoryBar(all map[id]summary) bar {
	b := bar{Job: "memory in every job but the million", Bar: "at most 256 MiB"}
	var most int64
	for k, s := range all {
		if k.Client == "ecsfs" && k.Job != "ls-f-1m" && s.PeakKiB > most {
			most = s.PeakKiB
			b.Got, b.Met = fmt.Sprintf("%d MiB in %s", most>>10, k.Job), most <= 256<<10
		}
	}
	return b
}

// waste adds up what had been read ahead and not been used by the end of each step.
func (l *list) waste(title string, limit float64, counts func(job string) bool) bar {
	b := bar{Job: "read ahead in " + title, Bar: fmt.Sprintf("at most %.0f %% of its bytes unused", 100*limit)}
	var ahead, used, all int64
	for k, s := range l.all {
		if k.Client == "ecsfs" && k.Latency == l.latency && counts(k.Job) && s.Failed == "" {
			ahead += s.Last.Stats["readahead_bytes"]
			used += s.Last.Stats["readahead_used_bytes"]
			all += s.Last.Server.ObjectBytes
		}
	}
	if unused := float64(max(ahead-used, 0)); ahead > 0 {
		b.Got = fmt.Sprintf("%.1f %% of %s, %.1f %% of all that was fetched", 100*unused/float64(ahead), size(ahead), 100*unused/float64(max(all, 1)))
		b.Met = unused <= limit*float64(ahead)
	}
	return b
}

// nowhereSlower compares each job with the best of the other file systems.
func (l *list) nowhereSlower() {
	for _, j := range jobs() {
		if !j.Rivals || j.MainOnly {
			continue
		}
		for _, st := range j.Steps {
			s, ok := l.of(j.Name, st.Name, "ecsfs")
			name, t := l.best(j.Name, st.Name)
			// A millisecond is the start of the program.
			l.add(j.Name+" "+st.Name+", at "+l.latency, "not slower than the best rival, but for noise of 20 %", j.Name, st.Name, ok && !math.IsInf(t, 1),
				fmt.Sprintf("%s to %s of %s", seconds(s.Median), seconds(t), name), s.Median, noise*t+0.001)
		}
	}
}

// growth compares the time an entry of growing sets, by their pace where time was
// over.
func (l *list) growth(title string, names []string, smoke bool) {
	b := bar{Job: title, Bar: "time an entry flat within 20 %"}
	var each []float64
	var texts []string
	for _, j := range jobs() {
		d, err := findSet(j.Set, smoke)
		s := l.all[id{l.latency, j.Name, "cold", "ecsfs"}]
		if err != nil || s.Runs == 0 || !slices.Contains(names, j.Name) || math.IsInf(s.whole(), 1) {
			continue
		}
		each = append(each, s.whole()/float64(d.Count))
		texts = append(texts, seconds(each[len(each)-1]))
	}
	if len(each) == len(names) {
		b.Got = strings.Join(texts, ", ")
		b.Met, b.Near = slices.Max(each) <= 1.2*each[0], slices.Max(each) <= noise*1.2*each[0]
	}
	l.bars = append(l.bars, b)
}

// latencies returns the latencies of results: the main one first.
func latencies(results []result) []string {
	seen := map[string]int{}
	for _, r := range results {
		seen[r.Latency]++
	}
	names := slices.Collect(maps.Keys(seen))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a, b)) })
	return names
}

// seconds prints a time with three digits.
func seconds(s float64) string {
	switch {
	case s < 0.001:
		return fmt.Sprintf("%.0f µs", 1e6*s)
	case s < 0.1:
		return fmt.Sprintf("%.1f ms", 1e3*s)
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}
