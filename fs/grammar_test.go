package fs_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// rule is one rule of the path grammar, as a user meets it in a mount: what is
// typed, what reaches the store, what is seen.
type rule struct {
	section string // "9-sent/ne": the section of the grammar, and the rule
	path    string // below the bucket

	// What a search that listing path costs, the first but in trees, has for its expression; "none":
	// listing it searches nothing; empty: not looked at.
	sent string
	// More of that search, as "prefix=logs/ sorted=Size": each must be as it says, "attributes~Etag" must
	// have it among others, and "-prefix" must not be there.
	with string
	// The entries of the directory. With order: in this order; else in that of bytes.
	// Short names of things (see things) stand for their names in the flat view of the bucket.
	lists []string
	order bool

	file  int64  // the size of the file path, and of what reading it gives; 0: not looked at
	errno string // of stat and of list; "list:EOPNOTSUPP" of list alone, where stat goes well

	// Of the file path: all of these are in its text, and none that begins with "not:".
	text []string

	check func(t *testing.T, w *grammarWorld) // for what has no column
}

func lists(names ...string) []string { return append([]string{}, names...) }

// TestGrammar has a case for each rule of the path grammar, named by what it is about.
func TestGrammar(t *testing.T) {
	w := newGrammarWorld(t)
	for _, r := range slices.Concat(modelRules, componentRules, keyRules, valueRules, loweringRules, exampleRules, errorRules, nameRules, directiveRules, viewRules, menuRules) {
		t.Run(r.section, func(t *testing.T) { r.run(t, w) })
	}
}

