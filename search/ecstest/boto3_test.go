package ecstest_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// TestBoto3 lets an S3 client and a signer of other hands use the emulator:
// what they send and how they read the answers owes nothing to this project.
func TestBoto3(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "python3", "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("python3 without boto3: %v %s", err, out)
	}
	s := ecstest.NewUnstartedServer()
	s.Start()
	defer s.Close()

	cmd := exec.CommandContext(ctx, "python3", "testdata/boto3_search.py")
	cmd.Env = append(os.Environ(), "ENDPOINT="+s.URL, "AWS_ACCESS_KEY_ID="+ecstest.DefaultAccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+ecstest.DefaultSecretAccessKey, "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	cmd.Stderr = os.Stderr
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	want := `buckets ['paint']
keys ['cans/0 red.txt', 'cans/1 blue.txt', "cans/2 it's green.txt", 'cans/3 red & blue; 100% + more.txt', 'cans/4 größer.txt']
folders ['cans/']
head 2 text/plain [('color', 'blue'), ('count', '1')]
range b'xx'
searchkeys [('LastModified', 'datetime'), ('ObjectName', 'string'), ('Size', 'integer'), ('x-amz-meta-color', 'string'), ('x-amz-meta-count', 'integer')]
integer ["cans/2 it's green.txt", 'cans/3 red & blue; 100% + more.txt', 'cans/4 größer.txt', 'copy.txt']
paged ['cans/0 red.txt', 'cans/1 blue.txt', "cans/2 it's green.txt", 'cans/3 red & blue; 100% + more.txt', 'cans/4 größer.txt', 'copy.txt']
quoted ["cans/2 it's green.txt"]
reserved ['cans/3 red & blue; 100% + more.txt']
encoded ['cans/0 red.txt', 'cans/4 größer.txt']
attributes [('copy.txt', '1', 'application/octet-stream', 'copied')]
after delete []
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("boto3 found (-want +got):\n%s", diff)
	}
	if n := s.Count("Query"); n < 11 {
		t.Errorf("%d searches counted, want at least 11", n)
	}
}
