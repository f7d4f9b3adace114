package ecstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"pgregory.net/rapid"
)

// TestGeneratedReadAt: what is read does not depend on how it is read.
func TestGeneratedReadAt(t *testing.T) {
	g := Generated{Seed: 7, Size: 100_003}
	whole := make([]byte, g.Size)
	if n, err := g.ReadAt(whole, 0); n != len(whole) || err != nil {
		t.Fatal(n, err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		off := rapid.Int64Range(0, g.Size+10).Draw(rt, "off")
		p := make([]byte, rapid.IntRange(0, 200).Draw(rt, "length"))
		n, err := g.ReadAt(p, off)
		want := whole[min(off, g.Size):min(off+int64(len(p)), g.Size)]
		if !bytes.Equal(p[:n], want) {
			rt.Fatalf("%d bytes at %d: %x, want %x", len(p), off, p[:n], want)
		}
		if (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
			rt.Fatalf("%d of %d bytes: %v", n, len(p), err)
		}
	})
	if _, err := g.ReadAt(nil, -1); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a negative offset: %v", err)
	}
}

// TestGeneratedDiffers: no word of a content is there twice, and neighbouring
// seeds share none.
func TestGeneratedDiffers(t *testing.T) {
	seen := map[[8]byte]string{}
	for seed := range uint64(4) {
		data := make([]byte, 1<<20)
		if _, err := (Generated{Seed: seed, Size: 1 << 40}).ReadAt(data, int64(seed)<<32); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(data); at += 8 {
			word := [8]byte(data[at:])
			where := fmt.Sprintf("word %d of seed %d", at/8, seed)
			if before, there := seen[word]; there {
				t.Fatalf("%s is %s", where, before)
			}
			seen[word] = where
		}
	}
}

// TestPutGenerated: an object larger than memory has its bytes in every range
// and in a copy, and an ETag of its own.
func TestPutGenerated(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b", "Size"))
	g := Generated{Seed: 1, Size: 100<<40 + 5}
	ok(t, s.PutGenerated("b", "big", g, PutOptions{Metadata: map[string]string{"color": "red"}, ContentType: "video/mp4"}))
	ok(t, s.PutGenerated("b", "other", Generated{Seed: 2, Size: g.Size}, PutOptions{}))
	head := c.do("HEAD", "/b/big", "").must(t, 200)
	if got := head.header.Get("Content-Length"); got != fmt.Sprint(g.Size) {
		t.Errorf("Content-Length %s, want %d", got, g.Size)
	}
	if head.header.Get("x-amz-meta-color") != "red" || head.header.Get("Content-Type") != "video/mp4" {
		t.Errorf("headers %v", head.header)
	}
	if other := c.do("HEAD", "/b/other", "").header.Get("ETag"); other == head.header.Get("ETag") || len(other) != 34 {
		t.Errorf("ETags %s and %s", head.header.Get("ETag"), other)
	}
	if got := names(c.query("b", fmt.Sprintf("Size==%d", g.Size))); len(got) != 2 {
		t.Errorf("found %q by size", got)
	}
	check := func(key string, offset, length, origin int64) {
		t.Helper()
		got := c.get("/b/"+key, "Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)).must(t, http.StatusPartialContent)
		want := make([]byte, length)
		n, _ := g.ReadAt(want, origin)
		if got.body != string(want[:n]) {
			t.Errorf("%s: %d bytes at %d are not those of the content", key, length, offset)
		}
	}
	for _, offset := range []int64{0, 1, generatedPiece - 1, 3 << 40, g.Size - 3, g.Size - 2*generatedPiece - 1} {
		for _, length := range []int64{1, 9, 4096, 3*generatedPiece + 1} {
			check("big", offset, length, offset)
		}
	}
	c.do("PUT", "/b/copy", "", "x-amz-copy-source", "/b/big").must(t, 200)
	check("copy", 3<<40, 1000, 3<<40)
}

func TestPutGeneratedRefused(t *testing.T) {
	s, _ := startServer(t)
	ok(t, s.CreateBucket("b"))
	if err := s.PutGenerated("b", "k", Generated{Size: -1}, PutOptions{}); err == nil {
		t.Error("a negative size was taken")
	}
	if err := s.PutGenerated("none", "k", Generated{}, PutOptions{}); err == nil {
		t.Error("a bucket that is not there was taken")
	}
	durable, _ := startServer(t, func(s *Server) { s.Data = t.TempDir() })
	ok(t, durable.CreateBucket("b"))
	if err := durable.PutGenerated("b", "k", Generated{Size: 1}, PutOptions{}); err == nil {
		t.Error("a data directory took an object without bytes")
	}
}

// BenchmarkGenerated is the making of the bytes alone.
func BenchmarkGenerated(b *testing.B) {
	p := make([]byte, generatedPiece)
	b.SetBytes(int64(len(p)))
	g := Generated{Seed: 1, Size: 1 << 40}
	var at int64
	for b.Loop() {
		_, _ = g.ReadAt(p, at)
		at += int64(len(p))
	}
}
