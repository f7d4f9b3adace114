package ecstest_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// awsCommand is the aws of this machine on s.
func awsCommand(t *testing.T, s *ecstest.Server) tool {
	path, err := exec.LookPath("aws")
	if err == nil { // a pyenv shim without a program is there and fails
		err = exec.CommandContext(t.Context(), path, "--version").Run()
	}
	requireTool(t, "aws", err)
	config := filepath.Join(t.TempDir(), "config")
	text := "[default]\ns3 =\n  addressing_style = path\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return tool{t: t, command: []string{path, "--endpoint-url", s.URL, "--output", "text"},
		env: awsEnvironment("AWS_CONFIG_FILE="+config, "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "PYTHONIOENCODING=utf-8", "LC_ALL=C.UTF-8")}
}

// TestAWSCommand uses the commands of aws s3 as people do.
func TestAWSCommand(t *testing.T) {
	s := startServer(t)
	aws := awsCommand(t, s)
	files, local, back := newTree(), t.TempDir(), t.TempDir()
	files.write(t, local)

	aws.run("s3", "mb", "s3://b")
	aws.run("s3", "sync", "--no-progress", local, "s3://b/in")
	if n := s.Count("UploadPart"); n != 3 {
		t.Errorf("%d parts were uploaded, want 3", n)
	}
	if got := lines(aws.run("s3", "ls", "--recursive", "s3://b/in")); len(got) != len(files) {
		t.Errorf("listed %d: %q", len(got), got)
	}
	if got := lines(aws.run("s3", "ls", "s3://b/in/")); len(got) != 8 || !slices.Contains(got, "PRE many/") {
		t.Errorf("listed %q", got)
	}
	aws.run("s3", "sync", "--no-progress", "s3://b/in", back)
	files.compare(t, back)

	puts := s.Count("PutObject")
	if got := aws.run("s3", "sync", "--no-progress", local, "s3://b/in"); got != "" || s.Count("PutObject") != puts {
		t.Errorf("a second sync did %q", got)
	}
	aws.run("s3", "cp", "--no-progress", "s3://b/in/big", "s3://b/copies/big")
	if n := s.Count("UploadPartCopy"); n != 3 {
		t.Errorf("%d parts were copied, want 3", n)
	}
	aws.run("s3", "mv", "--no-progress", "s3://b/copies/big", "s3://b/moved")
	path := filepath.Join(t.TempDir(), "big")
	aws.run("s3", "cp", "--no-progress", "s3://b/moved", path)
	if data, err := os.ReadFile(path); err != nil || string(data) != files["big"] {
		t.Errorf("%d bytes came back, %v", len(data), err)
	}

	piped := aws
	piped.stdin = "from a pipe"
	piped.run("s3", "cp", "-", "s3://b/pipe", "--metadata", "color=red", "--content-type", "text/x")
	if got := aws.run("s3", "cp", "s3://b/pipe", "-"); got != "from a pipe" {
		t.Errorf("got %q", got)
	}
	if got := aws.run("s3api", "head-object", "--bucket", "b", "--key", "pipe", "--query", "[ContentType,Metadata.color,ContentLength]"); got != "text/x\tred\t11\n" {
		t.Errorf("head %q", got)
	}

	url := strings.TrimSpace(aws.run("s3", "presign", "s3://b/in/größer/Ωμέγα", "--expires-in", "60"))
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(data) != "not ASCII" || err != nil {
		t.Errorf("presigned: %s %q %v", resp.Status, data, err)
	}

	if _, err := aws.try("s3", "ls", "s3://nowhere"); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("got %v", err)
	}
	if _, err := aws.try("s3", "rb", "s3://b"); err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Errorf("got %v", err)
	}
	aws.run("s3", "rm", "--recursive", "s3://b")
	aws.run("s3", "rb", "s3://b")
	if got := aws.run("s3", "ls"); got != "" {
		t.Errorf("left: %q", got)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestAWSAPICommand uses calls that aws s3 has no command for.
func TestAWSAPICommand(t *testing.T) {
	s := startServer(t)
	aws := awsCommand(t, s)
	aws.run("s3api", "create-bucket", "--bucket", "b")
	if got := aws.run("s3api", "get-bucket-location", "--bucket", "b"); got != "None\n" {
		t.Errorf("location %q", got)
	}
	aws.run("s3api", "put-bucket-versioning", "--bucket", "b", "--versioning-configuration", "Status=Enabled")
	if got := aws.run("s3api", "get-bucket-versioning", "--bucket", "b"); got != "Enabled\n" {
		t.Errorf("versioning %q", got)
	}
	body := filepath.Join(t.TempDir(), "body")
	var versions []string
	for _, text := range []string{"first", "second"} {
		if err := os.WriteFile(body, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, strings.TrimSpace(aws.run("s3api", "put-object", "--bucket", "b", "--key", "k", "--body", body, "--query", "VersionId")))
	}
	listed := lines(strings.ReplaceAll(aws.run("s3api", "list-object-versions", "--bucket", "b", "--query", "Versions[].VersionId"), "\t", "\n"))
	if !slices.Equal(listed, slices.Sorted(slices.Values(versions))) {
		t.Errorf("versions %q, want %q", listed, versions)
	}
	aws.run("s3api", "get-object", "--bucket", "b", "--key", "k", "--version-id", versions[0], "--range", "bytes=1-3", body)
	if data, err := os.ReadFile(body); string(data) != "irs" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	aws.run("s3api", "copy-object", "--bucket", "b", "--key", "copy", "--copy-source", "b/k?versionId="+versions[0])
	if got := aws.run("s3api", "list-objects-v2", "--bucket", "b", "--query", "Contents[].[Key,Size]"); got != "copy\t5\nk\t6\n" {
		t.Errorf("listed %q", got)
	}
	upload := strings.TrimSpace(aws.run("s3api", "create-multipart-upload", "--bucket", "b", "--key", "parts", "--query", "UploadId"))
	aws.run("s3api", "upload-part", "--bucket", "b", "--key", "parts", "--upload-id", upload, "--part-number", "1", "--body", body)
	if got := aws.run("s3api", "list-parts", "--bucket", "b", "--key", "parts", "--upload-id", upload, "--query", "Parts[].[PartNumber,Size]"); got != "1\t3\n" {
		t.Errorf("parts %q", got)
	}
	if got := aws.run("s3api", "list-multipart-uploads", "--bucket", "b", "--query", "Uploads[].Key"); got != "parts\n" {
		t.Errorf("uploads %q", got)
	}
	aws.run("s3api", "abort-multipart-upload", "--bucket", "b", "--key", "parts", "--upload-id", upload)
	if got := aws.run("s3api", "delete-objects", "--bucket", "b", "--delete", "Objects=[{Key=k},{Key=copy}]", "--query", "length(Deleted)"); got != "2\n" {
		t.Errorf("deleted %q", got)
	}
	if got := aws.run("s3api", "list-objects-v2", "--no-paginate", "--bucket", "b", "--query", "KeyCount"); got != "0\n" {
		t.Errorf("left %q", got)
	}
}
