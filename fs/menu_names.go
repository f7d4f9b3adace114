package fs

import "github.com/ecsfs/ecsfs/search"

// The names of links in a menu: the label, encoded as a key in the flat view is. Beside them
//
//	%~empty     the empty string
//	%~more      the menu of the values behind the last
//	BEGIN%~     the values that begin with BEGIN, each of which is too long for a component of a path
const (
	nameEmpty = mark + "empty"
	nameMore  = mark + "more"
)

// EncodeMenuItem returns the name of the link of i. No two items of a menu have the same, but for
// shortened names that agree in 64 bits of SHA-256; it is a query for no schema.
func EncodeMenuItem(i search.MenuItem) string {
	switch {
	case i.More:
		return nameMore
	case i.Begins:
		return encodeName(i.Label, mark)
	case i.Label == "":
		return nameEmpty
	}
	return encodeName(i.Label, "")
}

// DecodeMenuItem returns the item of which name may be the name in a menu of k. known is false when the name
// alone does not tell, ok when no item has it.
func DecodeMenuItem(k search.Key, name string) (_ search.MenuItem, known, ok bool) {
	if name == nameMore {
		return search.MenuItem{}, false, true
	}
	label := ""
	if name != nameEmpty {
		d := DecodeFlat(name)
		switch {
		case d.Hash != "" && !d.Versioned, d.Object && d.Text != "" && !d.Versioned:
			return search.MenuItem{}, false, true
		case d.Reserved, d.Versioned, d.Object, EncodeFlat(d.Text) != name:
			return search.MenuItem{}, false, false
		}
		label = d.Text
	}
	i, ok := search.MenuItemNamed(k, label)
	return i, true, ok
}
