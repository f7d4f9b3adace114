package ecstest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
	"github.com/google/go-cmp/cmp"
)

// onDisk returns a knob that keeps everything in dir, or in memory if that is
// empty.
func onDisk(dir string) func(*Server) {
	return func(s *Server) { s.Data = dir }
}

// files counts the files below the blobs of a data directory.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bytesOf returns n bytes that differ by name.
func bytesOf(name string, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, i))
		b.Write(sum[:])
	}
	return b.String()[:n]
}

// everything is all that a client can see of a bucket, but for the parts of the answers that
// name the request.
func everything(c *client, bucket string) []string {
	var seen []string
	note := func(target string, headers ...string) answer {
		a := c.get(target, headers...)
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n%d\n", target, a.status)
		for _, name := range []string{"ETag", "Content-Type", "Content-Language", "Last-Modified", "x-amz-version-id", "x-amz-meta-color",
			"x-amz-checksum-sha256", "x-amz-mp-parts-count", "Content-Length"} {
			fmt.Fprintf(&b, "%s: %q\n", name, a.header.Get(name))
		}
		b.WriteString(a.body)
		seen = append(seen, b.String())
		return a
	}
	note("/" + bucket + "?versioning")
	note("/" + bucket + "?searchmetadata")
	note("/" + bucket + "?query=" + sigv4.Escape("ObjectName>''") + "&include-older-versions=true&attributes=ALL")
	note("/" + bucket + "?query=" + sigv4.Escape("x-amz-meta-color=='red'"))
	versions := note("/" + bucket + "?versions&encoding-type=url").xml(c.t)
	for _, v := range versions.Children {
		if v.XMLName.Local == "Version" {
			note("/"+bucket+"/"+v.text("Key")+"?versionId="+v.text("VersionId"), "x-amz-checksum-mode", "ENABLED")
		}
	}
	return seen
}

// TestDataSurvivesRestart asks for everything before and after a restart.
func TestDataSurvivesRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, c := startServer(t, onDisk(dir))
	c.do(http.MethodPut, "/b", "", "x-emc-metadata-search", "ObjectName,Size,x-amz-meta-Color;String,x-amz-meta-n;integer").must(t, 200)
	c.do(http.MethodPut, "/plain", "").must(t, 200)
	c.do(http.MethodPut, "/gone", "").must(t, 200)
	c.do(http.MethodDelete, "/gone", "").must(t, 204)
	c.do(http.MethodPut, "/b/before-versions", "null version", "x-amz-meta-color", "red").must(t, 200)
	c.do(http.MethodPut, "/b?versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`).must(t, 200)
	big := bytesOf("big", 3*inlineSize)
	sum := sha256.Sum256([]byte(big))
	c.do(http.MethodPut, "/b/big", big, "Content-Type", "image/png", "Content-Language", "de",
		"x-amz-checksum-sha256", base64.StdEncoding.EncodeToString(sum[:])).must(t, 200)
	c.do(http.MethodPut, "/b/limit", bytesOf("limit", inlineSize)).must(t, 200)
	c.do(http.MethodPut, "/b/over", bytesOf("over", inlineSize+1)).must(t, 200)
	c.do(http.MethodPut, "/b/empty", "").must(t, 200)
	for i := range 3 {
		c.do(http.MethodPut, "/b/many", fmt.Sprint("version ", i), "x-amz-meta-color", []string{"red", "blue", "caf\u00e9"}[i], "x-amz-meta-n", fmt.Sprint(i)).must(t, 200)
	}
	c.do(http.MethodPut, "/b/deleted", "below a marker").must(t, 200)
	c.do(http.MethodDelete, "/b/deleted", "").must(t, 204)
	c.do(http.MethodPut, "/b/%ff%01%20%2Fodd+key", "odd", "x-amz-meta-color", "red").must(t, 200)
	c.do(http.MethodPut, "/b/copy", "", "x-amz-copy-source", "/b/big").must(t, 200)
	newest := c.do(http.MethodPut, "/b/newest", "its number is not given again").must(t, 200).header.Get("x-amz-version-id")
	c.do(http.MethodDelete, "/b/newest?versionId="+newest, "").must(t, 204)
	before := everything(c, "b")
	if n := len(before); n < 14 {
		t.Fatalf("the dump has %d answers only", n)
	}
	s.Close()

	s, c = startServer(t, onDisk(dir))
	if diff := cmp.Diff(before, everything(c, "b")); diff != "" {
		t.Errorf("after the restart (-before +after):\n%s", diff)
	}
	c.get("/plain").must(t, 200)
	c.get("/gone").must(t, 404)
	if id := c.do(http.MethodPut, "/b/newest", "x").must(t, 200).header.Get("x-amz-version-id"); id == newest {
		t.Errorf("the version id %s is given a second time", id)
	}
	s.Close()
	if n := files(t, dir); n != 2 { // big, which copy shares, and over
		t.Errorf("%d files of bytes, want 2", n)
	}

	// What goes is gone from the disk as well, once no copy needs it.
	_, c = startServer(t, onDisk(dir))
	for _, key := range []string{"big", "over", "copy"} {
		id := c.do(http.MethodHead, "/b/"+key, "").must(t, 200).header.Get("x-amz-version-id")
		if n := files(t, dir); n == 0 {
			t.Errorf("no bytes are left before %s is removed", key)
		}
		c.do(http.MethodDelete, "/b/"+key+"?versionId="+id, "").must(t, 204)
	}
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files of bytes are left", n)
	}
}

