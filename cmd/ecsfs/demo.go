package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// The demo's store puts fewer objects on a page than ECS does, and the demo
// allows fewer pages, so that a search can be seen to be too broad.
const (
	demoPageSize   = 100
	demoMaxPages   = 10
	folderPageSize = 1000 // for files of the user's own, as ECS
)

func demoCommand(inv *invocation) *cli.Command {
	store, mo, from := defaultStoreOptions(), defaultMountOptions(), ""
	store.MaxPages = demoMaxPages
	return &cli.Command{
		Name:      "demo",
		Usage:     "try ecsfs without an ECS: a store in memory, filled, mounted, and what to type",
		ArgsUsage: "[options] [DIR] [-- COMMAND...]",
		Description: `Starts a store in memory, fills it with about 2,000 objects (log files, invoices, sensor
readings, pictures), mounts it on DIR, or on a directory of its own, and prints what to try.
Ctrl-C ends it; nothing is left behind.

  ecsfs demo
  ecsfs demo --from ~/Documents            (your own files instead, with metadata made from them)
  ecsfs demo -- sh -c 'ls "$ECSFS_MOUNT"/acme/status,eq,overdue'

With "-- COMMAND" it runs COMMAND with ECSFS_MOUNT set, and with ECSFS_ENDPOINT and a key pair so
that other commands of ecsfs find the store; then it exits with the command's status.`,
		Flags: slices.Concat([]cli.Flag{fromFlag(&from)}, mo.flags(), store.searchFlags(), store.limitFlags(), store.logFlags()),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			if from != "" && !c.IsSet("max-pages") {
				store.MaxPages = defaultStoreOptions().MaxPages
			}
			run := demoRun{c: c, from: from, store: &store, mount: &mo}
			return run.run(append(args, "")[0], inv.Command)
		},
	}
}

// fromFlag is the flag that names a folder to load instead of the demo data.
func fromFlag(from *string) cli.Flag {
	return &cli.StringFlag{Name: "from", Destination: from, Usage: "load the files of `DIR`; their metadata is made from them: ext, type, lines, depth, modified"}
}

// demoRun is one run of the demo.
type demoRun struct {
	c     *cli.Context
	from  string // a folder, or "" for the demo data
	store *storeOptions
	mount *mountOptions
}

// run mounts a store in memory on dir, or on a directory of its own when dir
// is "", and runs command with it, or tells what to try until the context ends.
func (d *demoRun) run(dir string, command []string) (err error) {
	cleanUp := func(f func() error) {
		if cleanErr := f(); cleanErr != nil && !errors.Is(cleanErr, os.ErrNotExist) {
			err = errors.Join(err, cleanErr)
		}
	}
	var cmd *exec.Cmd
	if command != nil {
		if cmd, err = findCommand(command); err != nil {
			return err
		}
	}
	if dir == "" {
		if dir, err = makeDemoDir(); err != nil {
			return err
		}
		defer cleanUp(func() error { return os.Remove(dir) })
	}
	errw := d.c.App.ErrWriter
	buckets, err := loadData(errw, d.from, time.Now())
	if err != nil {
		return err
	}

	server := ecstest.NewUnstartedServer()
	server.RecordLimit = -1 // nobody asks what was requested
	server.SecretAccessKey, server.PageSize = ecstest.DefaultSecretAccessKey, demoPageSize
	if d.from != "" {
		// Whoever knows the pair reads the files through the loopback interface.
		server.SecretAccessKey, server.PageSize = randomSecret(), folderPageSize
	}
	if err := fill(server, buckets); err != nil {
		return err
	}
	server.Start()
	defer server.Close()

	env := []string{"ECSFS_ENDPOINT=" + server.URL, "ECSFS_ACCESS_KEY_ID=" + ecstest.DefaultAccessKeyID, "ECSFS_SECRET_ACCESS_KEY=" + server.SecretAccessKey}
	if err := setenv(env); err != nil { // connect takes the pair from where users give it
		return err
	}
	d.store.Endpoint = server.URL
	client, err := connect(d.c.Context, d.store)
	if err != nil {
		return err
	}
	m, err := mountStore(client, dir, d.store, d.mount, nil) // its store is in memory already
	if err != nil {
		return err
	}
	defer m.close()
	if cmd != nil {
		return m.runCommand(cmd, errw)
	}

	envFile, err := writeEnvFile(env)
	if err != nil {
		return errors.Join(err, m.unmount(errw))
	}
	defer cleanUp(func() error { return os.Remove(envFile) })
	guide := guide{Mount: m.Dir(), EnvFile: envFile, MaxResults: d.store.MaxPages * server.PageSize}
	guide.print(d.c.App.Writer, server.URL, buckets, d.from)
	fmt.Fprintf(errw, "ecsfs: the demo is mounted on %s (Ctrl-C ends it)\n", m.Dir())
	return m.serve(d.c.Context, errw)
}

// makeDemoDir makes the directory of a demo that was given none: ecsfs-demo in
// the directory for temporary files, or one beside it when that is in use. It
// takes away what a demo that was killed has left there.
func makeDemoDir() (string, error) {
	dir := filepath.Join(os.TempDir(), "ecsfs-demo")
	err := os.Mkdir(dir, 0o700)
	if !errors.Is(err, syscall.EEXIST) {
		return dir, err
	}
	var st unix.Statfs_t
	if errors.Is(unix.Statfs(dir, &st), unix.ENOTCONN) {
		if entry, mounted, err := mountedOn(dir); err == nil && mounted && entry.Type == fsType {
			if err := unmount(dir, true); err != nil {
				return "", fail(exitMount, "the dead mount of an earlier demo on %s cannot be removed: %w", dir, err)
			}
		}
	}
	// It fails for a live mount, and for what is not empty.
	if os.Remove(dir) == nil && os.Mkdir(dir, 0o700) == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "ecsfs-demo-")
}

// setenv sets variables of this process, and of its children.
func setenv(assignments []string) error {
	for _, assignment := range assignments {
		name, value, _ := strings.Cut(assignment, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// writeEnvFile writes a file that only its owner can read, for a shell to
// source: there "ecsfs" is then this program, and finds the store.
func writeEnvFile(env []string) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "ecsfs-demo-*.env") // with mode 0600
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, assignment := range env {
		name, value, _ := strings.Cut(assignment, "=")
		fmt.Fprintf(&text, "export %s=%s\n", name, shellQuote(value))
	}
	fmt.Fprintf(&text, "ecsfs() { %s \"$@\"; }\n", shellQuote(exe))
	_, err = f.WriteString(text.String())
	return f.Name(), errors.Join(err, f.Close())
}
