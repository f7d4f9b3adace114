package ecs

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// versionMarker makes one marker of the two that a listing of versions goes on from.
func versionMarker(key, version string) string { return key + "\x00" + version }

// cutVersionMarker is the reverse of versionMarker; of no marker it returns none. A key may have a
// NUL in it, a version not.
func cutVersionMarker(marker string) (key, version string) {
	if i := strings.LastIndexByte(marker, 0); i >= 0 {
		return marker[:i], marker[i+1:]
	}
	return "", ""
}

// isNoVersions reports whether err says that the server has no versions, in
// whichever way: then its objects are all there is.
func isNoVersions(err error) bool {
	return err != nil && (search.KindOf(err) == search.KindUnsupported || errors.Is(err, errNoVersions))
}

// holdBack parts off the versions of the key that more may follow of on the next
// page, so that all of them come together: a page is put in order by bytes,
// which may not be the server's order. left is how many entries are wanted yet (0 or less: all):
// where these are there, nothing is held back, for no page is asked for any more.
func (p *listedPage) holdBack(entries []search.Entry, left int) (now, held []search.Entry) {
	if p.open == "" || left > 0 && len(entries) >= left {
		return entries, nil
	}
	from := 0
	for from < len(entries) && entries[from].Key != p.open {
		from++
	}
	to := from
	for to < len(entries) && entries[to].Key == p.open {
		to++
	}
	held = append(held, entries[from:to]...)
	return append(entries[:from], entries[to:]...), held
}

// nulls is what a bucket's version "null" is.
type nulls int32

const (
	nullsUnknown nulls = iota
	// nullsAreVersions: the bucket has or had versions, and it is one of them.
	nullsAreVersions
	// nullsAreNone: the bucket never had versions.
	nullsAreNone
	// nullsUntold: the store does not say which of the two.
	nullsUntold
)

// nameVersions gives each row of a page the id by which its version is asked for: none
// in a bucket that never had versions. Where only the version "null" tells of it, the
// store is asked which bucket it is (GET /BUCKET?versioning). If it does not say, the
// latest version has no id: it is the current one in both cases.
func (l *listing) nameVersions(ctx context.Context, page *listPage) error {
	for i := range page.objects {
		row := &page.objects[i]
		if id := versionID(row.version); id != "" {
			row.version = id
			l.nulls.Store(int32(nullsAreVersions))
		} else {
			row.version = ""
		}
	}
	if page.markers {
		l.nulls.Store(int32(nullsAreVersions))
	}
	for i := range page.objects {
		row := &page.objects[i]
		if row.version != "" {
			continue
		}
		what := nulls(l.nulls.Load())
		if what == nullsUnknown {
			var err error
			if what, err = l.askVersioning(ctx); err != nil {
				return err
			}
			l.nulls.Store(int32(what))
		}
		if what == nullsAreVersions || what == nullsUntold && !row.latest {
			row.version = nullVersion
		}
	}
	return nil
}

// askVersioning asks what the version "null" is.
func (l *listing) askVersioning(ctx context.Context) (nulls, error) {
	what := nullsUntold
	err := l.client.run(ctx, l.target, kindList, func(cl *call) error {
		return l.client.ride(cl, l.target.bucket, []parameter{{name: "versioning"}}, func(r io.Reader) error {
			w := newWalker(r)
			root, err := w.root()
			if err != nil {
				return err
			}
			what = nullsUntold
			if root == "VersioningConfiguration" {
				what = nullsAreNone
			}
			return w.children(func(name string) error {
				if name == "Status" && root == "VersioningConfiguration" {
					what = nullsAreVersions // Enabled or Suspended; a bucket that never had them has no Status
				}
				return w.skip()
			})
		})
	})
	switch search.KindOf(err) {
	case search.KindUnsupported, search.KindPermission:
		if err != nil {
			return nullsUntold, nil
		}
	}
	return what, err
}
