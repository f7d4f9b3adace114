package cache

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// The defaults of Options.
const (
	DefaultMemoryBudget = 64 << 20
	DefaultBlockSize    = 1 << 20
	DefaultPageRows     = 1000 // what ECS and S3 put on a page at most
)

// Options configure a Cache. The zero value keeps blocks only.
type Options struct {
	// TTL is how long a listing, counted from its beginning, and attributes,
	// counted from their request, answer later calls. 0: every Open searches
	// and every Stat asks; the rows of an open snapshot stay usable through it.
	TTL time.Duration
	// NegativeTTL is how long "does not exist" and the error of a broken
	// listing answer later calls. 0: not at all.
	NegativeTTL time.Duration
	// SchemaTTL is how long schemas and the bucket list answer later calls.
	// 0: not at all.
	SchemaTTL time.Duration
	// MemoryBudget is in bytes and covers all that the cache holds. 0 means
	// DefaultMemoryBudget; below 0, nothing is kept that is not in use.
	MemoryBudget int64
	// BlockSize is the unit in which object bytes are fetched and kept, in
	// bytes. 0 means DefaultBlockSize.
	BlockSize int64
	// PageRows is how many rows the store puts on a page: a listing is
	// fetched up to the end of the page after the one being read. 0 means DefaultPageRows.
	PageRows int
	// Disk, unless nil, keeps blocks below memory. It is the Cache's from New on, and closed by Close.
	Disk *Disk
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets panics of the store; nil discards them.
	Logger *slog.Logger
}

// Cache is a search.Store that remembers the answers of another one, and a
// search.Snapshotter. See the package's documentation. Safe for concurrent use.
type Cache struct {
	store search.Store
	opt   Options // with the defaults filled in

	mem      *memory
	listings registry
	buckets  *flights[[]search.Bucket]
	schemas  *flights[search.Schema]
	stats    *flights[search.Object]
	blocks   *fetches
	ahead    *ahead
	link     link
	readers  atomic.Uint64 // files opened so far: the last one's number
	opened   opened
	disk     tier // nil: none
	count    counters

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	lifeMu sync.Mutex // guards closed, and wg against an Add after Wait
	closed bool
	wg     sync.WaitGroup
}

var (
	_ search.Store       = (*Cache)(nil)
	_ search.Snapshotter = (*Cache)(nil)
)

// New returns a Cache over store, which stays the caller's. The caller must Close it.
func New(store search.Store, o Options) *Cache {
	if o.MemoryBudget == 0 {
		o.MemoryBudget = DefaultMemoryBudget
	}
	if o.BlockSize <= 0 {
		o.BlockSize = DefaultBlockSize
	}
	if o.PageRows <= 0 {
		o.PageRows = DefaultPageRows
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Cache{store: store, opt: o, mem: newMemory(o.MemoryBudget, o.BlockSize, o.Now)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.listings.open = make(map[string]*listing)
	c.listings.growing = make(map[*listing]struct{})
	c.buckets = newFlights[[]search.Bucket](c)
	c.schemas = newFlights[search.Schema](c)
	c.stats = newFlights[search.Object](c)
	c.blocks = &fetches{cache: c, current: make(map[key]*fetch)}
	c.ahead = newAhead(c.mem.budget/aheadShare, o.BlockSize, o.Now)
	c.mem.left = c.ahead.left
	if o.Disk != nil {
		c.disk = o.Disk
	}
	return c
}

// Close cancels all flights and growing listings and waits until their
// goroutines have ended, which takes as long as the store needs to obey its
// context. Rows that are there stay readable; whatever needs the store fails with KindCanceled.
func (c *Cache) Close() {
	c.lifeMu.Lock()
	c.closed = true
	c.lifeMu.Unlock()
	c.cancel()
	c.listings.mu.Lock()
	c.listings.endLeftLocked()
	c.listings.mu.Unlock()
	c.wg.Wait()
	if c.disk != nil {
		c.disk.close()
	}
}

// spawn runs f on a goroutine that Close waits for. cancel, of ctx, is called
// by Close while f runs; f must call it at its end.
func (c *Cache) spawn(ctx context.Context, cancel context.CancelFunc, f func()) error {
	c.lifeMu.Lock()
	defer c.lifeMu.Unlock()
	if c.closed {
		return errClosed()
	}
	stop := context.AfterFunc(c.ctx, cancel)
	c.wg.Go(func() {
		defer stop()
		f()
	})
	return nil
}

func errClosed() error {
	return &search.Error{Op: "cache", Kind: search.KindCanceled, Reason: "the cache is closed"}
}

// List asks the store: only Open keeps listings.
func (c *Cache) List(ctx context.Context, bucket string, o search.ListOptions) iter.Seq2[search.Entry, error] {
	return c.store.List(ctx, bucket, o)
}

// Query asks the store: only Open keeps listings.
func (c *Cache) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return c.store.Query(ctx, l)
}

// counters are what Stats adds to the sums of memory and the registry.
type counters struct {
	hits, misses, shared [kindBroken + 1]atomic.Int64
	bypassed             atomic.Int64 // reads past the block cache
	ranges, rangeBytes   atomic.Int64 // of readers that jump: requests, and what they asked for
	wholes, wholeBytes   atomic.Int64 // objects fetched whole for readers that jump, and what was asked for
	forgotten            atomic.Int64
}
