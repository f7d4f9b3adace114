package ecstest

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// TestRestartProperty: whatever is written, deleted, uploaded and configured, a
// server whose directory outlives restarts and crashes answers every request as
// one that has all in memory and is never ended, and keeps no byte too many.
func TestRestartProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newTwins(t, rt)
		defer w.disk.Close()
		steps := map[string]func(){
			"put": w.put, "put again": w.put, "copy": w.copy, "delete": w.remove, "delete many": w.removeMany,
			"versioning": w.setVersioning, "create": w.createBucket, "drop": w.dropBucket, "disable search": w.disableSearch,
			"begin upload": w.beginUpload, "send part": w.sendPart, "send part again": w.sendPart, "copy part": w.copyPart,
			"complete": w.complete, "abort": w.abort,
		}
		actions := map[string]func(*rapid.T){"restart": func(*rapid.T) { w.restart() }}
		for name, step := range steps {
			actions[name] = func(*rapid.T) { step() }
		}
		actions["crash"] = func(rt *rapid.T) {
			w.crash(steps[rapid.SampledFrom(slices.Sorted(maps.Keys(steps))).Draw(rt, "in")])
		}
		w.createBucket()
		rt.Repeat(actions)
		w.everything()
		w.checkBytes()
		w.restart()
		w.everything()
		w.checkBytes()
	})
}

// twins are two servers that are sent the same requests: one in memory, and one
// in a directory.
type twins struct {
	rt      *rapid.T
	dir     string
	memory  *Server
	disk    *Server
	clients [2]*client
	now     time.Time // of both clocks; each request is a millisecond later

	versions []string // ids that were told, of any key
	uploads  []*begun
}

// begun is an upload that was begun, and perhaps is over.
type begun struct {
	target, id string
	algorithm  string         // of its checksums, or empty
	parts      map[int]string // what a completion has to say of them
}

func newTwins(t *testing.T, rt *rapid.T) *twins {
	w := &twins{rt: rt, dir: memoryDir(t), now: time.Now()}
	w.memory, w.clients[0] = w.open("")
	w.disk, w.clients[1] = w.open(w.dir)
	return w
}

// memoryDir returns an empty directory, in memory where that is to be had: these
// tests are not of the disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ecstest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (w *twins) open(dir string) (*Server, *client) {
	s, c := directServer(w.rt)
	s.Data, s.Seed, s.MinPartSize, s.PageSize = dir, 7, 2, 5
	s.Now = func() time.Time { return w.now }
	ok(w.rt, s.Open())
	return s, c
}

func (w *twins) restart() {
	w.disk.Close()
	w.disk, w.clients[1] = w.open(w.dir)
}

// crashing is a directory whose process ends after a commit: what the change
// removed is still there.
type crashing struct{ *directory }

func (crashing) release(*change) {}

// crash ends the server in the directory in a step, between the commit of its
// change and everything after, and with bytes staged that no change names yet.
func (w *twins) crash(step func()) {
	st := w.disk.data()
	d := st.storage.(*directory)
	_, err := d.stage(strings.NewReader(bytesOf("lost", 2*inlineSize)), -1)
	ok(w.rt, err)
	st.storage = crashing{d}
	step()
	w.restart()
}

var requestIDElement = regexp.MustCompile("<RequestId>[^<]*</RequestId>")

// do sends a request to both, whose answers must be the same.
func (w *twins) do(method, target, body string, headers ...string) answer {
	w.rt.Helper()
	w.now = w.now.Add(time.Millisecond)
	var all [2]answer
	for i, c := range w.clients {
		all[i] = c.do(method, target, body, headers...)
		all[i].header.Del("x-amz-request-id")
		if all[i].status >= 400 { // the body has it too
			all[i].header.Del("Content-Length")
			all[i].body = requestIDElement.ReplaceAllString(all[i].body, "")
		}
	}
	if diff := cmp.Diff(all[0], all[1], cmp.AllowUnexported(answer{})); diff != "" {
		w.rt.Fatalf("%s %s %q (-memory +directory):\n%s", method, target, headers, diff)
	}
	if id := all[0].header.Get("x-amz-version-id"); id != "" && id != nullVersion {
		w.versions = append(w.versions, id)
	}
	return all[0]
}

