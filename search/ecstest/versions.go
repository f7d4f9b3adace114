package ecstest

import (
	"encoding/xml"
	"iter"
	"net/http"
)

// bucketVersioning answers GET /bucket?versioning.
func (s *Server) bucketVersioning(w http.ResponseWriter, c *call) *apiError {
	x := newS3XML("VersioningConfiguration")
	err := s.data().view(c.Bucket, func(b *bucket) *apiError {
		switch b.versioning {
		case versioned:
			x.elem("Status", "Enabled")
		case versioningSuspended:
			x.elem("Status", "Suspended")
		}
		return nil
	})
	if err != nil {
		return err
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// putBucketVersioning answers PUT /bucket?versioning.
func (s *Server) putBucketVersioning(w http.ResponseWriter, c *call) *apiError {
	var config struct {
		XMLName   xml.Name `xml:"VersioningConfiguration"`
		Status    string
		MfaDelete string
	}
	if err := c.configuration(w, maxConfigBody, &config); err != nil {
		return err
	}
	switch {
	case config.MfaDelete == "Enabled":
		return notImplemented("MfaDelete")
	case config.Status != "Enabled" && config.Status != "Suspended":
		return badRequest("IllegalVersioningConfigurationException",
			"The versioning configuration's Status is Enabled or Suspended, not %q.", config.Status)
	}
	if err := s.data().setVersioning(c.Bucket, config.Status == "Enabled"); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// versionListing is one page of a listing of versions.
type versionListing struct {
	listing
	// version, when not empty, names the version of the key listing.after that
	// the page begins after; without it the page begins after the whole key.
	version string
}

// page returns versions and common prefixes by name, the versions of a key the
// newest first, and whether more follow.
func (l *versionListing) page(b *bucket) (rows []row, more bool, err *apiError) {
	if l.limit == 0 {
		return nil, false, nil
	}
	current, older := b.objects.below(l.prefix), b.older.below(l.prefix)
	narrow := func(from *object) {
		current = current.intersect(span{ix: b.objects, from: from})
		older = older.intersect(span{ix: b.older, from: from})
	}
	switch group, passed := l.passed(); {
	case l.after == "":
	case passed:
		current, older = current.past(group), older.past(group)
	case l.version == "":
		narrow(newestOf(l.after + "\x00"))
	default:
		seq, err := l.seqOf(b)
		if err != nil {
			return nil, false, err
		}
		narrow(&object{key: l.after, seq: seq - 1})
		if o := b.current(l.after); o != nil && o.seq >= seq { // its index is by name alone
			current = current.intersect(span{ix: b.objects, from: newestOf(l.after + "\x00")})
		}
	}
	for {
		var group string
		for o := range newestFirst(current, older) {
			if len(rows) == l.limit {
				return rows, true, nil
			}
			var ok bool
			if group, ok = l.groupOf(o.key); ok {
				rows = append(rows, row{prefix: group})
				break
			}
			rows = append(rows, row{object: o})
		}
		if group == "" {
			return rows, false, nil
		}
		current, older = current.past(group), older.past(group)
	}
}

// seqOf returns the place among the versions of l.after where the version
// l.version is or was.
func (l *versionListing) seqOf(b *bucket) (uint64, *apiError) {
	if l.version == nullVersion || l.version == unversionedID {
		if o := b.null(l.after); o != nil {
			return o.seq, nil
		}
	} else if seq, ok := parseID(l.version); ok {
		return seq, nil
	}
	return 0, invalidArgument("Invalid version id specified: %q", l.version)
}

// newestFirst yields the versions of two runs by name, the newest of a key
// first. current has at most one of each, newer than those in older.
func newestFirst(current, older span) iter.Seq[*object] {
	return func(yield func(*object) bool) {
		for o := range current.each {
			before := older.intersect(span{ix: older.ix, to: newestOf(o.key)})
			for old := range before.each {
				if !yield(old) {
					return
				}
			}
			if !yield(o) {
				return
			}
			older = older.intersect(span{ix: older.ix, from: newestOf(o.key)})
		}
		older.each(yield)
	}
}

// listVersions answers GET /bucket?versions.
func (s *Server) listVersions(w http.ResponseWriter, c *call) *apiError {
	l := &versionListing{listing: listing{after: c.Query.Get("key-marker"), rolledUp: true}, version: c.Query.Get("version-id-marker")}
	if l.version != "" && l.after == "" {
		return invalidArgument("A version-id marker cannot be specified without a key marker.")
	}
	encode, err := s.listParams(c, &l.listing)
	if err != nil {
		return err
	}
	var rows []row
	var more bool
	latest := map[*object]bool{}
	err = s.data().view(c.Bucket, func(b *bucket) (err *apiError) {
		if rows, more, err = l.page(b); err != nil {
			return err
		}
		for _, r := range rows {
			if r.object != nil && b.latest(r.object.key) == r.object {
				latest[r.object] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	x := newS3XML("ListVersionsResult")
	x.elem("Name", c.Bucket)
	x.elem("Prefix", encode(l.prefix))
	x.elem("KeyMarker", encode(l.after))
	x.elem("VersionIdMarker", l.version)
	if more {
		last := rows[len(rows)-1]
		x.elem("NextKeyMarker", encode(last.name()))
		if last.object != nil {
			// Not "null": a null version may be replaced before the next page is
			// asked for, and its place must stay known.
			x.elem("NextVersionIdMarker", formatID(last.object.seq))
		}
	}
	writePage(x, c, &l.listing, more, encode)
	for _, r := range rows {
		if r.object != nil {
			writeVersion(x, r.object, latest[r.object], encode)
		}
	}
	writePrefixes(x, rows, encode)
	writeXML(w, http.StatusOK, x)
	return nil
}

func writeVersion(x *xmlWriter, o *object, latest bool, encode func(string) string) {
	elem := "Version"
	if o.marker {
		elem = "DeleteMarker"
	}
	x.begin(elem)
	x.elem("Key", encode(o.key))
	x.elem("VersionId", o.versionID())
	x.bool("IsLatest", latest)
	x.time("LastModified", o.time())
	if !o.marker {
		x.elem("ETag", quote(o.etag()))
		x.int("Size", o.size())
		x.elem("StorageClass", "STANDARD")
	}
	writeOwner(x, o.owner)
	x.end()
}
