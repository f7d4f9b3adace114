package main

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
)

// result is one measurement, a line of the result file.
type result struct {
	Time    string  `json:"time"`
	Latency string  `json:"latency"` // of a request, "10ms"
	Job     string  `json:"job"`
	Step    string  `json:"step"` // "cold", "again", ...
	Client  string  `json:"client"`
	Run     int     `json:"run"`
	Seconds float64 `json:"seconds"`

	// Failed says why there is no figure: the client failed, or its answer was wrong.
	Failed string `json:"failed,omitempty"`
	// TimedOut: Seconds is the limit, and Done of Expected were done.
	TimedOut bool `json:"timed_out,omitempty"`

	Done      int     `json:"done,omitempty"`       // lines, files or reads
	Expected  int     `json:"expected,omitempty"`   // of them
	FirstLine float64 `json:"first_line,omitempty"` // seconds until the first line of output
	Open      float64 `json:"open,omitempty"`       // seconds that opening took
	Bytes     int64   `json:"bytes,omitempty"`      // that the job asked for

	CPU       float64          `json:"cpu"`                // seconds, of the client
	ServerCPU float64          `json:"server_cpu"`         // of the emulator
	Foreign   float64          `json:"foreign"`            // processors that something else kept busy
	PeakKiB   int64            `json:"peak_kib,omitempty"` // memory of the client
	Server    readings         `json:"server"`
	Stats     map[string]int64 `json:"stats,omitempty"` // counters of ecsfs that the step raised
}

// id says what a result is of.
type id struct{ Latency, Job, Step, Client string }

func (r result) id() id { return id{r.Latency, r.Job, r.Step, r.Client} }

// readResults reads a result file; one that is not there has no results.
func readResults(path string) ([]result, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []result
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var r result
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			continue // a line that a killed run did not finish
		}
		all = append(all, r)
	}
	return all, s.Err()
}

// summary is what the runs of one step come to.
type summary struct {
	Runs             int
	Median, Min, Max float64 // seconds
	TimedOut         bool    // all runs
	Failed           string  // of the last run, when none succeeded
	Last             result  // a run like the median
	PeakKiB          int64   // the most of all runs
	CPU              float64 // median
}

// summarise puts the runs of each step together.
func summarise(results []result) map[id]summary {
	runs := map[id][]result{}
	for _, r := range results {
		runs[r.id()] = append(runs[r.id()], r)
	}
	all := map[id]summary{}
	for k, rs := range runs {
		good := slices.DeleteFunc(slices.Clone(rs), func(r result) bool { return r.Failed != "" })
		if len(good) == 0 {
			all[k] = summary{Failed: rs[len(rs)-1].Failed}
			continue
		}
		slices.SortStableFunc(good, func(a, b result) int {
			switch {
			case a.Seconds < b.Seconds:
				return -1
			case a.Seconds > b.Seconds:
				return 1
			}
			return 0
		})
		mid := good[(len(good)-1)/2]
		s := summary{Runs: len(good), Median: median(good, func(r result) float64 { return r.Seconds }),
			Min: good[0].Seconds, Max: good[len(good)-1].Seconds, TimedOut: true, Last: mid,
			CPU: median(good, func(r result) float64 { return r.CPU })}
		for _, r := range good {
			s.PeakKiB = max(s.PeakKiB, r.PeakKiB)
			s.TimedOut = s.TimedOut && r.TimedOut
		}
		all[k] = s
	}
	return all
}

// median of what f says of rs, of which there is at least one.
func median(rs []result, f func(result) float64) float64 {
	values := make([]float64, len(rs))
	for i, r := range rs {
		values[i] = f(r)
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