func (w *twins) get(target string, headers ...string) answer {
	w.rt.Helper()
	return w.do(http.MethodGet, target, "", headers...)
}

func (w *twins) oneOf(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(w.rt, what)
}

func (w *twins) bucket() string { return w.oneOf("bucket", "/b", "/b", "/c") }

func (w *twins) key() string { return w.oneOf("key", "a", "p/q", "p/r", "\xff ü+") }

func (w *twins) target() string { return w.bucket() + "/" + sigv4.EscapePath(w.key()) }

// version is no version, or one that may or may not be the key's.
func (w *twins) version() string {
	return w.oneOf("version", append([]string{"", "", nullVersion}, w.versions...)...)
}

func (w *twins) body() string {
	n := rapid.SampledFrom([]int{0, 1, 5, inlineSize, inlineSize + 1, 2 * inlineSize}).Draw(w.rt, "size")
	return bytesOf(w.oneOf("text", "x", "y"), n)
}

// described are headers that describe an object.
func (w *twins) described() []string {
	headers := []string{"Content-Type", w.oneOf("type", "text/plain", "image/png")}
	if n := w.oneOf("n", "", "1", "2", "3", "none"); n != "" {
		headers = append(headers, "x-amz-meta-n", n, "x-amz-meta-Other", "caf\xe9")
	}
	return headers
}

func (w *twins) put() {
	headers, body := w.described(), w.body()
	switch w.oneOf("with", "", "", "checksum", "condition") {
	case "checksum":
		headers = append(headers, "x-amz-checksum-crc32c", sumOf("CRC32C", body))
	case "condition":
		headers = append(headers, "If-None-Match", "*")
	}
	w.do(http.MethodPut, w.target(), body, headers...)
}

// source is a header that names what to copy.
func (w *twins) source() []string {
	source := w.target()
	if v := w.version(); v != "" {
		source += "?versionId=" + v
	}
	return []string{"x-amz-copy-source", source}
}

func (w *twins) copy() {
	headers := append(w.source(), "x-amz-metadata-directive", w.oneOf("directive", "COPY", "REPLACE"))
	w.do(http.MethodPut, w.target(), "", append(headers, w.described()...)...)
}

func (w *twins) remove() {
	target := w.target()
	if v := w.version(); v != "" {
		target += "?versionId=" + v
	}
	w.do(http.MethodDelete, target, "")
}

func (w *twins) removeMany() {
	var b strings.Builder
	for range rapid.IntRange(1, 6).Draw(w.rt, "deletions") {
		fmt.Fprintf(&b, "<Object><Key>%s</Key><VersionId>%s</VersionId></Object>", w.oneOf("key", "a", "p/q", "p/r"), w.version())
	}
	body := "<Delete>" + b.String() + "</Delete>"
	w.do(http.MethodPost, w.bucket()+"?delete", body, "Content-MD5", digestOf(body))
}

func (w *twins) setVersioning() {
	w.do(http.MethodPut, w.bucket()+"?versioning", versioningBody(w.oneOf("status", "Enabled", "Enabled", "Suspended")))
}

func (w *twins) createBucket() {
	w.do(http.MethodPut, w.bucket(), "", "x-emc-metadata-search", w.oneOf("keys", "", "ObjectName,Size,x-amz-meta-N;integer,x-amz-meta-other;string"))
}

// dropBucket deletes a bucket, and perhaps all that is in it before.
func (w *twins) dropBucket() {
	bucket := w.bucket()
	if rapid.Bool().Draw(w.rt, "empty it") {
		for _, v := range w.pages(bucket+"?versions&encoding-type=url", "key-marker", "version-id-marker") {
			if name := v.XMLName.Local; name == "Version" || name == "DeleteMarker" {
				w.do(http.MethodDelete, bucket+"/"+v.text("Key")+"?versionId="+v.text("VersionId"), "").must(w.rt, 204)
			}
		}
	}
	w.do(http.MethodDelete, bucket, "")
}

func (w *twins) disableSearch() {
	if w.oneOf("sure", "no", "no", "yes") == "yes" {
		w.do(http.MethodDelete, w.bucket()+"?searchmetadata", "")
	}
}

