package ecstest

import (
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
		err = s.store.createBucket(name, s.accessKeyID(), keys, s.now())
	}
	return asError(err)
}

// PutObject stores an object, replacing one of the same key. data is copied.
func (s *Server) PutObject(bucket, key string, data []byte, o PutOptions) error {
	modified := o.LastModified
	if modified.IsZero() {
		modified = s.now()
	}
	obj := newObject(key, slices.Clone(data), modified)
	obj.owner = s.accessKeyID()
	obj.headers.set("Content-Type", defaultContentType)
	if o.ContentType != "" {
		obj.headers.set("Content-Type", o.ContentType)
	}
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
	return asError(s.store.put(bucket, obj, s.seed(), nil))
}

// DeleteObject removes an object; one that is not there is no error.
func (s *Server) DeleteObject(bucket, key string) error {
	return asError(s.store.remove(bucket, key))
}

// asError keeps a nil *apiError from becoming an error.
func asError(err *apiError) error {
	if err == nil {
		return nil
	}
	return err
}
