package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

func TestTexts(t *testing.T) {
	for _, d := range dataSets(true) {
		if !d.Text {
			continue
		}
		all, seen := 0, map[string]bool{}
		for i := range d.Count {
			text := d.text(i)
			if int64(len(text)) != d.Size || text[len(text)-1] != '\n' {
				t.Fatalf("%s has %d bytes, want %d that end a line", d.key(i), len(text), d.Size)
			}
			seen[string(text)] = true
			for line := range bytes.Lines(text) {
				if bytes.Contains(line, []byte("needle")) {
					all++
				}
			}
		}
		if all != d.allNeedles() {
			t.Errorf("%s: %d lines have a needle, want %d", d.Name, all, d.allNeedles())
		}
		if len(seen) != d.Count {
			t.Errorf("%s: %d different texts, want %d", d.Name, len(seen), d.Count)
		}
	}
}

func TestNextMarker(t *testing.T) {
	tests := []struct {
		page, marker string
		known        bool
	}{
		{"<BucketQueryResult><Name>b</Name>", "", false},
		{"<BucketQueryResult><NextMarker>ab", "", false},
		{"<BucketQueryResult><NextMarker>a+b/c=</NextMarker><ObjectMatches><object>", "a+b/c=", true},
		{"<BucketQueryResult><ObjectMatches><object>", "", true},
		{"<BucketQueryResult></BucketQueryResult>", "", true},
	}
	for _, tt := range tests {
		if marker, known := nextMarker([]byte(tt.page)); marker != tt.marker || known != tt.known {
			t.Errorf("nextMarker(%q) = %q, %v, want %q, %v", tt.page, marker, known, tt.marker, tt.known)
		}
	}
}

func TestOutputReader(t *testing.T) {
	for _, part := range []int{1, 3, 1000} {
		o := &outputReader{sums: true}
		in := strings.NewReader("a:1\nb:c:20\nd:300\n")
		if _, err := io.CopyBuffer(struct{ io.Writer }{o}, struct{ io.Reader }{in}, make([]byte, part)); err != nil {
			t.Fatal(err)
		}
		if o.lines != 3 || o.sum != 321 || string(o.last) != "d:300" {
			t.Errorf("in parts of %d: %d lines, sum %d, last %q; want 3, 321, d:300", part, o.lines, o.sum, o.last)
		}
	}
	o := &outputReader{}
	for range 1000 {
		if _, err := o.Write([]byte("x\nyy")); err != nil {
			t.Fatal(err)
		}
	}
	if o.lines != 1000 {
		t.Errorf("%d lines, want 1000", o.lines)
	}
}

// run runs the program's command line and returns the figure that it prints.
func runFigure(t *testing.T, command *cli.Command, args ...string) figure {
	t.Helper()
	var out bytes.Buffer
	app := &cli.App{Name: "ecsfs-bench", Writer: &out, Commands: []*cli.Command{command}, ExitErrHandler: func(*cli.Context, error) {}}
	if err := app.RunContext(t.Context(), append([]string{"ecsfs-bench", command.Name}, args...)); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	var fig figure
	if err := json.Unmarshal(out.Bytes(), &fig); err != nil {
		t.Fatalf("%s printed %q: %v", args, &out, err)
	}
	return fig
}

// TestRaw has every raw measurement fetch what it says, with the requests that
// it says.
func TestRaw(t *testing.T) {
	m := &meter{server: ecstest.NewUnstartedServer()}
	if err := load(m.server, []string{"tiny1m", "text", "mid"}, true); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(m)
	defer server.Close()
	tests := []struct {
		args     string
		done     int
		requests map[string]int
		bytes    int64 // of objects
	}{
		{"search --set tiny1m", 3000, map[string]int{"Query": 3}, 0},
		{"search --ahead --set tiny1m", 3000, map[string]int{"Query": 3}, 0},
		{"gets --c 8 --set text", 160, map[string]int{"GetObject": 160}, 160 * 64 << 10},
		{"stream --c 4 --part 1048576 --set mid", 8, map[string]int{"GetObject": 8}, 8 << 20},
		{"random --n 20 --set mid", 20, map[string]int{"GetObject": 20}, 20 * 4096},
		{"first --set mid", 1, map[string]int{"GetObject": 2}, 4097},
	}
	for _, tt := range tests {
		m.reset()
		args := append(strings.Fields(tt.args), "--smoke", "--endpoint", server.URL)
		if fig := runFigure(t, rawCommand(), args...); fig.Done != tt.done || fig.Seconds <= 0 {
			t.Errorf("%s: %d done in %g s, want %d", tt.args, fig.Done, fig.Seconds, tt.done)
		}
		for ctx := t.Context(); m.underWay.Load() > 0 && ctx.Err() == nil; {
			runtime.Gosched() // the client may have its answer before it is counted
		}
		got := m.read()
		if diff := cmp.Diff(tt.requests, got.Requests); diff != "" || got.ObjectBytes != tt.bytes {
			t.Errorf("%s: %d bytes of objects, want %d; requests (-want +got):\n%s", tt.args, got.ObjectBytes, tt.bytes, diff)
		}
	}
}

