package search

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// menuStore is a Searcher over objects in memory. It carries out Where, Order and Limit, and counts.
type menuStore struct {
	schema   Schema
	objects  []Object
	queries  int
	disorder bool  // ignores Order
	repeats  bool  // gives the first row again, whether it matches or not
	failAt   int   // the query that fails; 0: none
	fails    error // what that gives
}

func (s *menuStore) Schema(context.Context, string) (Schema, error) { return s.schema, nil }

func (s *menuStore) Query(ctx context.Context, l Listing) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		s.queries++
		if s.queries == s.failAt {
			yield(Object{}, s.fails)
			return
		}
		if err := ctx.Err(); err != nil {
			yield(Object{}, err)
			return
		}
		var rows []Object
		for _, o := range s.objects {
			if s.repeats && l.Limit > 0 || strings.HasPrefix(o.Key, l.Prefix) && Evaluate(l.Where, &o) == True {
				rows = append(rows, o)
			}
		}
		if !l.Order.IsZero() && !s.disorder {
			slices.SortStableFunc(rows, func(a, b Object) int {
				return compareValues(a.operand(l.Order.Key).value, b.operand(l.Order.Key).value)
			})
		}
		for i, o := range rows {
			if l.Limit > 0 && i == l.Limit || !yield(o, nil) {
				return
			}
		}
	}
}

func menuSchema(user ...Key) Schema {
	s := Schema{Bucket: "b", Enabled: true, Indexed: []Key{{Name: keySize, Type: Integer, Indexed: true}, {Name: keyLastModified, Type: Datetime, Indexed: true}}}
	s.Indexed = append(s.Indexed, user...)
	return s
}

func userKey(name string, t Datatype) Key {
	return Key{Name: MetaPrefix + name, Type: t, Indexed: true}
}

// storeOf returns a store whose objects have the values for k; "-" stands for none.
func storeOf(k Key, values ...string) *menuStore {
	s := &menuStore{schema: menuSchema()}
	if k.User() {
		s.schema.Indexed = append(s.schema.Indexed, k)
	}
	for i, v := range values {
		o := Object{Key: fmt.Sprintf("o%06d", i)}
		switch {
		case k.Name == keySize:
			n, _ := storedInteger(v)
			o.Size = n
		case k.Name == keyLastModified:
			ms, _ := storedSystemTime(v)
			o.ModTime = timeOf(ms)
		case v != "-":
			o.Metadata = NewMetadata(map[string]string{k.Name: v})
		}
		s.objects = append(s.objects, o)
	}
	return s
}

func menuOf(t testing.TB, s Searcher, k Key, where Expr) []MenuItem {
	t.Helper()
	var items []MenuItem
	for i, err := range Values(t.Context(), s, Listing{Bucket: "b", Where: where, Menu: k}) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, i)
	}
	return items
}

func menuLines(items []MenuItem) []string {
	var lines []string
	for _, i := range items {
		lines = append(lines, fmt.Sprintf("%s -> %s", i.Entry().Key[1:], strings.Join(i.Components, "/")))
	}
	return lines
}

