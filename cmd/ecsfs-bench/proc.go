package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ticks is how many of the units of /proc/PID/stat are a second: USER_HZ, which
// Linux has fixed at 100 for programs.
const ticks = 100

// cpuOf returns the seconds of CPU that a process has used, its threads
// included; 0 when it is gone.
func cpuOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything; utime and stime are the
	// twelfth and thirteenth field behind it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(fields[11], 64) // the kernel writes numbers
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticks
}

// machineCPU returns the seconds that all processors together were busy.
func machineCPU() float64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	busy := 0.0
	for i, f := range strings.Fields(line)[1:] {
		// user nice system idle iowait irq softirq steal; what follows is in user already
		if v, err := strconv.ParseFloat(f, 64); err == nil && i != 3 && i != 4 && i < 8 {
			busy += v / ticks
		}
	}
	return busy
}

// resetPeak has the kernel begin anew with the peak of a process's memory.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// peakOf returns the most memory that a process has had since resetPeak, in KiB.
func peakOf(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) > 1 && f[0] == "VmHWM:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64) // the kernel writes a number
			return kib
		}
	}
	return 0
}

// dropCaches empties the kernel's caches of pages, names and inodes. Only root may.
func dropCaches() error {
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}

// mounted reports whether something is mounted on dir.
func mounted(dir string) bool {
	text, err := os.ReadFile("/proc/self/mountinfo")
	return err == nil && bytes.Contains(text, []byte(" "+dir+" "))
}
