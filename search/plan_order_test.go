package search

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listingOf walks path, modifiers included, and returns its listing.
func listingOf(t *testing.T, s Schema, path string) Listing {
	t.Helper()
	return walkAll(t, s, path).Results(testNow, time.Minute)
}

// walkAll enters every component of path.
func walkAll(t *testing.T, s Schema, path string) Dir {
	t.Helper()
	d := Dir{Bucket: s.Bucket}
	for name := range strings.SplitSeq(path, "/") {
		c, err := ParseComponent(name, s)
		if err != nil {
			t.Fatalf("ParseComponent(%q): %v", name, err)
		}
		var ok bool
		if d, ok = d.Enter(c); !ok {
			t.Fatalf("%q cannot be entered", name)
		}
	}
	return d
}

// scanSchema is a bucket without metadata search.
var scanSchema = Schema{Bucket: "b", Engine: EngineScan}

// TestPlanOrder holds who sorts, what is asked for, and what it costs.
func TestPlanOrder(t *testing.T) {
	named := testSchema
	named.Indexed = append(slices.Clone(testSchema.Indexed), Key{"ObjectName", String, true})
	heads := scanSchema
	heads.ScanMetadata = true
	userOnly := Schema{Bucket: "b", Enabled: true, Indexed: []Key{{"x-amz-meta-color", String, true}}}
	indexed := testSchema
	indexed.Engine = EngineScan
	type plan struct {
		Engine               Engine
		Wire, Prefix, SortBy string
		MaxKeys              int
		Heads                bool
		Cost                 Cost
	}
	for _, tc := range []struct {
		s    Schema
		path string
		want plan
	}{
		{testSchema, "size,gt,1/@sort,size", plan{Wire: "Size>1", SortBy: "Size", Cost: CostSearch}},
		{testSchema, "size,gt,1/@sort,size/@limit,10", plan{Wire: "Size>1", SortBy: "Size", MaxKeys: 11, Cost: CostSearch}},
		{testSchema, "size,gt,1/@limit,10", plan{Wire: "Size>1", MaxKeys: 10, Cost: CostSearch}},
		{testSchema, "size,gt,1/color,suffix,x/@limit,10", plan{Wire: "Size>1 and x-amz-meta-color>=''", MaxKeys: 10, Cost: CostSearchChecked}},
		{testSchema, "size,gt,1/@sort,-size/@limit,10", plan{Wire: "Size>1", Cost: CostSearchSorted}},
		{testSchema, "size,gt,1/@sort,color/@limit,10", plan{Wire: "Size>1", Cost: CostSearchSorted}},
		{testSchema, "(size>1 or color==red)/@sort,size", plan{Wire: "(Size>1 or x-amz-meta-color=='red')", Cost: CostSearchSorted}},
		{testSchema, "logs/size,gt,1/@sort,size/@limit,3", plan{Wire: "Size>1", Prefix: "logs/", Cost: CostSearchSorted}},
		{named, "logs/size,gt,1/@sort,size/@limit,3", plan{Wire: "Size>1 and ObjectName>='logs/' and ObjectName<'logs0'", SortBy: "Size", MaxKeys: 4, Cost: CostSearch}},
		{named, "logs/size,gt,1/@sort,-size/@limit,3", plan{Wire: "Size>1", Prefix: "logs/", Cost: CostSearchSorted}},
		{testSchema, "@sort,-mtime/@limit,5", plan{Engine: EngineScan, Cost: CostScanSorted}},
		{testSchema, "logs/@limit,5", plan{Engine: EngineScan, Prefix: "logs/", MaxKeys: 5, Cost: CostList}},
		{testSchema, "@versions", plan{Engine: EngineScan, Cost: CostList}},
		{testSchema, "@sort,created/@limit,5", plan{Wire: "CreateTime>=1970-01-01T00:00:00Z", SortBy: "CreateTime", MaxKeys: 6, Cost: CostSearch}},
		{testSchema, "@sort,color", plan{Wire: "Size>=0", Cost: CostSearchSorted}},
		{scanSchema, "logs/size,gt,1/@sort,size/@limit,3", plan{Engine: EngineScan, Prefix: "logs/", Cost: CostScanSorted}},
		{scanSchema, "size,gt,1/@limit,3", plan{Engine: EngineScan, Cost: CostScan}},
		{scanSchema, "logs/name,prefix,logs%2F2024/name,suffix,x", plan{Engine: EngineScan, Prefix: "logs/2024", Cost: CostScan}},
		{scanSchema, "name,in,logs%2Fa..logs%2Fb,logs%2Fx", plan{Engine: EngineScan, Prefix: "logs/", Cost: CostScan}},
		{scanSchema, "name,in,logs%2Fé..logs%2Fê", plan{Engine: EngineScan, Prefix: "logs/", Cost: CostScan}},
		{scanSchema, "name,glob,a%2F*.txt/storageclass,eq,STANDARD", plan{Engine: EngineScan, Prefix: "a/", Cost: CostScan}},
		{scanSchema, "logs/name,prefix,a", plan{Cost: CostNone}},
		{scanSchema, "name,eq,a/name,eq,b", plan{Cost: CostNone}},
		{heads, "size,gt,1/meta.color,eq,red", plan{Engine: EngineScan, Heads: true, Cost: CostScanHeads}},
		{heads, "@sort,meta.color", plan{Engine: EngineScan, Heads: true, Cost: CostScanHeads}},
	} {
		p, err := NewPlan(tc.s, listingOf(t, tc.s, tc.path))
		if err != nil {
			t.Errorf("%s: %v", tc.path, err)
			continue
		}
		if p.None != (tc.want.Cost == CostNone) {
			t.Errorf("%s: nothing can be found: %t", tc.path, p.None)
		}
		if diff := cmp.Diff(tc.want, plan{p.Engine, p.Wire, p.Prefix, p.SortBy, p.MaxKeys, p.Heads, p.Cost}); diff != "" {
			t.Errorf("%s: %s", tc.path, diff)
		}
	}
	for _, tc := range []struct {
		s                  Schema
		path, reason, hint string
	}{
		{scanSchema, "meta.color,eq,red", "a listing does not carry meta.color", "--scan-metadata asks for it"},
		{scanSchema, "owner,eq,bob", "only a metadata search tells owner, and this bucket has none", "@searchkeys"},
		{scanSchema, "@sort,contenttype", "a listing does not carry contenttype", "--scan-metadata"},
		{userOnly, "@sort,color", "a listing does not carry color", "--engine scan --scan-metadata"},
		{userOnly, "@sort,owner", "no key that every object has is indexed", ""},
		{indexed, "owner,eq,bob", "only a metadata search tells owner, and --engine scan does without", "--engine ecs"},
		{Schema{Bucket: "b"}, "size,gt,1", "bucket has no metadata search", "--engine scan"},
	} {
		_, err := NewPlan(tc.s, listingOf(t, tc.s, tc.path))
		if KindOf(err) != KindUnsupported || !strings.Contains(err.Error(), tc.reason) || !strings.Contains(err.Error(), tc.hint) {
			t.Errorf("%s: %v", tc.path, err)
		}
	}
}