// TestMenus holds what each kind of key's menu looks like and how many searches it costs.
func TestMenus(t *testing.T) {
	color, n, score, taken := userKey("color", String), userKey("n", Integer), userKey("score", Decimal), userKey("taken", Datetime)
	size := Key{Name: keySize, Type: Integer, Indexed: true}
	for _, c := range []struct {
		name     string
		key      Key
		values   []string
		want     []string
		searches int
	}{
		{"none", color, []string{"-"}, nil, 1},
		{"strings", color, []string{"red", "blue", "red", "", "-", "a,b/c"}, []string{
			" -> color,eq,", "a,b/c -> color,eq,a%2Cb%2Fc", "blue -> color,eq,blue", "red -> color,eq,red"}, 5},
		{"sizes in decades", size, []string{"0", "1", "9", "100", "1023", "1024", "1048576", "10485759"}, []string{
			"0..1 -> size,ge,0/size,lt,1", "1..10 -> size,ge,1/size,lt,10", "100..1k -> size,ge,100/size,lt,1k",
			"1k..10k -> size,ge,1k/size,lt,10k", "1M..10M -> size,ge,1M/size,lt,10M"}, 6},
		{"sizes in one decade", size, []string{"1048576", "2097152", "2097153"}, []string{
			"1M..2M -> size,ge,1M/size,lt,2M", "2M..3M -> size,ge,2M/size,lt,3M"}, 4},
		{"sizes that begin alike", size, []string{"1048576", "1200000", "1200001"}, []string{
			"1M..1.1M -> size,ge,1M/size,lt,1.1M", "1.1M..1.2M -> size,ge,1.1M/size,lt,1.2M"}, 5},
		{"the largest sizes", size, []string{"1125899906842624", "9223372036854775807"}, []string{
			"1P..10P -> size,ge,1P/size,lt,10P", "1000P.. -> size,ge,1000P"}, 2},
		{"one size", size, []string{"200", "200"}, []string{"200..201 -> size,ge,200/size,lt,201"}, 3},
		{"integers", n, []string{"-100", "-11", "-10", "-1", "0", "5", "10", "99", "100"}, []string{
			"-100..-10 -> n,ge,-100/n,lt,-10", "-10..-1 -> n,ge,-10/n,lt,-1", "-1..0 -> n,ge,-1/n,lt,0", "0..1 -> n,ge,0/n,lt,1",
			"1..10 -> n,ge,1/n,lt,10", "10..100 -> n,ge,10/n,lt,100", "100..1000 -> n,ge,100/n,lt,1000"}, 8},
		{"negative integers in one decade", n, []string{"-20", "-19", "-11"}, []string{
			"-20..-19 -> n,ge,-20/n,lt,-19", "-19..-18 -> n,ge,-19/n,lt,-18", "-11..-10 -> n,ge,-11/n,lt,-10"}, 6},
		{"the least and largest integers", n, []string{"-9223372036854775808", "9223372036854775807"}, []string{
			"..-1000000000000000000 -> n,lt,-1000000000000000000", "1000000000000000000.. -> n,ge,1000000000000000000"}, 2},
		{"integers next to one another", n, []string{"9223372036854775806", "9223372036854775807"}, []string{
			"9223372036854775806..9223372036854775807 -> n,ge,9223372036854775806/n,lt,9223372036854775807",
			"9223372036854775807.. -> n,ge,9223372036854775807"}, 2},
		{"decimals", score, []string{"-0.5", "0.0", "0.25", "00.5", "1", "+2.50"}, []string{
			"-1..-0.1 -> score,ge,-1/score,lt,-0.1", "0 -> score,eq,0", "0.1..1 -> score,ge,0.1/score,lt,1", "1..10 -> score,ge,1/score,lt,10"}, 6},
		{"one decimal", score, []string{"2.50", "2.5"}, []string{"2.5 -> score,eq,2.5"}, 4},
		{"decimals that begin alike", score, []string{"2.51", "2.52"}, []string{
			"2.51..2.52 -> score,ge,2.51/score,lt,2.52", "2.52..2.53 -> score,ge,2.52/score,lt,2.53"}, 7},
		{"tiny decimals", score, []string{"0." + strings.Repeat("0", 40) + "1", "7"}, []string{
			"0..0.000000000000000000000000000001 -> score,gt,0/score,lt,0.000000000000000000000000000001", "1..10 -> score,ge,1/score,lt,10"}, 4},
		{"years", taken, []string{"2023-05-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59Z"}, []string{
			"2023 -> taken,eq,2023", "2024 -> taken,eq,2024"}, 3},
		{"months", taken, []string{"2024-01-01T00:00:00Z", "2024-12-31T23:59:59Z"}, []string{
			"2024-01 -> taken,eq,2024-01", "2024-12 -> taken,eq,2024-12"}, 4},
		{"days", taken, []string{"2024-05-01T00:00:00Z", "2024-05-31T23:59:59Z"}, []string{
			"2024-05-01 -> taken,eq,2024-05-01", "2024-05-31 -> taken,eq,2024-05-31"}, 5},
		{"hours", taken, []string{"2024-05-01T00:00:00Z", "2024-05-01T23:59:59Z"}, []string{
			"2024-05-01T00 -> taken,eq,2024-05-01T00", "2024-05-01T23 -> taken,eq,2024-05-01T23"}, 6},
		{"one hour", taken, []string{"2024-05-01T00:00:00Z", "2024-05-01T00:59:59Z"}, []string{"2024-05-01T00 -> taken,eq,2024-05-01T00"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := storeOf(c.key, c.values...)
			got := menuLines(menuOf(t, s, c.key, nil))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if s.queries != c.searches {
				t.Errorf("%d searches, want %d", s.queries, c.searches)
			}
			s.schema.Engine = EngineScan
			s.queries = 0
			if diff := cmp.Diff(got, menuLines(menuOf(t, s, c.key, nil))); diff != "" {
				t.Errorf("one pass differs (+):\n%s", diff)
			}
			if s.queries != 1 {
				t.Errorf("one pass took %d searches", s.queries)
			}
		})
	}
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
