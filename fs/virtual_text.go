package fs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// RunningListing is a listing that is being fetched, for @stats.
type RunningListing struct {
	Listing search.Listing
	Pages   int // received so far
	Rows    int // in them
	Started time.Time
}

// statsText returns the content of @stats: first the counters, ordered by
// name, one a line as "name value"; then, after an empty line, the listings
// that are being fetched at now, the oldest first.
func statsText(counters []search.Counter, running []RunningListing, now time.Time) string {
	counters = slices.SortedFunc(slices.Values(counters), func(a, b search.Counter) int {
		return cmp.Compare(a.Name, b.Name)
	})
	nameWidth, valueWidth := 0, 0
	for _, c := range counters {
		nameWidth = max(nameWidth, len(c.Name))
		valueWidth = max(valueWidth, len(fmt.Sprint(c.Value)))
	}
	var b strings.Builder
	for _, c := range counters {
		fmt.Fprintf(&b, "%-*s  %*d\n", nameWidth, c.Name, valueWidth, c.Value)
	}

	if len(running) == 0 {
		b.WriteString("\nno search is running\n")
		return b.String()
	}
	running = slices.SortedStableFunc(slices.Values(running), func(a, b RunningListing) int {
		return a.Started.Compare(b.Started)
	})
	b.WriteString("\nrunning:\n")
	for _, r := range running {
		fmt.Fprintf(&b, "%s  %s, %s, for %s\n", listingText(r.Listing),
			search.Plural(r.Pages, "page"), search.Plural(r.Rows, "row"), now.Sub(r.Started).Round(100*time.Millisecond))
	}
	return b.String()
}

// listingText prints a listing on one line: bucket, prefix, predicate, modifiers, and the key of a menu.
func listingText(l search.Listing) string {
	s := printable(l.Bucket + "/" + l.Prefix)
	if l.Where != nil {
		s += " " + printable(l.Where.String())
	}
	if l.Versions {
		s += " @versions"
	}
	if !l.Order.IsZero() {
		s += " " + printable("@sort,"+l.Order.String())
	}
	if l.Limit > 0 {
		s += fmt.Sprintf(" @limit,%d", l.Limit)
	}
	if l.Menu.Name != "" {
		s += " " + printable("@by/"+l.Menu.Short())
	}
	return s
}

// rootHelp returns the content of @help at the root, where no bucket is chosen yet.
func rootHelp() string {
	return `The directories here are buckets. @stats and @errors beside them are files that can
be read but are not listed: counters, and the last errors with their reasons.
BUCKET/@help is this page with the keys of that bucket.

` + search.Help(search.Schema{})
}
