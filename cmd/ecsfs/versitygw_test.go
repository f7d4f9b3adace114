package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// versitygw is an S3 server that no one of this project wrote. scripts/check.sh
// installs it and sets ECSFS_VERSITYGW and ECSFS_REQUIRE_SERVERS.
type versitygw struct {
	url    string
	dir    string // has a directory for each bucket, with its objects as files
	signer *sigv4.Signer
}

func startVersitygw(t *testing.T) *versitygw {
	t.Helper()
	program := os.Getenv("ECSFS_VERSITYGW")
	if program == "" {
		if os.Getenv("ECSFS_REQUIRE_SERVERS") != "" {
			t.Fatal("ECSFS_REQUIRE_SERVERS is set, ECSFS_VERSITYGW is not")
		}
		t.Skip("no server to test against: set ECSFS_VERSITYGW to a versitygw program, as scripts/check.sh does")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close() // versitygw takes no listener; the port is its own a moment later
	v := &versitygw{url: "http://" + address, dir: t.TempDir(), signer: &sigv4.Signer{
		Credentials: sigv4.Credentials{AccessKeyID: "versity", SecretAccessKey: "a-secret-of-the-test"},
		Region:      "us-east-1", Service: "s3",
	}}
	v.signer.DisableDoubleEncode, v.signer.DisableNormalize = true, true

	cmd := exec.Command(program, "--quiet", "--keep-alive", "--port", address, "posix", v.dir)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+v.signer.AccessKeyID, "ROOT_SECRET_KEY="+v.signer.SecretAccessKey)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("versitygw said:\n%s", output.Bytes())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return v
		}
		select {
		case <-ended:
			t.Fatalf("versitygw ended: %s", output.Bytes())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("versitygw does not answer")
		}
	}
}

// put puts an object, or makes a bucket, with headers NAME=VALUE.
func (v *versitygw) put(t *testing.T, path string, body []byte, headers ...string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, v.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, "=")
		r.Header.Set(name, value)
	}
	hash := sha256.Sum256(body)
	if err := v.signer.Sign(r, hex.EncodeToString(hash[:]), time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("PUT %s: %s", path, answer.Status)
	}
}

// ecsfs runs the program against endpoint and returns what it printed.
func (v *versitygw) ecsfs(t *testing.T, endpoint string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ecsfs", args...)
	cmd.Env = append(os.Environ(), "ECSFS_ENDPOINT="+endpoint,
		"ECSFS_ACCESS_KEY_ID="+v.signer.AccessKeyID, "ECSFS_SECRET_ACCESS_KEY="+v.signer.SecretAccessKey)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestVersitygwMount shows real files of a real server byte for byte.
func TestVersitygwMount(t *testing.T) {
	v := startVersitygw(t)
	if !canMount() {
		t.Skip("no FUSE mount is possible here")
	}
	v.put(t, "/gosource", nil)
	reference := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src")
	count := 0
	err = filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		copied := filepath.Join(reference, rel)
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(copied, data, 0o644); err != nil {
			return err
		}
		v.put(t, "/gosource/"+sigv4.EscapePath(filepath.ToSlash(rel)), data)
		if count++; count == 1000 {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil || count < 1000 {
		t.Fatalf("%d files of Go's own source copied, want 1000: %v", count, err)
	}
	out, err := v.ecsfs(t, v.url, "mount", t.TempDir(), "--", "sh", "-c",
		`diff -r "$ECSFS_MOUNT/gosource" "$1" && find "$ECSFS_MOUNT/gosource" -type f | wc -l && ls "$ECSFS_MOUNT/gosource/size,ge,0" | wc -l && ls "$ECSFS_MOUNT/gosource/@versions" | wc -l && ls "$ECSFS_MOUNT/gosource/owner,exists"`, "sh", reference)
	if !strings.Contains("\n"+out, "\n1000\n1000\n1000\n") {
		t.Errorf("the mount and the files differ, or are not 1000, also where versions are asked for that this server does not keep:\n%s", out)
	}
	if err == nil || !strings.Contains(out, "not supported") {
		t.Errorf("a key that a listing does not have, on a server without metadata search: %v\n%s", err, out)
	}
}

// TestVersitygwSignature has a server of other hands check the signature of a
// search, with everything in the expression that encoders disagree on. What
// the server lacks, metadata search, a proxy pretends: it answers
// ?searchmetadata and passes the rest on as it is.
func TestVersitygwSignature(t *testing.T) {
	v := startVersitygw(t)
	v.put(t, "/bucket", nil)
	target, err := url.Parse(v.url)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards searches
	var searches []string
	// answered returns what the server said to the searches since the last call.
	answered := func() []string {
		mu.Lock()
		defer mu.Unlock()
		all := searches
		searches = nil
		return all
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		ModifyResponse: func(answer *http.Response) error {
			if answer.Request.URL.Query().Has("query") || strings.Contains(answer.Request.URL.RawQuery, "query=") {
				mu.Lock()
				defer mu.Unlock()
				searches = append(searches, fmt.Sprint(answer.StatusCode, " ", answer.Request.URL.RawQuery))
			}
			return nil
		},
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.RawQuery, "searchmetadata") {
			fmt.Fprint(w, `<MetadataSearchList><MetadataSearchEnabled>true</MetadataSearchEnabled><IndexableKeys>`+
				`<Key><Name>x-amz-meta-title</Name><Datatype>string</Datatype></Key></IndexableKeys></MetadataSearchList>`)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()

	for _, value := range []string{
		"plain", "two words", "it's", `say "x"`, "a+b", "100%25", "a&b;c", "x=y", "größe 漢字 🚀", "~*!(),:@$", "%2Fslash%2Ccomma",
	} {
		out, err := v.ecsfs(t, proxy.URL, "query", "bucket", "title,eq,"+strings.ReplaceAll(value, ",", "%2C"))
		if err == nil {
			t.Errorf("title %q: a server without search answered a search:\n%s", value, out)
		}
		// Signed wrongly it would be 403 SignatureDoesNotMatch; this server then
		// lists the bucket, which is no result of a search.
		if got := answered(); len(got) != 1 || !strings.HasPrefix(got[0], "200 ") {
			t.Errorf("title %q: the server answered %q, want one 200\n%s", value, got, out)
		}
	}
	// The check can fail: a wrong secret is refused.
	v.signer.SecretAccessKey += "!"
	out, err := v.ecsfs(t, proxy.URL, "query", "bucket", "title,eq,x")
	if got := answered(); err == nil || len(got) == 0 || !strings.HasPrefix(got[0], "403 ") {
		t.Errorf("with a wrong secret the server answered %q: %v\n%s", got, err, out)
	}
}
