package fs

import (
	"testing"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
)

func TestDirAttr(t *testing.T) {
	root := gofuse.StableAttr{Ino: 1}
	b := dirAttr(root, "b")
	// Q1/Q2 and Q2/Q1 are one listing but two directories; so are b/Q and b/Q/Q.
	distinct := map[string]gofuse.StableAttr{
		"b":     b,
		"c":     dirAttr(root, "c"),
		"b/Q1":  dirAttr(b, "Q1"),
		"b/Q2":  dirAttr(b, "Q2"),
		"Q1/Q2": dirAttr(dirAttr(b, "Q1"), "Q2"),
		"Q2/Q1": dirAttr(dirAttr(b, "Q2"), "Q1"),
		"Q1/Q1": dirAttr(dirAttr(b, "Q1"), "Q1"),
		"Q1Q2":  dirAttr(b, "Q1Q2"),
		"b/b":   dirAttr(b, "b"),
	}
	checkDistinct(t, distinct)
	if dirAttr(root, "b") != b {
		t.Error("the same path gave two identities")
	}
	// A change of these numbers would change every inode of every mount.
	if b.Ino != 2487698512945722367 || b.Gen != 15275821827977430442 || b.Mode != 0o040000 {
		t.Errorf("dirAttr(root, %q) = %+v", "b", b)
	}
}

func TestFileAttr(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 123e6, time.UTC)
	object := func(change func(o *search.Object)) gofuse.StableAttr {
		o := search.Object{Key: "k", Size: 5, ModTime: at, ETag: "e"}
		change(&o)
		return fileAttr("b", &o)
	}
	same := object(func(*search.Object) {})
	distinct := map[string]gofuse.StableAttr{
		"same":           same,
		"other bucket":   fileAttr("c", &search.Object{Key: "k", Size: 5, ModTime: at, ETag: "e"}),
		"other key":      object(func(o *search.Object) { o.Key = "k2" }),
		"other etag":     object(func(o *search.Object) { o.ETag = "e2" }),
		"other size":     object(func(o *search.Object) { o.Size = 6 }),
		"other version":  object(func(o *search.Object) { o.VersionID = "v" }),
		"no etag":        object(func(o *search.Object) { o.ETag = "" }),
		"no etag, size":  object(func(o *search.Object) { o.ETag = ""; o.Size = 6 }),
		"no etag, time":  object(func(o *search.Object) { o.ETag = ""; o.ModTime = at.Add(time.Second) }),
		"moved boundary": fileAttr("bk", &search.Object{Key: "", Size: 5, ModTime: at, ETag: "e"}),
		"a directory":    dirAttr(gofuse.StableAttr{}, "k"),
	}
	checkDistinct(t, distinct)

	// What a row of a query and a HEAD tell differently must not matter.
	for what, attr := range map[string]gofuse.StableAttr{
		"metadata": object(func(o *search.Object) { o.Metadata = search.NewMetadata(map[string]string{"x-amz-meta-a": "1"}) }),
		"type":     object(func(o *search.Object) { o.ContentType = "text/plain" }),
		"partial":  object(func(o *search.Object) { o.Partial = search.FromHead }),
		"time":     object(func(o *search.Object) { o.ModTime = at.Add(time.Hour) }),
	} {
		if attr != same {
			t.Errorf("another %s gives another inode", what)
		}
	}
	truncated := object(func(o *search.Object) { o.ETag = ""; o.ModTime = at.Truncate(time.Second) })
	if truncated != distinct["no etag"] {
		t.Error("without an ETag, a HEAD (whole seconds) and a query (milliseconds) give two inodes")
	}
}

func checkDistinct(t *testing.T, attrs map[string]gofuse.StableAttr) {
	t.Helper()
	type number struct{ ino, gen uint64 }
	seen := map[number]string{}
	for what, a := range attrs {
		n := number{a.Ino, a.Gen}
		if other, dup := seen[n]; dup {
			t.Errorf("%q and %q have one identity %+v", what, other, a)
		}
		seen[n] = what
	}
}

// goFuseFirstIno is where the inode numbers begin that go-fuse picks itself
// (fs.Options.FirstAutomaticIno, "If unset, the default is 2^63").
const goFuseFirstIno = 1 << 63

func TestPropertyInodeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parent := gofuse.StableAttr{Ino: rapid.Uint64().Draw(t, "ino"), Gen: rapid.Uint64().Draw(t, "gen")}
		s := rapid.String().Draw(t, "name")
		o := search.Object{Key: s, ETag: rapid.String().Draw(t, "etag"), Size: rapid.Int64().Draw(t, "size")}
		for _, a := range []gofuse.StableAttr{dirAttr(parent, s), fileAttr(s, &o)} {
			if a.Ino < 2 || a.Ino >= goFuseFirstIno {
				t.Fatalf("inode number %d", a.Ino)
			}
		}
	})
}