// TestNotPlanned: what is no query is none.
func TestNotPlanned(t *testing.T) {
	size := Key{Name: keySize, Type: Integer, Indexed: true}
	for _, l := range []Listing{{Bucket: "b"}, {Bucket: "b", Prefix: "p/"}, {Bucket: "b", Menu: size}, {Bucket: "b", Where: walk(t, testSchema, "mtime,newer,7d").Where}} {
		for _, s := range []Schema{testSchema, scanSchema} {
			if p, err := NewPlan(s, l); KindOf(err) != KindInvalid || err == nil {
				t.Errorf("%q is planned as %+v, %v", l.ID(), p, err)
			}
		}
	}
	p, err := NewPlan(testSchema, Listing{Bucket: "b", Where: Disjunction{}})
	if err != nil || !p.None || p.Cost != CostNone {
		t.Errorf("a query that nothing satisfies: %+v, %v", p, err)
	}
}

// TestUnprefixed: a server without prefix gets a range of names where those are indexed.
func TestUnprefixed(t *testing.T) {
	named := testSchema
	named.Indexed = append(slices.Clone(testSchema.Indexed), Key{"ObjectName", String, true})
	for _, tc := range []struct {
		s          Schema
		path, wire string
		cost       Cost
	}{
		{named, "logs/size,gt,1", "Size>1 and ObjectName>='logs/' and ObjectName<'logs0'", CostSearch},
		{testSchema, "logs/size,gt,1", "Size>1", CostSearchChecked},
		{named, "size,gt,1", "Size>1", CostSearch},
		{named, "logs/color,in,a,b", "(x-amz-meta-color=='b' or x-amz-meta-color=='a') and ObjectName>='logs/' and ObjectName<'logs0'", CostSearch},
	} {
		p, err := NewPlan(tc.s, listingOf(t, tc.s, tc.path))
		if err != nil {
			t.Fatal(err)
		}
		p = p.Unprefixed()
		if !sameClauses(p.Wire, tc.wire) || p.Prefix != "" || p.Cost != tc.cost {
			t.Errorf("%s: %q, prefix %q, %s", tc.path, p.Wire, p.Prefix, p.Cost)
		}
	}
	// Without a prefix the order is defined.
	p, err := NewPlan(testSchema, listingOf(t, testSchema, "logs/size,gt,1/@sort,size/@limit,3"))
	if err != nil || p.SortBy != "" {
		t.Fatalf("sorted by %q, %v", p.SortBy, err)
	}
	if p = p.Unprefixed(); p.SortBy != "Size" || p.MaxKeys != 4 || p.Cost != CostSearchChecked {
		t.Errorf("sorted by %q, %d rows, %s", p.SortBy, p.MaxKeys, p.Cost)
	}
	// 63 comparisons and the two of the range are too many.
	p, err = NewPlan(named, listingOf(t, named, "logs/count,in,"+numbers(63)))
	if err != nil || p.tree.clauses() != 63 {
		t.Fatalf("%s, %v", p.Wire, err)
	}
	if q := p.Unprefixed(); q.tree.clauses() != 63 || q.Prefix != "" {
		t.Errorf("%d comparisons are sent, and prefix %q", q.tree.clauses(), q.Prefix)
	}
}
