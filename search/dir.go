package search

import (
	"strings"
	"time"
)

// Dir is what a path below the mountpoint means: a prefix, a predicate and
// modifiers. The zero Dir is the root, which lists buckets.
type Dir struct {
	Bucket string
	Prefix string // "" or ends in "/"
	Where  Expr   // nil: every object; else in normal form, not bound

	Versions bool
	Order    Order // zero: none; LooseTies is false
	Limit    int   // 0: all

	// Tree shows results in their folders; else each stands directly in the directory.
	Tree bool
	// Below, of a tree of results, is the folder in it that is shown, relative to Prefix: "" or
	// ends in "/". The results are those of the whole tree.
	Below string
}

// IsPlain reports whether d is a folder as it is, without predicate or modifier: one level of a listing.
func (d Dir) IsPlain() bool {
	return d.Where == nil && !d.Versions && d.Order.IsZero() && d.Limit == 0
}

// IsFlat reports whether the results stand directly in d, by their whole key relative to Prefix.
func (d Dir) IsFlat() bool { return !d.IsPlain() && !d.Tree }

// Narrow returns d with one more predicate.
func (d Dir) Narrow(where Expr) Dir {
	d = d.rooted()
	d.Where = Normalize(Conjunction{d.Where, where})
	return d
}

// Folder returns the folder of this name in d; ok is false in a flat directory, which has none. name
// is a segment of a key without "/"; it may be empty.
func (d Dir) Folder(name string) (_ Dir, ok bool) {
	switch {
	case d.IsPlain():
		d.Prefix += name + "/"
	case d.Tree:
		d.Below += name + "/"
	default:
		return Dir{}, false
	}
	return d, true
}

// Modify returns d as it is below the directive: a view or a modifier joins it, and of two of
// one kind the last wins. ok is false for a directive that is no directory of results.
func (d Dir) Modify(by Directive) (_ Dir, ok bool) {
	switch by.Word {
	case "tree":
		d.Tree = true
		return d, true
	case "sort":
		d.Order = by.Order
	case "limit":
		d.Limit = by.Limit
	case "versions":
		d.Versions = true
	default:
		return Dir{}, false
	}
	return d.rooted(), true
}

// Enter returns the directory that c, a component in d, means by itself: of a literal the
// folder. ok is false when it is none: a literal in a flat directory, or a file or menu.
func (d Dir) Enter(c Component) (_ Dir, ok bool) {
	switch c.Kind {
	case ComponentPredicate:
		return d.Narrow(c.Where), true
	case ComponentDirective:
		return d.Modify(c.Directive)
	}
	return d.Folder(strings.TrimSuffix(c.Literal, "/")) // "%2F" is the folder of no name
}

// rooted makes a folder in a tree of results the prefix: what is asked there is asked of what is below it.
func (d Dir) rooted() Dir {
	d.Prefix += d.Below
	d.Below = ""
	return d
}

// Listing returns the listing that d stands for at now. Ages are taken from now floored to
// lifetime (to the second when lifetime is below one), so that equal paths opened within it share one.
func (d Dir) Listing(now time.Time, lifetime time.Duration) Listing {
	return Listing{Bucket: d.Bucket, Prefix: d.Prefix, Where: Bind(d.Where, floorTime(now, lifetime)),
		Versions: d.Versions, Order: d.Order, Limit: d.Limit}
}

// Results is Listing for the results below d, of a plain folder too: there every object, in
// whatever folder. Versions, order and limit are those of d.
func (d Dir) Results(now time.Time, lifetime time.Duration) Listing {
	l := d.Listing(now, lifetime)
	l.Recursive = l.IsLevel()
	return l
}

// Values returns the listing of the values that the results below d have for k. What they are does
// not depend on order and limit.
func (d Dir) Values(k Key, now time.Time, lifetime time.Duration) Listing {
	l := d.rooted().Listing(now, lifetime)
	return Listing{Bucket: l.Bucket, Prefix: l.Prefix, Where: l.Where, Versions: l.Versions, Menu: k}
}

// floorTime floors now to whole lifetimes since 1970, in whole seconds.
func floorTime(now time.Time, lifetime time.Duration) time.Time {
	step := max(int64(lifetime/time.Second), 1)
	sec := now.Unix()
	return time.Unix(sec-((sec%step)+step)%step, 0).UTC()
}
