package ecstest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// storing are the subjects that a server with Data might answer otherwise.
var storing = []string{"checksums", "lists", "multi_delete", "multipart", "objects", "search", "versions"}

// TestBoto3 lets an S3 client and a signer of other hands use the emulator:
// what they send and how they read the answers owes nothing to this project.
// Each file of testdata/boto3 is a subject, each of its tests a subtest.
func TestBoto3(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w %s", err, out)
	}
	requireTool(t, "boto3", err)
	files, err := filepath.Glob("testdata/boto3/*.py")
	if err != nil {
		t.Fatal(err)
	}
	called, ran := map[string]int{}, 0
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".py"); name != "common" {
			t.Run(name, func(t *testing.T) {
				ran++
				for operation, n := range runBoto3(t, file, "") {
					called[operation] += n
				}
			})
			if slices.Contains(storing, name) && !testing.Short() {
				t.Run(name+" in a directory", func(t *testing.T) { runBoto3(t, file, t.TempDir()) })
			}
		}
	}
	if ran == len(files)-1 { // -run left none out
		for _, operation := range documentedOperations(t) {
			if called[operation] == 0 {
				t.Errorf("no test of testdata/boto3 calls %s", operation)
			}
		}
	}
}

// documentedOperations are the names in the table of the package's doc.
func documentedOperations(t *testing.T) []string {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^//\t([A-Z][A-Za-z0-9]+(?:, [A-Z][A-Za-z0-9]+)*) +(?:GET|HEAD|PUT|POST|DELETE)\b`).FindAllSubmatch(text, -1) {
		names = append(names, strings.Split(string(match[1]), ", ")...)
	}
	if len(names) < 20 {
		t.Fatalf("doc.go names only %q", names)
	}
	return names
}

// runBoto3 runs a test program, on a server with that Data, and makes each of
// its lines a subtest. It returns how often each operation was called.
func runBoto3(t *testing.T, file, data string) map[string]int {
	const virtualHost = "ecs.test"
	s := ecstest.NewUnstartedServer()
	s.VirtualHost, s.Data = virtualHost, data
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.ControlListener = control
	s.Start()
	defer s.Close()
	// The same data behind TLS, where botocore sends bodies in another form.
	tls := httptest.NewTLSServer(s)
	defer tls.Close()
	certificate := filepath.Join(t.TempDir(), "certificate.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	if err := os.WriteFile(certificate, block, 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-B", file)
	cmd.Env = awsEnvironment("ENDPOINT="+s.URL, "TLS_ENDPOINT="+tls.URL, "TLS_CERTIFICATE="+certificate,
		"VIRTUAL_HOST="+virtualHost, "CONTROL="+s.ControlURL)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s: %v\n%s", file, err, stderr.Bytes())
	}
	tests := 0
	for line := range bytes.Lines(stdout) {
		var result struct{ Test, Error string }
		if err := json.Unmarshal(line, &result); err != nil {
			t.Errorf("%s printed %q: %v", file, line, err)
			continue
		}
		tests++
		t.Run(result.Test, func(t *testing.T) {
			if result.Error != "" {
				t.Error(result.Error)
			}
		})
	}
	if tests == 0 {
		t.Errorf("%s ran no test", file)
	}
	return s.Counts()
}
