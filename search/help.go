package search

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Help returns the grammar on one page of 80 columns, with the bucket's own keys; at the root, where s
// names no bucket, with those that most buckets have. The tables are those that the parser reads by.
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
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", o.word, o.infix, o.help, s.exampleOf(o))
		}
	})
	b.WriteString(`  In symbols also: and, or, not ( ). A single = is never an operator.
  An object without the key matches neither a condition on it nor its opposite.

Values
  sizes   100  4k  1.5G  (k K M G T P = 1024^n)  kB MB = 1000^n  KiB MiB
  times   2024  2024-05  2024-05-01  2024-05-01T12  T1230Z  T12:30:00+02:00
          now  today  yesterday; a shortened time is all of that year or day
  ages    30m  12h  7d  2w  3mo  1y: so long before now
  text    as it is, case-sensitive; in symbols 'in quotes' when it has blanks

`)
	helpKeys(&b, s)
	b.WriteString("\nNames that are looked up, never listed\n")
	table(&b, func(w *tabwriter.Writer) {
		kind := directiveKind("")
		for i := range directives {
			d := &directives[i]
			title := ""
			if d.kind != kind {
				kind, title = d.kind, kindTitles[d.kind]
			}
			fmt.Fprintf(w, "  %s\t@%s%s\t%s\n", title, d.word, d.args, d.help)
		}
	})
	b.WriteString(`  Views and modifiers join in any order, before or behind a query:
  ls size,gt,1M/@sort,-size/@limit,10
`)
	return b.String()
}

var kindTitles = map[directiveKind]string{kindView: "view", kindModifier: "modifiers", kindMenu: "menu", kindFile: "files"}

// helpKeys writes the keys of the bucket, each with an example, and what can be asked of others.
func helpKeys(b *strings.Builder, s Schema) {
	if s.Bucket == "" {
		b.WriteString("Keys\n  size mtime name base, and others by bucket: see BUCKET/@searchkeys\n")
		return
	}
	title := "Keys of bucket " + printable(s.Bucket)
	keys := SearchableKeys(s)
	if len(keys) == 0 {
		fmt.Fprintf(b, "%s\n  %s\n", title, noSearch)
		return
	}
	if s.Engine == EngineScan {
		title += ": every object is listed, and checked here"
	}
	b.WriteString(title + "\n")
	table(b, func(w *tabwriter.Writer) {
		for _, k := range keys {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", printable(k.Short()), k.Type, s.told(k), k.example())
		}
	})
	b.WriteString("  The values that KEY has here: ls @by/KEY\n")
	switch {
	case s.Engine == EngineSearch:
		b.WriteString(`  meta.NAME is metadata that is not indexed. It is checked here, and only beside
  a condition on an indexed key.
`)
	case s.ScanMetadata:
		b.WriteString("  meta.NAME is any metadata. It costs one more request (HEAD) an object.\n")
	default:
		b.WriteString("  Metadata (meta.NAME) can be asked for under --scan-metadata.\n")
	}
}

// exampleOf returns o's example with a key that the bucket has.
func (s Schema) exampleOf(o *operator) string {
	name, rest, _ := strings.Cut(o.try, ",")
	if k, known := s.Resolve(name); known && !k.User() || s.Bucket == "" {
		return o.try
	}
	keys := SearchableKeys(s)
	for _, k := range keys {
		if k.User() && k.Type == String {
			return keyText(k) + "," + rest
		}
	}
	return "base," + rest
}

// example returns a condition on k, to try.
func (k Key) example() string {
	form := [...]string{String: ",prefix,a", Integer: ",ge,10", Decimal: ",lt,1.5", Datetime: ",newer,7d"}[k.Type]
	switch k.Name {
	case keySize:
		form = ",gt,100M"
	case keyObjectName:
		form = ",prefix,logs%2F"
	case keyBase:
		form = ",suffix,.csv"
	case MetaPrefix + "color":
		form = ",eq,red"
	case "Owner":
		form = ",eq,bob"
	case keyContentType:
		form = ",prefix,image"
	case keyEtag, "Namespace":
		form = ",exists"
	case "ContentEncoding":
		form = ",eq,gzip"
	case keyStorageClass:
		form = ",eq,STANDARD"
	}
	return keyText(k) + form
}

// SearchableKeys returns the keys that a query in the bucket can name alone or beside others. With
// EngineSearch first the indexed ones, then those that are compared here; with EngineScan what a listing
// carries, then what a HEAD tells. None without an engine.
func SearchableKeys(s Schema) []Key {
	var keys []Key
	known := knownKeys(s)
	for _, first := range []bool{true, false} {
		for _, k := range known {
			is, can := k.Indexed, s.Enabled && s.returns(k)
			if s.Engine == EngineScan {
				is, can = k.listed(), s.scanned(k)
			}
			if is == first && can {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// told says where the value of k comes from.
func (s Schema) told(k Key) string {
	switch {
	case s.Engine == EngineScan && k.listed():
		return "listed"
	case s.Engine == EngineScan && s.scanned(k):
		return "one HEAD"
	case s.Engine == EngineScan || !s.Enabled:
		return "not told"
	case k.Indexed:
		return "indexed"
	}
	return "checked"
}

const noSearch = "This bucket has no metadata search; --engine scan lists every object and checks it."

// SearchKeysTable returns the keys that can be searched: name, native name, datatype, and
// where the value comes from; one a line, aligned. Indexed keys bound a search, and checked ones are
// compared with the values that come back. Of a scan, listed keys come with the listing, and
// others cost one HEAD an object.
func SearchKeysTable(s Schema) string {
	var b strings.Builder
	keys := SearchableKeys(s)
	if len(keys) == 0 {
		return noSearch + "\n"
	}
	table(&b, func(w *tabwriter.Writer) {
		for _, k := range keys {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(k.Short()), printable(k.Name), k.Type, s.told(k))
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
