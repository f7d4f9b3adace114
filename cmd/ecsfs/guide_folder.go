package main

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// folderSteps are the lines for files of the user's own. Each is chosen so
// that it finds something among them.
func (g guide) folderSteps(buckets []demoBucket) []step {
	b := buckets[0]
	ext := commonExt(b.Objects)
	size := medianSize(b.Objects)
	byExt := b.Name + fmt.Sprintf("/size,ge,%d", size)
	steps := []step{
		{"A path is a search: the larger half of the files. It costs few requests, and none when typed again.", []string{
			"ls -l " + g.at(fmt.Sprintf("%s/size,ge,%d", b.Name, size)) + "; grep requests_query " + g.at("@stats"),
		}},
	}
	if ext != "" {
		byExt = b.Name + "/ext,eq," + ext
		steps = append(steps, step{"Narrow it down twice: one kind of file, not empty, within five folders", []string{
			"ls " + g.at(byExt+"/size,gt,0/depth,le,5"),
		}})
	}
	steps = append(steps,
		step{"What can be searched here?", []string{"cat " + g.at(b.Name+"/@searchkeys")}},
		step{"What does this path mean to the store?", []string{"cat " + g.at(byExt+"/size,gt,1k/@explain")}},
	)
	if age, word := recentWord(b.Objects, time.Now()); word != "" {
		steps = append(steps, step{"Results are files: which recent ones have this word?", []string{
			"grep -rlw " + word + " " + g.at(b.Name+"/modified,newer,"+age),
		}})
	}
	steps = append(steps, step{"A slip is no empty result but an error, and @errors tells what was meant", []string{
		"ls " + g.at(b.Name+"/sise,gt,1k") + "; head -2 " + g.at("@errors"),
	}})
	if len(b.Objects) > g.MaxResults {
		steps = append(steps, step{fmt.Sprintf("A search that is too broad is stopped; here %d results are allowed (--max-pages)", g.MaxResults), []string{
			"ls " + g.at(b.Name+"/size,ge,0") + " > /dev/null; head -2 " + g.at("@errors"),
		}})
	}
	return append(steps,
		step{"Nothing can be written or removed", []string{"touch " + g.at(b.Name+"/new")}},
		step{"Results into another tool, for any name", []string{
			". " + shellQuote(g.EnvFile) + fmt.Sprintf("; ecsfs query %s size,ge,%d -0 --under %s | xargs -0 wc -c", b.Name, size, shellQuote(g.Mount)),
		}},
	)
}

// commonExt returns the extension that most objects have; it needs no quotes in
// a path. "" when there is none.
func commonExt(objects []demoObject) string {
	count := map[string]int{}
	best := ""
	for _, o := range objects {
		ext := o.Metadata["ext"]
		if plainWord.MatchString(ext) {
			if count[ext]++; count[ext] > count[best] {
				best = ext
			}
		}
	}
	return best
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// medianSize returns the size that half of the objects reach.
func medianSize(objects []demoObject) int {
	sizes := make([]int, len(objects))
	for i, o := range objects {
		sizes[i] = len(o.Body)
	}
	slices.Sort(sizes)
	return sizes[len(sizes)/2]
}

// recentWord returns a word of the newest text file and an age within which
// that file was modified. The word is "" when no text has one.
func recentWord(objects []demoObject, now time.Time) (age, word string) {
	newest := slices.SortedFunc(slices.Values(objects), func(x, y demoObject) int { return cmp.Compare(y.Modified.Unix(), x.Modified.Unix()) })
	for _, o := range newest {
		if o.Metadata["lines"] == "" || len(o.Body) > 1<<20 {
			continue
		}
		if found := longWord.Find(bytes.ToValidUTF8(o.Body, nil)); found != nil {
			word = string(found)
			for _, age = range []string{"7d", "1mo", "1y", "10y"} {
				if now.Sub(o.Modified) < ageDays[age]*24*time.Hour {
					return age, word
				}
			}
		}
	}
	return "", ""
}

var longWord = regexp.MustCompile(`\b[a-z]{5,12}\b`)

// ageDays are ages of the path grammar in days, rounded down.
var ageDays = map[string]time.Duration{"7d": 7, "1mo": 28, "1y": 365, "10y": 3650}
