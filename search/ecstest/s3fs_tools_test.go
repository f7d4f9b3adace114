package ecstest_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// mountS3fs mounts a bucket with the s3fs of this machine, until the test ends.
// Nothing in this process may touch the folder: a read of a mount whose server
// is gone cannot be interrupted, a tool can be killed.
func mountS3fs(t *testing.T, s *ecstest.Server, bucket string, options ...string) (folder string) {
	t.Helper()
	path, err := exec.LookPath("s3fs")
	if err == nil {
		_, err = os.Stat("/dev/fuse")
	}
	requireTool(t, "s3fs", err)
	secrets := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(secrets, []byte(ecstest.DefaultAccessKeyID+":"+ecstest.DefaultSecretAccessKey), 0o600); err != nil {
		t.Fatal(err)
	}
	if folder, err = os.MkdirTemp("", "s3fs"); err != nil { // not t.TempDir, which would remove what is mounted
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(path, append([]string{bucket, folder, "-f", "-o", "passwd_file=" + secrets + ",url=" + s.URL +
		",use_path_request_style,multipart_size=10,singlepart_copy_limit=10,retries=1,connect_timeout=10,readwrite_timeout=20"}, options...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = awsEnvironment(), &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		unmountErr := exec.Command("umount", "-l", folder).Run()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		mounted := isMounted(t, folder)
		if unmountErr != nil || mounted {
			t.Errorf("unmounting: %v, still mounted: %v", unmountErr, mounted)
			return
		}
		if err := os.Remove(folder); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("s3fs said:\n%s", log.Bytes())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); !isMounted(t, folder); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("s3fs ended: %v\n%s", err, log.Bytes())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("s3fs does not mount")
		}
	}
	return folder
}

func isMounted(t *testing.T, folder string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(table), " "+folder+" ")
}

// TestS3fs mounts a bucket, lists it, copies in and out, and compares bytes.
func TestS3fs(t *testing.T) {
	for name, options := range map[string][]string{"version 4": {"-o", "sigv4"}, "version 2": {"-o", "sigv2"}, "lists 2": {"-o", "listobjectsv2"}} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "version 4" {
				t.Skip("one form is enough for -short")
			}
			s := startServer(t)
			if err := s.CreateBucket("b"); err != nil {
				t.Fatal(err)
			}
			for i := range 20 { // which no s3fs made: they have none of its metadata, and no folders
				if err := s.PutObject("b", fmt.Sprintf("there/%02d ö", i), []byte("before"), ecstest.PutOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			folder := mountS3fs(t, s, "b", options...)
			shell := tool{t: t, env: awsEnvironment("LC_ALL=C.UTF-8")}
			if got := lines(shell.run("ls", filepath.Join(folder, "there"))); len(got) != 20 || got[19] != "19 ö" {
				t.Errorf("listed %q", got)
			}
			if got := shell.run("cat", filepath.Join(folder, "there", "07 ö")); got != "before" {
				t.Errorf("read %q", got)
			}

			files, local, back := newTree(), t.TempDir(), t.TempDir()
			files.write(t, local)
			shell.run("cp", "-r", local, filepath.Join(folder, "in"))
			shell.run("diff", "-r", local, filepath.Join(folder, "in"))
			if s.Count("UploadPart") == 0 {
				t.Error("nothing was uploaded in parts")
			}
			shell.run("cp", "-r", filepath.Join(folder, "in")+"/.", back)
			files.compare(t, back)

			shell.run("mv", filepath.Join(folder, "in", "big"), filepath.Join(folder, "moved")) // a copy in parts
			shell.run("cmp", filepath.Join(local, "big"), filepath.Join(folder, "moved"))
			if s.Count("UploadPartCopy")+s.Count("CopyObject") == 0 {
				t.Error("the server copied nothing")
			}
			shell.run("ln", "-s", "moved", filepath.Join(folder, "link"))
			shell.run("cmp", filepath.Join(local, "big"), filepath.Join(folder, "link"))
			shell.run("touch", "-d", "2020-01-02 03:04:05Z", filepath.Join(folder, "moved")) // metadata, replaced by a copy onto itself
			if got := shell.run("stat", "-c", "%Y %s", filepath.Join(folder, "moved")); got != fmt.Sprintf("1577934245 %d\n", len(files["big"])) {
				t.Errorf("stat says %q", got)
			}
			shell.run("truncate", "-s", "3", filepath.Join(folder, "in", "a b+c.txt"))
			if got := shell.run("cat", filepath.Join(folder, "in", "a b+c.txt")); got != "bla" {
				t.Errorf("truncated: %q", got)
			}
			shell.run("rm", "-r", filepath.Join(folder, "in"))
			if got := lines(shell.run("ls", folder)); !slices.Equal(got, []string{"link", "moved", "there"}) {
				t.Errorf("left: %q", got)
			}
			var exit *exec.ExitError
			if _, err := shell.try("cat", filepath.Join(folder, "in", "big")); !errors.As(err, &exit) {
				t.Errorf("a file that was removed: %v", err)
			}
		})
	}
}
