package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// job is something that is measured on several clients: commands that are run
// one after the other on a fresh mount with cold caches.
type job struct {
	Name  string
	Title string // for people
	Set   string // the data set it reads
	// Steps are run in one mount.
	Steps []step
	// Raw are the arguments of the subcommand raw, by client.
	Raw map[string][]string
	// Bare are the names of the clients without network that run it.
	Bare []string
	// Rivals says that the other file systems run it too.
	Rivals bool
	// MainOnly says that one latency is enough.
	MainOnly bool
	// Fill has the commands that fill the disk cache before a second mount, in
	// which Steps are run.
	Fill []step
	// Verify compares random ranges of the file with what they must be, after
	// the steps.
	Verify bool
	// Limit is how long a step may take; 0: the run's.
	Limit time.Duration
}

// step is one command.
type step struct {
	Name string
	Set  string // empty: the job's
	// Args are the command line; {dir} and {file} are the set's, {seed} is
	// another in each run, {self} is this program.
	Args []string
	// Prepare is run before, without being measured.
	Prepare []string
	// Reads says what Args print.
	Reads reading
	// Drop empties the kernel's caches before the step.
	Drop bool
}

// reading is what a command prints, which has to be right.
type reading int

const (
	readNothing reading = iota // to /dev/null
	readLong                   // a line an entry and one of the total
	readLines                  // a line an entry
	readAll                    // a line an entry, and . and ..
	readCounts                 // grep -c: a line a file, with the number of lines that match
	readFigure                 // a figure in JSON
)

// mainBare are the clients that tell what the way through the kernel takes.
var mainBare = []string{"bare"}

// jobs returns all jobs.
func jobs() []job {
	ls := func(name, flag, set string, reads reading) job {
		again := step{Name: "again", Args: []string{"ls", flag, "{dir}"}, Reads: reads}
		cold := again
		cold.Name = "cold"
		return job{Name: name, Title: "ls " + flag + ", {count} objects", Set: set, Steps: []step{cold, again},
			Raw: map[string][]string{"raw": {"search"}, "raw-ahead": {"search", "--ahead"}}}
	}
	grep := func(name, set string, again bool) job {
		cold := step{Name: "cold", Args: []string{"grep", "-r", "-c", "--line-buffered", "needle", "{dir}"}, Reads: readCounts}
		j := job{Name: name, Title: "grep -r, {count} files of {size}", Set: set, Steps: []step{cold}}
		if again {
			cold.Name = "again"
			j.Steps = append(j.Steps, cold)
		}
		return j
	}
	pread := func(n string) []string {
		return []string{"{self}", "pread", "--n", n, "--seed", "{seed}", "{file}"}
	}

	list := ls("ls-l", "-l", "small", readLong)
	list.Rivals, list.Bare = true, mainBare

	find := job{Name: "find-size", Title: "find -size, {count} objects", Set: "small", MainOnly: true,
		Steps: []step{{Name: "cold", Args: []string{"find", "{dir}", "-type", "f", "-size", "+1k"}, Reads: readLines}},
		Raw:   map[string][]string{"raw": {"search"}}}

	names := ls("ls-f", "-f", "small", readAll)
	names.MainOnly = true

	text := grep("grep-text", "text", true)
	text.Rivals, text.Bare = true, mainBare
	text.Raw = map[string][]string{"raw": {"gets", "--c", "32"}, "raw-64": {"gets", "--c", "64"}, "raw-1": {"gets"}}

	small := grep("grep-small", "small", true)
	small.Rivals, small.Bare, small.MainOnly = true, mainBare, true
	small.Raw = map[string][]string{"raw": {"gets", "--c", "32"}, "raw-64": {"gets", "--c", "64"}}

	cat := job{Name: "cat", Title: "cat, {size}", Set: "big", Rivals: true, Bare: []string{"bare", "bare-pass", "disk"}, Verify: true,
		Steps: []step{{Name: "cold", Args: []string{"cat", "{file}"}}, {Name: "again", Args: []string{"cat", "{file}"}}},
		Raw:   map[string][]string{"raw": {"stream", "--c", "32"}, "raw-1": {"stream", "--part", "1073741824"}}}

	random := job{Name: "random-mid", Title: "1,000 random reads of 4 KiB, file of {size}", Set: "mid", Rivals: true, Bare: mainBare,
		Steps: []step{{Name: "cold", Args: pread("1000"), Reads: readFigure}},
		Raw:   map[string][]string{"raw-1": {"random", "--n", "1000"}}}

	huge := job{Name: "random-huge", Title: "300 random reads of 4 KiB, file of {size}", Set: "huge", MainOnly: true,
		Steps: []step{{Name: "cold", Args: pread("300"), Reads: readFigure}},
		Raw:   map[string][]string{"raw-1": {"random", "--n", "300"}}}

	first := job{Name: "first-byte", Title: "first byte of {size}, after the open", Set: "big", Rivals: true, Bare: mainBare,
		Steps: []step{{Name: "cold", Prepare: []string{"ls", "{dir}"}, Args: []string{"{self}", "first-byte", "{file}"}, Reads: readFigure}},
		Raw:   map[string][]string{"raw": {"first"}}}

	million := ls("ls-f-1m", "-f", "tiny1m", readAll)
	million.MainOnly, million.Limit = true, 3*time.Minute
	delete(million.Raw, "raw-ahead")

	remount := job{Name: "remount", Title: "mounted again with a warm disk cache", Set: "big", MainOnly: true, Bare: []string{"bare-disk"},
		Fill: []step{
			{Args: []string{"cat", "{file}"}},
			{Set: "text", Args: []string{"grep", "-r", "-c", "needle", "{dir}"}, Reads: readCounts},
		},
		Steps: []step{
			{Name: "cat", Args: []string{"cat", "{file}"}, Drop: true},
			{Name: "grep", Set: "text", Args: []string{"grep", "-r", "-c", "needle", "{dir}"}, Reads: readCounts, Drop: true},
		}}

	mix := job{Name: "mix", Title: "an adversarial mix of reads, {count} files of {size}", Set: "text", MainOnly: true,
		Steps: []step{{Name: "cold", Args: []string{"{self}", "mix", "{dir}"}, Reads: readFigure}}}

	all := []job{list, find, names, text, small, cat, random, huge, first, remount, mix}
	for _, n := range []string{"10k", "100k"} {
		j := ls("ls-f-"+n, "-f", "tiny"+n, readAll)
		j.MainOnly, j.Steps, j.Raw = true, j.Steps[:1], map[string][]string{"raw": {"search"}}
		all = append(all, j)
	}
	all = append(all, million)
	for _, n := range []string{"1k", "10k", "100k"} {
		j := grep("grep-"+n, "tiny"+n, false)
		j.MainOnly, j.Raw = true, map[string][]string{"raw-64": {"gets", "--c", "64"}}
		all = append(all, j)
	}
	return all
}

