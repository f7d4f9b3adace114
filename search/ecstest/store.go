package ecstest

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxKeyLength  = 1024 // bytes, as S3
	unversionedID = "0"  // ECS's version id in a bucket without versions
)

// store is all data of a Server.
type store struct {
	mu      sync.RWMutex // guards buckets and everything below them but the objects
	buckets map[string]*bucket
}

// bucket is guarded by its store's mu, but for the fields marked constant.
type bucket struct {
	name    string       // constant
	created time.Time    // constant
	owner   string       // constant
	objects *index       // by name
	search  *searchIndex // nil: no metadata search
}

// object is one stored object. It is never changed once it is in a bucket: an
// overwrite makes another, so readers use it without a lock.
type object struct {
	key       string
	data      []byte
	etag      string // without quotes
	created   time.Time
	modified  time.Time // to the millisecond
	owner     string
	headers   fields // content headers by canonical name, Content-Type always
	meta      fields // user metadata by lower-case name, prefix included
	versionID string

	tie    uint64  // place among equals
	values []value // by column of the bucket's searchIndex
	in     uint64  // bit i: the object is in index i

	// edge is 0 but on pivots, which stand just before (-1) or after (+1) every
	// object of the same value.
	edge int8
}

// newObject takes ownership of data.
func newObject(key string, data []byte, now time.Time) *object {
	now = now.UTC().Truncate(time.Millisecond)
	sum := md5.Sum(data)
	return &object{key: key, data: data, etag: hex.EncodeToString(sum[:]), created: now, modified: now,
		versionID: unversionedID}
}

// id is the objectId of a query's answer, 64 hex digits.
func (o *object) id(bucket string) string {
	sum := sha256.Sum256([]byte(bucket + "\x00" + o.key + "\x00" + o.versionID + "\x00" + epochMillis(o.modified) + o.etag))
	return hex.EncodeToString(sum[:])
}

func (st *store) createBucket(name, owner string, keys []searchKey, now time.Time) *apiError {
	if err := checkBucketName(name); err != nil {
		return err
	}
	b := &bucket{name: name, owner: owner, created: now.UTC().Truncate(time.Millisecond), objects: newIndex(byName, typeString)}
	if len(keys) > 0 {
		b.search = newSearchIndex(keys)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.buckets[name] != nil {
		return &apiError{http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.",
			[][2]string{{"BucketName", name}}}
	}
	if st.buckets == nil {
		st.buckets = map[string]*bucket{}
	}
	st.buckets[name] = b
	return nil
}

// checkBucketName applies ECS's rules, which are wider than S3's: upper case,
// "_" and a single character are accepted.
func checkBucketName(name string) *apiError {
	ok := name != "" && len(name) <= 255 && name[0] != '.' && name[len(name)-1] != '.' && !strings.Contains(name, "..")
	for i := range len(name) {
		ok = ok && isSelectorByte(name[i])
	}
	if !ok {
		return badRequest("InvalidBucketName", "The bucket name %q is not valid.", name)
	}
	return nil
}

func (st *store) deleteBucket(name string) *apiError {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[name]
	switch {
	case b == nil:
		return errNoSuchBucket(name)
	case b.objects.tree.Len() > 0:
		return &apiError{http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty",
			[][2]string{{"BucketName", name}}}
	}
	delete(st.buckets, name)
	return nil
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

// get returns the current object of a key.
func (st *store) get(bucketName, key string) (*object, *apiError) {
	var found *object
	err := st.view(bucketName, func(b *bucket) *apiError {
		o, ok := b.objects.tree.Get(&object{key: key})
		if !ok {
			return errNoSuchKey(key)
		}
		found = o
		return nil
	})
	return found, err
}

// put stores o, which the caller gives away. check, when not nil, sees the
// object to be replaced (or nil) under the write lock and may refuse.
func (st *store) put(bucketName string, o *object, seed int64, check func(old *object) *apiError) *apiError {
	if o.key == "" || len(o.key) > maxKeyLength {
		return badRequest("KeyTooLongError", "A key has 1 to %d bytes, this one %d.", maxKeyLength, len(o.key))
	}
	o.tie = tieOf(seed, o.key, o.versionID)
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[bucketName]
	if b == nil {
		return errNoSuchBucket(bucketName)
	}
	old, exists := b.objects.tree.Get(o)
	if check != nil {
		if err := check(old); err != nil {
			return err
		}
	}
	if b.search != nil {
		if exists {
			b.search.remove(old)
		}
		b.search.add(o)
	}
	b.objects.tree.Set(o)
	return nil
}

// remove deletes a key; one that is not there is no error, as in S3.
func (st *store) remove(bucketName, key string) *apiError {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[bucketName]
	if b == nil {
		return errNoSuchBucket(bucketName)
	}
	old, exists := b.objects.tree.Delete(&object{key: key})
	if exists && b.search != nil {
		b.search.remove(old)
	}
	return nil
}

// disableSearch drops a bucket's indexes for good.
func (st *store) disableSearch(name string) *apiError {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.buckets[name]
	if b == nil {
		return errNoSuchBucket(name)
	}
	if b.search == nil {
		return errSearchNotEnabled
	}
	b.search = nil
	return nil
}
