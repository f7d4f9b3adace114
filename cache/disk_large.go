package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxTableBlocks bounds the table of one object, at 8 bytes each.
const maxTableBlocks = 1 << 20

// errDamaged: a file is not what it should be.
var errDamaged = errors.New("damaged")

// largeFile is an object of several blocks with its two files open: the data, which is as long as the
// object and has holes where no blocks are kept, and the table, which has the blocks' sums.
type largeFile struct {
	name   diskName
	size   int64
	blocks int64
	data   int   // descriptor
	direct int   // descriptor of the data past the page cache; -1 where the file system has no such thing
	table  int   // descriptor
	first  int64 // offset of the table's entries

	// Guarded by openFiles.mu.
	refs int  // those who use the descriptors
	pins int  // those of them who gave data away
	dead bool // removed from the directory: closed when refs is 0

	mu       sync.Mutex // guards all below
	sums     []uint32
	present  bitmap
	checked  bitmap // present, and written or checked by this process
	nPresent int64
	nChecked int64
}

// bitmap is a set of blocks.
type bitmap []uint64

func newBitmap(n int64) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) has(i int64) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bitmap) set(i int64, v bool) {
	b[i/64] &^= 1 << (i % 64)
	if v {
		b[i/64] |= 1 << (i % 64)
	}
}

// sumOf returns the sum of a block that is there.
func (f *largeFile) sumOf(block int64) (sum uint32, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sums[block], f.present.has(block)
}

// mark says what is known of a block.
func (f *largeFile) mark(block int64, sum uint32, present, checked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nPresent += count(present) - count(f.present.has(block))
	f.nChecked += count(checked) - count(f.checked.has(block))
	f.sums[block] = sum
	f.present.set(block, present)
	f.checked.set(block, checked)
}

func count(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// whole reports whether every block is there and known to be right.
func (f *largeFile) whole() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nChecked == f.blocks
}

func (f *largeFile) close() {
	unix.Close(f.data)
	unix.Close(f.direct)
	unix.Close(f.table)
}

// newLargeFile returns the file of h without descriptors and blocks.
func (d *Disk) newLargeFile(h *header, size int64) *largeFile {
	n := (size + d.opt.BlockSize - 1) / d.opt.BlockSize
	return &largeFile{
		name: h.name, size: size, blocks: n, data: -1, direct: -1, table: -1,
		first: (int64(len(h.bytes)) + 4 + 7) / 8 * 8, // behind the header and its sum
		sums:  make([]uint32, n), present: newBitmap(n), checked: newBitmap(n),
	}
}

// load opens the files of f and reads the table. They are errDamaged when they are not those of h.
func (d *Disk) load(f *largeFile, h *header) (err error) {
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	if f.table, err = d.openFile(f.name, tableSuffix, unix.O_RDWR); err != nil {
		return err
	}
	if f.data, err = d.openFile(f.name, dataSuffix, unix.O_RDWR); err != nil {
		if err == unix.ENOENT {
			return errDamaged
		}
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.data, &st); err != nil {
		return err
	}
	if st.Size != f.size || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errDamaged
	}
	f.direct = d.openDirect(f.name)
	table := make([]byte, f.first+f.blocks*entryBytes)
	n, err := preadFull(f.table, table, 0)
	if err != nil {
		return err
	}
	want := tableHeader(f, h)
	if n < len(want) || !bytes.Equal(table[:len(want)], want) {
		return errDamaged
	}
	for i := range f.blocks { // entries that are not there are zeros
		sum, present, damaged := entry(table[f.first+i*entryBytes:], f.name, i)
		if damaged {
			d.count.damaged.Add(1)
		}
		if present {
			f.mark(i, sum, true, false)
		}
	}
	return nil
}

// tableHeader returns what the table of f begins with.
func tableHeader(f *largeFile, h *header) []byte {
	b := make([]byte, f.first)
	n := copy(b, h.bytes)
	binary.LittleEndian.PutUint32(b[n:], h.sum(-1, b[:n]))
	return b
}

