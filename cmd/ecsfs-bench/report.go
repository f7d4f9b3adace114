package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "make tables, the list of bars, and plots of a result file",
		ArgsUsage: "RESULTS.jsonl",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "docs", Usage: "write plots into `DIR`, and the tables into DIR/performance.md between its markers"},
			&cli.BoolFlag{Name: "check", Usage: "fail if a job failed, or if what is cached was asked for again; small data sets"},
		},
		Action: func(c *cli.Context) error {
			file := c.Args().First()
			results, err := readResults(file)
			if err != nil {
				return err
			}
			if len(results) == 0 {
				return fmt.Errorf("%q has no results", file)
			}
			r := newReport(results, c.Bool("check"))
			if err := r.write(c.App.Writer); err != nil {
				return err
			}
			if dir := c.String("docs"); dir != "" {
				h, err := readHost(filepath.Join(filepath.Dir(file), "host.json"))
				if err != nil {
					return err
				}
				if err := r.writeDocs(dir, h); err != nil {
					return err
				}
			}
			if c.Bool("check") {
				return r.check()
			}
			return nil
		},
	}
}

// report is what is told of a result file.
type report struct {
	all       map[id]summary
	latencies []string // the main one first
	clients   []client // that have results
	foreign   float64  // how many processors something else kept busy, in the median
	smoke     bool
}

func newReport(results []result, smoke bool) *report {
	r := &report{all: summarise(results), latencies: latencies(results), smoke: smoke,
		foreign: median(results, func(res result) float64 { return res.Foreign })}
	for _, c := range clients {
		if slices.ContainsFunc(results, func(res result) bool { return res.Client == c.Name }) {
			r.clients = append(r.clients, c)
		}
	}
	return r
}

// row is one step of a job, at one latency, on every client.
type row struct {
	Title string
	Job   string
	Step  string
	Count int                // of entries of the job's set
	cells map[string]summary // by client
}

// rows returns what was measured at one latency, in the order of the jobs.
func (r *report) rows(latency string) []row {
	var rows []row
	for _, j := range jobs() {
		d, err := findSet(j.Set, r.smoke)
		if err != nil {
			continue
		}
		title := strings.NewReplacer("{count}", grouped(d.Count), "{size}", size(d.Size)).Replace(j.Title)
		for _, st := range j.Steps {
			w := row{Title: title, Job: j.Name, Step: st.Name, Count: d.Count, cells: map[string]summary{}}
			for _, c := range r.clients {
				if s, ok := r.all[id{latency, j.Name, st.Name, c.Name}]; ok {
					w.cells[c.Name] = s
				}
			}
			if st.Name != "cold" || len(j.Steps) > 1 {
				w.Title += ", " + st.Name
			}
			if len(w.cells) > 0 {
				rows = append(rows, w)
			}
		}
	}
	return rows
}

// grouped prints a number with commas.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size prints a number of bytes.
func size(n int64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1024 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%d GiB", n)
}

// time prints a summary's time and its spread.
func (s summary) time() string {
	switch {
	case s.Failed != "":
		return "failed"
	case s.TimedOut && s.Last.Expected > 0 && s.Last.Done > 0:
		return fmt.Sprintf("> %.0f s (%d %% done)", s.Median, 100*s.Last.Done/s.Last.Expected)
	case s.TimedOut:
		return fmt.Sprintf("> %.0f s", s.Median)
	case s.Runs == 1 || s.Max-s.Min < 0.05*s.Median:
		return seconds(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", seconds(s.Median), seconds(s.Min), seconds(s.Max))
}

// cost prints what a step took beside time: requests, memory, CPU.
func (s summary) cost() string {
	if s.Failed != "" {
		return ""
	}
	return fmt.Sprintf("%s; %d MiB; %.2f s", requestText(s.Last.Server.Requests), s.PeakKiB>>10, s.CPU)
}

// requestText prints how many requests of each kind there were.
func requestText(counts map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %s", grouped(counts[kind]), kind))
	}
	if parts == nil {
		return "no request"
	}
	return strings.Join(parts, ", ")
}

// write prints the tables as text.
func (r *report) write(w io.Writer) error {
	for _, latency := range r.latencies {
		fmt.Fprintf(w, "\n== %s a request: median (min–max), requests; peak memory; CPU of the client\n", latency)
		t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
		for _, row := range r.rows(latency) {
			fmt.Fprintln(t, row.Title)
			for _, c := range r.clients {
				if s, ok := row.cells[c.Name]; ok {
					note := s.cost()
					if s.Failed != "" {
						note = s.Failed
					}
					fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Name, s.time(), note)
				}
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if r.smoke { // figures of small sets say nothing
		return nil
	}
	fmt.Fprintf(w, "\n== what is to be reached\n")
	t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	for _, b := range r.bars() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", b.verdict(), b.Job, b.Bar, b.Got)
	}
	return t.Flush()
}

func (r *report) bars() []bar {
	return bars(r.all, r.latencies[0], r.latencies[1:], r.smoke)
}

// verdict says in a word what came of a bar.
func (b bar) verdict() string {
	switch {
	case b.Got == "":
		return "not measured"
	case b.Met:
		return "met"
	case b.Near:
		return "within noise"
	}
	return "NOT MET"
}

// check returns what went wrong, whatever the figures are: jobs that failed, and
// requests for what had been fetched a moment before.
func (r *report) check() error {
	var errs []error
	for k, s := range r.all {
		where := fmt.Sprintf("%s %s on %s", k.Job, k.Step, k.Client)
		switch {
		case s.Failed != "":
			errs = append(errs, fmt.Errorf("%s: %s", where, s.Failed))
		case s.TimedOut:
			errs = append(errs, fmt.Errorf("%s: did not end in time", where))
		case k.Client == "ecsfs" && k.Step == "again" && requests(s) > 0:
			errs = append(errs, fmt.Errorf("%s: %s", where, requestText(s.Last.Server.Requests)))
		}
	}
	return errors.Join(errs...)
}

// writeDocs writes the plots, and the tables between the markers of the page.
func (r *report) writeDocs(dir string, h host) error {
	page := filepath.Join(dir, "performance.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), beginMarker)
	_, after, ended := strings.Cut(rest, endMarker)
	if !ok || !ended {
		return fmt.Errorf("%s has no lines %q and %q", page, beginMarker, endMarker)
	}
	for name, c := range r.charts() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.svg()), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(page, []byte(before+beginMarker+"\n"+r.markdown(h)+endMarker+after), 0o644)
}