func (w *twins) beginUpload() {
	u := &begun{target: w.target(), algorithm: w.oneOf("algorithm", "", "CRC32", "CRC64NVME"), parts: map[int]string{}}
	headers := w.described()
	if u.algorithm != "" {
		headers = append(headers, "x-amz-checksum-algorithm", u.algorithm)
	}
	if a := w.do(http.MethodPost, u.target+"?uploads", "", headers...); a.status == 200 {
		u.id = a.xml(w.rt).text("UploadId")
		w.uploads = append(w.uploads, u)
	}
}

// upload is one that was begun, or nil.
func (w *twins) upload() *begun {
	if len(w.uploads) == 0 {
		return nil
	}
	return rapid.SampledFrom(w.uploads).Draw(w.rt, "upload")
}

// part calls send with an upload and the target of one of its parts, and keeps
// what it returns for the completion.
func (w *twins) part(send func(u *begun, target string) (etag, checksum string)) {
	u := w.upload()
	if u == nil {
		return
	}
	number := rapid.IntRange(1, 3).Draw(w.rt, "number")
	etag, sum := send(u, fmt.Sprintf("%s?partNumber=%d&uploadId=%s", u.target, number, u.id))
	if etag == "" {
		return
	}
	u.parts[number] = fmt.Sprintf("<PartNumber>%d</PartNumber><ETag>%s</ETag>", number, strings.Trim(etag, `"`))
	if u.algorithm != "" {
		u.parts[number] += fmt.Sprintf("<Checksum%s>%s</Checksum%[1]s>", u.algorithm, sum)
	}
}

func (w *twins) sendPart() {
	w.part(func(u *begun, target string) (etag, checksum string) {
		a := w.do(http.MethodPut, target, w.body())
		return a.header.Get("ETag"), a.header.Get(checksumHeader(u.algorithm))
	})
}

func (w *twins) copyPart() {
	w.part(func(u *begun, target string) (etag, checksum string) {
		headers := w.source()
		if last := w.oneOf("range", "", "0", "6000", "20000"); last != "" {
			headers = append(headers, "x-amz-copy-source-range", "bytes=0-"+last)
		}
		a := w.do(http.MethodPut, target, "", headers...)
		if a.status != 200 {
			return "", ""
		}
		return a.xml(w.rt).text("ETag"), a.xml(w.rt).text("Checksum" + u.algorithm)
	})
}

// complete names some or all parts of an upload, which may be too small.
func (w *twins) complete() {
	u := w.upload()
	if u == nil {
		return
	}
	var b strings.Builder
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if w.oneOf("leave out", "no", "no", "no", "yes") == "no" {
			b.WriteString("<Part>" + u.parts[number] + "</Part>")
		}
	}
	w.do(http.MethodPost, u.target+"?uploadId="+u.id, "<CompleteMultipartUpload>"+b.String()+"</CompleteMultipartUpload>")
}

func (w *twins) abort() {
	if u := w.upload(); u != nil {
		w.do(http.MethodDelete, u.target+"?uploadId="+u.id, "")
	}
}

// nextElements are the elements that tell where the next page of a listing
// begins, by the parameters that ask for it.
var nextElements = map[string]string{
	"key-marker": "NextKeyMarker", "version-id-marker": "NextVersionIdMarker", "upload-id-marker": "NextUploadIdMarker",
	"part-number-marker": "NextPartNumberMarker", "continuation-token": "NextContinuationToken",
}

// pages returns the elements of all pages of a listing.
func (w *twins) pages(target string, markers ...string) (all []node) {
	w.rt.Helper()
	next := ""
	for range 100 {
		a := w.get(target + next)
		if a.status != 200 {
			return nil
		}
		page := a.xml(w.rt)
		all = append(all, page.Children...)
		if page.text("IsTruncated") == "false" {
			return all
		}
		next = ""
		for _, m := range markers {
			if text := page.text(nextElements[m]); text != "<none>" {
				next += "&" + m + "=" + strings.ReplaceAll(sigv4.Escape(text), "%25", "%")
			}
		}
	}
	w.rt.Fatalf("%s does not end", target)
	return nil
}

