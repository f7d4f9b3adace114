package search

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Help returns the grammar on one page, with the bucket's own keys. The
// tables are those that the parser reads by.
func Help(s Schema) string {
	var b strings.Builder
	b.WriteString(`A path is a query: every directory named KEY,OP,VALUE holds the objects below
the folder before it that match. Directories within one another must all match.
Query directories are never listed; type them.

    ls size,gt,100M             larger than 100 MiB
    ls mtime,newer,7d           uploaded in the last seven days
    ls size,gt,1M/mtime,in,2024-05..2024-07
    ls '(size>1G or size==0) and mtime<2024'

The form with symbols needs quotes: bare, the shell takes > for a redirection.
In a value %XX stands for a byte: %2F for /, %2C for a comma, %25 for %.

Operators
`)
	table(&b, func(w *tabwriter.Writer) {
		for i := range operators {
			o := &operators[i]
			fmt.Fprintf(w, "    %s\t%s\t%s\t%s\n", o.word, o.infix, o.help, o.try)
		}
	})
	b.WriteString(`    In symbols also: and, or, not ( ). A single = is never an operator.
    An object without the key matches neither a condition on it nor its opposite.

Values
    sizes   100  4k  1.5G  (k K M G T P = 1024^n)  kB MB ... = 1000^n  KiB MiB ...
    times   2024  2024-05  2024-05-01  2024-05-01T12  2024-05-01T1230Z  T12:30:00+02:00
            now  today  yesterday; a shortened time is all of that year, month, day
    ages    30m  12h  7d  2w  3mo  1y: so long before now
    text    as it is, case-sensitive; in symbols 'in quotes' when it has blanks

`)
	if s.Bucket != "" {
		fmt.Fprintf(&b, "Keys of bucket %s\n", printable(s.Bucket))
	} else {
		b.WriteString("Keys\n")
	}
	b.WriteString(indent(SearchKeysTable(s)))
	b.WriteString(`    meta.NAME is metadata that is not indexed. It is checked here, and only beside a
    condition on an indexed key.

Names that are looked up, never listed
`)
	table(&b, func(w *tabwriter.Writer) {
		for i := range directives {
			d := &directives[i]
			fmt.Fprintf(w, "    @%s%s\t%s\n", d.word, d.args, d.help)
		}
	})
	return b.String()
}

// SearchableKeys returns the keys that a search in the bucket can name: first
// the indexed ones, then those that are compared here; none without metadata search.
func SearchableKeys(s Schema) []Key {
	if !s.Enabled {
		return nil
	}
	var keys []Key
	known := knownKeys(s)
	for _, indexed := range []bool{true, false} {
		for _, k := range known {
			if k.Indexed == indexed && s.returns(k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// SearchKeysTable returns the keys that can be searched: name, native name, datatype,
// indexed or checked; one a line, aligned. Indexed keys bound a search; the others are
// compared with the values that come back.
func SearchKeysTable(s Schema) string {
	var b strings.Builder
	if !s.Enabled {
		b.WriteString("This bucket has no metadata search: its folders can be listed, not searched.\n")
		return b.String()
	}
	table(&b, func(w *tabwriter.Writer) {
		for _, k := range SearchableKeys(s) {
			how := "checked"
			if k.Indexed {
				how = "indexed"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(k.Short()), printable(k.Name), k.Type, how)
		}
	})
	return b.String()
}

// table aligns the tab-separated lines that f writes.
func table(b *strings.Builder, f func(w *tabwriter.Writer)) {
	var rows strings.Builder
	w := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	f(w)
	w.Flush() // a strings.Builder takes every write
	for line := range strings.Lines(rows.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// indent sets every line four blanks in.
func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("    " + line)
	}
	return b.String()
}
