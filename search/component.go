package search

import "time"

// ComponentKind says how one component of a path is read.
type ComponentKind uint8

// The kinds of component, in the order they are tried.
const (
	ComponentLiteral   ComponentKind = iota // a folder, an object, or nothing known
	ComponentDirective                      // @word[,arg...]
	ComponentPredicate                      // comma or infix form
)

// Component is one parsed component of a path.
type Component struct {
	Kind ComponentKind
	Raw  string // as typed

	Literal   string    // ComponentLiteral: %XX decoded
	Directive Directive // ComponentDirective
	Where     Expr      // ComponentPredicate: in normal form, not bound

	// Doubt, of a literal, says why a name that looks like a query was not read
	// as one, with the nearest known key; empty when it does not look like one.
	Doubt string
}

// Directive is "@word,arg,...": Word without the "@", arguments decoded.
// Rest is everything after the first comma, undecoded ("@explain,REST", "@meta,NAME").
type Directive struct {
	Word string
	Args []string
	Rest string
}

// Dir is what a path below the mountpoint means: the objects of Bucket below
// Prefix that satisfy Where. The zero Dir is the root, which lists buckets.
type Dir struct {
	Bucket string
	Prefix string // "" or ends in "/"
	Where  Expr   // nil: a plain folder; else in normal form, not bound
}

// ParseComponent reads one path component against the bucket's schema. It is
// pure. An error is KindInvalid and wraps a *SyntaxError; a name that is no
// query is a literal, never an error.
func ParseComponent(name string, s Schema) (Component, error) { panic("not written yet") }

// SyntaxError says where a component went wrong.
type SyntaxError struct {
	Input   string
	Pos     int    // byte offset in Input
	Token   string // what stands there; empty at the end
	Msg     string // what is wrong, in words
	Nearest string // the nearest valid thing; empty when there is none
}

func (e *SyntaxError) Error() string { return e.Msg }

// Narrow returns d with one more predicate.
func (d Dir) Narrow(where Expr) Dir { panic("not written yet") }

// Listing returns the listing that d stands for at now. Ages are taken from now floored to
// lifetime (to the second when lifetime is below one), so that equal paths opened within it share one.
func (d Dir) Listing(now time.Time, lifetime time.Duration) Listing { panic("not written yet") }
