package ecstest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxPartNumber      = 10_000
	defaultMinPartSize = 5 << 20 // bytes
)

func parsePartNumber(text string) (int, *apiError) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPartNumber {
		return 0, invalidArgument("Part number must be an integer between 1 and %d, inclusive, not %q", maxPartNumber, text)
	}
	return n, nil
}

// findUpload returns the upload that a request names.
func (b *bucket) findUpload(key, id string) (*upload, *apiError) {
	if seq, ok := parseID(id); ok {
		if u, ok := b.uploads.Get(&upload{key: key, seq: seq}); ok {
			return u, nil
		}
	}
	return nil, &apiError{http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. " +
		"The upload ID may be invalid, or the upload may have been aborted or completed.", [][2]string{{"UploadId", id}}}
}

// viewUpload is view of the upload that c names.
func (s *Server) viewUpload(c *call, f func(*upload) *apiError) *apiError {
	return s.data().view(c.Bucket, func(b *bucket) *apiError {
		u, err := b.findUpload(c.Key, c.Query.Get("uploadId"))
		if err != nil {
			return err
		}
		return f(u)
	})
}

// updateUpload is update of the upload that c names.
func (s *Server) updateUpload(c *call, plan func(*bucket, *upload) (*change, *apiError)) *apiError {
	return s.data().update(c.Bucket, func(b *bucket) (*change, *apiError) {
		u, err := b.findUpload(c.Key, c.Query.Get("uploadId"))
		if err != nil {
			return nil, err
		}
		return plan(b, u)
	})
}

// createUpload answers POST /bucket/key?uploads.
func (s *Server) createUpload(w http.ResponseWriter, c *call) *apiError {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	described := newObject(c.Key, c.verified.AccessKeyID, s.now())
	described.describe(c.Header)
	u := &upload{key: described.key, owner: described.owner, initiated: described.modified,
		headers: described.headers, meta: described.meta}
	var err *apiError
	if u.checksum, err = uploadChecksum(c.Header); err != nil {
		return err
	}
	st := s.data()
	err = st.update(c.Bucket, func(*bucket) (*change, *apiError) {
		st.seq++
		u.seq = st.seq
		return &change{upload: u}, nil
	})
	if err != nil {
		return err
	}
	if u.checksum.algorithm != "" {
		w.Header().Set("x-amz-checksum-algorithm", u.checksum.algorithm)
		w.Header().Set("x-amz-checksum-type", u.checksum.kind())
	}
	x := newS3XML("InitiateMultipartUploadResult")
	x.elem("Bucket", c.Bucket)
	x.elem("Key", c.Key)
	x.elem("UploadId", u.id())
	writeXML(w, http.StatusOK, x)
	return nil
}

