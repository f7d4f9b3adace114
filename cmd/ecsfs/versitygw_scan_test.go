package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestVersitygwScan: on a server without metadata search, a path is a query all the same, by
// listing every object and checking each.
func TestVersitygwScan(t *testing.T) {
	v := startVersitygw(t)
	if !canMount() {
		t.Skip("no FUSE mount is possible here")
	}
	v.put(t, "/docs", nil)
	for i := range 12 {
		key := fmt.Sprintf("logs/2026/%02d.txt", i)
		body := strings.Repeat("x\n", 100*(i+1))
		if i%4 == 0 {
			body += "a needle\n"
		}
		v.put(t, "/docs/"+key, []byte(body), fmt.Sprintf("x-amz-meta-x=%d", i%3))
		// The older, the larger: neither the order of names nor that of size is that of time.
		modified := time.Date(2026, 1, 1+(i*5)%12, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(v.dir, "docs", key), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	v.put(t, "/docs/top", []byte("top"), "x-amz-meta-x=1")
	for _, c := range []struct {
		name    string
		options []string
		script  string
		want    string // the output, line by line
	}{
		{"by size", nil, "ls size,gt,2k", "logs%2F2026%2F10.txt logs%2F2026%2F11.txt"},
		{"in symbols, below a folder", nil, "ls 'logs/(size>2k or base==00.txt) and not size>2300'", "2026%2F00.txt 2026%2F10.txt"},
		{"in folders", nil, "find logs/size,gt,2k/@tree -type f", "logs/size,gt,2k/@tree/2026/10.txt logs/size,gt,2k/@tree/2026/11.txt"},
		{"by time", nil, "ls mtime,in,2026-01-02..2026-01-03", "logs%2F2026%2F05.txt logs%2F2026%2F10.txt"},
		{"contents", nil, "grep -rl needle size,gt,1k", "size,gt,1k/logs%2F2026%2F08.txt"},
		{"the newest", nil, "ls -U logs/@sort,-mtime/@limit,5", "2026%2F07.txt 2026%2F02.txt 2026%2F09.txt 2026%2F04.txt 2026%2F11.txt"},
		{"as a table", nil, "cut -d, -f7 @sort,size/@limit,2/@manifest.csv", "key top logs/2026/00.txt"},
		{"a menu", nil, "ls -l @by/storageclass | grep -o 'STANDARD -> .*'; ls @by/mtime", "STANDARD -> ../../storageclass,eq,STANDARD 2026-01 2026-11"},
		{"walks end", nil, "find . -type f | wc -l; find size,gt,0 -type f | wc -l", "13 13"},
		{"metadata", []string{"--scan-metadata"}, "ls meta.x,eq,1/size,lt,1500", "logs%2F2026%2F01.txt logs%2F2026%2F04.txt top"},
		{"no metadata unless asked for", nil, "ls meta.x,eq,1; head -2 ../@errors | grep -o -e --scan-metadata",
			"ls: cannot open directory 'meta.x,eq,1': Operation not supported --scan-metadata"},
		{"no search without a scan", []string{"--engine", "ecs"}, "ls size,gt,2k 2>&1 | grep -o 'not supported'", "not supported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"mount", "--log-level", "error"}, c.options...)
			args = append(args, t.TempDir(), "--", "sh", "-c", `cd "$ECSFS_MOUNT/docs" && `+c.script)
			got, err := v.ecsfs(t, v.url, args...)
			if got = strings.Join(strings.Fields(got), " "); got != c.want {
				t.Errorf("%s shows\n%s, want\n%s; %v", c.script, got, c.want, err)
			}
		})
	}
	for components, want := range map[string]string{
		"size,gt,2k":                  "logs/2026/10.txt logs/2026/11.txt",
		"@sort,-size @limit,1":        "logs/2026/11.txt",
		"meta.x,eq,1 --scan-metadata": "logs/2026/01.txt logs/2026/04.txt logs/2026/07.txt logs/2026/10.txt top",
	} {
		got, err := v.ecsfs(t, v.url, append([]string{"query", "docs", "-0"}, strings.Fields(components)...)...)
		if got = strings.TrimSpace(strings.ReplaceAll(got, "\x00", " ")); got != want || err != nil {
			t.Errorf("query docs %s prints %q, want %q; %v", components, got, want, err)
		}
	}
}
