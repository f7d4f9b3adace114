package search_test

import (
	"fmt"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// invoices is the schema of a bucket that indexes two system keys and two of its own.
var invoices = search.Schema{Bucket: "invoices", Enabled: true, Indexed: []search.Key{
	{Name: "LastModified", Type: search.Datetime, Indexed: true},
	{Name: "Size", Type: search.Integer, Indexed: true},
	{Name: "x-amz-meta-amount", Type: search.Decimal, Indexed: true},
	{Name: "x-amz-meta-customer", Type: search.String, Indexed: true},
}}

// A predicate built in Go needs no quoting, whatever the value holds.
func ExampleAnd() {
	p := search.And(search.Gt("amount", 1000), search.Eq("customer", "O'Hara & Sons"))
	where, err := p(invoices)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := search.NewPlan(invoices, search.Listing{Bucket: "invoices", Where: search.Bind(where, time.Now())})
	fmt.Println(where)
	fmt.Println(plan.Wire, err)
	// Output:
	// amount,gt,1000/customer,eq,O'Hara & Sons
	// x-amz-meta-amount>1000 and x-amz-meta-customer=="O'Hara & Sons" <nil>
}

// Text reads what a path component may say. The error of a slip says what was meant.
func ExampleText() {
	where, err := search.Text("amount > 1000 and customer == 'Acme'")(invoices)
	fmt.Println(where, err)
	_, err = search.Text("amuont > 1000")(invoices)
	fmt.Println(err)
	// Output:
	// amount,gt,1000/customer,eq,Acme <nil>
	// parse invoices: 'amuont' is no key that is indexed in bucket invoices; did you mean amount?
}
