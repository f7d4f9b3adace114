package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// demoContracts are contracts that were changed after they were uploaded: a draft, what was
// reviewed, what was signed. Each of these is a version of the object, the oldest first.
func demoContracts(now time.Time) []demoObject {
	var out []demoObject
	for i, party := range []string{"Globex", "Hooli", "Initech", "Wayne Enterprises"} {
		states := []string{"draft", "review", "signed"}[:1+(i+2)%3]
		for n, status := range states {
			pages := 2 + 2*i + n
			out = append(out, demoObject{
				Key:         "contracts/" + party + ".txt",
				Body:        []byte(fmt.Sprintf("CONTRACT with %s, version %d: %s\n", party, n+1, status) + strings.Repeat("The parties agree on what follows.\n", pages)),
				ContentType: "text/plain",
				Modified:    now.Add(-time.Duration(90-20*n-3*i) * 24 * time.Hour),
				Metadata:    map[string]string{"party": party, "status": status, "pages": strconv.Itoa(pages)},
			})
		}
	}
	return out
}

// demoBackups are files of a bucket that has no metadata search, as any S3 store has them.
func demoBackups(now time.Time) []demoObject {
	var out []demoObject
	for ago := range 30 {
		day := startOfDay(now, ago)
		for i, host := range []string{"db-1", "web-1"} {
			r := demoRandom(6, 2*ago+i)
			kind, size := "incremental", 200+r.IntN(3000)
			if day.Weekday() == time.Sunday {
				kind, size = "full", 20_000+r.IntN(40_000)
			}
			body := make([]byte, size)
			for j := range body {
				body[j] = "0123456789abcdef\n"[r.IntN(17)]
			}
			out = append(out, demoObject{
				Key:         fmt.Sprintf("%s/%s-%s.dump", host, day.Format(time.DateOnly), kind),
				Body:        body,
				ContentType: "application/octet-stream",
				Modified:    notAfter(day.Add(3*time.Hour), now),
				Metadata:    map[string]string{"kind": kind, "host": host},
			})
		}
	}
	return out
}