// TestDataUploadSurvivesRestart sends the parts of one object to three servers
// in turn.
func TestDataUploadSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	small := func(s *Server) { s.MinPartSize = 1 }
	s, c := startServer(t, onDisk(dir), small)
	c.do(http.MethodPut, "/b", "", "x-emc-metadata-search", "x-amz-meta-color;string").must(t, 200)
	id := c.do(http.MethodPost, "/b/k?uploads", "", "x-amz-meta-color", "red", "Content-Type", "text/css").must(t, 200).xml(t).text("UploadId")
	other := c.do(http.MethodPost, "/b/other?uploads", "").must(t, 200).xml(t).text("UploadId")
	target := func(key, id string, n int) string { return fmt.Sprintf("/b/%s?partNumber=%d&uploadId=%s", key, n, id) }
	text := func(n int) string { return bytesOf(fmt.Sprint("part", n), n*inlineSize) }
	restart := func(s *Server) (*Server, *client) { s.Close(); return startServer(t, onDisk(dir), small) }
	s, c = restart(s)
	var parts strings.Builder
	part := func(n int) {
		etag := c.do(http.MethodPut, target("k", id, n), text(n)).must(t, 200).header.Get("ETag")
		fmt.Fprintf(&parts, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n, etag)
	}
	part(1)
	c.do(http.MethodPut, target("k", id, 2), "to be replaced").must(t, 200)
	part(2)
	c.do(http.MethodPut, target("other", other, 1), text(2)).must(t, 200)
	s, c = restart(s)
	part(3)
	c.do(http.MethodPost, "/b/k?uploadId="+id, "<CompleteMultipartUpload>"+parts.String()+"</CompleteMultipartUpload>").must(t, 200)
	s, c = restart(s)
	a := c.get("/b/k").must(t, 200)
	if a.body != text(1)+text(2)+text(3) || a.header.Get("Content-Type") != "text/css" || !strings.HasSuffix(a.header.Get("ETag"), `-3"`) {
		t.Errorf("%d bytes with the header %v", len(a.body), a.header)
	}
	if n := len(c.get(queryTarget("b", "x-amz-meta-color=='red'")).must(t, 200).xml(t).all("ObjectMatches/object")); n != 1 {
		t.Errorf("%d objects are found, want 1", n)
	}
	c.do(http.MethodPost, "/b/k?uploadId="+id, "<CompleteMultipartUpload>"+parts.String()+"</CompleteMultipartUpload>").must(t, 404)
	c.do(http.MethodDelete, "/b/other?uploadId="+other, "").must(t, 204)
	if n := files(t, dir); n != 2 { // of the parts that are not small
		t.Errorf("%d files of bytes, want 2", n)
	}
	c.do(http.MethodDelete, "/b/k", "").must(t, 204)
	c.do(http.MethodDelete, "/b", "").must(t, 204)
	s.Close()
	if n := files(t, dir); n != 0 {
		t.Errorf("%d files of bytes are left", n)
	}
}

