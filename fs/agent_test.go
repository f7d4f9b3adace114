package fs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// agent is one other process that does many things in a mount, one after the
// other: a test must not touch its own mount, and a process for each call takes long.
type agent struct {
	t   testing.TB
	in  *json.Encoder
	out *json.Decoder
	dir string // of the bucket
}

// agentCall is what the agent is asked for: an operation on a path below the bucket.
type agentCall struct {
	// "stat" (follows links), "list", "read", "link"; "hold" opens a file, which stays open until
	// the next hold, and "held" reads its byte at At; "walk" lists all files below a directory
	// and what is in them; "create", "mkdir", "remove", "truncate"; a way of readWays reads
	// up to Len bytes at At.
	Op   string
	Path []byte
	At   int64
	Len  int
}

// agentAnswer is what came of it.
type agentAnswer struct {
	Errno string   // "ENOENT"; empty: it went well
	Names [][]byte // list: in the order of the directory, up to the error; walk: paths
	Files [][]byte // walk: the bytes of each
	Data  []byte   // read, held: the bytes, up to the error; link: the target
	Mode  os.FileMode
	Size  int64
	Ino   uint64
}

const agentEnv = "ECSFS_TEST_AGENT"

// newAgent starts an agent, which ends with the test.
func newAgent(w *world) *agent {
	w.t.Helper()
	exe, err := os.Executable()
	check(w.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	cmd := w.command(ctx, exe)
	// The runtime's own signals would interrupt calls at random, which are then made again, and counted twice.
	cmd.Env = append(cmd.Env, agentEnv+"="+w.dir+"/b", "GODEBUG=asyncpreemptoff=1")
	cmd.Stderr = w.log
	in, err := cmd.StdinPipe()
	check(w.t, err)
	out, err := cmd.StdoutPipe()
	check(w.t, err)
	check(w.t, cmd.Start())
	w.t.Cleanup(func() {
		in.Close()
		var status *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &status) {
			w.t.Error(err)
		}
		cancel()
	})
	return &agent{t: w.t, in: json.NewEncoder(in), out: json.NewDecoder(out), dir: w.dir + "/b"}
}

func (a *agent) do(op, path string) agentAnswer {
	a.t.Helper()
	return a.call(agentCall{Op: op, Path: []byte(path)})
}

func (a *agent) call(c agentCall) (answer agentAnswer) {
	a.t.Helper()
	check(a.t, a.in.Encode(c))
	if err := a.out.Decode(&answer); err != nil {
		a.t.Fatalf("%s %q: the agent is gone: %v", c.Op, c.Path, err)
	}
	return answer
}

// list returns the names of a directory, in its order.
func (a *agent) list(path string) (names []string, errno string) {
	a.t.Helper()
	answer := a.do("list", path)
	names = []string{}
	for _, n := range answer.Names {
		names = append(names, string(n))
	}
	return names, answer.Errno
}

func (a *agent) stat(path string) (errno string) {
	a.t.Helper()
	return a.do("stat", path).Errno
}

// read returns the bytes of a file, which must be readable.
func (a *agent) read(path string) string {
	a.t.Helper()
	answer := a.do("read", path)
	if answer.Errno != "" {
		a.t.Errorf("reading %q: %s", path, answer.Errno)
	}
	return string(answer.Data)
}

// serveAgent is what the other process does: calls on stdin, answers on stdout.
func serveAgent(dir string) {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var held *os.File
	for {
		var call agentCall
		if err := in.Decode(&call); err != nil {
			return
		}
		if err := out.Encode(call.do(dir, &held)); err != nil {
			return
		}
	}
}

func (c agentCall) do(dir string, held **os.File) (answer agentAnswer) {
	path := strings.TrimSuffix(dir+"/"+string(c.Path), "/")
	var err error
	defer func() {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			if answer.Errno = unix.ErrnoName(errno); errno == syscall.EOPNOTSUPP { // ENOTSUP is the same number
				answer.Errno = "EOPNOTSUPP"
			}
		} else if err != nil {
			answer.Errno = err.Error()
		}
	}()
	switch c.Op {
	case "stat":
		var info os.FileInfo
		if info, err = os.Stat(path); err == nil {
			answer.Mode, answer.Size, answer.Ino = info.Mode(), info.Size(), info.Sys().(*syscall.Stat_t).Ino
		}
	case "link":
		var target string
		target, err = os.Readlink(path)
		answer.Data = []byte(target)
	case "list", "read":
		var f *os.File
		if f, err = os.Open(path); err != nil {
			return answer
		}
		defer f.Close()
		if c.Op == "read" {
			answer.Data, err = io.ReadAll(f)
			return answer
		}
		var names []string
		names, err = f.Readdirnames(-1)
		for _, n := range names {
			answer.Names = append(answer.Names, []byte(n))
		}
	case "walk":
		err = filepath.WalkDir(path, func(name string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			answer.Names = append(answer.Names, []byte(strings.TrimPrefix(name, path+"/")))
			answer.Files = append(answer.Files, data)
			return err
		})
	case "hold":
		(*held).Close() // nil at first, which Close takes
		*held, err = os.Open(path)
	case "held":
		answer.Data = make([]byte, 1)
		_, err = (*held).ReadAt(answer.Data, c.At)
	case "create":
		err = os.WriteFile(path, nil, 0o600)
	case "mkdir":
		err = os.Mkdir(path, 0o700)
	case "remove":
		err = syscall.Unlink(path)
	case "truncate":
		err = os.Truncate(path, 0)
	default:
		read, ok := readWays[c.Op]
		if !ok {
			err = errors.New("no such operation: " + c.Op)
			break
		}
		answer.Data, err = read(path, c.At, c.Len)
	}
	return answer
}
