package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/ecsfs/ecsfs/search"
)

func (u suite) testStat(t *testing.T, s search.Store) {
	for _, bucket := range []string{plainBucket, indexedBucket} {
		rows := make(map[string]search.Entry)
		for _, e := range mustCollect(t, s.List(t.Context(), bucket, search.ListOptions{Recursive: true})) {
			rows[e.Key] = e
		}
		for _, want := range u.bucketOf(bucket).Objects {
			ref := search.Ref{Bucket: bucket, Key: want.Key}
			got, err := s.Stat(t.Context(), ref)
			if err != nil {
				t.Errorf("Stat(%+q): %v", want.Key, err)
				continue
			}
			row := rows[want.Key]
			if got.Key != want.Key || got.Size != int64(len(want.Data)) || got.ETag != row.ETag ||
				got.ModTime.Unix() != row.ModTime.Unix() || got.Partial != search.FromHead {
				t.Errorf("Stat(%+q) = %+v, the listing has %+v", want.Key, got, row)
			}
			if want.ContentType != "" && got.ContentType != want.ContentType {
				t.Errorf("Stat(%+q): content type %q, want %q", want.Key, got.ContentType, want.ContentType)
			}
			user := make(map[string]string)
			for name, value := range want.Metadata {
				user[search.MetaPrefix+name] = value
			}
			if d := diff(search.NewMetadata(user), got.Metadata); d != "" {
				t.Errorf("Stat(%+q): metadata (-want +got):\n%s", want.Key, d)
			}
			ref.ETag, ref.Size = got.ETag, got.Size
			if _, err := s.Stat(t.Context(), ref); err != nil {
				t.Errorf("Stat(%+q) pinned to its ETag: %v", want.Key, err)
			}
		}
	}
	_, err := s.Stat(t.Context(), search.Ref{Bucket: plainBucket, Key: "zero", ETag: "0123456789abcdef0123456789abcdef"})
	wantKind(t, "Stat with another ETag", err, search.KindChanged)
}

// readerAt reads one object.
type readerAt struct {
	ctx   context.Context
	store search.Store
	ref   search.Ref
}

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	return r.store.ReadRange(r.ctx, r.ref, p, off)
}

func (u suite) testReadRange(t *testing.T, s search.Store) {
	for _, want := range u.bucketOf(plainBucket).Objects {
		o, err := s.Stat(t.Context(), search.Ref{Bucket: plainBucket, Key: want.Key})
		if err != nil {
			t.Fatalf("Stat(%+q): %v", want.Key, err)
		}
		for _, ref := range []search.Ref{
			{Bucket: plainBucket, Key: want.Key, ETag: o.ETag, Size: o.Size},
			{Bucket: plainBucket, Key: want.Key},
		} {
			r := io.NewSectionReader(readerAt{t.Context(), s, ref}, 0, o.Size)
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want.Data) {
				t.Errorf("%+q, pinned %v: %d of %d bytes, equal %v, error %v",
					want.Key, ref.ETag != "", len(got), len(want.Data), bytes.Equal(got, want.Data), err)
			}
		}
	}
	// iotest asserts the rules of io.Reader and io.ReaderAt at every offset.
	o, err := s.Stat(t.Context(), search.Ref{Bucket: plainBucket, Key: "a b"})
	if err != nil {
		t.Fatal(err)
	}
	r := io.NewSectionReader(readerAt{t.Context(), s, search.Ref{Bucket: plainBucket, Key: "a b", ETag: o.ETag, Size: o.Size}}, 0, o.Size)
	if err := iotest.TestReader(r, []byte("data of a b")); err != nil {
		t.Error(err)
	}
}

