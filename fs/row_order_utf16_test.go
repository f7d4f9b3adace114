package fs

import (
	"io"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// A store that orders by UTF-16 has "😀", "😀-", "😀/" and then "Ａ" (U+FF21), "Ａ/". With
// pages of two or four rows, each in the order of bytes, an object and its folder come
// apart, and others stand between.
func TestFolderOrderAcrossUTF16Pages(t *testing.T) {
	object := func(key string) search.Entry { return search.Entry{Object: search.Object{Key: key, Size: 1}} }
	folder := func(key string) search.Entry { return search.Entry{Folder: true, Object: search.Object{Key: key}} }
	for _, rows := range [][]search.Entry{
		{object("😀"), object("😀-"), object("Ａ"), folder("😀/"), object("Ｂ"), object("Ｃ")},
		{object("日"), object("😀"), object("Ａ"), folder("😀/"), folder("Ａ/"), object("Ｂ")},
		{object("Ａ"), object("😀"), folder("Ａ/"), object("Ｂ")},
		{object("Ａ"), object("Ａ-"), object("😀"), object("😀-"), folder("Ａ/"), object("Ｂ")},
	} {
		has, names := map[string]bool{}, map[string]string{}
		for _, row := range rows {
			has[row.Key] = true
		}
		entries, held, err := read(&folderOrder{}, &fixedSnapshot{err: io.EOF, rows: rows})
		for _, e := range entries {
			if other, dup := names[e.name]; dup {
				t.Errorf("%q and %q have one name, %q", other, e.key, e.name)
			}
			names[e.name] = e.key
		}
		for key := range has {
			if has[key+"/"] && (names[key] != key+"/" || names[key+"%~"] != key) {
				t.Errorf("%q is not beside its folder: %q", key, names)
			}
		}
		if err != io.EOF || len(entries) != len(rows) {
			t.Errorf("%q, then %v", names, err)
		}
		if held > 3 {
			t.Errorf("%d objects wait at once", held)
		}
	}
}
