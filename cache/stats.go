package cache

import "github.com/ecsfs/ecsfs/search"

// Stats returns, as of now:
//
//	cache_KIND_hits      answered from memory, with KIND one of buckets,
//	                     schema, stat, block (each block of a read), listing (Open)
//	cache_KIND_misses    requests begun (for a listing: searches begun)
//	cache_KIND_shared    callers that joined a request under way (a listing
//	                     that is joined counts as a hit)
//	cache_listing_refused      Opens answered by the error of a broken listing
//	cache_block_bypassed       reads that went past the blocks for want of room
//	cache_range_reads          requests for just the bytes that a reader who jumps asked for
//	cache_range_bytes          the bytes of these
//	cache_whole_fetches        how often an object was fetched whole since that was cheaper than ranges
//	cache_whole_bytes          the bytes asked for by these
//	cache_budget_bytes         Options.MemoryBudget
//	cache_kept_bytes           values that may be evicted
//	cache_open_bytes           listings in use
//	cache_flying_bytes         buffers of blocks being fetched
//	cache_lent_bytes           buffers of blocks that are not kept any more, and not given back yet
//	cache_free_bytes           buffers that nobody uses
//	cache_items                values that may be evicted
//	cache_evictions            values evicted for want of room, since New
//	cache_forgotten            calls of Forget, also those made because an object had changed
//	cache_flights              requests under way, without listings
//	cache_listings_open        listings in use
//	cache_listings_running     listings being fetched
//	cache_listings_running_rows, cache_listings_running_pages
//	                           what these have so far; see RunningListing
//	readahead_bytes            bytes that came of blocks begun before anybody asked for them
//	readahead_used_bytes       those of them that were read
//	readahead_wasted_bytes     those that left memory unread
//	readahead_outstanding_bytes
//	                           blocks begun ahead that nobody came for yet
//	readahead_limit_bytes      what these may be; halved by waste, see type ahead
//
// and those of the disk (Disk). Counts are since New. The order is fixed.
func (c *Cache) Stats() []search.Counter {
	var s []search.Counter
	add := func(name string, v int64) { s = append(s, search.Counter{Name: name, Value: v}) }
	for _, k := range []struct {
		kind kind
		name string
	}{{kindBuckets, "buckets"}, {kindSchema, "schema"}, {kindStat, "stat"}, {kindBlock, "block"}, {kindListing, "listing"}} {
		add("cache_"+k.name+"_hits", c.count.hits[k.kind].Load())
		add("cache_"+k.name+"_misses", c.count.misses[k.kind].Load())
		if k.kind != kindListing {
			add("cache_"+k.name+"_shared", c.count.shared[k.kind].Load())
		}
	}
	add("cache_listing_refused", c.count.hits[kindBroken].Load())
	add("cache_block_bypassed", c.count.bypassed.Load())
	add("cache_range_reads", c.count.ranges.Load())
	add("cache_range_bytes", c.count.rangeBytes.Load())
	add("cache_whole_fetches", c.count.wholes.Load())
	add("cache_whole_bytes", c.count.wholeBytes.Load())

	u := c.mem.usage()
	add("cache_budget_bytes", c.mem.budget)
	add("cache_kept_bytes", u.kept)
	add("cache_open_bytes", u.open)
	add("cache_flying_bytes", u.flying)
	add("cache_lent_bytes", u.lent)
	add("cache_free_bytes", u.free)
	add("cache_items", u.items)
	add("cache_evictions", u.evictions)
	add("cache_forgotten", c.count.forgotten.Load())
	add("cache_flights", int64(c.buckets.len()+c.schemas.len()+c.stats.len()+c.blocks.len()))

	running := c.Running()
	rows, pages := 0, 0
	for _, l := range running {
		rows += l.Rows
		pages += l.Pages
	}
	c.listings.mu.Lock()
	held := c.listings.held
	c.listings.mu.Unlock()
	add("cache_listings_open", held)
	add("cache_listings_running", int64(len(running)))
	add("cache_listings_running_rows", int64(rows))
	add("cache_listings_running_pages", int64(pages))
	a := c.ahead.usage()
	add("readahead_bytes", a.asked)
	add("readahead_used_bytes", a.used)
	add("readahead_wasted_bytes", a.wasted)
	add("readahead_outstanding_bytes", a.outstanding)
	add("readahead_limit_bytes", a.limit)
	if c.disk != nil {
		s = append(s, c.disk.counters()...)
	}
	return s
}
