package cache

import (
	"sync"

	"golang.org/x/sys/unix"
)

// maxOpenFiles is how many large objects are kept open that nobody uses, at three descriptors each.
const maxOpenFiles = 64

// openFiles are the large objects whose files are open.
type openFiles struct {
	index *diskIndex

	mu     sync.Mutex // guards all below, and what the files say; index.mu is taken within it
	byName map[diskName]*largeFile
	recent []*largeFile // the most recently used comes last
}

// get returns an open file, to be released.
func (o *openFiles) get(name diskName) *largeFile {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.byName[name]
	if f != nil {
		f.refs++
	}
	return f
}

// add makes f, which was just opened, known, and the caller its user.
func (o *openFiles) add(f *largeFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.refs++
	o.byName[f.name] = f
}

// release ends a use of f.
func (o *openFiles) release(f *largeFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.refs--
	switch {
	case f.refs > 0:
	case f.dead:
		f.close()
	default:
		o.idleLocked(f)
	}
}

// idleLocked keeps f open, and closes what has been idle for longest when too many are.
func (o *openFiles) idleLocked(f *largeFile) {
	for i, g := range o.recent {
		if g == f {
			o.recent = append(o.recent[:i], o.recent[i+1:]...)
			break
		}
	}
	o.recent = append(o.recent, f)
	for len(o.recent) > maxOpenFiles {
		g := o.recent[0]
		o.recent = append(o.recent[:0], o.recent[1:]...)
		if g.refs == 0 {
			delete(o.byName, g.name)
			g.close()
		}
	}
}

// forget is called when the files of name are removed.
func (o *openFiles) forget(name diskName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.byName[name]
	if f == nil {
		return
	}
	delete(o.byName, name)
	for i, g := range o.recent {
		if g == f {
			o.recent = append(o.recent[:i], o.recent[i+1:]...)
			break
		}
	}
	f.dead = true
	if f.refs == 0 {
		f.close()
	}
}

// knows reports whether the files of f are still those in the directory.
func (o *openFiles) knows(f *largeFile) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !f.dead
}

// pin gives the data of f away until the caller unpins it; false when f was removed.
func (o *openFiles) pin(f *largeFile) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.dead {
		return false
	}
	f.pins++
	o.index.pin(f.name, true)
	return true
}

func (o *openFiles) unpin(f *largeFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.pins--
	if f.pins == 0 && !f.dead {
		o.index.pin(f.name, false)
	}
}

// openLarge returns the files of k's object, to be released; nil when they are not there, or damaged and so removed.
func (d *Disk) openLarge(k key, h *header) *largeFile {
	if f := d.open.get(h.name); f != nil {
		return f
	}
	if has, known := d.index.has(h.name); known && !has {
		return nil
	}
	lock := d.lockName(h.name)
	defer lock.Unlock()
	f, err := d.openLocked(k, h)
	if err != nil {
		d.failed("open", err)
	}
	return f
}

// openOrCreate is openLarge, but makes the files when they are not there.
func (d *Disk) openOrCreate(k key, h *header) (*largeFile, error) {
	if f := d.open.get(h.name); f != nil {
		return f, nil
	}
	lock := d.lockName(h.name)
	defer lock.Unlock()
	f, err := d.openLocked(k, h)
	if f != nil || err != nil {
		return f, err
	}
	f = d.newLargeFile(h, k.size)
	if err := d.create(f, h); err != nil {
		return nil, err
	}
	d.index.add(h.name, true, 0, 0, d.now())
	d.open.add(f)
	return f, nil
}

// openLocked opens the files of k's object if they are there, with the name locked.
func (d *Disk) openLocked(k key, h *header) (*largeFile, error) {
	if f := d.open.get(h.name); f != nil { // opened while we waited for the lock
		return f, nil
	}
	f := d.newLargeFile(h, k.size)
	switch err := d.load(f, h); err {
	case nil:
	case unix.ENOENT:
		d.index.remove(h.name)
		return nil, nil
	case errDamaged:
		d.count.damaged.Add(1)
		d.removeLocked(h.name, true)
		return nil, nil
	default:
		return nil, err
	}
	if _, known := d.index.has(h.name); !known {
		d.index.found(h.name, true, d.allocated(f.data)+d.allocated(f.table), d.now())
	}
	d.open.add(f)
	return f, nil
}

// allocated returns the pages that an open file takes on disk.
func (d *Disk) allocated(fd int) int64 {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0
	}
	return pages(st.Blocks * 512)
}

// closeAll closes what nobody uses; the rest is closed when it is released.
func (o *openFiles) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.byName {
		f.dead = true
		if f.refs == 0 {
			f.close()
		}
	}
	clear(o.byName)
	o.recent = nil
}
