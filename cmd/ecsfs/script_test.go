package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

func TestMain(m *testing.M) {
	testscript.Main(privateCache{m}, map[string]func(){"ecsfs": func() { os.Exit(run(os.Args)) }})
}

// privateCache runs the tests with a disk cache of their own, not the user's.
type privateCache struct{ *testing.M }

func (m privateCache) Run() int {
	dir, err := os.MkdirTemp("", "ecsfs-test-cache")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("ECSFS_CACHE_DIR", dir)
	return m.M.Run()
}

// TestScript runs the scripts of use in testdata/script. Beside the commands of
// testscript they have:
//
//	emulator [-page N] [-skew DURATION] [-tls FILE] [-nodes ADDRESS,...] [-maintenance]
//	                                      start an ECS, and point ECSFS_ENDPOINT and the key pair at it; FILE gets its certificate
//	bucket NAME [SEARCHKEY...]            make a bucket
//	versioning BUCKET                     keep what is overwritten in it
//	put BUCKET KEY FILE [NAME=VALUE...]   put an object with metadata; "modified" and "type" are its own
//	fault OPERATION FROM STATUS CODE      answer requests of OPERATION from number FROM on with an error
//	deaf                                  listen, never answer, and name it in DEAF
//	requests [OPERATION=N...]             so many requests came in since the last "requests", and none of another kind
//	exits STATUS PROGRAM [ARG...]         run a program that must end with STATUS
//	get FILE                              send GET to the URL in FILE, and print the status, the content type and the body
//	await PROGRAM [ARG...]                run a program again and again until it ends with 0
//
// The condition [mount] holds where FUSE mounts are possible. With
// ECSFS_REQUIRE_MOUNT set it always holds, so that the script fails instead.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Condition: func(name string) (bool, error) {
			switch name {
			case "mount":
				return canMount(), nil
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"emulator": cmdEmulator, "bucket": cmdBucket, "versioning": cmdVersioning, "put": cmdPut, "fault": cmdFault,
			"deaf": cmdDeaf, "requests": cmdRequests, "exits": cmdExits, "await": cmdAwait, "get": cmdGet,
		},
	})
}

// canMount reports whether this machine and user can mount.
var canMount = sync.OnceValue(func() bool {
	if os.Getenv("ECSFS_REQUIRE_MOUNT") != "" {
		return true
	}
	dir, err := os.MkdirTemp("", "ecsfs-can-mount")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	server := ecstest.NewUnstartedServer()
	server.Start()
	defer server.Close()
	cmd := exec.Command("ecsfs", "mount", "--endpoint", server.URL, dir, "--", "true")
	cmd.Env = append(os.Environ(), keyPair...)
	return cmd.Run() == nil
})

var keyPair = []string{"ECSFS_ACCESS_KEY_ID=" + ecstest.DefaultAccessKeyID, "ECSFS_SECRET_ACCESS_KEY=" + ecstest.DefaultSecretAccessKey}

// setupScript makes every script start from the same environment, and lets none
// leave a mount behind.
func setupScript(env *testscript.Env) error {
	env.Setenv("TZ", "UTC")
	env.Setenv("LC_ALL", "C.UTF-8")
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true") // the test has no role, wherever it runs
	env.Setenv("HOME", env.WorkDir)
	env.Values[emulatorKey{}] = &scriptEmulator{}
	env.Defer(func() {
		all, err := mounts()
		if err != nil {
			env.T().Fatal(err)
		}
		left := ""
		for _, m := range all {
			if strings.HasPrefix(m.Dir, env.WorkDir+"/") {
				left += " " + m.Dir
				if err := unmount(m.Dir, true); err != nil {
					env.T().Log(err)
				}
			}
		}
		if left != "" {
			env.T().Fatal("left mounted:" + left)
		}
	})
	return nil
}

type emulatorKey struct{}

// scriptEmulator is the ECS of one script; nil until the script starts it.
type scriptEmulator struct{ *ecstest.Server }

func emulatorOf(ts *testscript.TestScript) *scriptEmulator {
	return ts.Value(emulatorKey{}).(*scriptEmulator)
}

