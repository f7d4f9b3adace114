package main

import (
	"fmt"
	"io"
	"strings"
)

// step is one thing to try: what it shows, and the lines to type.
type step struct {
	Shows string
	Lines []string
}

// guide makes the lines that the demo prints. Every one is complete, so that it
// works when pasted into any POSIX shell.
type guide struct {
	Mount      string // the mountpoint
	EnvFile    string // to be sourced for ecsfs itself
	MaxResults int    // of a search, as --max-pages allows
}

// at returns the path of a component path below the mountpoint as one shell word.
func (g guide) at(path string) string { return shellQuote(g.Mount + "/" + path) }

// print writes what was mounted and what to try.
func (g guide) print(w io.Writer, endpoint string, buckets []demoBucket, from string) {
	steps := g.demoSteps
	if from != "" {
		steps = g.folderSteps
	}
	names := make([]string, len(buckets))
	for i, b := range buckets {
		names[i] = b.Name
	}
	where := fmt.Sprintf("bucket %s of a store in memory", names[0])
	if len(names) > 1 {
		last := len(names) - 1
		where = fmt.Sprintf("the buckets %s and %s of a store in memory", strings.Join(names[:last], ", "), names[last])
	}
	fmt.Fprintf(w, "%d objects in %s (%s).\nTry in another shell:\n", countObjects(buckets), where, endpoint)
	for _, s := range steps(buckets) {
		fmt.Fprintf(w, "\n  # %s\n", s.Shows)
		for _, line := range s.Lines {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	fmt.Fprintln(w)
}

// demoSteps are the lines for the demo data.
func (g guide) demoSteps(buckets []demoBucket) []step {
	acme := buckets[0]
	var newestExport string
	for _, o := range acme.Objects { // ordered by key, so by month
		if o.Metadata["kind"] == "export" {
			newestExport = o.Key
		}
	}
	return []step{
		{"A path is a search: the overdue invoices. It costs one request, and none when typed again.", []string{
			"ls -l " + g.at("acme/status,eq,overdue") + "; grep requests_query " + g.at("@stats"),
		}},
		{"Narrow it down twice: open invoices, above 2000, with at least 4 items", []string{
			"ls " + g.at("acme/status,eq,open/total,gt,2000/items,ge,4"),
		}},
		{"With and, or, not and parentheses the path goes in quotes", []string{
			"ls " + g.at("acme/kind==log and (errors>50 or p99>200)"),
		}},
		{"What can be searched here?", []string{"cat " + g.at("acme/@searchkeys")}},
		{"Which values occur? @by is a menu of the results: a link for each value leads on", []string{
			"ls -l " + g.at("acme/kind,eq,invoice/@by/status") + "; ls " + g.at("acme/kind,eq,invoice/@by/status/overdue/total,gt,4000"),
		}},
		{"The five largest invoices as a table: order, limit, and all results in one file", []string{
			`awk -F, 'NR==1 {for (i=1; i<=NF; i++) at[$i]=i; next} {print $at["x-amz-meta-total"], $at["key"]}' ` +
				g.at("acme/kind,eq,invoice/@sort,-total/@limit,5/@manifest.csv"),
		}},
		{"The results in their folders: how many logs with errors has each host?", []string{
			"find " + g.at("acme/kind,eq,log/errors,gt,0/@tree/logs") + " -type f | awk -F/ '{n[$(NF-1)]++} END {for (host in n) print n[host], host}'",
		}},
		{"What does this path mean to the store?", []string{"cat " + g.at("acme/status,eq,overdue/total,gt,1000/@explain")}},
		{"Results are files: which logs of the last week have this error?", []string{
			"grep -rl 'payment gateway timeout' " + g.at("acme/kind,eq,log/mtime,newer,7d"),
		}},
		{"Folders are folders, hive-style ones as well: the days with an alarm at one site", []string{
			"ls " + g.at("sensors/readings/site=oslo/alarm,eq,yes"),
		}},
		{"What did the contract look like before it was signed?", []string{
			"head -n 1 " + g.at("legal/party,eq,Initech/@versions") + "/*",
		}},
		{"A bucket without metadata search is listed, and checked here; @explain tells what that costs", []string{
			"ls " + g.at("backups/db-1/size,gt,10k") + "; cat " + g.at("backups/db-1/size,gt,10k/@explain"),
		}},
		{"A slip is no empty result but an error, and @errors tells what was meant", []string{
			"ls " + g.at("acme/statsu,eq,open") + "; head -2 " + g.at("@errors"),
		}},
		{"@explain,... tells what is wrong with a value", []string{
			"ls " + g.at("acme/size,gt,abc") + "; cat " + g.at("acme/@explain,size,gt,abc"),
		}},
		{fmt.Sprintf("A search that is too broad is stopped; the demo allows %d results (--max-pages)", g.MaxResults), []string{
			"ls " + g.at("acme/size,ge,0") + " > /dev/null; head -2 " + g.at("@errors"),
		}},
		{"Nothing can be written or removed", []string{"rm -f " + g.at("acme/"+newestExport)}},
		{"Results into another tool, for any name: how many lines have the logs with errors?", []string{
			". " + shellQuote(g.EnvFile) + "; ecsfs query acme kind,eq,log errors,gt,0 -0 --under " + shellQuote(g.Mount) + " | xargs -0 wc -l",
		}},
	}
}