// create makes the files of f anew. The table comes last: without it there is nothing.
func (d *Disk) create(f *largeFile, h *header) (err error) {
	defer func() {
		if err != nil {
			f.close()
			d.unlink(f.name, true)
		}
	}()
	if f.data, err = d.createFile(f.name, dataSuffix); err != nil {
		return err
	}
	if err := unix.Ftruncate(f.data, f.size); err != nil {
		return err
	}
	f.direct = d.openDirect(f.name)
	if f.table, err = d.createFile(f.name, tempSuffix); err != nil {
		return err
	}
	if err := pwriteFull(f.table, tableHeader(f, h), 0); err != nil {
		return err
	}
	return unix.Renameat(d.dir, f.name.path(tempSuffix), d.dir, f.name.path(tableSuffix))
}

// readLarge reads the block k into p.
func (d *Disk) readLarge(k key, h *header, p []byte) bool {
	f := d.openLarge(k, h)
	if f == nil {
		return false
	}
	defer d.open.release(f)
	sum, ok := f.sumOf(k.block)
	if !ok {
		return false
	}
	n, err := preadFull(f.data, p, k.block*d.opt.BlockSize)
	if err != nil || n < len(p) || h.sum(k.block, p) != sum {
		d.count.damaged.Add(1)
		f.mark(k.block, 0, false, false)
		var none [entryBytes]byte
		// When this fails the block is found to be damaged again.
		_ = pwriteFull(f.table, none[:], f.first+k.block*entryBytes)
		return false
	}
	f.mark(k.block, sum, true, true)
	d.touch(h.name, tableSuffix)
	return true
}

// writeLarge keeps the block k.
func (d *Disk) writeLarge(k key, h *header, data []byte) error {
	need := pages(int64(len(data)))
	// One object may not push all others out, and then its own beginning.
	if has := d.index.pagesOf(h.name); (has+need)*pageBytes > d.opt.Size/2 {
		return errNoRoom
	}
	if has, _ := d.index.has(h.name); !has {
		need += pages(largeBytes(h, k.size, d.opt.BlockSize))
	}
	if !d.reserve(need) {
		return errNoRoom
	}
	f, err := d.openOrCreate(k, h)
	if err != nil {
		d.index.give(need)
		return err
	}
	defer d.open.release(f)
	if _, ok := f.sumOf(k.block); ok {
		d.index.give(need)
		return nil
	}
	sum := h.sum(k.block, data)
	var e [entryBytes]byte
	putEntry(e[:], f.name, k.block, sum)
	if err = f.writeData(data, k.block*d.opt.BlockSize); err == nil {
		err = pwriteFull(f.table, e[:], f.first+k.block*entryBytes)
	}
	if err != nil {
		d.index.give(need)
		return err
	}
	d.count.written.Add(int64(len(data)))
	f.mark(k.block, sum, true, true)
	lock := d.lockName(h.name) // what is counted is what the file has now, and it is this file
	defer lock.Unlock()
	if !d.open.knows(f) {
		d.index.give(need) // evicted meanwhile
		return nil
	}
	d.index.resize(h.name, d.allocated(f.data)+d.allocated(f.table), need)
	d.touch(h.name, tableSuffix)
	return nil
}

// directAlign is what offset, length and address of a write past the page cache must be multiples of: no device has
// larger logical blocks.
const directAlign = 4096

// writeData writes a block past the page cache where that can be. Through it, the kernel's copy took a third of
// the CPU of a cold cat, for bytes which it keeps as pages of the mount already.
func (f *largeFile) writeData(data []byte, off int64) error {
	aligned := uintptr(unsafe.Pointer(unsafe.SliceData(data)))%directAlign == 0 && len(data)%directAlign == 0 && off%directAlign == 0
	if f.direct >= 0 && aligned {
		if err := pwriteFull(f.direct, data, off); err != unix.EINVAL {
			return err
		}
	}
	return pwriteFull(f.data, data, off)
}

// largeBytes is what an object's table takes when all blocks are there.
func largeBytes(h *header, size, blockSize int64) int64 {
	return int64(len(h.bytes)) + 12 + (size+blockSize-1)/blockSize*entryBytes
}