// uploadChecksum reads which checksum an upload's parts and its object get.
func uploadChecksum(h http.Header) (checksum, *apiError) {
	name, kind := h.Get("X-Amz-Checksum-Algorithm"), h.Get("X-Amz-Checksum-Type")
	if name == "" {
		if kind != "" {
			return checksum{}, badRequest("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return checksum{}, nil
	}
	i := algorithmOf(name)
	if i < 0 {
		return checksum{}, badRequest("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	a := checksumAlgorithms[i]
	c := checksum{algorithm: a.name}
	switch strings.ToUpper(kind) {
	case "": // as S3: what the algorithm has always been used for
		c.composite = a.width != 64
	case "COMPOSITE":
		c.composite = true
	case "FULL_OBJECT":
	default:
		return checksum{}, badRequest("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
	}
	if c.composite && a.width == 64 || !c.composite && a.width == 0 {
		return checksum{}, badRequest("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", c.kind(), c.algorithm)
	}
	return c, nil
}

// uploadPart answers PUT /bucket/key?partNumber=N&uploadId=ID.
func (s *Server) uploadPart(w http.ResponseWriter, c *call) *apiError {
	number, err := parsePartNumber(c.Query.Get("partNumber"))
	if err != nil {
		return err
	}
	var algorithm string
	err = s.viewUpload(c, func(u *upload) *apiError {
		algorithm = u.checksum.algorithm
		return nil
	})
	if err != nil {
		return err
	}
	received, err := s.receive(w, c, algorithm)
	if err != nil {
		return err
	}
	p, err := s.setPart(c, number, received)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", quote(p.etag()))
	if p.checksum.value != "" {
		w.Header().Set(checksumHeader(p.checksum.algorithm), p.checksum.value)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// setPart makes staged bytes a part of the upload that c names, or discards
// them.
func (s *Server) setPart(c *call, number int, received staged) (*part, *apiError) {
	p := &part{number: number, content: received.content, md5: received.md5, checksum: received.checksum,
		modified: s.now().UnixMilli()}
	err := s.updateUpload(c, func(_ *bucket, u *upload) (*change, *apiError) {
		if a := u.checksum.algorithm; a != "" && a != p.checksum.algorithm {
			return nil, badRequest("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
				strings.ToLower(a), strings.ToLower(p.checksum.algorithm))
		}
		return &change{upload: u, part: p, replaced: u.part(number)}, nil
	})
	if err != nil {
		s.data().storage.discard(received.content)
	}
	return p, err
}

// uploadPartCopy answers PUT /bucket/key?partNumber=N&uploadId=ID with
// x-amz-copy-source. The bytes are read again: a part has no piece of another
// object.
func (s *Server) uploadPartCopy(w http.ResponseWriter, c *call) *apiError {
	number, err := parsePartNumber(c.Query.Get("partNumber"))
	if err != nil {
		return err
	}
	from, err := parseCopySource(c.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return err
	}
	var want wantedChecksum
	err = s.viewUpload(c, func(u *upload) (err *apiError) {
		want, err = announcedChecksum(nil, u.checksum.algorithm)
		return err
	})
	if err != nil {
		return err
	}
	st := s.data()
	var version string
	var reader contentReader
	var r byteRange
	err = st.view(from.bucket, func(*bucket) *apiError {
		o, v, err := st.copySource(from, c.Header)
		if err != nil {
			return err
		}
		if r, err = parseCopyRange(c.Header.Get("X-Amz-Copy-Source-Range"), o.size()); err != nil {
			return err
		}
		reader, version = o.content.open(), v
		return nil
	})
	if err != nil {
		return err
	}
	copied, stageErr := st.stage(reader.section(r.offset, r.length), r.length, want.hash)
	_ = reader.Close() // what it had to say, reading has said
	if stageErr != nil {
		return errStorage(stageErr)
	}
	copied.checksum, _ = want.verify(nil) // there is nothing to compare with
	p, err := s.setPart(c, number, copied)
	if err != nil {
		return err
	}
	if version != "" {
		w.Header().Set("x-amz-copy-source-version-id", version)
	}
	x := newS3XML("CopyPartResult")
	x.time("LastModified", time.UnixMilli(p.modified))
	x.elem("ETag", quote(p.etag()))
	if p.checksum.value != "" {
		x.elem("Checksum"+p.checksum.algorithm, p.checksum.value)
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// parseCopyRange reads x-amz-copy-source-range, which, unlike Range, must be
// "bytes=first-last" and within the source.
func parseCopyRange(header string, size int64) (byteRange, *apiError) {
	if header == "" {
		return byteRange{0, size}, nil
	}
	first, last, isRange := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	if !strings.HasPrefix(header, "bytes=") || !isRange || !digits(first) || !digits(last) {
		return byteRange{}, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	from, fromErr := strconv.ParseInt(first, 10, 64)
	to, toErr := strconv.ParseInt(last, 10, 64)
	if fromErr != nil || toErr != nil || to < from || to >= size {
		return byteRange{}, invalidArgument("Range specified is not valid for source object of size: %d", size)
	}
	return byteRange{from, to - from + 1}, nil
}

// abortUpload answers DELETE /bucket/key?uploadId=ID.
func (s *Server) abortUpload(w http.ResponseWriter, c *call) *apiError {
	err := s.updateUpload(c, func(_ *bucket, u *upload) (*change, *apiError) {
		return &change{end: []*upload{u}}, nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
