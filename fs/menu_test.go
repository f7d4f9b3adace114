package fs_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// menuWorld has objects of three colors, one without, two sizes, two years.
func menuWorld(t *testing.T) *world {
	w := newWorld(t, setup{})
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

// TestMenuWalks: programs that walk end, and what they ask for is linear in the values: a search a value and
// one a menu; who follows links, one more a link.
func TestMenuWalks(t *testing.T) {
	const values, keys, links = 12, 6, 12 + 12 + 2 + 1 + 1 + 3
	w := newWorld(t, setup{ttl: time.Second})
	for i := range values {
		w.put(fmt.Sprintf("f%02d", i), fmt.Sprint("text ", i), "color", fmt.Sprintf("c%02d", i), "n", fmt.Sprint(i))
	}
	for _, c := range []struct {
		script  string
		follows bool
	}{
		{`find . | wc -l`, false}, {`ls -lR .`, false}, {`grep -r text . || true`, false}, {`du -a .`, false}, {`tar cf $T/x.tar .`, false},
		{`cp -r . $T/copy && test $(find $T/copy -type l | wc -l) -ge 12`, false}, {`rsync -a ./ $T/synced/`, false},
		{`find -L . | wc -l`, true}, {`grep -R text .`, true}, {`du -L .`, true}, {`tar chf $T/y.tar .`, true},
	} {
		for _, dir := range []string{"@by", "@by/color"} {
			w.clock.advance(2 * time.Second)
			w.requests()
			w.sh(`T=$PWD; cd "$B/` + dir + `"; rm -rf $T/copy $T/synced; ` + c.script)
			most := values + 1
			if dir == "@by" {
				most = links + 3*keys
			}
			if c.follows {
				most *= 2
			}
			most += 3 * keys // a directory is opened twice by some, and the first menu given up
			if n := w.ecs.Counts()["Query"]; n > most {
				t.Errorf("%s in %s took %d searches, want at most %d", c.script, dir, n, most)
			}
		}
	}
	w.want(`tar tf x.tar | wc -l; tar tf y.tar | grep -c f03`, "13\n1\n")
}

func TestMenuBreaks(t *testing.T) {
	w := newWorld(t, setup{})
	for i := range 5 {
		w.put(fmt.Sprintf("f%02d", i), "x", "color", fmt.Sprintf("c%02d", i))
	}
	w.ecs.SetIntercept(func(rw http.ResponseWriter, r *http.Request, req ecstest.Request) bool {
		if req.Operation != "Query" || !strings.Contains(req.Query.Get("query"), ">'c02'") {
			return false
		}
		rw.WriteHeader(http.StatusForbidden)
		fmt.Fprint(rw, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no more</Message></Error>`)
		return true
	})
	out := w.shFails(`ls -l $B/@by/color`)
	if !strings.Contains(out, "Permission denied") || !strings.Contains(out, fs.NameIncomplete) || strings.Count(out, " -> ") != 3 {
		t.Errorf("ls -l said\n%s", out)
	}
	w.clock.advance(6 * time.Second)
	if out := w.shFails(`cd $B/@by/color; cat -- *`); !strings.Contains(out, "%~INCOMPLETE: Permission denied") {
		t.Errorf("cat * said\n%s", out)
	}
	w.want(`grep -c 'readdir.*no more' $M/@errors; stat -c %A $B/@by/color/%~INCOMPLETE`, "1\n-r--r--r--\n")
	w.ecs.SetIntercept(nil)
	w.clock.advance(6 * time.Second)
	w.want(`ls $B/@by/color | wc -l`, "5\n")
	w.shFails(`stat $B/@by/color/%~INCOMPLETE`)
}

// TestMenuInterrupt: Ctrl-C ends the wait for a menu at once.
func TestMenuInterrupt(t *testing.T) {
	for _, script := range []string{`exec ls $B/@by/color`, `exec readlink $B/@by/color/red`} {
		w := newWorld(t, setup{})
		w.put("a", "bytes", "color", "red")
		started, release := w.hold("Query")
		defer release()
		cmd := w.command(context.Background(), "sh", "-c", script)
		check(t, cmd.Start())
		<-started
		begun := time.Now()
		check(t, cmd.Process.Signal(os.Interrupt))
		err := cmd.Wait()
		if d := time.Since(begun); d > 10*time.Second {
			t.Errorf("%s ended %v after SIGINT", script, d)
		}
		if status, ok := exitStatus(err); !ok || status.Signal() != syscall.SIGINT {
			t.Errorf("%s ended with %v, not by SIGINT", script, err)
		}
	}
}

// TestMenuOfScan: a bucket without metadata search has menus of what a listing carries.
func TestMenuOfScan(t *testing.T) {
	w := newWorld(t, setup{keys: []string{}})
	w.put("a", "12345", "color", "red")
	w.put("logs/b", strings.Repeat("x", 300))
	w.want(`cd $B/@by && ls && ls size && readlink size/1..10 && cat size/1..10/a`, "mtime\nsize\nstorageclass\n1..10\n100..1k\n../../size,ge,1/size,lt,10\n12345")
	scans := newWorld(t, setup{keys: []string{}, ecs: func(c *ecs.Config) { c.ScanMetadata = true }})
	scans.put("a", "1", "color", "red")
	scans.put("b", "2", "color", "blue")
	scans.want(`cd $B/size,gt,0/@by/meta.color && ls && readlink red && ls red/`, "blue\nred\n../../../size,gt,0/meta.color,eq,red\na\n")
	if out := w.shFails(`ls $B/@by/meta.color`); !strings.Contains(out, "not supported") {
		t.Error(out)
	}
}

// TestMenuOfNoOrder: below an order that cannot be told there is no menu, as none of its links would have results.
func TestMenuOfNoOrder(t *testing.T) {
	w := newWorld(t, setup{keys: []string{}})
	w.put("a", "12345", "color", "red")
	for _, path := range []string{"@by", "@by/size", "@by/size/1..10"} {
		if out := w.shFails(`ls $B/@sort,meta.color/` + path); !strings.Contains(out, "not supported") {
			t.Errorf("%s: %s", path, out)
		}
	}
	if log := w.sh(`cat $B/@errors`); !strings.Contains(log, "a listing does not carry meta.color") {
		t.Errorf("@errors does not say why:\n%s", log)
	}
	w.want(`ls $B/@sort,-mtime/@by/size`, "5..6\n")
}

// TestMenuNames: labels that are no names, and what is too long.
func TestMenuNames(t *testing.T) {
	w := newWorld(t, setup{})
	long := strings.Repeat("long", 70)
	for i, v := range []string{"..", "a/b", "-x", "size,gt,1", "@tree", "a>b", "50%41", long, long + "2", strings.Repeat("<", 100)} {
		w.put(fmt.Sprint("f", i), "x", "color", v)
	}
	w.want(`cd $B/@by/color && ls -U | wc -l && for f in *; do ls "$f/" >/dev/null || echo "$f"; done; ls -d a%2Fb %2E%2E %2Dx size%2Cgt,1 %40tree && ls long* && ls %3C*`,
		"9\n%2Dx\n%2E%2E\n%40tree\na%2Fb\nsize%2Cgt,1\nf7\nf8\nf9\n")
}

func TestMenuOfMany(t *testing.T) {
	w := newWorld(t, setup{})
	for i := range 250 {
		w.put(fmt.Sprintf("f%03d", i), "x", "color", fmt.Sprintf("c%03d", i))
	}
	w.want(`cd $B/size,gt,0/color,ge,c/@by/color && ls | wc -l && readlink %~more && ls %~more/ | wc -l`,
		"201\n../../../../size,gt,0/color,gt,c199/@by/color\n50\n")
	w.clock.advance(2 * time.Minute)
	w.want(`readlink $B/@by/color/c249; readlink $B/@by/color/%~more; find -L $B/@by/color -name f249`,
		"../../color,eq,c249\n../../color,gt,c199/@by/color\n"+w.dir+"/b/@by/color/%~more/c249/f249\n")
}

// TestMenuWithoutLifetime: each listing searches, and the attributes of what it lists come from it.
func TestMenuWithoutLifetime(t *testing.T) {
	w := newWorld(t, setup{ttl: -1})
	for i := range 205 {
		w.put(fmt.Sprintf("f%03d", i), "x", "color", fmt.Sprintf("c%03d", i))
	}
	w.sh(`cat $B/@help >/dev/null`)
	w.requests()
	w.want(`ls -l $B/@by/color | grep -c ' -> '`, "201\n")
	if n := w.ecs.Counts()["Query"]; n != 201 {
		t.Errorf("ls -l took %d searches", n)
	}
}

// TestMenuOfVersions: a menu below @versions has the values of older versions too.
func TestMenuOfVersions(t *testing.T) {
	w := newWorld(t, setup{})
	check(t, w.ecs.SetVersioning("b", true))
	w.put("a", "1", "color", "red")
	w.put("a", "2", "color", "blue")
	w.want(`ls $B/@by/color; for v in $B/@versions/@by/color/*; do readlink $v; cat $v/*; echo; done`,
		"blue\n../../../@versions/color,eq,blue\n2\n../../../@versions/color,eq,red\n1\n")
}
