package fs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

const readerEnv = "ECSFS_TEST_READER"

// readerPlan is what another process reads, and how.
type readerPlan struct {
	Dir, Scratch string
	Files        []readerFile
	Edges        int64 // offsets near its multiples are read often
	Seed         uint64
	Workers      int
	Opens        int           // of each worker
	Limit        time.Duration // after which no file is opened any more
}

// readerFile is a file, and every version that may be read of it.
type readerFile struct {
	Name     string
	Versions []ecstest.Generated
}

// readerReport is what came of a plan.
type readerReport struct {
	Opens, Bytes int64
	Reads        map[string]int64 // by method
	Errors       map[string]int64 // by errno
	Wrong        []string         // what must never be, the first few
}

// runReader carries a plan out in another process.
func runReader(w *world, plan readerPlan) (report readerReport) {
	w.t.Helper()
	plan.Dir, plan.Scratch = w.dir+"/b", w.t.TempDir()
	data, err := json.Marshal(plan)
	check(w.t, err)
	name := filepath.Join(plan.Scratch, "plan")
	check(w.t, writeFile(name, data))
	exe, err := os.Executable()
	check(w.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), plan.Limit+2*time.Minute)
	defer cancel()
	cmd := w.command(ctx, exe)
	cmd.Env = append(cmd.Env, readerEnv+"="+name, "GODEBUG=asyncpreemptoff=1") // see newAgent
	cmd.Stderr = w.log
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("the reader: %v\n%s", err, out)
	}
	check(w.t, json.Unmarshal(out, &report))
	for _, wrong := range report.Wrong {
		w.t.Error(wrong)
	}
	return report
}

// serveReader is what the other process does.
func serveReader(name string) {
	data, err := os.ReadFile(name)
	r := &reader{report: readerReport{Reads: map[string]int64{}, Errors: map[string]int64{}}}
	if err == nil {
		err = json.Unmarshal(data, &r.plan)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	end := time.Now().Add(r.plan.Limit)
	var workers sync.WaitGroup
	for i := range r.plan.Workers {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(r.plan.Seed, uint64(i)))
			for n := 0; n < r.plan.Opens && time.Now().Before(end); n++ {
				r.file(random, fmt.Sprintf("%s/%d", r.plan.Scratch, i))
			}
		})
	}
	workers.Wait()
	_ = json.NewEncoder(os.Stdout).Encode(r.report)
}

type reader struct {
	plan   readerPlan
	mu     sync.Mutex
	report readerReport // guarded by mu
}

func (r *reader) wrong(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.report.Wrong) < 10 {
		r.report.Wrong = append(r.report.Wrong, fmt.Sprintf(format, args...))
	}
}

func (r *reader) failed(err error) {
	name := err.Error()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		name = unix.ErrnoName(errno)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Errors[name]++
}

// file opens one file, reads parts of it and closes it: all of them must be of
// one version, the one whose size it has.
func (r *reader) file(random *rand.Rand, scratch string) {
	file := r.plan.Files[random.IntN(len(r.plan.Files))]
	flags := unix.O_RDONLY
	if random.IntN(4) == 0 {
		flags |= unix.O_DIRECT
	}
	fd, err := unix.Open(filepath.Join(r.plan.Dir, file.Name), flags, 0)
	if err != nil {
		r.failed(err)
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		r.failed(err)
		return
	}
	versions := slices.DeleteFunc(slices.Clone(file.Versions), func(g ecstest.Generated) bool { return g.Size != st.Size })
	if len(versions) == 0 {
		r.wrong("%s: %d bytes is the size of no version", file.Name, st.Size)
		return
	}
	o := &openFile{reader: r, name: file.Name, fd: fd, size: st.Size, versions: versions, direct: flags&unix.O_DIRECT != 0}
	readers := 1
	if random.IntN(3) == 0 {
		readers = 4
	}
	var done sync.WaitGroup
	for i := range readers {
		own := rand.New(rand.NewPCG(random.Uint64(), 0))
		done.Go(func() {
			at := int64(0)
			for range 1 + own.IntN(12) {
				at = o.some(own, fmt.Sprintf("%s.%d", scratch, i), at)
			}
		})
	}
	done.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Opens++
}

// openFile is one descriptor, which several goroutines read.
type openFile struct {
	*reader
	name   string
	fd     int
	size   int64
	direct bool // O_DIRECT

	versionsMu sync.Mutex
	versions   []ecstest.Generated // that all reads so far can be of; guarded by versionsMu
}

// method reads p from off on into p, as much as there is. What is short of p
// and of the end is an error.
type method struct {
	name string
	read func(o *openFile, p []byte, off int64, scratch string) (int, error)
}

