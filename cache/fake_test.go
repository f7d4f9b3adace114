package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// predicate stands for a search expression that is true of every object: a
// cache knows expressions by their print alone.
type predicate struct {
	search.Expr
	text string
}

func (p predicate) String() string { return p.text }

func query(bucket, text string) search.Listing {
	return search.Listing{Bucket: bucket, Where: predicate{text: text}}
}

// store is an object store in memory that counts its requests.
type store struct {
	pageRows int
	// on, if set, is called at each request, without a lock, and its error is
	// the request's: it may wait, fail or panic.
	on func(ctx context.Context, op, bucket, key string) error

	mu       sync.Mutex
	buckets  map[string]map[string]object
	requests map[string]int // by operation: "query" counts pages
}

type object struct {
	search.Object
	data []byte
}

func newStore(pageRows int) *store {
	return &store{pageRows: pageRows, buckets: make(map[string]map[string]object), requests: make(map[string]int)}
}

func (s *store) put(bucket, key, data string) search.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[bucket] == nil {
		s.buckets[bucket] = make(map[string]object)
	}
	o := object{data: []byte(data)}
	o.Object = search.Object{Key: key, Size: int64(len(data)), ETag: fmt.Sprintf("%016x", hashOf(data)),
		ModTime: time.UnixMilli(1764000000123).UTC(), ContentType: "text/plain"}
	s.buckets[bucket][key] = o
	return search.Ref{Bucket: bucket, Key: key, ETag: o.ETag, Size: o.Size}
}

func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (s *store) fill(bucket string, n int) {
	for i := range n {
		s.put(bucket, fmt.Sprintf("k%06d", i), fmt.Sprint("value ", i))
	}
}

func (s *store) delete(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets[bucket], key)
}

// request counts one request and calls on.
func (s *store) request(ctx context.Context, op, bucket, key string) error {
	s.mu.Lock()
	s.requests[op]++
	s.mu.Unlock()
	if s.on != nil {
		if err := s.on(ctx, op, bucket, key); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *store) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[op]
}

func (s *store) get(op, bucket, key string) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.buckets[bucket][key]; ok {
		return o, nil
	}
	return object{}, &search.Error{Op: op, Bucket: bucket, Key: key, Kind: search.KindNotExist}
}

func (s *store) Buckets(ctx context.Context) ([]search.Bucket, error) {
	if err := s.request(ctx, "buckets", "", ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var bs []search.Bucket
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		bs = append(bs, search.Bucket{Name: name})
	}
	return bs, nil
}

func (s *store) Schema(ctx context.Context, bucket string) (search.Schema, error) {
	if err := s.request(ctx, "schema", bucket, ""); err != nil {
		return search.Schema{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[bucket] == nil {
		return search.Schema{}, &search.Error{Op: "schema", Bucket: bucket, Kind: search.KindNotExist}
	}
	return search.Schema{Bucket: bucket, Enabled: true, Indexed: []search.Key{{Name: "Size", Type: search.Integer}}}, nil
}

func (s *store) Stat(ctx context.Context, ref search.Ref) (search.Object, error) {
	o, err := s.get("stat", ref.Bucket, ref.Key) // as it was when the request was begun
	if err := s.request(ctx, "stat", ref.Bucket, ref.Key); err != nil {
		return search.Object{}, err
	}
	if err == nil && ref.ETag != "" && ref.ETag != o.ETag {
		err = &search.Error{Op: "stat", Bucket: ref.Bucket, Key: ref.Key, Kind: search.KindChanged}
	}
	o.Partial = search.FromHead
	return o.Object, err
}

func (s *store) ReadRange(ctx context.Context, ref search.Ref, p []byte, off int64) (int, error) {
	if err := s.request(ctx, "read", ref.Bucket, ref.Key); err != nil {
		return 0, err
	}
	o, err := s.get("read", ref.Bucket, ref.Key)
	if ref.ETag != "" && (err != nil || o.ETag != ref.ETag) {
		err = &search.Error{Op: "read", Bucket: ref.Bucket, Key: ref.Key, Kind: search.KindChanged}
	}
	if err != nil {
		return 0, err
	}
	return bytes.NewReader(o.data).ReadAt(p, off)
}

func (s *store) Query(ctx context.Context, l search.Listing) iter.Seq2[search.Object, error] {
	return func(yield func(search.Object, error) bool) {
		for e, err := range s.rows(ctx, "query", l.Bucket, search.ListOptions{Prefix: l.Prefix, Recursive: true}) {
			if !yield(e.Object, err) {
				return
			}
		}
	}
}

func (s *store) List(ctx context.Context, bucket string, o search.ListOptions) iter.Seq2[search.Entry, error] {
	return s.rows(ctx, "list", bucket, o)
}

// rows fetches page by page: one request finds out that there is no other.
func (s *store) rows(ctx context.Context, op, bucket string, o search.ListOptions) iter.Seq2[search.Entry, error] {
	return func(yield func(search.Entry, error) bool) {
		var after string
		for {
			if err := s.request(ctx, op, bucket, o.Prefix); err != nil {
				yield(search.Entry{}, err)
				return
			}
			page, more := s.page(bucket, o, after)
			for _, e := range page {
				after = e.Key
				if !yield(e, nil) {
					return
				}
			}
			if !more {
				return
			}
		}
	}
}

func (s *store) page(bucket string, o search.ListOptions, after string) (page []search.Entry, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(s.buckets[bucket])) {
		rest, ok := strings.CutPrefix(k, o.Prefix)
		if !ok {
			continue
		}
		e := search.Entry{Object: s.buckets[bucket][k].Object}
		if dir, _, ok := strings.Cut(rest, "/"); ok && !o.Recursive {
			e = search.Entry{Folder: true, Object: search.Object{Key: o.Prefix + dir + "/"}}
		}
		if e.Key <= after || len(page) > 0 && page[len(page)-1].Key == e.Key {
			continue
		}
		if len(page) == s.pageRows {
			return page, true
		}
		page = append(page, e)
	}
	return page, false
}

// newCache is a Cache with lifetimes, closed with the test.
func newCache(t testing.TB, s search.Store, o Options) *Cache {
	c := New(s, o)
	t.Cleanup(c.Close)
	return c
}

var minute = Options{TTL: time.Minute, NegativeTTL: 5 * time.Second, SchemaTTL: 5 * time.Minute, PageRows: 10, BlockSize: 16}

func mustOpen(t testing.TB, c *Cache, l search.Listing) search.Snapshot {
	t.Helper()
	s, err := c.Open(t.Context(), l)
	if err != nil {
		t.Fatal("Open:", err)
	}
	return s
}

// drain reads all rows.
func drain(t testing.TB, s search.Snapshot) []search.Entry {
	t.Helper()
	var es []search.Entry
	for {
		e, err := s.Row(t.Context(), len(es))
		if err == io.EOF {
			return es
		}
		if err != nil {
			t.Fatal("Row:", err)
		}
		es = append(es, e)
	}
}

// stat returns one figure of c.Stats.
func stat(t testing.TB, c *Cache, name string) int64 {
	t.Helper()
	for _, s := range c.Stats() {
		if s.Name == name {
			return s.Value
		}
	}
	t.Fatalf("no counter %q", name)
	return 0
}

// wantRequests checks how many requests of op there were so far.
func (s *store) wantRequests(t testing.TB, op string, want int) {
	t.Helper()
	if got := s.count(op); got != want {
		t.Errorf("%d %s requests so far, want %d", got, op, want)
	}
}
