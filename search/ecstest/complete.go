package ecstest

import (
	"crypto/md5"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const maxCompleteBody = 4 << 20 // bytes: maxPartNumber parts with ETag and checksum

// completion is the body of a CompleteMultipartUpload.
type completion struct {
	XMLName xml.Name        `xml:"CompleteMultipartUpload"`
	Parts   []completedPart `xml:"Part"`
}

type completedPart struct {
	PartNumber int
	ETag       string
	Checksums  []struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	} `xml:",any"`
}

// checksum returns the text of the element of an algorithm's checksum.
func (p *completedPart) checksum(algorithm string) string {
	for _, c := range p.Checksums {
		if c.XMLName.Local == "Checksum"+algorithm {
			return strings.TrimSpace(c.Text)
		}
	}
	return ""
}

// completeUpload answers POST /bucket/key?uploadId=ID.
func (s *Server) completeUpload(w http.ResponseWriter, c *call) *apiError {
	body, err := c.body(w, maxCompleteBody)
	if err != nil {
		return err
	}
	data, readErr := io.ReadAll(body)
	if readErr != nil {
		return bodyError(readErr)
	}
	var asked completion
	if err := parseXML(data, &asked); err != nil {
		return err
	}
	if len(asked.Parts) == 0 || len(asked.Parts) > maxPartNumber {
		return errMalformedXML
	}
	o := newObject(c.Key, c.verified.AccessKeyID, s.now())
	versions := false
	err = s.updateUpload(c, func(b *bucket, u *upload) (*change, *apiError) {
		parts, err := s.chooseParts(u, asked.Parts)
		if err != nil {
			return nil, err
		}
		o.headers, o.meta, o.owner = u.headers, u.meta, u.owner
		o.join(parts, u.checksum)
		if err := s.checkCompleted(c.Header, o); err != nil {
			return nil, err
		}
		if err := checkWriteConditions(c.Header, c.Key, b.current(c.Key)); err != nil {
			return nil, err
		}
		done := &change{end: []*upload{u}}
		s.data().addVersion(done, b, o)
		versions = b.versioning != neverVersioned
		return done, nil
	})
	if err != nil {
		return err
	}
	if versions {
		w.Header().Set("x-amz-version-id", o.versionID())
	}
	x := newS3XML("CompleteMultipartUploadResult")
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	x.elem("Location", scheme+"://"+c.r.Host+c.r.URL.EscapedPath())
	x.elem("Bucket", c.Bucket)
	x.elem("Key", c.Key)
	x.elem("ETag", quote(o.etag()))
	o.checksum().write(x)
	writeXML(w, http.StatusOK, x)
	return nil
}

// chooseParts returns the parts of an upload that a completion names.
func (s *Server) chooseParts(u *upload, asked []completedPart) ([]*part, *apiError) {
	parts := make([]*part, 0, len(asked))
	for i := 1; i < len(asked); i++ { // before anything that needs the parts themselves
		if asked[i].PartNumber <= asked[i-1].PartNumber {
			return nil, badRequest("InvalidPartOrder",
				"The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	for i, a := range asked {
		p := u.part(a.PartNumber)
		if p == nil || strings.Trim(a.ETag, `"`) != p.etag() ||
			p.checksum.value != "" && a.checksum(p.checksum.algorithm) != "" && a.checksum(p.checksum.algorithm) != p.checksum.value {
			return nil, &apiError{http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. " +
				"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
				[][2]string{{"PartNumber", strconv.Itoa(a.PartNumber)}, {"ETag", a.ETag}}}
		}
		if u.checksum.composite && a.checksum(u.checksum.algorithm) == "" {
			return nil, badRequest("InvalidRequest", "The upload was created using a %s checksum. The complete request must include "+
				"the checksum for each part. It was missing for part %d in the request.", strings.ToLower(u.checksum.algorithm), a.PartNumber)
		}
		if least := s.minPartSize(); p.content.size() < least && i < len(asked)-1 {
			return nil, &apiError{http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
				[][2]string{{"ETag", a.ETag}, {"MinSizeAllowed", strconv.FormatInt(least, 10)},
					{"PartNumber", strconv.Itoa(a.PartNumber)}, {"ProposedSize", strconv.FormatInt(p.content.size(), 10)}}}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// join makes o the object of parts. want has the algorithm and kind of its
// checksum, if any.
func (o *object) join(parts []*part, want checksum) {
	sums := md5.New()
	content := make(joined, len(parts))
	o.details = &details{sizes: make([]int64, len(parts))}
	for i, p := range parts {
		sums.Write(p.md5[:])
		content[i], o.details.sizes[i] = p.content, p.content.size()
	}
	o.content, o.md5 = content, [md5.Size]byte(sums.Sum(nil))
	if want.algorithm != "" {
		o.details.checksum = want.ofParts(parts)
	}
}

// checkCompleted compares a complete object with what the headers say of it.
func (s *Server) checkCompleted(h http.Header, o *object) *apiError {
	if limit := s.maxObjectSize(); o.size() > limit {
		return badRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size of %d bytes.", limit)
	}
	if text := h.Get("X-Amz-Mp-Object-Size"); text != "" && text != strconv.FormatInt(o.size(), 10) {
		return badRequest("InvalidRequest", "The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", text, o.size())
	}
	have := o.checksum()
	if kind := h.Get("X-Amz-Checksum-Type"); kind != "" && have.algorithm != "" && !strings.EqualFold(kind, have.kind()) {
		return badRequest("InvalidRequest", "The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", have.kind())
	}
	if have.algorithm == "" {
		return nil
	}
	if text := h.Get(checksumHeader(have.algorithm)); text != "" && text != have.value {
		return badRequest("BadDigest", "The %s you specified did not match the calculated checksum.", have.algorithm)
	}
	return nil
}
