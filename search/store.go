package search

import (
	"context"
	"iter"
	"time"
)

// Bucket is one bucket of the account.
type Bucket struct {
	Name    string
	Created time.Time // zero when the store does not say
}

// Object is one object, or one version of it, as a listing row or a HEAD
// describes it. Objects are passed by value and never changed once handed out.
type Object struct {
	Key  string // the whole key; any bytes
	Size int64  // in bytes; never negative

	// ModTime is the store's LastModified. Rows of a query carry milliseconds,
	// a HEAD whole seconds.
	ModTime time.Time

	ETag        string // without quotes; empty when the store has none
	VersionID   string // empty when the bucket has no versions ("0" and "null" are mapped to empty)
	ContentType string // empty when not known

	// Metadata holds every other attribute that the store returned: user keys
	// as "x-amz-meta-name" in lower case, system keys by native name ("Owner").
	Metadata Metadata

	// Partial is true when the object comes from an answer that leaves
	// attributes out (HEAD, plain listing): a key that is not in Metadata may
	// exist all the same, and ModTime may be rounded down to the second.
	// Which keys such an answer does carry is told by Known.
	Partial PartialKind
}

// PartialKind says how much of an object's metadata its source carries.
type PartialKind uint8

// The sources of an Object.
const (
	// FromQuery: a row of a query; the keys it was asked for are complete and
	// times carry milliseconds.
	FromQuery PartialKind = iota
	// FromHead: user metadata is complete; of the system keys only Size,
	// LastModified (to the second), ObjectName, Etag and ContentType are known.
	FromHead
	// FromList: a row of a plain listing: only Size, LastModified (possibly to
	// the second), ObjectName, Etag and StorageClass are known.
	FromList
)

// Entry is one row of a listing: an object, or a folder (a common prefix).
type Entry struct {
	// Folder is true for a common prefix: then Object.Key is the whole prefix
	// with its trailing "/" and no other field is set.
	Folder bool
	Object
}

// Ref names the bytes of one object for Stat and ReadRange.
type Ref struct {
	Bucket    string
	Key       string
	VersionID string // empty: the current version
	ETag      string // when set, the bytes must be of this ETag, else KindChanged
	Size      int64  // the object's size when ETag is set: bounds reads
}

// ListOptions says what a plain listing covers.
type ListOptions struct {
	Prefix string // keys that start with it; any bytes
	// Recursive lists every object below Prefix. Otherwise keys with a "/"
	// after Prefix are rolled up into folder entries.
	Recursive bool
	// Versions lists every version of every object instead of the current ones,
	// each with its VersionID, those of a key together and the newest first; delete markers are left out. It
	// goes with Recursive only. In a bucket that never had versions it changes nothing.
	Versions bool
	// Limit stops after so many entries, and keeps the page asked for as small;
	// 0 means all.
	Limit int
	// Lazy asks for no page before an entry of it is wanted, for callers that may break off: with
	// Limit it is so anyway. Otherwise the next page is under way while one is consumed.
	Lazy bool
}

// BucketLister lists the account's buckets.
//
// Buckets returns them ordered by name. Safe for concurrent use; obeys ctx.
type BucketLister interface {
	Buckets(ctx context.Context) ([]Bucket, error)
}

// Schemer tells what can be searched in a bucket.
//
// Schema of a bucket that has no metadata search is a Schema whose Enabled is
// false, not an error; of one that does not exist, KindNotExist; of one that the
// caller may not see, KindPermission.
// Safe for concurrent use; obeys ctx.
type Schemer interface {
	Schema(ctx context.Context, bucket string) (Schema, error)
}

// Lister lists plain keys.
//
// List yields entries in ascending order of their key, page by page as the
// caller consumes them. It yields at most one error, as its last element, with
// the zero Entry; what came before it is then an incomplete listing. Nothing is yielded
// twice. Breaking out stops fetching. A page is never dropped silently.
// A bucket that does not exist is KindNotExist; a prefix without keys is an
// empty listing. Safe for concurrent use; obeys ctx.
type Lister interface {
	List(ctx context.Context, bucket string, o ListOptions) iter.Seq2[Entry, error]
}

