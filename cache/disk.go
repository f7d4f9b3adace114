package cache

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ecsfs/ecsfs/search"
)

// DiskOptions configure a Disk.
type DiskOptions struct {
	// Dir is the directory that the caches of all stores are in. It is made, for its owner alone, when it is not there.
	Dir string
	// Size is how many bytes the cache of this store may take, as the file system counts them: what it allocated for files.
	// 0 means DefaultDiskSize, or a tenth of what is free when that is less.
	Size int64
	// Store tells the store from others: bytes kept for one are never given for another. Its
	// endpoint and namespace, for instance. Not a secret: it stands in the directory.
	Store string
	// BlockSize is that of the Cache which it will be given to. 0 means DefaultBlockSize.
	BlockSize int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets what goes wrong with the disk, once a minute at most; nil discards it.
	Logger *slog.Logger
}

// ErrDiskInUse is the error of OpenDisk when another process has the cache of this store open.
var ErrDiskInUse = errors.New("another process is using it")

// Disk keeps blocks of objects in files, over restarts. It is opened by OpenDisk and handed
// to a Cache (Options.Disk), which closes it. See the package's documentation.
type Disk struct {
	opt   DiskOptions // with the defaults filled in
	store [16]byte    // a hash of opt.Store
	dir   int         // descriptor of the store's directory
	lock  int         // descriptor of the file that is locked

	index *diskIndex
	open  openFiles
	names [nameLocks]sync.Mutex // see lockName

	roomMu sync.Mutex // one writer at a time makes room; taken before all below
	space  space

	queueMu sync.Mutex // guards queued, and queue against a send after its end
	queue   chan diskWrite
	queued  int64 // bytes
	ended   bool  // nothing is queued any more

	lifeMu sync.RWMutex // held while the directory is used by readers
	closed bool

	stop  chan struct{} // closed to end the scan
	ready chan struct{} // closed when the scan has ended
	wg    sync.WaitGroup

	pausedUntil atomic.Int64 // nanoseconds since 1970
	logged      atomic.Int64 // seconds since 1970
	count       diskCounters
}

type diskCounters struct {
	hits, misses, written, dropped, evictions, damaged, errors atomic.Int64
}

var _ tier = (*Disk)(nil)

