package ecstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listParts answers GET /bucket/key?uploadId=ID.
func (s *Server) listParts(w http.ResponseWriter, c *call) *apiError {
	limit, err := s.limit(c, "max-parts")
	if err != nil {
		return err
	}
	after := 0
	if text := c.Query.Get("part-number-marker"); text != "" {
		n, convErr := strconv.ParseUint(text, 10, 31)
		if convErr != nil {
			return invalidArgument("the parameter part-number-marker is a number from 0, not %q", text)
		}
		after = int(n)
	}
	var u *upload
	var parts []*part
	more := false
	err = s.viewUpload(c, func(found *upload) *apiError {
		u = found
		first, _ := u.find(after + 1)
		last := min(first+limit, len(u.parts))
		more = limit > 0 && last < len(u.parts)
		parts = slices.Clone(u.parts[first:last])
		return nil
	})
	if err != nil {
		return err
	}
	x := newS3XML("ListPartsResult")
	x.elem("Bucket", c.Bucket)
	x.elem("Key", c.Key)
	x.elem("UploadId", u.id())
	x.begin("Initiator")
	writeAccount(x, u.owner)
	x.end()
	writeOwner(x, u.owner)
	x.elem("StorageClass", "STANDARD")
	if u.checksum.algorithm != "" {
		x.elem("ChecksumAlgorithm", u.checksum.algorithm)
		x.elem("ChecksumType", u.checksum.kind())
	}
	x.int("PartNumberMarker", int64(after))
	if len(parts) > 0 {
		x.int("NextPartNumberMarker", int64(parts[len(parts)-1].number))
	}
	x.int("MaxParts", int64(limit))
	x.bool("IsTruncated", more)
	for _, p := range parts {
		x.begin("Part")
		x.int("PartNumber", int64(p.number))
		x.time("LastModified", time.UnixMilli(p.modified))
		x.elem("ETag", quote(p.etag()))
		x.int("Size", p.content.size())
		if p.checksum.value != "" {
			x.elem("Checksum"+p.checksum.algorithm, p.checksum.value)
		}
		x.end()
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// uploadRow is one row of a listing of uploads: an upload or a common prefix.
type uploadRow struct {
	upload *upload
	prefix string
}

// uploadPage returns uploads and common prefixes by name, the oldest of a key
// first, and whether more follow. The page begins after the upload before of
// the key l.after, with before 0 after all of that key.
func (b *bucket) uploadPage(l listing, before uint64) (rows []uploadRow, more bool) {
	if l.limit == 0 {
		return nil, false
	}
	from := &upload{key: l.prefix}
	if l.after != "" {
		next := &upload{key: l.after + "\x00"}
		if before > 0 {
			next = &upload{key: l.after, seq: before + 1}
		}
		if group, ok := l.passed(); ok {
			end, ok := prefixEnd(group)
			if !ok { // nothing is above it
				return nil, false
			}
			next = &upload{key: end}
		}
		if uploadBefore(from, next) {
			from = next
		}
	}
	for from != nil {
		start := from
		from = nil
		b.uploads.Ascend(start, func(u *upload) bool {
			if !strings.HasPrefix(u.key, l.prefix) {
				return false
			}
			if len(rows) == l.limit {
				more = true
				return false
			}
			group, ok := l.groupOf(u.key)
			if !ok {
				rows = append(rows, uploadRow{upload: u})
				return true
			}
			rows = append(rows, uploadRow{prefix: group})
			if end, ok := prefixEnd(group); ok {
				from = &upload{key: end}
			}
			return false
		})
	}
	return rows, more
}

// listUploads answers GET /bucket?uploads.
func (s *Server) listUploads(w http.ResponseWriter, c *call) *apiError {
	l := listing{after: c.Query.Get("key-marker"), rolledUp: true, prefix: c.Query.Get("prefix"), delimiter: c.Query.Get("delimiter")}
	id := c.Query.Get("upload-id-marker")
	var err *apiError
	if l.limit, err = s.limit(c, "max-uploads"); err != nil {
		return err
	}
	encode, err := c.encoder()
	if err != nil {
		return err
	}
	var before uint64
	if id != "" && l.after != "" { // without key-marker it is ignored, as in S3
		var ok bool
		if before, ok = parseID(id); !ok {
			return invalidArgument("Invalid uploadId marker: %q", id)
		}
	}
	var rows []uploadRow
	var more bool
	err = s.data().view(c.Bucket, func(b *bucket) *apiError {
		rows, more = b.uploadPage(l, before)
		return nil
	})
	if err != nil {
		return err
	}
	x := newS3XML("ListMultipartUploadsResult")
	x.elem("Bucket", c.Bucket)
	x.elem("KeyMarker", encode(l.after))
	x.elem("UploadIdMarker", id)
	if more {
		if last := rows[len(rows)-1]; last.upload != nil {
			x.elem("NextKeyMarker", encode(last.upload.key))
			x.elem("NextUploadIdMarker", last.upload.id())
		} else {
			x.elem("NextKeyMarker", encode(last.prefix))
		}
	}
	x.elem("Prefix", encode(l.prefix))
	if l.delimiter != "" {
		x.elem("Delimiter", encode(l.delimiter))
	}
	if t := c.Query.Get("encoding-type"); t != "" {
		x.elem("EncodingType", t)
	}
	x.int("MaxUploads", int64(l.limit))
	x.bool("IsTruncated", more)
	var prefixes []row
	for _, r := range rows {
		if r.upload == nil {
			prefixes = append(prefixes, row{prefix: r.prefix})
			continue
		}
		writeUpload(x, r.upload, encode)
	}
	writePrefixes(x, prefixes, encode)
	writeXML(w, http.StatusOK, x)
	return nil
}

func writeUpload(x *xmlWriter, u *upload, encode func(string) string) {
	x.begin("Upload")
	x.elem("Key", encode(u.key))
	x.elem("UploadId", u.id())
	x.begin("Initiator")
	writeAccount(x, u.owner)
	x.end()
	writeOwner(x, u.owner)
	x.elem("StorageClass", "STANDARD")
	x.time("Initiated", time.UnixMilli(u.initiated))
	if u.checksum.algorithm != "" {
		x.elem("ChecksumAlgorithm", u.checksum.algorithm)
		x.elem("ChecksumType", u.checksum.kind())
	}
	x.end()
}
