package fs

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

// memoryStore is a bucket in memory, with versions where some have IDs. With listed set, listings are at hand.
type memoryStore struct {
	Store
	objects []search.Object // ordered by key, the newest version of each first
	listed  bool
}

func (s *memoryStore) Stat(_ context.Context, ref search.Ref) (search.Object, error) {
	for _, o := range s.objects {
		if o.Key == ref.Key && (ref.VersionID == "" || ref.VersionID == o.VersionID) {
			if o.VersionID == "null" {
				o.VersionID = "" // as a HEAD has it
			}
			o.Partial = search.FromHead
			return o, nil
		}
	}
	return search.Object{}, &search.Error{Op: "stat", Kind: search.KindNotExist}
}

func (s *memoryStore) List(_ context.Context, _ string, o search.ListOptions) iter.Seq2[search.Entry, error] {
	return func(yield func(search.Entry, error) bool) {
		last, count := "", 0
		for _, object := range s.objects {
			rest, below := strings.CutPrefix(object.Key, o.Prefix)
			e := search.Entry{Object: object}
			if i := strings.IndexByte(rest, '/'); i >= 0 && !o.Recursive {
				e = search.Entry{Folder: true, Object: search.Object{Key: o.Prefix + rest[:i+1]}}
			}
			if !below || !o.Versions && e.Key == last {
				continue
			}
			last = e.Key
			if count++; !yield(e, nil) || count == o.Limit {
				return
			}
		}
	}
}

func (s *memoryStore) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		count := 0
		for e := range s.List(ctx, l.Bucket, search.ListOptions{Prefix: l.Prefix, Recursive: true, Versions: l.Versions}) {
			if search.Evaluate(l.Where, &e.Object) == search.True {
				if count++; !yield(e.Object, nil) || count == l.Limit {
					return
				}
			}
		}
	}
}

func (s *memoryStore) Open(ctx context.Context, l search.Listing) (search.Snapshot, error) {
	rows := &fixedSnapshot{err: io.EOF}
	for o := range s.Query(ctx, l) {
		rows.rows = append(rows.rows, search.Entry{Object: o})
	}
	return foundSnapshot{rows}, nil
}

func (s *memoryStore) Peek(l search.Listing) search.Snapshot {
	if !s.listed {
		return nil
	}
	snapshot, _ := s.Open(context.Background(), l)
	return snapshot
}

// foundSnapshot is a fixedSnapshot that finds.
type foundSnapshot struct{ *fixedSnapshot }

func (s foundSnapshot) Find(key string) (search.Entry, bool) {
	i := slices.IndexFunc(s.rows, func(e search.Entry) bool { return e.Key == key })
	if i < 0 {
		return search.Entry{}, false
	}
	return s.rows[i], true
}

// Taken tells snapshots of different buckets apart.
func (s foundSnapshot) Index(string) (int, bool) { return 0, false }
func (s foundSnapshot) Taken() time.Time         { return time.Unix(0, 0) }