func (u suite) testReadRangeEdges(t *testing.T, s search.Store) {
	const key = "folder/big"
	data := pattern(bigSize)
	o, err := s.Stat(t.Context(), search.Ref{Bucket: plainBucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	pinned := search.Ref{Bucket: plainBucket, Key: key, ETag: o.ETag, Size: o.Size}
	open := search.Ref{Bucket: plainBucket, Key: key}
	zero := search.Ref{Bucket: plainBucket, Key: "zero"}
	tests := []struct {
		name    string
		ref     search.Ref
		off     int64
		length  int
		want    []byte
		wantEOF bool
	}{
		{"first byte", pinned, 0, 1, data[:1], false},
		{"middle", pinned, 4095, 70000, data[4095:74095], false},
		{"whole", pinned, 0, bigSize, data, false},
		{"up to the end", pinned, bigSize - 10, 10, data[bigSize-10:], false},
		{"across the end", pinned, bigSize - 10, 100, data[bigSize-10:], true},
		{"at the end", pinned, bigSize, 1, nil, true},
		{"past the end", pinned, bigSize + 5, 1, nil, true},
		{"nothing", pinned, 7, 0, nil, false},
		{"not pinned, middle", open, 100, 100, data[100:200], false},
		{"not pinned, across the end", open, bigSize - 3, 9, data[bigSize-3:], true},
		{"not pinned, past the end", open, bigSize + 1, 1, nil, true},
		{"empty object", zero, 0, 10, nil, true},
	}
	for _, tt := range tests {
		p := bytes.Repeat([]byte{0xa5}, tt.length+1)
		n, err := s.ReadRange(t.Context(), tt.ref, p[:tt.length], tt.off)
		if n != len(tt.want) || !bytes.Equal(p[:n], tt.want) {
			t.Errorf("%s: %d bytes, want %d", tt.name, n, len(tt.want))
		}
		if tt.wantEOF != (err == io.EOF) || !tt.wantEOF && err != nil {
			t.Errorf("%s: error %v, want io.EOF: %v", tt.name, err, tt.wantEOF)
		}
		if p[tt.length] != 0xa5 {
			t.Errorf("%s: wrote behind the buffer", tt.name)
		}
	}

	other := pinned
	other.ETag = "0123456789abcdef0123456789abcdef"
	_, err = s.ReadRange(t.Context(), other, make([]byte, 10), 0)
	wantKind(t, "a read of another ETag", err, search.KindChanged)
	gone := search.Ref{Bucket: plainBucket, Key: "no such key", ETag: o.ETag, Size: 100}
	_, err = s.ReadRange(t.Context(), gone, make([]byte, 10), 0)
	wantKind(t, "a pinned read of an object that is gone", err, search.KindChanged)
}

func (u suite) testMissing(t *testing.T, s search.Store) {
	ctx := t.Context()
	_, err := s.Schema(ctx, missingBucket)
	wantKind(t, "Schema of no bucket", err, search.KindNotExist)
	_, err = collect(t, s.List(ctx, missingBucket, search.ListOptions{}))
	wantKind(t, "List of no bucket", err, search.KindNotExist)
	for _, ref := range []search.Ref{
		{Bucket: missingBucket, Key: "x"}, {Bucket: plainBucket, Key: "no such key"}, {Bucket: plainBucket, Key: "zero/"},
		{Bucket: plainBucket, Key: ""}, {Bucket: "..", Key: "x"}, {Bucket: "", Key: "x"},
	} {
		_, err := s.Stat(ctx, ref)
		wantKind(t, "Stat of "+ref.Bucket+"/"+ref.Key, err, search.KindNotExist)
		_, err = s.ReadRange(ctx, ref, make([]byte, 1), 0)
		wantKind(t, "ReadRange of "+ref.Bucket+"/"+ref.Key, err, search.KindNotExist)
		if e, ok := errors.AsType[*search.Error](err); !ok || strings.Contains(e.Error(), "\n") {
			t.Errorf("not a *search.Error of one line: %v", err)
		}
	}
}

// testCanceled calls everything with a context that is over.
func (u suite) testCanceled(t *testing.T, s search.Store) {
	schema, err := s.Schema(t.Context(), indexedBucket)
	if err != nil {
		t.Fatal(err)
	}
	where := parse(t, schema, "size,gt,3")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ref := search.Ref{Bucket: plainBucket, Key: "folder/big"}
	_, err = collect(t, s.List(ctx, plainBucket, search.ListOptions{Prefix: "canceled"}))
	wantKind(t, "List", err, search.KindCanceled)
	_, err = collect(t, s.Query(ctx, search.Listing{Bucket: indexedBucket, Where: where}))
	wantKind(t, "Query", err, search.KindCanceled)
	_, err = s.ReadRange(ctx, ref, make([]byte, 77), 77)
	wantKind(t, "ReadRange", err, search.KindCanceled)

	// A listing whose context ends half way ends with that error.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	last := error(nil)
	for _, err := range s.List(ctx, plainBucket, search.ListOptions{Recursive: true}) {
		cancel()
		last = err
	}
	if last != nil {
		wantKind(t, "List cancelled half way", last, search.KindCanceled)
	}
}

func (u suite) testConcurrent(t *testing.T, s search.Store) {
	tr := learn(t, s, u.bucketOf(indexedBucket), u.Options)
	data := pattern(bigSize)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if !tr.matches(t, s, parse(t, tr.schema, fixedQueries[i%len(fixedQueries)])) {
				t.Errorf("query %d differs when many run", i)
			}
		})
		group.Go(func() {
			p := make([]byte, 10_000)
			off := int64(i) * 50_000
			n, err := s.ReadRange(t.Context(), search.Ref{Bucket: plainBucket, Key: "folder/big"}, p, off)
			if err != nil || !bytes.Equal(p[:n], data[off:off+10_000]) {
				t.Errorf("read %d differs when many run: %d bytes, %v", i, n, err)
			}
		})
		group.Go(func() {
			entries, err := collect(t, s.List(t.Context(), plainBucket, search.ListOptions{}))
			if want := wantEntries(u.bucketOf(plainBucket).Objects, search.ListOptions{}); err != nil || len(entries) != len(want) {
				t.Errorf("listing %d differs when many run: %d entries of %d, %v", i, len(entries), len(want), err)
			}
		})
	}
	group.Wait()
}

// matches is check for goroutines of the test, which must not end it.
func (tr truth) matches(t *testing.T, s search.Store, where search.Expr) bool {
	want := 0
	for _, o := range tr.objects {
		if search.Evaluate(where, &o) == search.True {
			want++
		}
	}
	got := 0
	for o, err := range s.Query(t.Context(), search.Listing{Bucket: tr.schema.Bucket, Where: where}) {
		if err != nil || search.Evaluate(where, &o) != search.True {
			return false
		}
		got++
	}
	return got == want
}