var methods = []method{
	{"pread", func(o *openFile, p []byte, off int64, _ string) (int, error) {
		return o.whole(p, off, func(p []byte, off int64) (int, error) { return unix.Pread(o.fd, p, off) })
	}},
	{"preadv", func(o *openFile, p []byte, off int64, _ string) (int, error) {
		return o.whole(p, off, func(p []byte, off int64) (int, error) {
			third := len(p) / 3
			if o.direct {
				third = third / directUnit * directUnit
			}
			return unix.Preadv(o.fd, [][]byte{p[:third], p[third : 2*third], p[2*third:]}, off)
		})
	}},
	{"sendfile", func(o *openFile, p []byte, off int64, scratch string) (int, error) {
		return o.through(p, off, scratch, func(to int, n int, off int64) (int, error) { return unix.Sendfile(to, o.fd, &off, n) })
	}},
	// copy_file_range out of a FUSE mount is EXDEV in today's kernels: those who use it go on with another call.
	{"copy_file_range", func(o *openFile, p []byte, off int64, scratch string) (int, error) {
		return o.through(p, off, scratch, func(to int, n int, off int64) (int, error) {
			at := off
			moved, err := unix.CopyFileRange(o.fd, &at, to, nil, n, 0)
			if errors.Is(err, unix.EXDEV) {
				return unix.Sendfile(to, o.fd, &off, n)
			}
			return moved, err
		})
	}},
	{"splice", func(o *openFile, p []byte, off int64, _ string) (int, error) {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			return 0, err
		}
		defer unix.Close(pipe[0])
		defer unix.Close(pipe[1])
		return o.whole(p, off, func(p []byte, off int64) (int, error) {
			n, err := unix.Splice(o.fd, &off, pipe[1], nil, min(len(p), 4096), 0) // what a pipe has room for
			if err != nil || n == 0 {
				return 0, err
			}
			return unix.Read(pipe[0], p[:n])
		})
	}},
	{"mmap private", func(o *openFile, p []byte, off int64, _ string) (int, error) {
		return o.mapped(p, off, unix.MAP_PRIVATE)
	}},
	{"mmap shared", func(o *openFile, p []byte, off int64, _ string) (int, error) {
		return o.mapped(p, off, unix.MAP_SHARED)
	}},
}

// some reads one part, which may begin where the last one ended, and returns
// where it ended.
func (o *openFile) some(random *rand.Rand, scratch string, last int64) (end int64) {
	off := last
	near := func(at int64) int64 { return max(0, at+random.Int64N(9)-4) }
	switch random.IntN(6) {
	case 0:
		off = near(o.size)
	case 1, 2:
		off = near(o.plan.Edges * random.Int64N(o.size/o.plan.Edges+1))
	case 3:
		off = random.Int64N(o.size + 1)
	}
	lengths := []int{1, 7, 4096, 65536, 1 + random.IntN(300_000)}
	length := lengths[random.IntN(len(lengths))]
	if o.direct {
		off, length = off/directUnit*directUnit, (length+directUnit-1)/directUnit*directUnit
	}
	p := aligned(length)
	m := methods[random.IntN(len(methods))]
	n, err := m.read(o, p, off, scratch)
	o.check(m.name, p[:n], off)
	if err != nil {
		o.failed(err)
	} else if want := min(int64(len(p)), max(0, o.size-off)); int64(n) != want {
		o.wrong("%s: %s of %d bytes at %d gave %d and no error, want %d", o.name, m.name, len(p), off, n, want)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.report.Reads[m.name]++
	o.report.Bytes += int64(n)
	return off + int64(n)
}

// check strikes out the versions that have other bytes.
func (o *openFile) check(method string, p []byte, off int64) {
	want := make([]byte, len(p))
	o.versionsMu.Lock()
	defer o.versionsMu.Unlock()
	if len(o.versions) == 0 {
		return // that was told
	}
	before := len(o.versions)
	o.versions = slices.DeleteFunc(o.versions, func(g ecstest.Generated) bool {
		n, _ := g.ReadAt(want, off)
		return string(want[:n]) != string(p)
	})
	if len(o.versions) == 0 {
		o.wrong("%s: %s of %d bytes at %d is of none of the %d versions that the descriptor's bytes were of", o.name, method, len(p), off, before)
	}
}

// whole calls read until p is full or read gives nothing.
func (o *openFile) whole(p []byte, off int64, read func(p []byte, off int64) (int, error)) (n int, err error) {
	for n < len(p) {
		got, err := read(p[n:], off+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || got == 0 {
			return n, err
		}
		if n += got; o.direct && n%directUnit != 0 { // the end of the file
			return n, nil
		}
	}
	return n, nil
}

// directUnit is what offset, length and memory of O_DIRECT are multiples of: a local file that the kernel reads by itself
// has it so.
const directUnit = 4096

// aligned returns memory for O_DIRECT.
func aligned(n int) []byte {
	p := make([]byte, n+directUnit)
	past := int(uintptr(unsafe.Pointer(&p[0])) % directUnit)
	return p[directUnit-past:][:n]
}

// through has the kernel copy into an ordinary file, and reads that.
func (o *openFile) through(p []byte, off int64, scratch string, move func(to, n int, off int64) (int, error)) (n int, err error) {
	f, err := os.Create(scratch)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err = o.whole(p, off, func(p []byte, off int64) (int, error) { return move(int(f.Fd()), len(p), off) })
	if _, readErr := f.ReadAt(p[:n], 0); readErr != nil && readErr != io.EOF {
		return 0, readErr
	}
	return n, err
}

// errFault is what SIGBUS tells: the page could not be read.
var errFault = errors.New("SIGBUS")

// mapped maps the pages of p.
func (o *openFile) mapped(p []byte, off int64, flags int) (n int, err error) {
	n = int(min(int64(len(p)), o.size-off))
	if n <= 0 {
		return 0, nil
	}
	page := int64(os.Getpagesize())
	from := off / page * page
	m, err := unix.Mmap(o.fd, from, int(off-from)+n, unix.PROT_READ, flags)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Munmap(m) }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			n, err = 0, errFault
		}
	}()
	return copy(p, m[off-from:]), nil
}
