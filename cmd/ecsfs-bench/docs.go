package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The markers of the part of docs/performance.md that is generated.
const (
	beginMarker = "<!-- what 'ecsfs-bench report' writes begins here -->"
	endMarker   = "<!-- and ends here -->"
)

// markdown is the generated part of docs/performance.md.
func (r *report) markdown(h host) string {
	var b strings.Builder
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(h.Versions)) {
		versions = append(versions, h.Versions[name])
	}
	fmt.Fprintf(&b, "\nMeasured on %s: %d × %s, %s of memory, Linux %s, %s; other programs kept %.1f of the %d processors busy.\n%s.\n",
		h.Date, h.CPUs, cmp.Or(h.CPU, "CPU"), h.Memory, h.Kernel, h.Go, r.foreign, h.CPUs, strings.Join(versions, "; "))

	fmt.Fprintf(&b, "\n### What was to be reached\n\nAt %s a request, unless it says otherwise. Medians.\n\n| job | to be reached | reached | |\n|---|---|---|---|\n", r.latencies[0])
	list := r.bars()
	met, near, measured := 0, 0, 0
	for _, bar := range list {
		got := bar.Got
		switch {
		case bar.Got == "":
			got = "–"
		case bar.Met:
			met++
			measured++
		case bar.Near:
			near++
			measured++
		default:
			measured++
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", bar.Job, bar.Bar, got, bar.mark())
	}
	fmt.Fprintf(&b, "\n%d of %d met", met, measured)
	if near > 0 {
		fmt.Fprintf(&b, ", %d missed by less than the noise of 20 %%", near)
	}
	if n := len(list) - measured; n > 0 {
		fmt.Fprintf(&b, ", %d not measured in this run", n)
	}
	b.WriteString(".\n")

	for _, latency := range r.latencies {
		fmt.Fprintf(&b, "\n### %s a request\n\n![Times at %[1]s a request](%s)\n\n", latency, chartName(latency))
		r.table(&b, latency)
	}
	charts := r.charts()
	for _, plot := range [][2]string{{"Growth", "performance-growth.svg"}, {"Memory", "performance-memory.svg"}} {
		if _, ok := charts[plot[1]]; ok {
			fmt.Fprintf(&b, "\n### %s\n\n![%[1]s](%s)\n", plot[0], plot[1])
		}
	}
	fmt.Fprintf(&b, "\n### Requests, peak memory and CPU time of each client at %s\n\n", r.latencies[0])
	r.costs(&b, r.latencies[0])
	b.WriteString("\n### The clients\n\n| name | what it is |\n|---|---|\n")
	for _, c := range r.clients {
		fmt.Fprintf(&b, "| %s | %s |\n", c.Name, c.Note)
	}
	b.WriteString("\n")
	return b.String()
}

// mark is the verdict in the page.
func (b bar) mark() string {
	switch {
	case b.Got == "":
		return ""
	case b.Met:
		return "met"
	case b.Near:
		return "within noise"
	}
	return "**not met**"
}

// column is one column of a table: the clients whose times stand together in it.
type column struct {
	title   string
	clients []client
}

// columns puts the limits of the wire together, and those of the kernel.
func (r *report) columns(rows []row) []column {
	var columns []column
	for _, c := range r.clients {
		if !slices.ContainsFunc(rows, func(w row) bool { _, ok := w.cells[c.Name]; return ok }) {
			continue
		}
		title := c.Name
		switch c.Kind {
		case kindRaw:
			title = "plain HTTP"
		case kindBare, kindLocal:
			title = "no network"
		}
		if i := slices.IndexFunc(columns, func(o column) bool { return o.title == title }); i >= 0 {
			columns[i].clients = append(columns[i].clients, c)
			continue
		}
		columns = append(columns, column{title, []client{c}})
	}
	return columns
}

// table writes a row a step, with the times of all clients.
func (r *report) table(b *strings.Builder, latency string) {
	rows := r.rows(latency)
	columns := r.columns(rows)
	b.WriteString("| job |")
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, w := range rows {
		fmt.Fprintf(b, "| %s |", w.Title)
		for _, col := range columns {
			var times []string
			for _, c := range col.clients {
				s, ok := w.cells[c.Name]
				switch {
				case !ok:
				case c.Kind == kindECSFS:
					times = append(times, "**"+s.time()+"**")
				case c.Name == col.title:
					times = append(times, s.time())
				default:
					times = append(times, c.Name+" "+s.time())
				}
			}
			fmt.Fprintf(b, " %s |", strings.Join(times, "<br>"))
		}
		b.WriteString("\n")
	}
}

