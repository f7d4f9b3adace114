package fs_test

import (
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// manifestReaders read the manifest $1 and print each row as SIZE, a tab and the path, but for those
// whose path is not UTF-8.
var manifestReaders = []struct{ name, tool, script string }{
	{"python csv", "python3", `python3 -c 'import csv, sys
for r in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")):
    if "path_base64" not in r["more"]: print(r["size"], r["path"], sep="\t")' "$1/@manifest.csv"`},
	{"python json", "python3", `python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    r = json.loads(line)
    if "path_base64" not in r: print(r["size"], r["path"], sep="\t")' "$1/@manifest.jsonl"`},
	{"sqlite3", "sqlite3", `cp "$1/@manifest.csv" m.csv && sqlite3 -tabs :memory: '.mode csv' '.import m.csv m' '.mode tabs' "select size, path from m where more not like '%path_base64%'"`},
	{"duckdb", "duckdb", `duckdb -noheader -list -separator "$(printf '\t')" -c "select size, path from read_csv('$1/@manifest.csv', nullstr='') where coalesce(more, '') not like '%path_base64%'"`},
	// In the first columns, which are never quoted, awk finds the size; where no path has a comma or quote, all.
	{"awk", "awk", `awk -F, 'NR > 1 && !/path_base64/ { p = $6; if (p !~ /^"/) print $1 "\t" p; else { match($0, /,"([^"]|"")*",/); p = substr($0, RSTART+2, RLENGTH-4); gsub(/""/, "\"", p); print $1 "\t" p } }' "$1/@manifest.csv"`},
}

// TestManifestMatchesListing: whatever the keys, programs that read tables find in a manifest the
// files that the directory lists, each once, with their sizes.
func TestManifestMatchesListing(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 100 }})
	for _, o := range fs.DrawKeys(3, 150) {
		if strings.HasSuffix(o.Key, "/") {
			o.Key += "file" // of a marker without content a folder's manifest has a row, and its listing none
		}
		w.put(o.Key, "bytes of "+o.Key, "color", "red")
	}
	const listing = `python3 -c 'import os, sys
top = os.fsencode(sys.argv[1])
for d, _, files in os.walk(top):
    for f in files:
        path = os.path.join(d, f)
        try: print(os.path.getsize(path), path[len(top)+1:].decode("utf-8"), sep="\t")
        except UnicodeDecodeError: pass' "$1" | sort >listing; test $(wc -l <listing) -gt 80`
	for _, dir := range []string{"", "color,eq,red", "color,eq,red/@tree", "color,eq,red/@sort,-size/@limit,140"} {
		path := strings.TrimSuffix("$B/"+dir, "/")
		w.bash(`set -- "` + path + `"; export LC_ALL=C.UTF-8; ` + listing)
		for _, r := range manifestReaders {
			t.Run(r.name+" of "+dir, func(t *testing.T) {
				requireTool(t, r.tool)
				w.t = t
				w.bash(`set -- "` + path + `"; set -o pipefail; { ` + r.script + `
} | sort | diff listing - | head -20`)
			})
		}
		w.t = t
	}
}
