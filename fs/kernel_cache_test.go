package fs_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// countRows is a store that counts the rows that the mount reads.
type countRows struct {
	fs.Store
	rows *atomic.Int64
}

func (s countRows) Open(ctx context.Context, l search.Listing) (search.Snapshot, error) {
	snapshot, err := s.Store.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	return countedSnapshot{snapshot, s.rows}, nil
}

type countedSnapshot struct {
	search.Snapshot
	rows *atomic.Int64
}

func (s countedSnapshot) Row(ctx context.Context, i int) (search.Entry, error) {
	s.rows.Add(1)
	return s.Snapshot.Row(ctx, i)
}

// The kernel reads a directory again from its own copy, and never from that of
// another listing.
func TestKernelKeepsOneListing(t *testing.T) {
	var rows atomic.Int64
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.Store = countRows{o.Store, &rows} }})
	put := func(n int) {
		for i := range n {
			w.put(fmt.Sprintf("f%03d", i), "x", "color", "red")
		}
	}
	put(200)
	w.want(`ls $B/color,eq,red | wc -l`, "200\n")
	rows.Store(0)
	w.want(`ls $B/color,eq,red | wc -l; ls -l $B/color,eq,red | grep -c f`, "200\n200\n")
	if n := rows.Load(); n != 2 { // the first row, for each opendir
		t.Errorf("two more ls read %d rows", n)
	}

	// One process stops in the old listing while others read a new one.
	old := w.converse(`
import os, sys
d = os.scandir(os.environ["B"] + "/color,eq,red")
next(d); print("old", flush=True)
sys.stdin.readline()
print(1 + sum(1 for _ in d), flush=True)
`)
	old.expect("old")
	put(300)
	w.clock.advance(61 * time.Second)
	w.want(`ls $B/color,eq,red | wc -l; ls $B/color,eq,red | wc -l`, "300\n300\n")
	old.say("on")
	old.expect("200")
	w.want(`ls $B/color,eq,red | wc -l`, "300\n")
	put(301)
	w.clock.advance(61 * time.Second)
	w.want(`ls $B/color,eq,red | wc -l; ls $B/color,eq,red | wc -l`, "301\n301\n")
}

// A second process reads along while the first one's listing still grows.
func TestTwoReadersOfOneGrowingListing(t *testing.T) {
	w := newWorld(t, setup{server: func(s *ecstest.Server) { s.PageSize = 10 }})
	for i := range 200 {
		w.put(fmt.Sprintf("f%03d", i), "x", "color", "red")
	}
	w.want(`cd $B; for i in 1 2 3 4; do ls color,eq,red | wc -l & done; wait`, "200\n200\n200\n200\n")
	w.wantRequests("four ls at once", "ListBuckets=1 Query=20 SearchKeys=1")
}

// Bytes that were read are read again from the kernel, after a new open too.
func TestKernelKeepsPages(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", strings.Repeat("x", 4<<20), "color", "red")
	reads := func() (n int) {
		fmt.Sscan(w.sh(`sed -n 's/^mount_reads *//p' $M/@stats`), &n)
		return n
	}
	w.want(`wc -c <$B/a; cat $B/a | wc -c`, "4194304\n4194304\n")
	first := reads()
	w.want(`cat $B/a $B/color,eq,red/a | wc -c`, "8388608\n")
	if again := reads(); again != first {
		t.Errorf("reading it again took %d READs", again-first)
	}
	// READs begin small and grow: untuned, they stop at 128 KiB, and these are 32.
	if os.Geteuid() == 0 && first > 12 {
		t.Errorf("4 MiB took %d READs, want READs of up to 1 MiB", first)
	}
}

// Whoever else is let in sees the files as they are owned, and may read them.
func TestOwnersAndOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become someone else")
	}
	w := newWorld(t, setup{mount: func(o *fs.Options) { o.UID, o.GID, o.AllowOther = 1234, 5678, true }})
	w.put("a", "bytes", "color", "red")
	w.want(`stat -c '%u %g %a' $M $B $B/a $B/color,eq,red $M/@help`, strings.Repeat("1234 5678 555\n", 2)+"1234 5678 444\n1234 5678 555\n1234 5678 444\n")
	// The temporary directory is root's alone: another may enter it by an open descriptor.
	w.want(`chmod 755 "$(dirname $M)" "$(dirname "$(dirname $M)")"; setpriv --reuid=65534 --regid=65534 --clear-groups cat $B/a $B/color,eq,red/a`, "bytesbytes")
}

// Plain folders can be used while the schema cannot be had.
func TestPlainAccessWithoutSchema(t *testing.T) {
	w := newWorld(t, setup{store: func(s search.Store) search.Store { return denySchema{s} }})
	w.put("dir/a", "bytes", "color", "red")
	w.want(`ls $B; cat $B/dir/a; ls $B/dir`, "dir\nbytesa\n")
	for _, name := range []string{"size,gt,1", "color,eq,red", "'size>1'", "@explain", "@help"} {
		if out := w.shFails(`ls $B/` + name); !strings.Contains(out, "Permission denied") {
			t.Errorf("ls %s said %q", name, out)
		}
	}
	w.sh(`grep 'no schema today' $B/@errors`)
}

type denySchema struct{ search.Store }

func (denySchema) Schema(context.Context, string) (search.Schema, error) {
	return search.Schema{}, &search.Error{Op: "schema", Kind: search.KindPermission, Reason: "no schema today"}
}

// A result looked up without a listing costs a HEAD; where that cannot tell
// whether it is one, the search does.
func TestLookupWithoutListing(t *testing.T) {
	w := newWorld(t, setup{})
	check(t, w.ecs.PutObject("b", "a", []byte("bytes"), ecstest.PutOptions{Metadata: map[string]string{"color": "red"},
		LastModified: time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)}))
	w.sh(`stat $B/size,gt,0`)
	for _, c := range []struct{ query, requests string }{
		{"color,eq,red", "HeadObject=1"},
		{"size,gt,1", ""}, // the same object's attributes, kept
		{"mtime,lt,2026-01-02T03:04:06Z", ""},
		{"mtime,gt,2026-01-02T03:04:05.5Z", "Query=1"}, // a HEAD has whole seconds
		{"created,gt,2026-01-01", "Query=1"},           // no HEAD has it
	} {
		w.requests()
		w.sh(`stat "$B/` + c.query + `/a"`)
		w.wantRequests("a result of "+c.query, c.requests)
	}
	for _, query := range []string{"color,eq,blue", "size,gt,100", "created,gt,2027"} {
		w.shFails(`stat "$B/` + query + `/a"`)
	}
}