// OpenDisk opens the part of the directory that is of this store, and makes it when it is not there. It
// fails when the directory cannot be made or written, when it belongs to someone else or others can
// write to it, and with ErrDiskInUse when another process uses it. What is there is found in the background.
func OpenDisk(o DiskOptions) (*Disk, error) {
	if o.BlockSize <= 0 {
		o.BlockSize = DefaultBlockSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Disk{opt: o, store: hashStore(o.Store), queue: make(chan diskWrite, maxQueuedBlocks), stop: make(chan struct{}), ready: make(chan struct{})}
	if err := d.openDir(); err != nil {
		return nil, err
	}
	if d.opt.Size <= 0 {
		free, _, err := d.statfs()
		if err != nil {
			d.closeDir()
			return nil, err
		}
		d.opt.Size = min(DefaultDiskSize, free/defaultFreePart)
	}
	d.index = newDiskIndex(maxItems(d.opt.Size), d.opt.Size)
	d.open = openFiles{index: d.index, byName: make(map[diskName]*largeFile)}
	d.wg.Go(d.scan)
	for range diskWriters {
		d.wg.Go(d.writer)
	}
	return d, nil
}

// maxItems bounds the index: objects smaller than this on average are kept in smaller number than size has room for.
func maxItems(size int64) int { return int(min(max(size/(16<<10), 1<<10), 1<<19)) }

func (d *Disk) now() int64 { return d.opt.Now().Unix() }

// has implements tier. Until the scan has ended it asks the file system.
func (d *Disk) has(k key) bool {
	h, ok := d.begin(k)
	if !ok {
		return false
	}
	defer d.end(h)
	has, known := d.index.has(h.name)
	switch {
	case known && !has:
		return false
	case k.size > d.opt.BlockSize:
		f := d.openLarge(k, h)
		if f == nil {
			return false
		}
		defer d.open.release(f)
		_, ok := f.sumOf(k.block)
		return ok
	case has:
		return true
	}
	return unix.Faccessat(d.dir, h.name.path(wholeSuffix), unix.R_OK, 0) == nil
}

// read implements tier.
func (d *Disk) read(k key, p []byte) bool {
	h, ok := d.begin(k)
	if !ok {
		return false
	}
	defer d.end(h)
	switch {
	case int64(len(p)) != min(d.opt.BlockSize, k.size-k.block*d.opt.BlockSize):
		ok = false
	case k.size > d.opt.BlockSize:
		ok = d.readLarge(k, h, p)
	default:
		ok = d.readWhole(h, p)
	}
	if ok {
		d.count.hits.Add(1)
	} else {
		d.count.misses.Add(1)
	}
	return ok
}

// mayKeep reports whether anything is ever kept of k's object: it has an ETag, and its table is not too long.
func (d *Disk) mayKeep(k key) bool {
	return k.etag != "" && (k.size-1)/d.opt.BlockSize < maxTableBlocks
}

// begin returns the header of k's object, to be given to end; false when nothing is kept of it.
func (d *Disk) begin(k key) (*header, bool) {
	if !d.mayKeep(k) {
		return nil, false
	}
	d.lifeMu.RLock()
	if d.closed {
		d.lifeMu.RUnlock()
		return nil, false
	}
	return d.header(k), true
}

func (d *Disk) end(h *header) {
	headers.Put(h)
	d.lifeMu.RUnlock()
}

// backing implements tier. Objects of one block have no file of their bytes alone.
func (d *Disk) backing(ref search.Ref) (fd int, release func(), ok bool) {
	if ref.Size <= d.opt.BlockSize {
		return 0, nil, false
	}
	k := key{kind: kindBlock, bucket: ref.Bucket, object: ref.Key, version: ref.VersionID, etag: ref.ETag, size: ref.Size}
	h, ok := d.begin(k)
	if !ok {
		return 0, nil, false
	}
	defer d.end(h)
	f := d.openLarge(k, h)
	if f == nil {
		return 0, nil, false
	}
	var st unix.Stat_t
	if !f.whole() || unix.Fstat(f.data, &st) != nil || st.Size != f.size || !d.open.pin(f) {
		d.open.release(f)
		return 0, nil, false
	}
	d.touch(h.name, tableSuffix)
	return f.data, sync.OnceFunc(func() {
		d.open.unpin(f)
		d.open.release(f)
	}), true
}

// counters implements tier: what is on disk (without the directories themselves), the limit and what the file
// system has free; how many blocks were found, and not; what was written, and blocks not written
// for want of time or room; objects evicted; blocks or objects that were damaged, errors of the file system; what
// waits to be written; and what the index takes in memory.
func (d *Disk) counters() []search.Counter {
	items, bytes := d.index.usage()
	d.queueMu.Lock()
	queued := d.queued
	d.queueMu.Unlock()
	free := int64(0)
	d.lifeMu.RLock()
	if !d.closed {
		free, _, _ = d.statfs() // 0 when it cannot be told
	}
	d.lifeMu.RUnlock()
	return []search.Counter{
		{Name: "disk_bytes", Value: bytes},
		{Name: "disk_limit_bytes", Value: d.opt.Size},
		{Name: "disk_free_bytes", Value: free},
		{Name: "disk_items", Value: int64(items)},
		{Name: "disk_hits", Value: d.count.hits.Load()},
		{Name: "disk_misses", Value: d.count.misses.Load()},
		{Name: "disk_written_bytes", Value: d.count.written.Load()},
		{Name: "disk_dropped_writes", Value: d.count.dropped.Load()},
		{Name: "disk_evictions", Value: d.count.evictions.Load()},
		{Name: "disk_damaged", Value: d.count.damaged.Load()},
		{Name: "disk_errors", Value: d.count.errors.Load()},
		{Name: "disk_queued_bytes", Value: queued},
		{Name: "disk_index_bytes", Value: int64(items) * indexItemBytes},
	}
}

// close implements tier: what is queued is written, and the directory is given to whoever waits for it.
func (d *Disk) close() {
	d.queueMu.Lock()
	if d.ended {
		d.queueMu.Unlock()
		return
	}
	d.ended = true
	close(d.queue)
	d.queueMu.Unlock()
	close(d.stop)
	d.wg.Wait()
	d.lifeMu.Lock()
	defer d.lifeMu.Unlock()
	d.closed = true
	d.open.closeAll()
	d.closeDir()
}
