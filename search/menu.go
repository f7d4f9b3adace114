package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// MenuItem is one line of a menu: a value, or a range of values, that the results of a query
// have for a key, and the path components that ask for the results that have it.
type MenuItem struct {
	// Label says the value: a string as it is ("" is the empty string), a range "1M..10M", "10..",
	// a time "2024-05". With Begins it is what several values begin with, each of which is too long for a
	// component; with More it is empty. Of the items of one menu no two are equal in Label, Begins and More.
	Label  string
	Begins bool
	// More is true of the last item of a menu that has more than MaxMenuItems: it
	// leads to the same menu, of the values behind.
	More bool
	// Components are one to three path components, of at most 255 bytes each. Below the query that the
	// menu is of they mean its results that have the value, of which there is at least one.
	Components []string
}

// MaxMenuItems is how many values a menu shows; then one item leads to the rest.
const MaxMenuItems = 200

// Entry returns i as a row of a listing, for who keeps listings: MenuItemOf undoes it. The key of
// the row tells the items of one menu apart.
func (i MenuItem) Entry() Entry {
	kind := "="
	switch {
	case i.More:
		kind = ">"
	case i.Begins:
		kind = "^"
	}
	// No component has a "/" in it, and a row keeps ETag in few bytes.
	return Entry{Object: Object{Key: kind + i.Label, ETag: strings.Join(i.Components, "/")}}
}

// MenuItemOf returns the item of which e is the Entry.
func MenuItemOf(e Entry) MenuItem {
	return MenuItem{Label: e.Key[1:], Begins: e.Key[0] == '^', More: e.Key[0] == '>', Components: strings.Split(e.ETag, "/")}
}

// Searcher is what Values needs of a store.
type Searcher interface {
	Schemer
	Querier
}

// Values yields the menu of l.Menu: what values the results of l have for the key, ascending. l is
// what Dir.Values returns. Strings and decimals that are alone come one by one; numbers come in half-open ranges:
// decades, or, where one holds all, ranges that share as many leading digits as needed for more
// than one, down to the single value. Times come in years, or, where one holds all,
// in months, then days, then hours. Values that are none of the key's datatype do not exist.
//
// Where the store sorts by the key (Plan.SortBy), an item costs one search, for the
// least value behind the last, and the end of the menu one; a number or time up to ten more, to find
// the ranges that fit. With conditions that are checked here, such a search may
// read several pages, growing eightfold; as each begins behind the last, all of them
// together read no more than five pages an item beyond those of all results. So sorting always
// beats the other way, which is one pass over all results that keeps only the least
// MaxMenuItems: taken where the store does not sort (scan engine, "or", a prefix without an index of names),
// and when a value comes that is not behind the last, as the store's order then is not what it says.
//
// Errors, breaking out and concurrency are as for Lister: what came before an error is an incomplete menu.
func Values(ctx context.Context, s Searcher, l Listing) iter.Seq2[MenuItem, error] {
	return func(yield func(MenuItem, error) bool) {
		schema, err := s.Schema(ctx, l.Bucket)
		if err == nil && !fitsLinks(l.Menu) {
			err = &Error{Op: "menu", Bucket: l.Bucket, Key: l.Prefix, Kind: KindUnsupported, Reason: longKey}
		}
		if err != nil {
			yield(MenuItem{}, err)
			return
		}
		m := &menu{ctx: ctx, store: s, listing: l, cells: cellsOf(l.Menu), yield: yield, shown: make(map[string]bool)}
		if m.sorts(schema) {
			err = m.skip()
		} else {
			err = m.pass(-1)
		}
		if err != nil && !errors.Is(err, errBrokeOff) {
			yield(MenuItem{}, err)
		}
	}
}

// maxMenuKey bounds the name of a menu's key, in bytes, so that components have room for values.
const maxMenuKey = 120

var longKey = fmt.Sprintf("the name of the key has more than %d bytes, which leaves no room for values", maxMenuKey)

func fitsLinks(k Key) bool { return len(keyText(k)) <= maxMenuKey }

// MenuKeys returns the keys that have a menu without asking much: those that are indexed; of a bucket that is
// scanned, what a listing carries and does not differ from object to object, and with
// ScanMetadata what else is known.
func MenuKeys(s Schema) []Key {
	var keys []Key
	for _, k := range knownKeys(s) {
		if (s.Engine == EngineSearch && k.Indexed || s.Engine == EngineScan && s.scanMenu(k)) && fitsLinks(k) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (s Schema) scanMenu(k Key) bool {
	switch k.Name {
	case keySize, keyLastModified, keyStorageClass:
		return true
	case keyContentType:
		return s.ScanMetadata
	}
	return k.User() && s.ScanMetadata
}

// CheckMenus says why results in this order have no menus: KindUnsupported when the bucket's engine cannot tell values, or
// not the order, as what a link leads to is in the same.
func CheckMenus(s Schema, order Order) error {
	if err := s.CheckEngine("menu"); err != nil {
		return err
	}
	keys := MenuKeys(s)
	if order.IsZero() || len(keys) == 0 {
		return nil
	}
	_, err := NewPlan(s, Listing{Bucket: s.Bucket, Where: Cond{Key: keys[0], Op: OpExists}, Order: order})
	return err
}

// MenuKey returns the key that name, as typed behind "@by/", means. KindNotExist when there is none, with
// the nearest in the reason; KindUnsupported when the bucket's engine cannot tell its values.
func MenuKey(s Schema, name string) (Key, error) {
	k, known := s.Resolve(name)
	refuse := func(kind Kind, reason, hint string) (Key, error) {
		return Key{}, &Error{Op: "menu", Bucket: s.Bucket, Key: "@by/" + name, Kind: kind, Reason: reason, Hint: hint}
	}
	switch {
	case !known:
		return refuse(KindNotExist, unknownKey(s, name).Msg, "")
	case !fitsLinks(k):
		return refuse(KindUnsupported, longKey, "")
	case s.Engine == EngineScan && !s.scanned(k):
		return refuse(KindUnsupported, s.untold(k), s.scanHint(k))
	case s.Engine == EngineScan:
	case !s.Enabled:
		return Key{}, s.CheckEngine("menu")
	case !k.Indexed:
		return refuse(KindUnsupported, k.Short()+" is not indexed, so the store cannot tell its values", s.scanAdvice(k))
	}
	return k, nil
}
