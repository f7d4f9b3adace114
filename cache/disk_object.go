package cache

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// wholeBytes is how long the file of an object of one block is: its header, the content's sum, the content.
func wholeBytes(h *header, size int64) int64 { return int64(len(h.bytes)) + 4 + size }

// readWhole reads an object of one block into p.
func (d *Disk) readWhole(h *header, p []byte) bool {
	has, known := d.index.has(h.name)
	if known && !has {
		return false
	}
	fd, err := d.openFile(h.name, wholeSuffix, unix.O_RDONLY)
	if err != nil {
		if err == unix.ENOENT {
			d.index.remove(h.name) // removed by someone else
		} else {
			d.failed("open", err)
		}
		return false
	}
	defer unix.Close(fd)
	head := headers.Get().(*header)
	defer headers.Put(head)
	n := len(h.bytes) + 4
	head.bytes = append(head.bytes[:0], h.bytes...)
	head.bytes = append(head.bytes, 0, 0, 0, 0)
	got, err := again(func() (int, error) { return unix.Preadv(fd, [][]byte{head.bytes, p}, 0) })
	if err != nil {
		d.failed("read", err)
		return false
	}
	if got < n+len(p) || !bytes.Equal(head.bytes[:n-4], h.bytes) || binary.LittleEndian.Uint32(head.bytes[n-4:]) != h.sum(0, p) {
		d.count.damaged.Add(1)
		d.remove(h.name, false)
		return false
	}
	if !known {
		d.index.found(h.name, false, d.allocated(fd), d.now())
	}
	d.touch(h.name, wholeSuffix)
	return true
}

// writeWhole keeps an object of one block.
func (d *Disk) writeWhole(h *header, data []byte) (err error) {
	if has, _ := d.index.has(h.name); has {
		return nil
	}
	need := pages(wholeBytes(h, int64(len(data))))
	if !d.reserve(need) {
		return errNoRoom
	}
	lock := d.lockName(h.name)
	defer lock.Unlock()
	fd, err := d.createFile(h.name, tempSuffix)
	if err != nil {
		d.index.give(need)
		return err
	}
	head := headers.Get().(*header)
	defer headers.Put(head)
	head.bytes = binary.LittleEndian.AppendUint32(append(head.bytes[:0], h.bytes...), h.sum(0, data))
	var n int
	n, err = again(func() (int, error) { return unix.Pwritev(fd, [][]byte{head.bytes, data}, 0) })
	if err == nil && n < len(head.bytes)+len(data) {
		err = unix.ENOSPC
	}
	now := d.allocated(fd)
	unix.Close(fd)
	if err == nil {
		err = unix.Renameat(d.dir, h.name.path(tempSuffix), d.dir, h.name.path(wholeSuffix))
	}
	if err != nil {
		_ = unix.Unlinkat(d.dir, h.name.path(tempSuffix), 0)
		d.index.give(need)
		return err
	}
	d.index.add(h.name, false, now, need, d.now())
	d.count.written.Add(int64(len(data)))
	return nil
}
