package cache

const (
	// What waits to be written takes at most so many bytes, and so many blocks: more is dropped, so that no reader waits for the disk.
	maxQueuedBytes  = 32 << 20
	maxQueuedBlocks = 4096
	diskWriters     = 2
)

// diskWrite is a block that waits to be written.
type diskWrite struct {
	k    key
	data []byte
	done func()
}

// write implements tier.
func (d *Disk) write(k key, data []byte, done func()) {
	if !d.enqueue(diskWrite{k, data, done}) {
		d.count.dropped.Add(1)
		done()
	}
}

// enqueue hands w to a writer; false when it cannot be kept.
func (d *Disk) enqueue(w diskWrite) bool {
	if !d.mayKeep(w.k) || d.paused() {
		return false
	}
	d.queueMu.Lock()
	defer d.queueMu.Unlock()
	n := int64(len(w.data))
	if d.ended || d.queued+n > maxQueuedBytes {
		return false
	}
	select {
	case d.queue <- w:
		d.queued += n
		return true
	default:
		return false
	}
}

// writer writes what is queued until the queue is closed. It waits for the scan: before that nobody knows how much
// room there is.
func (d *Disk) writer() {
	<-d.ready
	for w := range d.queue {
		d.keep(w)
		d.queueMu.Lock()
		d.queued -= int64(len(w.data))
		d.queueMu.Unlock()
	}
}

// keep writes one block.
func (d *Disk) keep(w diskWrite) {
	defer w.done()
	if d.paused() || !d.index.isComplete() {
		d.count.dropped.Add(1)
		return
	}
	h := d.header(w.k)
	defer headers.Put(h)
	var err error
	if w.k.size <= d.opt.BlockSize {
		err = d.writeWhole(h, w.data)
	} else {
		err = d.writeLarge(w.k, h, w.data)
	}
	switch {
	case err == nil:
	case err == errNoRoom:
		d.count.dropped.Add(1)
	default:
		d.count.dropped.Add(1)
		d.writeFailed(err)
	}
}
