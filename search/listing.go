package search

import "strconv"

// Listing names one listing of one bucket. Two Listings with equal ID are the
// same listing.
//
// With no other field than Bucket and Prefix set it is one level: the folders and
// objects of a folder (IsLevel). Else it is the results of a query: see Querier.
type Listing struct {
	Bucket string
	Prefix string // keys that start with it
	// Where must be bound (see Bind) and in normal form (see Normalize); nil: every object.
	Where Expr
	// Recursive, with Where nil, lists every object below Prefix instead of one level. Any of
	// the fields below says so too.
	Recursive bool
	Versions  bool  // every version of each object, matched by its own metadata
	Order     Order // zero: none
	Limit     int   // the first so many, in Order; 0: all
	// Menu, when set, lists the values that the results have for this key instead of
	// the results: see Values. Order and Limit are then zero.
	Menu Key
}

// Order is the order of results: by the value of Key, then by object key in bytes, then
// the newer version first (by ModTime; those of one time as the store gives them). Objects that have no value of Key, or none of its datatype,
// come last, also when Descending. Strings are in the order of the store, by UTF-16 code units. The zero Order is none.
type Order struct {
	Key        Key
	Descending bool // of the values; ties ascend all the same
	// LooseTies leaves results of equal value in any order, which spares reading all of them where
	// only the first is wanted.
	LooseTies bool
}

// IsZero reports whether o is no order.
func (o Order) IsZero() bool { return o.Key.Name == "" }

// String returns o as it is typed behind "@sort,": "size" or "-size".
func (o Order) String() string {
	if o.Descending {
		return "-" + keyText(o.Key)
	}
	return keyText(o.Key)
}

// IsLevel reports whether l is one level of folders and objects, which Lister lists.
func (l Listing) IsLevel() bool {
	return l.Where == nil && !l.Recursive && !l.Versions && l.Order.IsZero() && l.Limit == 0 && l.Menu.Name == ""
}

// ID returns a text that is equal for equal listings only.
func (l Listing) ID() string {
	if l.IsLevel() {
		return "list\x00" + l.Bucket + "\x00" + l.Prefix
	}
	id := "query\x00" + l.Bucket + "\x00" + l.Prefix + "\x00"
	if l.Where != nil {
		id += l.Where.String()
	}
	if l.Versions {
		id += "\x00versions"
	}
	if !l.Order.IsZero() {
		id += "\x00order " + l.Order.String()
		if l.Order.LooseTies {
			id += " loose"
		}
	}
	if l.Limit > 0 {
		id += "\x00limit " + strconv.Itoa(l.Limit)
	}
	if l.Menu.Name != "" {
		id += "\x00menu " + keyText(l.Menu)
	}
	return id
}