// Querier runs a metadata query, by whichever engine the bucket's Schema says.
//
// Query yields the results of l, which must not be of one level (IsLevel) and must be bound: the
// objects below l.Prefix for which Evaluate(l.Where) is True, of all
// of them with l.Where nil. With l.Versions each version is an object of its own, matched by its own metadata. With
// l.Order they come in that order, else in none that is promised; with l.Limit no more than so
// many come, and the store is asked for no more than they need. Each object carries Size, ModTime,
// ETag where the store has one, every key that l.Where and l.Order name, and with
// l.Versions its VersionID; a row of EngineScan that its listing decided may lack those keys of
// l.Where that a listing does not carry (its Partial is FromList then). Errors, breaking out and concurrency are as for
// Lister. A query that the engine cannot answer is KindUnsupported and sends nothing.
type Querier interface {
	Query(ctx context.Context, l Listing) iter.Seq2[Object, error]
}

// Statter asks for one object's attributes.
//
// Stat returns the object with all its user metadata (Partial is FromHead).
// KindNotExist when there is none; KindChanged when ref.ETag is set and the
// object has another. Safe for concurrent use; obeys ctx.
type Statter interface {
	Stat(ctx context.Context, ref Ref) (Object, error)
}

// RangeReader reads bytes of one object.
//
// ReadRange reads len(p) bytes from off, as io.ReaderAt does: n < len(p) only
// with an error, io.EOF at the object's end. With ref.ETag set, bytes of any
// other ETag are never returned: the error is KindChanged (also when the
// object is gone). Data cut short by the network is retried or an error, never
// returned as if complete. Safe for concurrent use; obeys ctx.
type RangeReader interface {
	ReadRange(ctx context.Context, ref Ref, p []byte, off int64) (int, error)
}

// ProgressReader is a RangeReader that tells how far it has come, so that the first bytes can be used before the last
// are there. A Store may be one.
type ProgressReader interface {
	// ReadRangeProgress is ReadRange that calls landed as bytes arrive, with how many of p are there, counted from its
	// start: more with each call. They are those of ref's ETag and do not change any more, whatever becomes of the rest,
	// so others may read them from then on. landed is called by the goroutine of the caller, which reads on when landed
	// returns, and not any more once ReadRangeProgress has returned, with the same rules for what it returns as
	// ReadRange. For a ref without an ETag landed is never called: such a read may have to start again.
	ReadRangeProgress(ctx context.Context, ref Ref, p []byte, off int64, landed func(n int)) (int, error)
}

// Store is all that a mount needs of an object store. There is no method that
// writes.
type Store interface {
	BucketLister
	Schemer
	Lister
	Querier
	Statter
	RangeReader
}

// Snapshot is one listing taken at one time, complete or still growing: rows
// are appended, never changed or removed. The caller must Close it; while no
// one holds a growing snapshot, its fetching stops.
// Safe for concurrent use.
type Snapshot interface {
	// Row returns row i, counted from 0, waiting for its page when it is not
	// there yet. Past the last row it returns io.EOF. Where the listing broke,
	// it returns that error for every i from there on. When ctx ends first it
	// returns ctx's error, and the fetch goes on for others that wait.
	Row(ctx context.Context, i int) (Entry, error)
	// Find returns the row of the object with this key (the first of its versions, where
	// the listing has them), or of the folder when
	// key ends in "/" and such a common prefix was listed, among the rows so far.
	// It never waits.
	Find(key string) (Entry, bool)
	// Index returns the number of the row that Find returns.
	Index(key string) (int, bool)
	// Len returns how many rows there are so far, and whether that is all.
	Len() (rows int, complete bool)
	// Taken is when the listing was begun: its age counts from there.
	Taken() time.Time
	// Expires is when it must no longer be handed to a new reader.
	Expires() time.Time
	Close()
}

// Snapshotter keeps listings, so that many readers share one (package cache).
type Snapshotter interface {
	// Open returns the kept snapshot of l while it is fresh, else a new one
	// whose first page is under way; it does not wait for a page. A listing
	// that broke within the negative lifetime returns its error at once.
	Open(ctx context.Context, l Listing) (Snapshot, error)
	// Drop forgets the kept snapshot of l, so that the next Open asks the store;
	// handles on it keep their rows. It forgets as well the attributes that are kept of
	// objects whose keys begin with l.Prefix, and which do not exist. It sends nothing.
	Drop(l Listing)
	// Peek returns the fresh kept snapshot of l, or nil. It sends nothing and
	// must be closed as well.
	Peek(l Listing) Snapshot
	// Forget drops what is kept about one object (its attributes and blocks)
	// and marks every kept listing that has it as stale: it changed on the store.
	Forget(bucket, key string)
}

// Counter is one figure of a component's statistics, for @stats and tests.
type Counter struct {
	Name  string // lower_case, unique within the program: "requests_query"
	Value int64
}