// TestDataIsHeldByOneServer asks that a directory in use, or of something else, is refused.
func TestDataIsHeldByOneServer(t *testing.T) {
	dir := t.TempDir()
	startServer(t, onDisk(dir))
	other := &Server{Data: dir}
	if err := other.Open(); err == nil || !strings.Contains(err.Error(), "another process holds it") {
		t.Errorf("a directory in use: %v", err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&Server{Data: foreign}).Open(); err == nil || !strings.Contains(err.Error(), `other files ("thesis.tex")`) {
		t.Errorf("a directory with other files: %v", err)
	}
	if err := (&Server{Data: filepath.Join(foreign, "thesis.tex")}).Open(); err == nil {
		t.Error("a file is taken for a directory")
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, recordsFile), bytes.Repeat([]byte("x"), 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&Server{Data: damaged}).Open(); err == nil || !strings.Contains(err.Error(), damaged) {
		t.Errorf("a damaged directory: %v", err)
	}
}

// TestDataGarbageIsRemoved leaves behind what a crash can.
func TestDataGarbageIsRemoved(t *testing.T) {
	dir := t.TempDir()
	s, c := startServer(t, onDisk(dir))
	c.do(http.MethodPut, "/b", "").must(t, 200)
	c.do(http.MethodPut, "/b/kept", bytesOf("kept", 2*inlineSize)).must(t, 200)
	staged, err := s.store.storage.stage(strings.NewReader(bytesOf("lost", 2*inlineSize)), -1)
	if err != nil {
		t.Fatal(err)
	}
	lost := staged.(*diskContent).file()
	s.Close()
	half := filepath.Join(dir, "tmp", "half")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, c = startServer(t, onDisk(dir))
	for _, path := range []string{lost, half} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if got := c.get("/b/kept").must(t, 200).body; got != bytesOf("kept", 2*inlineSize) {
		t.Error("what was kept has other bytes")
	}
}

// TestDataChild is no test but the server that TestDataSurvivesKill kills.
func TestDataChild(t *testing.T) {
	dir := os.Getenv("ECSTEST_DATA_CHILD")
	if dir == "" {
		return
	}
	s := &Server{Data: dir}
	s.Start()
	fmt.Println("URL", s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent goes, if it does not kill
	s.Close()
}

// TestDataSurvivesKill kills a server with SIGKILL while eight clients write,
// overwrite and delete, several times over: what was answered with success is there
// with its bytes, and everything else is whole or not there.
func TestDataSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	const writers, rounds = 8, 4
	// expect has, by key, the texts that an object may have; "" is none.
	expect := make([]map[string][]string, writers)
	for w := range expect {
		expect[w] = map[string][]string{}
	}
	for round := range rounds {
		url, kill := startChild(t, dir)
		var done sync.WaitGroup
		enough := make(chan struct{}, writers*1000)
		for w := range writers {
			done.Go(func() { writeUntilKilled(t, url, w, round, expect[w], enough) })
		}
		for range 60 + 40*round {
			select {
			case <-enough:
			case <-time.After(time.Minute):
				t.Error("the writers make no progress")
			}
		}
		kill()
		done.Wait()

		s := &Server{Data: dir}
		if err := s.Open(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		checkExpected(t, s, expect)
		s.Close()
	}
}

// startChild starts a server of dir in a process of its own.
func startChild(t *testing.T, dir string) (url string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDataChild$", "-test.v")
	cmd.Env = append(os.Environ(), "ECSTEST_DATA_CHILD="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "URL "); ok {
			return rest, func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait() // which says that it was killed
			}
		}
	}
	_ = cmd.Wait()
	t.Fatalf("the child did not start: %v", lines.Err())
	return "", nil
}

// writeUntilKilled writes keys of its own until the server is gone.
func writeUntilKilled(t *testing.T, url string, w, round int, expect map[string][]string, enough chan<- struct{}) {
	c := (&Server{URL: url}).testClient(t)
	defer c.http.CloseIdleConnections()
	random := rand.New(rand.NewPCG(uint64(w), uint64(round)))
	send := func(method, target, body string) bool {
		r, err := http.NewRequestWithContext(t.Context(), method, url+target, strings.NewReader(body))
		if err == nil {
			err = c.signer.Sign(r, sigv4.UnsignedPayload, time.Now())
		}
		if err != nil {
			t.Error(err)
			return false
		}
		resp, err := c.http.Do(r)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return false
		}
		if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusConflict {
			t.Errorf("%s %s: status %d", method, target, resp.StatusCode)
		}
		return true
	}
	if !send(http.MethodPut, "/bucket", "") {
		return
	}
	for i := range 10_000 {
		key := fmt.Sprintf("%d-%d", w, random.IntN(20))
		text, method := "", http.MethodDelete
		if random.IntN(4) > 0 {
			method, text = http.MethodPut, bytesOf(fmt.Sprint(key, round, i), 1+random.IntN(4*inlineSize))
		}
		before := expect[key]
		if before == nil {
			before = []string{""}
		}
		expect[key] = append([]string{text}, before...)
		if !send(method, "/bucket/"+key, text) {
			return
		}
		expect[key] = []string{text}
		enough <- struct{}{}
	}
}

// checkExpected asks for every key, and narrows expect to what was found.
func checkExpected(t *testing.T, s *Server, expect []map[string][]string) {
	t.Helper()
	for _, keys := range expect {
		for key, texts := range keys {
			var got string
			err := s.data().view("bucket", func(b *bucket) *apiError {
				o := b.current(key)
				if o == nil {
					return nil
				}
				in := o.content.open()
				defer in.Close()
				data, err := io.ReadAll(in.section(0, o.size()))
				if err != nil {
					t.Errorf("%s: %v", key, err)
				}
				got = string(data)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, text := range texts {
				found = found || text == got
			}
			if !found {
				t.Errorf("%s has %d bytes that none of %d writes left there", key, len(got), len(texts))
			}
			keys[key] = []string{got}
		}
	}
}
