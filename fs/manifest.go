package fs

import (
	"bufio"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ecsfs/ecsfs/search"
)

// A manifest lists every result of a directory with all that its listing
// returned, a line each: of a folder every object below it, of a query, a view or a
// modifier its results, in the order of the directory. All of it is UTF-8,
// and no character of it acts on a terminal.
//
// @manifest.jsonl: each line is one JSON object with, before the fields of @meta,NAME (ObjectJSON),
//
//	path          the object's path below the directory, to be opened as it is
//	path_base64   the exact path where that is not UTF-8; path has U+FFFD then
//
// @manifest.csv: RFC 4180 with LF for CRLF and a header. A record is always one
// line. The first columns never need quotes, so that awk -F, reads them:
//
//	size modified created etag version path key content_type KEYS... more
//
// KEYS are the metadata keys that every row of the listing may carry, by native name:
// those that the bucket indexes, those that the query or the order names beside them; none
// where a plain listing answers. A field with nothing in it is a value that is not there, two quotes
// are the empty text (DuckDB tells NULL from it; Python's csv and sqlite3 read both as empty).
// Where a text has control characters or is not UTF-8, its column has U+FFFD in their
// place, and the exact text is in the column "more": one JSON object with key_base64, path_base64,
// metadata and metadata_base64 as the JSON lines have them, of what is in no other column.

// ManifestFormat is how a manifest is written.
type ManifestFormat uint8

// The formats, as the directives "manifest.jsonl" and "manifest.csv" name them.
const (
	ManifestJSONL ManifestFormat = iota
	ManifestCSV
)

// WriteManifest writes to w the manifest of d, a directory of a bucket with this schema. rows are
// the results of d, as Querier.Query yields them for d.Results; those that do not lie below d.Below
// are left out. It returns the error of w, or that of rows: what was written before it
// is then an incomplete manifest. In a tree of results a name depends on the
// others, so that rows are read to their end before the first is written.
func WriteManifest(w io.Writer, format ManifestFormat, d search.Dir, s search.Schema, rows iter.Seq2[search.Object, error]) error {
	m := newManifest(format, d, s)
	order := manifestOrder{dir: d}
	out := bufio.NewWriter(w)
	line := m.header()
	var broken error
	if order.needsAll() {
		broken = order.readAll(rows)
		rows = func(func(search.Object, error) bool) {}
	}
	for o, err := range rows {
		if err != nil {
			broken = err
			break
		}
		order.add(&o, false)
		if line, err = m.writeReady(out, line, &order); err != nil {
			return err
		}
	}
	order.release("")
	if _, err := m.writeReady(out, line, &order); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return broken
}

// writeReady writes what stands in line, and the rows that order has ready. It returns the emptied line.
func (m *manifest) writeReady(w io.Writer, line []byte, order *manifestOrder) ([]byte, error) {
	for {
		if _, err := w.Write(line); err != nil {
			return nil, err
		}
		line = line[:0]
		row, ok := order.pop()
		if !ok {
			return line, nil
		}
		line = m.appendRow(line, &row)
	}
}

// manifest renders the rows of one directory. It does not change.
type manifest struct {
	format  ManifestFormat
	bucket  string
	columns []string // of CSV: the keys with a column of their own, by native name
}

func newManifest(format ManifestFormat, d search.Dir, s search.Schema) manifest {
	m := manifest{format: format, bucket: d.Bucket}
	if format == ManifestCSV {
		m.columns = manifestKeys(d, s)
	}
	return m
}

// manifestRow is one row of a manifest.
type manifestRow struct {
	path   string
	object search.Object
}

// header returns what stands before the rows.
func (m *manifest) header() []byte {
	if m.format == ManifestJSONL {
		return nil
	}
	names := slices.Concat(firstColumns[:], m.columns, []string{lastColumn})
	for i, name := range names {
		names[i] = string(appendCSV(nil, name))
	}
	return []byte(strings.Join(names, ",") + "\n")
}

// appendRow appends one line.
func (m *manifest) appendRow(b []byte, row *manifestRow) []byte {
	if m.format == ManifestJSONL {
		return m.appendJSON(b, row)
	}
	return m.appendCSV(b, row)
}

// manifestLine is a line of @manifest.jsonl.
type manifestLine struct {
	Path       string `json:"path"`
	PathBase64 string `json:"path_base64,omitempty"`
	ObjectJSON
}

func (m *manifest) appendJSON(b []byte, row *manifestRow) []byte {
	line := manifestLine{Path: row.path, ObjectJSON: NewObjectJSON(m.bucket, &row.object)}
	if !utf8.ValidString(row.path) {
		line.PathBase64 = toBase64(row.path)
	}
	return append(b, jsonText(line, "")...)
}

// keyCreated is the native name of the time of creation.
const keyCreated = "CreateTime"

