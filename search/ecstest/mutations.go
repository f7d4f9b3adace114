package ecstest

import (
	"net/http"
	"strings"
	"time"
)

// createBucket makes a bucket without versioning.
func (st *store) createBucket(name, owner string, keys []searchKey, now time.Time) *apiError {
	if err := checkBucketName(name); err != nil {
		return err
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	if st.buckets[name] != nil {
		return &apiError{http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.",
			[][2]string{{"BucketName", name}}}
	}
	return st.carryOut(&change{bucket: name, settings: &bucketSettings{
		name: name, owner: owner, created: now.UTC().Truncate(time.Millisecond), keys: keys}})
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

// deleteBucket removes a bucket that has neither objects nor other versions nor
// delete markers. Uploads under way end.
func (st *store) deleteBucket(name string) *apiError {
	return st.update(name, func(b *bucket) (*change, *apiError) {
		if b.objects.tree.Len()+b.older.tree.Len() > 0 {
			return nil, &apiError{http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty",
				[][2]string{{"BucketName", name}}}
		}
		return &change{drop: true, end: b.uploads.Items()}, nil
	})
}

// configure changes a bucket's settings.
func (st *store) configure(name string, set func(*bucketSettings) *apiError) *apiError {
	return st.update(name, func(b *bucket) (*change, *apiError) {
		settings := *b.bucketSettings
		if err := set(&settings); err != nil {
			return nil, err
		}
		return &change{settings: &settings}, nil
	})
}

// disableSearch drops a bucket's indexes for good.
func (st *store) disableSearch(name string) *apiError {
	return st.configure(name, func(s *bucketSettings) *apiError {
		if len(s.keys) == 0 {
			return errSearchNotEnabled
		}
		s.keys = nil
		return nil
	})
}

// setVersioning switches a bucket's versioning on or off. Off is not back to
// never: versions stay.
func (st *store) setVersioning(name string, on bool) *apiError {
	return st.configure(name, func(s *bucketSettings) *apiError {
		s.versioning = versioningSuspended
		if on {
			s.versioning = versioned
		}
		return nil
	})
}

// put stores the version that fill makes complete, and whose bytes are staged
// in o.content, or in which fill puts those of another object: fill sees the
// state that the change is made in, and the current object of the key or nil,
// and may refuse. A content that was staged and not stored is discarded.
// kept says whether the bucket has version ids to tell.
func (st *store) put(name string, o *object, fill func(b *bucket, old *object) *apiError) (kept bool, err *apiError) {
	staged := o.content
	err = st.update(name, func(b *bucket) (*change, *apiError) {
		if err := checkKey(o.key); err != nil {
			return nil, err
		}
		if fill != nil {
			if err := fill(b, b.current(o.key)); err != nil {
				return nil, err
			}
		}
		c := &change{}
		st.addVersion(c, b, o)
		kept = b.versioning != neverVersioned
		return c, nil
	})
	if err != nil && staged != nil {
		st.storage.discard(staged)
	}
	return kept, err
}

func checkKey(key string) *apiError {
	if key == "" || len(key) > maxKeyLength {
		return badRequest("KeyTooLongError", "A key has 1 to %d bytes, this one %d.", maxKeyLength, len(key))
	}
	return nil
}

// addVersion makes o part of c, as the newest version of its key. Where the
// bucket does not keep versions it replaces the null version. The caller holds
// st.writing.
func (st *store) addVersion(c *change, b *bucket, o *object) {
	st.seq++
	o.seq, o.null = st.seq, b.versioning != versioned
	c.add = append(c.add, o)
	if o.null {
		if old := b.null(o.key); old != nil {
			c.remove = append(c.remove, old)
		}
	}
}

// deletion is one thing to delete: a version, or with no version id what the
// key's name stands for.
type deletion struct{ key, versionID string }

// deleted says what became of a deletion.
type deleted struct {
	versionID string // removed or, for a delete marker that was made, its id; empty in a bucket that never had versioning
	marker    bool   // a delete marker was made or removed
}

// remove deletes a key or one of its versions; what is not there is no error,
// as in S3.
func (st *store) remove(name string, d deletion, owner string, now time.Time) (done deleted, err *apiError) {
	err = st.update(name, func(b *bucket) (*change, *apiError) {
		if err := checkKey(d.key); err != nil {
			return nil, err
		}
		c := &change{}
		if done = st.removeVersion(c, b, d, owner, now); c.empty() {
			return nil, nil
		}
		return c, nil
	})
	return done, err
}

// removeAll carries out deletions, in as few changes as their keys allow, but
// for those with an error, and sets what became of them.
func (st *store) removeAll(name string, all []deletionResult, owner string, now time.Time) *apiError {
	for len(all) > 0 {
		n := 0
		err := st.update(name, func(b *bucket) (*change, *apiError) {
			c := &change{}
			planned := deletionSet{}
			for n = 0; n < len(all); n++ {
				r := &all[n]
				if r.err != nil {
					continue
				}
				if !planned.add(r.deletion) {
					break
				}
				r.done = st.removeVersion(c, b, r.deletion, owner, now)
			}
			if c.empty() {
				return nil, nil
			}
			return c, nil
		})
		if err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// deletionSet is deletions by key, by the ids of the versions.
type deletionSet map[string]map[string]bool

// add adds a deletion. ok is false for one that depends on what another has
// done, as a change is planned on the state before it: of the same version, or
// of what a key's name stands for along with any other of the key.
func (s deletionSet) add(d deletion) (ok bool) {
	id := d.versionID
	if id == unversionedID {
		id = nullVersion
	}
	ids := s[d.key]
	if ids[""] || ids[id] || id == "" && len(ids) > 0 {
		return false
	}
	if ids == nil {
		ids = map[string]bool{}
		s[d.key] = ids
	}
	ids[id] = true
	return true
}

// removeVersion makes a deletion part of c, of which no other depends on it.
// The caller holds st.writing.
func (st *store) removeVersion(c *change, b *bucket, d deletion, owner string, now time.Time) (done deleted) {
	if d.versionID == "" && b.versioning != neverVersioned {
		marker := newObject(d.key, owner, now)
		marker.marker = true
		st.addVersion(c, b, marker)
		return deleted{marker.versionID(), true}
	}
	old := b.current(d.key)
	if d.versionID != "" {
		old = b.version(d.key, d.versionID)
	}
	if b.versioning != neverVersioned {
		done.versionID = d.versionID
	}
	if old != nil {
		c.remove = append(c.remove, old)
		done.marker = old.marker
		if done.versionID != "" {
			done.versionID = old.versionID() // "null", where the request may have said "0"
		}
	}
	return done
}
