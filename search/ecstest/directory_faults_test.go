package ecstest

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// smallDisk returns a file system of its own, in memory.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a small disk")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// TestDataDiskFull writes and deletes at random on a disk that is too small:
// what cannot be kept is an error that says why and changes nothing, a restart
// changes nothing, and what is deleted makes room again.
func TestDataDiskFull(t *testing.T) {
	for _, status := range []string{"Enabled", "Suspended"} {
		t.Run(status, func(t *testing.T) {
			s, c := startServer(t, onDisk(smallDisk(t, "3m")), smallParts)
			c.do(http.MethodPut, "/b", "").must(t, 200)
			c.do(http.MethodPut, "/b?versioning", versioningBody(status)).must(t, 200)
			upload := c.begin("/b/k")
			large := c.do(http.MethodPut, "/b/large", bytesOf("large", 4<<20)).must(t, 500)
			if !strings.Contains(large.body, "InternalError") || !strings.Contains(large.body, "no space left") {
				t.Errorf("the answer does not say why: %s", large.body)
			}
			listing := func() string { return c.get("/b?versions").must(t, 200).body + c.get("/b?uploads").must(t, 200).body }
			random := rand.New(rand.NewPCG(1, 2))
			failed := map[string]int{}
			for range 4 {
				for i := range 100 {
					before := listing()
					if what, a := writeAtRandom(c, upload, random, i); a.status == 500 {
						failed[what]++
						if listing() != before {
							t.Fatalf("a %s that failed changed the bucket", what)
						}
					}
				}
				before := listing()
				s.Close()
				s, c = startServer(t, onDisk(s.Data), smallParts)
				if after := listing(); after != before {
					t.Fatalf("another listing after the restart:\n%s\nbefore:\n%s", after, before)
				}
			}
			if failed["put"] == 0 || failed["part"] == 0 || failed["delete"] > 0 {
				t.Errorf("failed: %v", failed)
			}
			for _, row := range c.allVersions("/b?versions") {
				key, version, _ := strings.Cut(row, " ")
				c.do(http.MethodDelete, "/b/"+key+"?versionId="+version, "").must(t, 204)
			}
			c.do(http.MethodDelete, "/b", "").must(t, 204)
			c.do(http.MethodPut, "/c", "").must(t, 200)
			c.do(http.MethodPut, "/c/k", bytesOf("k", 500<<10)).must(t, 200)
		})
	}
}

func writeAtRandom(c *client, upload string, random *rand.Rand, i int) (what string, a answer) {
	target := fmt.Sprintf("/b/k%d", random.IntN(100))
	body := bytesOf(fmt.Sprint(i), random.IntN(3*inlineSize))
	switch random.IntN(8) {
	case 0:
		return "delete", c.do(http.MethodDelete, target, "")
	case 1:
		return "copy", c.do(http.MethodPut, target, "", "x-amz-copy-source", fmt.Sprintf("/b/k%d", random.IntN(100)))
	case 2:
		return "part", c.do(http.MethodPut, fmt.Sprintf("/b/k?partNumber=%d&uploadId=%s", 1+random.IntN(5), upload), body)
	}
	return "put", c.do(http.MethodPut, target, body)
}

// TestDataRestartsOnFullDisk starts a server where there is no byte of room, and
// bytes of a crash are to be removed.
func TestDataRestartsOnFullDisk(t *testing.T) {
	dir := smallDisk(t, "3m")
	s, c := startServer(t, onDisk(dir))
	c.do(http.MethodPut, "/b", "").must(t, 200)
	st := s.store
	for i := range 100 {
		c.do(http.MethodPut, fmt.Sprint("/b/k", i), bytesOf(fmt.Sprint(i), 8<<10)).must(t, 200)
	}
	st.storage = crashing{st.storage.(*directory)}
	for i := range 50 {
		c.do(http.MethodDelete, fmt.Sprint("/b/k", i), "").must(t, 204)
	}
	s.Close()
	fill := filepath.Join(dir, "tmp", "fill")
	if err := os.WriteFile(fill, make([]byte, 3<<20), 0o600); err == nil {
		t.Fatal("3 MiB fit into what is left of them")
	}
	if err := os.Rename(fill, filepath.Join(dir, "fill")); err != nil { // which the start is not to remove
		t.Fatal(err)
	}
	_, c = startServer(t, onDisk(dir))
	for i := range 50 {
		c.do(http.MethodDelete, fmt.Sprint("/b/k", 50+i), "").must(t, 204)
	}
	c.do(http.MethodPut, "/b/k", bytesOf("k", 8<<10)).must(t, 200)
}

