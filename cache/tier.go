package cache

import "github.com/ecsfs/ecsfs/search"

// tier keeps blocks below memory, over restarts. Safe for concurrent use. It never fails: what it cannot
// give is fetched, and what it cannot keep is not kept; the log and the counters say so.
type tier interface {
	// has reports, without reading it, whether the block is there.
	has(k key) bool
	// read fills p, which is as long as the block, and reports whether the block was there and its checksum right.
	read(k key, p []byte) bool
	// write keeps a block, later: data must stay as it is until done is called. A tier that cannot keep up
	// calls done and drops it.
	write(k key, data []byte, done func())
	// backing returns a descriptor of a file with all bytes of ref and nothing else, every block of which this process has
	// written or checked; release gives it back.
	backing(ref search.Ref) (fd int, release func(), ok bool)
	counters() []search.Counter
	// close writes what is waiting, and what makes the next start quick.
	close()
}