// firstColumns are the columns of every manifest, and fixedKeys the keys that they show.
var (
	firstColumns = [...]string{"size", "modified", "created", "etag", "version", "path", "key", "content_type"}
	fixedKeys    = [...]string{"Size", "LastModified", keyCreated, "Etag", "ObjectName", "base", "ContentType"}
)

const lastColumn = "more"

// maxColumns bounds the columns of a manifest: the keys beyond are in the last one.
const maxColumns = 200

// manifestKeys returns the keys that have columns of their own, by native name, each once and
// none that a program which ignores case would take for another column.
func manifestKeys(d search.Dir, s search.Schema) []string {
	seen := map[string]bool{lastColumn: true}
	for _, name := range slices.Concat(firstColumns[:], fixedKeys[:]) {
		seen[strings.ToLower(name)] = true
	}
	var names []string
	for _, name := range returnedKeys(d, s) {
		name = search.CanonicalName(name)
		if lower := strings.ToLower(name); !seen[lower] && len(names) < maxColumns {
			seen[lower] = true
			names = append(names, name)
		}
	}
	return names
}

// returnedKeys returns the native names of the keys that the rows of d may carry, as far as
// is known before there are any.
func returnedKeys(d search.Dir, s search.Schema) []string {
	p, err := search.NewPlan(s, d.Results(time.Now(), time.Minute))
	if err != nil {
		return nil // nor are there rows
	}
	var names []string
	if p.Engine == search.EngineSearch {
		for _, k := range s.Indexed {
			names = append(names, k.Name)
		}
		names = append(names, p.Attributes...)
	}
	sure, others := p.Keys()
	for _, k := range slices.Concat(sure, others) {
		names = append(names, k.Name)
	}
	if !d.Order.IsZero() {
		names = append(names, d.Order.Key.Name)
	}
	return names
}

// manifestMore is the last column of @manifest.csv: what no other column holds exactly.
type manifestMore struct {
	KeyBase64      string            `json:"key_base64,omitempty"`
	PathBase64     string            `json:"path_base64,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	MetadataBase64 []AttributeBase64 `json:"metadata_base64,omitempty"`
}

func (m *manifest) appendCSV(b []byte, row *manifestRow) []byte {
	o := &row.object
	more, inMore := manifestMore{}, false
	// text appends a text that is there, and reports whether it is exact.
	text := func(s string) (exact bool) {
		shown := showable(s)
		b = append(appendCSV(b, shown), ',')
		return shown == s
	}
	keep := func(name, value string) {
		inMore = true
		if utf8.ValidString(name) && utf8.ValidString(value) {
			if more.Metadata == nil {
				more.Metadata = make(map[string]string)
			}
			more.Metadata[name] = value
			return
		}
		more.MetadataBase64 = append(more.MetadataBase64, newAttributeBase64(name, value))
	}
	known := func(name, value string) { // what is empty where it is not known
		if value == "" {
			b = append(b, ',')
		} else if !text(value) {
			keep(name, value)
		}
	}

	b = append(strconv.AppendInt(b, o.Size, 10), ',')
	if !o.ModTime.IsZero() {
		b = o.ModTime.UTC().AppendFormat(b, time.RFC3339Nano)
	}
	b = append(b, ',')
	created, hasCreated := o.Created()
	if hasCreated {
		b = created.AppendFormat(b, time.RFC3339Nano)
	}
	b = append(b, ',')
	known("Etag", o.ETag)
	known("VersionId", o.VersionID)
	if !text(row.path) {
		more.PathBase64, inMore = toBase64(row.path), true
	}
	if !text(o.Key) {
		more.KeyBase64, inMore = toBase64(o.Key), true
	}
	known("ContentType", o.ContentType)
	for _, name := range m.columns {
		if value, ok := o.Metadata.Get(name); !ok {
			b = append(b, ',')
		} else if !text(value) {
			keep(name, value)
		}
	}
	for name, value := range o.Metadata.All() {
		if !(name == keyCreated && hasCreated) && !slices.Contains(m.columns, name) {
			keep(name, value)
		}
	}
	if inMore {
		b = appendCSV(b, strings.TrimSuffix(string(jsonText(more, "")), "\n"))
	}
	return append(b, '\n')
}

// appendCSV appends s, which is there, as one field: in quotes where RFC 4180 asks for them and where it
// is empty, and where blanks around it might be taken for none.
func appendCSV(b []byte, s string) []byte {
	if s != "" && !strings.ContainsAny(s, ",\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

// showable returns s with U+FFFD for each byte that is not UTF-8 and each character that could break a
// line or act on a terminal.
func showable(s string) string {
	if isPlainText(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r > 0x7f && hidden(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// isPlainText reports whether s is of printable ASCII, as nearly all is.
func isPlainText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