// TestReaders has the programs that read a mount read plain files.
func TestReaders(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mid", "text"} {
		d, err := findSet(name, true)
		if err == nil {
			err = writeLocal(dir, d)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "mid", "data.bin")
	if fig := runFigure(t, preadCommand(), "--set", "mid", "--smoke", "--n", "40", "--threads", "4", file); fig.Done != 40 || fig.Bytes != 40*4096 {
		t.Errorf("pread: %+v, want 40 reads of 4096 bytes", fig)
	}
	if fig := runFigure(t, firstByteCommand(), "--set", "mid", "--smoke", file); fig.Bytes != 1 || fig.Open <= 0 {
		t.Errorf("first-byte: %+v, want one byte and the time of the open", fig)
	}
	if fig := runFigure(t, mixCommand(), filepath.Join(dir, "text")); fig.Done != 60 {
		t.Errorf("mix: %d reads, want 60", fig.Done)
	}
	// A byte that is wrong is no figure.
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{^checkByte(t)}, 0); err != nil {
		t.Fatal(err)
	}
	app := &cli.App{Writer: io.Discard, Commands: []*cli.Command{firstByteCommand()}, ExitErrHandler: func(*cli.Context, error) {}}
	if err := app.Run([]string{"ecsfs-bench", "first-byte", "--set", "mid", "--smoke", file}); err == nil {
		t.Error("a wrong byte was taken for a figure")
	}
}

