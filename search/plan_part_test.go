package search

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestParts: an object is in exactly one of the parts that a plan is cut into, if it is a result, and else in none.
func TestParts(t *testing.T) {
	schema := Schema{Bucket: "b", Enabled: true, Indexed: []Key{{Name: "Size", Type: Integer, Indexed: true}, {Name: "x-amz-meta-n", Type: Integer, Indexed: true},
		{Name: "x-amz-meta-when", Type: Datetime, Indexed: true}}}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"n,ge,0", "n,exists", "n,lt,50", "when,gt,1990", "size,ge,3"}).Draw(t, "where")
		c, err := ParseComponent(text, schema)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := NewPlan(schema, Listing{Bucket: "b", Where: c.Where})
		if err != nil {
			t.Fatal(err)
		}
		k, ok := whole.SplitKey()
		if !ok {
			t.Fatalf("%s has no key to split by", text)
		}
		value := rapid.OneOf(rapid.Int64Range(-5, 100), rapid.Int64())
		at := min(value.Draw(t, "at"), math.MaxInt64-1)
		o := Object{Key: "k", Size: max(0, value.Draw(t, "size")), Metadata: MetadataOfPairs([]string{"x-amz-meta-n", rapid.SampledFrom([]string{"0", "-7", "49", "junk",
			"9223372036854775807"}).Draw(t, "n"), "x-amz-meta-when", rapid.SampledFrom([]string{"2026-05-01T00:00:00Z", "1980-01-01T00:00:00Z", "junk"}).Draw(t, "when")})}
		if k.Type == Datetime {
			at = rapid.SampledFrom([]int64{0, 315532800000, 1777593600000, 1777593601000}).Draw(t, "time")
		}
		in := 0
		for _, ends := range [][2]int64{{math.MinInt64, at}, {at, math.MaxInt64}} {
			if k.Type == Datetime && ends[0] == math.MinInt64 {
				ends[0] = -62135596799000
			}
			part, err := whole.Part(schema, k, ends[0], ends[1])
			if err != nil {
				t.Fatal(err)
			}
			if !part.None && Evaluate(part.Listing.Where, &o) == True {
				in++
				if v, ok := o.Position(k); !ok || v < ends[0] || v >= ends[1] && ends[1] < math.MaxInt64 {
					t.Errorf("%d, %t is in the part from %d to %d", v, ok, ends[0], ends[1])
				}
			}
		}
		if want := Evaluate(whole.Listing.Where, &o) == True; (in == 1) != want || in > 1 {
			t.Errorf("%s: in %d parts, a result: %t", text, in, want)
		}
	})
	for _, l := range []Listing{
		{Limit: 1}, {Prefix: "p/"}, {Versions: true}, {Order: Order{Key: schema.Indexed[0]}},
	} {
		l.Bucket, l.Where = "b", Cond{schema.Indexed[0], OpGe, Value{typ: Integer, n: 1}}
		if p, err := NewPlan(schema, l); err != nil {
			t.Error(err)
		} else if k, ok := p.SplitKey(); ok {
			t.Errorf("%+v is split by %s", l, k.Name)
		}
	}
}