// TestDataDirectoryIsCompleted takes away the directories that have no file, as
// a copy may lack them.
func TestDataDirectoryIsCompleted(t *testing.T) {
	dir := t.TempDir()
	s, c := startServer(t, onDisk(dir))
	c.do(http.MethodPut, "/b", "").must(t, 200)
	s.Close()
	for _, name := range []string{"tmp", "blobs", "reserve"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, c = startServer(t, onDisk(dir))
	for i := range 5 {
		c.do(http.MethodPut, fmt.Sprint("/b/k", i), bytesOf(fmt.Sprint(i), 2*inlineSize)).must(t, 200)
	}
}

// TestDataOpenedByMany has three servers make a directory at once: one gets it,
// and the others say why they do not.
func TestDataOpenedByMany(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	servers := []*Server{{Data: dir}, {Data: dir}, {Data: dir}}
	errs := make(chan error, len(servers))
	for _, s := range servers {
		go func() { errs <- s.Open() }()
	}
	opened := 0
	for range servers {
		switch err := <-errs; {
		case err == nil:
			opened++
		case !strings.Contains(err.Error(), "another process holds it"):
			t.Error(err)
		}
	}
	if opened != 1 {
		t.Errorf("%d servers have the directory", opened)
	}
	for _, s := range servers {
		s.Close()
	}
}

// TestDataReadersPin reads what is replaced and deleted meanwhile, by itself and
// joined of parts, and through a copy.
func TestDataReadersPin(t *testing.T) {
	dir := t.TempDir()
	s, c := startServer(t, onDisk(dir), smallParts)
	c.do(http.MethodPut, "/b", "").must(t, 200)
	texts := map[string]string{"small": "small", "large": bytesOf("large", 3*inlineSize)}
	for key, text := range texts {
		c.do(http.MethodPut, "/b/"+key, text).must(t, 200)
	}
	id := c.begin("/b/joined")
	one, two := c.sendPart("/b/joined", id, 1, texts["large"]), c.sendPart("/b/joined", id, 2, texts["small"])
	c.do(http.MethodPost, "/b/joined?uploadId="+id, completeBody(1, one, 2, two)).must(t, 200)
	texts["joined"] = texts["large"] + texts["small"]
	c.do(http.MethodPut, "/b/copy", "", "x-amz-copy-source", "/b/joined").must(t, 200)
	texts["copy"] = texts["joined"]

	readers := map[string]contentReader{}
	for key := range texts {
		err := s.store.view("b", func(b *bucket) *apiError {
			readers[key] = b.current(key).content.open()
			return nil
		})
		ok(t, asError(err))
	}
	for i, key := range slices.Sorted(maps.Keys(texts)) {
		if i%2 == 0 {
			c.do(http.MethodPut, "/b/"+key, "replaced").must(t, 200)
		}
		c.do(http.MethodDelete, "/b/"+key, "").must(t, 204)
	}
	for key, in := range readers {
		got, err := io.ReadAll(in.section(0, int64(len(texts[key]))))
		if err != nil || string(got) != texts[key] {
			t.Errorf("%s: %d bytes of %d, %v", key, len(got), len(texts[key]), err)
		}
		ok(t, in.Close())
	}
	c.do(http.MethodPut, "/b/last", "its commit removes the small ones").must(t, 200)
	d := s.store.storage.(*directory)
	if n := files(t, dir); n != 0 || len(d.refs) != 1 || len(d.unnamed) != 0 {
		t.Errorf("%d files are left, %d contents, %d to remove", n, len(d.refs), len(d.unnamed))
	}
}

// TestDataReadsWhatIsAskedFor counts the times that the records are read for the
// small parts of an object: once each, when its turn has come.
func TestDataReadsWhatIsAskedFor(t *testing.T) {
	s, c := startServer(t, onDisk(t.TempDir()), smallParts)
	c.do(http.MethodPut, "/b", "").must(t, 200)
	id := c.begin("/b/k")
	var parts []any
	for n := 1; n <= 8; n++ {
		parts = append(parts, n, c.sendPart("/b/k", id, n, "part"))
	}
	c.do(http.MethodPost, "/b/k?uploadId="+id, completeBody(parts...)).must(t, 200)
	db := s.store.storage.(*directory).db
	err := s.store.view("b", func(b *bucket) *apiError {
		in := b.current("k").content.open()
		defer in.Close()
		before := db.Stats()
		section := in.section(2, 20)
		for i, want := range []string{"rt", "part"} {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(section, got); err != nil || string(got) != want {
				t.Errorf("read %q, %v, want %q", got, err, want)
			}
			now := db.Stats()
			if n := now.Sub(&before).TxN; n != i+1 {
				t.Errorf("%d reads of the records for %d parts", n, i+1)
			}
		}
		return nil
	})
	ok(t, asError(err))
}

// TestDataBytesAreGone damages a directory under a running server: an object
// that cannot be read is an error while that can be told, and a broken
// connection after.
func TestDataBytesAreGone(t *testing.T) {
	lines := make(chan string, 10)
	s, c := startServer(t, onDisk(t.TempDir()), func(s *Server) {
		s.Logf = func(format string, args ...any) { lines <- fmt.Sprintf(format, args...) }
	})
	c.do(http.MethodPut, "/b", "").must(t, 200)
	c.do(http.MethodPut, "/b/k", bytesOf("k", 1<<20)).must(t, 200)
	file := s.store.buckets["b"].current("k").content.(*diskContent).file()
	ok(t, os.Truncate(file, 100<<10))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/b/k", nil)
	ok(t, err)
	ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
	resp, err := c.http.Do(r)
	ok(t, err)
	defer resp.Body.Close()
	if data, err := io.ReadAll(resp.Body); err == nil || len(data) > 100<<10 {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
	ok(t, os.Remove(file))
	got := c.get("/b/k").must(t, 500)
	if e := got.xml(t); e.text("Code") != "InternalError" || !strings.Contains(e.text("Message"), "no such file") {
		t.Errorf("got %s", got.body)
	}
	if line := <-lines; !strings.Contains(line, "GetObject b/k: the data directory failed: unexpected EOF") {
		t.Errorf("logged %q", line)
	}
	c.do(http.MethodHead, "/b/k", "").must(t, 200)
}
