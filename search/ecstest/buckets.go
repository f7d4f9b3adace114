package ecstest

import (
	"io"
	"net/http"
	"strings"
)

const maxConfigBody = 1 << 20 // bytes of a request body that is a configuration

// listBuckets answers GET /.
func (s *Server) listBuckets(w http.ResponseWriter, c *call) *apiError {
	x := newS3XML("ListAllMyBucketsResult")
	writeOwner(x, c.verified.AccessKeyID)
	x.begin("Buckets")
	for _, b := range s.data().list() {
		x.begin("Bucket")
		x.elem("Name", b.name)
		x.time("CreationDate", b.created)
		x.end()
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// createBucket answers PUT /bucket. The region in the body is not looked at,
// as ECS has none.
func (s *Server) createBucket(w http.ResponseWriter, c *call) *apiError {
	body, err := c.body(w, maxConfigBody)
	if err != nil {
		return err
	}
	if _, readErr := io.Copy(io.Discard, body); readErr != nil {
		return bodyError(readErr)
	}
	keys, err := s.Generation.traits().parseSearchKeys(strings.Join(c.Header.Values("x-emc-metadata-search"), ","))
	if err != nil {
		return err
	}
	if err := s.data().createBucket(c.Bucket, c.verified.AccessKeyID, keys, s.now()); err != nil {
		return err
	}
	w.Header().Set("Location", "/"+c.Bucket)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) headBucket(w http.ResponseWriter, c *call) *apiError {
	if err := s.exists(c.Bucket); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) deleteBucket(w http.ResponseWriter, c *call) *apiError {
	if err := s.data().deleteBucket(c.Bucket); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// bucketLocation answers GET /bucket?location: US Standard, which has no name.
func (s *Server) bucketLocation(w http.ResponseWriter, c *call) *apiError {
	if err := s.exists(c.Bucket); err != nil {
		return err
	}
	writeXML(w, http.StatusOK, newS3XML("LocationConstraint"))
	return nil
}

func (s *Server) exists(bucketName string) *apiError {
	return s.data().view(bucketName, func(*bucket) *apiError { return nil })
}
