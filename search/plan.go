package search

// Plan is how a query is answered: what is sent, and what is checked here.
type Plan struct {
	Listing Listing
	// Wire is the expression of the query parameter, always parenthesised where
	// "and" meets "or".
	Wire string
	// Prefix is sent as the prefix parameter; empty: none.
	Prefix string
	// Attributes are the names to ask for beside the indexed keys, so that rows
	// carry size, time, etag, content type and every key that Check needs.
	Attributes []string
	// Check is evaluated on every returned row; nil when Wire is exact.
	Check Expr
	// Notes say in words what is checked here and why, and whom the predicate
	// leaves out.
	Notes []string
}

// NewPlan plans l, whose Where must be bound, for a bucket with schema s. It is pure.
// KindUnsupported when nothing that the index can compare bounds the search.
func NewPlan(s Schema, l Listing) (Plan, error) { panic("not written yet") }

// Keep reports whether a returned row belongs to the listing: it lies below
// the prefix and satisfies Check.
func (p *Plan) Keep(o *Object) bool { panic("not written yet") }