// query asks for all pages of a search, if there is one.
func (w *twins) query(bucket, expression string, params ...string) {
	marker := ""
	for range 100 {
		a := w.get(queryTarget(bucket, expression, append(params, "marker", marker)...))
		if a.status != 200 {
			return
		}
		if marker = a.xml(w.rt).text("NextMarker"); marker == "<none>" {
			return
		}
	}
	w.rt.Fatalf("the query %s does not end", expression)
}

// everything asks both for all that a client can see.
func (w *twins) everything() {
	for _, name := range w.get("/").must(w.rt, 200).xml(w.rt).texts("Buckets/Bucket/Name") {
		bucket := "/" + name
		w.get(bucket+"?versioning").must(w.rt, 200)
		w.get(bucket + "?searchmetadata")
		w.pages(bucket+"?versions&encoding-type=url&delimiter=/", "key-marker", "version-id-marker")
		w.pages(bucket+"?list-type=2&max-keys=1&delimiter=q", "continuation-token")
		w.query(name, "x-amz-meta-n>=2 and Size>0", "sorted", "Size")
		w.query(name, "ObjectName>'' or x-amz-meta-n<3", "include-older-versions", "true", "attributes", "ALL")
		w.query(name, "Size>=0", "include-older-versions", "true", "delimiter", "/", "max-keys", "2")
		for _, v := range w.pages(bucket+"?versions&encoding-type=url", "key-marker", "version-id-marker") {
			if v.XMLName.Local != "Version" {
				continue
			}
			target := bucket + "/" + v.text("Key") + "?versionId=" + v.text("VersionId")
			a := w.get(target, "x-amz-checksum-mode", "ENABLED").must(w.rt, 200)
			if n := strconv.Itoa(len(a.body)); n != v.text("Size") {
				w.rt.Fatalf("%s has %s bytes, %s are listed", target, n, v.text("Size"))
			}
			w.get(target + "&partNumber=2")
			w.get(target, "Range", "bytes=-20000")
		}
		w.pages(bucket+"?uploads&encoding-type=url&max-uploads=1", "key-marker", "upload-id-marker")
	}
	for _, u := range w.uploads {
		w.pages(u.target+"?max-parts=1&uploadId="+u.id, "part-number-marker")
	}
}

// checkBytes compares the contents that the directory has and counts with those
// that versions and parts have.
func (w *twins) checkBytes() {
	w.rt.Helper()
	st := w.disk.data()
	d := st.storage.(*directory)
	named := map[contentID]int{}
	files, inline := map[string]bool{}, map[contentID]bool{}
	count := func(c content) {
		for _, piece := range piecesOf(c) {
			named[piece.id]++
			if piece.inline() {
				inline[piece.id] = true
			} else {
				files[filepath.Base(piece.file())] = true
			}
		}
	}
	for _, b := range st.buckets {
		for _, ix := range []*index{b.objects, b.older} {
			ix.tree.Scan(func(o *object) bool { count(o.content); return true })
		}
		b.uploads.Scan(func(u *upload) bool {
			for _, p := range u.parts {
				count(p.content)
			}
			return true
		})
	}
	if diff := cmp.Diff(named, d.refs); diff != "" {
		w.rt.Fatalf("references (-are +counted):\n%s", diff)
	}
	gotFiles := map[string]bool{}
	for _, dir := range []string{"blobs", "tmp"} {
		ok(w.rt, filepath.WalkDir(filepath.Join(w.dir, dir), func(_ string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				gotFiles[e.Name()] = true
			}
			return err
		}))
	}
	gotInline := map[contentID]bool{}
	ok(w.rt, d.db.View(func(tx *bolt.Tx) error {
		if t := tx.Bucket([]byte(bytesTable)); t != nil {
			return t.ForEach(func(id, _ []byte) error { gotInline[contentID(id)] = true; return nil })
		}
		return nil
	}))
	for _, id := range d.unnamed { // which the next commit removes
		delete(gotInline, id)
	}
	if diff := cmp.Diff(files, gotFiles) + cmp.Diff(inline, gotInline); diff != "" {
		w.rt.Fatalf("contents (-named +kept):\n%s", diff)
	}
}
