package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// host is what a run was made on: host.json beside the results.
type host struct {
	Date     string            `json:"date"`
	Kernel   string            `json:"kernel"`
	CPU      string            `json:"cpu"`
	CPUs     int               `json:"cpus"`
	Memory   string            `json:"memory"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"` // of the clients that were run
}

// lineOf returns what follows a name in a file of lines such as "model name : x".
func lineOf(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(strings.TrimLeft(rest, " \t:"))
		}
	}
	return ""
}

// thisHost describes the machine and the clients.
func thisHost(p places, chosen []client) host {
	h := host{Date: time.Now().UTC().Format(time.DateOnly), CPU: lineOf("/proc/cpuinfo", "model name"), CPUs: runtime.NumCPU(),
		Memory: lineOf("/proc/meminfo", "MemTotal"), Go: runtime.Version(), Versions: map[string]string{}}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		h.Kernel = strings.TrimSpace(string(text))
	}
	for _, c := range chosen {
		program := c.Program
		if c.Kind == kindECSFS {
			program = p.ecsfs
		}
		if program == "" || h.Versions[filepath.Base(program)] != "" {
			continue
		}
		argument := "--version"
		if c.Kind == kindECSFS {
			argument = "version"
		}
		if out, err := exec.Command(program, argument).CombinedOutput(); err == nil {
			first, _, _ := strings.Cut(string(out), "\n")
			h.Versions[filepath.Base(program)] = strings.TrimSpace(first)
		}
	}
	return h
}

func (h host) write(file string) error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func readHost(file string) (host, error) {
	var h host
	text, err := os.ReadFile(file)
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("%s: %w", file, err)
	}
	return h, nil
}
