// Package cache remembers the answers of a [search.Store]: it is a Store
// itself, and a [search.Snapshotter]. It knows nothing of FUSE or of a protocol.
//
// # What is kept, and for how long
//
//	bucket list, schemas      SchemaTTL, from the beginning of their request
//	attributes (Stat)         TTL, from the beginning of their request
//	"does not exist"          NegativeTTL (of a bucket's schema, of an object)
//	listings (Open)           TTL, from the beginning of the listing (Taken)
//	the error of a listing    NegativeTTL, from when it broke
//	blocks of bytes           for ever: they are of one ETag (on disk as well)
//
// Errors of any other kind are not kept. All of it can go earlier for want of
// memory. What has expired is dropped when it is met.
//
// List and Query are passed on to the store: a listing that is to be shared is
// opened.
//
// # Listings
//
// Open returns a handle on a listing that a goroutine takes from the store.
// Handles opened within the lifetime share it, be it complete or growing.
// With a TTL of 0 nobody shares, not even at the same time: every Open
// searches, Peek returns nil, and the rows are for the handle alone.
//
// Fetching follows demand. A reader at row i has the page of i and the page
// after it fetched (Options.PageRows), so that the next page is under way
// while one is read, and what is not read is not fetched. Open itself has the
// first page fetched. While rows are not wanted the fetch waits within the
// store's iterator, between two rows, at a multiple of PageRows.
//
// When the last handle is closed, a complete and fresh listing is kept in
// memory, and one that grows waits a second for a next handle, and fetches nothing meanwhile: one
// such listing, the one closed last. Any other is cancelled and dropped. A listing that breaks keeps
// its rows and its error for the handles on it; for the negative lifetime, Open
// of an equal listing returns that error at once.
//
// Drop makes the next Open search, and the next Stat of what is below the
// listing's prefix ask; handles on it keep their rows.
//
// The rows of a menu (search.Listing.Menu) are its items, as search.MenuItem.Entry has them; what
// fetches them is search.Values, over this cache.
//
// A row takes 6 to 17 bytes beside its texts, 4 to 5 for its place, 6 to 11 for the index by key, and its texts: of the key what it does not
// share with a row nearby, of an ETag that is an MD5 sum 16 bytes, of metadata the values. A million rows with keys of 40 bytes
// take about 60 MB, none of which the garbage collector has to look at, and growing never moves them. A row handed out has
// texts of its own: holding on to one keeps neither the listing nor a page alive.
//
// # Flights
//
// Of each bucket list, schema, object's attributes and block there is at most
// one request under way, its flight, for all who ask. It belongs to none of
// them: its context has the first caller's values, not its end. A caller whose
// context ends gets that error at once; the last one to leave cancels the
// flight. A panic of the store becomes an error for all who wait, and a log
// entry with the stack. A flight has no deadline of its own: a Store bounds each of its
// requests. Close cancels flights and listings and waits for their goroutines.
//
// # Objects that change
//
// ReadRange with an ETag serves blocks of that ETag, bucket, key, version and
// size alone. Without an ETag it goes straight to the store and keeps nothing.
// A Stat that names an ETag is answered from memory only by attributes of
// that ETag, and KindChanged or KindNotExist only by a request that
// began after the call: the caller's knowledge may be newer than what is kept.
// When the store answers KindChanged, the object is forgotten, as by Forget:
// its attributes and blocks are dropped, and each listing that has it is
// not handed out again; handles on it keep their rows, and what is
// under way answers those who wait and is not kept.
//
// # Memory
//
// One budget covers everything. Five sums are kept (type memory): open, the
// listings that someone holds, growing ones with what they reserve ahead; flying,
// the buffers of blocks being fetched; lent, those of blocks that are not kept any more but that a
// reader, or the disk that writes them, still has; free, buffers to be used again, 1/16 of the budget at
// most; and kept, all else. At all times
//
//	kept+free <= max(0, room-flying-lent), where room = max(budget-open, budget/8)
//
// So the sum stays within the budget plus what open listings take
// beyond 7/8 of it. A block that does not fit into room beside those in flight is not
// admitted: the read goes straight into the caller's buffer. An open listing is
// always delivered, even one larger than the budget; it is bounded by the
// store's limit of pages, and not kept after its last Close. Not counted are goroutines of flights.
//
// What is kept goes in this order: blocks that their one reader has left behind, of which the kernel has the
// pages; then by least recent use, but listings, schemas and attributes only while they have more than
// a quarter of the budget, or no block is left. So one big read does not cost what paths are found by.
//
// # Reading a file
//
// OpenFile begins the first block of an object, or all of one that is no longer than a block, and waits for its first bytes: where
// the store tells how far it has come (search.ProgressReader), what is there of a block is read while the rest is under way. A File looks at where it
// is read. Reads that follow each other, in either direction, in any order within four times their length or
// 512 KiB, and in up to four places at once, are served by blocks; from the second one on, blocks are begun ahead
// of them: twice what was read so far, up to twice the product of the link's rate and round trip, as
// measured, or 16 blocks if that is more, and never more than this reader's share. A reader that jumps
// is served by requests for just what it asks for, except where blocks are at hand; the more often it jumped, the more
// it must read in one go before it is taken to go forward again. A block that it comes back to eight times is fetched, and the
// whole object once there were four ranges and the time spent on them has reached what the rest would take by the measured round trip and rate, if it fits into
// 7/8 of the room in memory: then 32 blocks at a time come behind all other requests while ranges go on. These bytes are
// counted by themselves (cache_whole_bytes), not as read ahead. When a reader jumps, or is closed, what is under
// way ahead of it and wanted by nobody else is cancelled. Where several files of one object are open, what
// lies in memory between two reads of one of them counts as read: the kernel had it for another one.
//
// A View of bytes that lie in one block or two is lent, not copied: their buffers are not used again before Release.
//
// # Reading ahead
//
// Windows of files and Prefetch may have so much outstanding, which is begun and not come for: half of the budget in
// bytes, of which Prefetch leaves a quarter to windows, and 64 requests. Files that were read within the last two seconds share the windows' bytes
// evenly. All windows together have 8 MiB at first, a quarter more of what is read forward, and less
// by what proved wasted of them. Bytes count as used when they are read, and as wasted when they leave memory unread; when more than a
// quarter was wasted of late, what may be outstanding is halved, down to a sixteenth, and
// doubled again when less was. What nobody came for within 30 s is not outstanding any more. Requests begun ahead carry search.WithReadAhead and are
// promoted when a reader joins.
//
// # Disk
//
// A Disk (Options.Disk) keeps blocks below memory, over restarts. A block that is not in memory is looked for there before the
// store is asked, and one that the store gave is written there later. It never fails a read: what it does not have, or has
// damaged, is fetched. In DiskOptions.Dir, with XX and REST the hash of an object's identity (bucket, key, version, ETag,
// size; and the store, and the size of blocks):
//
//	v1/STORE/lock         locked (flock) by the one process that uses STORE, a hash; its text tells which store it is
//	v1/STORE/XX/REST.o    an object of one block: identity, checksum of both, content
//	v1/STORE/XX/REST.d    an object of several blocks: its bytes at their offsets, as long as the object, with holes
//	v1/STORE/XX/REST.m    beside it: identity, its checksum, and for each block the block's checksum and one of that
//	v1/STORE/XX/REST.t    one of them being written
//
// Directories have mode 0700, files 0600. A directory that belongs to someone else, or that others can write to, is refused. All
// paths are taken from a descriptor of STORE, and links are not followed.
//
// Nothing is synced to the disk. A file gets its name when it is written (.o) or has its identity (.m), but
// after a loss of power any of its bytes may be old or missing. That does no harm, since no byte is used before the
// checksum of its block was compared, CRC32C over the hash, the number of the block and its bytes: what is torn, truncated, altered, renamed or
// of a colliding hash is a miss, and is removed (an entry of zeros or with a wrong checksum of its own is an absent block).
// By chance a damage passes once in 4 billion.
//
// Backing gives a file of an object's bytes away once every block was written or compared by this process; what
// alters it afterwards on the disk is not noticed, as with any local file. An object that backs an open file is not evicted.
//
// The index in memory has at most one object for each 16 KiB of Size, and 512 Ki, at about 100 bytes each. A scan in the
// background fills it after the opening, removes what a crash has left, and caches of stores that were not mounted for 30 days;
// until it ends a lookup tries the file, and writes wait. The order of use survives a restart in the files' times, which are set
// at most once a minute. Least recently used objects go, as whole objects, when Size is reached, or when less than a twentieth of the file
// system, or 1 GiB if that is less, is free for others; an object may take half of Size, and of a
// larger one the blocks that came first are kept. Size counts what the file system has allocated for files (st_blocks), and so
// can be passed by what it allocates for itself, until the next write.
//
// Blocks are written by two goroutines. What waits for them is at most 32 MiB: beyond that blocks are not kept, so that no reader
// ever waits for the disk. After an error of the file system nothing is written for 10 s; it is logged once a minute at most.
// Large objects that were used last have their two files open: 64, and those in use.
//
// # Locks
//
// No lock is held while the store is called. In the order in which they are taken:
//
//	registry.mu   listings in use and their references
//	file.mu       what one reader has read
//	flights.mu    flights under way and who waits for them (fetches.mu: of blocks)
//	listing.mu    rows and state of one listing
//	memory.mu     kept values and the five sums
//	ahead.mu      what was begun ahead, and what became of it
//	Cache.lifeMu  whether the cache is closed
//	Disk.lifeMu   whether the disk is closed; held for reading by those who use its directory
//	Disk.roomMu   who makes room, of the writers
//	Disk.names    who makes or removes files of a name
//	openFiles.mu  which files are open
//	diskIndex.mu  what is on disk
//
// registry.mu and flights.mu are never held together.
package cache
