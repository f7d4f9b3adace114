package ecstest

import (
	"io"
	"slices"
)

// change is one mutation of a store: the records of one bucket that it writes
// and those that it removes, all of them or none. What is removed goes before
// what is added.
//
// A bucket's records are its settings; its versions, each known by (key, seq);
// its uploads, each known by seq; and their parts, each known by (upload's seq,
// number). A bucket that a change drops has no other record left after it.
type change struct {
	bucket   string          // the name
	settings *bucketSettings // written: of a new bucket, or in place of its settings
	drop     bool            // the bucket goes
	seq      uint64          // at least the last sequence number given so far

	remove []*object
	add    []*object

	upload   *upload   // begun, unless part is set: then the one that it is for
	part     *part     // written
	replaced *part     // removed: the part of the same upload and number
	end      []*upload // removed, with the parts that they have
}

// empty tells that a change of versions alone changes nothing.
func (c *change) empty() bool { return len(c.add)+len(c.remove) == 0 }

// storage is where a store keeps what it must not lose. The methods but stage
// and discard are called one at a time.
type storage interface {
	// stage reads r to its end into a content of its own, which is garbage until
	// a committed change names it. size is a hint of the number of bytes, -1 when
	// there is none. It may be called at any time from any goroutine. An error of
	// r is returned as it is.
	stage(r io.Reader, size int64) (content, error)
	// discard frees a staged content that no change is going to name. It may be
	// called at any time from any goroutine.
	discard(c content)
	// load applies what is stored as changes that only write, a bucket's
	// settings before its other records and versions in the order of their seq.
	load(apply func(*change)) error
	// commit makes c durable, all of it, or none of it and returns an error. The
	// store's readers do not wait for it.
	commit(c *change) error
	// release is called once nobody can find what c removed: contents that no
	// record names any more may go. Those that are open stay readable.
	release(c *change)
	close() error
}

// memory is storage that ends with the process.
type memory struct{}

func (memory) stage(r io.Reader, size int64) (content, error) { return readContent(r, size) }
func (memory) discard(content)                                {}
func (memory) load(func(*change)) error                       { return nil }
func (memory) commit(*change) error                           { return nil }
func (memory) release(*change)                                {}
func (memory) close() error                                   { return nil }

// update carries out the change that plan makes of a bucket. plan sees a state
// that no other writer changes until the change is applied, so what it checks
// holds; it may return nil for nothing to do. Writers wait for each other here,
// readers only while the maps change.
func (st *store) update(name string, plan func(*bucket) (*change, *apiError)) *apiError {
	st.writing.Lock()
	defer st.writing.Unlock()
	b := st.buckets[name]
	if b == nil {
		return errNoSuchBucket(name)
	}
	c, err := plan(b)
	if err != nil || c == nil {
		return err
	}
	c.bucket = name
	return st.carryOut(c)
}

// carryOut stores and applies c. The caller holds st.writing.
func (st *store) carryOut(c *change) *apiError {
	if err := st.storage.commit(c); err != nil {
		return errStorage(err)
	}
	st.mu.Lock()
	st.apply(c)
	st.mu.Unlock()
	st.storage.release(c)
	return nil
}

// apply brings the maps and indexes up to c. The caller holds st.mu.
func (st *store) apply(c *change) {
	b := st.buckets[c.bucket]
	st.seq = max(st.seq, c.seq)
	if c.settings != nil {
		if b == nil {
			b = newBucket(st.seed, st.lag)
			st.buckets[c.bucket] = b
		}
		b.configure(c.settings)
	}
	for _, o := range c.remove {
		b.remove(o)
	}
	for _, o := range c.add {
		st.seq = max(st.seq, o.seq)
		o.tie = tieOf(st.seed, o.key, o.cursorVersion())
		if slices.Equal(o.headers, defaultHeaders) {
			o.headers = defaultHeaders
		}
	}
	b.addAll(c.add)
	switch {
	case c.part != nil:
		c.upload.setPart(c.part)
	case c.upload != nil:
		st.seq = max(st.seq, c.upload.seq)
		b.uploads.Set(c.upload)
	}
	for _, u := range c.end {
		b.uploads.Delete(u)
	}
	if c.drop {
		delete(st.buckets, c.bucket)
	}
}
