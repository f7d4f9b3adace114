package fs

import (
	"io"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// A store that orders by UTF-16 has "😀", "😀-", "😀/" and then "Ａ" (U+FF21). With
// a page of two rows, each in the order of bytes, the object and its folder come
// apart, and "Ａ" stands between.
func TestFolderOrderAcrossUTF16Pages(t *testing.T) {
	object := func(key string) search.Entry { return search.Entry{Object: search.Object{Key: key, Size: 1}} }
	s := &fixedSnapshot{err: io.EOF, rows: []search.Entry{
		object("😀"), object("😀-"),
		object("Ａ"), {Folder: true, Object: search.Object{Key: "😀/"}},
		object("Ｂ"), object("Ｃ"),
	}}
	entries, held, err := read(&rowOrder{dir: search.Dir{Bucket: "b"}}, s)
	names := map[string]string{}
	for _, e := range entries {
		if other, dup := names[e.name]; dup {
			t.Errorf("%q and %q have one name, %q", other, e.key, e.name)
		}
		names[e.name] = e.key
	}
	if err != io.EOF || len(entries) != len(s.rows) || names["😀"] != "😀/" || names["😀%~"] != "😀" {
		t.Errorf("%q, then %v", names, err)
	}
	if held > 3 {
		t.Errorf("%d objects wait at once", held)
	}
}
