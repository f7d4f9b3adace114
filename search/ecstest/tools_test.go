package ecstest_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// requireTool skips the test unless a tool of other hands is there. In
// ECSFS_REQUIRE_TOOLS are the names of those that must be, separated by blanks,
// or "1" for all: without one of them the test fails.
func requireTool(t *testing.T, name string, missing error) {
	t.Helper()
	if missing == nil {
		return
	}
	required := strings.Fields(os.Getenv("ECSFS_REQUIRE_TOOLS"))
	if slices.Contains(required, name) || slices.Contains(required, "1") {
		t.Fatalf("ECSFS_REQUIRE_TOOLS wants %s, which is not there: %v", name, missing)
	}
	t.Skipf("%s is no tool of this machine: %v", name, missing)
}

// awsEnvironment is the environment of a tool of AWS's that is to know the
// emulator's default key pair and nothing of the machine's configuration.
func awsEnvironment(more ...string) []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "AWS_") && !strings.HasPrefix(entry, "BOTO_") && !strings.HasPrefix(entry, "RCLONE_") {
			kept = append(kept, entry)
		}
	}
	return append(append(kept, "AWS_ACCESS_KEY_ID="+ecstest.DefaultAccessKeyID, "AWS_SECRET_ACCESS_KEY="+ecstest.DefaultSecretAccessKey,
		"AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=*", "no_proxy=*"), more...)
}

// tool is a program and how it is called. It is killed after timeout, so that
// none waits for ever, be it on a mount.
type tool struct {
	t       *testing.T
	command []string // and the arguments that all calls begin with
	env     []string
	stdin   string
}

const toolTimeout = time.Minute

// run returns what the tool says on its standard output. It must succeed.
func (c tool) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// try returns what the tool says, and its standard error as the error.
func (c tool) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), toolTimeout)
	defer cancel()
	all := slices.Concat(c.command, args)
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Env, cmd.Stdin, cmd.WaitDelay = c.env, strings.NewReader(c.stdin), 5*time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %q: %w\n%s%s", filepath.Base(all[0]), args, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String(), nil
}

// startServer starts a server whose pages are short, so that tools turn them.
func startServer(t *testing.T) *ecstest.Server {
	s := ecstest.NewUnstartedServer()
	s.PageSize = 7
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// tree is a folder's files: bytes by path.
type tree map[string]string

// newTree has files of many names, an empty one and one of 12 MiB and a bit.
func newTree() tree {
	random := rand.NewChaCha8([32]byte{1})
	big := make([]byte, 12<<20+345)
	_, _ = random.Read(big)
	files := tree{"big": string(big), "empty": "", "a b+c.txt": "blanks and a plus", "größer/Ωμέγα": "not ASCII",
		"per%20cent/50%": "percents", "deep/er/and/deeper": "down", "quote's & \"more\";x=y?z#": "reserved"}
	for i := range 20 {
		files[fmt.Sprintf("many/%02d", i)] = strings.Repeat("x", i)
	}
	return files
}

func (files tree) write(t *testing.T, folder string) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// compare fails the test unless folder has these files and no others.
func (files tree) compare(t *testing.T, folder string) {
	t.Helper()
	missing := maps.Clone(files)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		data, err := os.ReadFile(path)
		if want, ok := missing[name]; !ok {
			t.Errorf("%s is new", name)
		} else if want != string(data) {
			t.Errorf("%s has %d bytes, other than the %d that were stored", name, len(data), len(want))
		}
		delete(missing, name)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("%s is missing", name)
	}
}

// lines are the lines of a text in order, without blanks at their ends.
func lines(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return slices.Sorted(slices.Values(all))
}
