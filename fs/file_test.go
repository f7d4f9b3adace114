package fs_test

import (
	"bytes"
	"cmp"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// readWays are the ways in which a program reads up to n bytes of a file from off.
var readWays = map[string]func(path string, off int64, n int) ([]byte, error){
	"pread":       opened(os.O_RDONLY, pread),
	"direct":      opened(os.O_RDONLY|unix.O_DIRECT, pread),
	"readv":       opened(os.O_RDONLY, readv),
	"sendfile":    opened(os.O_RDONLY, sendfile),
	"splice":      opened(os.O_RDONLY, splice),
	"mmap":        opened(os.O_RDONLY, mapped(unix.MAP_PRIVATE)),
	"mmap shared": opened(os.O_RDONLY, mapped(unix.MAP_SHARED)),
	"random":      opened(os.O_RDONLY, random),
}

func opened(flags int, read func(f *os.File, off int64, n int) ([]byte, error)) func(string, int64, int) ([]byte, error) {
	return func(path string, off int64, n int) ([]byte, error) {
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		return read(f, off, int(min(int64(n), max(0, info.Size()-off))))
	}
}

func pread(f *os.File, off int64, n int) ([]byte, error) {
	p := make([]byte, n)
	got, err := f.ReadAt(p, off)
	return p[:got], err
}

// random is pread of who has said that he jumps: the kernel reads no more than is asked for.
func random(f *os.File, off int64, n int) ([]byte, error) {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		return nil, err
	}
	return pread(f, off, n)
}

func readv(f *os.File, off int64, n int) ([]byte, error) {
	p := make([]byte, n)
	got, err := unix.Preadv(int(f.Fd()), [][]byte{p[:n/3], p[n/3 : n/2], p[n/2:]}, off)
	return p[:max(got, 0)], err
}

func sendfile(f *os.File, off int64, n int) ([]byte, error) {
	to, err := os.CreateTemp("", "sendfile")
	if err != nil {
		return nil, err
	}
	defer to.Close()
	defer os.Remove(to.Name())
	for sent := 0; sent < n; {
		m, err := unix.Sendfile(int(to.Fd()), int(f.Fd()), &off, n-sent)
		if m <= 0 || err != nil {
			return nil, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		sent += m
	}
	return os.ReadFile(to.Name())
}

func splice(f *os.File, off int64, n int) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	defer w.Close()
	p := make([]byte, n)
	for got := 0; got < n; {
		m, err := unix.Splice(int(f.Fd()), &off, int(w.Fd()), nil, min(n-got, 4096), 0)
		if m <= 0 || err != nil {
			return nil, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		if _, err := io.ReadFull(r, p[got:got+int(m)]); err != nil {
			return nil, err
		}
		got += int(m)
	}
	return p, nil
}

func mapped(flags int) func(*os.File, int64, int) ([]byte, error) {
	return func(f *os.File, off int64, n int) ([]byte, error) {
		page := int64(os.Getpagesize())
		p, err := unix.Mmap(int(f.Fd()), off/page*page, n+int(off%page), unix.PROT_READ, flags)
		if err != nil {
			return nil, err
		}
		defer unix.Munmap(p)
		return bytes.Clone(p[off%page:]), nil
	}
}

// Whatever a program reads by, and wherever, the bytes are those of the object.
func TestBytesAreRightByWhateverWay(t *testing.T) {
	const size = 3<<20 + 12345
	w := newWorld(t, setup{})
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	ranges := [][2]int{{0, 1}, {0, 4096}, {0, size}, {1<<20 - 1, 2}, {1<<20 - 5000, 10000}, {128<<10 - 1, 3}, {2<<20 + 1, 1 << 20}, {size - 1, 1}, {size - 4096, 4096}, {size - 7, 100}}
	for range 10 {
		off := r.IntN(size)
		ranges = append(ranges, [2]int{off, 1 + r.IntN(size-off)})
	}
	for way := range readWays {
		w.put(way, string(data), "color", "red")
		a := newAgent(w)
		for _, x := range ranges {
			off, n := x[0], x[1]
			if way == "direct" { // from and to the edges of pages
				off, n = off&^4095, (n+4095)&^4095
			}
			got := a.call(agentCall{Op: way, Path: []byte("color,eq,red/" + way), At: int64(off), Len: n})
			want := data[off:min(off+n, size)]
			if got.Errno != "" || !bytes.Equal(got.Data, want) {
				t.Errorf("%s of %d bytes at %d: %d bytes %s, equal: %v", way, n, off, len(got.Data), got.Errno, bytes.Equal(got.Data, want))
			}
		}
	}
}
