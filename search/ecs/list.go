package ecs

import (
	"cmp"
	"context"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// List lists plain keys by ListObjects, version 1. See search.Lister.
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
		l := &listing{store: s, client: s.client, target: t, options: o}
		p := &pager[[]search.Entry]{op: opList, bucket: bucket, prefix: o.Prefix, maxPages: s.client.cfg.MaxPages,
			ahead: o.Limit == 0, fetch: l.fetch}
		seen := newSeenKeys()
		left := o.Limit
		for entries, err := range p.pages(ctx) {
			if err != nil {
				yield(search.Entry{}, err)
				return
			}
			for i := range entries {
				id := "object " + entries[i].Key
				if entries[i].Folder {
					id = "folder " + entries[i].Key // an object "a/" and a folder "a/" are two entries
				}
				if !seen.add(id) {
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

// listing is one plain listing under way.
type listing struct {
	store   *Store
	client  *Client
	target  target
	options search.ListOptions
}

// fetch gets one page.
func (l *listing) fetch(ctx context.Context, marker string, _ func(string)) ([]search.Entry, string, error) {
	page, err := l.page(ctx, l.options.Prefix, marker, l.maxKeys(), !l.options.Recursive)
	if err != nil {
		return nil, "", err
	}
	if page.encoded {
		if err := l.decode(ctx, &page); err != nil {
			return nil, "", l.client.failed(ctx, l.target, nil, err)
		}
	}
	entries, err := l.entries(&page)
	if err != nil {
		return nil, "", l.client.failed(ctx, l.target, nil, err)
	}
	next := page.next
	if !page.truncated {
		next = ""
	} else if next == "" {
		// Version 1 names the next marker only with a delimiter: else it is the last key.
		if n := len(page.objects); n > 0 {
			next = page.objects[n-1].key
		}
		if n := len(page.prefixes); n > 0 {
			next = max(next, page.prefixes[n-1])
		}
		if next == "" {
			return nil, "", l.client.failed(ctx, l.target, nil, badf("the page says that more follows, but not where"))
		}
	}
	return entries, next, nil
}

// maxKeys returns the page size to ask for; 0: the server's own.
func (l *listing) maxKeys() int {
	size := l.client.cfg.PageSize
	if limit := l.options.Limit; limit > 0 && limit < cmp.Or(size, maxPageSize) {
		return limit
	}
	return size
}

// page makes one request.
func (l *listing) page(ctx context.Context, prefix, marker string, maxKeys int, folders bool) (listPage, error) {
	c := l.client
	cl, err := c.begin(ctx, kindList)
	if err != nil {
		return listPage{}, c.failed(ctx, l.target, nil, err)
	}
	defer cl.end()
	params := []parameter{{"encoding-type", "url"}}
	add := func(name, value string) {
		if value != "" {
			params = append(params, parameter{name, value})
		}
	}
	add("prefix", prefix)
	add("marker", marker)
	if maxKeys > 0 {
		add("max-keys", strconv.Itoa(maxKeys))
	}
	if folders {
		add("delimiter", "/")
	}
	var page listPage
	err = c.ride(cl, l.target.bucket, params, func(r io.Reader) (err error) {
		page, err = decodeList(r)
		return err
	})
	return page, c.failed(ctx, l.target, cl, err)
}

// texts calls f for every percent-encoded text of the page.
func (p *listPage) texts(f func(*string)) {
	for i := range p.objects {
		f(&p.objects[i].key)
	}
	for i := range p.prefixes {
		f(&p.prefixes[i])
	}
	f(&p.next)
}

// decode replaces the percent-encoded texts of the page.
func (l *listing) decode(ctx context.Context, page *listPage) error {
	plus, err := l.plusMeaning(ctx, page)
	if err != nil {
		return err
	}
	page.texts(func(s *string) {
		decoded, e := percentDecode(*s, plus)
		if e != nil {
			err = e
			return
		}
		*s = decoded
	})
	return err
}

// plusMeaning finds out what "+" is on this page. A page that has %20 writes
// blanks so, one that has %2B does not write plus as "+". Where neither is
// there, and no earlier page told, the store is asked once for a key that
// begins with the name read the one way.
func (l *listing) plusMeaning(ctx context.Context, page *listPage) (plusMeaning, error) {
	var withPlus string
	blank, plus := false, false
	page.texts(func(s *string) {
		if withPlus == "" && strings.Contains(*s, "+") {
			withPlus = *s
		}
		blank = blank || strings.Contains(*s, "%20")
		plus = plus || strings.Contains(*s, "%2B") || strings.Contains(*s, "%2b")
	})
	meaning := plusMeaning(l.store.plus.Load())
	switch {
	case withPlus == "":
		return plusIsBlank, nil // there is none to read
	case blank:
		meaning = plusIsPlus
	case plus:
		meaning = plusIsBlank
	case meaning == plusUnknown:
		name, err := percentDecode(withPlus, plusIsBlank)
		if err != nil {
			return plusUnknown, err
		}
		probe, err := l.page(ctx, name, "", 1, false)
		if err != nil {
			return plusUnknown, err
		}
		meaning = plusIsPlus
		if len(probe.objects)+len(probe.prefixes) > 0 {
			meaning = plusIsBlank
		}
	}
	l.store.plus.Store(int32(meaning))
	return meaning, nil
}

// entries returns the rows of a decoded page in order of their key.
func (l *listing) entries(page *listPage) ([]search.Entry, error) {
	prefix := l.options.Prefix
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
			Key: row.key, Size: row.size, ModTime: row.modTime, ETag: row.etag, Partial: search.FromList}})
	}
	for _, p := range page.prefixes {
		if !strings.HasPrefix(p, prefix) || len(p) == len(prefix) || !strings.HasSuffix(p, "/") {
			return nil, badf("a common prefix that is no folder below the prefix asked for")
		}
		folder(p)
	}
	slices.SortStableFunc(entries, func(a, b search.Entry) int { return cmp.Compare(a.Key, b.Key) })
	return entries, nil
}
