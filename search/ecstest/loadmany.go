package ecstest

import (
	"bytes"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync"
)

const (
	// loadBatch is how many objects PutObjects stores at a time: enough to put
	// them into the indexes in order, few enough not to keep readers waiting.
	loadBatch = 50_000
	// leastSorted is how many objects are worth sorting before they are indexed.
	leastSorted = 1000
)

// Object is one object for [Server.PutObjects].
type Object struct {
	Key  string
	Data []byte // copied
	// Generated, when not nil, has the bytes instead of Data: see PutGenerated.
	Generated *Generated
	PutOptions
}

// PutObjects is PutObject or PutGenerated of each object, in their order, and
// several times faster for hundreds of thousands of them. It takes them from
// objects as it goes, without a lock. An error is about one of the last 50,000
// that it took, of which it may have stored those before.
func (s *Server) PutObjects(bucket string, objects iter.Seq[Object]) error {
	batch := make([]*object, 0, loadBatch)
	keys := make(map[string]bool, loadBatch) // of batch
	flush := func() error {
		err := s.data().putNew(bucket, batch)
		batch = batch[:0]
		clear(keys)
		return asError(err)
	}
	for o := range objects {
		staged, err := s.stageObject(o)
		if err != nil {
			return errors.Join(flush(), err)
		}
		if len(batch) == loadBatch || keys[o.Key] {
			if err := flush(); err != nil {
				s.data().storage.discard(staged.content)
				return err
			}
		}
		loaded := s.loaded(o.Key, staged, o.PutOptions)
		keys[loaded.key] = true
		batch = append(batch, loaded)
	}
	return flush()
}

func (s *Server) stageObject(o Object) (staged, error) {
	if o.Generated != nil {
		return s.stageGenerated(*o.Generated)
	}
	staged, err := s.data().stage(bytes.NewReader(o.Data), int64(len(o.Data)), nil)
	if err != nil {
		return staged, errStorage(err)
	}
	return staged, nil
}

// putNew is put of many objects of different keys at once.
func (st *store) putNew(name string, objects []*object) *apiError {
	err := st.update(name, func(b *bucket) (*change, *apiError) {
		c := &change{}
		for _, o := range objects {
			if err := checkKey(o.key); err != nil {
				return nil, err
			}
			st.addVersion(c, b, o)
		}
		if c.empty() {
			return nil, nil
		}
		return c, nil
	})
	if err != nil {
		for _, o := range objects {
			st.storage.discard(o.content)
		}
	}
	return err
}

// addAll puts in versions, of different keys if there are several: each is the
// newest of its key.
func (b *bucket) addAll(versions []*object) {
	marker := func(o *object) bool { return o.marker }
	if len(versions) < leastSorted || b.lag.delay > 0 || slices.ContainsFunc(versions, marker) {
		for _, o := range versions {
			b.add(o)
		}
		return
	}
	search := b.search
	b.search = nil // add leaves it alone
	for _, o := range versions {
		if search != nil {
			search.fill(o)
			if have := b.current(o.key); have != nil {
				search.remove(have)
			}
		}
		b.add(o)
	}
	if b.search = search; search != nil {
		search.insertAll(versions)
	}
}

// insertAll is insert of many objects, each index by itself and in its order:
// what is next to each other there is in the processor's cache.
func (si *searchIndex) insertAll(objects []*object) {
	var done sync.WaitGroup
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, ix := range append(slices.Clone(si.columns), si.shuffled) {
		room <- struct{}{}
		done.Go(func() {
			defer func() { <-room }()
			sorted := make([]*object, 0, len(objects))
			for _, o := range objects {
				if ix == si.shuffled || o.in&(1<<i) != 0 {
					sorted = append(sorted, o)
				}
			}
			slices.SortFunc(sorted, ix.compare)
			for _, o := range sorted {
				ix.tree.Set(o)
			}
		})
	}
	done.Wait()
}
