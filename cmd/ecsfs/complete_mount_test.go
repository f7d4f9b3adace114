package main

import (
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// TestCompletionOfKeptNames: names of folders and objects are offered where the mount has the
// listing, and then without a request.
func TestCompletionOfKeptNames(t *testing.T) {
	m := startShellMount(t)
	if err := m.server.PutObject("b", "a b & c", []byte("x"), ecstest.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	complete := func(path, want string) {
		t.Helper()
		m.server.ResetRequests()
		got := m.run(t, "ecsfs", "__complete", "--", "ls "+m.dir+path)
		var rests []string
		for line := range strings.Lines(got) {
			rest, _, _ := strings.Cut(line, "\t")
			rests = append(rests, rest)
		}
		if text := strings.Join(rests, "|"); text != want {
			t.Errorf("%s: %s, want %s", path, text, want)
		}
		m.nothingAsked(t, path)
	}
	complete("/b/big-", "")
	complete("/b/year=2024/", "size,|mtime,|color,|origin,|@")
	m.run(t, "ls", m.dir+"/b", m.dir+"/b/year=2024", m.dir+"/b/size,gt,1k", m.dir+"/b/color,eq,red/@tree")
	complete("/b/big-", "blue |red ")
	complete("/b/a", `\ b\ \&\ c `)
	complete("/b/y", "ear=2024/")
	complete("/b/year=2024/m", "time,|onth=01/")
	complete("/b/year=2024/month=01/x", "-amz-meta-color,|-amz-meta-origin,") // not the object x
	complete("/b/size,gt,1k/big-", "blue |red ")
	complete("/b/color,eq,red/@tree/y", "ear=2024/")
	complete("/b/color,eq,blue/", "size,|mtime,|color,|origin,|@")
}

// TestCompletionOfAScan: where a menu takes a listing of all objects, there are no values.
func TestCompletionOfAScan(t *testing.T) {
	m := startShellMount(t, "--engine", "scan")
	for path, want := range map[string]string{"/b/": "storageclass,", "/b/storagec": "lass,", "/b/storageclass,eq,": "", "/b/@by/storageclass/": "", "/b/size,gt,": "100M/"} {
		if got := m.run(t, "ecsfs", "__complete", "--", "ls "+m.dir+path); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", path, got)
		}
		m.nothingAsked(t, path)
	}
}

// TestCompletionReadsMenus: values are those that the results up to there have.
func TestCompletionReadsMenus(t *testing.T) {
	m := startShellMount(t)
	for path, want := range map[string]string{
		"/b/color,eq,":                 "blue/ green/ in%20review%20%26%20done/ red/",
		"/b/size,gt,4500/color,eq,":    "green/ in%20review%20%26%20done/",
		"/b/size,gt,1k/color,in,red,b": "lue/ lue,",
		"/b/@by/color/g":               "reen/",
		"/b/@by/color/red/si":          "ze,",
		"/b/origin,eq,":                "a%2Fb/",
		"/b/year=2024/color,eq,":       "blue/ green/ in%20review%20%26%20done/ red/", // of the bucket: names are not indexed
	} {
		var rests []string
		for line := range strings.Lines(m.run(t, "ecsfs", "__complete", "--", "ls "+m.dir+path)) {
			rest, _, _ := strings.Cut(line, "\t")
			rests = append(rests, rest)
		}
		if got := strings.Join(rests, " "); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
