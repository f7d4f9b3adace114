package cache

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ecsfs/ecsfs/search"
)

// diskRef returns an object of so many bytes, and them.
func diskRef(name string, size int64) (search.Ref, []byte) {
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", name))))
	_, _ = r.Read(data)
	return search.Ref{Bucket: "b", Key: name, ETag: fmt.Sprintf("%x", hashOf(name)), Size: size}, data
}

// diskKey returns the key of a block.
func diskKey(ref search.Ref, block int64) key {
	return key{kind: kindBlock, bucket: ref.Bucket, object: ref.Key, version: ref.VersionID, etag: ref.ETag, size: ref.Size, block: block}
}

func mustOpenDisk(t testing.TB, o DiskOptions) *Disk {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	d, err := OpenDisk(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	waitFor(t, "the scan", d.index.isComplete)
	return d
}

// BenchmarkDiskRead reads blocks that are in the page cache, checked.
func BenchmarkDiskRead(b *testing.B) {
	for _, size := range []int64{4 << 10, 64 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d := mustOpenDisk(b, DiskOptions{Size: 1 << 30})
			ref, data := diskRef("x", size)
			blocks := (size + DefaultBlockSize - 1) / DefaultBlockSize
			for i := range blocks {
				d.keep(diskWrite{diskKey(ref, i), data[i*DefaultBlockSize : min((i+1)*DefaultBlockSize, size)], func() {}})
			}
			p := make([]byte, min(size, DefaultBlockSize))
			b.SetBytes(int64(len(p)))
			i := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				if !d.read(diskKey(ref, i), p) {
					b.Fatal("not there")
				}
				i = (i + 1) % blocks
			}
		})
	}
}

// BenchmarkDiskWrite writes small objects and blocks of a large one by one writer.
func BenchmarkDiskWrite(b *testing.B) {
	for _, size := range []int64{4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint("object-", size), func(b *testing.B) {
			d := mustOpenDisk(b, DiskOptions{Size: 1 << 30})
			ref, data := diskRef("x", size)
			b.SetBytes(size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ref.Key = fmt.Sprint(i)
				d.keep(diskWrite{diskKey(ref, 0), data, func() {}})
			}
		})
	}
	b.Run("block", func(b *testing.B) {
		d := mustOpenDisk(b, DiskOptions{Size: 1 << 30})
		ref, data := diskRef("x", DefaultBlockSize)
		const blocks = 256
		ref.Size = blocks * DefaultBlockSize
		b.SetBytes(DefaultBlockSize)
		for i := int64(0); b.Loop(); i++ {
			ref.Key = fmt.Sprint(i / blocks)
			d.keep(diskWrite{diskKey(ref, i%blocks), data, func() {}})
		}
	})
}
