package search

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// pagesOf yields pages and then err, if there is one, and counts the pages.
func pagesOf(pages [][]Object, err error, asked *int) iter.Seq2[[]Object, error] {
	return func(yield func([]Object, error) bool) {
		for _, page := range pages {
			*asked++
			if !yield(page, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// keysOfRows collects the keys (and versions) of rows.
func keysOfRows(rows iter.Seq2[Object, error]) ([]string, error) {
	var keys []string
	for o, err := range rows {
		if err != nil {
			return keys, err
		}
		keys = append(keys, o.Key+o.VersionID)
	}
	return keys, nil
}

// numbered makes objects of "key=size" and cuts them to pages at "|".
func numbered(text string) (pages [][]Object) {
	for page := range strings.SplitSeq(text, "|") {
		var rows []Object
		for row := range strings.FieldsSeq(page) {
			key, n, _ := strings.Cut(row, "=")
			size, _ := strconv.ParseInt(n, 10, 64)
			rows = append(rows, Object{Key: key, Size: size})
		}
		pages = append(pages, rows)
	}
	return pages
}

// TestArrange holds what is yielded, and how many pages are read for it.
func TestArrange(t *testing.T) {
	bySize := Order{Key: Key{Name: keySize, Type: Integer, Indexed: true}}
	loose, down := bySize, bySize
	loose.LooseTies, down.Descending = true, true
	broken := errors.New("broken")
	for _, tc := range []struct {
		name   string
		order  Order
		sorts  bool // the store
		limit  int
		pages  string
		err    error
		want   string
		asked  int
		reason string
	}{
		{"no order", Order{}, false, 0, "b=2 a=1|c=3", nil, "b a c", 2, ""},
		{"no order, limit", Order{}, false, 2, "b=2 a=1|c=3", nil, "b a", 1, ""},
		{"no order, broken", Order{}, false, 0, "b=2|a=1", broken, "b a", 2, "broken"},
		{"sorted here", bySize, false, 0, "b=2 a=2|c=1", nil, "c a b", 2, ""},
		{"sorted here, descending", down, false, 2, "b=2 a=2|c=1 d=3", nil, "d a", 2, ""},
		{"sorted here, broken", bySize, false, 0, "b=2|a=1", broken, "", 2, "broken"},
		{"sorted there", bySize, true, 0, "b=1 a=1 d=2|c=2 e=3|", nil, "a b c d e", 3, ""},
		{"sorted there, the limit ends in a page", bySize, true, 1, "b=1 a=1 d=2|c=2", nil, "a", 1, ""},
		{"sorted there, the limit ends in a run", bySize, true, 3, "b=1 a=1 d=2|c=2 e=3|f=4", nil, "a b c", 2, ""},
		{"sorted there, a run of many pages", bySize, true, 2, "d=1|c=1|b=1|a=1|e=2|f=3", nil, "a b", 5, ""},
		{"loose ties, sorted here", loose, false, 3, "b=1|a=1 c=0", nil, "c b a", 2, ""},
		{"loose ties", loose, true, 2, "b=1|a=1|c=2", nil, "b a", 2, ""},
		{"loose ties, no limit", loose, true, 0, "b=1|a=1 c=2", nil, "b a c", 2, ""},
		{"the store does not sort", bySize, true, 2, "b=2 a=1|c=0 d=9", nil, "c a", 2, ""},
		{"an empty first page", bySize, true, 0, "|b=2 a=3|c=3", nil, "b a c", 3, ""},
		{"out of order later", bySize, true, 0, "b=2 a=3|c=3 d=1", nil, "b", 2, "out of the order"},
		{"sorted there, broken", bySize, true, 0, "b=1 a=2|", broken, "b", 2, "broken"},
		{"nothing", bySize, true, 3, "", nil, "", 1, ""},
	} {
		p := Plan{Listing: Listing{Bucket: "b", Order: tc.order, Limit: tc.limit}}
		if tc.sorts {
			p.SortBy = keySize
		}
		asked := 0
		got, err := keysOfRows(p.Arrange(pagesOf(numbered(tc.pages), tc.err, &asked)))
		if strings.Join(got, " ") != tc.want || asked != tc.asked || (err != nil) != (tc.reason != "") || err != nil && !strings.Contains(err.Error(), tc.reason) {
			t.Errorf("%s: %q from %d pages, %v; want %q from %d, %q", tc.name, got, asked, err, tc.want, tc.asked, tc.reason)
		}
	}
}

// genOrdered draws an object of few values, so that there are ties.
func genOrdered(t *rapid.T) Object {
	o := Object{
		Key:       rapid.SampledFrom([]string{"a", "b", "a/b", "\U00010000", "\ufffd", "\xff"}).Draw(t, "key"),
		Size:      rapid.Int64Range(0, 3).Draw(t, "size"),
		ModTime:   time.UnixMilli(rapid.Int64Range(1, 4).Draw(t, "time")),
		VersionID: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "version"),
	}
	if v := rapid.SampledFrom([]string{"-", "", "x", "1", "01", "1.0", "-2", "\U00010000", "\ufffd"}).Draw(t, "value"); v != "-" {
		o.Metadata = NewMetadata(map[string]string{"x-amz-meta-v": v})
	}
	return o
}

// plainOrder is the order as Order's documentation has it, written down a second time.
func plainOrder(o Order, a, b Object) int {
	has := func(x Object) bool { return Evaluate(Cond{Key: o.Key, Op: OpExists}, &x) == True }
	less := func(x, y Object) bool {
		v, _ := y.Value(o.Key)
		var c Cond
		c.Key, c.Op = o.Key, OpLt
		c.Value, _ = storedValue(o.Key, v)
		return Evaluate(c, &x) == True
	}
	switch {
	case !has(a) && !has(b):
	case !has(a):
		return 1
	case !has(b):
		return -1
	case less(a, b) != o.Descending && (less(a, b) || less(b, a)):
		return -1
	case less(a, b) || less(b, a):
		return 1
	}
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return b.ModTime.Compare(a.ModTime)
}

// TestArrangeIsASort: whoever sorts, and however the rows are paged, the result is the first N of
// a plain stable sort.
func TestArrangeIsASort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(genOrdered), 0, rapid.SampledFrom([]int{3, 20, 400}).Draw(t, "rows")).Draw(t, "objects")
		o := Order{Descending: rapid.Bool().Draw(t, "descending"), Key: rapid.SampledFrom([]Key{
			{keySize, Integer, true}, {keyLastModified, Datetime, true}, {keyObjectName, String, true}, {keyBase, String, false},
			{"x-amz-meta-v", String, true}, {"x-amz-meta-v", Integer, true}, {"x-amz-meta-v", Decimal, true}}).Draw(t, "order")}
		limit := rapid.SampledFrom([]int{0, 1, 2, 7, 100}).Draw(t, "limit")
		p := Plan{Listing: Listing{Order: o, Limit: limit}}
		if rapid.Bool().Draw(t, "the store sorts") {
			p.SortBy = o.Key.Name
			slices.SortStableFunc(rows, func(a, b Object) int {
				x, y := itemOf(o, a), itemOf(o, b)
				return o.compareValues(&x, &y)
			})
		}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b Object) int { return plainOrder(o, a, b) })
		if limit > 0 {
			want = want[:min(limit, len(want))]
		}
		size, asked := rapid.IntRange(1, 9).Draw(t, "page"), 0
		pages := slices.Collect(slices.Chunk(rows, size))
		got, err := keysOfRows(p.Arrange(pagesOf(pages, nil, &asked)))
		if err != nil {
			t.Fatal(err)
		}
		wanted, _ := keysOfRows(func(yield func(Object, error) bool) {
			for _, x := range want {
				if !yield(x, nil) {
					return
				}
			}
		})
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestSorterIsBounded: with a limit, a sorter holds no more than twice so many rows, or a few.
func TestSorterIsBounded(t *testing.T) {
	for _, limit := range []int{1, 10, 1000} {
		s := newSorter(Order{Key: Key{Name: keySize, Type: Integer}}, limit)
		most := 0
		for i := range 20000 {
			s.add(itemOf(s.order, Object{Key: strconv.Itoa(i), Size: int64(20000 - i)}))
			most = max(most, len(s.items))
		}
		if bound := limit + max(limit, slack); most > bound {
			t.Errorf("of limit %d, %d rows were held; at most %d may", limit, most, bound)
		}
	}
}
