package fs

import (
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// drawnKeys is how many keys TestPropertyKeySets draws.
var drawnKeys = flag.Int("names.keys", 20_000, "how many keys TestPropertyKeySets draws")

// TestPropertyKeySets draws sets of keys of any bytes and shows each set in every view, through the code that
// orders and names a listing: each key is shown under exactly one name, no two entries of a directory have one
// name, each name gives its key back, and none is a query or directive in any bucket.
//
// A failure names the seed of its set; nothing else is random.
func TestPropertyKeySets(t *testing.T) {
	want := *drawnKeys
	if testing.Short() {
		want /= 5
	}
	total := 0
	for seed := uint64(1); total < want && !t.Failed(); seed++ {
		r := rand.New(rand.NewPCG(seed, 0))
		s := drawKeySet(r)
		total += len(s.objects)
		s.check(t, seed)
	}
}

// keySet is the objects of a bucket, and schemas that the bucket could have.
type keySet struct {
	objects []search.Object // ordered by key, each once
	schemas []search.Schema
}

// keyPieces are what names are made of that broke mounts, or this one's prototypes.
var keyPieces = []string{"size", "color", "meta.", "sys.", "x-amz-meta-", "not", "NOT ", "and", " or ", "(", ")", " ", "\t", ",", ",eq", ",gt,", ",in,", ",exists", "eq", "in",
	"=", "==", "!=", "<", ">", ">=", "!", "@", "@tree", "@sort,", "@meta,", "%", "%~", "~", "%~v", "%~h", "%41", "%2F", "%2f", "4", "1", "h", "v", "'", "\"", "/", "//", ".", "..", "./", "../", "/.", "-", "\n",
	"\x00", "\x01", "\x7f", "\u202e", "\u0085", "\xff", "\xe2", "\xe2\x80", "\xed\xa0\x80", "é", "e\u0301", "😀", "100M", "x", "a", "b", ".txt", ".tar.gz", "INCOMPLETE", "\\", "*", "$"}

// drawKey returns a key of 1 to 1,024 bytes, of which some begin as others in keys do.
func drawKey(r *rand.Rand, keys []string) string {
	var b strings.Builder
	if len(keys) > 0 && r.IntN(3) == 0 {
		near := keys[r.IntN(len(keys))]
		switch r.IntN(10) {
		case 0:
			near += "/"
		case 1:
			near += "/" + keyPieces[r.IntN(len(keyPieces))]
		case 2:
			near = near[:strings.LastIndexByte(near, '/')+1]
		case 3:
			near = EncodeFlat(near) // what is a name of one key is another key
		case 4:
			near = EncodeTwin(near)
		case 5:
			near = EncodeFlatVersion(near, "7")
		case 6:
			near = near[:r.IntN(len(near)+1)]
		case 7:
			near = decodePercent(near)
		case 8:
			near += "//"
		}
		b.WriteString(near)
	}
	for range r.IntN(6) {
		switch r.IntN(12) {
		case 0:
			for range r.IntN(4) {
				b.WriteByte(byte(r.IntN(256)))
			}
		case 1:
			b.WriteRune(rune(r.IntN(0x30000)))
		case 2:
			b.WriteString(trapKeys[r.IntN(len(trapKeys))])
		case 3:
			b.WriteString(strings.Repeat(keyPieces[r.IntN(len(keyPieces))], r.IntN(300)))
		default:
			b.WriteString(keyPieces[r.IntN(len(keyPieces))])
		}
	}
	key := b.String()
	if key == "" {
		return "k"
	}
	return key[:min(len(key), 1024)]
}

func drawKeySet(r *rand.Rand) keySet {
	var keys []string
	for range 1 + r.IntN(60) {
		keys = append(keys, drawKey(r, keys))
	}
	slices.Sort(keys)
	var s keySet
	for _, key := range slices.Compact(keys) {
		s.objects = append(s.objects, search.Object{Key: key, Size: int64(r.IntN(2))})
	}

	// Keys to search by: usual ones, and what the objects' own names begin with.
	var indexed []search.Key
	for range r.IntN(8) {
		name := keyPieces[r.IntN(len(keyPieces))]
		if r.IntN(2) == 0 {
			name = keys[r.IntN(len(keys))]
			name = name[:min(strings.IndexAny(name+",", ",/=<>"), 100)]
		}
		if r.IntN(4) > 0 {
			name = search.MetaPrefix + strings.ToLower(name)
		}
		indexed = append(indexed, search.Key{Name: name, Type: search.Datatype(r.IntN(4)), Indexed: true})
	}
	s.schemas = []search.Schema{
		{Bucket: "b", Enabled: true, Indexed: indexed},
		{Bucket: "b", Engine: search.EngineScan, ScanMetadata: r.IntN(2) == 0, Attributes: indexed},
	}
	return s
}

// entryOf is one name that a view shows, and what it stands for.
type entryOf struct {
	dir, name string
	text      string // what the name encodes
	version   string
	object    bool
}

func (s *keySet) check(t *testing.T, seed uint64) {
	var all []entryOf
	for view, entries := range map[string][]entryOf{
		"folder": s.folders(t), "flat": s.flat(false), "tree": s.tree(t, false), "flat versions": s.flat(true), "tree of versions": s.tree(t, true),
	} {
		seen, shown := map[string]bool{}, map[string]int{}
		for _, e := range entries {
			path := e.dir + "/" + e.name
			if seen[path] {
				t.Errorf("seed %d, %s: two entries %q", seed, view, path)
			}
			seen[path] = true
			naming := naming{flat: strings.HasPrefix(view, "flat"), versions: strings.HasSuffix(view, "versions")}
			d, canonical := naming.decode(e.name)
			switch {
			case !canonical, d.Versioned != (e.version != ""), d.Hash == "" && (d.Text != e.text || d.Version != e.version),
				d.Hash != "" && !strings.HasPrefix(e.text, d.Text):
				t.Errorf("seed %d, %s: %.300q of %q, version %q, is read as %+v, canonical %t", seed, view, e.name, e.text, e.version, d, canonical)
			}
			if e.object {
				shown[e.dir+e.text+"\x00"+e.version]++
			}
		}
		for _, o := range s.objects {
			want, ids := 1, []string{""}
			if strings.HasSuffix(view, "versions") {
				ids = versionsOf(&o)
			}
			if marker := o.Size == 0 && strings.HasSuffix(o.Key, "/"); marker && !strings.HasPrefix(view, "flat") {
				want = 0
			}
			for _, id := range ids {
				if n := shown[o.Key+"\x00"+id]; n != want {
					t.Errorf("seed %d, %s: %d names of the key %q, version %q, of %d bytes, want %d", seed, view, n, o.Key, id, o.Size, want)
				}
			}
			if len(shown) > 2*len(s.objects)+1 {
				t.Errorf("seed %d, %s: %d objects of %d keys", seed, view, len(shown), len(s.objects))
			}
		}
		all = append(all, entries...)
	}
	parsed := map[string]bool{}
	for _, e := range all {
		if !parsed[e.name] {
			parsed[e.name] = true
			s.checkName(t, seed, e.name)
		}
	}
}

// checkName checks that name is one that a file system and a command line take, and no
// query or directive in any of the buckets, nor in one that indexes just what it would ask for.
func (s *keySet) checkName(t *testing.T, seed uint64, name string) {
	if len(name) == 0 || len(name) > 255 || name == "." || name == ".." || name[0] == '-' || strings.ContainsAny(name, "/\x00\n\x1b<>") {
		t.Errorf("seed %d: bad name %q", seed, name)
	}
	schemas := s.schemas
	if own, _, ok := strings.Cut(name, ","); ok {
		own = strings.ToLower(decodePercent(own))
		schemas = append(slices.Clone(schemas), search.Schema{Enabled: true, Indexed: []search.Key{
			{Name: search.MetaPrefix + own, Type: search.Integer, Indexed: true}, {Name: own, Indexed: true}}})
	}
	for i := range schemas {
		if c, err := search.ParseComponent(name, schemas[i]); err != nil || c.Kind != search.ComponentLiteral {
			t.Errorf("seed %d: name %q reads as kind %d, %v, with %+v", seed, name, c.Kind, err, schemas[i])
		}
	}
}

// versionsOf returns the IDs of the object's versions: every third key has one from before its bucket had any.
func versionsOf(o *search.Object) []string {
	switch len(o.Key) % 3 {
	case 0:
		return []string{""}
	case 1:
		return []string{"1"}
	}
	return []string{"null", "a.b/%~" + o.Key[:1]}
}

func (s *keySet) flat(versions bool) (entries []entryOf) {
	naming := naming{flat: true, versions: versions}
	for _, o := range s.objects {
		ids := []string{""}
		if versions {
			ids = versionsOf(&o)
		}
		for _, id := range ids {
			entries = append(entries, entryOf{name: naming.object(o.Key, id, false), text: o.Key, version: id, object: true})
		}
	}
	return entries
}

// folders walks the bucket level by level, as listings with a delimiter show it.
func (s *keySet) folders(t *testing.T) (entries []entryOf) {
	var visit func(objects []search.Object, prefix string)
	visit = func(objects []search.Object, prefix string) {
		level := &fixedSnapshot{err: io.EOF}
		below := map[string][]search.Object{}
		for _, o := range objects {
			seg, _, folder := strings.Cut(o.Key[len(prefix):], "/")
			row := search.Entry{Object: o}
			if folder {
				row = search.Entry{Folder: true, Object: search.Object{Key: prefix + seg + "/"}}
				if below[row.Key] = append(below[row.Key], o); len(below[row.Key]) > 1 {
					continue
				}
			}
			level.rows = append(level.rows, row)
		}
		slices.SortFunc(level.rows, func(a, b search.Entry) int { return strings.Compare(a.Key, b.Key) })
		listed, _, err := read(&folderOrder{prefix: prefix}, level)
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		for _, e := range listed {
			text := strings.TrimPrefix(e.key, prefix)
			if !e.isFile {
				text = strings.TrimSuffix(text, "/")
				visit(below[e.key], e.key)
			}
			entries = append(entries, entryOf{dir: prefix, name: e.name, text: text, object: e.isFile})
		}
	}
	visit(s.objects, "")
	return entries
}

// tree walks a tree of results that all objects are among.
func (s *keySet) tree(t *testing.T, versions bool) (entries []entryOf) {
	rows := &fixedSnapshot{err: io.EOF}
	for _, o := range s.objects {
		ids := []string{""}
		if versions {
			ids = versionsOf(&o)
		}
		for _, o.VersionID = range ids {
			rows.rows = append(rows.rows, search.Entry{Object: o})
		}
	}
	d := search.Dir{Bucket: "b", Tree: true, Limit: 1 << 20, Versions: versions}
	f := newFilesystem(Options{})
	var visit func(d search.Dir)
	visit = func(d search.Dir) {
		order := &treeOrder{dir: d, listing: d.Listing(time.Unix(0, 0), 0), fs: f}
		for {
			e, err := order.entry(t.Context(), rows)
			if err == io.EOF {
				return
			} else if err != nil {
				t.Error(err)
				return
			}
			text := strings.TrimPrefix(e.key, d.Below)
			if e.isFile {
				entries = append(entries, entryOf{dir: d.Below, name: e.name, text: text, version: e.object.VersionID, object: true})
				continue
			}
			text = strings.TrimSuffix(text, "/")
			entries = append(entries, entryOf{dir: d.Below, name: e.name, text: text})
			folder, _ := d.Folder(text)
			visit(folder)
		}
	}
	visit(d)
	return entries
}