func (r *rule) run(t *testing.T, w *grammarWorld) {
	w.agent.t, w.t = t, t
	w.requests()
	list := strings.TrimPrefix(r.errno, "list:")
	switch {
	case r.text != nil:
		got := w.agent.read(r.path)
		for _, want := range r.text {
			if forbidden, ok := strings.CutPrefix(want, "not:"); ok == strings.Contains(got, strings.TrimPrefix(want, "not:")) {
				t.Errorf("%q has %t in it: %q\n%s", r.path, !ok, strings.TrimPrefix(forbidden, "not:"), got)
			}
		}
	case r.file > 0:
		stat, read := w.agent.do("stat", r.path), w.agent.do("read", r.path)
		if !stat.Mode.IsRegular() || stat.Size != r.file || int64(len(read.Data)) != r.file || stat.Errno+read.Errno != "" {
			t.Errorf("%q: %v of %d bytes (%s), %d can be read (%s), want %d", r.path, stat.Mode, stat.Size, stat.Errno, len(read.Data), read.Errno, r.file)
		}
	case r.errno != "" || r.lists != nil || r.sent != "":
		errno := r.errno
		if list != r.errno {
			errno = ""
		}
		if got := w.agent.stat(r.path); got != errno {
			t.Errorf("stat %q: %q, want %q", r.path, got, errno)
		}
		got, gotErrno := w.agent.list(r.path)
		if gotErrno != list {
			t.Errorf("list %q: %q, want %q", r.path, gotErrno, list)
		}
		if r.lists != nil {
			want := flatNames(r.lists)
			if !r.order {
				slices.Sort(got)
				slices.Sort(want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("list %q (-want +got):\n%s", r.path, diff)
			}
		}
	}
	r.compareSearch(t, w.searches())
	if r.check != nil {
		r.check(t, w)
	}
}

// compareSearch compares the first search with what the rule says of it.
func (r *rule) compareSearch(t *testing.T, searches []url.Values) {
	switch {
	case r.sent == "":
		return
	case r.sent == "none":
		if len(searches) > 0 {
			t.Errorf("%q searches for %v, want no search", r.path, searches[0])
		}
		return
	case len(searches) == 0:
		t.Errorf("%q searches for nothing, want %s", r.path, r.sent)
		return
	}
	q := searches[0]
	if at := slices.IndexFunc(searches, func(q url.Values) bool { return q.Get("query") == r.sent }); at > 0 {
		q = searches[at] // a folder of a tree is found by the tree's search
	}
	if got := q.Get("query"); got != r.sent {
		t.Errorf("%q sends\n     %s\nwant %s", r.path, got, r.sent)
	}
	for with := range strings.FieldsSeq(r.with) {
		if name, ok := strings.CutPrefix(with, "-"); ok {
			if q.Has(name) {
				t.Errorf("%q sends %s=%s", r.path, name, q.Get(name))
			}
		} else if name, want, ok := strings.Cut(with, "~"); ok {
			if !slices.Contains(strings.Split(q.Get(name), ","), want) {
				t.Errorf("%q sends %s=%s, without %s", r.path, name, q.Get(name), want)
			}
		} else if name, want, _ := strings.Cut(with, "="); q.Get(name) != want {
			t.Errorf("%q sends %s=%q, want %q", r.path, name, q.Get(name), want)
		}
	}
}

// grammarWorld is a mount of a bucket "b" where every opendir searches, at the
// time that the grammar's examples are told at.
type grammarWorld struct {
	*world
	agent *agent
}

var grammarNow = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

var grammarKeys = []string{"Size", "LastModified", "CreateTime", "ObjectName", "Owner", "x-amz-meta-color;string", "x-amz-meta-title;string",
	"x-amz-meta-origin;string", "x-amz-meta-n;integer", "x-amz-meta-ratio;decimal", "x-amz-meta-shot;datetime"}

// thing is one object of the bucket. Those without a time are stored by another
// owner, bob, by a PUT, at the time of the test.
type thing struct {
	short, key, flat string
	size             int
	modified         string
	contentType      string
	metadata         []string
}

var things = []thing{
	{"hello", "hello.txt", "hello.txt", 150, "2026-11-20T00:00:00Z", "text/plain",
		[]string{"color", "red", "n", "5", "ratio", "1.5", "shot", "2024-05-10T12:00:00Z", "title", "Foo one", "origin", "a/b", "shape", "round"}},
	{"log-a", "logs/2024/a.log", "logs%2F2024%2Fa.log", 2 << 20, "2024-05-15T10:00:00Z", "", []string{"color", "blue", "n", "7", "ratio", "2.50", "title", "it's"}},
	{"log-b", "logs/2024/b.log", "logs%2F2024%2Fb.log", 50, "2024-06-01T00:00:00Z", "", []string{"color", "red", "n", "-3", "title", `it's "it"`}},
	{"log-c", "logs/2025/c.log", "logs%2F2025%2Fc.log", 1 << 20, "2024-07-31T23:59:59Z", "", []string{"color", "green", "title", "Foo"}},
	{"d", "year=2024/month=01/d.bin", "year=2024%2Fmonth=01%2Fd.bin", 1<<20 + 1, "2024-04-30T23:59:59Z", "image/png", []string{"shot", "2024-05-11T00:00:00Z", "shape", "square"}},
	{"pic", "pic.png", "pic.png", 1500000, "2024-08-01T00:00:00Z", "image/png", []string{"color", "red", "n", "five", "title", "Fop"}},
	{"empty", "empty", "empty", 0, "2023-01-01T00:00:00Z", "", []string{"color", ""}},
	{"smith", "Smith,in,London/f", "Smith%2Cin,London%2Ff", 5, "2022-01-01T00:00:00Z", "", []string{"color", "Red"}},
	{"bob", "bob.txt", "bob.txt", 7, "", "text/plain", []string{"color", "red"}},
}

// flatNames replaces the short names of things by those in a flat view.
func flatNames(names []string) []string {
	out := slices.Clone(names)
	for i, n := range out {
		if at := slices.IndexFunc(things, func(th thing) bool { return th.short == n }); at >= 0 {
			out[i] = things[at].flat
		}
	}
	return out
}

func (w *grammarWorld) store() {
	for _, th := range things {
		data := strings.Repeat("x", th.size)
		metadata := map[string]string{}
		for i := 0; i < len(th.metadata); i += 2 {
			metadata[th.metadata[i]] = th.metadata[i+1]
		}
		if th.modified == "" {
			bob, err := ecs.New(w.t.Context(), ecs.Config{Endpoint: w.ecs.URL, Credentials: ecs.Credentials{AccessKeyID: "bob", SecretAccessKey: "bob's"}})
			check(w.t, err)
			_, err = bob.PutObject(w.t.Context(), "b", th.key, strings.NewReader(data), int64(th.size), ecs.PutOptions{Metadata: metadata, ContentType: th.contentType})
			check(w.t, err)
			bob.CloseIdleConnections()
			continue
		}
		modified, err := time.Parse(time.RFC3339, th.modified)
		check(w.t, err)
		check(w.t, w.ecs.PutObject("b", th.key, []byte(data), ecstest.PutOptions{Metadata: metadata, ContentType: th.contentType, LastModified: modified}))
	}
}

func newGrammarWorld(t *testing.T) *grammarWorld {
	w := &grammarWorld{world: newWorld(t, setup{now: grammarNow, ttl: -1, keys: grammarKeys, server: func(s *ecstest.Server) {
		s.Credentials = map[string]string{"bob": "bob's"}
		check(t, s.CreateBucket("plain"))
		check(t, s.CreateBucket("names", "Size"))
		check(t, s.CreateBucket("versions", "Size", "x-amz-meta-color;string"))
		check(t, s.SetVersioning("versions", true))
	}})}
	w.store()
	check(t, w.ecs.PutObject("names", "ordered/a", []byte("1"), ecstest.PutOptions{}))
	check(t, w.ecs.PutObject("names", "ordered/b", []byte("22"), ecstest.PutOptions{}))
	w.agent = newAgent(w.world)
	return w
}

// searches returns the parameters of the searches since requests was called last.
func (w *world) searches() (all []url.Values) {
	for _, r := range w.ecs.Requests() {
		if r.Operation == "Query" {
			all = append(all, r.Query)
		}
	}
	return all
}
