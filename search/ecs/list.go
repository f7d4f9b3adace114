package ecs

import (
	"cmp"
	"context"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/ecsfs/ecsfs/search"
)

// List lists plain keys by ListObjects, version 1, and versions by
// ListObjectVersions. See search.Lister.
//
// Version 1 and not 2, because every generation of ECS and every S3 server has
// it, its marker is a key, so that a listing can always go on from the last one
// seen, and it is the operation that searches ride on.
//
// Each page is put in order; a server whose own order is another, as ECS's
// UTF-16 is for characters beyond the Basic Multilingual Plane, shows it
// between pages.
func (s *Store) List(ctx context.Context, bucket string, o search.ListOptions) iter.Seq2[search.Entry, error] {
	return func(yield func(search.Entry, error) bool) {
		t := target{op: opList, bucket: bucket, key: o.Prefix}
		if err := checkBucket(t); err != nil {
			yield(search.Entry{}, err)
			return
		}
		if o.Versions && !o.Recursive {
			yield(search.Entry{}, t.fail(search.KindInvalid, "versions are listed recursively only", ""))
			return
		}
		l := &listing{store: s, client: s.client, target: t, options: o}
		p := &pager[listedPage]{op: opList, bucket: bucket, prefix: o.Prefix, maxPages: s.client.cfg.MaxPages,
			ahead: func(int) bool { return o.Limit == 0 && !o.Lazy }, fetch: l.fetch}
		seen := newSeenKeys()
		left := o.Limit
		var held []search.Entry
		for page, err := range p.pages(ctx) {
			if err != nil {
				// What is held back was listed: an incomplete listing has it.
				for i := range held {
					if !yield(held[i], nil) {
						return
					}
				}
				yield(search.Entry{}, err)
				return
			}
			entries := append(held, page.entries...)
			sortEntries(entries)
			entries, held = page.holdBack(entries, left)
			for i := range entries {
				if !seen.add(entryID(&entries[i])) {
					continue
				}
				if !yield(entries[i], nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// entryID tells entries of one listing apart: an object "a/", a folder "a/"
// and the versions of an object are entries of their own.
func entryID(e *search.Entry) string {
	if e.Folder {
		return "folder " + e.Key
	}
	return "object " + e.Key + "\x00" + e.VersionID // its last NUL is where the version begins
}

// sortEntries puts entries in order of their key, and the versions of an object
// the newest first.
func sortEntries(entries []search.Entry) {
	slices.SortStableFunc(entries, func(a, b search.Entry) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), b.ModTime.Compare(a.ModTime))
	})
}

// listing is one plain listing under way.
type listing struct {
	store   *Store
	client  *Client
	target  target
	options search.ListOptions

	// nulls is what the version "null" is in this bucket, a value of nulls.
	nulls atomic.Int32
}

// listedPage is one page of a listing, decoded.
type listedPage struct {
	entries []search.Entry
	// open, of a page of versions that is not the last, is the key that the page ends
	// with, more versions of which may follow.
	open string
}

// fetch gets one page. It is called for a page while the one before is read.
func (l *listing) fetch(ctx context.Context, n int, marker string, early func(next string)) (listedPage, string, error) {
	if l.options.Versions && n == 1 {
		early = nil // for it tells how all of them are asked for and read
	}
	in := pageRequest{prefix: l.options.Prefix, marker: marker, maxKeys: l.maxKeys(), folders: !l.options.Recursive, versions: l.options.Versions}
	page, err := l.page(ctx, in, func(page *listPage) {
		if next, ok := l.nextOf(page); ok && early != nil {
			early(next)
		}
	})
	if l.options.Versions && n == 1 && isNoVersions(err) {
		l.options.Versions = false
		return l.fetch(ctx, n, marker, early)
	}
	if err != nil {
		return listedPage{}, "", err
	}
	if page.encoded {
		if err := l.decode(ctx, &page); err != nil {
			return listedPage{}, "", l.client.failed(ctx, l.target, nil, err)
		}
	}
	if l.options.Versions {
		if err := l.nameVersions(ctx, &page); err != nil {
			return listedPage{}, "", err
		}
	}
	out := listedPage{}
	if out.entries, err = l.entries(&page); err != nil {
		return listedPage{}, "", l.client.failed(ctx, l.target, nil, err)
	}
	next := page.next
	switch {
	case !page.truncated:
		next = ""
	case l.options.Versions && next != "":
		out.open = next
		next = versionMarker(next, page.nextVersion)
	case next == "" && !l.options.Versions:
		// Version 1 names the next marker only with a delimiter: else it is the last key.
		if n := len(page.objects); n > 0 {
			next = page.objects[n-1].key
		}
		if n := len(page.prefixes); n > 0 {
			next = max(next, page.prefixes[n-1])
		}
	}
	if page.truncated && next == "" {
		return listedPage{}, "", l.client.failed(ctx, l.target, nil, badf("the page says that more follows, but not where"))
	}
	return out, next, nil
}

// nextOf returns the marker of the page after one that is read up to its first row; ok is false where
// it is not told by then, or not without what follows.
func (l *listing) nextOf(page *listPage) (next string, ok bool) {
	if !page.truncated || page.next == "" {
		return "", false
	}
	next = page.next
	if strings.ContainsAny(next, "%+") {
		plus := plusMeaning(l.store.plus.Load())
		if !page.encoded || plus == plusUnknown && strings.Contains(next, "+") {
			return "", false
		}
		var err error
		if next, err = percentDecode(next, plus); err != nil {
			return "", false
		}
	}
	if l.options.Versions {
		next = versionMarker(next, page.nextVersion)
	}
	return next, true
}

// maxKeys returns the page size to ask for; 0: the server's own.
func (l *listing) maxKeys() int {
	size := l.client.cfg.PageSize
	if limit := l.options.Limit; limit > 0 && limit < cmp.Or(size, maxPageSize) {
		return limit
	}
	return size
}

// pageRequest says which page of a listing to ask for.
type pageRequest struct {
	prefix, marker string
	maxKeys        int  // 0: the server's own
	folders        bool // roll up what is below a "/"
	versions       bool // marker is one of versionMarker's
}

// page makes one request. early is as for decodeList.
func (l *listing) page(ctx context.Context, in pageRequest, early func(*listPage)) (listPage, error) {
	params := []parameter{{"encoding-type", "url"}}
	add := func(name, value string) {
		if value != "" {
			params = append(params, parameter{name, value})
		}
	}
	add("prefix", in.prefix)
	if in.versions {
		params = append(params, parameter{name: "versions"})
		key, version := cutVersionMarker(in.marker)
		add("key-marker", key)
		add("version-id-marker", version)
	} else {
		add("marker", in.marker)
	}
	if in.maxKeys > 0 {
		add("max-keys", strconv.Itoa(in.maxKeys))
	}
	if in.folders {
		add("delimiter", "/")
	}
	var page listPage
	err := l.client.run(ctx, l.target, kindList, func(cl *call) error {
		return l.client.ride(cl, l.target.bucket, params, func(r io.Reader) (err error) {
			page, err = decodeList(r, in.versions, early)
			return err
		})
	})
	return page, err
}

// entries returns the rows of a decoded page.
func (l *listing) entries(page *listPage) ([]search.Entry, error) {
	prefix := l.options.Prefix
	var class classMetadata
	entries := make([]search.Entry, 0, len(page.objects)+len(page.prefixes))
	folder := func(key string) {
		entries = append(entries, search.Entry{Folder: true, Object: search.Object{Key: key}})
	}
	for _, row := range page.objects {
		if !strings.HasPrefix(row.key, prefix) {
			return nil, badf("a key that does not begin with the prefix asked for")
		}
		// A server that knows no delimiter lists everything below.
		if i := strings.IndexByte(row.key[len(prefix):], '/'); i >= 0 && !l.options.Recursive {
			folder(row.key[:len(prefix)+i+1])
			continue
		}
		entries = append(entries, search.Entry{Object: search.Object{
			Key: row.key, Size: row.size, ModTime: row.modTime, ETag: row.etag, VersionID: row.version,
			Metadata: class.of(row.class), Partial: search.FromList}})
	}
	for _, p := range page.prefixes {
		if !strings.HasPrefix(p, prefix) || len(p) == len(prefix) || !strings.HasSuffix(p, "/") {
			return nil, badf("a common prefix that is no folder below the prefix asked for")
		}
		folder(p)
	}
	return entries, nil
}

// classMetadata makes the Metadata of storage classes. Rows of one class, which
// are mostly all, share theirs.
type classMetadata struct {
	class    string
	metadata search.Metadata
}

func (c *classMetadata) of(class string) search.Metadata {
	if class != c.class {
		c.class, c.metadata = class, search.Metadata{}
		if class != "" {
			c.metadata = search.NewMetadata(map[string]string{"StorageClass": class})
		}
	}
	return c.metadata
}
