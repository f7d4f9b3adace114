package ecstest

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/btree"
)

const maxKeyLength = 1024 // bytes, as S3

// store is all data of a Server: buckets in memory, and where they are kept.
type store struct {
	seed    int64   // constant: of ties
	lag     *lag    // constant
	storage storage // constant

	// writing is held while a change is made, from the check of the state to the
	// last index. It is taken before mu, never under it.
	writing sync.Mutex
	seq     uint64 // guarded by writing: the last one given

	// mu guards buckets and everything below them but the objects, against
	// readers: whoever holds writing reads without it.
	mu      sync.RWMutex
	buckets map[string]*bucket
}

// newStore returns the store of what is in st.
func newStore(seed int64, st storage) (*store, error) {
	s := &store{seed: seed, lag: &lag{limit: maxWaiting}, storage: st, buckets: map[string]*bucket{}}
	return s, st.load(s.apply)
}

// versioning is whether a bucket keeps the versions that are written over.
type versioning uint8

const (
	neverVersioned versioning = iota // queries call the one version "0"
	versioned
	versioningSuspended // new versions are null versions, older ones stay
)

// bucketSettings are what a bucket is beside what it holds. A value is never
// changed: other settings are another value.
type bucketSettings struct {
	name       string
	owner      string
	created    time.Time   // to the millisecond
	keys       []searchKey // none: no metadata search
	versioning versioning
}

// bucket is guarded by its store's locks.
//
// INVARIANT: of each key, the version of the highest seq is in objects if it is
// no delete marker; every other version, and every delete marker, is in older.
// search indexes objects, olderSearch those of older that are no delete markers.
type bucket struct {
	*bucketSettings
	objects *index             // current objects by name
	older   *index             // by name, the newest first
	nulls   map[string]*object // the null versions in older, by key

	search, olderSearch *searchIndex // nil: no metadata search
	seed                int64        // of both, as lag
	lag                 *lag

	uploads *btree.BTreeG[*upload] // under way, by key, then the oldest first
}

func newBucket(seed int64, l *lag) *bucket {
	return &bucket{seed: seed, lag: l, objects: newIndex(byName, typeString), older: newIndex(byVersion, typeString), nulls: map[string]*object{},
		uploads: btree.NewBTreeGOptions(uploadBefore, btree.Options{NoLocks: true})}
}

// configure puts settings in force. Indexes are made for a bucket that is empty
// only, as ECS does.
func (b *bucket) configure(s *bucketSettings) {
	if b.bucketSettings == nil && len(s.keys) > 0 {
		b.search, b.olderSearch = newSearchIndex(s.keys, b.seed, b.lag), newSearchIndex(s.keys, b.seed, b.lag)
	}
	if len(s.keys) == 0 {
		b.search, b.olderSearch = nil, nil
	}
	b.bucketSettings = s
}

// latest returns the newest version of a key, which may be a delete marker, or
// nil.
func (b *bucket) latest(key string) *object {
	if o, ok := b.objects.tree.Get(&object{key: key}); ok {
		return o
	}
	return b.newestOlder(key)
}

// current returns a key's current object, or nil.
func (b *bucket) current(key string) *object {
	o, _ := b.objects.tree.Get(&object{key: key})
	return o
}

func (b *bucket) newestOlder(key string) (newest *object) {
	if b.older.tree.Len() == 0 {
		return nil
	}
	b.older.tree.Ascend(newestOf(key), func(o *object) bool {
		if o.key == key {
			newest = o
		}
		return false
	})
	return newest
}

// null returns the null version of a key, or nil.
func (b *bucket) null(key string) *object {
	if o := b.current(key); o != nil && o.null {
		return o
	}
	return b.nulls[key]
}

// version returns the version of a key that an id names, or nil.
func (b *bucket) version(key, id string) *object {
	if id == nullVersion || id == unversionedID {
		return b.null(key)
	}
	seq, ok := parseID(id)
	if !ok {
		return nil
	}
	o := b.current(key)
	if o == nil || o.seq != seq {
		o, _ = b.older.tree.Get(&object{key: key, seq: seq})
	}
	if o == nil || o.null {
		return nil
	}
	return o
}

// find returns the object that a request for a key and, unless it is empty, a
// version id gets. If that is a delete marker it is an error, and the marker is
// returned as well.
func (b *bucket) find(key, id string) (*object, *apiError) {
	if id == "" {
		o := b.latest(key)
		if o == nil || o.marker {
			return o, errNoSuchKey(key)
		}
		return o, nil
	}
	o := b.version(key, id)
	switch {
	case o == nil:
		return nil, &apiError{http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.",
			[][2]string{{"Key", key}, {"VersionId", id}}}
	case o.marker:
		return o, &apiError{http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The specified method is not allowed against this resource.", [][2]string{{"ResourceType", "DeleteMarker"}}}
	}
	return o, nil
}

// add puts in the newest version of a key.
func (b *bucket) add(o *object) {
	if o.marker {
		if have := b.current(o.key); have != nil {
			b.removeCurrent(have)
			b.addOlder(have)
		}
		b.addOlder(o)
		return
	}
	if b.search != nil {
		b.search.fill(o)
	}
	if have, replaced := b.objects.tree.Set(o); replaced {
		if b.search != nil {
			b.search.remove(have)
		}
		b.addOlder(have)
	}
	if b.search != nil {
		b.search.add(o)
	}
}

// remove takes a version out; the newest one left becomes current.
func (b *bucket) remove(o *object) {
	if b.current(o.key) == o {
		b.removeCurrent(o)
	} else {
		b.removeOlder(o)
	}
	if next := b.newestOlder(o.key); next != nil && !next.marker && b.current(o.key) == nil {
		b.removeOlder(next)
		b.addCurrent(next)
	}
}

func (b *bucket) addCurrent(o *object) {
	b.objects.tree.Set(o)
	if b.search != nil {
		b.search.add(o)
	}
}

func (b *bucket) removeCurrent(o *object) {
	b.objects.tree.Delete(o)
	if b.search != nil {
		b.search.remove(o)
	}
}

func (b *bucket) addOlder(o *object) {
	b.older.tree.Set(o)
	if o.null {
		b.nulls[o.key] = o
	}
	if b.olderSearch != nil && !o.marker {
		b.olderSearch.add(o)
	}
}

func (b *bucket) removeOlder(o *object) {
	b.older.tree.Delete(o)
	if b.nulls[o.key] == o {
		delete(b.nulls, o.key)
	}
	if b.olderSearch != nil && !o.marker {
		b.olderSearch.remove(o)
	}
}

// bucketInfo is a bucket's row in the account's list.
type bucketInfo struct {
	name    string
	created time.Time
}

func (st *store) list() []bucketInfo {
	st.mu.RLock()
	defer st.mu.RUnlock()
	rows := make([]bucketInfo, 0, len(st.buckets))
	for b := range maps.Values(st.buckets) {
		rows = append(rows, bucketInfo{b.name, b.created})
	}
	slices.SortFunc(rows, func(a, b bucketInfo) int { return cmp.Compare(a.name, b.name) })
	return rows
}

// view runs f on a bucket under the read lock. f must not write to the network
// and must not keep the bucket.
func (st *store) view(name string, f func(*bucket) *apiError) *apiError {
	st.mu.RLock()
	defer st.mu.RUnlock()
	b := st.buckets[name]
	if b == nil {
		return errNoSuchBucket(name)
	}
	return f(b)
}
