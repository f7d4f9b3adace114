package ecstest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// rclone is the rclone of this machine on s; its remote is ":s3:".
func rclone(t *testing.T, s *ecstest.Server, env ...string) tool {
	path, err := exec.LookPath("rclone")
	requireTool(t, "rclone", err)
	return tool{t: t, command: []string{path, "--retries=1", "--low-level-retries=1", "--s3-upload-cutoff=5Mi", "--s3-chunk-size=5Mi"},
		env: awsEnvironment(append(env, "RCLONE_CONFIG=/dev/null", "RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT="+s.URL,
			"RCLONE_S3_REGION=us-east-1", "RCLONE_S3_ACCESS_KEY_ID="+ecstest.DefaultAccessKeyID,
			"RCLONE_S3_SECRET_ACCESS_KEY="+ecstest.DefaultSecretAccessKey)...)}
}

// TestRclone copies a folder in, lists it, copies it on the server and out, and
// compares bytes, under both signatures.
func TestRclone(t *testing.T) {
	for name, env := range map[string]string{"version 4": "RCLONE_S3_V2_AUTH=false", "version 2": "RCLONE_S3_V2_AUTH=true",
		"list objects 1": "RCLONE_S3_LIST_VERSION=1", "list objects 2": "RCLONE_S3_LIST_VERSION=2"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "version 4" {
				t.Skip("one form is enough for -short")
			}
			s := startServer(t)
			rclone := rclone(t, s, env)
			files, local, back := newTree(), t.TempDir(), t.TempDir()
			files.write(t, local)
			rclone.run("mkdir", ":s3:b")
			rclone.run("copy", local, ":s3:b/in")
			if got := lines(rclone.run("lsf", "-R", "--files-only", ":s3:b/in")); len(got) != len(files) {
				t.Errorf("listed %q", got)
			}
			if got, want := lines(rclone.run("lsf", ":s3:b/in")), []string{"a b+c.txt", "big", "deep/", "empty", "größer/", "many/", "per%20cent/",
				"quote's & \"more\";x=y?z#"}; !slices.Equal(got, want) {
				t.Errorf("listed %q", got)
			}
			rclone.run("check", "--download", local, ":s3:b/in")
			rclone.run("copy", ":s3:b/in", ":s3:b/copy")
			rclone.run("check", ":s3:b/in", ":s3:b/copy")
			rclone.run("copy", ":s3:b/copy", back)
			files.compare(t, back)
			if n := s.Count("UploadPart"); n == 0 {
				t.Error("nothing was uploaded in parts")
			}
			if n := s.Count("CopyObject"); n == 0 {
				t.Error("nothing was copied by the server")
			}

			// A sync takes away what is gone and sends what is new, no more.
			before := s.Count("PutObject")
			if err := os.Remove(filepath.Join(local, "empty")); err != nil {
				t.Fatal(err)
			}
			delete(files, "empty")
			tree{"new": "bytes"}.write(t, local)
			files["new"] = "bytes"
			rclone.run("sync", local, ":s3:b/in")
			if n := s.Count("PutObject") - before; n != 1 {
				t.Errorf("the sync sent %d objects, want 1", n)
			}
			back = t.TempDir()
			rclone.run("copy", ":s3:b/in", back)
			files.compare(t, back)
			rclone.run("moveto", ":s3:b/in/new", ":s3:b/moved")
			if got := rclone.run("cat", ":s3:b/moved"); got != "bytes" {
				t.Errorf("moved %q", got)
			}
			rclone.run("purge", ":s3:b")
			if got := rclone.run("lsd", ":s3:"); got != "" {
				t.Errorf("after the purge there are %q", got)
			}
		})
	}
}

// TestRcloneVersions finds the older versions that syncs leave behind.
func TestRcloneVersions(t *testing.T) {
	s := startServer(t)
	rclone := rclone(t, s)
	local := t.TempDir()
	rclone.run("mkdir", ":s3:b")
	if got := rclone.run("backend", "versioning", ":s3:b", "Enabled"); !strings.Contains(got, "Enabled") {
		t.Fatalf("versioning is %q", got)
	}
	tree{"g": "the same"}.write(t, local)
	for _, text := range []string{"one", "three", "five "} {
		tree{"f": text}.write(t, local)
		rclone.run("sync", local, ":s3:b")
	}
	if err := os.Remove(filepath.Join(local, "g")); err != nil {
		t.Fatal(err)
	}
	rclone.run("sync", local, ":s3:b")
	if got := lines(rclone.run("lsf", ":s3:b")); !slices.Equal(got, []string{"f"}) {
		t.Errorf("current are %q", got)
	}
	all := lines(rclone.run("lsf", "--s3-versions", ":s3:b"))
	var texts []string
	for _, name := range all {
		texts = append(texts, rclone.run("cat", "--s3-versions", ":s3:b/"+name))
	}
	slices.Sort(texts)
	if want := []string{"five ", "one", "the same", "three"}; !slices.Equal(texts, want) {
		t.Errorf("%q are %q, want %q", all, texts, want)
	}
}
