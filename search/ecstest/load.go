package ecstest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// PutOptions is what PutObject stores beside the bytes.
type PutOptions struct {
	// Metadata is user metadata; names are taken in any case, with or without
	// "x-amz-meta-".
	Metadata map[string]string
	// ContentType is "application/octet-stream" when empty.
	ContentType     string
	ContentEncoding string
	// LastModified is kept to the millisecond, and is the time of creation as
	// well; zero: the server's clock.
	LastModified time.Time
}

// CreateBucket makes a bucket that is owned by AccessKeyID. searchKeys are in
// the form of the x-emc-metadata-search header: "Size", "LastModified",
// "x-amz-meta-color;string". Without any, the bucket has no metadata search.
// Errors are worded as the protocol's.
func (s *Server) CreateBucket(name string, searchKeys ...string) error {
	keys, err := s.Generation.traits().parseSearchKeys(strings.Join(searchKeys, ","))
	if err == nil {
		err = s.data().createBucket(name, s.accessKeyID(), keys, s.now())
	}
	return asError(err)
}

// PutObject stores an object, replacing one of the same key. data is copied.
func (s *Server) PutObject(bucket, key string, data []byte, o PutOptions) error {
	staged, err := s.data().stage(bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		return errStorage(err)
	}
	return s.putStaged(bucket, key, staged, o)
}

// putStaged stores an object of bytes that are staged.
func (s *Server) putStaged(bucket, key string, staged staged, o PutOptions) error {
	_, err := s.data().put(bucket, s.loaded(key, staged, o), nil)
	return asError(err)
}

// loaded returns a version of bytes that are staged.
func (s *Server) loaded(key string, staged staged, o PutOptions) *object {
	modified := o.LastModified
	if modified.IsZero() {
		modified = s.now()
	}
	obj := newObject(key, s.accessKeyID(), modified)
	staged.giveTo(obj)
	obj.headers.set("Content-Type", cmp.Or(o.ContentType, defaultContentType))
	if o.ContentEncoding != "" {
		obj.headers.set("Content-Encoding", o.ContentEncoding)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Metadata)) {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, metaPrefix) {
			lower = metaPrefix + lower
		}
		obj.meta.set(lower, o.Metadata[name])
	}
	return obj
}

// DeleteObject removes an object; one that is not there is no error. In a
// bucket with versioning it makes a delete marker.
func (s *Server) DeleteObject(bucket, key string) error {
	_, err := s.data().remove(bucket, deletion{key: key}, s.accessKeyID(), s.now())
	return asError(err)
}

// SetVersioning switches a bucket's versioning on, or off again: then versions
// stay, and new ones are null versions.
func (s *Server) SetVersioning(bucket string, on bool) error {
	return asError(s.data().setVersioning(bucket, on))
}

// asError keeps a nil *apiError from becoming an error.
func asError(err *apiError) error {
	if err == nil {
		return nil
	}
	return err
}