// checkByte is the first byte of the set mid.
func checkByte(t *testing.T) byte {
	t.Helper()
	d, err := findSet("mid", true)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := d.binary().ReadAt(b[:], 0); err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// someResults are three runs of two jobs on three clients, and one job that was
// ended.
func someResults() []result {
	var all []result
	for run, seconds := range []float64{0.30, 0.20, 0.25} {
		for client, factor := range map[string]float64{"ecsfs": 1, "raw": 0.5, "s3fs": 10} {
			all = append(all, result{Latency: "10ms", Job: "ls-l", Step: "cold", Client: client, Run: run, Seconds: factor * seconds,
				PeakKiB: 50 << 10, Server: readings{Requests: map[string]int{"Query": 10}}})
		}
	}
	return append(all,
		result{Latency: "10ms", Job: "grep-text", Step: "cold", Client: "ecsfs", Seconds: 1, Done: 1000, Expected: 1000, PeakKiB: 300 << 10,
			Server: readings{ObjectBytes: 2000}, Stats: map[string]int64{"readahead_bytes": 1000, "readahead_used_bytes": 950}},
		result{Latency: "10ms", Job: "grep-text", Step: "cold", Client: "s3fs", Seconds: 20, TimedOut: true, Done: 500, Expected: 1000},
		result{Latency: "10ms", Job: "grep-small", Step: "cold", Client: "ecsfs", Seconds: 60, TimedOut: true, Done: 5000, Expected: 10000},
		result{Latency: "10ms", Job: "cat", Step: "cold", Client: "ecsfs", Failed: "the bytes are not right"},
		result{Latency: "100ms", Job: "ls-l", Step: "cold", Client: "ecsfs", Seconds: 3},
		result{Latency: "100ms", Job: "ls-l", Step: "cold", Client: "s3fs", Seconds: 2})
}

func TestBars(t *testing.T) {
	got := map[string]string{}
	for _, b := range newReport(someResults(), false).bars() {
		if b.Got != "" {
			got[b.Job+": "+b.Bar] = b.verdict() + ", " + b.Got
		}
	}
	const text, small = "`grep -r`, 1,000 × 64 KiB, cold", "`grep -r`, 10,000 × 4 KiB, cold"
	want := map[string]string{
		"`ls -l` of 10,000, cold: at most 1.3 × the raw pages":                       "NOT MET, 0.25 s to 0.12 s: 2.00 ×",
		"`ls -l` of 10,000, cold: at least 2 × faster than the best rival":           "met, 0.25 s to 2.50 s of s3fs: 10.0 ×",
		text + ": at least 12 × faster than the best rival":                          "met, 1.00 s to 40.0 s of s3fs: 40.0 ×",
		small + ": at least 2,500 files a second":                                    "NOT MET, > 60 s (50 % done)",
		small + ": at least 20 × faster than the best rival":                         "NOT MET, > 60 s (50 % done)",
		"`cat` 1 GiB, cold: at most 1.0 × (raw + bare go-fuse)":                      "NOT MET, failed",
		"`cat` 1 GiB, cold: at least 1.2 × faster than the best rival":               "NOT MET, failed",
		"memory in every job but the million: at most 256 MiB":                       "NOT MET, 300 MiB in grep-text",
		"read ahead in the jobs above: at most 10 % of its bytes unused":             "met, 5.0 % of 1000 B, 2.5 % of all that was fetched",
		"ls-l cold, at 100ms: not slower than the best rival, but for noise of 20 %": "NOT MET, 3.00 s to 2.00 s of s3fs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
}

func TestSummary(t *testing.T) {
	s := summarise(someResults())[id{"10ms", "ls-l", "cold", "ecsfs"}]
	if s.Runs != 3 || s.Median != 0.25 || s.Min != 0.20 || s.Max != 0.30 {
		t.Errorf("%+v, want 3 runs from 0.20 to 0.30 with the median 0.25", s)
	}
	if got, want := s.time(), "0.25 s (0.20 s–0.30 s)"; got != want {
		t.Errorf("time() = %q, want %q", got, want)
	}
	if got := (summary{TimedOut: true, Last: result{Expected: 10}}).whole(); !math.IsInf(got, 1) {
		t.Errorf("what did nothing would have taken %g s, want no end", got)
	}
}

// TestDocs writes the page of the results: what a person wrote stays, and every
// plot that it shows is there and is XML.
func TestDocs(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(page, []byte("before\n"+beginMarker+"\nof an earlier run\n"+endMarker+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := host{Date: "2026-11-23", CPUs: 2, Versions: map[string]string{"s3fs": "s3fs V1"}}
	for range 2 { // the second time replaces the first
		if err := newReport(someResults(), false).writeDocs(dir, h); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if !strings.HasPrefix(text, "before\n"+beginMarker) || !strings.HasSuffix(text, endMarker+"\nafter\n") || strings.Contains(text, "earlier") {
		t.Errorf("what is around the markers was not kept:\n%s", text)
	}
	plots := 0
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == '(' || r == ')' }) {
		if !strings.HasSuffix(word, ".svg") {
			continue
		}
		plots++
		svg, err := os.ReadFile(filepath.Join(dir, word))
		if err != nil {
			t.Error(err)
			continue
		}
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%s: %v", word, err)
				break
			}
		}
	}
	if plots != 3 {
		t.Errorf("%d plots are shown, want those of two latencies and of memory", plots)
	}
}

// TestResumed reads back what a run wrote, whose last line is not whole.
func TestResumed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.jsonl")
	var text bytes.Buffer
	want := someResults()[0]
	if err := json.NewEncoder(&text).Encode(want); err != nil {
		t.Fatal(err)
	}
	text.WriteString(`{"latency":"10ms","jo`)
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := readResults(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]result{want}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestJobs has every job and client be something that the others know.
func TestJobs(t *testing.T) {
	names := map[string]client{}
	for _, c := range clients {
		names[c.Name] = c
		if colours[c.Name] == "" || c.Note == "" {
			t.Errorf("client %s has no colour or no note", c.Name)
		}
	}
	for _, j := range jobs() {
		for _, smoke := range []bool{true, false} {
			if _, err := findSet(j.Set, smoke); err != nil {
				t.Errorf("job %s: %v", j.Name, err)
			}
		}
		for name := range j.Raw {
			if names[name].Kind != kindRaw {
				t.Errorf("job %s: there is no raw client %q", j.Name, name)
			}
		}
		for _, name := range j.Bare {
			if k := names[name].Kind; k != kindBare && k != kindLocal {
				t.Errorf("job %s: there is no local client %q", j.Name, name)
			}
		}
	}
}