// wants reports whether the job is run on a client.
func (j job) wants(c client) bool {
	switch c.Kind {
	case kindECSFS:
		return true
	case kindRaw:
		return j.Raw[c.Name] != nil
	case kindRival:
		return j.Rivals
	}
	for _, name := range j.Bare {
		if name == c.Name {
			return true
		}
	}
	return false
}

// expected is how many lines, files or reads a step has for a set.
func (s step) expected(d dataset) int {
	switch s.Reads {
	case readLong:
		return d.Count + 1
	case readAll:
		return d.Count + 2
	case readLines, readCounts:
		return d.Count
	}
	return 0
}

// check compares what a command printed with what it must be.
func (s step) check(out *outputReader, d dataset) (figure, error) {
	var fig figure
	switch s.Reads {
	case readNothing:
		return fig, nil
	case readFigure:
		if err := json.Unmarshal(out.last, &fig); err != nil {
			return fig, fmt.Errorf("no figure was printed: %w", err)
		}
		return fig, nil
	}
	if want := s.expected(d); out.lines != want {
		return fig, fmt.Errorf("%d lines instead of %d", out.lines, want)
	}
	if want := d.allNeedles(); s.Reads == readCounts && out.sum != want {
		return fig, fmt.Errorf("%d lines match instead of %d", out.sum, want)
	}
	return fig, nil
}

// outputReader takes what a command prints, one Write after the other.
type outputReader struct {
	sums  bool // lines end in ":NUMBER"
	start time.Time
	first time.Duration // until the first line
	lines int
	sum   int
	last  []byte // the last line, if the command prints few
	part  []byte // of a line that has not ended
}

var errLongLine = errors.New("a line of more than 64 KiB")

func (o *outputReader) Write(p []byte) (int, error) {
	if o.first == 0 {
		o.first = time.Since(o.start)
	}
	if !o.sums && o.lines > 10 { // lines are only counted
		o.lines += bytes.Count(p, []byte("\n"))
		return len(p), nil
	}
	n := len(p)
	for {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		o.part = append(o.part, line...)
		if !ended {
			if len(o.part) > 64<<10 {
				return 0, errLongLine
			}
			return n, nil
		}
		o.lines++
		if o.sums {
			if v, err := strconv.Atoi(string(o.part[bytes.LastIndexByte(o.part, ':')+1:])); err == nil {
				o.sum += v
			}
		}
		o.last = append(o.last[:0], o.part...)
		o.part, p = o.part[:0], rest
	}
}