func cmdEmulator(ts *testscript.TestScript, neg bool, args []string) {
	server, certificate := ecstest.NewUnstartedServer(), ""
	server.Logf = func(string, ...any) {} // what clients do wrong is what scripts are about
	for ; len(args) > 0; args = args[min(2, len(args)):] {
		if len(args) == 1 && args[0] != "-maintenance" {
			ts.Fatalf("%s without a value", args[0])
		}
		switch args[0] {
		case "-maintenance":
			server.SetMaintenance(true)
		case "-nodes":
			server.DataNodes = strings.Split(args[1], ",")
		case "-page":
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			server.PageSize = n
		case "-skew":
			skew, err := time.ParseDuration(args[1])
			ts.Check(err)
			server.Now = func() time.Time { return time.Now().Add(skew) }
		case "-tls":
			certificate = ts.MkAbs(args[1])
		default:
			ts.Fatalf("emulator has no option %s", args[0])
		}
	}
	if certificate == "" {
		server.Start()
	} else {
		server.StartTLS()
		ts.Check(os.WriteFile(certificate, server.Certificate, 0o644))
	}
	ts.Defer(server.Close)
	emulatorOf(ts).Server = server
	ts.Setenv("ECSFS_ENDPOINT", server.URL)
	for _, assignment := range keyPair {
		name, value, _ := strings.Cut(assignment, "=")
		ts.Setenv(name, value)
	}
}

func cmdBucket(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(emulatorOf(ts).CreateBucket(args[0], args[1:]...))
}

func cmdVersioning(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(emulatorOf(ts).SetVersioning(args[0], true))
}

func cmdPut(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: put BUCKET KEY FILE [NAME=VALUE...]")
	}
	o := ecstest.PutOptions{Metadata: map[string]string{}}
	for _, assignment := range args[3:] {
		name, value, _ := strings.Cut(assignment, "=")
		switch name {
		case "modified":
			t, err := time.Parse(time.RFC3339, value)
			ts.Check(err)
			o.LastModified = t
		case "type":
			o.ContentType = value
		default:
			o.Metadata[name] = value
		}
	}
	key := strings.ReplaceAll(args[1], `\n`, "\n") // a line of a script holds no newline
	ts.Check(emulatorOf(ts).PutObject(args[0], key, []byte(ts.ReadFile(args[2])), o))
}

func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: fault OPERATION FROM STATUS CODE")
	}
	from, err := strconv.Atoi(args[1])
	ts.Check(err)
	status, err := strconv.Atoi(args[2])
	ts.Check(err)
	var mu sync.Mutex // guards n: requests run at once
	n := 0
	emulatorOf(ts).SetIntercept(func(w http.ResponseWriter, _ *http.Request, r ecstest.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.Operation != args[0] {
			return false
		}
		if n++; n < from {
			return false
		}
		w.WriteHeader(status)
		w.Write([]byte("<Error><Code>" + args[3] + "</Code><Message>as the script asked</Message></Error>"))
		return true
	})
}

func cmdDeaf(ts *testscript.TestScript, neg bool, args []string) {
	// The kernel takes connections; nobody accepts them.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
	ts.Setenv("DEAF", "http://"+listener.Addr().String())
}

func cmdRequests(ts *testscript.TestScript, neg bool, args []string) {
	e := emulatorOf(ts)
	got := e.Counts()
	e.ResetRequests()
	if len(args) == 0 {
		return
	}
	want := map[string]int{}
	for _, assignment := range args {
		name, value, _ := strings.Cut(assignment, "=")
		n, err := strconv.Atoi(value)
		ts.Check(err)
		want[name] = n
	}
	for name, n := range got {
		if want[name] != n {
			ts.Fatalf("%d requests %s, want %d; all: %v", n, name, want[name], got)
		}
	}
	for name, n := range want {
		if got[name] != n {
			ts.Fatalf("%d requests %s, want %d; all: %v", got[name], name, n, got)
		}
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s ended with status %d, want %d", args[1], got, want)
	}
}

func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: get FILE")
	}
	resp, err := http.Get(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n%s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if (err == nil) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: not within 20 seconds: %v", strings.Join(args, " "), err)
		}
	}
}
