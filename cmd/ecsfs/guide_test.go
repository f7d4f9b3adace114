package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shows says what a line that the demo prints must show when it is pasted:
// every pattern is found in its output, errors included.
type shows struct {
	line     string // a part of the line that no other has
	patterns []string
}

var demoShows = []shows{
	{"acme/status,eq,overdue; grep", []string{`(?m)^-r--r--r-- .* invoices%2F2026%2F.*INV-2026-[0-9]+\.txt$`, `(?m)^requests_query +1$`}},
	{"items,ge,4", []string{`(?m)^invoices%2F`}},
	{"kind==log and", []string{`(?m)^logs%2Fweb-2%2F`}},
	{"@searchkeys", []string{`(?m)^total +x-amz-meta-total +decimal +indexed`}},
	{"@by/status", []string{`(?m) overdue -> \.\./\.\./\.\./kind,eq,invoice/status,eq,overdue$`, `(?m)^invoices%2F`}},
	{"@manifest.csv", []string{`(?m)^[5-9][0-9]{3}\.[0-9]{2} invoices/20`}},
	{"@tree/logs", []string{`(?m)^[0-9]+ web-2$`}},
	{"@versions", []string{`(?m)^CONTRACT with Initech, version 1: draft$`, `(?m)^==> .*/contracts%2FInitech%~v.*\.txt <==$`}},
	{"backups/db-1", []string{`(?m)^20.*-full\.dump$`, `(?m)^engine +.*list`}},
	{"total,gt,1000/@explain", []string{`x-amz-meta-status=='overdue' and x-amz-meta-total>1000`}},
	{"payment gateway timeout", []string{`(?m)/mtime,newer,7d/logs%2Fweb-2%2F`}},
	{"alarm,eq,yes", []string{`(?m)^year=[0-9]+%2Fmonth=`}},
	{"statsu,eq,open", []string{`No such file or directory`, `did you mean status\?`}},
	{"@explain,size,gt,abc", []string{`Invalid argument`, `size is an integer: 'abc' is not a number \(try 100M\)`}},
	{"acme/size,ge,0", []string{`File too large`, `more than 10 pages`, `--max-pages`}},
	{"rm -f", []string{`Read-only file system`}},
	{"xargs -0", []string{`(?m)^ *[0-9]+ total$`}},
}

var folderShows = []shows{
	{"; grep requests_query", []string{`(?m)^-r--r--r-- `, `(?m)^requests_query +1$`}},
	{"depth,le,5", []string{`(?m)\.txt$`}},
	{"@searchkeys", []string{`(?m)^ext +x-amz-meta-ext +string +indexed`}},
	{"/@explain", []string{`x-amz-meta-ext=='txt' and Size>1024|Size>1024 and x-amz-meta-ext=='txt'`}},
	{"grep -rlw", []string{`/modified,newer,7d/`}},
	{"sise,gt,1k", []string{`No such file or directory`, `did you mean size\?`}},
	{"touch", []string{`Read-only file system`}},
	{"xargs -0", []string{`(?m)^ *[0-9]+ total$`}},
}

// TestDemoLinesWorkWhenPasted runs every line that the demo prints, from its
// own text, each in a shell of its own.
func TestDemoLinesWorkWhenPasted(t *testing.T) {
	if !canMount() {
		t.Skip("FUSE mounts are not possible here")
	}
	mine := filepath.Join(t.TempDir(), "My Files")
	for name, text := range map[string]string{
		"notes/a b.txt": "some words to look for\n", "notes/deep/c.txt": strings.Repeat("longer text\n", 200), "d.json": "{}\n", "it's.txt": "hello\n",
	} {
		path := filepath.Join(mine, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		args  []string
		shows []shows
	}{
		{"demo data", nil, demoShows},
		// A mountpoint that needs quotes.
		{"files of one's own", []string{"--from", mine, filepath.Join(t.TempDir(), "it's mine")}, folderShows},
	} {
		t.Run(c.name, func(t *testing.T) {
			if len(c.args) > 0 {
				if err := os.Mkdir(c.args[len(c.args)-1], 0o755); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[string]bool{}
			for _, line := range startDemo(t, c.args...) {
				seen[tryLine(t, line, c.shows)] = true
			}
			for _, s := range c.shows {
				if !seen[s.line] {
					t.Errorf("the demo prints no line with %q", s.line)
				}
			}
		})
	}
}

// tryLine runs one line and returns which of all it is.
func tryLine(t *testing.T, line string, all []shows) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8")
	out, _ := cmd.CombinedOutput() // some lines show an error
	for _, s := range all {
		if !strings.Contains(line, s.line) {
			continue
		}
		for _, pattern := range s.patterns {
			if !regexp.MustCompile(pattern).Match(out) {
				t.Errorf("%s\nshows no %s but\n%.2000s", line, pattern, out)
			}
		}
		return s.line
	}
	t.Errorf("the test does not know what this line should show:\n%s\n%.500s", line, out)
	return ""
}

// startDemo starts a demo that ends with the test, and returns the lines to try.
func startDemo(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("ecsfs", append([]string{"demo"}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		kill := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended with %v", err)
		}
	})
	var lines []string
	for r := bufio.NewReader(stdout); ; {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			t.Fatal("the demo ended at once")
		}
		if err != nil {
			t.Fatal(err)
		}
		line, indented := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "  ")
		if indented && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
		if strings.Contains(line, "xargs") { // the last one
			return lines
		}
	}
}
