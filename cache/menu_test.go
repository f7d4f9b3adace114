package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// colors is a store of which every object has a color: a menu of it has n items. The query of
// number failAt fails.
type colors struct {
	search.Store
	n, failAt, queries, schemas int
}

var errStore = &search.Error{Op: "query", Kind: search.KindTimeout, Reason: "no answer"}

func (s *colors) Schema(context.Context, string) (search.Schema, error) {
	s.schemas++
	return search.Schema{Bucket: "b", Enabled: true, Indexed: []search.Key{menuKey}}, nil
}

var menuKey = search.Key{Name: "x-amz-meta-color", Indexed: true}

func (s *colors) Query(_ context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		if s.queries++; s.queries == s.failAt {
			yield(search.Object{}, errStore)
			return
		}
		for i := range s.n {
			o := search.Object{Key: fmt.Sprint(i), Metadata: search.NewMetadata(map[string]string{menuKey.Name: fmt.Sprintf("color%03d", i)})}
			if search.Evaluate(l.Where, &o) == search.True && (!yield(o, nil) || l.Limit > 0) {
				return
			}
		}
	}
}

func TestMenu(t *testing.T) {
	s := &colors{n: 3}
	c := New(s, Options{TTL: time.Minute, NegativeTTL: time.Second, SchemaTTL: time.Minute})
	defer c.Close()
	l := search.Listing{Bucket: "b", Menu: menuKey}
	for range 2 {
		snapshot, err := c.Open(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			row, err := snapshot.Row(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			if item := search.MenuItemOf(row); item.Label != fmt.Sprintf("color%03d", i) || len(item.Components) != 1 {
				t.Errorf("item %d is %+v", i, item)
			}
		}
		if _, err := snapshot.Row(t.Context(), 3); err != io.EOF {
			t.Errorf("behind the last item: %v", err)
		}
		want := search.MenuItem{Label: "color001"}
		if _, ok := snapshot.Find(want.Entry().Key); !ok {
			t.Error("no item is found by its name")
		}
		snapshot.Close()
	}
	if s.queries != 4 || s.schemas != 1 {
		t.Errorf("%d queries and %d schemas", s.queries, s.schemas)
	}
}

func TestMenuBreaks(t *testing.T) {
	s := &colors{n: 3, failAt: 3}
	c := New(s, Options{TTL: time.Minute, NegativeTTL: time.Minute, SchemaTTL: time.Minute})
	defer c.Close()
	l := search.Listing{Bucket: "b", Menu: menuKey}
	snapshot, err := c.Open(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if _, err := snapshot.Row(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if _, err := snapshot.Row(t.Context(), 2); !errors.Is(err, errStore) {
		t.Errorf("behind the last item: %v", err)
	}
	if _, err := c.Open(t.Context(), l); !errors.Is(err, errStore) {
		t.Errorf("opened again: %v", err)
	}
}
