package ecstest

import (
	"encoding/xml"
	"net/http"
)

const (
	maxDeletions  = 1000    // of one request
	maxDeleteBody = 8 << 20 // bytes: maxDeletions keys of maxKeyLength, each byte a character reference
)

// deletions is the body of a DeleteObjects.
type deletions struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
	} `xml:"Object"`
}

// deleteObjects answers POST /bucket?delete. Objects are deleted in the order
// of the request; one that cannot be is reported and keeps none of the others.
func (s *Server) deleteObjects(w http.ResponseWriter, c *call) *apiError {
	want, err := announcedChecksum(c.Header, "")
	if err != nil {
		return err
	}
	if want.hash == nil && c.Header.Get("Content-MD5") == "" {
		return badRequest("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var asked deletions
	if err := c.configuration(w, maxDeleteBody, &asked); err != nil {
		return err
	}
	if len(asked.Objects) == 0 || len(asked.Objects) > maxDeletions {
		return errMalformedXML
	}
	results := make([]deletionResult, len(asked.Objects))
	for i, o := range asked.Objects {
		results[i] = deletionResult{deletion: deletion{o.Key, o.VersionID}, err: checkKey(o.Key)}
	}
	if err := s.data().removeAll(c.Bucket, results, c.verified.AccessKeyID, s.now()); err != nil {
		return err
	}
	x := newS3XML("DeleteResult")
	for _, r := range results {
		r.write(x, asked.Quiet)
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// deletionResult is what became of one deletion of many.
type deletionResult struct {
	deletion
	done deleted
	err  *apiError // not nil: it was not tried
}

func (r *deletionResult) write(x *xmlWriter, quiet bool) {
	switch {
	case r.err != nil:
		x.begin("Error")
		x.elem("Key", r.key)
		if r.versionID != "" {
			x.elem("VersionId", r.versionID)
		}
		x.elem("Code", r.err.code)
		x.elem("Message", r.err.message)
		x.end()
	case !quiet:
		x.begin("Deleted")
		x.elem("Key", r.key)
		if r.versionID != "" {
			x.elem("VersionId", r.versionID)
		}
		if r.done.marker {
			x.bool("DeleteMarker", true)
			x.elem("DeleteMarkerVersionId", r.done.versionID)
		}
		x.end()
	}
}
