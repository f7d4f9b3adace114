package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// emulator is the serve process of a run.
type emulator struct {
	served
	cmd *exec.Cmd
}

// startEmulator starts a process that serves data sets.
func startEmulator(self string, sets []string, smoke bool, log io.Writer) (*emulator, error) {
	args := []string{"serve", "--sets", strings.Join(sets, ",")}
	if smoke {
		args = append(args, "--smoke")
	}
	e := &emulator{cmd: exec.Command(self, args...)}
	e.cmd.Stderr = log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(out).Decode(&e.served); err != nil {
		e.end()
		return nil, fmt.Errorf("the emulator did not start: %w", err)
	}
	return e, nil
}

func (e *emulator) end() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM) // gone already, if that fails
	_ = e.cmd.Wait()                          // its status says nothing more
}

// post sends a command of the control address.
func (e *emulator) post(path string) error {
	res, err := http.Post(e.Control+path, "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("emulator: %s: %s", path, res.Status)
	}
	return nil
}

func (e *emulator) setLatency(d time.Duration) error {
	return e.post("/latency?d=" + url.QueryEscape(d.String()))
}

func (e *emulator) readings() (readings, error) {
	var r readings
	res, err := http.Get(e.Control + "/readings")
	if err != nil {
		return r, err
	}
	defer res.Body.Close()
	return r, json.NewDecoder(res.Body).Decode(&r)
}

// measure runs one command, whose output reads checks, and tells everything
// about it. A wrong answer is in Failed; the error is one of the bench itself.
func (e *emulator) measure(ctx context.Context, s *session, st step, args []string, d dataset, limit time.Duration) (result, error) {
	var r result
	pid := s.pid()
	if pid != 0 {
		if err := resetPeak(pid); err != nil {
			return r, err
		}
	}
	before := s.stats()
	if err := e.post("/reset"); err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out := &outputReader{sums: st.Reads == readCounts}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if st.Reads != readNothing {
		cmd.Stdout = out
	}

	cpu, server, machine, own := cpuOf(pid), cpuOf(e.cmd.Process.Pid), machineCPU(), cpuOf(os.Getpid())
	start := time.Now()
	out.start = start
	runErr := cmd.Run()
	elapsed := time.Since(start).Seconds()
	r.Seconds = elapsed
	if pid != 0 {
		r.CPU = cpuOf(pid) - cpu
	}
	r.ServerCPU = cpuOf(e.cmd.Process.Pid) - server
	commandCPU := 0.0
	if cmd.ProcessState != nil {
		commandCPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	}
	if pid == 0 {
		r.CPU = commandCPU
		commandCPU = 0
	}
	foreign := machineCPU() - machine - r.CPU - r.ServerCPU - commandCPU - (cpuOf(os.Getpid()) - own)
	r.Foreign = math.Round(100*max(foreign, 0)/max(elapsed, 0.02)) / 100
	if pid != 0 {
		r.PeakKiB = peakOf(pid)
	} else if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.PeakKiB = u.Maxrss
	}
	var err error
	if r.Server, err = e.readings(); err != nil {
		return r, err
	}
	r.Stats = raised(before, s.stats())
	r.FirstLine = out.first.Seconds()
	r.Done, r.Expected = out.lines, st.expected(d)
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		r.TimedOut = true
		return r, nil
	case ctx.Err() != nil:
		return r, ctx.Err()
	case runErr != nil:
		r.Failed = fmt.Sprintf("%v: %.200s", runErr, complaint.String())
		return r, nil
	}
	fig, err := st.check(out, d)
	if err != nil {
		r.Failed = err.Error()
		return r, nil
	}
	if st.Reads == readFigure {
		r.Seconds, r.Open, r.Bytes, r.Done, r.Expected = fig.Seconds, fig.Open, fig.Bytes, fig.Done, fig.Done
	}
	return r, nil
}

// raised returns by how much counters rose, those that did.
func raised(before, after map[string]int64) map[string]int64 {
	up := map[string]int64{}
	for name, v := range after {
		if d := v - before[name]; d > 0 {
			up[name] = d
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up
}
