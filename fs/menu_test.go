package fs_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

type sorter struct{ search.Store }

func sorting(s search.Store) search.Store { return sorter{s} }

func (s sorter) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		bare := l
		bare.Order, bare.Limit = search.Order{}, 0
		var rows []search.Object
		for o, err := range s.Store.Query(ctx, bare) {
			if err != nil {
				yield(o, err)
				return
			}
			rows = append(rows, o)
		}
		if !l.Order.IsZero() {
			slices.SortStableFunc(rows, func(a, b search.Object) int {
				x, _ := a.Value(l.Order.Key)
				y, _ := b.Value(l.Order.Key)
				if l.Order.Key.Type == search.Integer {
					m, _ := strconv.Atoi(x)
					n, _ := strconv.Atoi(y)
					return cmp.Compare(m, n)
				}
				return cmp.Compare(x, y)
			})
		}
		for i, o := range rows {
			if l.Limit > 0 && i == l.Limit || !yield(o, nil) {
				return
			}
		}
	}
}

// menuWorld has objects of three colors, one without, two sizes, two years.
func menuWorld(t *testing.T) *world {
	w := newWorld(t, setup{store: sorting})
	w.put("a.txt", "12345", "color", "red", "n", "5")
	w.put("b.txt", "1", "color", "blue", "n", "100")
	w.put("logs/c.txt", strings.Repeat("x", 2000), "color", "blue", "n", "-3")
	w.put("logs/d.txt", "", "color", "")
	w.put("logs/e.txt", "none")
	w.sh(`cat $B/@help >/dev/null`)
	w.requests()
	return w
}

func TestMenuOfStrings(t *testing.T) {
	w := menuWorld(t)
	w.want(`cd $B/size,gt,1/@by/color && ls && readlink blue red`, "blue\nred\n../../../size,gt,1/color,eq,blue\n../../../size,gt,1/color,eq,red\n")
	w.wantRequests("a menu of two values", "Query=3")
	w.want(`ls $B/size,gt,1/@by/color/blue`, "logs%2Fc.txt\n")
	w.want(`cd $B/@by/color && ls && cat red/a.txt && ls %~empty`, "%~empty\nblue\nred\n12345logs%2Fd.txt\n")
}

func TestMenus(t *testing.T) {
	w := menuWorld(t)
	w.want(`ls $B/@by`, "color\ncreated\nmtime\nn\nname\nsize\n")
	w.want(`ls $B/size,gt,0/@sort,n/@by`, "color\ncreated\nmtime\nn\nname\nsize\n")
	w.wantRequests("directories of menus", "")
	for _, c := range []struct{ dir, want string }{
		{"@by/size", "0..1 -> ../../size,ge,0/size,lt,1\n1..10 -> ../../size,ge,1/size,lt,10\n1k..10k -> ../../size,ge,1k/size,lt,10k\n"},
		{"size,gt,1/@by/Size", "1..10 -> ../../../size,gt,1/size,ge,1/size,lt,10\n1k..10k -> ../../../size,ge,1k/size,lt,10k\n"},
		{"@by/n", "%2D10..-1 -> ../../n,ge,-10/n,lt,-1\n1..10 -> ../../n,ge,1/n,lt,10\n100..1000 -> ../../n,ge,100/n,lt,1000\n"},
		{"logs/@by/x-amz-meta-color", "%~empty -> ../../color,eq,\nblue -> ../../color,eq,blue\n"},
		{"color,in,blue,red/@sort,-size/@limit,2/@by/META.color", "blue -> ../../../../../@sort,-size/@limit,2/color,eq,blue\nred -> ../../../../../@sort,-size/@limit,2/color,eq,red\n"},
		{"color,eq,blue/@tree/logs/@by/n", "%2D3..-2 -> ../../../../../color,eq,blue/@tree/logs/n,ge,-3/n,lt,-2\n"},
	} {
		got := w.sh(`cd "$B/` + c.dir + `" && for f in *; do echo "$f -> $(readlink "$f")"; test -d "$f/" || echo "$f leads nowhere"; test -n "$(ls -A -- "$f/")" || echo "$f is empty"; done`)
		if got != c.want {
			t.Errorf("%s:\ngot\n%swant\n%s", c.dir, got, c.want)
		}
	}
}

// TestMenuLookup: a link is found without a listing, by one search, if it has results.
func TestMenuLookup(t *testing.T) {
	w := menuWorld(t)
	w.want(`readlink $B/@by/color/red`, "../../color,eq,red\n")
	w.wantRequests("one link", "Query=1")
	w.shFails(`readlink $B/@by/color/green`)
	w.wantRequests("a link that is not there", "Query=1")
	w.want(`readlink $B/@by/size/2..7`, "../../size,ge,2/size,lt,7\n")
	w.shFails(`readlink $B/@by/size/3M..7M`)
	w.requests()
	w.sh(`ls $B/@by/color >/dev/null; readlink $B/@by/color/blue`)
	w.wantRequests("a menu and a link of it", "Query=4")
	w.shFails(`readlink $B/@by/color/violet`)
	w.wantRequests("a link that the menu does not have", "")
}

func TestMenuErrors(t *testing.T) {
	w := menuWorld(t)
	w.put("nosearch", "")
	for _, c := range []struct{ script, want string }{
		{`ls $B/@by/colour`, "No such file"},
		{`ls $B/@by/@by`, "No such file"},
		{`ls $B/@by/color/@by`, "No such file"},
		{`ls $B/@by/color/@tree`, "No such file"},
		{`ls $B/@by/color/size,gt,1`, "No such file"},
		{`ls $B/@by/@sort,size`, "No such file"},
		{`ls $B/@by/owner`, "not supported"},
		{`touch $B/@by/x`, "Read-only"},
	} {
		if got := w.shFails(c.script); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.script, got)
		}
	}
	log := w.sh(`cat $B/@by/@errors`)
	for _, want := range []string{"did you mean color?", "owner is not indexed"} {
		if !strings.Contains(log, want) {
			t.Errorf("@errors does not say %q:\n%s", want, log)
		}
	}
	if got := w.sh(`cat $B/size,gt,0/@by/color/@explain`); !strings.Contains(got, "x-amz-meta-color>=''") {
		t.Error(got)
	}
	w.sh(`cat $B/@by/@help $B/@by/color/@help $B/@by/@explain $B/@by/@searchkeys >/dev/null`)
}

// TestMenuWalks: programs that walk end, and what they ask for is linear in the values.
func TestMenuWalks(t *testing.T) {
	w := newWorld(t, setup{store: sorting, ttl: time.Second})
	const values = 12
	for i := range values {
		w.put(fmt.Sprintf("f%02d", i), fmt.Sprint("text ", i), "color", fmt.Sprintf("c%02d", i), "n", fmt.Sprint(i))
	}
	for _, script := range []string{
		`ls -l $M`, `find $M`, `grep -r text $M || true`, `du -a $M`, `tar cf - $M 2>/dev/null | wc -c`, `cp -r $M copy`, `rsync -a $M/ synced/`,
		`find -L $M`, `grep -R text $M`, `tar chf - $M 2>/dev/null | wc -c`, `du -L $M`,
	} {
		for _, dir := range []string{"@by", "@by/color"} {
			w.clock.advance(2 * time.Second)
			w.requests()
			w.sh(`M=$B/` + dir + `; rm -rf copy synced; ` + script)
			t.Logf("%s %s: %s", dir, script, w.requests())
		}
	}
}
