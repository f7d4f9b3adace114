package ecstest

import (
	"net/http"
	"net/url"
	"strings"
)

// copyObject answers PUT /bucket/key with x-amz-copy-source.
func (s *Server) copyObject(w http.ResponseWriter, c *call) *apiError {
	from, err := parseCopySource(c.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return err
	}
	o := newObject(c.Key, c.verified.AccessKeyID, s.now())
	replace := false
	switch d := c.Header.Get("X-Amz-Metadata-Directive"); d {
	case "", "COPY":
		if from.bucket == c.Bucket && from.key == c.Key && from.versionID == "" {
			return badRequest("InvalidRequest", "This copy request is illegal because it is trying to copy an object to "+
				"itself without changing the object's metadata.")
		}
	case "REPLACE":
		replace = true
		o.describe(c.Header)
	default:
		return invalidArgument("x-amz-metadata-directive is COPY or REPLACE, not %q", d)
	}
	st := s.data()
	var sourceVersion string
	versions, err := st.put(c.Bucket, o, func(_ *bucket, old *object) *apiError {
		// The source, too, is that of the moment of the change: what it is copied
		// from cannot go before it is named by the copy.
		source, version, err := st.copySource(from, c.Header)
		if err != nil {
			return err
		}
		sourceVersion = version
		o.content, o.md5, o.details = source.content, source.md5, source.details
		if !replace {
			o.headers, o.meta = source.headers, source.meta
		}
		return checkWriteConditions(c.Header, c.Key, old)
	})
	if err != nil {
		return err
	}
	if sourceVersion != "" {
		w.Header().Set("x-amz-copy-source-version-id", sourceVersion)
	}
	if versions {
		w.Header().Set("x-amz-version-id", o.versionID())
	}
	x := newS3XML("CopyObjectResult")
	x.time("LastModified", o.time())
	x.elem("ETag", quote(o.etag()))
	o.checksum().write(x)
	writeXML(w, http.StatusOK, x)
	return nil
}

// source is what x-amz-copy-source names.
type source struct{ bucket, key, versionID string }

// parseCopySource reads [/]bucket/key[?versionId=ID], percent-encoded.
func parseCopySource(header string) (source, *apiError) {
	path, version, _ := strings.Cut(strings.TrimPrefix(header, "/"), "?versionId=")
	decoded, unescapeErr := url.PathUnescape(path)
	bucketName, key, ok := strings.Cut(decoded, "/")
	if unescapeErr != nil || !ok || bucketName == "" || key == "" {
		return source{}, invalidArgument("x-amz-copy-source is not BUCKET/KEY: %q", header)
	}
	return source{bucketName, key, version}, nil
}

// copySource finds the source of a copy, on which the conditions in h must
// hold. version is empty in a bucket that never had versioning. The caller
// holds st.writing or st.mu.
func (st *store) copySource(from source, h http.Header) (o *object, version string, err *apiError) {
	b := st.buckets[from.bucket]
	if b == nil {
		return nil, "", errNoSuchBucket(from.bucket)
	}
	o, err = b.find(from.key, from.versionID)
	if o != nil && o.marker && from.versionID != "" {
		return nil, "", badRequest("InvalidRequest",
			"The source of a copy request may not specifically refer to a delete marker by version id.")
	}
	if err != nil {
		return nil, "", err
	}
	if b.versioning != neverVersioned {
		version = o.versionID()
	}
	return o, version, checkConditions(h, copySource, o)
}
