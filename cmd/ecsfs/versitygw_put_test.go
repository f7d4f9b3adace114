package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestVersitygwUpload has a server of other hands take what "ecsfs put" sends,
// in one piece and in parts, tell the ETags that were expected, and accept signed URLs.
func TestVersitygwUpload(t *testing.T) {
	v := startVersitygw(t)
	tree(t, "d/small ü+%", "d/empty", "d/big")
	big := make([]byte, 17<<20)
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	for name, body := range map[string][]byte{"d/big": big, "d/empty": nil} {
		if err := os.WriteFile(name, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want string, args ...string) {
		t.Helper()
		if out, _ := v.ecsfs(t, v.url, args...); !strings.Contains(out, want) {
			t.Errorf("ecsfs %q prints %q, want %q", args, out, want)
		}
	}
	run("bucket files is made, without metadata search", "mb", "files")
	run("bucket files exists already", "mb", "files")
	run("bucket indexed is made, and nothing is indexed in it", "mb", "indexed", "--index", "Size")
	run("3 uploaded, 0 skipped (same ETag), 0 failed", "put", "d", "s3://files/p", "--meta", "color=red")
	run("0 uploaded, 3 skipped (same ETag), 0 failed", "put", "d", "s3://files/p", "--meta", "color=red")
	run("3 uploaded, 0 skipped (same ETag), 0 failed", "put", "d", "s3://files/p", "--meta", "color=blue")
	run("lists no data nodes: it is no ECS", "nodes")
	run("has no metadata search: it is no ECS", "searchkeys", "--system")

	for name, want := range map[string][]byte{"big": big, "empty": nil, "small ü+%": []byte("d/small ü+%")} {
		url, err := v.ecsfs(t, v.url, "presign", "s3://files/p/d/"+name)
		if err != nil {
			t.Fatal(err, url)
		}
		answer, err := http.Get(strings.TrimSpace(url))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !bytes.Equal(got, want) || answer.Header.Get("X-Amz-Meta-Color") != "blue" {
			t.Errorf("%s: %s, %d bytes, want %d: %v %v", name, answer.Status, len(got), len(want), answer.Header, err)
		}
	}
}