// A name means the same with and without a listing at hand, and means something exactly if it is listed: in the flat
// view, in every folder of a tree, with versions and without.
func TestPropertyLookup(t *testing.T) {
	segment := rapid.OneOf(rapid.SampledFrom([]string{"a", "a.x", "a-", "..", "", "-", "size,gt,1", "a%~", strings.Repeat("k", 252), strings.Repeat("é", 150) + ".dcm"}), rapid.StringN(0, 3, -1))
	rapid.Check(t, func(t *rapid.T) {
		store := &memoryStore{}
		versioned := rapid.Bool().Draw(t, "versioned bucket")
		seen := map[string]bool{}
		for range rapid.IntRange(0, 12).Draw(t, "objects") {
			key := strings.ReplaceAll(strings.Join(rapid.SliceOfN(segment, 1, 3).Draw(t, "segments"), "/"), "\x00", "0")
			if key == "" || len(key) > 1024 || seen[key] {
				continue
			}
			seen[key] = true
			ids := []string{""}
			if versioned {
				ids = rapid.SampledFrom([][]string{{"null"}, {"v2", "v1.x"}, {"v2", "null"}, {"null", strings.Repeat("v", 300)}}).Draw(t, "versions")
			}
			for _, id := range ids {
				store.objects = append(store.objects, search.Object{Key: key, VersionID: id, Size: rapid.Int64Range(0, 2).Draw(t, "size"), ETag: fmt.Sprint(len(store.objects))})
			}
		}
		slices.SortStableFunc(store.objects, func(a, b search.Object) int { return strings.Compare(a.Key, b.Key) })

		d := search.Dir{Bucket: "b", Tree: rapid.Bool().Draw(t, "tree"), Versions: rapid.Bool().Draw(t, "versions")}
		switch rapid.IntRange(0, 2).Draw(t, "query") {
		case 0:
			c, err := search.ParseComponent("size,ge,1", search.Schema{Bucket: "b", Indexed: []search.Key{{Name: "Size", Type: search.Integer, Indexed: true}}})
			if err != nil {
				t.Fatal(err)
			}
			d.Where = c.Where
		case 1:
			d.Order = search.Order{Key: search.Key{Name: "Size"}}
		default:
			d.Limit = rapid.IntRange(1, 9).Draw(t, "limit")
		}
		check := func(n *dirNode, name, want string) {
			for _, store.listed = range []bool{true, false} {
				target, err := n.resolve(t.Context(), name, true)
				var f finding
				if err == nil {
					f, err = n.find(t.Context(), target, true)
				}
				got := ""
				switch {
				case err == nil && f.folder:
					got = f.object.Key
				case err == nil:
					got = f.object.Key + "\x00" + f.object.ETag
				case search.KindOf(err) != search.KindNotExist:
					t.Fatalf("%q: %v", name, err)
				}
				if got != want {
					t.Fatalf("%q below %q, listing at hand %v, is %q, want %q", name, n.base(), store.listed, got, want)
				}
			}
		}
		var visit func(d search.Dir)
		visit = func(d search.Dir) {
			n := &dirNode{node: node{fs: newFilesystem(Options{Store: store})}, dir: d}
			snapshot, _ := store.Open(t.Context(), n.listing())
			order, listed := n.entries(n.listing()), map[string]string{}
			for {
				e, err := order.entry(t.Context(), snapshot)
				if err == io.EOF {
					break
				}
				if _, dup := listed[e.name]; dup || err != nil {
					t.Fatalf("%q: twice %v, %v", e.name, dup, err)
				}
				if listed[e.name] = e.key; e.isFile {
					listed[e.name] = e.key + "\x00" + e.object.ETag
					continue
				}
				below, _ := d.Folder(strings.TrimSuffix(e.key[len(n.base()):], "/"))
				visit(below)
			}
			for name, want := range listed {
				check(n, name, want)
			}
			// What could be a name here and is not listed is none.
			for _, o := range store.objects {
				text, below := strings.CutPrefix(o.Key, n.base())
				if !below {
					continue
				}
				names := []string{EncodeFlat(text), EncodeFlatVersion(text, "v2"), EncodeFlatVersion(text, o.VersionID), EncodeFlatVersion(text, "null")}
				if seg, _, folder := strings.Cut(text, "/"); n.isTree() {
					names = []string{EncodeSegment(seg), EncodeSegmentVersion(seg, "v2"), EncodeSegmentVersion(seg, o.VersionID), EncodeSegmentVersion(seg, "null")}
					if folder && strings.HasSuffix(listed[EncodeSegment(seg)], "/") { // else "a%~" resolves to object a
						names = append(names, EncodeTwin(seg))
					}
				}
				for _, name := range names {
					if _, ok := listed[name]; !ok && name != mark {
						check(n, name, "")
					}
				}
			}
		}
		visit(d)
	})
}
