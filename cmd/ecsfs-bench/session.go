package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// session is a client that is ready: its process and its mount, if it has them.
type session struct {
	client client
	places places
	root   string // the directory that the jobs see
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	log    *os.File
}

// mountLimit is how long a client may take to mount, and to end.
const mountLimit = 20 * time.Second

// begin starts a client with a cold kernel cache, and whatever is in p.cache.
func begin(ctx context.Context, p places, c client) (*session, error) {
	s := &session{client: c, places: p}
	if !c.mounts() {
		s.root = strings.Join(c.Args, "") // of local files
		if s.root == "{disk}" {
			s.root = p.disk
		}
		return s, p.dropCaches()
	}
	s.root = p.mount
	for _, dir := range []string{p.mount, p.cache} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	name, args := p.command(c)
	log, err := os.OpenFile(filepath.Join(p.work, c.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s.log = log
	s.cmd = exec.Command(name, args...) // not bound to ctx: end stops it, after the unmount
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = p.environment(), log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := s.cmd.Start(); err != nil {
		_ = log.Close()
		return nil, err
	}
	s.ended = make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	if err := s.waitMounted(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	if err := p.dropCaches(); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// dropCaches has the next job begin with cold caches. A smoke run, whose figures
// nobody reads, does without where the machine does not allow it.
func (p places) dropCaches() error {
	if err := dropCaches(); err != nil && !p.smoke {
		return err
	}
	return nil
}

func (s *session) waitMounted(ctx context.Context) error {
	limit := time.After(mountLimit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !mounted(s.places.mount) {
		select {
		case <-tick.C:
		case <-s.ended:
			return fmt.Errorf("%s ended at once: see %s", s.client.Name, s.log.Name())
		case <-limit:
			return fmt.Errorf("%s did not mount within %s", s.client.Name, mountLimit)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pid is the client's process; 0 when there is none.
func (s *session) pid() int {
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// end unmounts and ends the client, whatever it takes.
func (s *session) end() error {
	if s.cmd == nil {
		return nil
	}
	defer s.log.Close()
	for range 20 { // a job's last process may still be about to close its files
		if err := syscall.Unmount(s.places.mount, 0); err != syscall.EBUSY {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if mounted(s.places.mount) {
		_ = syscall.Unmount(s.places.mount, syscall.MNT_DETACH)
	}
	for _, signal := range []syscall.Signal{0, syscall.SIGTERM, syscall.SIGKILL} {
		if signal != 0 {
			_ = syscall.Kill(-s.pid(), signal)
		}
		select {
		case <-s.ended:
			if mounted(s.places.mount) {
				return syscall.Unmount(s.places.mount, syscall.MNT_DETACH)
			}
			return nil
		case <-time.After(mountLimit / 2):
		}
	}
	return fmt.Errorf("process %d of %s cannot be ended", s.pid(), s.client.Name)
}

// fill puts a step's paths into its arguments.
func (s *session) fill(args []string, d dataset, seed uint64, smoke bool) []string {
	r := strings.NewReplacer("{dir}", s.client.dir(s.root, d), "{file}", s.client.file(s.root, d),
		"{seed}", strconv.FormatUint(seed, 10), "{self}", s.places.self)
	var filled []string
	for _, a := range args {
		filled = append(filled, r.Replace(a))
	}
	if args[0] == "{self}" && args[1] != "mix" {
		set := []string{"--set", d.Name}
		if smoke {
			set = append(set, "--smoke")
		}
		filled = append(filled[:2:2], append(set, filled[2:]...)...)
	}
	return filled
}

// stats reads the counters of a mount of ecsfs.
func (s *session) stats() map[string]int64 {
	if s.client.Kind != kindECSFS {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(s.root, "@stats"))
	if err != nil {
		return nil
	}
	counters := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 {
			if v, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				counters[f[0]] = v
			}
		}
	}
	return counters
}