// costs writes a row a step and client, of those that fetch from the emulator
// through a mount.
func (r *report) costs(b *strings.Builder, latency string) {
	b.WriteString("| job | client | requests | most at once | bytes of objects | peak memory | CPU |\n|---|---|---|---|---|---|---|\n")
	for _, w := range r.rows(latency) {
		for _, c := range r.clients {
			s, ok := w.cells[c.Name]
			if !ok || s.Failed != "" || c.Kind != kindECSFS && c.Kind != kindRival {
				continue
			}
			fmt.Fprintf(b, "| %s | %s | %s | %d | %.1f MiB | %d MiB | %.2f s |\n", w.Title, c.Name, requestText(s.Last.Server.Requests),
				s.Last.Server.Peak, float64(s.Last.Server.ObjectBytes)/(1<<20), s.PeakKiB>>10, s.CPU)
		}
	}
}

// chartName is the file of the plot of one latency.
func chartName(latency string) string { return "performance-" + latency + ".svg" }

// growing are the jobs whose sets grow; they have a plot of their own.
var growing = []string{"ls-f-10k", "ls-f-100k", "ls-f-1m", "grep-1k", "grep-10k", "grep-100k"}

// charts returns the plots by file name.
func (r *report) charts() map[string]chart {
	all := map[string]chart{}
	for _, latency := range r.latencies {
		c := chart{Title: "Time at " + latency + " a request, logarithmic: shorter is better", Axis: axisSeconds}
		for _, w := range r.rows(latency) {
			g := chartGroup{Title: w.Title}
			for _, cl := range r.clients {
				if s, ok := w.cells[cl.Name]; ok && s.Failed == "" && s.Median > 0 {
					g.Bars = append(g.Bars, chartBar{Client: cl.Name, Label: cl.Name, Value: s.Median, Text: s.time(), Open: s.TimedOut})
				}
			}
			// A bar alone compares nothing.
			if len(g.Bars) > 1 && (w.Job == "ls-f-1m" || !slices.Contains(growing, w.Job)) {
				c.Groups = append(c.Groups, g)
			}
		}
		if len(c.Groups) > 0 {
			all[chartName(latency)] = c
		}
	}
	main := r.rows(r.latencies[0])
	if c := r.memoryChart(main); len(c.Groups) > 0 {
		all["performance-memory.svg"] = c
	}
	if c := r.growthChart(main); len(c.Groups) > 0 {
		all["performance-growth.svg"] = c
	}
	return all
}

// memoryChart compares the peak memory of those that keep something.
func (r *report) memoryChart(rows []row) chart {
	c := chart{Title: "Peak memory, logarithmic: shorter is better", Axis: func(v float64) string { return fmt.Sprintf("%g MiB", v) }}
	for _, w := range rows {
		g := chartGroup{Title: w.Title}
		for _, cl := range r.clients {
			s, ok := w.cells[cl.Name]
			if ok && s.Failed == "" && s.PeakKiB > 0 && (cl.Kind == kindECSFS || cl.Kind == kindRival) {
				g.Bars = append(g.Bars, chartBar{Client: cl.Name, Label: cl.Name, Value: float64(s.PeakKiB) / 1024, Text: fmt.Sprintf("%d MiB", s.PeakKiB>>10)})
			}
		}
		if len(g.Bars) > 1 || w.Job == "ls-f-1m" && len(g.Bars) > 0 {
			c.Groups = append(c.Groups, g)
		}
	}
	return c
}

// growthChart shows what an entry takes in growing sets.
func (r *report) growthChart(rows []row) chart {
	c := chart{Title: "Time an entry as directories grow, logarithmic: equal is better", Axis: axisSeconds}
	for _, w := range rows {
		s, ok := w.cells["ecsfs"]
		if !ok || s.Failed != "" || w.Step != "cold" || !slices.Contains(growing, w.Job) {
			continue
		}
		title, _, _ := strings.Cut(w.Title, ",")
		if n := len(c.Groups); n == 0 || c.Groups[n-1].Title != title {
			c.Groups = append(c.Groups, chartGroup{Title: title})
		}
		g := &c.Groups[len(c.Groups)-1]
		each := s.whole() / float64(w.Count)
		if math.IsInf(each, 1) {
			continue
		}
		g.Bars = append(g.Bars, chartBar{Client: "ecsfs", Label: "of " + grouped(w.Count), Value: each, Text: seconds(each), Open: s.TimedOut})
	}
	return c
}

// axisSeconds prints a power of ten of seconds.
func axisSeconds(v float64) string {
	switch {
	case v < 0.0009:
		return fmt.Sprintf("%.0f µs", 1e6*v)
	case v < 0.9:
		return fmt.Sprintf("%.0f ms", 1e3*v)
	}
	return fmt.Sprintf("%.0f s", v)
}
