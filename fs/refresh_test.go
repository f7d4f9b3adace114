package fs_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// refreshed lists the directories of the test, of each kind.
var refreshed = []string{".", "color,eq,red", "color,eq,red/@tree", "@sort,-size", "@versions"}

// After @refresh the next use shows the store's state, whatever the kernel has been told before.
func TestRefresh(t *testing.T) {
	for _, dir := range refreshed {
		t.Run(dir, func(t *testing.T) {
			w := newWorld(t, setup{})
			for _, key := range []string{"changed", "deleted", "same"} {
				w.put(key, "old", "color", "red")
			}
			look := `cd $B/` + dir + `; ls -l | awk 'NR > 1 { print $5, $9 }'; for f in changed deleted new; do stat -c '%s %n' $f 2>/dev/null || echo no $f; done; cat changed; echo`
			const before = "3 changed\n3 deleted\n3 same\n3 changed\n3 deleted\nno new\nold\n"
			w.want(look, before)
			w.put("changed", "newer", "color", "red")
			w.put("new", "1", "color", "red")
			check(t, w.ecs.DeleteObject("b", "deleted"))
			w.want(look, before)
			w.want(`stat -c %A $B/`+dir+`/@refresh; ls -l $B/`+dir+`/@refresh | wc -l`, "-r--r--r--\n1\n") // not opened
			w.want(look, before)

			if out := w.sh(`cat $B/` + dir + `/@refresh`); !strings.Contains(out, "dropped the listing: 3 rows, 0s old, of 20") {
				t.Errorf("@refresh said\n%s", out)
			}
			w.want(look, "5 changed\n1 new\n3 same\n5 changed\nno deleted\n1 new\nnewer\n")
		})
	}
}

// The names alone, without ls: what was listed, asked for, and not found.
func TestRefreshOfEntries(t *testing.T) {
	for _, first := range []string{"ls -l", "ls -f", "stat -t *", "true"} {
		w := newWorld(t, setup{})
		for _, key := range []string{"changed", "deleted", "gone/a", "gone/b", "folder/a"} {
			w.put(key, "old")
		}
		w.sh(`cd $B; ` + first + `; stat -t changed deleted gone gone/a folder folder/a; stat new || true`)
		w.put("changed", "newer")
		w.put("new", "1")
		for _, key := range []string{"deleted", "gone/a", "gone/b"} {
			check(t, w.ecs.DeleteObject("b", key))
		}
		w.want(`cd $B; cat @refresh >/dev/null; for f in changed deleted new gone folder; do stat -c '%s %n' $f 2>/dev/null || echo no $f; done`,
			"5 changed\nno deleted\n1 new\nno gone\n0 folder\n")
	}
}

// It drops what else is kept of the directory: the list of all below it, its menus.
func TestRefreshDropsManifestAndMenus(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("dir/a", "x", "color", "red")
	w.want(`cd $B/dir; wc -l <@manifest.jsonl; ls @by/color; ls`, "1\nred\na\n")
	w.put("dir/b", "x", "color", "blue")
	w.want(`cd $B/dir; wc -l <@manifest.jsonl; ls @by/color; ls`, "1\nred\na\n")
	out := w.sh(`cat $B/dir/@refresh`)
	for _, want := range []string{"dropped the listing: 1 row", "dropped the list of all objects below: 1 row", "dropped the menu of color: 1 row", "asks the store"} {
		if !strings.Contains(out, want) {
			t.Errorf("@refresh does not say %q:\n%s", want, out)
		}
	}
	w.want(`cd $B/dir; wc -l <@manifest.jsonl; ls @by/color; ls`, "2\nblue\nred\na\nb\n")
	w.sh(`cp $B/dir/@refresh out; grep 'dropped the listing: 2 rows' out; cp $B/dir/@refresh out; grep 'no listing was kept' out`)
}

// A directory that is being read, stood in or open stays so, and says how far its listing had come.
func TestRefreshOfADirectoryInUse(t *testing.T) {
	w := newWorld(t, setup{})
	w.putMany(4500)
	w.put("color/x", "x")
	started, release := w.holdFrom("Query", 2)
	reader := w.converse(`
import os, sys
top = os.environ["B"]
os.chdir(top + "/color")
os.stat(top + "/color,eq,red")
folder = os.open(".", os.O_RDONLY)
entries = os.scandir(top + "/color,eq,red")
names = [next(entries).name for _ in range(100)]
print("reading", flush=True)
sys.stdin.readline()
print(os.getcwd() == top + "/color", os.listdir("."), os.fstat(folder).st_size, flush=True)
sys.stdin.readline()
print(len(set(names + [e.name for e in entries])), flush=True)
`)
	reader.expect("reading")
	<-started
	if out := w.sh(`cat $B/@refresh $B/color,eq,red/@refresh`); !strings.Contains(out, "rows so far, 0s old") {
		t.Errorf("@refresh said\n%s", out)
	}
	reader.say("refreshed")
	reader.expect("True ['x'] 0")
	release()
	reader.say("go on")
	reader.expect("4500")
	w.want(`ls $B/color,eq,red | wc -l`, "4500\n")
}

// Who refreshes can be interrupted while a lookup in the directory keeps the kernel from it.
func TestPromise6InterruptEndsARefresh(t *testing.T) {
	w := newWorld(t, setup{})
	w.put("a", "x")
	w.sh(`stat $B/a`)
	started, release := w.hold("HeadObject")
	defer release()
	waiting := w.command(context.Background(), "stat", w.dir+"/b/other")
	check(t, waiting.Start())
	<-started
	begun := time.Now()
	if out := w.shFails(`timeout -s INT 0.1 cat $B/@refresh`); out != "" {
		t.Errorf("cat said %s", out)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	check(t, waiting.Process.Signal(os.Interrupt))
	waiting.Wait()
	w.want(`tail -n 1 $B/@refresh; ls $B`, "the next use of this directory asks the store\na\n")
}
